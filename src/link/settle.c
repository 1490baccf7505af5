/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/settle.h"

#define MUCH 16 /* segments: more than is worth to wait for */
#define MOST 60 /* ms */

bool settle_pays(uint32_t unacked)
{
	return unacked >= MUCH;
}

unsigned settle_time(uint32_t rtt, uint32_t last_ack)
{
	unsigned wait = rtt == UINT32_MAX ? 0 : rtt / 2000 + 1;

	wait = wait > MOST ? MOST : wait;
	return wait > last_ack ? wait - last_ack : 0;
}
