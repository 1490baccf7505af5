/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/timeline.h"

#include <errno.h>
#include <stdbool.h>

static uint64_t length(const struct gap *gap)
{
	return gap->to - gap->from;
}

static void silence(struct timeline *line, uint64_t now)
{
	struct gap gap = {line->last, now};
	struct gap *shortest = line->gaps;

	if (!line->first || now < line->last + TIMELINE_GAP)
		return;
	if (line->gap_count < TIMELINE_GAPS) {
		line->gaps[line->gap_count++] = gap;
		return;
	}
	for (unsigned i = 1; i < TIMELINE_GAPS; i++)
		if (length(&line->gaps[i]) < length(shortest))
			shortest = &line->gaps[i];
	if (length(shortest) < length(&gap))
		*shortest = gap;
}

void timeline_add(struct timeline *line, uint64_t now, uint64_t bytes)
{
	uint64_t bin = now / TIMELINE_BIN;

	silence(line, now);
	if (!line->first)
		line->first = now ? now : 1;
	line->last = now;
	line->bytes += bytes;
	line->bins[bin < TIMELINE_BINS ? bin : TIMELINE_BINS - 1] += bytes;
}

void timeline_end(struct timeline *line, uint64_t now)
{
	silence(line, now);
	line->end = now;
}

double timeline_goodput(const struct timeline *line)
{
	return line->last > line->first
		       ? (double)line->bytes * 8 * NS_PER_S / (double)(line->last - line->first)
		       : 0;
}

uint64_t timeline_longest(const struct timeline *line)
{
	uint64_t longest = 0;

	for (unsigned i = 0; i < line->gap_count; i++)
		if (length(&line->gaps[i]) > longest)
			longest = length(&line->gaps[i]);
	return longest;
}

uint64_t timeline_recovery(const struct timeline *line, uint64_t at, uint64_t until)
{
	const struct gap *longest = NULL;

	for (unsigned i = 0; i < line->gap_count; i++) {
		const struct gap *gap = &line->gaps[i];

		if (gap->to > at && gap->from < until &&
		    (!longest || length(gap) > length(longest)))
			longest = gap;
	}
	return longest ? longest->to - at : 0;
}

static json_t *describe_bins(const struct timeline *line)
{
	json_t *bins = json_array();
	unsigned used = TIMELINE_BINS;

	while (used > 0 && !line->bins[used - 1])
		used--;
	for (unsigned i = 0; i < used; i++)
		json_array_append_new(bins, json_integer((json_int_t)line->bins[i]));
	return bins;
}

json_t *timeline_describe(const struct timeline *line)
{
	json_t *gaps = json_array();

	for (unsigned i = 0; i < line->gap_count; i++)
		json_array_append_new(gaps, json_pack("[II]", (json_int_t)line->gaps[i].from,
						      (json_int_t)line->gaps[i].to));
	return json_pack("{sI sI sI sI so so}", "end", (json_int_t)line->end, "first",
			 (json_int_t)line->first, "last", (json_int_t)line->last, "bytes",
			 (json_int_t)line->bytes, "bins", describe_bins(line), "gaps", gaps);
}

static bool parse_count(const json_t *from, uint64_t *ret)
{
	json_int_t value = json_integer_value(from);

	*ret = (uint64_t)value;
	return json_is_integer(from) && value >= 0;
}

int timeline_parse(const json_t *from, struct timeline *ret)
{
	const json_t *bins = json_object_get(from, "bins"), *gaps = json_object_get(from, "gaps");
	struct timeline line = {0};

	if (!parse_count(json_object_get(from, "first"), &line.first) ||
	    !parse_count(json_object_get(from, "last"), &line.last) ||
	    !parse_count(json_object_get(from, "end"), &line.end) ||
	    !parse_count(json_object_get(from, "bytes"), &line.bytes) ||
	    json_array_size(bins) > TIMELINE_BINS || json_array_size(gaps) > TIMELINE_GAPS)
		return -EINVAL;
	for (size_t i = 0; i < json_array_size(bins); i++)
		if (!parse_count(json_array_get(bins, i), &line.bins[i]))
			return -EINVAL;
	for (size_t i = 0; i < json_array_size(gaps); i++) {
		const json_t *gap = json_array_get(gaps, i);
		struct gap *to = &line.gaps[i];

		if (!parse_count(json_array_get(gap, 0), &to->from) ||
		    !parse_count(json_array_get(gap, 1), &to->to) || to->to < to->from)
			return -EINVAL;
	}
	line.gap_count = (unsigned)json_array_size(gaps);
	*ret = line;
	return 0;
}
