/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes of which it is known that all their threads are in the network namespace of this one, so that it is not asked for each.
 * To ask is to look into /proc, where the kernel makes files for every thread that is looked at, and takes them away when it ends:
 * where threads come and go that costs more than the sockets that they ask for.
 *
 * A thread gets into another network namespace by unshare() and setns(), or comes into being there by clone(). The filter asks about
 * these (known_ends()), and from the first of them on nothing is known. clone3() hides what it does; but what it makes is another
 * process, with a number of its own, or a thread that has all descriptors and memory of the others, for which a namespace of its own
 * would be none.
 *
 * Of processes, not of threads, and only of those with threads that ask: one that asks in its first thread is as soon asked about.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct seccomp_notif;
struct known;

/* NULL without memory. */
struct known *known_new(void);
void known_free(struct known *known);

/* Is @thread one of a process that is known? Threads may ask at once. */
bool known_has(struct known *known, pid_t thread);
/* Can one be added? */
bool known_has_place(struct known *known);
/* The process whose first thread is @leader is in this network namespace; @pidfd, of it, is taken over. */
void known_add(struct known *known, pid_t leader, int pidfd);
/* Is @thread not the first of its process? */
bool known_is_further(pid_t thread);

/* Is it a call after which nothing is known any more? */
bool known_ends(const struct seccomp_notif *request);
void known_end(struct known *known);
