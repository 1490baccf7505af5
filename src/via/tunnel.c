/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "via/tunnel.h"

#include "base/cleanup.h"

#include <string.h>
#include <sys/socket.h>

#define READS_IN_TURN 8 /* before others have theirs */
#define READ          (4 * TLS_RECORD_MAX)

void tunnel_close(struct tunnel *tunnel, bool reset)
{
	const struct linger now = {.l_onoff = 1};
	int *fds[] = {&tunnel->secret.fd, &tunnel->open.fd};

	loop_forget(tunnel->loop, &tunnel->secret);
	loop_forget(tunnel->loop, &tunnel->open);
	loop_unset(tunnel->loop, &tunnel->later);
	tls_close(tunnel->tls);
	tunnel->tls = NULL;
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
		if (reset)
			setsockopt(*fds[i], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		*fds[i] = close_fd(*fds[i]);
	}
	free(tunnel->in.held);
	free(tunnel->out.held);
	tunnel->in.held = tunnel->out.held = NULL;
}

static int hold(struct tunnel_way *way, const uint8_t *bytes, size_t size)
{
	way->held = malloc(size);
	if (!way->held)
		return -ENOMEM;
	memcpy(way->held, bytes, size);
	way->at = 0;
	way->size = size;
	return 0;
}

/* The bytes that @to took; 0: none now. */
static ssize_t give(struct tunnel *tunnel, const struct tunnel_way *way, const uint8_t *bytes,
		    size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = way == &tunnel->out
				      ? tls_write(tunnel->tls, bytes + done, size - done)
				      : send(tunnel->open.fd, bytes + done, size - done,
					     MSG_DONTWAIT | MSG_NOSIGNAL);

		if (got < 0 && way == &tunnel->in)
			got = errno == EAGAIN || errno == EINTR ? -EAGAIN : -errno;
		if (got == -EAGAIN)
			break;
		if (got < 0)
			return got;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

static int give_held(struct tunnel *tunnel, struct tunnel_way *way)
{
	ssize_t done = give(tunnel, way, way->held + way->at, way->size - way->at);

	if (done < 0)
		return (int)done;
	way->at += (size_t)done;
	way->moved += (size_t)done;
	if (way->at < way->size)
		return -EAGAIN;
	free(steal_ptr(way->held));
	return 0;
}

/* What this process can take at once: every tunnel's, and nothing stays in it. */
static uint8_t bytes[READ];

static ssize_t take(struct tunnel *tunnel, const struct tunnel_way *way)
{
	ssize_t got;

	if (way == &tunnel->in)
		return tls_read(tunnel->tls, bytes, sizeof(bytes));
	got = recv(tunnel->open.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (got < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	return got;
}

static bool may_move(struct tunnel *tunnel, const struct tunnel_way *way)
{
	uint64_t now;

	if (way == &tunnel->in)
		return true;
	now = clock_now();
	if (ahead_may_write(&tunnel->ahead, tunnel->secret.fd, now))
		return true;
	loop_set(tunnel->loop, &tunnel->later, now + AHEAD_LATER);
	return false;
}

/* -EAGAIN: nothing more can be moved for now. */
static int move(struct tunnel *tunnel, struct tunnel_way *way)
{
	ssize_t got, done;

	if (!may_move(tunnel, way))
		return -EAGAIN;
	got = take(tunnel, way);
	if (got < 0)
		return (int)got;
	if (got == 0) {
		way->ended = true;
		return -EAGAIN;
	}
	done = give(tunnel, way, bytes, (size_t)got);
	if (done < 0)
		return (int)done;
	way->moved += (size_t)done;
	if (done < got) {
		int err = hold(way, bytes + done, (size_t)(got - done));

		return err < 0 ? err : -EAGAIN;
	}
	return 0;
}

static int pass_end(struct tunnel *tunnel, struct tunnel_way *way)
{
	int err = 0;

	if (!way->ended || way->closed || way->held)
		return 0;
	if (way == &tunnel->out)
		err = tls_end(tunnel->tls);
	else if (!tunnel->open_gone)
		shutdown(tunnel->open.fd, SHUT_WR);
	way->closed = err != -EAGAIN;
	return err == -EAGAIN ? 0 : err;
}

static int advance_way(struct tunnel *tunnel, struct tunnel_way *way)
{
	int err = way->held ? give_held(tunnel, way) : 0;

	if (err == 0 && way == &tunnel->out && tunnel->later.set)
		return 0;
	for (unsigned i = 0; i < READS_IN_TURN && err == 0 && !way->ended; i++)
		err = move(tunnel, way);
	if (err < 0 && err != -EAGAIN)
		return err;
	return pass_end(tunnel, way);
}

static uint32_t wish(bool reads, bool writes)
{
	return (reads ? EPOLLIN : 0) | (writes ? EPOLLOUT : 0);
}

/* A sender that would only be held up is not listened to; nor one that has gone, which would tell that again and again. */
static int watch(struct tunnel *tunnel)
{
	const struct tunnel_way *in = &tunnel->in, *out = &tunnel->out;
	bool writes = out->held || (out->ended && !out->closed) || tls_wants_write(tunnel->tls);
	bool reads = !out->ended && !out->held && !tunnel->later.set;
	uint32_t of_open = wish(reads, in->held);
	int err = loop_watch(tunnel->loop, &tunnel->secret, wish(!in->ended && !in->held, writes));

	if (err == 0 && tunnel->open_gone && (out->ended || !of_open))
		loop_forget(tunnel->loop, &tunnel->open);
	else if (err == 0)
		err = loop_watch(tunnel->loop, &tunnel->open, of_open);
	return err;
}

static bool is_over(const struct tunnel *tunnel)
{
	return (tunnel->in.closed || tunnel->open_gone) && tunnel->out.closed &&
	       (tunnel->in.closed || tunnel->in.ended || tunnel->open_gone);
}

static int error_of(int fd)
{
	socklen_t size = sizeof(int);
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	return error ? -error : -ECONNRESET;
}

static int advance(struct tunnel *tunnel)
{
	bool more;
	int err;

	do {
		err = advance_way(tunnel, &tunnel->in);
		if (err == 0)
			err = advance_way(tunnel, &tunnel->out);
		if (err == 0 && tls_wants_write(tunnel->tls))
			err = tls_flush(tunnel->tls);
		if (err == -EAGAIN)
			err = 0;
		/* What the session has decrypted its descriptor does not tell of. */
		more = err == 0 && !tunnel->in.held && !tunnel->in.ended &&
		       tls_has_bytes(tunnel->tls);
	} while (more);
	return err < 0 ? err : watch(tunnel);
}

static void end(struct tunnel *tunnel, int err)
{
	bool all = tunnel->out.closed; /* that it was to get it has got */

	if (err == 0 && !is_over(tunnel))
		return;
	tunnel_close(tunnel, err < 0);
	/* Many close their end without announcing that, once they have it all. */
	tunnel->over(tunnel, err == -ECONNRESET && all ? 0 : err);
}

static void on_secret(struct loop_source *source, uint32_t events)
{
	struct tunnel *tunnel = loop_owner(source, struct tunnel, secret);
	int err = events & EPOLLERR ? error_of(source->fd) : advance(tunnel);

	/* Hung up, with everything read: neither end has more to say, or somebody was cut off. */
	if (err == 0 && (events & EPOLLHUP) && !is_over(tunnel) && tunnel->in.ended)
		err = tunnel->out.closed ? 0 : -ECONNRESET;
	if (err == 0 && (events & EPOLLHUP) &&
	    (source->events == 0 || (tunnel->in.ended && !tunnel->in.held)))
		loop_forget(tunnel->loop, source);
	end(tunnel, err);
}

static void on_open(struct loop_source *source, uint32_t events)
{
	struct tunnel *tunnel = loop_owner(source, struct tunnel, open);
	int err;

	tunnel->open_gone |= (events & EPOLLHUP) != 0;
	err = events & EPOLLERR ? error_of(source->fd) : advance(tunnel);
	end(tunnel, err);
}

static void on_later(struct loop_timer *timer)
{
	struct tunnel *tunnel = loop_owner(timer, struct tunnel, later);

	end(tunnel, advance(tunnel));
}

int tunnel_open(struct tunnel *tunnel, struct loop *loop, struct tls *tls, int secret, int open,
		const void *early, size_t size)
{
	void (*over)(struct tunnel * tunnel, int code) = tunnel->over;
	int err = 0;

	*tunnel = (struct tunnel){.loop = loop,
				  .tls = tls,
				  .secret = {.fd = secret, .ready = on_secret},
				  .open = {.fd = open, .ready = on_open},
				  .later = {.due = on_later},
				  .over = over};
	if (size > 0)
		err = hold(&tunnel->in, early, size);
	if (err == 0)
		err = loop_watch(loop, &tunnel->secret, EPOLLIN | EPOLLOUT); /* to begin with */
	if (err == 0)
		err = loop_watch(loop, &tunnel->open, EPOLLIN);
	if (err < 0)
		tunnel_close(tunnel, true);
	return err;
}
