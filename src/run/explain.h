/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was decided about the links and why, one line each. */
#pragma once

#include "link/monitor.h"
#include "stack/native.h"

#include <stdio.h>

void explain_plan(const struct native_plan *plan, FILE *out);
/* @result as for a journal_report. */
void explain_change(const struct change *change, int result, FILE *out);
/* Connections have left @link, that they began on. */
void explain_left(const struct link *link, FILE *out);
/* No connection has a subflow over @link, so its endpoints are put in anew. */
void explain_rejoin(const struct links *links, unsigned link, FILE *out);
void explain_monitor(const struct links *links, unsigned link, enum monitor_action action,
		     FILE *out);
