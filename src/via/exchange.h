/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client says to a relay and hears from it, before the connection's bytes: HTTP CONNECT (RFC 9110, section 9.3.6), so
 * that any proxy that speaks it will do. Pure.
 */
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define EXCHANGE_ASK_MAX   768
#define EXCHANGE_REPLY_MAX 8192 /* RFC 9112, section 3: what all should support of a line */

/* The request for @host, a name or an address without brackets, and @port; @token "": none. Its size. */
size_t exchange_ask(const char *host, const char *port, const char *token,
		    char ret[static EXCHANGE_ASK_MAX]);

/*
 * What the relay has replied so far: 0: it is connected, and *@ret_used bytes were the reply, what follows is the other end's;
 * -EAGAIN: more is to come; else the errno that connect() would have had (from Proxy-Status, RFC 9209, where there is one),
 * with words: -ECONNREFUSED, -EHOSTUNREACH, -ENOENT (no such name), -ETIMEDOUT; -EACCES: the relay does not want to;
 * -EPERM: it does not know us; -EPROTO: that is no reply.
 */
int exchange_reply(const void *bytes, size_t size, size_t *ret_used, struct err *err);
