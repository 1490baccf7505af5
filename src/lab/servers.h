/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The programs that run beside the command of a lab (--also): each is a shell command line in a
 * host, and is up, with a socket that waits for others, before the next one and the command start.
 */
#pragma once

#include "lab/hosts.h"
#include "lab/lab.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

#define SERVER_TAIL 2048 /* bytes of its last output that are kept */

struct server {
	const struct lab_also *also; /* borrowed */
	pid_t pid;                   /* also its process group; 0: not started, or ended */
	int output;                  /* what it prints; owned; -1: none */
	char tail[SERVER_TAIL];      /* the last of that */
	size_t tail_used;
};

/* What all have in common. Borrowed. */
struct server_place {
	const struct scenario *scenario;
	const struct host *hosts;
	const char *lab; /* value of RIVULET_LAB */
	const sigset_t *mask;
	const struct rlimit *open_files;
	int control; /* becomes readable when waiting is to be given up */
};

/* Starts and waits until it listens, or has ended with success (it went to the background).
 * -ECANCELED: control said so. Anything else has a message with what it printed last. */
int server_start(struct server *server, const struct lab_also *also,
		 const struct server_place *place, struct err *err);

/* Takes what it has printed. */
void server_read(struct server *server);

/* Tells all to end, waits a little, and kills those that do not. */
void servers_stop(struct server *servers, unsigned count);
