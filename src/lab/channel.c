/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet is always in exactly one of four lists, each in the order in which packets leave it:
 *
 *   queue    waits for the transmitter; the head is being sent, its end is transmitter.finish
 *   line     has been sent and travels; due times never fall, so a list is enough
 *   bypass   has been sent and was picked to overtake: due when it was sent
 *   arrived  its time has come, the owner has not asked yet
 *
 * The owner calls when it can, which may be late. Nothing may depend on that, so each call first
 * lets happen all that is over by @now (advance), at the times at which it ends: packets leave the
 * transmitter at their exact finish and the next one starts there, not when somebody looked. What
 * ends at exactly @now has happened before the call. Chance is asked once a packet leaves the
 * transmitter, in the order of leaving, so that the pattern of calls cannot change the answers.
 *
 * A packet pushed while the queue is not empty came before the head's finish (or advance would have
 * taken the head away), hence the transmitter goes on without a gap; otherwise it starts at @now.
 * That is why packets need not carry the time at which they came.
 *
 * An unlimited transmitter takes no time: the queue is always empty and is passed by.
 */
#include "lab/channel.h"

#include "lab/random.h"
#include "lab/transmitter.h"

#include <stdlib.h>

const char *const channel_drop_names[CHANNEL_DROPS] = {
	[CHANNEL_DROP_QUEUE] = "queue",
	[CHANNEL_DROP_LOSS] = "loss",
	[CHANNEL_DROP_BLACKHOLE] = "blackhole",
	[CHANNEL_DROP_DOWN] = "down",
};

struct fifo {
	struct packet *head, *tail; /* @tail means nothing while @head is NULL */
};

struct channel {
	struct shape shape;
	struct transmitter transmitter;
	struct fifo queue, line, bypass, arrived;
	uint32_t queue_packets, queue_bytes; /* in the queue now */
	bool burst_bad;                      /* the state of shape.burst */
	bool blackhole, down;
	uint64_t orders; /* packets pushed so far */
	struct random random;
	struct channel_stats *stats; /* the owner's */
	channel_release release;
	void *owner;
};

static void fifo_put(struct fifo *fifo, struct packet *packet)
{
	packet->next = NULL;
	if (fifo->head)
		fifo->tail->next = packet;
	else
		fifo->head = packet;
	fifo->tail = packet;
}

static struct packet *fifo_take(struct fifo *fifo)
{
	struct packet *packet = fifo->head;

	if (packet)
		fifo->head = packet->next;
	return packet;
}

static uint64_t later(uint64_t time, uint64_t by)
{
	return by < CHANNEL_NEVER - time ? time + by : CHANNEL_NEVER;
}

static bool unlimited(const struct shape *shape)
{
	return shape->rate == 0 && !shape->trace;
}

static void drop(struct channel *c, struct packet *packet, enum channel_drop cause)
{
	c->stats->drops[cause]++;
	c->release(packet, c->owner);
}

/* The Gilbert-Elliott chain moves first, then the state that it is in decides. */
static bool lost(struct channel *c)
{
	const struct burst *burst = &c->shape.burst;

	if (burst->enter > 0) {
		if (random_chance(&c->random, c->burst_bad ? burst->leave : burst->enter))
			c->burst_bad = !c->burst_bad;
		if (random_chance(&c->random, c->burst_bad ? burst->loss_bad : burst->loss_good))
			return true;
	}
	return random_chance(&c->random, c->shape.loss);
}

static uint64_t travel_min(const struct shape *shape)
{
	return shape->delay > shape->jitter ? shape->delay - shape->jitter : 0;
}

/* Uniform in delay +- jitter; what would be below zero is zero. */
static uint64_t travel(struct channel *c)
{
	const struct shape *shape = &c->shape;
	uint64_t jitter = shape->jitter < UINT64_MAX / 4 ? shape->jitter : UINT64_MAX / 4;
	uint64_t extra;

	if (jitter == 0)
		return shape->delay;
	extra = random_below(&c->random, 2 * jitter + 1);
	if (extra >= jitter)
		return later(shape->delay, extra - jitter);
	return shape->delay > jitter - extra ? shape->delay - (jitter - extra) : 0;
}

/* @packet has left the transmitter at @at: it is lost, overtakes or travels. */
static void depart(struct channel *c, struct packet *packet, uint64_t at)
{
	struct packet *ahead = c->line.head ? c->line.tail : NULL;

	if (lost(c)) {
		drop(c, packet, CHANNEL_DROP_LOSS);
		return;
	}
	if (random_chance(&c->random, c->shape.reorder)) {
		packet->due = at;
		if (ahead && ahead->due > at)
			c->stats->reordered++;
		fifo_put(&c->bypass, packet);
		return;
	}
	packet->due = later(at, travel(c));
	if (ahead && ahead->due > packet->due)
		packet->due = ahead->due;
	fifo_put(&c->line, packet);
}

/* Lets the transmitter work until @now. */
static void advance(struct channel *c, uint64_t now)
{
	while (c->queue.head && c->transmitter.finish <= now) {
		struct packet *sent = fifo_take(&c->queue);
		uint64_t finish = c->transmitter.finish;

		c->queue_packets--;
		c->queue_bytes -= sent->size;
		if (c->queue.head)
			transmitter_send(&c->transmitter, finish, c->queue.head->size);
		depart(c, sent, finish);
	}
}

/* Where the next packet that travels is: line or bypass; its list may be empty if both are. */
static struct fifo *nearest(struct channel *c)
{
	const struct packet *line = c->line.head, *bypass = c->bypass.head;

	if (!bypass)
		return &c->line;
	if (!line || bypass->due < line->due)
		return &c->bypass;
	return bypass->due == line->due && bypass->order < line->order ? &c->bypass : &c->line;
}

/* Lets everything happen until @now: packets arrive, or vanish in the blackhole. */
static void settle(struct channel *c, uint64_t now)
{
	struct fifo *from;

	advance(c, now);
	for (from = nearest(c); from->head && from->head->due <= now; from = nearest(c)) {
		struct packet *packet = fifo_take(from);

		if (c->blackhole)
			drop(c, packet, CHANNEL_DROP_BLACKHOLE);
		else
			fifo_put(&c->arrived, packet);
	}
}

struct channel *channel_new(const struct shape *shape, uint64_t seed, struct channel_stats *stats,
			    channel_release release, void *owner)
{
	struct channel *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->shape = *shape;
	c->random.state = seed;
	c->stats = stats;
	c->release = release;
	c->owner = owner;
	transmitter_start(&c->transmitter, shape->rate, shape->trace, 0);
	return c;
}

static void release_all(struct channel *c, struct fifo *fifo)
{
	struct packet *packet;

	while ((packet = fifo_take(fifo)))
		c->release(packet, c->owner);
}

void channel_free(struct channel *c)
{
	if (!c)
		return;
	release_all(c, &c->arrived);
	release_all(c, &c->bypass);
	release_all(c, &c->line);
	release_all(c, &c->queue);
	free(c);
}

/* Even a packet that is larger than the limit is taken by an empty queue: it can be sent, and a
 * link that can send nothing is `down`, not short of room. */
static bool has_room(const struct channel *c, uint32_t size)
{
	const struct shape *shape = &c->shape;

	if (!c->queue.head)
		return true;
	if (shape->queue_packets && c->queue_packets >= shape->queue_packets)
		return false;
	return size <= UINT32_MAX - c->queue_bytes &&
	       (!shape->queue_bytes || c->queue_bytes + size <= shape->queue_bytes);
}

static void enqueue(struct channel *c, struct packet *packet, uint64_t now)
{
	struct channel_stats *stats = c->stats;

	if (!c->queue.head)
		transmitter_send(&c->transmitter, now, packet->size);
	fifo_put(&c->queue, packet);
	c->queue_packets++;
	c->queue_bytes += packet->size;
	if (stats->queue_packets_max < c->queue_packets)
		stats->queue_packets_max = c->queue_packets;
	if (stats->queue_bytes_max < c->queue_bytes)
		stats->queue_bytes_max = c->queue_bytes;
}

void channel_push(struct channel *c, struct packet *packet, uint64_t now)
{
	c->stats->offered++;
	c->stats->offered_bytes += packet->size;
	packet->order = c->orders++;

	if (c->down) {
		drop(c, packet, CHANNEL_DROP_DOWN);
		return;
	}
	if (unlimited(&c->shape)) {
		depart(c, packet, now);
		return;
	}
	advance(c, now);
	if (has_room(c, packet->size))
		enqueue(c, packet, now);
	else
		drop(c, packet, CHANNEL_DROP_QUEUE);
}

struct packet *channel_pop(struct channel *c, uint64_t now)
{
	struct packet *packet;

	if (!c->arrived.head)
		settle(c, now);
	packet = fifo_take(&c->arrived);
	if (packet) {
		packet->next = NULL;
		c->stats->packets++;
		c->stats->bytes += packet->size;
	}
	return packet;
}

uint64_t channel_next(const struct channel *c)
{
	uint64_t next = CHANNEL_NEVER;

	if (c->arrived.head)
		return c->arrived.head->due;
	if (c->line.head)
		next = c->line.head->due;
	if (c->bypass.head && c->bypass.head->due < next)
		next = c->bypass.head->due;
	if (c->queue.head) {
		uint64_t least = c->shape.reorder > 0 ? 0 : travel_min(&c->shape);
		uint64_t queue = later(c->transmitter.finish, least);

		if (queue < next)
			next = queue;
	}
	return next;
}

void channel_set_shape(struct channel *c, const struct shape *shape, uint64_t now)
{
	bool same = shape->rate == c->shape.rate && shape->trace == c->shape.trace;

	settle(c, now);
	c->shape = *shape;
	if (shape->burst.enter <= 0)
		c->burst_bad = false;
	if (same)
		return;
	if (c->queue.head)
		transmitter_change(&c->transmitter, shape->rate, shape->trace, now);
	else
		transmitter_start(&c->transmitter, shape->rate, shape->trace, now);
	advance(c, now); /* faster may mean at once */
}

void channel_set_blackhole(struct channel *c, bool on, uint64_t now)
{
	settle(c, now);
	c->blackhole = on;
}

static void drop_all(struct channel *c, struct fifo *fifo)
{
	struct packet *packet;

	while ((packet = fifo_take(fifo)))
		drop(c, packet, CHANNEL_DROP_DOWN);
}

void channel_set_down(struct channel *c, bool on, uint64_t now)
{
	settle(c, now);
	c->down = on;
	if (!on)
		return;
	drop_all(c, &c->bypass);
	drop_all(c, &c->line);
	drop_all(c, &c->queue);
	c->queue_packets = 0;
	c->queue_bytes = 0;
	transmitter_start(&c->transmitter, c->shape.rate, c->shape.trace, now);
}
