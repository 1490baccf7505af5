/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processor that is the device's alone, and what its kernel does there on nobody's account.
 *
 * A softirq that comes while a task runs is on that task's account, whosever packet it is about; one that comes while the processor
 * is idle is on nobody's. The kernel's own column of softirqs (/proc/stat) has both, where it has looked at its ticks: added to what
 * the tasks took it would count some of them twice. So nobody's is the time in which the processor was neither idle nor any
 * task's. It holds interrupts, and the way into idleness and out of it, as well. Where the kernel keeps interrupts' time apart
 * from tasks' (CONFIG_IRQ_TIME_ACCOUNTING), its columns are exact, and no task has any of it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* s, since some time in the past. */
struct processor {
	double now;
	double idle;       /* it waited, for disks too */
	double tasks;      /* all of them; negative: nobody says */
	double interrupts; /* hard and soft ones, as the kernel counts them */
	bool apart;        /* those are exact, and not the tasks' */
};

/* -EPROTO: the kernel does not say. */
int processor_read(unsigned cpu, struct processor *ret);

/* What was nobody's from one time to another, s; negative: it cannot be told. Pure. */
double processor_of_nobody(const struct processor *from, const struct processor *to);

/* Has what comes by the devices of this network namespace received there. Else whoever brings it, the emulator of the links, would do
 * the work of the device's kernel. As root; without the right all stays as it is. */
void processor_attract(unsigned cpu);
