/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast the device does what network stacks are made of. Each figure is the median of several short rounds, and all of them
 * take less than a second on anything that runs Linux today; a busy machine shows itself slower.
 */
#pragma once

#include <stdint.h>

struct calibration {    /* 0: could not be measured */
	double memory;  /* bytes/s copied, of blocks larger than most caches are */
	double call;    /* ns that a system call takes that does nothing */
	double handoff; /* ns from one process to another on the same CPU */
	double packet;  /* ns for a small UDP packet, sent and received over loopback */
};

/* @memory: bytes that may be had; a sixteenth is used, 64 MiB at most. */
void calibrate(uint64_t memory, struct calibration *ret);
