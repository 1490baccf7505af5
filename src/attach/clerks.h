/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that answer those questions of the filter that need no thought, which are nearly all: plain sockets. To hand one out
 * means to wait until the program has run and taken it; with several clerks the next program does not wait for that, and
 * neither for what else the supervisor has to do. Whatever is not plain they hand on.
 *
 * What they share with the supervisor are two lists under a lock, and the time until which no program has to wait.
 */
#pragma once

#include "attach/attachment.h"
#include "attach/caller.h"

#include <stdint.h>

struct clerks;
struct seccomp_notif;

/* @listener and @home are borrowed. None answers a plain call before clerks_stand_open() says so. -ENOMEM, -EAGAIN: no threads can be
 * had. The caller closes; whatever was not answered by then goes on in the kernel. */
int clerks_open(struct clerks **ret, int listener, const struct home *home);
void clerks_close(struct clerks *clerks);

/* Until @until (of clock_now()) plain calls are answered without asking anybody. */
void clerks_stand_open(struct clerks *clerks, uint64_t until);

/* What they have done since: one by one. False: no more. What was made is told before the program has it. */
bool clerks_done(struct clerks *clerks, struct attached *ret);
/* What they did not answer, one by one; whoever takes a question answers it. False: no more. */
bool clerks_question(struct clerks *clerks, struct seccomp_notif *ret);

/* They poll readable while there is something of that kind. */
int clerks_done_fd(const struct clerks *clerks);
int clerks_question_fd(const struct clerks *clerks);
