/* SPDX-License-Identifier: GPL-2.0-only */
#include "lkl/past.h"

#include "lkl/kernel.h"

#include <errno.h>
#include <stdlib.h>

int past_open(struct past *past)
{
	past->ring = calloc(PAST_MAX, sizeof(*past->ring));
	past->buckets = calloc(PAST_MAX, sizeof(struct past_stream *));
	return past->ring && past->buckets ? 0 : -ENOMEM;
}

static struct past_stream **bucket_of(const struct past *past, uint64_t number)
{
	return &past->buckets[number % PAST_MAX];
}

/* Room for one more: that of the oldest. */
static struct past_stream *forget_one(struct past *past)
{
	struct past_stream *oldest = &past->ring[past->next++ % PAST_MAX];
	struct past_stream **at = bucket_of(past, oldest->number);

	while (*at && *at != oldest)
		at = &(*at)->same_bucket;
	if (*at)
		*at = oldest->same_bucket;
	return oldest;
}

void past_remember(struct past *past, uint64_t number, int error, int far)
{
	struct past_stream *one = forget_one(past);
	struct past_stream **bucket = bucket_of(past, number);

	*one = (struct past_stream){.number = number,
				    .error = error,
				    .name_size = sizeof(one->name),
				    .same_bucket = *bucket};
	*bucket = one;
	if (kernel_name(far, (struct sockaddr *)&one->name, &one->name_size) < 0)
		one->name_size = 0;
}

const struct past_stream *past_find(const struct past *past, uint64_t number)
{
	const struct past_stream *one = *bucket_of(past, number);

	while (one && one->number != number)
		one = one->same_bucket;
	return one;
}
