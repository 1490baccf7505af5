/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rivulet-net does while its caller lives (net.h). */
#pragma once

#include "run/journal.h"

#include <sys/types.h>

/* Who started it. */
struct net_caller {
	uid_t user;
	bool modest; /* may do less than rivulet-net: gets only what harms nobody else */
	bool alone;  /* could write a journal that rivulet-net kept: so there is none */
	bool passes; /* its host ends with it: nothing has to be known to others or taken back */
};

/* Serves the caller at the other end of @client, which it takes over, and returns when all is taken back. */
void net_serve(int client, struct journal *journal, const struct net_caller *caller);

/* Tells the caller why nothing can be done for it. */
void net_refuse(int client, const char *why);

/* The caller is gone, or waits for nothing any more: what it reads from our standard error ends. */
void net_forget_caller(void);
