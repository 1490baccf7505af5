/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The init process of a lab (see lab.h): builds it, runs it, ends it. */
#pragma once

#include "lab/lab.h"

#include <signal.h>
#include <sys/resource.h>

/* With the number of a signal of the terminal, which the command has had if it is there: only before, it ends the lab. */
#define INIT_SEEN 0x80

/* What init tells the foreground process: memory that both have mapped. */
struct lab_shared {
	int code;                   /* negative errno: the lab failed */
	struct err err, note, lost; /* see struct lab_result */
	char wire[8];
	struct traffic traffic[]; /* one per wire; the emulator's to write */
};

struct init {
	const struct scenario *scenario;
	const struct lab_options *options;
	struct lab_shared *shared;
	struct pcap **pcaps;  /* one per wire, or NULL */
	int control;          /* bytes: signals, see INIT_SEEN; closed: the caller is gone */
	const sigset_t *mask; /* that the command had without us... */
	const struct rlimit *open_files; /* ...and the limit of descriptors */
};

/* In the new namespaces, all signals blocked that matter. Returns the exit code for init. */
int init_main(const struct init *init);
