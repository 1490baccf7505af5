/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "via/carriage.h"

static void flow_over(struct flow *flow, int code)
{
	struct carriage *carriage = loop_owner(flow, struct carriage, flow);

	carriage->over(carriage, code);
}

static void tunnel_over(struct tunnel *tunnel, int code)
{
	struct carriage *carriage = loop_owner(tunnel, struct carriage, tunnel);

	carriage->over(carriage, code);
}

int carriage_open(struct carriage *carriage, struct loop *loop, struct stack *stack, int fd,
		  struct tls *tls, int open, const void *early, size_t size)
{
	carriage->secret = tls != NULL;
	if (carriage->secret) {
		carriage->tunnel = (struct tunnel){.over = tunnel_over};
		return tunnel_open(&carriage->tunnel, loop, tls, fd, open, early, size);
	}
	carriage->flow = (struct flow){
		.over = flow_over, .bounded = true, .stack = stack, .far_first = true};
	return flow_open(&carriage->flow, loop, fd, open, early, size);
}

void carriage_abort(struct carriage *carriage)
{
	if (carriage->secret)
		tunnel_close(&carriage->tunnel, true);
	else
		flow_abort(&carriage->flow);
}

uint64_t carriage_in(const struct carriage *carriage)
{
	return carriage->secret ? carriage->tunnel.in.moved : carriage->flow.ends[0].out.moved;
}

uint64_t carriage_out(const struct carriage *carriage)
{
	return carriage->secret ? carriage->tunnel.out.moved : carriage->flow.ends[1].out.moved;
}
