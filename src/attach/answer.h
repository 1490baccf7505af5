/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers the calls of setsockopt() and getsockopt() that the filter asks about. Only those on
 * MPTCP sockets that the program did not ask for itself are answered: all others, and all that the
 * supervisor is not allowed to look into (Yama, PR_SET_DUMPABLE), go on as if there were no filter.
 *
 * Nothing of the program is trusted: its memory is read once and what was read is judged by the
 * kernel, on a socket of the supervisor's own that has no privilege (model.h).
 */
#pragma once

#include "attach/caller.h"

#include <stdbool.h>
#include <stdint.h>

struct answer;
struct seccomp_notif;

/* @listener, that of filter_load(), and @home stay the caller's, and outlive it. */
int answer_new(int listener, const struct home *home, struct answer **ret);
void answer_free(struct answer *answer);

/* Is it about a socket option? */
bool answer_wants(const struct answer *answer, const struct seccomp_notif *request);

#define ANSWER_GOES_ON 1 /* the call goes on in the kernel */

/* What such a call is to return: 0, a negative errno, or ANSWER_GOES_ON. */
int answer_call(struct answer *answer, const struct seccomp_notif *request);

/* The program asked for MPTCP itself and got @fd: its options are the kernel's. */
void answer_own(struct answer *answer, int fd);
