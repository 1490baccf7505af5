/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an asking thread has: its network namespace, its descriptors, its memory. All of it is found
 * by the thread's number, so it is the asker's only if the asker still waits afterwards
 * (SECCOMP_IOCTL_NOTIF_ID_VALID).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct known;

/* The network namespace that this process is in. */
struct home {
	int fd;              /* owned */
	int processes;       /* /proc; owned */
	char name[32];       /* to compare with: "net:[4026531840]" */
	struct known *known; /* owned; NULL: every thread is looked at */
};

/* -ESRCH: /proc does not show our processes, and nothing can be found there. */
int home_open(struct home *ret);
void home_close(struct home *home);
/* From now on known_end() is called in time (known.h). */
void home_trust(struct home *home);

/* A socket in the network namespace of thread @pid, wherever it is by now: a descriptor that the
 * caller owns, or a negative errno. */
int caller_socket(const struct home *home, pid_t pid, int domain, int type, int protocol);

/* Is thread @pid in the same network namespace? */
bool caller_is_home(const struct home *home, pid_t pid);

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
