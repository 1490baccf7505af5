/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the host's links are set up for the wishes of another run. What endpoints say holds for every MPTCP connection of the host's
 * kernel: of what a socket can be given without a right (a device, ports, a type of service) or with one (a mark), its
 * further subflows have nothing when they begin. So opposite wishes at once take a stack that has its endpoints to itself.
 */
#pragma once

#include "run/run.h"

/* From the supervisor to the foreground, with SUPERVISOR_TAKEN. */
void elsewhere_tell(int control, const struct err *why);

/* A stack on which this run can have its links as it wishes; NULL: there is none, or the user wants no other. */
const struct stack_ops *elsewhere_find(const struct run_options *options);

/* Says what the run does, having the reason. */
void elsewhere_note(const struct run_options *options, const struct stack_ops *stack,
		    const struct err *why);

/* Adds to the reason what a person can do. */
void elsewhere_advise(struct err *why);
