/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/loop.h"

#include "base/cleanup.h"
#include "base/clock.h"

int loop_open(struct loop *loop)
{
	*loop = (struct loop){.epoll = epoll_create1(EPOLL_CLOEXEC)};
	return loop->epoll < 0 ? -errno : 0;
}

void loop_close(struct loop *loop)
{
	loop->epoll = close_fd(loop->epoll);
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

int loop_watch(struct loop *loop, struct loop_source *source, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	if (source->watched && source->events == events)
		return 0;
	if (epoll_ctl(loop->epoll, source->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, source->fd,
		      &event) < 0)
		return -errno;
	source->watched = true;
	source->events = events;
	return 0;
}

void loop_forget(struct loop *loop, struct loop_source *source)
{
	if (source->watched)
		epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	loop_forget_closed(loop, source);
}

void loop_forget_closed(struct loop *loop, struct loop_source *source)
{
	if (!source->watched)
		return;
	source->watched = false;
	for (int i = loop->next; i < loop->count; i++)
		if (loop->batch[i].data.ptr == source)
			loop->batch[i].data.ptr = NULL;
}

/* Most timers are set for later than those that are there: the place is looked for from the end. */
void loop_set(struct loop *loop, struct loop_timer *timer, uint64_t at)
{
	struct loop_timer *before;

	if (timer->set && timer->at == at)
		return;
	loop_unset(loop, timer);
	if (at == UINT64_MAX)
		return;
	before = loop->last;
	while (before && before->at > at)
		before = before->before;
	timer->at = at;
	timer->set = true;
	timer->before = before;
	timer->after = before ? before->after : loop->first;
	*(before ? &before->after : &loop->first) = timer;
	*(timer->after ? &timer->after->before : &loop->last) = timer;
}

void loop_unset(struct loop *loop, struct loop_timer *timer)
{
	if (!timer->set)
		return;
	*(timer->before ? &timer->before->after : &loop->first) = timer->after;
	*(timer->after ? &timer->after->before : &loop->last) = timer->before;
	timer->set = false;
}

/* Milliseconds to the first timer, rounded up: none is called before its time. */
static int patience(const struct loop *loop)
{
	uint64_t now, left;

	if (!loop->first)
		return -1;
	now = clock_now();
	left = loop->first->at > now ? (loop->first->at - now + NS_PER_MS - 1) / NS_PER_MS : 0;
	return left < 60000 ? (int)left : 60000;
}

static void call_timers(struct loop *loop)
{
	uint64_t now;

	if (!loop->first)
		return;
	now = clock_now();
	while (!loop->stopped && loop->first && loop->first->at <= now) {
		struct loop_timer *timer = loop->first;

		loop_unset(loop, timer);
		timer->due(timer);
	}
}

static int turn(struct loop *loop, int patience_ms)
{
	loop->count = epoll_wait(loop->epoll, loop->batch, LOOP_BATCH, patience_ms);
	if (loop->count < 0 && errno != EINTR)
		return -errno;
	for (loop->next = 0; loop->next < loop->count && !loop->stopped;) {
		const struct epoll_event *event = &loop->batch[loop->next++];
		struct loop_source *source = event->data.ptr;

		if (source)
			source->ready(source, event->events);
	}
	call_timers(loop);
	return 0;
}

int loop_turn(struct loop *loop, int most_ms)
{
	int wait_ms = patience(loop);

	return turn(loop, wait_ms < 0 || (most_ms >= 0 && most_ms < wait_ms) ? most_ms : wait_ms);
}

int loop_run(struct loop *loop)
{
	int err = 0;

	while (!loop->stopped && err == 0)
		err = turn(loop, patience(loop));
	return err;
}
