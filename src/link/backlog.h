/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much a TCP socket of the network namespace may hold that is not sent yet
 * (net.ipv4.tcp_notsent_lowat, bytes).
 *
 * The kernel hands the data of an MPTCP connection to subflows long before they can send it. When a
 * link fails, what was lost with it is sent again over the others, but behind all that waits there:
 * with the kernel's default some hundred kilobytes, a quarter of a second at 20 Mbit/s. A short
 * backlog makes hand-over quick; what the subflows do not take waits in the connection, where it
 * can still go any way.
 */
#pragma once

#include <stdint.h>

#define BACKLOG_MIN       (16u * 1024)
#define BACKLOG_UNLIMITED UINT32_MAX /* the kernel's default */

/* 0, or a negative errno: -ENOENT on kernels without it, -EACCES without the right to. */
int backlog_get(uint32_t *ret);
int backlog_set(uint32_t bytes);

/* The backlog for paths of which the slowest carries @rate bytes/s: 20 ms of it, a power of two so
 * that it does not follow every change, at least BACKLOG_MIN. */
uint32_t backlog_for(uint64_t rate);
