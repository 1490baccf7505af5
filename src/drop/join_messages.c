/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/join.h"

#include <errno.h>
#include <string.h>

void join_put_request(struct bytes *to, const struct join_request *request)
{
	items_put_array(to, 4);
	items_put_number(to, 1);
	items_put_bytes(to, request->secret, sizeof(request->secret));
	items_put_text(to, request->node);
	items_put_bytes(to, request->request, request->request_size);
}

void join_put_reply(struct bytes *to, const struct join_reply *reply)
{
	if (!reply->certificate) {
		items_put_array(to, 2);
		items_put_number(to, 1);
		items_put_text(to, reply->why);
		return;
	}
	items_put_array(to, 4);
	items_put_number(to, 0);
	items_put_bytes(to, reply->certificate, reply->certificate_size);
	items_put_bytes(to, reply->ca, reply->ca_size);
	items_put_bytes(to, reply->revoked, reply->revoked_size);
}

/* Without zeros, and cut off where it is too long for @to and @may_cut. */
static void read_text(struct items *items, char *to, size_t room, bool may_cut)
{
	size_t size;
	const char *text = items_text(items, &size);

	to[0] = '\0';
	if (items->err)
		return;
	if (memchr(text, 0, size) || (size >= room && !may_cut)) {
		items_fail(items, -EBADMSG);
		return;
	}
	if (size >= room)
		size = room - 1;
	memcpy(to, text, size);
	to[size] = '\0';
}

static int end(struct items *items)
{
	return items->err || items->at != items->end ? -EBADMSG : 0;
}

int join_read_request(const void *data, size_t size, struct join_request *ret)
{
	struct items items = items_of(data, size);

	memset(ret, 0, sizeof(*ret));
	if (items_array(&items) != 4 || items_number(&items) != 1)
		items_fail(&items, -EBADMSG);
	items_bytes_fixed(&items, ret->secret, sizeof(ret->secret));
	read_text(&items, ret->node, sizeof(ret->node), false);
	ret->request = items_bytes(&items, &ret->request_size);
	if (!items.err && !eid_is_name(ret->node))
		items_fail(&items, -EBADMSG);
	return end(&items);
}

int join_read_reply(const void *data, size_t size, struct join_reply *ret)
{
	struct items items = items_of(data, size);
	uint64_t count = items_array(&items), refused;

	memset(ret, 0, sizeof(*ret));
	refused = items_number_to(&items, 1);
	if (count != (refused ? 2 : 4))
		items_fail(&items, -EBADMSG);
	if (refused) {
		read_text(&items, ret->why, sizeof(ret->why), true);
		for (char *c = ret->why; *c; c++)
			if (*c < ' ' || *c > '~')
				*c = '?';
		return end(&items);
	}
	ret->certificate = items_bytes(&items, &ret->certificate_size);
	ret->ca = items_bytes(&items, &ret->ca_size);
	ret->revoked = items_bytes(&items, &ret->revoked_size);
	return end(&items);
}
