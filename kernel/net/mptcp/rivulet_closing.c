// SPDX-License-Identifier: GPL-2.0-only
/*
 * What comes over a subflow that we have closed and the peer has not.
 *
 * The subflow that a connection began with outlives its endpoint: it says that it sends no more, and receives until the peer has heard of
 * that, which on a bad link may be long. Later kernels of Linux 6.12 take what comes meanwhile when a program tries to receive,
 * but wake nobody who waits for it, though TCP acknowledges it: a download that gets nothing by other ways stands still. (What they keep away
 * is what would come to a subflow that is about to be freed.) So the program is told of it as of all other.
 */
#include "protocol.h"

void rivulet_closing_data_ready(struct sock *sk, struct sock *ssk);

void rivulet_closing_data_ready(struct sock *sk, struct sock *ssk)
{
#ifdef RIVULET_CLOSING
	struct mptcp_subflow_context *subflow = mptcp_subflow_ctx(ssk);
	bool closing = subflow->closing;

	/* Nobody looks meanwhile: the subflow is locked. */
	if (!subflow->disposable && inet_sk_state_load(sk) != TCP_CLOSE)
		subflow->closing = false;
	mptcp_data_ready(sk, ssk);
	subflow->closing = closing;
#else
	mptcp_data_ready(sk, ssk);
#endif
}
