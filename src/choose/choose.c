/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "choose/choose.h"

#include "base/cleanup.h"
#include "choose/model.h"
#include "probe/calibrate.h"
#include "probe/device.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define OWN_FOLDER "rivulet-assess" /* where assess writes unless told */
#define FILE_NAME  "summary.json"
#define SHIPPED    "measurements.json"
#define PARENTS    2 /* folders above the program in which a build tree has it */

struct choosing {
	const struct choose_query *query;
	struct measurements own, shipped;
	struct device device;
	struct calibration speed;
	struct choices *choices;
	double ratios;        /* own / shipped score, multiplied... */
	unsigned ratio_count; /* ...of so many that are known by both */
};

static bool is_there(const char *path)
{
	return access(path, R_OK) == 0;
}

/* In $RIVULET_MEASUREMENTS, where it was installed, or in the source tree that the program was built in. */
static bool find_shipped(char ret[static PATH_MAX])
{
	const char *told = getenv("RIVULET_MEASUREMENTS");
	char program[PATH_MAX], *slash;
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

	snprintf(ret, PATH_MAX, "%s", told ? told : RIVULET_DATADIR "/" SHIPPED);
	if (told || is_there(ret))
		return true;
	program[length > 0 ? length : 0] = 0;
	for (int i = 0; i < PARENTS && (slash = strrchr(program, '/')); i++) {
		*slash = 0;
		snprintf(ret, PATH_MAX, "%.*s/data/" SHIPPED, PATH_MAX - 64, program);
		if (is_there(ret))
			return true;
	}
	return false;
}

static bool find_own(const struct choose_query *query, char ret[static PATH_MAX])
{
	struct stat is;

	snprintf(ret, PATH_MAX, "%s", query->measured ? query->measured : OWN_FOLDER);
	if (stat(ret, &is) == 0 && S_ISDIR(is.st_mode))
		strncat(ret, "/" FILE_NAME, PATH_MAX - strlen(ret) - 1);
	return query->measured || is_there(ret);
}

/* Where, when and how it was measured is what figures of another device are worth. */
static void describe(const struct measurements *from, const char *path,
		     char ret[static CHOICES_SOURCE])
{
	const char *words = json_string_value(
		json_object_get(json_object_get(from->document, "about"), "words"));

	snprintf(ret, CHOICES_SOURCE, "%s%s%s%s", path, words ? " (" : "", words ? words : "",
		 words ? ")" : "");
}

static int load(struct choosing *choosing, struct err *err)
{
	struct choices *choices = choosing->choices;
	char path[PATH_MAX];
	int code = 0;

	if (find_own(choosing->query, path)) {
		code = measurements_load(path, &choosing->own, err);
		snprintf(choices->sources[0], sizeof(choices->sources[0]), "%s", path);
	}
	if (code == 0 && find_shipped(path)) {
		code = measurements_load(path, &choosing->shipped, err);
		describe(&choosing->shipped, path, choices->sources[1]);
	}
	if (code == 0 && !choosing->own.count && !choosing->shipped.count)
		code = err_set(err, -ENOENT,
			       "nothing was measured yet: `rivulet assess --quick` measures this "
			       "device in 3 minutes");
	return code;
}

/* What a device that is this one, within the limits that were asked for, has. */
static double cpus_of(const struct choosing *choosing)
{
	double cpus = choosing->device.usable_cpus;

	if (choosing->device.cpu_share > 0 && choosing->device.cpu_share < cpus)
		cpus = choosing->device.cpu_share;
	if (choosing->query->cpus > 0 && choosing->query->cpus < cpus)
		cpus = choosing->query->cpus;
	return cpus;
}

static double memory_of(const struct choosing *choosing)
{
	double memory = (double)choosing->device.memory_free;

	if (choosing->device.memory_limit != DEVICE_UNLIMITED &&
	    (double)choosing->device.memory_limit < memory)
		memory = (double)choosing->device.memory_limit;
	if (choosing->query->memory > 0 && choosing->query->memory < memory)
		memory = choosing->query->memory;
	return memory;
}

static double of_workloads(const struct measurements *from, const struct model_place *place,
			   const struct choice *choice, const struct application *application,
			   const char *figure)
{
	for (unsigned i = 0; i < APPLICATION_WORKLOADS && application->workloads[i]; i++) {
		double value = model_figure(from, place, choice->stack->name,
					    choice->mptcp ? "mptcp" : "tcp",
					    application->workloads[i], figure);

		if (value > 0)
			return value;
	}
	return 0;
}

static void predict(const struct choosing *choosing, const struct measurements *from,
		    const char *profile, struct choice *choice)
{
	const struct application *application = choosing->query->application;
	const struct model_place place = {
		.scenario = choosing->query->scenario,
		.profile = profile,
		.packet = from == &choosing->own ? 0 : choosing->speed.packet,
		.cpus = cpus_of(choosing),
	};

	choice->score = profile ? model_score(from, &place, choice->stack->name,
					      choice->mptcp ? "mptcp" : "tcp", application)
				: 0;
	if (!(choice->score > 0))
		return;
	choice->goodput = of_workloads(from, &place, choice, application, "goodput");
	choice->delay = of_workloads(from, &place, choice, application, "delay-p95");
	choice->stall = of_workloads(from, &place, choice, application, "stall");
	choice->cpu_per_gb = of_workloads(from, &place, choice, application, "cpu-per-gb");
	choice->memory = of_workloads(from, &place, choice, application, "memory");
}

static void add(struct choosing *choosing, const struct stack_ops *stack, bool mptcp)
{
	struct choices *choices = choosing->choices;
	const char *own = model_profile(&choosing->own, cpus_of(choosing), memory_of(choosing));
	const char *shipped =
		model_profile(&choosing->shipped, cpus_of(choosing), memory_of(choosing));
	struct choice *choice = &choices->all[choices->count];
	double expected;

	if (choices->count == CHOICES_MAX)
		return;
	*choice = (struct choice){.stack = stack, .mptcp = mptcp, .bare = !mptcp && stack->own_tcp};
	/* Without us a program has that stack's TCP, whether MPTCP can be had or not. */
	choice->can_run = choice->bare || stack->probe(&choice->why) >= 0;
	predict(choosing, &choosing->shipped, shipped, choice);
	expected = choice->score;
	choice->score = 0;
	predict(choosing, &choosing->own, own, choice);
	choice->own = choice->score > 0;
	if (choice->own && expected > 0) {
		choosing->ratios *= choice->score / expected;
		choosing->ratio_count++;
	}
	if (!choice->own)
		choice->score = expected;
	choice->fits = choice->memory <= memory_of(choosing);
	snprintf(choices->profile, sizeof(choices->profile), "%s", shipped ? shipped : "");
	choices->count++;
}

/* Scores from here and from elsewhere are of other networks, perhaps: what both know says how they compare. */
static void level(struct choosing *choosing)
{
	double factor =
		choosing->ratio_count ? pow(choosing->ratios, 1.0 / choosing->ratio_count) : 0;
	bool own = false;

	for (unsigned i = 0; i < choosing->choices->count; i++)
		own |= choosing->choices->all[i].own;
	for (unsigned i = 0; own && i < choosing->choices->count; i++)
		if (!choosing->choices->all[i].own)
			choosing->choices->all[i].score *= factor;
}

static int compare(const void *a, const void *b)
{
	const struct choice *x = a, *y = b;
	bool first = x->can_run && x->fits, second = y->can_run && y->fits;

	if (first != second)
		return first ? -1 : 1;
	return (x->score < y->score) - (x->score > y->score);
}

int choose(const struct choose_query *query, struct choices *ret, struct err *err)
{
	struct choosing choosing = {.query = query, .choices = ret, .ratios = 1};
	int code;

	memset(ret, 0, sizeof(*ret));
	code = load(&choosing, err);
	if (code == 0) {
		device_read(&choosing.device);
		calibrate(choosing.device.memory_free, &choosing.speed);
		for (unsigned i = 0; stacks[i]; i++) {
			if (!stacks[i]->tcp_only)
				add(&choosing, stacks[i], true);
			add(&choosing, stacks[i], false);
		}
		level(&choosing);
		qsort(ret->all, ret->count, sizeof(ret->all[0]), compare);
	}
	measurements_free(&choosing.own);
	measurements_free(&choosing.shipped);
	return code;
}

const struct choice *choose_stack(const struct choices *choices)
{
	for (unsigned i = 0; i < choices->count; i++) {
		const struct choice *choice = &choices->all[i];

		/* Which protocol it becomes is the peer's to say: a stack counts by the best that it can. */
		if (choice->can_run && choice->fits && choice->score > 0 &&
		    choice->mptcp == !choice->stack->tcp_only)
			return choice;
	}
	return NULL;
}
