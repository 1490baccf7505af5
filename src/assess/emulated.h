/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole small device as hardware profile: QEMU emulates a computer with one processor and little memory, on which
 * Debian's kernel runs, and on that the program that a cell measures. So everything is slow that a control group leaves
 * fast: the kernel's work for packets, its memory, its interrupts. It is in a host of the lab, whose links it has to itself.
 *
 *   links of the lab's host ── emulated_run() ── frames, line ── QEMU ── emulated_boot(), the device's first process
 *
 * The device's files are in its memory: this program, what it is linked with, the stack that is a program, the kernel's
 * modules for links (emulated_image.h). What it is to run lies in a file beside them, and what came of it comes back over the
 * line (a serial port), over which the device also asks for the time: times of a cell are of one wall clock. That the
 * device starts is no part of the cell, which begins when it has.
 */
#pragma once

#include "base/err.h"
#include "lab/scenario.h"

#include <limits.h>
#include <stdint.h>

/* Bytes of memory that the device has, about, beside its files and its kernel's image, which lie in memory as well. */
#define EMULATED_MEMORY (64u << 20)

#define EMULATED_STARTS (10 * NS_PER_S) /* what a start takes, about */

/* In the folder of the cell: what the device says of itself. */
#define EMULATED_REPORT "device.json"
#define EMULATED_RUN    "run.json" /* and the summary of its run */

/* Where a kernel of Debian's is unpacked: boot/vmlinuz-RELEASE and lib/modules/RELEASE below this folder. */
#define EMULATED_KERNEL "RIVULET_DEVICE_KERNEL"

struct emulated_kernel {
	char image[PATH_MAX], modules[PATH_MAX]; /* a file, a folder */
};

/* Can there be such a device here? -ENOENT, -ENOTSUP: @err says what is missing. */
int emulated_find(struct emulated_kernel *ret, struct err *err);

/* All borrowed. */
struct emulated {
	const char *folder; /* of the cell, absolute; on the device there is one of that name */
	const struct scenario *scenario; /* in whose host 0 the calling process is */
	char *const *command;            /* what the device runs; ends with NULL */
};

/* Makes the device, waits for its end, and has its files in the folder; the exit status of the command. The links of the
 * calling process's network namespace lose their addresses; -EPERM where those are not the scenario's. */
int emulated_run(const struct emulated *what, struct err *err);

/* The first process of the device, by the folder of the cell; does not come back. */
void emulated_boot(const char *folder) __attribute__((noreturn));
