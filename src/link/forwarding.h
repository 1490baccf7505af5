/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forwarding of what comes in by one device. For IPv4 every kernel has such a switch. For IPv6 Linux 6.17 and later do; before,
 * there is only that of the whole host, which would make it forget what routers have announced to it: that is not touched.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

/* Is, or can be, of a device to come? Not where IPv6 is switched off. */
bool forwarding_can(sa_family_t family);

bool forwarding_is(unsigned index, sa_family_t family);

/* Switches it on: 0; 1: it is on already. Negative errno: it cannot be. */
int forwarding_start(unsigned index, sa_family_t family);
int forwarding_stop(unsigned index, sa_family_t family);
