/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nodes say to each other about objects: payloads of bundles to the service "objects" of a node, or of the whole crowd.
 *
 *     ASK    [1, id]                        who has it?                          to all
 *     HAVE   [2, id, size, there, hashes]   I have it, or the pieces of "there"; to who asked
 *     FETCH  [3, id, [piece...]]            send me these                        to a holder
 *     PIECE  [4, id, piece, bytes]          here is one
 *     GONE   [5, id, piece]                 that one I have no more
 *     GIVE   [6, id, size, "", hashes]      an object is on its way to you: keep it
 *     WHERE  [7, url]                       who has what that URL has?           to all
 *     NAMED  [8, id, url, time]             I have: it is that object, fetched then (ms since 1970)
 *
 * A message needs nothing but that its bundle arrives, so it works over any number of nodes that carry it; who is near is known
 * by the hops that a HAVE has come.
 */
#pragma once

#include "drop/store.h"

#define SERVICE_OBJECTS "objects"
#define SERVICE_CROWD   "crowd"
#define ASKED_ALL       "dtn://all/~objects"
#define FETCH_MAX       64
#define URL_MAX         1024 /* with its end */

enum object_message_type {
	MESSAGE_ASK = 1,
	MESSAGE_HAVE,
	MESSAGE_FETCH,
	MESSAGE_PIECE,
	MESSAGE_GONE,
	MESSAGE_GIVE,
	MESSAGE_WHERE,
	MESSAGE_NAMED
};

/* Pointers of one that was read go into what it was read from. */
struct object_message {
	enum object_message_type type;
	uint8_t id[OBJECT_ID_SIZE];
	uint64_t size;
	uint32_t count;                /* pieces of the object */
	const uint8_t *there, *hashes; /* there: NULL where all are */
	uint32_t pieces[FETCH_MAX];
	unsigned piece_count;
	const uint8_t *data;
	size_t data_size;
	char url[URL_MAX];
	uint64_t fetched;
};

/* An http or https URL that can be asked for. */
bool url_is_one(const char *url, size_t size);
void object_message_put(struct bytes *to, const struct object_message *message);
/* -EBADMSG: it is none, or contradicts itself. */
int object_message_read(const void *data, size_t size, struct object_message *ret);
