/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the proxy listens. */
#pragma once

#include "base/err.h"
#include "base/loop.h"

#include <stdbool.h>

#define DOOR_TEXT_MAX 128

struct door {
	struct loop_source source; /* its descriptor is owned */
	void *data;                /* the user's */
	char text[DOOR_TEXT_MAX];  /* where it listens, with the port that it has */
	bool local;                /* only this machine can reach it */
	char path[DOOR_TEXT_MAX];  /* of a file that is to be removed; "": none */
};

/* Is @where "ADDRESS:PORT", "[IPV6]:PORT" (port 0: any that is free) or "unix:PATH"? A negative errno: it is not. */
int door_check(const char *where, struct err *err);

/* Listens there. The caller closes with
 * door_close(). -EACCES: others than this machine could come in, and not @anyone may; -EADDRINUSE, -EINVAL, ... */
int door_open(struct door *door, const char *where, bool anyone, struct err *err);
void door_close(struct door *door);

/* Removes what a killed process has left of @where. */
void door_clean(const char *where);
