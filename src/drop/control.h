/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the node of this device (api.c): HTTP 1.1 over its UNIX socket, one request a connection, blocking. */
#pragma once

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct control {
	int fd; /* owned */
	unsigned status;
	uint64_t size;   /* of the body; UINT64_MAX: it ends with the connection */
	char rest[8192]; /* of the body, what came with the head */
	size_t rest_at, rest_size;
	uint64_t got;
};

/* What goes with a request. */
struct control_body {
	int fd; /* a file or pipe, all of which is sent; borrowed */
	void (*sent)(uint64_t bytes, void *data); /* is told of progress; NULL: nobody */
	/* Asked at the end of a pipe. False: something is missing, and the node is not told that this is all. NULL: it is. */
	bool (*whole)(void *data);
	void *data;
};

/* Sends a request to the node in the folder @state. @body NULL: nothing goes with it. -ECONNREFUSED: no node runs there; -ENODATA:
 * the body is not whole, for a reason that who says so knows. control_close() in any case. */
int control_ask(struct control *control, const char *state, const char *method, const char *target,
		const struct control_body *body, struct err *err);
/* Some of the body; 0: all of it was read. -EPIPE: it broke off. */
ssize_t control_read(struct control *control, void *to, size_t room, struct err *err);
/* All of it as JSON, the caller's; NULL: @err says why, or what the node said. */
json_t *control_json(struct control *control, struct err *err);
/* The answer to one request, with the file @body (-1: none), the caller's; NULL: @err says why there is none, or what the node said. */
json_t *control_call(const char *state, const char *method, const char *target, int body,
		     struct err *err);
void control_close(struct control *control);
