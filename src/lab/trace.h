/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recorded link, in the format of Mahimahi's mm-link: one line per opportunity to send one packet
 * of up to 1500 bytes (of IP; TRACE_OPPORTUNITY bytes of Ethernet frame), in whole milliseconds
 * from the start, never falling. The trace repeats: its last time stamp is its length. An
 * opportunity that finds nothing to send is lost; small packets share one, byte by byte: what is
 * left of it begins the next packet that waits, which a later one completes (as mm-link does).
 *
 * The text is strict: decimal digits only, lines end with LF or CRLF, the last one may end without.
 */
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define TRACE_OPPORTUNITY 1514 /* bytes of Ethernet frame that one opportunity carries */

struct trace {
	uint32_t *at_ms; /* times of the opportunities, never falling */
	size_t count;    /* at least one */
	uint64_t period; /* ns after which it starts again; > 0 */
};

/* Reads the text of a trace; -EINVAL with the line in @err for one that is malformed, empty,
 * falling or of zero length, -E2BIG above 64 million lines. The caller frees with trace_free(). */
int trace_parse(const char *text, size_t size, struct trace **ret, struct err *err);
int trace_load(const char *path, struct trace **ret, struct err *err);
void trace_free(struct trace *trace);

/* Time in ns of opportunity @n, counted over all repetitions from 0. */
uint64_t trace_opportunity(const struct trace *trace, uint64_t n);

/* Number of the first opportunity at or after @t ns. */
uint64_t trace_find(const struct trace *trace, uint64_t t);
