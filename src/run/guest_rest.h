/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel inside still has to send when the program has ended. A program that writes its last words, closes and ends leaves them
 * to its kernel, which has them for as long as it takes; this one ends with the program. So it waits until they have arrived, but not
 * for ever, nor for peers that do not answer. Not for the peers' word that they have seen the end: that would be a round trip more for each run.
 */
#pragma once

#include "base/netlink.h"

#include <stdbool.h>

#define GUEST_REST_EVERY_MS 10

/* Is anything on its way that can still arrive? @sockets is of NETLINK_SOCK_DIAG, NULL: nobody can tell. The program has ended at
 * @since, the time is @now, both of clock_now(). */
bool guest_rest_left(struct nl *sockets, uint64_t since, uint64_t now);
