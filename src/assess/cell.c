/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/cell_files.h"

#include "assess/processor.h"
#include "assess/talk.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/numbers.h"
#include "probe/calibrate.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#define OVERHEAD    (700 * NS_PER_MS) /* of a lab and what is in it, about */
#define WATCH_EVERY 250               /* ms from one look at memory to the next */
#define LATE        (20 * NS_PER_S)   /* beyond three times the estimate it is killed */

const char *const cell_protocol_names[CELL_PROTOCOLS] = {"tcp", "mptcp"};

const char *cell_key(const struct cell *cell, char ret[static CELL_KEY_MAX])
{
	const struct scenario *scenario = cell->scenario->scenario;

	snprintf(ret, CELL_KEY_MAX, "%s/%s/%s/%s/%s%s%s/%.1fs/%u", cell->scenario->name,
		 cell->workload->name, cell->profile->name, cell->stack->name,
		 cell_protocol_names[cell->protocol], cell->link >= 0 ? "@" : "",
		 cell->link >= 0 ? scenario->links[cell->link].name : "",
		 (double)cell->duration / NS_PER_S, cell->repetition);
	return ret;
}

bool cell_has_protocol(const struct stack_ops *stack, enum cell_protocol protocol)
{
	return protocol == CELL_TCP || !stack->tcp_only;
}

uint64_t cell_estimate(const struct cell *cell)
{
	/* Where links go, a connection that has one of them is given up at the end. */
	bool dies = cell->scenario->scenario->event_count && cell->protocol == CELL_TCP;
	uint64_t grace = workload_is_sized(cell->workload) ? TALK_GRACE_SIZED : TALK_GRACE;

	return cell->duration + OVERHEAD + (dies ? grace : 0) +
	       (cell->profile->emulated ? EMULATED_STARTS : 0);
}

#define SOFTIRQ 6

/* What all processors have spent in softirqs, s. */
static double read_softirq(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/stat", "re");
	uint64_t ticks[SOFTIRQ + 1]; /* user, nice, system, idle, iowait, irq, softirq */
	char line[256];

	if (!file || !fgets(line, sizeof(line), file) || strncmp(line, "cpu ", 4) != 0 ||
	    numbers_parse(line + 4, ticks, ARRAY_SIZE(ticks)) < 0)
		return 0;
	return (double)ticks[SOFTIRQ] / (double)sysconf(_SC_CLK_TCK);
}

void cell_clear(const char *folder)
{
	DIR *all = opendir(folder);

	for (struct dirent *entry; all && (entry = readdir(all));)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(all), entry->d_name, 0);
	if (all)
		closedir(all);
}

static void __attribute__((noreturn)) become(char *const *command, const struct cell_setup *setup)
{
	_cleanup_close_ int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int output = -1;
	char path[PATH_MAX];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0); /* Ctrl-C is ours to hand on */
	snprintf(path, sizeof(path), "%s/" CELL_OUTPUT, setup->folder);
	output = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (input < 0 || output < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0 ||
	    dup2(output, 2) < 0)
		_exit(126);
	sigprocmask(SIG_SETMASK, setup->mask, NULL);
	execv(command[0], command);
	_exit(127);
}

/* Waits for the end of @pid, and looks at its memory meanwhile. -EINTR: a signal asks us to end. */
static int watch(pid_t pid, int signals, const struct cell *cell, const struct cgroup *cgroup,
		 struct cell_watched *ret)
{
	uint64_t latest = clock_now() + 3 * cell_estimate(cell) + LATE;
	bool ended = false, asked = false;

	while (!ended) {
		struct pollfd poll_fd = {.fd = signals, .events = POLLIN};
		struct signalfd_siginfo info;
		uint64_t memory = cgroup_memory(cgroup);

		if (memory > ret->memory)
			ret->memory = memory;
		if (poll(&poll_fd, 1, WATCH_EVERY) > 0 &&
		    read(signals, &info, sizeof(info)) == sizeof(info) && info.ssi_signo != SIGCHLD)
			asked = true;
		ret->late |= clock_now() > latest;
		if (asked || ret->late)
			kill(pid, SIGKILL);
		ended = waitpid(pid, &ret->status, asked || ret->late ? 0 : WNOHANG) != 0;
	}
	return asked ? -EINTR : 0;
}

static int start(const struct cell *cell, const struct cell_setup *setup, int cpu,
		 const struct cgroup *cgroup, pid_t *ret, struct err *err)
{
	int doors[CGROUP_CONTROLLERS];
	unsigned count = cgroup_doors(cgroup, doors);
	char **command = cell_command(cell, setup, cpu, doors, count);

	*ret = command ? fork() : -1;
	if (*ret == 0)
		become(command, setup);
	for (unsigned i = 0; i < count; i++)
		close(doors[i]);
	cell_command_free(command);
	return *ret < 0 ? err_set(err, -errno, "no process: %s", strerror(errno)) : 0;
}

/* What serves the device, the links, and we who look at it, are elsewhere: what @cpu does is the device's. */
static void keep_off(int cpu, const cpu_set_t *usable)
{
	cpu_set_t others = *usable;

	CPU_CLR((size_t)cpu, &others);
	sched_setaffinity(0, sizeof(others), &others);
}

static int measure(const struct cell *cell, const struct cell_setup *setup,
		   const struct cgroup *cgroup, struct cell_watched *watched, struct err *err)
{
	int cpu = cell_cpu(cell->profile), code;
	struct processor before = {.tasks = -1}, after = before;
	double softirq = read_softirq();
	cpu_set_t usable;
	bool alone = cpu >= 0 && sched_getaffinity(0, sizeof(usable), &usable) == 0;
	pid_t pid;

	if (alone) {
		keep_off(cpu, &usable);
		processor_read((unsigned)cpu, &before);
	}
	code = start(cell, setup, cpu, cgroup, &pid, err);
	if (code == 0)
		code = watch(pid, setup->signals, cell, cgroup, watched);
	if (alone) {
		processor_read((unsigned)cpu, &after);
		sched_setaffinity(0, sizeof(usable), &usable);
	}
	watched->softirq = read_softirq() - softirq;
	watched->nobody = processor_of_nobody(&before, &after);
	watched->cpu = cgroup_cpu(cgroup);
	return code;
}

/* The device's control group. -EOPNOTSUPP, ...: it cannot be had, or not with the limits, and @err says why. */
static int make_group(const struct profile *profile, struct cgroup *ret, struct err *err)
{
	struct profile_quota quota = {0};
	struct cgroup_limits limits = {.memory = profile->memory};
	struct cgroup_tree tree;
	int code;

	cgroup_find(&tree, CGROUP_ROOT, NULL, CELL_CONTROLLERS);
	code = cgroup_make(&tree, CELL_GROUP, ret);
	if (code < 0)
		return err_set(err, code, "a control group cannot be made in %s: %s%s", CGROUP_ROOT,
			       strerror(-code),
			       geteuid() ? ": run it as root, or by systemd-run --user --scope "
					   "--property=Delegate=yes"
					 : "");
	if (profile->cpus > 0) {
		quota = profile_quota(profile);
		limits.cpu_time = quota.time;
		limits.cpu_period = quota.period;
		code = cgroup_limit(ret, CGROUP_CPU, &limits);
	}
	if (code == 0 && profile->memory)
		code = cgroup_limit(ret, CGROUP_MEMORY, &limits);
	if (code < 0) {
		cgroup_remove(ret);
		return err_set(err, code,
			       "the limits of profile '%s' cannot be set on a control group: %s",
			       profile->name, strerror(-code));
	}
	return 0;
}

/* What an emulated device took is for itself to say: the emulator has the start on its account, too. */
static void ask_device(const struct cell_setup *setup, struct cell_watched *watched)
{
	struct calibration here;
	char path[PATH_MAX];
	double packet;
	json_t *report;

	snprintf(path, sizeof(path), "%s/" EMULATED_REPORT, setup->folder);
	report = json_load_file(path, 0, NULL);
	calibrate(0, &here);
	packet = json_number_value(json_object_get(report, "packet_ns"));
	watched->cpu = json_number_value(json_object_get(report, "cpu_s"));
	watched->nobody = -1;
	watched->seconds = json_number_value(json_object_get(report, "seconds"));
	watched->memory = (uint64_t)json_integer_value(json_object_get(report, "memory"));
	watched->cpus = packet > 0 ? here.packet / packet : 0;
	json_decref(report);
}

int cell_run(const struct cell *cell, const struct cell_setup *setup, json_t **ret, struct err *err)
{
	struct cell_watched watched = {0};
	struct cgroup cgroup = {0};
	struct profile limits = *cell->profile;
	struct err why = {0};
	int code = 0;

	if (limits.emulated)
		limits.cpus = limits.memory = 0; /* those are the emulator's to give */
	if (make_group(&limits, &cgroup, &why) < 0) {
		if (limits.cpus > 0 || limits.memory)
			return err_set(err, -EPERM, "profile '%s' cannot be had here: %s",
				       cell->profile->name, why.text);
		snprintf(watched.note, sizeof(watched.note), "%s", why.text);
	}
	code = measure(cell, setup, &cgroup, &watched, err);
	cgroup_remove(&cgroup);
	if (code == 0 && cell->profile->emulated)
		ask_device(setup, &watched);
	if (code == 0) {
		*ret = cell_record(cell, setup, &watched);
		code = *ret ? 0 : -ENOMEM;
	}
	cell_clear(setup->folder);
	return code;
}
