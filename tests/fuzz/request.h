/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What holds for every client of the proxy, whatever it sends: the parser neither crashes nor reads beyond what there is;
 * in which pieces the bytes come makes no difference; what is taken as a host and a port is one; a whole buffer is
 * enough to decide.
 */
#pragma once

#include "attach/proxy/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct outcome {
	struct request request;
	enum request_state state;
	size_t used;
};

/* As the proxy does: what was not used comes again, in memory of just that size, with @piece bytes more. */
static void converse(const struct request_ops *ops, const uint8_t *data, size_t size, size_t piece,
		     struct outcome *ret)
{
	size_t there = 0, used;

	/* As the proxy, which asks nobody who he is, or as the relay. */
	*ret = (struct outcome){.request = {.ops = ops, .asks = size & 1}, .state = REQUEST_MORE};
	while (ret->state == REQUEST_MORE && there < size) {
		uint8_t *in;

		there = size - there < piece ? size : there + piece;
		in = malloc(there - ret->used + 1);
		memcpy(in, data + ret->used, there - ret->used);
		ret->state = request_read(&ret->request, in, there - ret->used, &used);
		free(in);
		ret->used += used;
		if (ret->used > there || ret->request.out_size > sizeof(ret->request.out))
			abort();
	}
}

static int try_request(const struct request_ops *ops, const uint8_t *data, size_t size)
{
	struct outcome whole, parts;

	if (size > REQUEST_IN_MAX)
		size = REQUEST_IN_MAX;
	converse(ops, data, size, REQUEST_IN_MAX, &whole);
	converse(ops, data, size, size < 64 ? 1 + size % 3 : size / 16, &parts);
	if (whole.state != parts.state || whole.request.out_size != parts.request.out_size ||
	    memcmp(whole.request.out, parts.request.out, whole.request.out_size) != 0)
		abort();
	if (whole.state == REQUEST_MORE && size == REQUEST_IN_MAX)
		abort();
	if (whole.state != REQUEST_COMPLETE)
		return 0;
	if (strcmp(whole.request.host, parts.request.host) != 0 || whole.used != parts.used ||
	    !whole.request.host[0] || atoi(whole.request.port) < 1)
		abort();
	request_answer(&whole.request, -(int)(size % 133), NULL);
	if (whole.request.out_size > sizeof(whole.request.out))
		abort();
	return 0;
}
