// SPDX-License-Identifier: GPL-2.0-only
/*
 * What waits for its timeout on a link that is back.
 *
 * A sender that hears nothing doubles its timeout each time (RFC 6298, section 5.5); when the outage is over it may wait as long again.
 * That a link was dead is no sign of congestion, and who learns that it was may take the doubling back and send at once, as
 * TCP does for what routers say (RFC 6069). Here it is learnt from whoever looks after the links, who changes an endpoint's flag and back
 * when one has returned (endpoint_tell() in src/link/endpoint.h): the peer is told of each change (MP_PRIO, RFC 8684, section 3.3.8), and
 * what waits for more than the first timeout goes with it.
 */
#include "protocol.h"

void rivulet_subflow_send_ack(struct sock *ssk);

void rivulet_subflow_send_ack(struct sock *ssk)
{
	const struct mptcp_subflow_context *subflow = mptcp_subflow_ctx(ssk);
	struct inet_connection_sock *icsk = inet_csk(ssk);
	struct tcp_sock *tp = tcp_sk(ssk);
	/* Of the two changes one. */
	bool returned = subflow->send_mp_prio && subflow->request_bkup;

	__mptcp_subflow_send_ack(ssk);
	if (!returned || !icsk->icsk_backoff || !tp->packets_out)
		return;
	icsk->icsk_backoff = 0;
	icsk->icsk_rto = tp->srtt_us ? __tcp_set_rto(tp) : TCP_TIMEOUT_INIT;
	tcp_mstamp_refresh(tp);
	tcp_retransmit_timer(ssk);
}
