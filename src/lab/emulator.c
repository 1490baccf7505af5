/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One round of the loop: take frames from the wires, a bounded number from each so that none
 * starves; do the events that are due; give out what the channels let go; sleep until the next
 * channel, event or sample, or a frame. The channels compute with exact times, so waking up late
 * delays single frames but never loses capacity.
 */
#include "lab/emulator.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "lab/middlebox.h"
#include "lab/samples.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define READ_BATCH  64                /* frames taken from one wire in one round */
#define FLUSH_EVERY (100 * NS_PER_MS) /* captures, so that they can be watched */

/* What one end of a link sends, until the other end gets it. */
struct direction {
	struct wire *from, *to;
	struct pcap *pcap_from, *pcap_to; /* or NULL */
	struct channel *channel;
	struct shape shape;
	struct traffic *traffic;
	struct packet *unused; /* packets to use again */
	uint32_t capacity;     /* of each packet */
	bool strip;            /* MPTCP options */
};

struct emulator {
	const struct emulator_job *job;
	struct direction *directions; /* one per wire */
	unsigned count;
	struct samples *samples; /* NULL: none */
	struct pollfd *polls;    /* start, stop, wires */
	uint64_t zero;           /* clock_now() at time zero of the channels */
	uint64_t real;           /* add to clock_now() for ns since 1970 */
	uint64_t flush;          /* clock_now() when captures are written out next */
	unsigned event;          /* the next one; counts only once started */
	uint64_t origin;         /* time that events count from; CHANNEL_NEVER: not yet */
	bool started;
};

enum { POLL_START, POLL_STOP, POLL_WIRES };

static void recycle(struct packet *packet, void *owner)
{
	struct direction *d = owner;

	packet->next = d->unused;
	d->unused = packet;
}

static struct packet *take_packet(struct direction *d)
{
	struct packet *packet = d->unused;

	if (packet) {
		d->unused = packet->next;
		return packet;
	}
	packet = malloc(sizeof(*packet) + d->capacity);
	if (!packet)
		return NULL;
	packet->capacity = d->capacity;
	packet->data = (uint8_t *)(packet + 1);
	return packet;
}

static void free_directions(struct emulator *e)
{
	for (unsigned i = 0; i < e->count; i++) {
		struct direction *d = &e->directions[i];

		channel_free(d->channel);
		while (d->unused) {
			struct packet *packet = d->unused;

			d->unused = packet->next;
			free(packet);
		}
	}
	free(e->directions);
}

/* Channels as they are at time zero. Each has a seed of its own; the multiplier only spreads. */
static int make_channels(struct emulator *e)
{
	for (unsigned i = 0; i < e->count; i++) {
		struct direction *d = &e->directions[i];

		channel_free(d->channel);
		memset(d->traffic, 0, sizeof(*d->traffic));
		d->shape = e->job->scenario->links[i / 2].ends[i % 2].send;
		d->channel = channel_new(&d->shape, e->job->seed + i * 0x9e3779b97f4a7c15ULL,
					 &d->traffic->channel, recycle, d);
		if (!d->channel)
			return -ENOMEM;
	}
	return 0;
}

static int make_directions(struct emulator *e)
{
	const struct emulator_job *job = e->job;

	e->count = 2 * job->scenario->link_count;
	e->directions = calloc(e->count ? e->count : 1, sizeof(*e->directions));
	e->polls = calloc(POLL_WIRES + e->count, sizeof(*e->polls));
	if (!e->directions || !e->polls)
		return -ENOMEM;
	for (unsigned i = 0; i < e->count; i++) {
		struct direction *d = &e->directions[i];
		const struct scenario_link *link = &job->scenario->links[i / 2];

		d->from = job->wires[i];
		d->to = job->wires[i ^ 1];
		d->pcap_from = job->pcaps ? job->pcaps[i] : NULL;
		d->pcap_to = job->pcaps ? job->pcaps[i ^ 1] : NULL;
		d->traffic = &job->traffic[i];
		d->capacity = link->mtu + WIRE_HEADER_MAX;
		d->strip = link->strip_mptcp;
		e->polls[POLL_WIRES + i] = (struct pollfd){.fd = d->from->fd, .events = POLLIN};
	}
	e->polls[POLL_START] = (struct pollfd){.fd = job->start, .events = POLLIN};
	e->polls[POLL_STOP] = (struct pollfd){.fd = job->stop, .events = POLLIN};
	return make_channels(e);
}

/* Does the time of events begin with what this end sends? */
static bool is_awaited(const struct emulator *e, unsigned wire)
{
	const struct scenario_end *end = &e->job->scenario->links[wire / 2].ends[wire % 2];

	return e->started && e->origin == CHANNEL_NEVER && (int)end->host == e->job->awaited;
}

/* Takes what the end has sent; true when there may be more. A wire whose device was deleted is not
 * looked at again. */
static bool take_frames(struct emulator *e, unsigned wire)
{
	struct direction *d = &e->directions[wire];

	for (unsigned i = 0; i < READ_BATCH; i++) {
		struct packet *packet = take_packet(d);
		ssize_t size;
		uint64_t now;

		if (!packet)
			return false;
		size = d->from->ops->read(d->from, packet->data, packet->capacity);
		if (size <= 0) {
			recycle(packet, d);
			if (size < 0 && size != -EAGAIN && size != -EINTR && size != -ENETDOWN)
				e->polls[POLL_WIRES + wire].fd = -1;
			return false;
		}
		packet->size = (uint32_t)size;
		now = clock_now();
		if (d->pcap_from)
			pcap_add(d->pcap_from, e->real + now, packet->data, packet->size);
		if (is_awaited(e, wire) && middlebox_sees_tcp(packet->data, packet->size))
			e->origin = now - e->zero;
		if (d->strip)
			middlebox_strip_mptcp(packet->data, packet->size);
		channel_push(d->channel, packet, now - e->zero);
	}
	return true;
}

static void give_frames(struct emulator *e, struct direction *d)
{
	struct packet *packet;
	uint64_t now = clock_now();

	while ((packet = channel_pop(d->channel, now - e->zero))) {
		if (d->to->ops->write(d->to, packet->data, packet->size) < 0)
			d->traffic->refused++;
		else if (d->pcap_to)
			pcap_add(d->pcap_to, e->real + clock_now(), packet->data, packet->size);
		recycle(packet, d);
	}
}

static void set_down(struct emulator *e, unsigned link, bool down, uint64_t now)
{
	assert(2 * link + 1 < e->count);
	for (unsigned i = 2 * link; i < 2 * link + 2; i++) {
		struct direction *d = &e->directions[i];

		channel_set_down(d->channel, down, now);
		d->from->ops->set_carrier(d->from, !down);
	}
}

static void do_event(struct emulator *e, const struct scenario_event *event)
{
	uint64_t now = clock_now() - e->zero;

	if (e->samples)
		samples_event(e->samples, event, now);
	if (event->action == EVENT_DOWN || event->action == EVENT_UP) {
		set_down(e, event->link, event->action == EVENT_DOWN, now);
		return;
	}
	for (unsigned end = 0; end < 2; end++) {
		struct direction *d = &e->directions[2 * event->link + end];

		if (!event->from[end])
			continue;
		if (event->action == EVENT_SET) {
			shape_change(&d->shape, &event->shape, event->fields);
			channel_set_shape(d->channel, &d->shape, now);
		} else {
			channel_set_blackhole(d->channel, event->action == EVENT_BLACKHOLE, now);
		}
	}
}

/* When the next event is due; CHANNEL_NEVER: there is none, or what it waits for has not come. */
static uint64_t next_event(const struct emulator *e)
{
	const struct scenario *scenario = e->job->scenario;

	if (!e->started || e->origin == CHANNEL_NEVER || e->event == scenario->event_count)
		return CHANNEL_NEVER;
	return e->origin + scenario->events[e->event].at;
}

static void do_due_events(struct emulator *e)
{
	while (next_event(e) <= clock_now() - e->zero)
		do_event(e, &e->job->scenario->events[e->event++]);
}

static void flush_captures(struct emulator *e)
{
	for (unsigned i = 0; e->job->pcaps && i < e->count; i++)
		pcap_flush(e->job->pcaps[i]);
}

static void do_chores(struct emulator *e)
{
	uint64_t now = clock_now();

	if (e->samples && e->started && samples_next(e->samples) <= now - e->zero)
		samples_take(e->samples, now - e->zero);
	if (e->job->pcaps && e->flush <= now) {
		flush_captures(e);
		e->flush = now + FLUSH_EVERY;
	}
}

static int start(struct emulator *e)
{
	e->started = true;
	e->polls[POLL_START].fd = -1;
	e->zero = clock_now();
	e->origin = e->job->awaited < 0 ? 0 : CHANNEL_NEVER;
	return make_channels(e);
}

/* Times of the channels, relative to zero, become times of the clock. */
static void earlier(const struct emulator *e, uint64_t t, uint64_t *until)
{
	if (t != CHANNEL_NEVER && e->zero + t < *until)
		*until = e->zero + t;
}

/* Sleeps until something is due or arrives; with @busy only looks. */
static int wait_for_work(struct emulator *e, bool busy)
{
	uint64_t until = CHANNEL_NEVER, now = clock_now(), span;
	struct timespec timeout = {0};

	for (unsigned i = 0; i < e->count; i++)
		earlier(e, channel_next(e->directions[i].channel), &until);
	earlier(e, next_event(e), &until);
	if (e->started && e->samples)
		earlier(e, samples_next(e->samples), &until);
	if (e->job->pcaps && e->flush < until)
		until = e->flush;
	span = busy || until <= now ? 0 : until - now;
	timeout.tv_sec = (time_t)(span / NS_PER_S);
	timeout.tv_nsec = (long)(span % NS_PER_S);
	if (ppoll(e->polls, POLL_WIRES + e->count,
		  until == CHANNEL_NEVER && !busy ? NULL : &timeout, NULL) < 0 &&
	    errno != EINTR)
		return -errno;
	return 0;
}

static int loop(struct emulator *e)
{
	bool busy = false;

	for (;;) {
		int code = wait_for_work(e, busy);

		if (code < 0)
			return code;
		if (e->polls[POLL_STOP].revents)
			return 0;
		if (e->polls[POLL_START].revents) {
			code = start(e);
			if (code < 0)
				return code;
		}
		busy = false;
		for (unsigned i = 0; i < e->count; i++) {
			do_due_events(e);
			if (e->polls[POLL_WIRES + i].revents)
				busy |= take_frames(e, i);
			give_frames(e, &e->directions[i]);
		}
		do_due_events(e);
		do_chores(e);
	}
}

/* Waking up in time is all that the emulator is about: best effort, as far as the user may. */
static void hurry(void)
{
	prctl(PR_SET_TIMERSLACK, 1UL);
	setpriority(PRIO_PROCESS, 0, -15);
}

int emulator_run(const struct emulator_job *job, struct err *err)
{
	struct emulator e = {.job = job, .zero = clock_now()};
	struct timespec real;
	int code, lost;

	hurry();
	clock_gettime(CLOCK_REALTIME, &real);
	e.real = (uint64_t)real.tv_sec * NS_PER_S + (uint64_t)real.tv_nsec - clock_now();
	code = make_directions(&e);
	if (code >= 0 && job->samples >= 0)
		code = samples_new(job->scenario, job->traffic, job->samples, &e.samples);
	if (code >= 0)
		code = loop(&e);
	if (e.samples)
		samples_take(e.samples, clock_now() - e.zero);
	flush_captures(&e);
	lost = samples_close(e.samples);
	if (lost < 0)
		err_set(job->lost, lost, "the samples cannot be written: %s", strerror(-lost));
	free_directions(&e);
	free(e.polls);
	return code < 0 ? err_set(err, code, "the emulator stopped: %s", strerror(-code)) : 0;
}
