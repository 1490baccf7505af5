/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/cleanup.h"
#include "base/fds.h"
#include "lkl/helper.h"
#include "lkl/kernel.h"
#include "lkl/options.h"
#include "lkl/race.h"
#include "lkl/sight.h"

#include <netinet/in.h>
#include <string.h>

int given_take(struct given *given)
{
	return given->taken < given->count ? given->fds[given->taken++] : -EMFILE;
}

static void close_rest(struct given *given)
{
	while (given->taken < given->count)
		close(given->fds[given->taken++]);
}

static int make(struct helper *h, struct given *given, uint64_t number, int family)
{
	int near = given_take(given), far, err;

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

/* With a copy of the stack's end. */
static void take_arrival(struct stream *stream, struct given *given)
{
	_cleanup_close_ int end = given_take(given);

	if (stream && end >= 0)
		stream_take_arrival(stream, end);
}

static int accept_one(struct helper *h, struct given *given, const struct lkl_request *r)
{
	struct stream *listener = stream_find(&h->streams, r->socket), *stream;
	int near = given_take(given), far, err;
	uint64_t number;

	take_arrival(listener, given);
	far = near < 0 ? near : listener ? kernel_accept(listener->far) : -EBADF;
	/* Whoever could not be accepted waits still. */
	if (listener && listener->state == STREAM_LISTENING && far != -EAGAIN)
		stream_tell_arrival(listener);
	if (far < 0) {
		close_fd(near);
		return far;
	}
	memcpy(&number, r->data, sizeof(number));
	stream = stream_new(&h->streams, number, near, far, &err);
	if (stream)
		stream_connected(&h->streams, stream);
	return err;
}

static int carry(struct helper *h, struct given *given, const struct lkl_request *r)
{
	struct stream *stream = stream_find(&h->streams, r->socket);
	int near = given_take(given), old = given_take(given);

	if (old < 0 || !stream) {
		close_fd(near);
		close_fd(old);
		return old < 0 ? old : -ENOTSOCK;
	}
	return stream_carry(&h->streams, stream, near, old);
}

/* Of the host itself? What it would send to itself has the sender's address. */
static bool is_hosts(const struct network *network, const struct sockaddr *sa)
{
	struct address address = address_from_sockaddr(sa);

	if (!address.family)
		return false;
	return address_is_loopback(&address) || network_port_of(network, &address);
}

static void tell_scarce(struct helper *h, struct lkl_answer *answer)
{
	if (!network_is_scarce(&h->network))
		return;
	answer->data[0] = LKL_SCARCE;
	answer->size = 1;
}

static int connect_one(struct helper *h, struct stream *stream, const struct lkl_request *r,
		       struct lkl_answer *answer)
{
	const struct sockaddr *to = (const struct sockaddr *)r->data;
	int result;

	/* A server of the run's own has its port in the stack, unless it listens on the loopback alone. Both families have the
	 * port in the same place. */
	if (is_hosts(&h->network, to) &&
	    !streams_serve(&h->streams, ntohs(((const struct sockaddr_in *)to)->sin_port)))
		return LKL_TO_HOST;
	if (to->sa_family == AF_UNSPEC) {
		result = kernel_connect(stream->far, to, r->size);
		race_end(&h->streams, stream);
		stream_stopped(&h->streams, stream);
		return result;
	}
	if (r->size > sizeof(stream->to))
		return -EINVAL;
	stream_choose(&h->streams, stream, to);
	result = kernel_connect(stream->far, to, r->size);
	if (result == -EADDRNOTAVAIL && !stream->bound && !h->network.denied) {
		stream_waiting(stream, to, r->size, (unsigned)r->a);
		tell_scarce(h, answer);
		return -EINPROGRESS;
	}
	stream_connecting(&h->streams, stream, result, (unsigned)r->a);
	race_begin(&h->streams, stream, to, r->size);
	/* So that nobody has to wait. */
	if (h->streams.count > network_numbers(&h->network) / 4 * 3)
		tell_scarce(h, answer);
	return result;
}

/* There may be more port numbers now, or it is known that there will be none. */
static int update(struct helper *h, struct given *given, const struct lkl_start *now,
		  struct lkl_answer *answer)
{
	int result = helper_take_packets(h, given, now);
	struct stream *stream;
	struct err err;

	if (result == 0)
		result = network_update(&h->network, now, h->packets, &err);

	LIST_FOREACH(stream, &h->streams.all, all)
	{
		const struct sockaddr *to = (const struct sockaddr *)&stream->to;
		int code;

		if (!stream->waits)
			continue;
		code = kernel_connect(stream->far, to, stream->to_size);
		if (code == -EADDRNOTAVAIL && !h->network.denied) {
			tell_scarce(h, answer);
			break; /* nor is there one for the others */
		}
		stream_waited(&h->streams, stream, code);
		race_begin(&h->streams, stream, to, stream->to_size);
	}
	return result;
}

static int get(struct stream *stream, const struct lkl_request *r, struct lkl_answer *answer)
{
	answer->size = r->room < LKL_ANSWER_MAX ? r->room : LKL_ANSWER_MAX;
	if (r->size > answer->size)
		return -EINVAL;
	memcpy(answer->data, r->data, r->size);
	if (r->a == SOL_SOCKET && r->b == SO_ERROR && stream->error &&
	    answer->size == sizeof(int)) {
		memcpy(answer->data, &stream->error, sizeof(int));
		if (stream->owner < 0) /* else that is told in another way */
			stream->error = 0;
		return 0;
	}
	return option_get(stream, r->a, r->b, answer->data, &answer->size);
}

static void words(struct lkl_answer *answer, const struct err *err)
{
	answer->size = (uint32_t)snprintf((char *)answer->data, LKL_WORDS_MAX, "%s", err->text) + 1;
	if (answer->size > LKL_WORDS_MAX)
		answer->size = LKL_WORDS_MAX;
}

static int answer_past(const struct past_stream *past, const struct lkl_request *r,
		       struct lkl_answer *answer)
{
	if (!past)
		return -ENOTSOCK;
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

static int answer_socket(struct helper *h, struct given *given, const struct lkl_request *r,
			 struct lkl_answer *answer)
{
	struct stream *stream = stream_find(&h->streams, r->socket);
	struct sockaddr *address = (struct sockaddr *)answer->data;
	int result;

	if (!stream)
		return answer_past(past_find(&h->streams.past, r->socket), r, answer);
	answer->size = 0;
	switch (r->kind) {
	case LKL_BIND:
		stream->bound = true;
		result = kernel_bind(stream->far, (const struct sockaddr *)r->data, r->size);
		/* By one that was closed before this was asked. */
		if (result == -EADDRINUSE && streams_sweep(&h->streams))
			result =
				kernel_bind(stream->far, (const struct sockaddr *)r->data, r->size);
		return result;
	case LKL_CONNECT:
		return connect_one(h, stream, r, answer);
	case LKL_SET:
		return option_set(stream, r->a, r->b, r->data, r->size);
	case LKL_GET:
		return get(stream, r, answer);
	case LKL_LISTEN:
		result = kernel_listen(stream->far, r->a);
		if (result == 0)
			result = stream_listening(&h->streams, stream);
		answer->size = LKL_ANSWER_MAX;
		return result < 0 ? result : kernel_name(stream->far, address, &answer->size);
	case LKL_NAME:
		answer->size = LKL_ANSWER_MAX;
		return kernel_name(stream->far, address, &answer->size);
	case LKL_PEER:
		answer->size = LKL_ANSWER_MAX;
		return kernel_peer(stream->far, address, &answer->size);
	case LKL_SHUTDOWN:
		take_arrival(stream, given);
		result = kernel_shutdown(stream->far, r->a);
		stream_stopped(&h->streams, stream);
		return result;
	case LKL_UNSENT:
		return stream_unsent(stream);
	default:
		return -EPROTO;
	}
}

/* The descriptor that goes with the answer. */
static int look(struct helper *h, const struct lkl_request *r, struct lkl_answer *answer)
{
	struct lkl_sight sight;
	int fd = r->a < 0 ? -EINVAL
			  : sight_take(&h->network, h->paths.diag, h->paths.ledger, (unsigned)r->a,
				       &sight);

	if (fd >= 0) {
		answer->size = sizeof(sight);
		memcpy(answer->data, &sight, sizeof(sight));
	}
	return fd;
}

static int name_link(const struct helper *h, const struct lkl_request *r, struct lkl_answer *answer)
{
	struct address address = address_from_sockaddr((const struct sockaddr *)r->data);
	const struct port *port = network_port_of(&h->network, &address);

	if (!port)
		return -ENODEV;
	answer->size = (uint32_t)strnlen(port->name, sizeof(port->name));
	memcpy(answer->data, port->name, answer->size);
	return 0;
}

static int admit(struct helper *h, struct given *given)
{
	int way = given_take(given);

	return way < 0 ? way : helper_admit(h, way);
}

/* Of the whole, or the first word of a socket. */
static int answer_any(struct helper *h, struct given *given, const struct lkl_request *r,
		      struct lkl_answer *answer, struct err *err)
{
	if (r->kind == LKL_START)
		return helper_start(h, given, &r->start, err);
	if (!h->started)
		return -EPROTO;
	switch (r->kind) {
	case LKL_PORTS:
		return update(h, given, &r->start, answer);
	case LKL_ADMIT:
		return admit(h, given);
	case LKL_MAKE:
		return make(h, given, r->socket, r->a);
	case LKL_ACCEPT:
		return accept_one(h, given, r);
	case LKL_CARRY:
		return carry(h, given, r);
	case LKL_LOOK:
		return look(h, r, answer);
	case LKL_LINK:
		return name_link(h, r, answer);
	default:
		return answer_socket(h, given, r, answer);
	}
}

void helper_answer(struct helper *h, int wire, const struct lkl_request *r, struct given *given)
{
	static struct lkl_answer answer; /* large */
	_cleanup_close_ int seen = -1;
	struct err err = {0};

	answer.size = 0;
	answer.sequence = r->sequence;
	answer.result = answer_any(h, given, r, &answer, &err);
	if (err.text[0])
		words(&answer, &err);
	else if (answer.result < 0 && r->kind != LKL_CONNECT && r->kind != LKL_PORTS)
		answer.size = 0;
	close_rest(given);
	if (r->kind == LKL_LOOK && answer.result >= 0)
		seen = answer.result;
	fds_send_all(wire, &seen, seen >= 0, &answer, LKL_ANSWER_SIZE + answer.size);
}
