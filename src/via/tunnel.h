/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes between a TLS session and a connected stream socket, both ways: what attach/flow.h does for two sockets. The kernel
 * cannot do it, for its TLS (kTLS) is a protocol upon TCP sockets that MPTCP sockets do not take; so every byte is copied here.
 *
 *  - What one end cannot take at once is held, one record at most for each way, and the other end is not read meanwhile. A
 *    tunnel that waits holds nothing but the session.
 *  - What goes to the session goes no further ahead of its peer than its links need (link/ahead.h).
 *  - The end of one way is passed on after all that came before it (close_notify), and the other way goes on.
 *  - Whatever was cut off, the other end finds reset: half of a file never looks whole.
 */
#pragma once

#include "base/loop.h"
#include "base/tls.h"
#include "link/ahead.h"

struct tunnel_way {
	uint8_t *held; /* owned; NULL: nothing */
	size_t at, size;
	bool ended;     /* no more will be read */
	bool closed;    /* and the receiver knows */
	uint64_t moved; /* bytes */
};

struct tunnel {
	struct loop *loop;
	struct tls *tls;                 /* owned */
	struct loop_source secret, open; /* the session's descriptor, and the other; owned */
	bool secret_gone, open_gone;
	struct tunnel_way in, out; /* from the session, and to it */
	struct ahead ahead;        /* of @out */
	struct loop_timer later;   /* while @out goes no further ahead */
	/* Both ways have ended (0), or a connection was lost (a negative errno). It is closed already, and its memory the
	 * callee's again. */
	void (*over)(struct tunnel *tunnel, int code);
};

/* Moves bytes from now on. Takes session and descriptors, also if it fails. May be over, and say so, only later. The @early
 * bytes were read from the session before. */
int tunnel_open(struct tunnel *tunnel, struct loop *loop, struct tls *tls, int secret, int open,
		const void *early, size_t size);
/* Closes without a word; with @reset the peers find it so. */
void tunnel_close(struct tunnel *tunnel, bool reset);
