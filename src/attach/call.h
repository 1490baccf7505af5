/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which call on a socket a program made, with its arguments, whichever call interface it uses (native, 32-bit, and the one
 * call for all of 32-bit x86, whose arguments lie in memory). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct seccomp_notif;

enum call_kind {
	CALL_SOCKET,
	CALL_CONNECT,
	CALL_BIND,
	CALL_LISTEN,
	CALL_ACCEPT, /* accept() and accept4() */
	CALL_NAME,   /* getsockname() */
	CALL_PEER,   /* getpeername() */
	CALL_SET,    /* setsockopt() */
	CALL_GET,    /* getsockopt() */
	CALL_SHUTDOWN,
	CALL_SEND,  /* sendto() */
	CALL_IOCTL, /* not among those of socketcall() */
	CALL_KINDS
};

struct call {
	enum call_kind kind;
	uint64_t id;
	pid_t pid; /* of the thread */
	uint64_t args[6];
	bool is_32bit; /* so are its structs */
};

/* False: it is none of those, or its arguments cannot be read. They were read once: what the program changes afterwards does not
 * matter. */
bool call_decode(const struct seccomp_notif *request, struct call *ret);

/* The name of the system call, as the library of filters knows it; accept() has a second one. */
#define CALL_NAMES_MAX 2
const char *call_name(enum call_kind kind, unsigned which);
/* Its number among those of socketcall(2). */
int call_number(enum call_kind kind, unsigned which);
