/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The middlebox that hates MPTCP: it overwrites every TCP option 30 (RFC 8684, section 3) with
 * no-operations, as real ones do, so that connections fall back to TCP. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is @frame, an Ethernet frame of @size bytes, one with a TCP segment? Of one in fragments, the first is. */
bool middlebox_sees_tcp(uint8_t *frame, size_t size);

/* Strips @frame, an Ethernet frame of @size bytes, in place and mends the TCP checksum. Anything
 * that is not TCP over IPv4 or IPv6, is cut short or malformed, is left as it is. Number of options
 * that were overwritten. */
unsigned middlebox_strip_mptcp(uint8_t *frame, size_t size);
