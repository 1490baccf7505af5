/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "via/server/strangers.h"

#include "base/clock.h"

#include <string.h>

#define FAMILIAR_FOR (24 * 3600 * NS_PER_S)

/* What each can have at most. A handshake takes some round trips, within which thousands of others can come. */
static const struct {
	unsigned most, of_source;
} rooms[STRANGER_RANKS] = {
	[STRANGER_SILENT] = {1024, 256},
	[STRANGER_SPEAKS] = {1024, 256},
	[STRANGER_AGREED] = {512, 256},
	[STRANGER_FAMILIAR] = {1024, 512},
};

/* Of all connections half are for those who are known. */
static unsigned scaled(unsigned count, unsigned half, unsigned sum)
{
	return half < sum ? count * half / sum + 1 : count;
}

void strangers_open(struct strangers *strangers, unsigned limit, uint64_t key)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < STRANGER_RANKS; i++)
		sum += rooms[i].most;
	*strangers = (struct strangers){.key = key};
	for (unsigned i = 0; i < STRANGER_RANKS; i++) {
		struct stranger_room *room = &strangers->rooms[i];

		TAILQ_INIT(&room->all);
		room->most = scaled(rooms[i].most, limit / 2, sum);
		room->of_source = scaled(rooms[i].of_source, limit / 2, sum);
	}
}

static struct address source_of(const struct address *from)
{
	struct address net = *from;

	net.prefix = net.family == AF_INET6 ? 64 : 32;
	return address_network(&net);
}

/* FNV-1a with a key: nobody can choose whose place he takes. */
static struct familiar *place(struct strangers *strangers, const struct address *source)
{
	uint64_t hash = 0xcbf29ce484222325 ^ strangers->key;

	for (size_t i = 0; i < address_size(source); i++)
		hash = (hash ^ source->bytes[i]) * 0x100000001b3;
	return &strangers->familiars[(hash ^ hash >> 32) % FAMILIARS];
}

static bool is_familiar(struct strangers *strangers, const struct address *source, uint64_t now)
{
	const struct familiar *familiar = place(strangers, source);

	return address_equal(&familiar->source, source) && now < familiar->until;
}

void strangers_knew(struct strangers *strangers, const struct address *from, uint64_t now)
{
	struct address source = source_of(from);

	*place(strangers, &source) = (struct familiar){source, now + FAMILIAR_FOR};
}

static struct stranger *who_makes_room(const struct stranger_room *room,
				       const struct address *source)
{
	struct stranger *oldest = NULL, *at;
	unsigned same = 0;

	TAILQ_FOREACH(at, &room->all, link)
	if (address_equal(&at->source, source)) {
		same++;
		oldest = oldest ? oldest : at;
	}
	if (same >= room->of_source)
		return oldest;
	return room->count >= room->most ? TAILQ_FIRST(&room->all) : NULL;
}

static struct stranger *enter(struct strangers *strangers, struct stranger *stranger,
			      enum stranger_rank rank)
{
	struct stranger_room *room = &strangers->rooms[rank];
	struct stranger *victim = who_makes_room(room, &stranger->source);

	stranger->rank = rank;
	stranger->listed = true;
	TAILQ_INSERT_TAIL(&room->all, stranger, link);
	room->count++;
	return victim;
}

struct stranger *strangers_came(struct strangers *strangers, struct stranger *stranger,
				const struct address *from, uint64_t now)
{
	stranger->source = source_of(from);
	return enter(strangers, stranger,
		     is_familiar(strangers, &stranger->source, now) ? STRANGER_FAMILIAR
								    : STRANGER_SILENT);
}

void strangers_left(struct strangers *strangers, struct stranger *stranger)
{
	struct stranger_room *room = &strangers->rooms[stranger->rank];

	if (!stranger->listed)
		return;
	TAILQ_REMOVE(&room->all, stranger, link);
	room->count--;
	stranger->listed = false;
}

struct stranger *strangers_rose(struct strangers *strangers, struct stranger *stranger,
				enum stranger_rank rank)
{
	if (!stranger->listed || stranger->rank >= rank)
		return NULL;
	strangers_left(strangers, stranger);
	return enter(strangers, stranger, rank);
}
