/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the proxy (attach/proxy/proxy.h) on a stack. Where that stack uses the host's links the proxy is a run like any other, in
 * the place of a program: the links are set up and followed, it is shown by `rivulet status`, and what was set up is taken
 * back at its end, however it ends. The proxy is the calling user's, under sudo too.
 */
#pragma once

#include "attach/proxy/proxy.h"
#include "run/run.h"

struct proxying {
	struct proxy_options proxy; /* its stack and supervisor are found here */
	const char *stack;          /* NULL: the first that this device can run */
	bool verbose;
	struct run_options run;
};

/* Until a signal ends it. 0, or RUN_FAILED with the words in @err (which may have been said already: ""). */
int proxying_run(struct proxying *proxying, struct err *err);
