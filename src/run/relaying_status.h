/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rivulet status` of a run on a stack that is not the host's: what is seen in the stack, on the links whose packets it has. */
#pragma once

#include "run/net.h"
#include "run/status.h"
#include "stack/stack.h"

/* All borrowed. */
struct relaying_facts {
	pid_t pid;         /* of `rivulet run` */
	char *const *argv; /* the program, NULL at the end */
	bool ended;        /* it has, and processes that it started go on */
	const struct net_ports *ports;
	struct stack *stack; /* that can be looked into */
};

/* Answers one who asks. */
void relaying_status_answer(const struct status *status, const struct relaying_facts *facts);
