/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/assess.h"

#include "assess/cell_files.h"
#include "assess/pace.h"
#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/signals.h"
#include "probe/calibrate.h"
#include "probe/device.h"

#include <limits.h>
#include <math.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>

/* For the files of the cell that is measured: what is in it is removed, so nobody else's has that name. */
#define CELL_FOLDER ".rivulet-cell"

#define CALIBRATE_EVERY (60 * NS_PER_S)

struct run {
	const struct assess_options *options;
	struct pace pace;
	struct cell_setup setup;
	uint64_t begin, calibrated; /* of clock_now(); 0: not yet */
};

static json_t *describe_device(void)
{
	struct device device;

	device_read(&device);
	return json_pack("{ss ss ss sI sI}", "architecture", device.machine, "cpu", device.cpu,
			 "kernel", device.release, "cpus", (json_int_t)device.usable_cpus,
			 "memory_bytes", (json_int_t)device.memory);
}

/* What the machine is worth just now. If that changes, so do all other figures. */
static int measure_machine(struct run *run, struct err *err)
{
	struct results *results = run->options->results;
	struct device device;
	struct calibration speed;
	unsigned number = 0;
	char key[64];
	json_t *record;

	if (run->calibrated && clock_now() - run->calibrated < CALIBRATE_EVERY)
		return 0;
	do
		snprintf(key, sizeof(key), "calibration/%u", number++);
	while (results_have(results, key, 0));
	device_read(&device);
	calibrate(device.memory_free, &speed);
	run->calibrated = clock_now();
	record = json_pack("{ss ss ss ss ss ss si sI sb so s{sf sf sf sf}}", "key", key, "scenario",
			   "-", "workload", "calibration", "profile", "this", "stack", "-",
			   "protocol", "-", "repetition", number - 1, "time",
			   (json_int_t)time(NULL), "ok", true, "device", describe_device(),
			   "figures", "memory-rate", speed.memory, "call", speed.call, "handoff",
			   speed.handoff, "packet", speed.packet);
	if (!record)
		return err_set(err, -ENOMEM, "out of memory");
	return results_add(results, record, err);
}

static int measure(struct run *run, const struct cell *cell, struct assess_done *done,
		   struct err *err)
{
	uint64_t begin = clock_now();
	char key[CELL_KEY_MAX];
	json_t *record = NULL;
	int code = measure_machine(run, err);

	if (code < 0)
		return code;
	if (run->options->progress)
		pace_show(&run->pace, cell_key(cell, key));
	code = cell_run(cell, &run->setup, &record, err);
	if (code < 0)
		return code;
	done->measured++;
	done->failed += !json_is_true(json_object_get(record, "ok"));
	code = results_add(run->options->results, record, err);
	pace_step(&run->pace, cell_estimate(cell), clock_now() - begin);
	return code;
}

static bool is_there(const struct run *run, const struct cell *cell)
{
	char key[CELL_KEY_MAX];

	return results_have(run->options->results, cell_key(cell, key), run->setup.seed);
}

/* Is there no time any more for @cells, which are compared with each other? */
static bool too_late(const struct run *run, const struct cell *cells, unsigned count)
{
	uint64_t budget = run->options->matrix->budget, planned = 0;

	for (unsigned i = 0; i < count; i++)
		if (!is_there(run, &cells[i]))
			planned += cell_estimate(&cells[i]);
	return budget && planned &&
	       clock_now() - run->begin + pace_expect(&run->pace, planned) > budget;
}

static int measure_all(struct run *run, const struct cell *cells, unsigned count,
		       struct assess_done *done, struct err *err)
{
	unsigned place = 0; /* where the next one begins */
	int code = 0;

	for (unsigned i = 0; i < count; i++)
		if (!is_there(run, &cells[i])) {
			run->pace.all++;
			run->pace.left += cell_estimate(&cells[i]);
		}
	done->planned = count;
	done->had = count - run->pace.all;
	for (unsigned i = 0; code == 0 && i < count; i++) {
		if (i == place) {
			place += matrix_place(&cells[i], count - i);
			if (too_late(run, &cells[i], place - i))
				break;
		}
		if (!is_there(run, &cells[i]))
			code = measure(run, &cells[i], done, err);
	}
	done->left = count - done->had - done->measured;
	if (run->options->progress)
		pace_clear(&run->pace);
	return code;
}

/* Blocks what asks us to end until it is looked for, so that it never comes between a measurement and its record, and a child's
 * end. */
static int take_signals(sigset_t *ret_before, struct err *err)
{
	sigset_t all;
	int fd;

	sigemptyset(&all);
	sigaddset(&all, SIGCHLD);
	signals_add_ends(&all);
	fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_set(err, -errno, "no descriptor for signals: %s", strerror(errno));
	sigprocmask(SIG_BLOCK, &all, ret_before);
	return fd;
}

/* Has one asked us to end since a cell looked? Those that have are not left for later. */
static bool is_asked(int signals)
{
	struct signalfd_siginfo info;
	bool asked = false;

	while (read(signals, &info, sizeof(info)) == sizeof(info))
		asked |= info.ssi_signo != SIGCHLD;
	return asked;
}

/* Has @profile other limits than where @record is from, which is of one of that name? What an emulated device is worth is measured. */
static bool has_other_limits(const struct profile *profile, const json_t *record)
{
	const char *name = json_string_value(json_object_get(record, "profile"));
	double cpus = json_number_value(json_object_get(record, "cpus"));
	json_int_t memory = json_integer_value(json_object_get(record, "memory_limit"));

	if (profile->emulated || strcmp(name, profile->name) != 0 ||
	    strcmp(json_string_value(json_object_get(record, "workload")), "calibration") == 0)
		return false;
	return fabs(cpus - profile->cpus) > 1e-6 * cpus || (uint64_t)memory != profile->memory;
}

/* By its name it is told from others, in the report, too. */
static int check_profiles(const struct assess_options *options, struct err *err)
{
	const json_t *record;
	size_t at;

	for (unsigned i = 0; i < options->matrix->profile_count; i++)
		json_array_foreach(options->results->all, at, record)
		{
			if (has_other_limits(&options->matrix->profiles[i], record))
				return err_set(
					err, -EEXIST,
					"profile '%s' had other limits when it was measured in "
					"%s: call this one otherwise, or choose another folder "
					"with --out",
					options->matrix->profiles[i].name, options->folder);
		}
	return 0;
}

int assess_nothing(struct err *err)
{
	return err_set(err, -EINVAL,
		       "nothing to measure: no stack has that protocol, or none can be had on that "
		       "profile in these scenarios");
}

int assess(const struct assess_options *options, struct assess_done *ret, struct err *err)
{
	char folder[PATH_MAX];
	_cleanup_free_ struct cell *cells = NULL;
	struct run run = {
		.options = options,
		.pace = {.out = options->progress},
		.setup = {.self = options->self, .seed = options->matrix->seed},
		.begin = clock_now(),
	};
	_cleanup_close_ int signals = -1;
	sigset_t before;
	unsigned count = 0;
	int code;

	*ret = (struct assess_done){0};
	code = check_profiles(options, err);
	if (code < 0)
		return code;
	cgroup_sweep(CGROUP_ROOT, NULL, CELL_CONTROLLERS, CELL_GROUP);
	cgroup_prepare(CGROUP_ROOT, NULL, CELL_CONTROLLERS);
	cells = matrix_plan(options->matrix, &count);
	if (!cells)
		return assess_nothing(err);
	/* One that a killed assessment has left is as good: the results are locked. */
	snprintf(folder, sizeof(folder), "%s/" CELL_FOLDER, options->folder);
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return err_set(err, -errno, "%s cannot be made: %s", folder, strerror(errno));
	cell_clear(folder);
	signals = take_signals(&before, err);
	if (signals < 0) {
		rmdir(folder);
		return signals;
	}
	run.setup.folder = folder;
	run.setup.signals = signals;
	run.setup.mask = &before;
	code = measure_all(&run, cells, count, ret, err);
	rmdir(folder);
	cgroup_sweep(CGROUP_ROOT, NULL, CELL_CONTROLLERS,
		     CELL_GROUP); /* those of a killed one may have been ending at the start */
	if (is_asked(signals) && code == 0)
		code = -EINTR;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return code;
}
