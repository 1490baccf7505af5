/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/sandbox.h"

#include "drop/confine.h"
#include "drop/files.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define LOOK_MS       20 /* between two looks at what it uses */
#define OPEN_FILES    1024
#define ARGUMENTS_MAX 128  /* of bubblewrap's own */
#define DRAIN_MS      1000 /* for what is still in the pipes of a task that ended */

struct stream {
	int fd; /* owned: the end that is read */
	uint8_t text[TASK_SAID_MAX];
	size_t size;
};

struct running {
	struct sandbox *sandbox;
	struct cgroup cgroup;
	unsigned limited; /* by it: confine_make() */
	struct stream output, error;
	int status; /* what bubblewrap tells; -1: there is none */
	char told[1024];
	pid_t runner, pid;
	int ended; /* a descriptor that is readable when it has */
	bool over;
	enum task_end stopped; /* TASK_EXITED: it was not */
};

/* What of the system is seen inside, if it is there. Of /etc what programs need to begin, and nothing that is of this device's
 * users. */
static void add_system(const char **arguments, unsigned *count)
{
	static const char *const folders[] = {"/bin",   "/sbin",  "/lib",
					      "/lib32", "/lib64", "/libx32"};
	static const char *const files[] = {"/etc/ld.so.cache", "/etc/ld.so.conf",
					    "/etc/ld.so.conf.d", "/etc/alternatives",
					    "/etc/localtime"};
	static char targets[ARRAY_SIZE(folders)][64];

	for (unsigned i = 0; i < ARRAY_SIZE(folders); i++) {
		ssize_t size = readlink(folders[i], targets[i], sizeof(targets[i]) - 1);

		if (size < 0 && errno == ENOENT)
			continue;
		arguments[(*count)++] = size > 0 ? "--symlink" : "--ro-bind-try";
		arguments[(*count)++] = size > 0 ? targets[i] : folders[i];
		arguments[(*count)++] = folders[i];
	}
	for (unsigned i = 0; i < ARRAY_SIZE(files); i++) {
		arguments[(*count)++] = "--ro-bind-try";
		arguments[(*count)++] = files[i];
		arguments[(*count)++] = files[i];
	}
}

static const char **build_arguments(const struct sandbox *sandbox, int status)
{
	static const char *const before[] = {
		"bwrap",         "--unshare-all", "--die-with-parent",
		"--new-session", "--clearenv",    "--cap-drop",
		"ALL",           "--hostname",    "task",
		"--setenv",      "PATH",          "/usr/local/bin:/usr/bin:/bin",
		"--setenv",      "HOME",          "/work",
		"--setenv",      "LANG",          "C.UTF-8",
		"--ro-bind",     "/usr",          "/usr",
		"--proc",        "/proc",         "--dev",
		"/dev",
	};
	static const char *const after[] = {
		"--bind", SANDBOX_SHM,  "/dev/shm", "--bind",           SANDBOX_TMP, "/tmp",
		"--bind", SANDBOX_WORK, "/work",    "--remount-ro",     "/dev",      "--remount-ro",
		"/",      "--chdir",    "/work",    "--json-status-fd",
	};
	static char number[16];
	const char **arguments =
		calloc(ARGUMENTS_MAX + sandbox->task.argument_count + 1, sizeof(*arguments));
	unsigned count = 0;

	if (!arguments)
		return NULL;
	if (sandbox->inside) {
		snprintf(number, sizeof(number), "%d", status);
		memcpy(arguments, before, sizeof(before));
		count += ARRAY_SIZE(before);
		add_system(arguments, &count);
		memcpy(arguments + count, after, sizeof(after));
		count += ARRAY_SIZE(after);
		arguments[count++] = number;
		arguments[count++] = "--";
	}
	for (unsigned i = 0; i < sandbox->task.argument_count; i++)
		arguments[count++] = sandbox->task.arguments[i];
	return arguments;
}

static void limit(int what, uint64_t value)
{
	struct rlimit old, new = {value, value};

	if (getrlimit(what, &old) == 0 && old.rlim_max < value)
		new = (struct rlimit){old.rlim_max, old.rlim_max};
	setrlimit(what, &new);
}

/* In the child: becomes what was asked for, or says why not. */
static void become(const struct running *running, const int ends[2], int status)
{
	const struct sandbox *sandbox = running->sandbox;
	const struct task_limits *limits = &sandbox->task.limits;
	const char **arguments = build_arguments(sandbox, status);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != running->runner)
		_exit(126); /* it was killed before that */
	dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
	dup2(ends[0], STDOUT_FILENO);
	dup2(ends[1], STDERR_FILENO);
	if (cgroup_join(&running->cgroup) < 0)
		_exit(126);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, OPEN_FILES);
	limit(RLIMIT_FSIZE, limits->disk);
	limit(RLIMIT_CPU, limits->time / 1000 + 1);
	if (!(running->limited & CGROUP_BIT(CGROUP_MEMORY)))
		limit(RLIMIT_AS, limits->memory);
	/* Counted by user and user namespace: the runner's own, unless it is root. */
	if (!(running->limited & CGROUP_BIT(CGROUP_PIDS)))
		limit(RLIMIT_NPROC, limits->processes);
	if (sandbox->inside && sandbox->root &&
	    (setgroups(0, NULL) < 0 || setresgid(SANDBOX_USER, SANDBOX_USER, SANDBOX_USER) < 0 ||
	     setresuid(SANDBOX_USER, SANDBOX_USER, SANDBOX_USER) < 0))
		_exit(126);
	if (arguments && arguments[0] && (sandbox->inside || chdir(sandbox->work) == 0)) {
		if (status >= 0)
			fcntl(status, F_SETFD, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of user forgets it */
		execvp(arguments[0], (char *const *)arguments);
	}
	fprintf(stderr, "cannot start '%s': %s\n",
		sandbox->inside ? "bwrap" : sandbox->task.arguments[0], strerror(errno));
	_exit(127);
}

static int start(struct running *running)
{
	int output[2], error[2], status[2] = {-1, -1};

	if (pipe2(output, O_CLOEXEC) < 0 || pipe2(error, O_CLOEXEC) < 0 ||
	    (running->sandbox->inside && pipe2(status, O_CLOEXEC) < 0))
		return -errno;
	running->runner = getpid();
	running->pid = fork();
	if (running->pid < 0)
		return -errno;
	if (running->pid == 0)
		become(running, (int[]){output[1], error[1]}, status[1]);
	close_fd(output[1]);
	close_fd(error[1]);
	close_fd(status[1]);
	running->output.fd = output[0];
	running->error.fd = error[0];
	running->status = status[0];
	fcntl(output[0], F_SETFL, O_NONBLOCK);
	fcntl(error[0], F_SETFL, O_NONBLOCK);
	running->ended = (int)syscall(SYS_pidfd_open, running->pid, 0);
	return running->ended < 0 ? -errno : 0;
}

/* What it says beyond the limit is read and forgotten. False: there will be no more. */
static bool take_text(struct stream *stream)
{
	uint8_t block[16384];
	ssize_t got;

	if (stream->fd < 0)
		return false;
	while ((got = read(stream->fd, block, sizeof(block))) > 0) {
		size_t part = sizeof(stream->text) - stream->size;

		if (part > (size_t)got)
			part = (size_t)got;
		memcpy(stream->text + stream->size, block, part);
		stream->size += part;
	}
	if (got < 0 && errno == EAGAIN)
		return true;
	stream->fd = close_fd(stream->fd);
	return false;
}

static void stop(struct running *running, enum task_end why)
{
	if (running->stopped != TASK_EXITED)
		return;
	running->stopped = why;
	if (!running->over)
		kill(running->pid, SIGKILL); /* and with it all that is inside, its init first */
}

static void look(struct running *running, uint64_t began)
{
	const struct task_limits *limits = &running->sandbox->task.limits;

	if (!running->over && clock_now() - began > limits->time * NS_PER_MS)
		stop(running, TASK_TIME);
	else if (cgroup_out_of_processes(&running->cgroup))
		stop(running, TASK_PROCESSES);
	else if (cgroup_out_of_memory(&running->cgroup))
		stop(running, TASK_MEMORY);
	else if (sandbox_is_full(running->sandbox))
		stop(running, TASK_DISK);
}

/* Until it has ended and all that it wrote is read. */
static int wait_for(struct running *running, uint64_t began)
{
	uint64_t ended_at = 0;
	int status = 0;

	for (;;) {
		struct pollfd polls[] = {{.fd = running->output.fd, .events = POLLIN},
					 {.fd = running->error.fd, .events = POLLIN},
					 {.fd = ended_at ? -1 : running->ended, .events = POLLIN}};
		bool more;

		poll(polls, ARRAY_SIZE(polls), LOOK_MS);
		more = take_text(&running->output);
		more |= take_text(&running->error);
		if (!ended_at && polls[2].revents) {
			waitpid(running->pid, &status, 0);
			ended_at = clock_now();
			running->over = true;
			if (status != 0)
				look(running, began);
			cgroup_kill(&running->cgroup);
		}
		if (ended_at && (!more || clock_now() - ended_at > DRAIN_MS * NS_PER_MS))
			return status;
		if (!ended_at)
			look(running, began);
	}
}

/* Bubblewrap says {"exit-code": N} in the last of some JSON objects if, and only if, the program was started. */
static bool told_status(struct running *running, uint64_t *ret)
{
	size_t size = 0;
	ssize_t got;
	const char *at;

	while (size < sizeof(running->told) - 1 &&
	       (got = read(running->status, running->told + size,
			   sizeof(running->told) - 1 - size)) > 0)
		size += (size_t)got;
	running->told[size] = '\0';
	at = strstr(running->told, "\"exit-code\":");
	if (at)
		*ret = strtoul(at + strlen("\"exit-code\":"), NULL, 10) & 0xff;
	return at;
}

static void judge(struct running *running, int status, struct sandbox_report *report)
{
	uint64_t told;

	report->end = TASK_EXITED;
	if (running->stopped != TASK_EXITED) {
		report->end = running->stopped;
	} else if (running->sandbox->inside) {
		if (!told_status(running, &told)) {
			report->end = TASK_NOT_RUN;
		} else if (told > 128 && told < 128 + 65) {
			report->end = TASK_KILLED;
			report->code = told - 128;
		} else {
			report->code = told;
		}
	} else if (WIFSIGNALED(status)) {
		report->end = TASK_KILLED;
		report->code = (unsigned)WTERMSIG(status);
	} else {
		report->code = (unsigned)WEXITSTATUS(status);
	}
	if (report->end == TASK_KILLED && report->code == SIGXCPU)
		*report = (struct sandbox_report){.end = TASK_TIME};
	if (report->end == TASK_KILLED && report->code == SIGXFSZ)
		*report = (struct sandbox_report){.end = TASK_DISK};
}

static int run(struct sandbox *sandbox, struct sandbox_report *report, struct err *err)
{
	static struct running running; /* what it says stays until the report is written */
	const struct task_limits *limits = &sandbox->task.limits;
	const char *missing = NULL;
	uint64_t began;
	int code, status;

	running = (struct running){.sandbox = sandbox, .stopped = TASK_EXITED};
	/* What is written counts as memory, too. */
	running.limited =
		confine_make(&running.cgroup, limits->memory + limits->disk, limits->processes);
	code = sandbox_place(sandbox, err);
	began = clock_now();
	if (code == 0) {
		code = start(&running);
		if (code < 0)
			err_set(err, code, "cannot start: %s", strerror(-code));
	}
	if (code == 0) {
		status = wait_for(&running, began);
		report->run = (clock_now() - began) / NS_PER_MS;
		judge(&running, status, report);
	}
	cgroup_remove(&running.cgroup);
	if (code == 0 && report->end == TASK_EXITED) {
		code = sandbox_collect(sandbox, report, &missing);
		if (code < 0)
			err_set(err, code, "the outputs cannot be kept: %s", strerror(-code));
		if (missing && report->code == 0)
			report->end = TASK_NOT_MADE;
	}
	report->output = running.output.text;
	report->output_size = running.output.size;
	report->error = running.error.text;
	report->error_size = running.error.size;
	return code;
}

static int read_task(struct sandbox *sandbox)
{
	_cleanup_close_ int fd = openat(sandbox->folder, SANDBOX_COMMAND, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ void *data = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		return -ENOMEM;
	if (files_read_at(fd, data, (size_t)st.st_size, 0) < 0)
		return -EIO;
	return task_read(data, (size_t)st.st_size, &sandbox->task);
}

int sandbox_main(int argc, char **argv)
{
	_cleanup_bytes_ struct bytes text = {0};
	struct sandbox_report report = {0};
	struct sandbox sandbox = {.folder = -1, .objects_fd = -1};
	struct err err = {0};
	int code;

	if (argc != 5)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != (pid_t)strtol(argv[4], NULL, 10))
		return 2; /* the node has ended meanwhile */
	signal(SIGPIPE, SIG_IGN);
	sandbox.inside = strcmp(argv[3], "inside") == 0;
	sandbox.root = geteuid() == 0;
	sandbox.folder = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sandbox.objects = argv[2];
	code = sandbox.folder < 0 ? -errno : read_task(&sandbox);
	if (code < 0)
		return 2;
	code = run(&sandbox, &report, &err);
	if (code < 0) {
		report.end = TASK_NOT_RUN;
		report.error = (const uint8_t *)err.text;
		report.error_size = strlen(err.text);
		report.output_count = 0;
	}
	sandbox_put_report(&text, &report);
	for (unsigned i = 0; report.outputs && report.outputs[i].name[0]; i++)
		free((void *)report.outputs[i].hashes);
	free(report.outputs);
	task_free(&sandbox.task);
	if (text.failed)
		return 1;
	/* The folder may be hidden by the sandbox's own: by its descriptor. */
	code = openat(sandbox.folder, "report", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return code < 0 || files_write_at(code, text.data, text.size, 0) < 0 ? 1 : 0;
}
