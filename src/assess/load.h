/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program that is measured, in its two roles. Both write what they saw into the cell's folder: the client LOAD_CLIENT, one
 * object; the server LOAD_SERVER, a line for each connection.
 */
#pragma once

#include "assess/workload.h"
#include "base/err.h"

#define LOAD_PORT   "5000"
#define LOAD_START  "start" /* ns since 1970 at which the cell began */
#define LOAD_CLIENT "client.json"
#define LOAD_SERVER "server.jsonl"

/* All borrowed. */
struct load {
	const struct workload *workload;
	const char *folder;
	const char *address; /* of the server */
	const char *device;  /* that connections are bound to; NULL: as routes have it */
	uint64_t seed;
	uint64_t duration; /* ns */
};

/* Plays the workload; 0 also where connections failed (it is in the file), or a negative errno. */
int load_play(const struct load *load, struct err *err);
/* Serves until it is killed. */
int load_serve(const struct load *load, struct err *err);
