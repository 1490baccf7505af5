// SPDX-License-Identifier: GPL-2.0-only
/*
 * Links that were dead, and networks that let no MPTCP pass.
 *
 * Where the first packet of a connection has not been answered twice Linux sends it as plain TCP does (RFC 8684, section 3.7), and if that
 * is answered it makes no MPTCP connection for an hour, to whomever, over whatever link. But so it is, too, where a link was dead for three
 * seconds, as each is now and then, and then all that comes has one link, and nothing to go on with when that one is lost. A network
 * that is in MPTCP's way is so each time. So that is believed after three connections, none of which has spoken MPTCP.
 */
#include "protocol.h"

#define BELIEVED 3

void rivulet_active_disable(struct sock *sk);
void rivulet_active_enable(struct sock *sk);

static atomic_t in_a_row;

/* One has got through as plain TCP only. */
void rivulet_active_disable(struct sock *sk)
{
	if (atomic_inc_return(&in_a_row) >= BELIEVED)
		mptcp_active_disable(sk);
}

/* One speaks MPTCP. */
void rivulet_active_enable(struct sock *sk)
{
	atomic_set(&in_a_row, 0);
	mptcp_active_enable(sk);
}
