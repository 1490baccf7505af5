/* SPDX-License-Identifier: GPL-2.0-only */
#include "lkl/flows.h"

#include "link/settle.h"

#define LIVED 1000 /* ms */

void flows_add(struct flows *flows, const struct diag_socket *socket, unsigned link)
{
	if (flows->count < FLOWS_MAX)
		flows->all[flows->count++] =
			(struct flow){.connection = socket->inode,
				      .link = link,
				      .proven = socket->bytes_acked || socket->bytes_received ||
						socket->last_ack >= LIVED,
				      .unacked = socket->unacked,
				      .last_ack = socket->last_ack,
				      .rtt_min = socket->rtt_min};
}

/* The shortest round trip (us) of what its connection has elsewhere; UINT32_MAX: it has nothing. */
static uint32_t other_rtt(const struct flows *flows, const struct flow *flow)
{
	uint32_t rtt = UINT32_MAX;

	for (unsigned i = 0; i < flows->count; i++) {
		const struct flow *other = &flows->all[i];

		if (other->connection == flow->connection && other->link != flow->link &&
		    other->proven && other->rtt_min < rtt)
			rtt = other->rtt_min;
	}
	return rtt;
}

bool flows_cut_off(const struct flows *flows, unsigned link)
{
	for (unsigned i = 0; i < flows->count; i++) {
		unsigned j = 0;

		if (flows->all[i].link != link)
			continue;
		while (j < flows->count && (flows->all[j].link == link || !flows->all[j].proven ||
					    flows->all[j].connection != flows->all[i].connection))
			j++;
		if (j == flows->count)
			return true;
	}
	return false;
}

unsigned flows_settle(const struct flows *flows, unsigned link)
{
	unsigned most = 0;

	for (unsigned i = 0; i < flows->count; i++) {
		const struct flow *flow = &flows->all[i];
		unsigned wait;

		if (flow->link != link || !settle_pays(flow->unacked))
			continue;
		wait = settle_time(other_rtt(flows, flow), flow->last_ack);
		most = wait > most ? wait : most;
	}
	return most;
}
