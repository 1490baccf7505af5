/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who makes room for whom among those of whom it is not known yet who they are. Pure.
 *
 * A relay cannot keep strangers out, for its clients begin as such. It can see to it that what costs nothing does not push out
 * what costs something: strangers are ranked by what they have shown, each rank has room of its own, and where that is full the
 * oldest of the same rank goes, of the same source if that has more than its share. So half-open connections push out only
 * half-open ones, which whoever means it is for a moment; those who begin handshakes by the thousand push out
 * unfinished handshakes; and whoever does all that keeps nobody out who has been here before: where a client was known
 * lately, the next connections are likely to be a client's too.
 */
#pragma once

#include "base/address.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

enum stranger_rank {
	STRANGER_SILENT,   /* has sent nothing */
	STRANGER_SPEAKS,   /* something, but nothing is agreed on */
	STRANGER_AGREED,   /* TLS is, or is not asked for */
	STRANGER_FAMILIAR, /* whatever it has sent: from where a client was known lately */
	STRANGER_RANKS,
};

struct stranger {
	TAILQ_ENTRY(stranger) link;
	struct address source; /* an address; of IPv6 a /64, for whoever has one has all of it */
	enum stranger_rank rank;
	bool listed;
};

struct stranger_room {
	TAILQ_HEAD(, stranger) all; /* oldest first */
	unsigned count, most, of_source;
};

#define FAMILIARS 1024 /* a power of two */

/* Zero, then strangers_open(). */
struct strangers {
	struct stranger_room rooms[STRANGER_RANKS];
	struct familiar {
		struct address source; /* family 0: none */
		uint64_t until;
	} familiars[FAMILIARS];
	uint64_t key; /* of the hash */
};

/* Room for a part of @limit connections at most. @key: that nobody else knows. */
void strangers_open(struct strangers *strangers, unsigned limit, uint64_t key);

/* A stranger came @from there, at @now (ns). Whoever has to make room for it; NULL: nobody. */
struct stranger *strangers_came(struct strangers *strangers, struct stranger *stranger,
				const struct address *from, uint64_t now);
/* It has shown so much; the same. */
struct stranger *strangers_rose(struct strangers *strangers, struct stranger *stranger,
				enum stranger_rank rank);
/* It is none any more, or gone. */
void strangers_left(struct strangers *strangers, struct stranger *stranger);
/* One from there turned out to be a client. */
void strangers_knew(struct strangers *strangers, const struct address *from, uint64_t now);
