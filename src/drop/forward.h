/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of a bundle between its arrival and its departure (RFC 9171, sections 5.3 to 5.6). Pure: times are
 * told, in ms since 1970.
 */
#pragma once

#include "drop/bundle.h"

#define FORWARD_LIFETIME_MAX \
	(90ULL * 24 * 3600 * 1000) /* ms; nobody has to carry a bundle for longer */
#define FORWARD_HOPS 16            /* the limit of our own bundles */

/* Blocks that we do not know are treated as their flags say, and the hop is counted. 0: keep it; -EPROTO: a block
 * that we do not know forbids; -ELOOP: too many hops; -ETIME: its lifetime is over. */
int forward_arrive(struct bundle *bundle, uint64_t now);

/* When it is of no use any more. The age counts where it is told, for clocks of devices may be wrong. */
uint64_t forward_expires(const struct bundle *bundle, uint64_t now);

/* The blocks are made true for the next node: @self sends it, @waited ms after it arrived. -E2BIG: no room for them. */
int forward_depart(struct bundle *bundle, const struct eid *self, uint64_t waited);
