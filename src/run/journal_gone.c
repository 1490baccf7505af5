/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Journals of network namespaces that are gone with all that was in them, as those of a lab or a container that was killed: no run will
 * ever look there again. Nobody tells of a namespace's end, and none can be asked for by its cookie. There is one as long as a process or
 * thread is in it, or has it open, or it is mounted somewhere; all of that can be seen by root in the first PID namespace alone, and
 * who sees less removes nothing. What only sockets hold nobody can enter any more.
 */
#include "base/cleanup.h"
#include "run/journal.h"
#include "run/journal_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_PID_NAMESPACE "pid:[4026531836]"
#define MOST                64 /* in one go; the others are for the next */

struct suspects {
	struct {
		char name[64];
		uint64_t inode;
	} all[MOST];
	unsigned count;
	bool blind; /* something could not be looked at */
};

static void cleanup_closedir(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

/* Is there in the folder at @path of @at; NULL: it is gone. */
static DIR *open_folder(struct suspects *s, int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);

	if (!folder) {
		s->blind = s->blind || (errno != ENOENT && errno != ESRCH);
		close_fd(fd);
	}
	return folder;
}

/* @text names a namespace, or anything else. */
static void clear(struct suspects *s, const char *text)
{
	static const char start[] = "net:[";
	unsigned kept = 0;
	uint64_t inode;

	if (strncmp(text, start, strlen(start)) != 0)
		return;
	inode = strtoull(text + strlen(start), NULL, 10);
	for (unsigned i = 0; i < s->count; i++)
		if (s->all[i].inode != inode)
			s->all[kept++] = s->all[i];
	s->count = kept;
}

static void look_at_link(struct suspects *s, int at, const char *path)
{
	char text[64];
	ssize_t size = readlinkat(at, path, text, sizeof(text) - 1);

	if (size < 0) {
		s->blind = s->blind || (errno != ENOENT && errno != ESRCH);
		return;
	}
	text[size] = '\0';
	clear(s, text);
}

static void look_at_mounts(struct suspects *s, int process)
{
	int fd = openat(process, "mountinfo", O_RDONLY | O_CLOEXEC);
	_cleanup_fclose_ FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	if (!file) /* a process that is dead has none: EINVAL */
		s->blind = s->blind || (errno != ENOENT && errno != ESRCH && errno != EINVAL);
	while (file && getline(&line, &size, file) > 0) {
		const char *root = strstr(line, " net:[");

		if (root)
			clear(s, root + 1);
	}
}

/* All that is in the folder at @path are links, or (@rest not NULL) folders with such a link. */
static void look_at_all(struct suspects *s, int process, const char *path, const char *rest)
{
	_cleanup_(cleanup_closedir) DIR *folder = open_folder(s, process, path);
	const struct dirent *entry;

	while (folder && s->count > 0 && (entry = readdir(folder))) {
		char link[PATH_MAX];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(link, sizeof(link), "%s%s", entry->d_name, rest ? rest : "");
		look_at_link(s, dirfd(folder), link);
	}
}

/* Of threads one is the process itself. Of most processes the first look is enough, and few are looked at in whole. */
static void look_at_process(struct suspects *s, int proc, const char *name, bool whole)
{
	_cleanup_close_ int process = openat(proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (process < 0)
		return;
	if (!whole) {
		look_at_link(s, process, "ns/net");
		return;
	}
	look_at_all(s, process, "task", "/ns/net");
	look_at_all(s, process, "fd", NULL);
	look_at_mounts(s, process);
}

static void look_at_processes(struct suspects *s, bool whole)
{
	_cleanup_(cleanup_closedir) DIR *proc = open_folder(s, AT_FDCWD, "/proc");
	const struct dirent *entry;

	while (proc && s->count > 0 && !s->blind && (entry = readdir(proc)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			look_at_process(s, dirfd(proc), entry->d_name, whole);
}

static void find_suspects(struct suspects *s, DIR *folder)
{
	const struct dirent *entry;

	while (s->count < MOST && (entry = readdir(folder))) {
		const char *name = entry->d_name, *number = strrchr(name, '-');

		if (strncmp(name, JOURNAL_NAME, strlen(JOURNAL_NAME)) != 0 ||
		    number < name + strlen(JOURNAL_NAME) || strlen(name) >= sizeof(s->all->name))
			continue;
		s->all[s->count].inode = strtoull(number + 1, NULL, 10);
		snprintf(s->all[s->count++].name, sizeof(s->all->name), "%s", name);
	}
}

/* Of the first process only those may be told who may be told of all. */
static bool sees_all(void)
{
	char text[64] = "";

	return geteuid() == 0 && readlink("/proc/1/ns/pid", text, sizeof(text) - 1) > 0 &&
	       strcmp(text, FIRST_PID_NAMESPACE) == 0;
}

/* It is root's own doing where the folder is; the journals in it may be rivulet-net's (folder.h). */
void journal_remove_gone(void)
{
	const char *told = secure_getenv("RIVULET_STATE");
	_cleanup_(cleanup_closedir) DIR *folder = NULL;
	struct suspects s = {0};

	if (!sees_all())
		return;
	folder = opendir(told && told[0] == '/' ? told : "/run/rivulet");
	if (!folder)
		return;
	find_suspects(&s, folder);
	look_at_processes(&s, false);
	look_at_processes(&s, true);
	for (unsigned i = 0; i < s.count && !s.blind; i++)
		unlinkat(dirfd(folder), s.all[i].name, 0);
}
