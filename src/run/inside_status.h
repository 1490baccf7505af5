/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `rivulet status` of a run inside a machine (guest.h): who asks on the host is answered with what the supervisor inside answers
 * to the init, but for the process and the network namespace, which are the host's.
 */
#pragma once

#include "run/guest.h"
#include "run/status.h"

#define INSIDE_ASKING_MAX 8

struct inside_status {
	struct status status;
	int asking[INSIDE_ASKING_MAX]; /* who wait for the next answer; owned */
	unsigned count;
};

/* As status_open() and status_close(). */
void inside_status_open(struct inside_status *status);
void inside_status_close(struct inside_status *status);
/* Somebody asks: the init is asked. */
void inside_status_ask(struct inside_status *status, const struct guest_line *line);
/* What it answers: @text of @size bytes. */
void inside_status_answer(struct inside_status *status, const char *text, size_t size);

/* Inside: asks the supervisor of user @uid, in a process of its own that writes the answer to the descriptor that is returned, and
 * ends. A negative errno: there is none. */
int guest_status_ask(uid_t uid);
