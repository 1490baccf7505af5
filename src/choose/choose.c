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

/* What measurements say of each way (a number of theirs). */
struct outlook {
	const struct measurements *from; /* borrowed */
	int profile; /* that this device is taken to be like; < 0: none is known */
	double score[WAYS_MAX], goodput[WAYS_MAX], delay[WAYS_MAX], stall[WAYS_MAX],
		cpu_per_gb[WAYS_MAX], cpu[WAYS_MAX], memory[WAYS_MAX];
};

struct choosing {
	const struct choose_query *query;
	struct measurements own, shipped;
	struct outlook here, there; /* by those */
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

/* Was anything measured in the network that it is to be like? */
static int check_scenario(const struct choosing *choosing, struct err *err)
{
	const struct names *sources[] = {&choosing->own.scenarios, &choosing->shipped.scenarios};
	const char *name = choosing->query->scenario;
	char known[512] = "";

	for (unsigned i = 0; name && i < ARRAY_SIZE(sources); i++) {
		if (names_find(sources[i], name) >= 0)
			return 0;
		for (unsigned j = 0; j < sources[i]->count; j++) {
			size_t size = strlen(known);

			if (i == 0 || names_find(sources[0], sources[i]->all[j]) < 0)
				snprintf(known + size, sizeof(known) - size, "%s%s",
					 size ? ", " : "", sources[i]->all[j]);
		}
	}
	return name ? err_set(err, -ENOENT, "nothing was measured in scenario '%s', but in %s",
			      name, known)
		    : 0;
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

/* The first of the application's workloads that knows it of a way. */
static void foresee_figure(const struct measurements *from, const struct model_place *place,
			   const struct application *application, const char *figure,
			   double ret[static WAYS_MAX])
{
	for (unsigned i = 0; i < APPLICATION_WORKLOADS && application->workloads[i]; i++) {
		double values[WAYS_MAX];

		model_figures(from, place, application->workloads[i], figure, values);
		for (unsigned way = 0; way < WAYS_MAX; way++)
			if (!(ret[way] > 0))
				ret[way] = values[way];
	}
}

static void foresee(const struct choosing *choosing, const struct measurements *from,
		    struct outlook *ret)
{
	const struct application *application = choosing->query->application;
	const char *scenario = choosing->query->scenario;
	double packet = from == &choosing->own ? 0 : choosing->speed.packet;
	struct model_place place = {
		.scenario = scenario ? names_find(&from->scenarios, scenario) : MODEL_ANY,
		.profile = model_profile(from, packet, cpus_of(choosing), memory_of(choosing)),
		.packet = packet,
		.cpus = cpus_of(choosing),
	};

	*ret = (struct outlook){.from = from, .profile = place.profile};
	if (place.profile < 0 || (scenario && place.scenario < 0))
		return;
	model_scores(from, &place, application, ret->score);
	model_costs(from, &place, application, ret->cpu);
	foresee_figure(from, &place, application, "goodput", ret->goodput);
	foresee_figure(from, &place, application, "delay-p95", ret->delay);
	foresee_figure(from, &place, application, "stall", ret->stall);
	foresee_figure(from, &place, application, "cpu-per-gb", ret->cpu_per_gb);
	foresee_figure(from, &place, application, "memory", ret->memory);
}

/* True: it is known. */
static bool look_up(const struct outlook *outlook, struct choice *choice)
{
	int way = measurements_way(outlook->from, choice->stack->name,
				   choice->mptcp ? "mptcp" : "tcp");

	if (way < 0 || !(outlook->score[way] > 0))
		return false;
	choice->score = outlook->score[way];
	choice->goodput = outlook->goodput[way];
	choice->delay = outlook->delay[way];
	choice->stall = outlook->stall[way];
	choice->cpu_per_gb = outlook->cpu_per_gb[way];
	choice->cpu = outlook->cpu[way];
	choice->memory = outlook->memory[way];
	return true;
}

static void add(struct choosing *choosing, const struct stack_ops *stack, bool mptcp)
{
	struct choices *choices = choosing->choices;
	struct choice *choice = &choices->all[choices->count];
	double expected;

	if (choices->count == CHOICES_MAX)
		return;
	*choice = (struct choice){.stack = stack, .mptcp = mptcp, .bare = !mptcp && stack->own_tcp};
	/* Without us a program has that stack's TCP, whether MPTCP can be had or not. */
	choice->can_run = choice->bare || stack->probe(&choice->why) >= 0;
	look_up(&choosing->there, choice);
	expected = choice->score;
	choice->own = look_up(&choosing->here, choice);
	if (choice->own && expected > 0) {
		choosing->ratios *= choice->score / expected;
		choosing->ratio_count++;
	}
	choice->fits = choice->memory <= memory_of(choosing);
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

/* @usual: with the protocol that is the stack's best. -ENOENT: there is none. */
static int find_best(const struct choices *choices, bool usual)
{
	double scores[CHOICES_MAX] = {0}, costs[CHOICES_MAX];

	for (unsigned i = 0; i < choices->count; i++) {
		const struct choice *choice = &choices->all[i];

		if (choice->can_run && choice->fits &&
		    (!usual || choice->mptcp == !choice->stack->tcp_only))
			scores[i] = choice->score;
		costs[i] = choice->cpu;
	}
	return model_best(scores, costs, choices->count);
}

static void put_first(struct choices *choices, int best)
{
	struct choice choice;

	if (best <= 0)
		return;
	choice = choices->all[best];
	memmove(&choices->all[1], &choices->all[0], (unsigned)best * sizeof(choice));
	choices->all[0] = choice;
}

int choose(const struct choose_query *query, struct choices *ret, struct err *err)
{
	struct choosing choosing = {.query = query, .choices = ret, .ratios = 1};
	int code;

	memset(ret, 0, sizeof(*ret));
	code = load(&choosing, err);
	if (code == 0)
		code = check_scenario(&choosing, err);
	if (code == 0) {
		device_read(&choosing.device);
		calibrate(choosing.device.memory_free, &choosing.speed);
		foresee(&choosing, &choosing.own, &choosing.here);
		foresee(&choosing, &choosing.shipped, &choosing.there);
		if (choosing.there.profile >= 0)
			snprintf(ret->profile, sizeof(ret->profile), "%s",
				 choosing.shipped.profiles.all[choosing.there.profile]);
		for (unsigned i = 0; stacks[i]; i++) {
			if (!stacks[i]->tcp_only)
				add(&choosing, stacks[i], true);
			add(&choosing, stacks[i], false);
		}
		level(&choosing);
		qsort(ret->all, ret->count, sizeof(ret->all[0]), compare);
		put_first(ret, find_best(ret, false));
	}
	measurements_free(&choosing.own);
	measurements_free(&choosing.shipped);
	return code;
}

const struct choice *choose_stack(const struct choices *choices)
{
	/* Which protocol it becomes is the peer's to say: a stack counts by the best that it can. */
	int best = find_best(choices, true);

	return best < 0 ? NULL : &choices->all[best];
}
