/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was decided about the links and why, one line each. */
#pragma once

#include "link/monitor.h"
#include "stack/native.h"

#include <stdio.h>

typedef void (*explain_say)(const char *line, void *data);
void explain_plan(const struct native_plan *plan, explain_say say, void *data);
#define EXPLAIN_MAX 320
/* These return @text. @result as for a journal_report. */
const char *explain_change(const struct change *change, int result, char *text, size_t size);
/* Connections have left @link, that they began on. */
const char *explain_left(const struct link *link, char *text, size_t size);
void explain_carrier(const struct links *links, unsigned link, bool lost, FILE *out);
/* No connection has a subflow over @link, so its endpoints are put in anew. */
void explain_rejoin(const struct links *links, unsigned link, FILE *out);
void explain_monitor(const struct links *links, unsigned link, enum monitor_action action,
		     FILE *out);
