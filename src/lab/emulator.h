/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The emulator: carries frames between wire ends through channels in real time, and makes the
 * events of the scenario happen. It runs in a process of its own that holds nothing else.
 *
 * There are two times. Before the command starts, hosts may already talk (their servers start up),
 * through channels that live for that only. When the command starts, time zero, every channel is
 * made anew from the seed: what came before has no influence on what the command sees.
 */
#pragma once

#include "lab/channel.h"
#include "lab/pcap.h"
#include "lab/scenario.h"
#include "lab/wire.h"

#include <stdint.h>

/* What one end of a link sent, since the command started. Wire number: 2 * link + end. */
struct traffic {
	struct channel_stats channel;
	uint64_t refused; /* frames that the receiving device did not take */
	uint64_t missed;  /* frames lost before the emulator could read them */
};

/* All borrowed. Arrays have an element per wire. */
struct emulator_job {
	const struct scenario *scenario;
	uint64_t seed;
	struct wire *const *wires;
	struct pcap *const *pcaps; /* a capture at each end; NULL: none */
	struct traffic *traffic;   /* may be shared memory */
	int samples;               /* descriptor for JSON lines, ten a second; -1: none */
	struct err *lost;          /* gets why the samples are not complete, if they are not */
	int awaited; /* host whose first TCP segment events count from; -1: from the start */
	int start;   /* becomes readable (eventfd) when the command starts */
	int stop;    /* becomes readable (or its peer closes) at the end */
};

/* Runs until @stop; 0 or a negative errno. */
int emulator_run(const struct emulator_job *job, struct err *err);
