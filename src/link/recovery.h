/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How soon TCP of the network namespace finds a packet lost that nothing comes after (net.ipv4.tcp_rto_min_us, microseconds).
 *
 * One that is followed by others on its path is missed at once, by their acknowledgements. With several paths the next
 * message of a program that sends little may go over another one; then the loss waits for a timer, which is a fifth of a
 * second even where a round trip takes a hundredth. The kernel sets it by round trips where it may: this is the least.
 * It is taken up by a socket as it is made, so it must be there before. Peers delay what they acknowledge by 40 ms; a probe
 * that is sent for one who delays it longer is answered at once, and slows nothing down.
 */
#pragma once

#include <stdint.h>

#define RECOVERY_LEAST 50000

/* 0, or a negative errno: -ENOENT before Linux 6.11. */
int recovery_get(uint32_t *ret);
/* 1: it cannot be set here, which is no matter (/proc/sys of a container is often to be read alone). */
int recovery_set(uint32_t least);
