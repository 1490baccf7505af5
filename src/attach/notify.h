/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The questions of a seccomp filter (seccomp_unotify(2)), and the answers. A question may be answered later, by its number;
 * whoever asked may be gone by then, which is no error.
 */
#pragma once

#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>

struct notify {
	int listener;                  /* not owned */
	struct seccomp_notif *request; /* the last that was received */
	struct seccomp_notif_resp *response;
};

int notify_open(struct notify *notify, int listener);
void notify_close(struct notify *notify);

/* 1: a question is in @request; 0: none any more; a negative errno: none will come. Blocks if nobody asks. */
int notify_receive(struct notify *notify);

/* The call returns @result: 0 or more, or a negative errno. */
void notify_answer(struct notify *notify, uint64_t id, int64_t result);
/* The call goes on in the kernel. */
void notify_let_go(struct notify *notify, uint64_t id);
/* The call returns a descriptor that is a duplicate of @fd. 0; -ENOENT: nobody waits any more; -EMFILE, ... */
int notify_give(struct notify *notify, uint64_t id, int fd, bool close_on_exec);
/* The caller's descriptor @theirs becomes a duplicate of @fd; the call is still to be answered. */
int notify_replace(struct notify *notify, uint64_t id, int theirs, int fd, bool close_on_exec);
/* Does the caller still wait? What was found by its number until now was its own, then. */
bool notify_waits(struct notify *notify, uint64_t id);
