/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program that makes its own connections (the proxy) says to the supervisor of its run, instead of being under a
 * filter: that it is about to talk to somebody new, for which it waits until the supervisor lets it, and which sockets it
 * has made. Whoever has no supervisor any more is
 * let. The supervisor's side is attachment_announce (attachment.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Asks; the answer is a byte to be read, announce_granted(). Negative errno: there is nobody to ask. */
int announce_ask(int supervisor);
/* True if an answer was there, or none will ever come. */
bool announce_granted(int supervisor);
/* Socket @fd was made; never blocks. */
void announce_socket(int supervisor, int fd);
