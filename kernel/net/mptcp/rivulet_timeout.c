// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a sender waits before it sends again.
 *
 * Where acknowledgements were lost with their link, TCP takes the time until it hears of a segment for a round trip. Its timeout is several
 * of those for long after, and doubles each time: on links that come and go it becomes minutes, of which the link works for most.
 * One segment in three seconds is no load for any path (RFC 8085, section 3.1.3, lets those send as much who know nothing of theirs). So the
 * timeout is that at most, or two round trips, smoothed as TCP has them: what one has added to them is little, what it has
 * added to their variance is not. Later kernels have a bound for it, too (net.ipv4.tcp_rto_max_ms). When a connection is given up is
 * decided by time, as before.
 *
 * It is bounded when it was measured, at each acknowledgement's end, and before it is doubled (the Makefile of net/ipv4 has tcp_input.c
 * and tcp_timer.c ask here).
 */
#include "protocol.h"

void rivulet_acknowledged(struct sock *sk, u32 delivered, u32 lost, bool reneged,
			  struct rate_sample *rate);
void rivulet_timed_out(struct sock *sk, bool expired);

static u32 longest(const struct sock *sk)
{
	return max_t(u32, 3 * HZ, 2 * usecs_to_jiffies(tcp_sk(sk)->srtt_us >> 3));
}

/* Instead of tcp_rate_gen(), the last before what is lost is sent again. */
void rivulet_acknowledged(struct sock *sk, u32 delivered, u32 lost, bool reneged,
			  struct rate_sample *rate)
{
	struct inet_connection_sock *icsk = inet_csk(sk);

	if (icsk->icsk_rto > longest(sk)) {
		icsk->icsk_rto = longest(sk);
		if (icsk->icsk_pending == ICSK_TIME_RETRANS)
			inet_csk_reset_xmit_timer(sk, ICSK_TIME_RETRANS, icsk->icsk_rto,
						  TCP_RTO_MAX);
	}
	tcp_rate_gen(sk, delivered, lost, reneged, rate);
}

/* Instead of mptcp_active_detect_blackhole(): a timeout is over. */
void rivulet_timed_out(struct sock *sk, bool expired)
{
	struct inet_connection_sock *icsk = inet_csk(sk);

	if (sk->sk_state != TCP_SYN_SENT)
		icsk->icsk_rto = min(icsk->icsk_rto, longest(sk) / 2);
	mptcp_active_detect_blackhole(sk, expired);
}
