/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dialling: the addresses of a name race (race.h says by which rules), the first connected socket
 * is kept, the others are closed. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "stack/race.h"
#include "stack/resolve.h"
#include "stack/sockets_parts.h"

#include <poll.h>
#include <string.h>

#define ATTEMPTS_MAX (RACE_FAMILIES * RACE_MAX)

struct attempt {
	int fd; /* owned */
	struct sockaddr_storage to;
};

struct dialling {
	const struct sockets *sockets;
	const struct stack_dial *dial;
	uint64_t deadline;       /* RACE_NEVER: none */
	struct resolve *resolve; /* owned */
	struct race race;
	struct attempt attempts[ATTEMPTS_MAX];
	unsigned attempt_count;
	int won;  /* the connected socket; owned; -1: none yet */
	int code; /* the most telling failure up to now, and its words; 0: none */
	struct err why;
};

static void dialling_close(struct dialling *d)
{
	for (unsigned i = 0; i < d->attempt_count; i++)
		close_fd(d->attempts[i].fd);
	close_fd(d->won);
	resolve_close(d->resolve);
}

/* How much an error says about the host that was dialled: that it answered (2), that this address
 * cannot be reached from here (1), that its name could not be found (0). */
static unsigned tells(int code)
{
	switch (-code) {
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return 1;
	case ENOENT:
		return 0;
	default:
		return 2;
	}
}

static bool tells_more(const struct dialling *d, int code)
{
	return d->code == 0 || tells(code) >= tells(d->code);
}

static void attempt_failed(struct dialling *d, const struct sockaddr_storage *to, int code)
{
	char text[SOCKETS_TEXT_MAX];

	race_failed(&d->race, clock_now());
	if (tells_more(d, code))
		d->code = err_set(&d->why, code, "cannot connect to '%s' at %s, port %s: %s",
				  d->dial->host, sockets_text(to, text), d->dial->service,
				  strerror(-code));
}

static void begin(struct dialling *d, const struct sockaddr_storage *to)
{
	_cleanup_close_ int fd = sockets_make(d->sockets, to->ss_family);

	if (fd < 0) {
		attempt_failed(d, to, fd);
	} else if (connect(fd, (const struct sockaddr *)to, sockets_size(to)) == 0) {
		d->won = steal_fd(&fd);
	} else if (errno != EINPROGRESS) {
		attempt_failed(d, to, -errno);
	} else {
		d->attempts[d->attempt_count++] = (struct attempt){fd, *to};
		steal_fd(&fd);
	}
}

static void on_answers(struct dialling *d)
{
	struct resolve_answer answer;

	while (resolve_next(d->resolve, &answer)) {
		race_resolved(&d->race, answer.family, answer.all, answer.count, clock_now());
		if (answer.code < 0 && tells_more(d, answer.code)) {
			d->code = answer.code;
			d->why = answer.why;
		}
	}
}

static void on_attempt(struct dialling *d, unsigned i)
{
	struct attempt attempt = d->attempts[i];
	socklen_t size = sizeof(int);
	int error = 0;

	if (getsockopt(attempt.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	d->attempts[i] = d->attempts[--d->attempt_count];
	if (error == 0) {
		d->won = attempt.fd;
		return;
	}
	close_fd(attempt.fd);
	attempt_failed(d, &attempt.to, -error);
}

/* Until something happens, or it is @until. */
static int wait_for_events(struct dialling *d, uint64_t until)
{
	struct pollfd polls[ATTEMPTS_MAX + 1] = {{resolve_fd(d->resolve), POLLIN, 0}};
	uint64_t now = clock_now(), left = until > now ? until - now : 0;
	const struct timespec timeout = {(time_t)(left / NS_PER_S), (long)(left % NS_PER_S)};

	for (unsigned i = 0; i < d->attempt_count; i++)
		polls[i + 1] = (struct pollfd){d->attempts[i].fd, POLLOUT, 0};
	if (ppoll(polls, d->attempt_count + 1, until == RACE_NEVER ? NULL : &timeout, NULL) < 0)
		return -errno;
	/* From the end: an attempt that is over is replaced by the last one. */
	for (unsigned i = d->attempt_count; i-- > 0 && d->won < 0;)
		if (polls[i + 1].revents)
			on_attempt(d, i);
	if (polls[0].revents)
		on_answers(d);
	return 0;
}

static int race_to_the_end(struct dialling *d, struct err *err)
{
	const struct stack_dial *dial = d->dial;

	while (d->won < 0 && !race_is_over(&d->race)) {
		uint64_t now = clock_now(), wake = RACE_NEVER;
		const struct sockaddr_storage *to = race_next(&d->race, now, &wake);
		int code;

		if (to) {
			begin(d, to);
			continue;
		}
		if (now >= d->deadline)
			return err_set(err, -ETIMEDOUT, "'%s', port %s, has not answered for %d ms",
				       dial->host, dial->service, dial->timeout_ms);
		code = wait_for_events(d, wake < d->deadline ? wake : d->deadline);
		if (code < 0)
			return err_set(err, code, "dialling '%s' was given up: %s", dial->host,
				       strerror(-code));
	}
	if (d->won >= 0)
		return 0;
	return err_set(err, d->code < 0 ? d->code : -ENOENT, "%s", d->why.text);
}

int sockets_dial(struct stack *stack, const struct stack_dial *dial, struct err *err)
{
	const struct sockets *sockets = (struct sockets *)stack;
	const unsigned either = dial->flags & (RV_IPV4 | RV_IPV6);
	const bool wanted[RACE_FAMILIES] = {
		[RACE_IPV6] = !either || (either & RV_IPV6),
		[RACE_IPV4] = !either || (either & RV_IPV4),
	};
	_cleanup_(dialling_close) struct dialling d = {
		.sockets = sockets,
		.dial = dial,
		.deadline = RACE_NEVER,
		.won = -1,
	};
	int code = resolve_check_service(dial->service, 1, err);

	if (code < 0)
		return code;
	if (dial->timeout_ms != RV_NO_TIMEOUT)
		d.deadline = clock_now() + (uint64_t)dial->timeout_ms * NS_PER_MS;
	race_start(&d.race, sockets->stagger);
	code = resolve_open(dial->host, dial->service, wanted, &d.resolve, err);
	if (code < 0)
		return code;
	code = race_to_the_end(&d, err);
	if (code < 0)
		return code;
	code = sockets_set_blocking(d.won, dial->flags);
	if (code < 0)
		return err_set(err, code, "cannot set up a socket: %s", strerror(-code));
	return steal_fd(&d.won);
}
