/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hardware profile: how much of this machine a device is given. What a control group cannot take away (caches, the width and
 * clock of the processor, the memory's and devices' speed, the kernel's own memory outside of it) is as it is here.
 *
 * One profile is a whole device instead, in an emulator (emulated.h): all of it is slow, its kernel, too.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define PROFILE_NAME_MAX 32

struct profile {
	char name[PROFILE_NAME_MAX];
	double cpus;     /* processors' time; 0: no limit */
	uint64_t memory; /* bytes; 0: no limit */
	bool emulated;   /* it is a device of its own */
};

/* The quota of a profile: so much time of each period, ns. Periods are 5 ms, so that a program waits no longer for its next
 * share; no kernel takes a quota below 1 ms, so they are longer for less than a fifth of a processor. A quota below another one gives
 * the smaller of both, not their product. What leaves a tenth of each 5 ms by taking the rest (a program of real-time priority that
 * turns in circles) is no slow device, either: it would let nothing run outside of that half millisecond, even where all it had to
 * do was answer, while a quota begins to hold up only who has used it; and what the kernel does for the device on nobody's account
 * would be on that program's. */
struct profile_quota {
	uint64_t time, period;
};
struct profile_quota profile_quota(const struct profile *profile);

/* Those that come with us; one without a name ends them. */
extern const struct profile profiles[];

/* The name of one of those, or "NAME:cpu=30%,memory=128MB" (cpu also as "1.5"; either may be left out). */
int profile_parse(const char *text, struct profile *ret, struct err *err);
