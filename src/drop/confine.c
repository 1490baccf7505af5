/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/confine.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define MOUNTED "/sys/fs/cgroup"
#define OURS    "rivulet-task-" /* groups of tasks: and the runner's process ID */
#define OWN     "rivulet-node" /* version 2: a group with tasks beside it holds no process itself */

static int write_text(const char *folder, const char *file, const char *text)
{
	char path[PATH_MAX];
	_cleanup_close_ int fd = -1;

	if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

static int write_value(const char *folder, const char *file, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return write_text(folder, file, text);
}

/* The number behind @key in a file of "KEY NUMBER" lines; 0: there is none. */
static uint64_t read_value(const char *folder, const char *file, const char *key)
{
	char path[PATH_MAX], line[256];
	_cleanup_fclose_ FILE *stream = NULL;
	size_t size = strlen(key);

	if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path))
		return 0;
	stream = fopen(path, "re");
	while (stream && fgets(line, sizeof(line), stream))
		if (strncmp(line, key, size) == 0 && line[size] == ' ')
			return strtoull(line + size, NULL, 10);
	return 0;
}

/* The folder of this process's group for @controller; "": version 2. False: there is none. */
static bool own_folder(const char *controller, char ret[static PATH_MAX])
{
	_cleanup_fclose_ FILE *stream = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX], root[PATH_MAX];

	while (stream && fgets(line, sizeof(line), stream)) {
		char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		names++;
		path[strcspn(path, "\n")] = '\0';
		if (strcmp(names, controller) != 0)
			continue;
		snprintf(root, sizeof(root), "%s%s%s", MOUNTED, controller[0] ? "/" : "",
			 controller);
		if (snprintf(ret, PATH_MAX, "%s%s", root, strcmp(path, "/") == 0 ? "" : path) >=
		    PATH_MAX)
			return false;
		/* In a container the path may be that of outside. */
		if (access(ret, F_OK) < 0)
			snprintf(ret, PATH_MAX, "%s", root);
		return access(ret, W_OK) == 0;
	}
	return false;
}

/* Version 2: where groups of tasks are made, if there is the right to. */
static bool find_unified(char ret[static PATH_MAX])
{
	size_t size;

	if (!own_folder("", ret))
		return false;
	size = strlen(ret);
	if (size > sizeof(OWN) && strcmp(ret + size - sizeof(OWN), "/" OWN) == 0)
		ret[size - sizeof(OWN)] = '\0';
	return true;
}

/* Kills what still runs in the group @name of @dir; false: nothing does that we can see (it may be another node's, in another
 * PID namespace). */
static bool kill_left(int dir, const char *name)
{
	_cleanup_close_ int group = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = group < 0 ? -1 : openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	FILE *all = fd < 0 ? NULL : fdopen(fd, "r");
	bool any = false;
	char line[32];

	while (all && fgets(line, sizeof(line), all)) {
		pid_t pid = (pid_t)strtol(line, NULL, 10);

		any |= pid > 0 && kill(pid, SIGKILL) == 0;
	}
	if (all)
		fclose(all);
	else
		close_fd(fd);
	return any;
}

/* A runner that is killed just when it starts something cannot end that itself. */
static void end_left(int dir, const char *name)
{
	/* They need a moment to be gone, and may have had children meanwhile. */
	for (unsigned i = 0; i < 20; i++) {
		if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno != EBUSY ||
		    (!kill_left(dir, name) && i == 0))
			return;
		usleep(5000);
	}
}

static void remove_left(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		pid_t pid;

		if (strncmp(entry->d_name, OURS, strlen(OURS)) != 0)
			continue;
		pid = (pid_t)strtol(entry->d_name + strlen(OURS), NULL, 10);
		if (pid > 0 && kill(pid, 0) < 0 && errno == ESRCH)
			end_left(dirfd(dir), entry->d_name);
	}
	if (dir)
		closedir(dir);
}

void confine_prepare(void)
{
	char folder[PATH_MAX], own[PATH_MAX];

	if (own_folder("memory", folder))
		remove_left(folder);
	if (own_folder("pids", folder))
		remove_left(folder);
	if (!find_unified(folder))
		return;
	remove_left(folder);
	if (write_text(folder, "cgroup.subtree_control", "+memory +pids") == 0 ||
	    snprintf(own, sizeof(own), "%s/" OWN, folder) >= (int)sizeof(own))
		return;
	if (mkdir(own, 0755) < 0 && errno != EEXIST)
		return;
	if (write_text(own, "cgroup.procs", "0") < 0 ||
	    write_text(folder, "cgroup.subtree_control", "+memory +pids") < 0) {
		/* Others are in it, too. */
		write_text(folder, "cgroup.procs", "0");
		rmdir(own);
	}
}

static int make_folder(const char *in, const char *name, char ret[static PATH_MAX])
{
	if (snprintf(ret, PATH_MAX, "%s/" OURS "%s", in, name) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (mkdir(ret, 0755) == 0 || errno == EEXIST)
		return 0;
	ret[0] = '\0';
	return -errno;
}

static int make_unified(struct confine *cgroup, const char *name, uint64_t memory,
			uint64_t processes)
{
	char in[PATH_MAX];
	int code = find_unified(in) ? make_folder(in, name, cgroup->memory) : -EOPNOTSUPP;

	if (code < 0)
		return code;
	cgroup->unified = true;
	memcpy(cgroup->processes, cgroup->memory, PATH_MAX);
	code = write_value(cgroup->memory, "memory.max", memory);
	if (code == 0)
		code = write_value(cgroup->memory, "pids.max", processes);
	write_text(cgroup->memory, "memory.swap.max", "0");
	return code;
}

static int make_old(struct confine *cgroup, const char *name, uint64_t memory, uint64_t processes)
{
	char in[PATH_MAX];
	int code = own_folder("memory", in) ? make_folder(in, name, cgroup->memory) : -EOPNOTSUPP;

	if (code == 0)
		code = write_value(cgroup->memory, "memory.limit_in_bytes", memory);
	if (code < 0)
		return code;
	write_value(cgroup->memory, "memory.memsw.limit_in_bytes", memory);
	code = own_folder("pids", in) ? make_folder(in, name, cgroup->processes) : -EOPNOTSUPP;
	return code < 0 ? code : write_value(cgroup->processes, "pids.max", processes);
}

int confine_make(struct confine *cgroup, const char *name, uint64_t memory, uint64_t processes)
{
	int code;

	*cgroup = (struct confine){0};
	code = make_old(cgroup, name, memory, processes);
	if (code == 0)
		return 0;
	confine_remove(cgroup);
	code = make_unified(cgroup, name, memory, processes);
	if (code < 0)
		confine_remove(cgroup);
	return code;
}

int confine_join(const struct confine *cgroup)
{
	int code = cgroup->memory[0] ? write_text(cgroup->memory, "cgroup.procs", "0") : 0;

	if (code == 0 && cgroup->processes[0] && !cgroup->unified)
		code = write_text(cgroup->processes, "cgroup.procs", "0");
	return code;
}

bool confine_out_of_memory(const struct confine *cgroup)
{
	return cgroup->memory[0] &&
	       read_value(cgroup->memory, cgroup->unified ? "memory.events" : "memory.oom_control",
			  "oom_kill") > 0;
}

bool confine_out_of_processes(const struct confine *cgroup)
{
	return cgroup->processes[0] && read_value(cgroup->processes, "pids.events", "max") > 0;
}

static void remove_folder(char *path)
{
	/* The last of its processes may still be on its way out. */
	for (unsigned i = 0; path[0] && i < 200 && rmdir(path) < 0 && errno == EBUSY; i++)
		usleep(5000);
	path[0] = '\0';
}

void confine_remove(struct confine *cgroup)
{
	if (cgroup->unified && cgroup->memory[0]) {
		write_text(cgroup->memory, "cgroup.kill", "1");
		cgroup->processes[0] = '\0';
	}
	remove_folder(cgroup->memory);
	remove_folder(cgroup->processes);
	*cgroup = (struct confine){0};
}
