/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a task finds, and what is taken from where it was. Inside a sandbox that is a file system of its own size, seen by the
 * runner and the task alone; inputs are the store's own files, mounted read-only, so that only programs are copied. Names are the owner's:
 * nothing is opened through a link that the task may have made.
 */
#include "drop/files.h"
#include "drop/sandbox.h"

#include "base/cleanup.h"
#include "base/hex.h"

#include <fcntl.h>
#include <gnutls/crypto.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#define FILES_MAX 65536 /* that a task may make */

static int write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* Without being root: in a user namespace of its own, in which it is still the same user. */
static int unshare_mounts(bool root, struct err *err)
{
	char map[64];
	uid_t user = geteuid();
	gid_t group = getegid();

	if (unshare(CLONE_NEWNS | (root ? 0 : CLONE_NEWUSER)) < 0)
		return err_set(err, -errno, "no namespaces for a sandbox: %s", strerror(errno));
	if (!root) {
		write_file("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "%u %u 1", user, user);
		if (write_file("/proc/self/uid_map", map) < 0)
			return err_set(err, -EPERM, "no user namespace for a sandbox");
		snprintf(map, sizeof(map), "%u %u 1", group, group);
		write_file("/proc/self/gid_map", map);
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(err, -errno, "no mounts for a sandbox: %s", strerror(errno));
	return 0;
}

static int open_object(const struct sandbox *sandbox, const struct task_file *input)
{
	char hex[2 * OBJECT_ID_SIZE + 1];

	hex_text(input->object, OBJECT_ID_SIZE, hex);
	return openat(sandbox->objects_fd, hex, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* What of the room is not the task's. */
static uint64_t programs_size(const struct sandbox *sandbox)
{
	uint64_t size = 0;

	for (unsigned i = 0; i < sandbox->task.input_count; i++) {
		_cleanup_close_ int fd = sandbox->task.inputs[i].program
						 ? open_object(sandbox, &sandbox->task.inputs[i])
						 : -1;
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0)
			size += ((uint64_t)st.st_size + 4095) / 4096 * 4096;
	}
	return size;
}

/* A file that somebody has open for writing, as the node has its objects, cannot be executed. */
static int copy_program(int from, const char *path)
{
	_cleanup_close_ int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	ssize_t sent = to < 0 ? -1 : 1;

	while (sent > 0)
		sent = sendfile(to, from, NULL, 1u << 20);
	return sent < 0 || fchmod(to, 0755) < 0 ? -errno : 0;
}

static int make_room(const struct sandbox *sandbox, struct err *err)
{
	static const char *const folders[] = {SANDBOX_WORK, SANDBOX_TMP, SANDBOX_SHM};
	char options[128];

	snprintf(options, sizeof(options), "size=%llu,nr_inodes=%u,mode=755",
		 (unsigned long long)(sandbox->task.limits.disk + programs_size(sandbox)),
		 FILES_MAX);
	if (mount("rivulet", SANDBOX_PLACE, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
		return err_set(err, -errno, "no file system for a sandbox: %s", strerror(errno));
	for (unsigned i = 0; i < ARRAY_SIZE(folders); i++)
		if (mkdir(folders[i], 0700) < 0 ||
		    (sandbox->root && chown(folders[i], SANDBOX_USER, SANDBOX_USER) < 0))
			return err_set(err, -errno, "no folder '%s': %s", folders[i],
				       strerror(errno));
	return 0;
}

/* Makes the folders that a file of this name is in. */
static int make_parents(const struct sandbox *sandbox, const char *name)
{
	char path[PATH_MAX + TASK_NAME_MAX];
	size_t from = strlen(sandbox->work) + 1;

	snprintf(path, sizeof(path), "%s/%s", sandbox->work, name);
	for (char *slash = strchr(path + from, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -errno;
		if (sandbox->root && sandbox->inside && chown(path, SANDBOX_USER, SANDBOX_USER) < 0)
			return -errno;
		*slash = '/';
	}
	return 0;
}

static int place_input(const struct sandbox *sandbox, const struct task_file *input)
{
	char path[PATH_MAX + TASK_NAME_MAX], from[64];
	unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
	_cleanup_close_ int fd = -1, place = -1;
	int code;

	fd = open_object(sandbox, input);
	/* Whoever reaches it, in the node's own folder, is its user already. */
	if (fd < 0 || fchmod(fd, 0644) < 0)
		return -errno;
	code = make_parents(sandbox, input->name);
	if (code < 0)
		return code;
	snprintf(path, sizeof(path), "%s/%s", sandbox->work, input->name);
	if (input->program)
		return copy_program(fd, path);
	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	if (!sandbox->inside) {
		char real[PATH_MAX];
		ssize_t size = readlink(from, real, sizeof(real) - 1);

		if (size < 0)
			return -errno;
		real[size] = '\0';
		return symlink(real, path) < 0 ? -errno : 0;
	}
	place = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (place < 0 || mount(from, path, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, path, NULL, flags, NULL) < 0)
		return -errno;
	return 0;
}

int sandbox_place(struct sandbox *sandbox, struct err *err)
{
	int code = 0;

	if (sandbox->inside) {
		snprintf(sandbox->work, sizeof(sandbox->work), "%s", SANDBOX_WORK);
		code = unshare_mounts(sandbox->root, err);
	} else {
		char link[64];
		ssize_t size;

		snprintf(link, sizeof(link), "/proc/self/fd/%d", sandbox->folder);
		size = readlink(link, sandbox->work, sizeof(sandbox->work) - 6);
		if (size < 0 || mkdirat(sandbox->folder, "work", 0700) < 0)
			return err_set(err, -errno, "no folder for the task: %s", strerror(errno));
		memcpy(sandbox->work + size, "/work", 6);
	}
	sandbox->objects_fd = open(sandbox->objects, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (code == 0 && sandbox->objects_fd < 0)
		code = err_set(err, -errno, "no folder of objects: %s", strerror(errno));
	if (code == 0 && sandbox->inside)
		code = make_room(sandbox, err);
	for (unsigned i = 0; i < sandbox->task.input_count && code == 0; i++) {
		code = place_input(sandbox, &sandbox->task.inputs[i]);
		if (code < 0)
			err_set(err, code, "the input '%s' cannot be placed: %s",
				sandbox->task.inputs[i].name, strerror(-code));
	}
	for (unsigned i = 0; i < sandbox->task.output_count && code == 0; i++)
		code = make_parents(sandbox, sandbox->task.outputs[i].name);
	return code;
}

bool sandbox_is_full(const struct sandbox *sandbox)
{
	struct statvfs st;

	return sandbox->inside && statvfs(SANDBOX_PLACE, &st) == 0 &&
	       (st.f_bavail == 0 || st.f_favail == 0);
}

static int hash_piece(struct bytes *hashes, const void *data, size_t size)
{
	uint8_t *to = bytes_extend(hashes, HASH_SIZE);

	if (to)
		gnutls_hash_fast(GNUTLS_DIG_SHA256, data, size, to);
	return to ? 0 : -ENOMEM;
}

/* Copies it, at most @most bytes of it, to the node's folder, under the name @to. */
static int copy_out(const struct sandbox *sandbox, int from, const char *to, uint64_t most,
		    uint64_t *ret_size, struct bytes *hashes)
{
	_cleanup_free_ uint8_t *piece = malloc(OBJECT_PIECE);
	_cleanup_close_ int fd =
		openat(sandbox->folder, to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint64_t at = 0;

	if (fd < 0 || !piece)
		return fd < 0 ? -errno : -ENOMEM;
	for (;;) {
		size_t size = 0;
		ssize_t got = 1;
		int code;

		while (size < OBJECT_PIECE && got > 0) {
			got = read(from, piece + size, OBJECT_PIECE - size);
			if (got < 0)
				return -errno;
			size += (size_t)got;
		}
		if (size == 0)
			break;
		if (at + size > most)
			return -EFBIG;
		code = files_write_at(fd, piece, size, at);
		if (code == 0)
			code = hash_piece(hashes, piece, size);
		if (code < 0)
			return code;
		at += size;
	}
	*ret_size = at;
	return fdatasync(fd) < 0 ? -errno : 0;
}

int sandbox_collect(struct sandbox *sandbox, struct sandbox_report *report, const char **missing)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	_cleanup_close_ int work = open(sandbox->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t left = sandbox->task.limits.disk;

	report->outputs = calloc(sandbox->task.output_count + 1, sizeof(*report->outputs));
	if (!report->outputs || work < 0)
		return -ENOMEM;
	for (unsigned i = 0; i < sandbox->task.output_count; i++) {
		struct sandbox_output *output = &report->outputs[report->output_count];
		const char *name = sandbox->task.outputs[i].name;
		_cleanup_close_ int fd = (int)syscall(SYS_openat2, work, name, &how, sizeof(how));
		struct bytes hashes = {0};
		struct stat st;
		char to[16];
		int code;

		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
			*missing = name;
			continue;
		}
		snprintf(to, sizeof(to), "%u", report->output_count);
		code = copy_out(sandbox, fd, to, left, &output->size, &hashes);
		if (code < 0) {
			bytes_free(&hashes);
			return code;
		}
		left -= output->size;
		snprintf(output->name, sizeof(output->name), "%s", name);
		output->hashes = hashes.data; /* for as long as this process lives */
		output->count = (uint32_t)(hashes.size / HASH_SIZE);
		report->output_count++;
	}
	return 0;
}
