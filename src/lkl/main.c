/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rivulet-lkl: a process that is a kernel (kernel/arch/lkl) with the sockets of a stack in it, for whoever is at the other end
 * of its standard input (stack/lkl_wire.h). One thread, which owns the kernel, and one loop:
 *
 *	sleep, take in what descriptors tell, answer requests ─► let the kernel run ─► take in what its sockets tell, move bytes
 *
 * It sleeps only if the last of these found nothing to do after the kernel has said until when it has nothing to do either
 * (lkl_turn); everything that can change this meanwhile is a descriptor that ends the sleep. When the other end has gone and no
 * socket is left, it stays until the kernel has sent what it was given, but not for ever.
 */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fds.h"
#include "lkl/kernel.h"
#include "lkl/network.h"
#include "lkl/options.h"
#include "lkl/paths.h"
#include "lkl/race.h"
#include "lkl/sight.h"
#include "lkl/streams.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define BATCH      64
#define LAST_WORDS (10 * NS_PER_S)

struct helper {
	int epoll;
	bool started;   /* and set up */
	bool left;      /* the other end has gone */
	uint64_t until; /* then: the latest end */
	struct network network;
	struct paths paths;
	struct streams streams;
	int packets[LKL_PORTS_MAX]; /* owned */
	bool blocked[LKL_PORTS_MAX];
	unsigned packet_count;
};

/* Output that did not fit waits until it does. */
static void watch_packets(struct helper *h)
{
	for (unsigned i = 0; i < h->packet_count; i++) {
		bool blocked = lkl_link_blocked(h->network.indexes[i]);
		struct epoll_event event = {.events = EPOLLIN | (blocked ? EPOLLOUT : 0),
					    .data.ptr = &h->packets[i]};

		if (blocked != h->blocked[i])
			epoll_ctl(h->epoll, EPOLL_CTL_MOD, h->packets[i], &event);
		h->blocked[i] = blocked;
	}
}

/* Those of the ports up to @count that are not here yet. */
static int take_packets(struct helper *h, unsigned count)
{
	while (h->packet_count < count) {
		int *fd = &h->packets[h->packet_count];
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};

		*fd = fds_receive(STDIN_FILENO);
		if (*fd < 0)
			return *fd;
		h->packet_count++;
		fcntl(*fd, F_SETFL, O_NONBLOCK);
		if (epoll_ctl(h->epoll, EPOLL_CTL_ADD, *fd, &event) < 0)
			return -errno;
	}
	return 0;
}

static int start(struct helper *h, const struct lkl_start *setup, struct err *err)
{
	int code;

	if (h->started || setup->port_count > LKL_PORTS_MAX)
		return -EPROTO;
	code = take_packets(h, setup->port_count);
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
	h->started = code == 0;
	return code;
}

static int update(struct helper *h, const struct lkl_start *now, struct err *err)
{
	int code = now->port_count > LKL_PORTS_MAX ? -EPROTO : take_packets(h, now->port_count);

	return code < 0 ? code : network_update(&h->network, now, h->packets, err);
}

static int make(struct helper *h, uint32_t number, int family)
{
	int near = fds_receive(STDIN_FILENO), far, err;

	if (near < 0)
		return near;
	far = kernel_socket(family, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_MPTCP);
	if (far < 0) {
		close_fd(near);
		return far;
	}
	stream_new(&h->streams, number, near, far, &err);
	return err;
}

static int accept_one(struct helper *h, struct stream *listener, uint32_t number)
{
	int near = fds_receive(STDIN_FILENO), far, err;
	struct stream *stream;

	if (near < 0)
		return near;
	far = listener ? kernel_accept(listener->far) : -EBADF;
	if (listener)
		stream_accepted(&h->streams, listener, far >= 0);
	if (far < 0) {
		close_fd(near);
		return far;
	}
	stream = stream_new(&h->streams, number, near, far, &err);
	if (stream)
		stream_connected(&h->streams, stream);
	return err;
}

static int connect_one(struct helper *h, struct stream *stream, const struct lkl_request *r)
{
	int result = kernel_connect(stream->far, (const struct sockaddr *)r->data, r->size);

	if (((const struct sockaddr *)r->data)->sa_family == AF_UNSPEC) {
		race_end(&h->streams, stream);
		stream_stopped(&h->streams, stream);
		return result;
	}
	stream_connecting(&h->streams, stream, result, (unsigned)r->a);
	race_begin(&h->streams, stream, (const struct sockaddr *)r->data, r->size);
	return result;
}

static int get(struct stream *stream, const struct lkl_request *r, struct lkl_answer *answer)
{
	answer->size = r->size < LKL_DATA_MAX ? r->size : LKL_DATA_MAX;
	if (r->a == SOL_SOCKET && r->b == SO_ERROR && stream->error &&
	    answer->size == sizeof(int)) {
		memcpy(answer->data, &stream->error, sizeof(int));
		stream->error = 0;
		return 0;
	}
	return option_get(stream, r->a, r->b, answer->data, &answer->size);
}

static int set(struct stream *stream, const struct lkl_request *r)
{
	struct linger linger;

	if (r->a == SOL_SOCKET && r->b == SO_LINGER && r->size >= sizeof(linger)) {
		memcpy(&linger, r->data, sizeof(linger));
		stream->abandoned = linger.l_onoff && linger.l_linger == 0;
	}
	return option_set(stream, r->a, r->b, r->data, r->size);
}

static void words(struct lkl_answer *answer, const struct err *err)
{
	answer->size = (uint32_t)snprintf((char *)answer->data, LKL_WORDS_MAX, "%s", err->text) + 1;
	if (answer->size > LKL_WORDS_MAX)
		answer->size = LKL_WORDS_MAX;
}

static int answer_past(const struct stream_past *past, const struct lkl_request *r,
		       struct lkl_answer *answer)
{
	if (!past)
		return -EBADF;
	if (r->kind == LKL_UNSENT)
		return 0;
	if (r->kind == LKL_NAME && past->name_size > 0) {
		answer->size = past->name_size;
		memcpy(answer->data, &past->name, past->name_size);
		return 0;
	}
	if (r->kind != LKL_GET || r->a != SOL_SOCKET || r->b != SO_ERROR)
		return -ENOTCONN;
	answer->size = sizeof(past->error);
	memcpy(answer->data, &past->error, sizeof(past->error));
	return 0;
}

static int answer_socket(struct helper *h, const struct lkl_request *r, struct lkl_answer *answer)
{
	struct stream *stream = stream_find(&h->streams, r->socket);
	struct sockaddr *address = (struct sockaddr *)answer->data;
	int result;

	if (!stream)
		return answer_past(stream_find_past(&h->streams, r->socket), r, answer);
	answer->size = 0;
	switch (r->kind) {
	case LKL_BIND:
		stream->bound = true;
		return kernel_bind(stream->far, (const struct sockaddr *)r->data, r->size);
	case LKL_CONNECT:
		return connect_one(h, stream, r);
	case LKL_SET:
		return set(stream, r);
	case LKL_GET:
		return get(stream, r, answer);
	case LKL_LISTEN:
		result = kernel_listen(stream->far, r->a);
		if (result == 0)
			result = stream_listening(&h->streams, stream);
		answer->size = LKL_DATA_MAX;
		return result < 0 ? result : kernel_name(stream->far, address, &answer->size);
	case LKL_NAME:
		answer->size = LKL_DATA_MAX;
		return kernel_name(stream->far, address, &answer->size);
	case LKL_PEER:
		answer->size = LKL_DATA_MAX;
		return kernel_peer(stream->far, address, &answer->size);
	case LKL_SHUTDOWN:
		result = kernel_shutdown(stream->far, r->a);
		stream_stopped(&h->streams, stream);
		return result;
	case LKL_UNSENT:
		return stream_unsent(stream);
	case LKL_SERVES:
		return streams_serve(&h->streams, (uint16_t)r->a);
	default:
		return -EPROTO;
	}
}

/* The descriptor that is to follow the answer. */
static int look(struct helper *h, const struct lkl_request *r, struct lkl_answer *answer)
{
	struct lkl_sight sight;
	int fd =
		r->a < 0 ? -EINVAL : sight_take(&h->network, h->paths.diag, (unsigned)r->a, &sight);

	if (fd >= 0) {
		answer->size = sizeof(sight);
		memcpy(answer->data, &sight, sizeof(sight));
	}
	return fd;
}

static void answer(struct helper *h, const struct lkl_request *r)
{
	_cleanup_close_ int follows = -1;
	struct lkl_answer answer = {0};
	struct err err = {0};

	if (r->kind == LKL_START)
		answer.result = start(h, &r->start, &err);
	else if (!h->started)
		answer.result = -EPROTO;
	else if (r->kind == LKL_PORTS)
		answer.result = update(h, &r->start, &err);
	else if (r->kind == LKL_MAKE)
		answer.result = make(h, r->socket, r->a);
	else if (r->kind == LKL_ACCEPT)
		answer.result = accept_one(h, stream_find(&h->streams, r->socket), (uint32_t)r->a);
	else if (r->kind == LKL_LOOK)
		answer.result = follows = look(h, r, &answer);
	else
		answer.result = answer_socket(h, r, &answer);
	if (err.text[0])
		words(&answer, &err);
	if (answer.result < 0 && !err.text[0])
		answer.size = 0;
	send(STDIN_FILENO, &answer, offsetof(struct lkl_answer, data) + answer.size, MSG_NOSIGNAL);
	if (follows >= 0)
		fds_send(STDIN_FILENO, follows);
}

static void on_requests(struct helper *h)
{
	static struct lkl_request request;
	ssize_t got;

	/* One at a time: its descriptor is the next message. */
	got = recv(STDIN_FILENO, &request, sizeof(request), MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got < (ssize_t)LKL_REQUEST_SIZE) {
		h->left = true;
		h->until = clock_now() + LAST_WORDS;
		epoll_ctl(h->epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
		return;
	}
	answer(h, &request);
}

static void on_event(struct helper *h, const struct epoll_event *event)
{
	void *what = event->data.ptr;

	if (!what) {
		on_requests(h);
		return;
	}
	for (unsigned i = 0; i < h->packet_count; i++) {
		if (what == &h->packets[i]) {
			lkl_link_ready(h->network.indexes[i]);
			return;
		}
	}
	stream_on_near(&h->streams, what, event->events);
}

/* Has the kernel a connection that is not over? Those that only wait for late packets do not count. */
static bool has_connections(void)
{
	char text[512];
	const char *at;

	if (kernel_read("net/sockstat", text, sizeof(text)) < 0)
		return false;
	at = strstr(text, "TCP: inuse ");
	return at && strtoul(at + strlen("TCP: inuse "), NULL, 10) > 0;
}

static bool goes_on(const struct helper *h)
{
	if (!h->left)
		return true;
	return h->started && clock_now() < h->until &&
	       (!LIST_EMPTY(&h->streams.all) || has_connections());
}

static void sleep_until(struct helper *h, uint64_t until, bool busy)
{
	struct epoll_event events[BATCH];
	uint64_t now = busy ? 0 : clock_now(), left = until > now ? until - now : 0;
	struct timespec time = {0};
	int count;

	if (h->left && left > 10 * NS_PER_MS)
		left = 10 * NS_PER_MS;
	if (!busy)
		time = (struct timespec){(time_t)(left / NS_PER_S), (long)(left % NS_PER_S)};
	count = epoll_pwait2(h->epoll, events, BATCH, until == LKL_NEVER && !busy ? NULL : &time,
			     NULL);
	for (int i = 0; i < count; i++)
		on_event(h, &events[i]);
}

static void serve(struct helper *h)
{
	while (goes_on(h)) {
		uint64_t until = LKL_NEVER, look = LKL_NEVER, race, patience;
		bool busy = false;

		if (h->started) {
			network_share(&h->network, h->streams.count);
			until = lkl_turn();
			busy = streams_work(&h->streams);
			look = paths_look(&h->paths, clock_now(), h->streams.count, busy);
			race = race_look(&h->streams, &h->network, clock_now());
			if (race < look)
				look = race;
			patience = streams_give_up(&h->streams, clock_now());
			if (patience < look)
				look = patience;
			watch_packets(h);
		}
		sleep_until(h, until < look ? until : look, busy);
	}
}

int main(void)
{
	static struct helper h; /* what it has goes with the process */
	struct epoll_event event = {.events = EPOLLIN};
	struct rlimit limit;

	h.epoll = epoll_create1(EPOLL_CLOEXEC);
	prctl(PR_SET_NAME, "rivulet-lkl");
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (h.epoll < 0 || epoll_ctl(h.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) < 0) {
		fputs("rivulet-lkl: this is for `rivulet run --stack lkl`\n", stderr);
		return 2;
	}
	serve(&h);
	return 0;
}
