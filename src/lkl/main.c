/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rivulet-lkl: a process that is a kernel (kernel/arch/lkl) with the sockets of a stack in it, for whoever is at the other end
 * of its standard input (stack/lkl_wire.h). One thread, which owns the kernel, and one loop:
 *
 *	sleep, take in what descriptors tell, answer requests ─► move bytes ─► let the kernel run ─► take in what its sockets tell
 *
 * It sleeps only if the last of these found nothing to move after the kernel has said until when it has nothing to do either
 * (lkl_turn); everything that can change this meanwhile is a descriptor that ends the sleep. So a message of either side is passed on
 * in the turn that it woke us for, and the next look at the descriptors is the sleep for the next one. When the other end has gone
 * and no socket is left, it stays until the kernel has sent what it was given, but not for ever, nor for peers that do not answer.
 */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fds.h"
#include "lkl/helper.h"
#include "lkl/kernel.h"
#include "lkl/options.h"
#include "lkl/race.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

#define BATCH      64
#define AT_ONCE    2  /* turns of the kernel between two looks at the descriptors */
#define AT_MOST    16 /* where much is sent, and the links are looked at in each */
#define LAST_WORDS (10 * NS_PER_S)

/* Of ports that are set up, for nobody would read others. Output that did not fit waits until it does. */
static void watch_packets(struct helper *h)
{
	for (unsigned i = 0; i < h->network.is.port_count; i++) {
		bool blocked = lkl_link_blocked(h->network.indexes[i]);
		bool is_new = i == h->watched_count;
		struct epoll_event event = {.events = EPOLLIN | (blocked ? EPOLLOUT : 0),
					    .data.ptr = &h->packets[i]};

		if (!is_new && blocked == h->blocked[i])
			continue;
		/* One without its device is not watched any more. */
		if (epoll_ctl(h->epoll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, h->packets[i],
			      &event) < 0 &&
		    is_new)
			return;
		h->blocked[i] = blocked;
		h->watched_count += is_new;
	}
}

/* The kernel knows the descriptor by its number, so that is kept. */
static void replace_packets(struct helper *h, unsigned place, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &h->packets[place]};

	/* Others have copies of it, so that closing it would not take it out. */
	epoll_ctl(h->epoll, EPOLL_CTL_DEL, h->packets[place], NULL);
	dup3(fd, h->packets[place], O_CLOEXEC);
	close_fd(fd);
	if (place >= h->watched_count)
		return;
	epoll_ctl(h->epoll, EPOLL_CTL_ADD, h->packets[place], &event);
	h->blocked[place] = false;
	lkl_link_ready(h->network.indexes[place]);
}

int helper_take_packets(struct helper *h, struct given *given, const struct lkl_start *setup)
{
	if (setup->port_count > LKL_PORTS_MAX)
		return -EPROTO;
	for (unsigned i = 0; i < setup->port_count; i++) {
		int fd;

		if (i < h->packet_count && h->serials[i] == setup->ports[i].serial)
			continue;
		fd = given_take(given);
		if (fd < 0)
			return fd;
		fcntl(fd, F_SETFL, O_NONBLOCK);
		if (i < h->packet_count)
			replace_packets(h, i, fd);
		else
			h->packets[h->packet_count++] = fd;
		h->serials[i] = setup->ports[i].serial;
	}
	return 0;
}

static void on_ending(void *data)
{
	struct helper *h = data;

	paths_ending(&h->paths, h->streams.count);
}

int helper_start(struct helper *h, struct given *given, const struct lkl_start *setup,
		 struct err *err)
{
	int code;

	if (h->started)
		return -EPROTO;
	code = helper_take_packets(h, given, setup);
	if (code == 0)
		code = kernel_boot(setup->memory, setup->verbose, err);
	if (code == 0)
		code = options_open();
	if (code == 0)
		code = streams_open(&h->streams, h->epoll);
	if (code == 0)
		code = network_open(&h->network, setup, h->packets, err);
	if (code == 0)
		code = paths_open(&h->paths, &h->network);
	h->streams.ending = on_ending;
	h->streams.data = h;
	h->started = code == 0;
	return code;
}

int helper_admit(struct helper *h, int way)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &h->way};

	if (h->way >= 0 || epoll_ctl(h->epoll, EPOLL_CTL_ADD, way, &event) < 0) {
		close_fd(way);
		return -EBUSY;
	}
	h->way = way;
	h->lasts = true;
	return 0;
}

/* Without who has started us there are no ports any more; without who was admitted nobody makes sockets. */
static void leave(struct helper *h, int wire)
{
	h->left = true;
	h->until = clock_now() + LAST_WORDS;
	epoll_ctl(h->epoll, EPOLL_CTL_DEL, wire, NULL);
	if (wire == STDIN_FILENO)
		h->lasts = false;
	else
		h->way = close_fd(wire);
}

static void on_requests(struct helper *h, int wire)
{
	static struct lkl_request request;
	struct given given = {.count = FDS_MAX};
	ssize_t got = fds_receive_all(wire, &request, sizeof(request), MSG_DONTWAIT, given.fds,
				      &given.count);

	if (got == -EAGAIN)
		return;
	if (got < (ssize_t)LKL_REQUEST_SIZE) {
		leave(h, wire);
		return;
	}
	helper_answer(h, wire, &request, &given);
}

/* A TAP without its device is ready for ever, for nothing. */
static bool is_removed(int fd)
{
	return read(fd, NULL, 0) < 0 && errno == EBADFD;
}

static void on_event(struct helper *h, const struct epoll_event *event)
{
	void *what = event->data.ptr;

	if (!what || what == &h->way) {
		on_requests(h, what ? h->way : STDIN_FILENO);
		return;
	}
	for (unsigned i = 0; i < h->packet_count; i++) {
		if (what == &h->packets[i]) {
			if (event->events & EPOLLERR && is_removed(h->packets[i]))
				epoll_ctl(h->epoll, EPOLL_CTL_DEL, h->packets[i], NULL);
			lkl_link_ready(h->network.indexes[i]);
			return;
		}
	}
	if (what == &h->streams)
		streams_on_owners(&h->streams);
	else
		stream_on_near(&h->streams, what, event->events);
}

/* By sockets that somebody may have for ever. */
static bool is_used(const struct helper *h)
{
	return h->lasts && !LIST_EMPTY(&h->streams.all);
}

static bool goes_on(struct helper *h)
{
	uint64_t now;

	if (!h->left)
		return true;
	now = clock_now();
	if (is_used(h))
		h->until = now + LAST_WORDS;
	return h->started && now < h->until &&
	       (is_used(h) || paths_hear(&h->paths, now + LAST_WORDS - h->until));
}

static void sleep_until(struct helper *h, uint64_t until, bool busy)
{
	struct epoll_event events[BATCH];
	uint64_t now = busy ? 0 : clock_now(), left = until > now ? until - now : 0;
	struct timespec time = {0};
	int count;

	if (h->left && !is_used(h) && left > 10 * NS_PER_MS)
		left = 10 * NS_PER_MS;
	if (!busy)
		time = (struct timespec){(time_t)(left / NS_PER_S), (long)(left % NS_PER_S)};
	count = epoll_pwait2(h->epoll, events, BATCH, until == LKL_NEVER && !busy ? NULL : &time,
			     NULL);
	for (int i = 0; i < count; i++)
		on_event(h, &events[i]);
}

/* For tests, which say so in the environment: SIGUSR1 breaks the kernel down. */
static volatile sig_atomic_t is_to_break;

static void on_break(int number)
{
	is_to_break = 1;
}

static void look_at_links(const struct helper *h)
{
	for (unsigned i = 0; i < h->network.device_count; i++)
		lkl_link_ready(h->network.indexes[i]);
}

/* Until when the kernel has nothing to do. @ret_busy: there is something to move. */
static uint64_t work(struct helper *h, bool *ret_moved, bool *ret_busy)
{
	unsigned turns = 0;
	uint64_t until;
	bool much;

	*ret_moved = streams_look(&h->streams);
	do {
		much = streams_move(&h->streams);
		if (much)
			look_at_links(h);
		until = lkl_turn();
		*ret_busy = streams_look(&h->streams);
		*ret_moved = *ret_moved || *ret_busy;
	} while (*ret_busy && ++turns < (much ? AT_MOST : AT_ONCE));
	return until;
}

/* Does what is due: when there is more. */
static uint64_t look_after(struct helper *h, uint64_t now, bool moved)
{
	uint64_t next, due;

	next = paths_look(&h->paths, now, h->streams.count, moved);
	due = race_look(&h->streams, &h->network, now);
	next = due < next ? due : next;
	due = streams_give_up(&h->streams, now);
	next = due < next ? due : next;
	due = stalls_look(&h->stalls, &h->streams, now, moved, h->paths.moved);
	return due < next ? due : next;
}

static void serve(struct helper *h)
{
	uint64_t until = LKL_NEVER, look = LKL_NEVER, now;
	bool moved, busy = false;

	while (goes_on(h)) {
		if (h->started && is_to_break)
			kernel_break_down();
		if (h->started) {
			network_share(&h->network, h->streams.count);
			until = work(h, &moved, &busy);
			now = clock_now();
			/* What is done then is something to do for the kernel. */
			busy = busy || now >= look;
			look = look_after(h, now, moved);
			watch_packets(h);
		}
		sleep_until(h, until < look ? until : look, busy);
	}
}

int main(void)
{
	static struct helper h; /* what it has goes with the process */
	struct epoll_event event = {.events = EPOLLIN};

	fds_hold_standard();
	h.way = -1;
	h.epoll = epoll_create1(EPOLL_CLOEXEC);
	prctl(PR_SET_NAME, "rivulet-lkl");
	signal(SIGPIPE, SIG_IGN);
	if (getenv("RIVULET_LKL_BREAKS"))
		signal(SIGUSR1, on_break);
	fds_raise_limit();
	if (h.epoll < 0 || epoll_ctl(h.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) < 0) {
		fputs("rivulet-lkl: this is for `rivulet run --stack lkl`\n", stderr);
		return 2;
	}
	serve(&h);
	return 0;
}
