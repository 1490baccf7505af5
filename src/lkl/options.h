/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The options of streams (streams.h). A program has asked for TCP, and the far side is a socket of MPTCP, which refuses dozens of
 * options that TCP takes. What it refuses is said by a plain TCP socket of the same kernel, as attach/model does it with the
 * host's: what that takes is remembered and told to the next one that is asked, and once more to the far side when its
 * connection is there, for one that has fallen back to TCP does take it.
 */
#pragma once

#include "lkl/streams.h"

/* -ENOMEM. */
int options_open(void);
/* As setsockopt() and getsockopt(): 0, or a negative errno. */
int option_set(const struct stream *stream, int level, int name, const void *value, socklen_t size);
int option_get(const struct stream *stream, int level, int name, void *ret, socklen_t *size);
/* The far side is connected. */
void options_settle(const struct stream *stream);
/* TCP_USER_TIMEOUT that was set, in ms, and that the far side does not know of; 0: none. */
unsigned option_patience(const struct stream *stream);
