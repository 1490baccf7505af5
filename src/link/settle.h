/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For how long those that lose their subflows had better wait for it.
 *
 * The kernel sends again all that is not acknowledged when it closes a subflow, in order, also what came over the others, or has
 * arrived and is about to be acknowledged: at 50 and 20 Mbit/s with 20 ms each way that is 175 kB in front of the first byte that was
 * lost, 70 ms of the slower link's time. Half a round trip after the last acknowledgement by the dying subflow, those of all that
 * has arrived are here by another one. Where little is under way there is nothing to wait for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Of a dying subflow: segments on their way. */
bool settle_pays(uint32_t unacked);
/* ms; of one whose connection goes on by a round trip of @rtt (us; UINT32_MAX: it does not) and that was last acknowledged @last_ack
 * (ms) ago. */
unsigned settle_time(uint32_t rtt, uint32_t last_ack);
