/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Says what a TCP socket of this kernel would have said to a call: a new one is made, is told what
 * was remembered for the socket in question, is asked, and is closed. So lengths, values and errors
 * are judged by who knows, in each version of the kernel as in that version.
 *
 * It is asked without any privilege, for a program may have less than the supervisor: whatever
 * needs one is refused. It is never asked about options that hold addresses (OPTION_LEFT).
 */
#pragma once

#include "attach/caller.h"
#include "attach/options.h"
#include "attach/recall.h"

#include <stdint.h>
#include <sys/socket.h>

#define MODEL_ROOM 4096 /* bytes of a value that are looked at; no page is smaller */

/* There could be no socket to ask: in the program's network namespace, or no descriptor was left.
 */
#define MODEL_NOT_ASKED 1

struct model;

int model_new(struct model **ret);
void model_free(struct model *model);

/* The socket that is asked about. */
struct model_subject {
	const struct home *home;
	pid_t pid; /* whose network namespace it is in */
	int domain;
	uint64_t cookie;
	const struct recall *recall;
	int fd; /* the program's own; borrowed */
};

/* setsockopt(): @length is the program's word, @value the @readable bytes (of at most MODEL_ROOM)
 * that could be read at its address; NULL if that was. 0, a negative errno, or
 * MODEL_NOT_ASKED. */
int model_set(struct model *model, const struct model_subject *subject, int level, int name,
	      const void *value, size_t readable, socklen_t length);

/* getsockopt(). @length: the program's (NULL: not readable), then the answer's, which is never
 * above MODEL_ROOM, the size of @ret. 0, a negative errno, or MODEL_NOT_ASKED. */
int model_get(struct model *model, const struct model_subject *subject, int level, int name,
	      void *ret, socklen_t *length);

/* The same of an option of the route to the peer that @subject is connected to. */
int model_get_route(const struct model_subject *subject, int level, int name, void *ret,
		    socklen_t *length);

/* Gives to the program's own socket what was remembered for it, all but SOL_SOCKET: for one that
 * has become plain TCP after all. */
void model_hand_over(struct model *model, const struct model_subject *subject,
		     struct recall *recall);

/* The calls that are to be asked about: those that the table asks for, and those that this kernel's MPTCP refuses, and TCP
 * takes, of what it expects the kernel to serve (OPTION_KERNEL). That is tried once, for it takes some hundred calls: who is
 * forked afterwards knows it. Needs no model: a program's filter is made of it. */
struct option_traps model_traps(void);
