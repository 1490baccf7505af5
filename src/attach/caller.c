/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/caller.h"

#include "attach/known.h"
#include "base/cleanup.h"
#include "base/processes.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define PIDFD_THREAD_ O_EXCL /* since 6.9 */

/* Names a network namespace by what its file in /proc, at @path from there, links to; to follow the link would make the kernel
 * make an inode of it, for each call. */
static int name_namespace(int processes, const char *path,
			  char ret[static sizeof(((struct home *)0)->name)])
{
	size_t size = sizeof(((struct home *)0)->name);
	ssize_t length = readlinkat(processes, path, ret, size);

	if (length < 0 || (size_t)length == size)
		return length < 0 ? -errno : -ENAMETOOLONG;
	ret[length] = '\0';
	return 0;
}

int home_open(struct home *ret)
{
	int err;

	*ret = (struct home){.fd = -1, .processes = -1};
	if (!processes_are_ours())
		return -ESRCH;
	ret->processes = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ret->fd = openat(ret->processes, "self/ns/net", O_RDONLY | O_CLOEXEC);
	err = ret->fd < 0 ? -errno : name_namespace(ret->processes, "self/ns/net", ret->name);
	if (err < 0)
		home_close(ret);
	return err;
}

void home_close(struct home *home)
{
	home->fd = close_fd(home->fd);
	home->processes = close_fd(home->processes);
	known_free(home->known);
	home->known = NULL;
}

void home_trust(struct home *home)
{
	if (home->fd >= 0)
		home->known = known_new();
}

static bool is_named_home(const struct home *home, pid_t pid)
{
	char path[40], there[sizeof(home->name)];

	snprintf(path, sizeof(path), "%d/ns/net", pid);
	return name_namespace(home->processes, path, there) == 0 && strcmp(there, home->name) == 0;
}

/* The thread group's leader, whose descriptors are its threads' too: 0 if the thread is gone. */
static pid_t leader_of(pid_t pid)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[40], line[128];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "Tgid:", 5) == 0)
			return (pid_t)strtol(line + 5, NULL, 10);
	return 0;
}

/* One process, from its pidfd's opening until it is asked about. */
static void learn(const struct home *home, pid_t pid)
{
	pid_t leader = leader_of(pid);
	_cleanup_close_ int pidfd = leader ? (int)syscall(SYS_pidfd_open, leader, 0) : -1;

	if (pidfd >= 0 && is_named_home(home, leader))
		known_add(home->known, leader, steal_fd(&pidfd));
}

bool caller_is_home(const struct home *home, pid_t pid)
{
	if (home->fd < 0)
		return false;
	if (home->known && known_has(home->known, pid))
		return true;
	if (!is_named_home(home, pid))
		return false;
	if (home->known && known_is_further(pid) && known_has_place(home->known))
		learn(home, pid);
	return true;
}

int caller_socket(const struct home *home, pid_t pid, int domain, int type, int protocol)
{
	_cleanup_close_ int theirs = -1;
	char path[40];
	int fd, err;

	if (caller_is_home(home, pid)) {
		fd = socket(domain, type, protocol);
		return fd < 0 ? -errno : fd;
	}
	snprintf(path, sizeof(path), "%d/ns/net", pid);
	theirs = home->fd < 0 ? -1 : openat(home->processes, path, O_RDONLY | O_CLOEXEC);
	if (theirs < 0)
		return -EACCES;
	if (setns(theirs, CLONE_NEWNET) < 0)
		return -errno;
	fd = socket(domain, type, protocol);
	err = -errno;
	if (setns(home->fd, CLONE_NEWNET) < 0)
		abort(); /* in the wrong namespace nothing that we do would be right */
	return fd < 0 ? err : fd;
}

/* The set of capabilities that are in effect; none if it cannot be read. */
static uint64_t capabilities_of(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "CapEff:", 7) == 0)
			return strtoull(line + 7, NULL, 16);
	return 0;
}

bool caller_lacks(pid_t pid, unsigned number)
{
	uint64_t one = 1ULL << number;
	char path[40];

	if (!(capabilities_of("/proc/self/status") & one))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	return !(capabilities_of(path) & one);
}

/* A thread that is not the leader has no plain pidfd; before 6.9 it has none at all, and its leader's does not tell when the thread
 * has ended and its number is another's (*@ret_own). */
static int pidfd_of(pid_t pid, bool *ret_own)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, PIDFD_THREAD_);
	pid_t leader = pid;

	if (pidfd < 0 && errno == EINVAL) {
		leader = leader_of(pid);
		pidfd = (int)syscall(SYS_pidfd_open, leader, 0);
	}
	*ret_own = leader == pid;
	return pidfd < 0 ? -errno : pidfd;
}

static int get_descriptor(int pidfd, int fd)
{
	int got = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	return got < 0 ? -errno : got;
}

/* Who asked lately asks again. A pidfd is of one thread for ever: what has ended in the meantime is seen by it. */
static struct {
	pid_t pid;
	int pidfd;
} known[32];

int caller_descriptor(pid_t pid, int fd)
{
	_cleanup_close_ int pidfd = -1;
	unsigned at = (unsigned)pid % ARRAY_SIZE(known);
	bool own;
	int got;

	if (known[at].pid == pid) {
		got = get_descriptor(known[at].pidfd, fd);
		if (got != -ESRCH)
			return got;
	}
	pidfd = pidfd_of(pid, &own);
	if (pidfd < 0)
		return pidfd;
	got = get_descriptor(pidfd, fd);
	if (!own)
		return got;
	if (known[at].pid)
		close_fd(known[at].pidfd);
	known[at].pid = pid;
	known[at].pidfd = steal_fd(&pidfd);
	return got;
}

/* The two ways that memory is moved differ in nothing else. */
typedef ssize_t (*mover_fn)(pid_t, const struct iovec *, unsigned long, const struct iovec *,
			    unsigned long, unsigned long);

/* Moves page by page, for the kernel may move nothing of a piece that it cannot move whole. */
static ssize_t move(mover_fn mover, pid_t pid, uint64_t address, void *ours, size_t size)
{
	const size_t page = 4096;
	size_t done = 0;

	while (done < size) {
		uint64_t at = address + done;
		size_t piece = page - at % page;
		struct iovec near, far;
		ssize_t moved;

		if (piece > size - done)
			piece = size - done;
		near = (struct iovec){(char *)ours + done, piece};
		far = (struct iovec){(void *)(uintptr_t)at, piece};
		moved = mover(pid, &near, 1, &far, 1, 0);
		if (moved < 0 && errno != EFAULT)
			return -errno;
		if (moved <= 0)
			break;
		done += (size_t)moved;
	}
	return (ssize_t)done;
}

ssize_t caller_read(pid_t pid, uint64_t address, void *ret, size_t size)
{
	return move(process_vm_readv, pid, address, ret, size);
}

int caller_write(pid_t pid, uint64_t address, const void *data, size_t size)
{
	ssize_t done = move(process_vm_writev, pid, address, (void *)data, size);

	if (done < 0)
		return (int)done;
	return (size_t)done == size ? 0 : -EFAULT;
}
