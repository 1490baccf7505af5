/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/cgroup.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/numbers.h"
#include "probe/device.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#define PREFIX       "rivulet-assess-"
#define REMOVE_TRIES 100

static const char *const controllers[CGROUP_FOLDERS] = {"cpu", "cpuacct", "memory"};

__attribute__((format(printf, 3, 4))) static int put(const char *folder, const char *file,
						     const char *fmt, ...)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX + 64], text[128];
	va_list args;
	int size;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	va_start(args, fmt);
	size = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, text, (size_t)size) == size ? 0 : -errno;
}

static FILE *get(const char *folder, const char *file)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	return fopen(path, "re");
}

/* Our own path in the tree of @controller, and the version of that tree; 0: none. */
static int own_path(const char *controller, char ret[static PATH_MAX])
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/cgroup", "re");
	char text[16384];

	text[file ? fread(text, 1, sizeof(text) - 1, file) : 0] = 0;
	return device_cgroup(text, controller, ret, PATH_MAX);
}

/* In the tree at @tree: below our own group, or (where that is not to be seen) at the top. */
static int make_folder(const char *tree, const char *own, const char *name,
		       char ret[static PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%.*s%s/%s", PATH_MAX / 2, tree, strcmp(own, "/") ? own : "", name);
	if (mkdir(ret, 0755) == 0)
		return 0;
	if (errno == ENOENT) {
		snprintf(ret, PATH_MAX, "%.*s/%s", PATH_MAX / 2, tree, name);
		if (mkdir(ret, 0755) == 0)
			return 0;
	}
	ret[0] = 0;
	return -errno;
}

static int make_first(const char *root, const char *name, struct cgroup *cgroup)
{
	cgroup->version = 1;
	for (unsigned i = 0; i < CGROUP_FOLDERS; i++) {
		char own[PATH_MAX], tree[PATH_MAX];
		int code;

		if (own_path(controllers[i], own) != 1)
			continue;
		snprintf(tree, sizeof(tree), "%s/%s", root, controllers[i]);
		code = make_folder(tree, own, name, cgroup->folder[i]);
		if (code < 0)
			return code;
	}
	return cgroup->folder[1][0] ? 0 : -ENOENT;
}

/* A group that has processes hands no controllers down, so ours is one of the top, which may. */
static int make_second(const char *root, const char *name, struct cgroup *cgroup)
{
	cgroup->version = 2;
	put(root, "cgroup.subtree_control", "+cpu +memory");
	return make_folder(root, "/", name, cgroup->folder[0]);
}

static int limit_first(const struct cgroup *cgroup, const struct profile *profile)
{
	struct profile_quota quota = profile_quota(profile);
	int code = 0;

	if (profile->cpus > 0) {
		code = put(cgroup->folder[0], "cpu.cfs_period_us", "%llu",
			   quota.period / NS_PER_US);
		if (code == 0)
			code = put(cgroup->folder[0], "cpu.cfs_quota_us", "%llu",
				   quota.time / NS_PER_US);
	}
	if (code == 0 && profile->memory)
		code = put(cgroup->folder[2], "memory.limit_in_bytes", "%" PRIu64, profile->memory);
	return code;
}

static int limit_second(const struct cgroup *cgroup, const struct profile *profile)
{
	struct profile_quota quota = profile_quota(profile);
	int code = 0;

	if (profile->cpus > 0)
		code = put(cgroup->folder[0], "cpu.max", "%llu %llu", quota.time / NS_PER_US,
			   quota.period / NS_PER_US);
	if (code == 0 && profile->memory) {
		code = put(cgroup->folder[0], "memory.max", "%" PRIu64, profile->memory);
		put(cgroup->folder[0], "memory.swap.max", "0");
	}
	return code;
}

int cgroup_make(const char *root, const char *name, const struct profile *profile,
		struct cgroup *ret, struct err *err)
{
	struct cgroup cgroup = {0};
	char own[PATH_MAX], full[128];
	int code;

	snprintf(full, sizeof(full), PREFIX "%d-%s", (int)getpid(), name);
	switch (own_path("cpu", own)) {
	case 1:
		code = make_first(root, full, &cgroup);
		break;
	case 2:
		code = make_second(root, full, &cgroup);
		break;
	default:
		return err_set(err, -ENOENT, "no control groups are mounted at %s", root);
	}
	if (code < 0) {
		cgroup_remove(&cgroup);
		return err_set(err, code, "a control group cannot be made in %s: %s%s", root,
			       strerror(-code), code == -EACCES ? ": run it as root" : "");
	}
	code = cgroup.version == 1 ? limit_first(&cgroup, profile) : limit_second(&cgroup, profile);
	if (code < 0) {
		cgroup_remove(&cgroup);
		return err_set(err, code,
			       "the limits of profile '%s' cannot be set on a control group: %s",
			       profile->name, strerror(-code));
	}
	*ret = cgroup;
	return 0;
}

void cgroup_remove(struct cgroup *cgroup)
{
	for (unsigned i = 0; i < CGROUP_FOLDERS; i++) {
		char *folder = cgroup->folder[i];

		for (unsigned tries = 0;
		     folder[0] && rmdir(folder) < 0 && errno == EBUSY && tries < REMOVE_TRIES;
		     tries++)
			usleep(20000);
		folder[0] = 0;
	}
}

/* Of a process that is no more? */
static bool is_left(const char *name)
{
	long pid;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return false;
	pid = strtol(name + strlen(PREFIX), NULL, 10);
	return pid > 0 && pid <= INT_MAX && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

static void sweep(const char *folder)
{
	DIR *all = opendir(folder);

	for (struct dirent *entry; all && (entry = readdir(all));)
		if (is_left(entry->d_name))
			unlinkat(dirfd(all), entry->d_name, AT_REMOVEDIR);
	if (all)
		closedir(all);
}

void cgroup_sweep(const char *root)
{
	for (unsigned i = 0; i < CGROUP_FOLDERS; i++) {
		char own[PATH_MAX], tree[2 * PATH_MAX];

		if (own_path(controllers[i], own) == 2) {
			sweep(root);
			continue;
		}
		snprintf(tree, sizeof(tree), "%s/%s", root, controllers[i]);
		sweep(tree);
		snprintf(tree, sizeof(tree), "%s/%s%s", root, controllers[i], own);
		sweep(tree);
	}
}

unsigned cgroup_doors(const struct cgroup *cgroup, int ret[static CGROUP_FOLDERS])
{
	unsigned count = 0;

	for (unsigned i = 0; i < CGROUP_FOLDERS; i++) {
		char path[PATH_MAX + 64];
		int fd;

		if (!cgroup->folder[i][0])
			continue;
		snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup->folder[i]);
		fd = open(path, O_WRONLY); /* what becomes a member inherits it */
		if (fd >= 0)
			ret[count++] = fd;
	}
	return count;
}

double cgroup_cpu(const struct cgroup *cgroup)
{
	_cleanup_fclose_ FILE *file = cgroup->version == 1 ? get(cgroup->folder[1], "cpuacct.usage")
							   : get(cgroup->folder[0], "cpu.stat");
	const char *word = cgroup->version == 1 ? "" : "usage_usec ";
	char line[256];
	uint64_t used;

	if (!file || !fgets(line, sizeof(line), file) || strncmp(line, word, strlen(word)) != 0 ||
	    numbers_parse(line + strlen(word), &used, 1) < 0)
		return -1;
	return (double)used / (cgroup->version == 1 ? 1e9 : 1e6);
}

/* What is in proc(5) "Pss", bytes. */
static uint64_t share_of(uint64_t pid)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[64], line[256];
	uint64_t kib;

	snprintf(path, sizeof(path), "/proc/%" PRIu64 "/smaps_rollup", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "Pss:", 4) == 0 && numbers_parse(line + 4, &kib, 1) == 0)
			return kib * 1024;
	return 0;
}

uint64_t cgroup_memory(const struct cgroup *cgroup)
{
	_cleanup_fclose_ FILE *file =
		get(cgroup->folder[cgroup->version == 1 ? 1 : 0], "cgroup.procs");
	uint64_t all = 0, pid;
	char line[32];

	while (file && fgets(line, sizeof(line), file))
		if (numbers_parse(line, &pid, 1) == 0)
			all += share_of(pid);
	return all;
}
