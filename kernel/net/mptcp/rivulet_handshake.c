// SPDX-License-Identifier: GPL-2.0-only
/*
 * A handshake whose end was lost.
 *
 * The last acknowledgement of a handshake, and the first data after it, tell a server that the client speaks MPTCP (RFC 8684, section 3.1). If
 * both are lost the server asks once more, and Linux answers by an acknowledgement of where it is now, after that data: it has no
 * room for the keys, the server takes it for plain TCP's, and the connection has fallen back. So the first data is sent again instead:
 * it brings the keys, and acknowledges as well. (The Makefile of net/ipv4 has tcp_input.c ask here.)
 */
#include "protocol.h"

void rivulet_send_ack(struct sock *sk);

static bool is_unheard(const struct sock *sk)
{
	const struct mptcp_subflow_context *subflow = mptcp_subflow_ctx(sk);
	const struct tcp_sock *tp = tcp_sk(sk);

	return sk->sk_state == TCP_ESTABLISHED && sk_is_mptcp(sk) && subflow->request_mptcp &&
	       subflow->mp_capable && !subflow->fully_established && tp->packets_out &&
	       tp->snd_una == subflow->snd_isn;
}

void rivulet_send_ack(struct sock *sk)
{
	if (!is_unheard(sk) || __tcp_retransmit_skb(sk, tcp_rtx_queue_head(sk), 1))
		tcp_send_ack(sk);
}
