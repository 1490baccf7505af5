// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes of connections that have fallen back to TCP.
 *
 * Linux 6.12 numbers what comes by the first byte of its segment (subflow.c, subflow_check_data_avail()), and uses the number for the
 * first byte that is new. Where a sender that sends again cuts otherwise the two are not one: then as many new bytes are skipped as
 * were there before, and all that follows waits for them for ever, although TCP has acknowledged it. So the number is put right,
 * wherever one of MPTCP's files asks another (the Makefile has them ask here): it follows from how far TCP is.
 */
#include "protocol.h"
#include "rivulet.h"

bool rivulet_subflow_data_available(struct sock *ssk);
void rivulet_data_ready(struct sock *sk, struct sock *ssk);

static void put_right(struct sock *ssk)
{
	struct mptcp_subflow_context *subflow = mptcp_subflow_ctx(ssk);
	u32 next = subflow->iasn + tcp_sk(ssk)->copied_seq - subflow->ssn_offset - 1;

	if (subflow->map_valid && __mptcp_check_fallback(mptcp_sk(subflow->conn)))
		subflow->map_seq += (s32)(next - (u32)mptcp_subflow_get_mapped_dsn(subflow));
}

bool rivulet_subflow_data_available(struct sock *ssk)
{
	bool available = mptcp_subflow_data_available(ssk);

	if (available) {
		put_right(ssk);
		rivulet_widen(ssk);
	}
	return available;
}

void rivulet_data_ready(struct sock *sk, struct sock *ssk)
{
	put_right(ssk);
	rivulet_widen(ssk);
	rivulet_got();
	mptcp_data_ready(sk, ssk);
}
