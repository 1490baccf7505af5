/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stack/plain.h"

#include "base/clock.h"

#include <stddef.h>
#include <string.h>

#define GOOD_FOR (600 * NS_PER_S)

/* What names a peer, and nothing else. False: it is of no family that has MPTCP. */
static bool reduce(const struct sockaddr *to, struct sockaddr_in6 *ret)
{
	struct sockaddr_in v4;

	memset(ret, 0, sizeof(*ret));
	if (to->sa_family == AF_INET) {
		memcpy(&v4, to, sizeof(v4));
		memset(v4.sin_zero, 0, sizeof(v4.sin_zero));
		memcpy(ret, &v4, sizeof(v4));
	} else if (to->sa_family == AF_INET6) {
		memcpy(ret, to, sizeof(*ret));
		ret->sin6_flowinfo = 0;
	}
	return to->sa_family == AF_INET || to->sa_family == AF_INET6;
}

static int find(const struct plain *plain, const struct sockaddr_in6 *peer)
{
	for (int i = 0; i < PLAIN_MAX; i++)
		if (plain->peers[i].until &&
		    memcmp(&plain->peers[i].address, peer, sizeof(*peer)) == 0)
			return i;
	return -1;
}

bool plain_is(const struct plain *plain, const struct sockaddr *to, uint64_t now)
{
	struct sockaddr_in6 peer;
	int at = reduce(to, &peer) ? find(plain, &peer) : -1;

	return at >= 0 && now < plain->peers[at].until;
}

void plain_note(struct plain *plain, const struct sockaddr *to, uint64_t now)
{
	struct sockaddr_in6 peer;
	int at;

	if (!reduce(to, &peer))
		return;
	at = find(plain, &peer);
	if (at < 0)
		at = (int)(plain->next++ % PLAIN_MAX);
	else if (now < plain->peers[at].until)
		return; /* when it is over MPTCP is tried again */
	plain->peers[at] = (struct plain_peer){peer, now + GOOD_FOR};
}
