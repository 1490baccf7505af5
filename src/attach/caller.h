/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an asking thread has: its network namespace, its descriptors, its memory. All of it is found
 * by the thread's number, so it is the asker's only if the asker still waits afterwards
 * (SECCOMP_IOCTL_NOTIF_ID_VALID).
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct seccomp_notif;

#define HOME_KNOWN 256

/* The network namespace that this process is in. Threads may share it. */
struct home {
	int fd;         /* owned */
	int processes;  /* /proc; owned */
	uint64_t inode; /* what it is told from others by */
	bool by_pidfd;  /* the kernel tells that of a pidfd */

	/* Threads that were found to be here, whose namespace is not asked for again: while home_trust() says that none leaves
	 * unseen, and none has. */
	atomic_bool trusted;
	pthread_mutex_t lock;
	struct {
		pid_t pid;
		int pidfd; /* owned; of that very thread, whoever has its number later */
	} known[HOME_KNOWN];
};

int home_open(struct home *ret);
void home_close(struct home *home);

/* From now on home_left() is called before a thread goes to another network namespace (home_is_left()). */
void home_trust(struct home *home);
void home_left(struct home *home);
/* Is it a call by which a thread goes to another one, or becomes one of a process with two? The filter of "substitute" asks about
 * them. clone3() hides it: what a thread made by that with a namespace of its own finds as a program is not provided for. */
bool home_is_left(const struct seccomp_notif *request);

/* A socket in the network namespace of thread @pid, wherever it is by now: a descriptor that the
 * caller owns, or a negative errno. */
int caller_socket(struct home *home, pid_t pid, int domain, int type, int protocol);

/* Is thread @pid in the same network namespace? */
bool caller_is_home(struct home *home, pid_t pid);

/* Is thread @pid without the capability @number (CAP_NET_ADMIN, ...), which this process has? */
bool caller_lacks(pid_t pid, unsigned number);

/* A duplicate, which the caller owns, of descriptor @fd of thread @pid; close-on-exec. It shares
 * the open file description: options set on it are set on the program's own. -EPERM where Yama or
 * the program (prctl PR_SET_DUMPABLE) forbid it. */
int caller_descriptor(pid_t pid, int fd);

/* Reads up to @size bytes at @address: the number of bytes up to the first that cannot be read
 * (so 0 for a wild pointer), or a negative errno: -EPERM, -ESRCH. */
ssize_t caller_read(pid_t pid, uint64_t address, void *ret, size_t size);

/* Writes all of them; 0, -EFAULT, -EPERM, -ESRCH. */
int caller_write(pid_t pid, uint64_t address, const void *data, size_t size);
