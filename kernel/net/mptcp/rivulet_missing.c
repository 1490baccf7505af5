// SPDX-License-Identifier: GPL-2.0-only
/*
 * What this end knows to be missing, while nothing comes.
 *
 * A receiver acknowledges what comes, and when nothing comes it is silent. So the acknowledgements that an outage has swallowed are made
 * up for only when the sender's timeout is over, and they cost more than that: the sender takes the time until it hears of a segment
 * for a round trip, and its timeout is several of those for long after. An outage later it waits for seconds, and doubles them. Where links
 * come and go, the last subflow of a connection ends up with timeouts of minutes.
 *
 * Whoever misses something does not wait for it in silence here. A subflow misses something if there is a hole in what has come over it, if
 * a mapping has begun and is not complete, or if its connection misses something that it may have been given. If then nothing has come for
 * a tenth of a second it says again where it stands, and so each tenth for most of a second, and after that four times while the silence
 * doubles, up to a minute. Nothing is said where nothing is missing: what has come to its end, or waits for a question, costs no packet.
 *
 * One timer for all of them, which runs while bytes come or are missed.
 */
#include "protocol.h"
#include "rivulet.h"

#define FIRST  (HZ / 10)
#define LAST   (64 * HZ)
#define STATES (TCPF_ESTABLISHED | TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2)

static void look(struct timer_list *unused);
static DEFINE_TIMER(timer, look);
static unsigned long looked;

static bool misses(const struct sock *ssk)
{
	const struct mptcp_subflow_context *subflow = mptcp_subflow_ctx(ssk);
	const struct tcp_sock *tp = tcp_sk(ssk);
	u32 mapped = tp->rcv_nxt - subflow->ssn_offset - subflow->map_subflow_seq;

	return !RB_EMPTY_ROOT(&tp->out_of_order_queue) ||
	       (subflow->map_valid && mapped < subflow->map_data_len) ||
	       (tp->bytes_received && !RB_EMPTY_ROOT(&mptcp_sk(subflow->conn)->out_of_order_queue));
}

/* How often it is to have been said after so long a silence; how long that is so. */
static int times(u32 silence, u32 *until)
{
	u32 firsts = silence / FIRST;
	int coarse = max(fls(firsts) - 3, 0);

	*until = (((firsts >> coarse) + 1) << coarse) * FIRST;
	return 4 * coarse + (firsts >> coarse);
}

/* @since the last look. When the next is to be. */
static unsigned long look_at(struct sock *ssk, unsigned long since)
{
	unsigned long next = MAX_JIFFY_OFFSET;
	u32 silence, until;
	int before;

	bh_lock_sock(ssk);
	silence = tcp_jiffies32 - inet_csk(ssk)->icsk_ack.lrcvtime;
	if (sock_owned_by_user(ssk)) {
		next = FIRST;
	} else if (silence < LAST && (1 << ssk->sk_state) & STATES && sk_is_mptcp(ssk) &&
		   mptcp_subflow_ctx(ssk)->conn && misses(ssk)) {
		before = times(silence > since ? silence - since : 0, &until);
		if (times(silence, &until) > before)
			tcp_send_ack(ssk);
		next = until - silence;
	}
	bh_unlock_sock(ssk);
	return next;
}

static void look(struct timer_list *unused)
{
	unsigned long next = MAX_JIFFY_OFFSET, since = jiffies - looked;
	struct hlist_nulls_node *node;
	struct sock *sk;

	looked = jiffies;
	rcu_read_lock();
	for (unsigned int i = 0; i <= tcp_hashinfo.ehash_mask; i++)
		sk_nulls_for_each_rcu(sk, node, &tcp_hashinfo.ehash[i].chain)
		{
			if ((1 << inet_sk_state_load(sk)) & STATES && sk_is_mptcp(sk))
				next = min(next, look_at(sk, since));
		}
	rcu_read_unlock();
	if (next < MAX_JIFFY_OFFSET)
		mod_timer(&timer, jiffies + next);
}

void rivulet_got(void)
{
	if (timer_pending(&timer) && time_before_eq(timer.expires, jiffies + FIRST))
		return;
	if (!timer_pending(&timer))
		looked = jiffies;
	mod_timer(&timer, jiffies + FIRST);
}
