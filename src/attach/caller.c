/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/caller.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define PIDFD_THREAD_            O_EXCL       /* since 6.9 */
#define PIDFD_GET_NET_NAMESPACE_ _IO(0xFF, 4) /* since 6.11 */

/* The network namespace that a thread is in: a descriptor, the caller's, or a negative errno. The way through /proc would leave
 * entries of a file system there for each thread that ever asked, and to take those away is most of what its end costs then. */
static int open_by_pidfd(int pidfd)
{
	int fd = pidfd < 0 ? -1 : ioctl(pidfd, PIDFD_GET_NET_NAMESPACE_, 0);

	return fd < 0 ? -errno : fd;
}

static int open_thread(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, PIDFD_THREAD_);
}

static int open_namespace(const struct home *home, pid_t pid)
{
	_cleanup_close_ int pidfd = home->by_pidfd ? open_thread(pid) : -1;
	char path[40];
	int fd;

	if (home->by_pidfd)
		return open_by_pidfd(pidfd);
	snprintf(path, sizeof(path), "%d/ns/net", pid);
	fd = openat(home->processes, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Of a descriptor of a namespace; 0: it cannot be told. */
static uint64_t inode_of(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* By what its file in /proc links to, "net:[4026531840]"; to follow the link would make the kernel make an inode of it, for
 * each call. */
static uint64_t inode_by_name(const struct home *home, pid_t pid)
{
	char path[40], name[32] = {0};

	snprintf(path, sizeof(path), "%d/ns/net", pid);
	if (readlinkat(home->processes, path, name, sizeof(name) - 1) < 0 ||
	    strncmp(name, "net:[", 5) != 0)
		return 0;
	return strtoull(name + 5, NULL, 10);
}

static void remember(struct home *home, pid_t pid, int pidfd)
{
	unsigned at = (unsigned)pid % HOME_KNOWN;

	pthread_mutex_lock(&home->lock);
	if (home->known[at].pid)
		close_fd(home->known[at].pidfd);
	home->known[at].pid = pid;
	home->known[at].pidfd = pidfd;
	pthread_mutex_unlock(&home->lock);
}

/* Is it a thread that was found to be here, and not another one that has its number by now? */
static bool is_known(struct home *home, pid_t pid)
{
	unsigned at = (unsigned)pid % HOME_KNOWN;
	bool known;

	if (!atomic_load(&home->trusted))
		return false;
	pthread_mutex_lock(&home->lock);
	known = home->known[at].pid == pid &&
		syscall(SYS_pidfd_send_signal, home->known[at].pidfd, 0, NULL, 0) == 0;
	pthread_mutex_unlock(&home->lock);
	return known;
}

void home_trust(struct home *home)
{
	struct rlimit files;

	/* What is remembered must not take the place of what is needed. */
	atomic_store(&home->trusted, home->by_pidfd && getrlimit(RLIMIT_NOFILE, &files) == 0 &&
					     files.rlim_cur >= 3 * HOME_KNOWN);
}

bool home_is_left(const struct seccomp_notif *request)
{
	static const char *const names[] = {"unshare", "setns", "clone"};
	const uint32_t arch = request->data.arch;
	int nr = request->data.nr;

	if (arch == seccomp_arch_native()) {
#ifdef __X32_SYSCALL_BIT
		nr &= ~__X32_SYSCALL_BIT;
#endif
		return nr == SYS_unshare || nr == SYS_setns || nr == SYS_clone;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (nr == seccomp_syscall_resolve_name_arch(arch, names[i]))
			return true;
	return false;
}

/* For good: a thread that has left can become the leader of its process, by whose number another one was known. */
void home_left(struct home *home)
{
	atomic_store(&home->trusted, false);
}

static uint64_t namespace_of(struct home *home, pid_t pid)
{
	_cleanup_close_ int pidfd = -1, fd = -1;
	uint64_t inode;

	if (!home->by_pidfd)
		return inode_by_name(home, pid);
	if (is_known(home, pid))
		return home->inode;
	pidfd = open_thread(pid);
	fd = open_by_pidfd(pidfd);
	inode = inode_of(fd);
	if (inode == home->inode && atomic_load(&home->trusted)) {
		remember(home, pid, pidfd);
		pidfd = -1;
	}
	return inode;
}

int home_open(struct home *ret)
{
	_cleanup_close_ int pidfd = open_thread(getpid()), again = open_by_pidfd(pidfd);

	*ret = (struct home){.lock = PTHREAD_MUTEX_INITIALIZER};
	ret->processes = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ret->fd = openat(ret->processes, "self/ns/net", O_RDONLY | O_CLOEXEC);
	ret->inode = inode_of(ret->fd);
	ret->by_pidfd = ret->inode && inode_of(again) == ret->inode;
	if (ret->inode)
		return 0;
	home_close(ret);
	return -ENOENT;
}

void home_close(struct home *home)
{
	for (unsigned i = 0; i < HOME_KNOWN; i++)
		if (home->known[i].pid)
			close_fd(home->known[i].pidfd);
	home->fd = close_fd(home->fd);
	home->processes = close_fd(home->processes);
}

int caller_socket(struct home *home, pid_t pid, int domain, int type, int protocol)
{
	uint64_t there = home->fd < 0 ? 0 : namespace_of(home, pid);
	_cleanup_close_ int theirs = -1;
	int fd, err;

	if (!there)
		return -EACCES;
	if (there == home->inode) {
		fd = socket(domain, type, protocol);
		return fd < 0 ? -errno : fd;
	}
	theirs = open_namespace(home, pid);
	if (theirs < 0 || setns(theirs, CLONE_NEWNET) < 0)
		return theirs < 0 ? theirs : -errno;
	fd = socket(domain, type, protocol);
	err = -errno;
	if (setns(home->fd, CLONE_NEWNET) < 0)
		abort(); /* in the wrong namespace nothing that we do would be right */
	return fd < 0 ? err : fd;
}

bool caller_is_home(struct home *home, pid_t pid)
{
	return home->fd >= 0 && namespace_of(home, pid) == home->inode;
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

/* A thread that is not the leader has no plain pidfd; before 6.9 it has none at all. */
static int pidfd_of(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, PIDFD_THREAD_);

	if (pidfd < 0 && errno == EINVAL)
		pidfd = (int)syscall(SYS_pidfd_open, leader_of(pid), 0);
	return pidfd < 0 ? -errno : pidfd;
}

/* Who asked lately asks again. A pidfd is of one thread for ever: what has ended in the meantime is seen by it. */
static struct {
	pid_t pid;
	int pidfd;
} known[32];

int caller_descriptor(pid_t pid, int fd)
{
	unsigned at = (unsigned)pid % ARRAY_SIZE(known);
	int got;

	if (known[at].pid == pid) {
		got = (int)syscall(SYS_pidfd_getfd, known[at].pidfd, fd, 0);
		if (got >= 0 || errno != ESRCH)
			return got < 0 ? -errno : got;
	}
	if (known[at].pid)
		close_fd(known[at].pidfd);
	known[at].pidfd = pidfd_of(pid);
	known[at].pid = known[at].pidfd < 0 ? 0 : pid;
	if (known[at].pidfd < 0)
		return known[at].pidfd;
	got = (int)syscall(SYS_pidfd_getfd, known[at].pidfd, fd, 0);
	return got < 0 ? -errno : got;
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
