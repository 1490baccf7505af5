/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Beacons, and the two messages of joining: whatever comes is read or refused. */
#include "drop/beacon.h"
#include "drop/join.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *body, *signature;
	struct crowd_token token, same;
	char text[CROWD_TOKEN_MAX], given[256];
	struct join_request request;
	struct join_reply reply;
	struct beacon beacon;
	size_t body_size;

	if (beacon_read(data, size, &beacon, &body, &body_size, &signature) == 0 &&
	    (body < data || body + body_size > data + size || !eid_is_name(beacon.node)))
		abort();
	if (join_read_request(data, size, &request) == 0 && !eid_is_name(request.node))
		abort();
	if (join_read_reply(data, size, &reply) == 0 && reply.certificate &&
	    reply.certificate + reply.certificate_size > data + size)
		abort();
	if (size < sizeof(given)) {
		memcpy(given, data, size);
		given[size] = '\0';
		if (crowd_token_parse(given, &token) == 0 &&
		    (crowd_token_parse(crowd_token_text(&token, text), &same) < 0 ||
		     memcmp(&token, &same, sizeof(token)) != 0))
			abort();
	}
	return 0;
}
