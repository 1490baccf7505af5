// SPDX-License-Identifier: GPL-2.0-only
/*
 * One acknowledgement for what came together.
 *
 * TCP acknowledges every second packet at once, and a subflow of MPTCP every large one, for its data is the connection's as soon as it has come:
 * for as many as a link has when it is looked at, that is a packet back for each, which the peer takes in one by one, and sends less for each.
 * So those due while packets are taken from a link wait until it has no more, and then there is one for each socket
 * (net/mptcp/rivulet_handshake.c, which TCP asks, asks here). Not where something is missing: how much came after it tells the peer that it is lost.
 */
#include <asm/lkl.h>
#include <net/tcp.h>

#define SOCKETS 64 /* no more packets are taken at once */

static struct sock *due[SOCKETS]; /* held */
static unsigned int count;
static bool gathers;

void lkl_ack(struct sock *sk);

static bool is_due(const struct sock *sk)
{
	unsigned int i = count;

	while (i > 0 && due[i - 1] != sk)
		i--;
	return i > 0;
}

void lkl_ack(struct sock *sk)
{
	if (!gathers || count == SOCKETS || sk->sk_state != TCP_ESTABLISHED ||
	    !inet_csk_ack_scheduled(sk) || !RB_EMPTY_ROOT(&tcp_sk(sk)->out_of_order_queue)) {
		tcp_send_ack(sk);
	} else if (!is_due(sk)) {
		sock_hold(sk);
		due[count++] = sk;
	}
}

void lkl_acks_gather(void)
{
	gathers = true;
}

/* One that somebody has taken is acknowledged when it is given back. */
static void send(struct sock *sk)
{
	bh_lock_sock(sk);
	if (sock_owned_by_user(sk))
		set_bit(TCP_ACK_DEFERRED, &sk->sk_tsq_flags);
	else if (inet_csk_ack_scheduled(sk))
		tcp_send_ack(sk);
	bh_unlock_sock(sk);
	sock_put(sk);
}

void lkl_acks_send(void)
{
	gathers = false;
	for (unsigned int i = 0; i < count; i++)
		send(due[i]);
	count = 0;
}
