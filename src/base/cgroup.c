/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cgroup_ops.h"

#include "base/cleanup.h"
#include "base/numbers.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define REMOVE_TRIES 400
#define REMOVE_PAUSE 5000 /* us */

int cgroup_make(const struct cgroup_tree *tree, const char *prefix, struct cgroup *ret)
{
	char name[NAME_MAX + 1];

	cgroup_name(prefix, name, sizeof(name));
	*ret = (struct cgroup){0};
	for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++) {
		const struct cgroup_place *place = &tree->places[i];
		struct cgroup_part *part = NULL;
		char folder[PATH_MAX];

		if (!place->ops)
			continue;
		if (snprintf(folder, sizeof(folder), "%s/%s", place->folder, name) >= PATH_MAX)
			return -ENAMETOOLONG;
		for (unsigned j = 0; j < ret->count && !part; j++)
			if (strcmp(ret->parts[j].folder, folder) == 0)
				part = &ret->parts[j];
		if (!part) {
			/* Two controllers of version 1 may have one tree by two names. */
			if (mkdir(folder, 0755) < 0 && errno != EEXIST) {
				int code = -errno;

				cgroup_remove(ret);
				return code;
			}
			part = &ret->parts[ret->count++];
			part->ops = place->ops;
			memcpy(part->folder, folder, sizeof(folder));
		}
		part->controllers |= CGROUP_BIT(i);
	}
	return ret->count ? 0 : -EOPNOTSUPP;
}

bool cgroup_kill_folder(const char *folder)
{
	_cleanup_fclose_ FILE *all = NULL;
	char path[PATH_MAX], line[32];
	bool any = false;

	if (cgroup_write(folder, "cgroup.kill", "1") == 0)
		return true;
	if (snprintf(path, sizeof(path), "%s/cgroup.procs", folder) < (int)sizeof(path))
		all = fopen(path, "re");
	while (all && fgets(line, sizeof(line), all)) {
		pid_t pid = (pid_t)strtol(line, NULL, 10);

		any |= pid > 0 && kill(pid, SIGKILL) == 0;
	}
	return any;
}

void cgroup_kill(const struct cgroup *cgroup)
{
	for (unsigned i = 0; i < cgroup->count; i++)
		cgroup_kill_folder(cgroup->parts[i].folder);
}

void cgroup_remove(struct cgroup *cgroup)
{
	for (unsigned i = 0; i < cgroup->count; i++) {
		const char *folder = cgroup->parts[i].folder;

		/* They need a moment to be gone, and may have had children meanwhile. */
		for (unsigned tries = 0;
		     tries < REMOVE_TRIES && rmdir(folder) < 0 && errno == EBUSY; tries++) {
			cgroup_kill_folder(folder);
			usleep(REMOVE_PAUSE);
		}
	}
	*cgroup = (struct cgroup){0};
}

static const struct cgroup_part *part_of(const struct cgroup *cgroup,
					 enum cgroup_controller controller)
{
	for (unsigned i = 0; i < cgroup->count; i++)
		if (cgroup->parts[i].controllers & CGROUP_BIT(controller))
			return &cgroup->parts[i];
	return NULL;
}

int cgroup_limit(const struct cgroup *cgroup, enum cgroup_controller controller,
		 const struct cgroup_limits *limits)
{
	const struct cgroup_part *part = part_of(cgroup, controller);

	return part ? part->ops->limit(part->folder, controller, limits) : -EOPNOTSUPP;
}

int cgroup_join(const struct cgroup *cgroup)
{
	int code = 0;

	for (unsigned i = 0; i < cgroup->count && code == 0; i++)
		code = cgroup_write(cgroup->parts[i].folder, "cgroup.procs", "0");
	return code;
}

unsigned cgroup_doors(const struct cgroup *cgroup, int ret[static CGROUP_CONTROLLERS])
{
	unsigned count = 0;

	for (unsigned i = 0; i < cgroup->count; i++) {
		char path[PATH_MAX + 64];
		int fd;

		snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup->parts[i].folder);
		fd = open(path, O_WRONLY); /* what becomes a member inherits it */
		if (fd >= 0)
			ret[count++] = fd;
	}
	return count;
}

bool cgroup_out_of_memory(const struct cgroup *cgroup)
{
	const struct cgroup_part *part = part_of(cgroup, CGROUP_MEMORY);

	return part && part->ops->memory_kills(part->folder) > 0;
}

bool cgroup_out_of_processes(const struct cgroup *cgroup)
{
	const struct cgroup_part *part = part_of(cgroup, CGROUP_PIDS);

	return part && cgroup_read(part->folder, "pids.events", "max") > 0;
}

double cgroup_cpu(const struct cgroup *cgroup)
{
	const struct cgroup_part *part = part_of(cgroup, CGROUP_ACCOUNT);

	return part ? part->ops->cpu(part->folder) : -1;
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
	_cleanup_fclose_ FILE *file = NULL;
	char path[PATH_MAX + 64], line[32];
	uint64_t all = 0, pid;

	if (!cgroup->count)
		return 0;
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup->parts[0].folder);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (numbers_parse(line, &pid, 1) == 0)
			all += share_of(pid);
	return all;
}
