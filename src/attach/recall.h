/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What programs have set on their sockets that the kernel would not take, by the socket's cookie,
 * which the kernel never gives twice. Pure.
 *
 * Nobody tells of a socket's end, so memory is bounded by age: the oldest of RECALL_SLOTS settings
 * makes room for the next. Those of dead sockets go that way; a live socket loses one only when
 * that many others were set since.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RECALL_SLOTS 8192
#define RECALL_BYTES 64 /* of a value; no option that is remembered has more */

struct recall;

struct recalled {
	uint64_t cookie;
	int level, name;
	uint16_t length; /* of the value; never above RECALL_BYTES */
	uint16_t next;   /* recall's own */
	uint8_t bytes[RECALL_BYTES];
};

/* NULL without memory. */
struct recall *recall_new(void);
void recall_free(struct recall *recall);

/* Remembers a value, of which only RECALL_BYTES are kept, instead of the one that the option had.
 */
void recall_put(struct recall *recall, uint64_t cookie, int level, int name, const void *value,
		size_t length);

/* What was put for one socket, one after the other in the order in which the options were first
 * set: @after is the last answer, NULL at first. NULL: no more. Valid until the next put. */
const struct recalled *recall_next(const struct recall *recall, uint64_t cookie,
				   const struct recalled *after);

/* The one setting, or NULL. */
const struct recalled *recall_get(const struct recall *recall, uint64_t cookie, int level,
				  int name);

void recall_forget(struct recall *recall, uint64_t cookie, int level, int name);
