/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What both ends of an emulated device share: emulated.c, emulated_*.c. */
#pragma once

#include "assess/emulated.h"

#define EMULATED_COMMAND  "command" /* in the folder of the cell: words, each with its final zero */
#define EMULATED_SCENARIO "scenario" /* there: the path of the scenario */
#define EMULATED_IMAGE    "image"    /* there: the device's files */
#define EMULATED_MODULES \
	"/modules" /* a folder on the device: modules, in the order of their names */
#define EMULATED_LINE "/dev/ttyS1"

/* What the device says over the line. Both ends are this program on one machine, so it is sent as it lies in memory. */
enum emulated_what {
	EMULATED_TIME, /* asks for it: answered by a uint64_t, ns since 1970 */
	EMULATED_FILE, /* so many bytes of this name follow */
	EMULATED_OVER, /* the command has ended, with this number */
};

struct emulated_word {
	uint32_t what, number;
	char name[24];
};

/* The end of host 0 that this device is, by its hardware address; NULL: none. */
const struct scenario_end *emulated_end(const struct scenario *scenario, const char *device);

/* Makes the file EMULATED_IMAGE of all that the device needs; @ret_bytes: what that takes where it is unpacked. */
int emulated_image(const struct emulated *what, const struct emulated_kernel *kernel,
		   uint64_t *ret_bytes, struct err *err);
