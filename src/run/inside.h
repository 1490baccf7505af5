/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run on a stack that programs have to be run inside (stack/machine.h): the host's side of guest.h. One process of the
 * caller's stands where the program would: it has its standard input and output, which threads move to the machine and back;
 * its terminal, which is raw while the terminal inside is the one that edits lines and makes signals of keys; its signals; and
 * it ends as the program ends. It tells the machine what becomes of the links.
 *
 * The kernel is its child, in a session of its own, and dies with it. What the kernel says is kept, for when it ends without
 * having told of the program's end, and shown to who wants it.
 */
#pragma once

#include "base/err.h"
#include "run/guest.h"
#include "run/inside_status.h"
#include "run/net.h"
#include "run/pump.h"
#include "run/run.h"

#include <limits.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <termios.h>

#define INSIDE_WORDS_MAX 8192

/* What this process has open, and polls. */
#define INSIDE_FDS 128

struct inside {
	const struct run_options *options;
	struct rlimit limits[RLIM_NLIMITS]; /* of the program */
	struct net net;
	struct net_ports ports;
	struct guest_ports told; /* what the machine knows of the links */
	struct guest_line line;
	int hatch;                       /* that ports are handed to the machine by; owned */
	int words;                       /* of the kernel; owned; -1: it has ended */
	char said[INSIDE_WORDS_MAX + 1]; /* its last words */
	size_t said_size;
	struct pump input, output[2], typed, shown;
	int terminal; /* a standard descriptor that is the caller's terminal; -1: none is */
	bool raw;
	struct termios as_it_was;
	struct inside_status status;
	char folder[PATH_MAX];     /* of all the user's runs */
	char own_folder[PATH_MAX]; /* of this machine */
	int lock;                  /* owned: on that; -1: there is none */
	pid_t kernel;
};

/* As run_program(). */
int inside_run(const struct run_options *options, struct err *err);

/* Starts the machine, with all that belongs to it; gets its ports of rivulet-net, whose words go to @words, while it does; and tells it
 * what to run. All signals are blocked. 0; an exit code, with the reason: then the machine has ended. */
int inside_start(struct inside *inside, net_say words, struct err *err);
/* The machine's folder (inside_folder.c); those of machines that were killed go. */
int inside_folder_make(struct inside *inside, struct err *err);
void inside_folder_remove(struct inside *inside);
/* Hands the ports over that the machine does not have yet: false if there are none. It has to be told of them then. */
bool inside_hand_ports(struct inside *inside);
