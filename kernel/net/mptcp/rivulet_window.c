// SPDX-License-Identifier: GPL-2.0-only
/*
 * What comes beyond the window of a connection.
 *
 * Linux as a sender gives a subflow the window of the whole connection (MPTcpExtSndWndShared), which counts as the subflow's own until
 * an acknowledgement changes it. One that says nothing new to TCP, but is further in the connection, changes nothing: the window is
 * counted from there, and ends later than was announced (seen of Linux 6.18). Linux as a receiver throws away what comes behind the end
 * (MPTcpExtNoDSSInWindow) when TCP has acknowledged it, so that it is sent again only after the connection's timeout: a piece of
 * 64 KB at most every fifth of a second, for as many as there were. So the window is made to end where the peer believes that it
 * does, if that is no further than twice what the connection may buffer.
 */
#include "protocol.h"
#include "rivulet.h"

void rivulet_widen(struct sock *ssk)
{
	const struct mptcp_subflow_context *subflow = mptcp_subflow_ctx(ssk);
	struct mptcp_sock *msk = mptcp_sk(subflow->conn);
	u64 end = subflow->map_seq + subflow->map_data_len;
	u64 most = READ_ONCE(msk->ack_seq) + 2 * (u64)READ_ONCE(subflow->conn->sk_rcvbuf);

	if (subflow->map_valid && !__mptcp_check_fallback(msk) &&
	    after64(end, atomic64_read(&msk->rcv_wnd_sent)) && !after64(end, most))
		atomic64_set(&msk->rcv_wnd_sent, end);
}
