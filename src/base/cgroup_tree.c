/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where groups can be made, and what killed processes have left there. */
#include "base/cgroup_ops.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define LEAF        "rivulet-self" /* version 2: where this process is, beside its groups */
#define TEXT_MAX    16384
#define SWEEP_TRIES 20
#define SWEEP_PAUSE 5000 /* us */
#define STRANGE_AGE 60   /* s */

/* Where groups of a controller could be: below our own, and at the top. */
struct candidates {
	const struct cgroup_ops *ops;
	char folders[2][PATH_MAX];
	unsigned count;
};

static bool lists(const char *list, size_t length, const char *word)
{
	size_t wanted = strlen(word);

	for (const char *at = list; at < list + length; at++) {
		size_t size = strcspn(at, ",: \n");

		if (size == wanted && strncmp(at, word, size) == 0)
			return true;
		at += size;
	}
	return false;
}

int cgroup_path(const char *text, const char *controller, char *ret, size_t size)
{
	int version = 0;

	for (const char *line = text; *line; line += *line == '\n') {
		size_t end = strcspn(line, "\n");
		const char *list = memchr(line, ':', end), *path;

		path = list ? memchr(list + 1, ':', end - (size_t)(list + 1 - line)) : NULL;
		if (path) {
			bool second = path == list + 1;
			bool first =
				!second && lists(list + 1, (size_t)(path - list - 1), controller);

			/* Where both are mounted, a controller is with one of them: the first that names it. */
			if (first || (second && !version)) {
				snprintf(ret, size, "%.*s", (int)(line + end - path - 1), path + 1);
				version = first ? 1 : 2;
			}
		}
		line += end;
	}
	return version;
}

static void read_text(const char *folder, const char *file, char ret[static TEXT_MAX])
{
	_cleanup_fclose_ FILE *stream = NULL;
	char path[PATH_MAX];

	ret[0] = '\0';
	if (snprintf(path, sizeof(path), "%s/%s", folder, file) < (int)sizeof(path))
		stream = fopen(path, "re");
	if (stream)
		ret[fread(ret, 1, TEXT_MAX - 1, stream)] = '\0';
}

/* Of @wanted, those that @folder has (@file "cgroup.controllers") or hands down ("cgroup.subtree_control"). */
static unsigned listed(const char *folder, const char *file, unsigned wanted)
{
	char text[TEXT_MAX];
	unsigned ret = 0;

	read_text(folder, file, text);
	for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++)
		if ((wanted & CGROUP_BIT(i)) &&
		    (!cgroup_second.names[i] || lists(text, strlen(text), cgroup_second.names[i])))
			ret |= CGROUP_BIT(i);
	return ret;
}

static void look_for(struct candidates *ret, const char *root, const char *own,
		     enum cgroup_controller controller)
{
	const char *name = cgroup_first.names[controller];
	char text[TEXT_MAX], path[PATH_MAX], top[PATH_MAX];
	size_t size;

	*ret = (struct candidates){0};
	if (!own)
		read_text("/proc/self", "cgroup", text);
	switch (cgroup_path(own ? own : text, name, path, sizeof(path))) {
	case 1:
		ret->ops = &cgroup_first;
		snprintf(top, sizeof(top), "%s/%s", root, name);
		break;
	case 2:
		ret->ops = &cgroup_second;
		snprintf(top, sizeof(top), "%s/cgroup.controllers", root);
		snprintf(top, sizeof(top), "%s%s", root, access(top, F_OK) < 0 ? "/unified" : "");
		size = strlen(path);
		if (size >= sizeof(LEAF) && strcmp(path + size - sizeof(LEAF), "/" LEAF) == 0)
			path[size - sizeof(LEAF)] = '\0';
		break;
	default:
		return;
	}
	/* In a container the path may be that of outside: then it is not there. */
	if (path[0] && strcmp(path, "/") != 0 &&
	    snprintf(ret->folders[0], PATH_MAX, "%s%s", top, path) < PATH_MAX &&
	    access(ret->folders[0], F_OK) == 0)
		ret->count++;
	snprintf(ret->folders[ret->count++], PATH_MAX, "%s", top);
}

/* Of @wanted, the controllers that are in version 2. @ret: where. */
static unsigned look_for_second(struct candidates *ret, const char *root, const char *own,
				unsigned wanted)
{
	unsigned second = 0;

	for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++) {
		struct candidates found;

		if (!(wanted & CGROUP_BIT(i)))
			continue;
		look_for(&found, root, own, (enum cgroup_controller)i);
		if (found.ops != &cgroup_second)
			continue;
		second |= CGROUP_BIT(i);
		*ret = found;
	}
	return second;
}

static bool hand_down(const char *folder, unsigned controllers)
{
	char words[128] = "";

	for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++)
		if ((controllers & CGROUP_BIT(i)) && cgroup_second.names[i]) {
			size_t size = strlen(words);

			snprintf(words + size, sizeof(words) - size, "%s+%s", size ? " " : "",
				 cgroup_second.names[i]);
		}
	return !words[0] || cgroup_write(folder, "cgroup.subtree_control", "%s", words) == 0;
}

void cgroup_prepare(const char *root, const char *own, unsigned wanted)
{
	struct candidates found = {0};

	wanted = look_for_second(&found, root, own, wanted);
	for (unsigned i = 0; i < found.count; i++) {
		const char *folder = found.folders[i];
		unsigned there = listed(folder, "cgroup.controllers", wanted);
		char leaf[PATH_MAX];
		bool good = listed(folder, "cgroup.subtree_control", there) == there ||
			    hand_down(folder, there);

		if (!good && i == 0 &&
		    snprintf(leaf, sizeof(leaf), "%s/" LEAF, folder) < (int)sizeof(leaf) &&
		    (mkdir(leaf, 0755) == 0 || errno == EEXIST)) {
			good = cgroup_write(leaf, "cgroup.procs", "0") == 0 &&
			       hand_down(folder, there);
			if (!good) { /* others are in it, too */
				cgroup_write(folder, "cgroup.procs", "0");
				rmdir(leaf);
			}
		}
		if (good && there == wanted)
			return;
	}
}

void cgroup_find(struct cgroup_tree *ret, const char *root, const char *own, unsigned wanted)
{
	struct candidates found = {0};
	unsigned second = look_for_second(&found, root, own, wanted), most = 0;
	const char *best = NULL;

	*ret = (struct cgroup_tree){0};
	/* A process is in one group of version 2: that which has most of them. */
	for (unsigned i = 0; i < found.count; i++) {
		unsigned there = listed(found.folders[i], "cgroup.subtree_control", second);

		if (access(found.folders[i], W_OK) == 0 &&
		    __builtin_popcount(there) > __builtin_popcount(most)) {
			best = found.folders[i];
			most = there;
		}
	}
	for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++) {
		struct cgroup_place *place = &ret->places[i];

		if (most & CGROUP_BIT(i)) {
			place->ops = &cgroup_second;
			snprintf(place->folder, sizeof(place->folder), "%s", best);
		} else if ((wanted & ~second) & CGROUP_BIT(i)) {
			struct candidates first;

			look_for(&first, root, own, (enum cgroup_controller)i);
			for (unsigned j = 0; j < first.count && !place->ops; j++)
				if (access(first.folders[j], W_OK) == 0) {
					place->ops = first.ops;
					snprintf(place->folder, sizeof(place->folder), "%s",
						 first.folders[j]);
				}
		}
	}
}

void cgroup_name(const char *prefix, char *ret, size_t size)
{
	struct stat st = {0};

	stat("/proc/self/ns/pid", &st);
	snprintf(ret, size, "%s%d-%llu", prefix, (int)getpid(), (unsigned long long)st.st_ino);
}

/* Removes the group, if it is of a process that is no more. */
static void sweep_one(const char *path, const char *of)
{
	struct stat space = {0}, st;
	char *rest;
	long pid = strtol(of, &rest, 10);

	if (pid <= 0 || pid > INT_MAX || stat("/proc/self/ns/pid", &space) < 0)
		return;
	if (*rest != '-' || strtoull(rest + 1, NULL, 10) != space.st_ino) {
		/* Of another PID namespace, which may be no more. A new one may be about to get its first member. */
		if (stat(path, &st) == 0 && time(NULL) - st.st_mtime > STRANGE_AGE)
			rmdir(path);
		return;
	}
	if (kill((pid_t)pid, 0) == 0 || errno != ESRCH)
		return;
	for (unsigned tries = 0; tries < SWEEP_TRIES && rmdir(path) < 0 && errno == EBUSY;
	     tries++) {
		cgroup_kill_folder(path);
		usleep(SWEEP_PAUSE);
	}
}

static void sweep_folder(const char *folder, const char *prefix)
{
	DIR *all = opendir(folder);

	for (struct dirent *entry; all && (entry = readdir(all));) {
		char path[PATH_MAX];

		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
		    snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) <
			    (int)sizeof(path))
			sweep_one(path, entry->d_name + strlen(prefix));
	}
	if (all)
		closedir(all);
}

void cgroup_sweep(const char *root, const char *own, unsigned wanted, const char *prefix)
{
	for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++) {
		struct candidates found = {0};

		if (wanted & CGROUP_BIT(i))
			look_for(&found, root, own, (enum cgroup_controller)i);
		for (unsigned j = 0; j < found.count; j++)
			sweep_folder(found.folders[j], prefix);
	}
}
