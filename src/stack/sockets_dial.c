/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dialling: the addresses of a name race (race.h says by which rules), the first connected socket
 * is kept, the others are closed. What there is to wait for hangs on one epoll descriptor. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "stack/race.h"
#include "stack/resolve.h"
#include "stack/sockets_parts.h"

#include <string.h>
#include <sys/epoll.h>

#define ATTEMPTS_MAX (RACE_FAMILIES * RACE_MAX)

struct attempt {
	int fd; /* owned */
	struct sockaddr_storage to;
};

struct sockets_dialling {
	struct dialling dialling; /* its descriptor is the epoll one */
	struct stack *stack;
	struct stack_dial dial;
	uint64_t deadline;       /* RACE_NEVER: none */
	struct resolve *resolve; /* owned */
	struct race race;
	struct attempt attempts[ATTEMPTS_MAX];
	unsigned attempt_count;
	int won;  /* the connected socket; owned; -1: none yet */
	int code; /* the most telling failure up to now, and its words; 0: none */
	struct err why;
};

void sockets_dial_close(struct dialling *dialling)
{
	struct sockets_dialling *d = (struct sockets_dialling *)dialling;

	for (unsigned i = 0; i < d->attempt_count; i++)
		close_fd(d->attempts[i].fd);
	close_fd(d->won);
	close_fd(d->dialling.fd);
	resolve_close(d->resolve);
	free(d);
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

static bool tells_more(const struct sockets_dialling *d, int code)
{
	return d->code == 0 || tells(code) >= tells(d->code);
}

static void attempt_failed(struct sockets_dialling *d, const struct sockaddr_storage *to, int code)
{
	char text[SOCKETS_TEXT_MAX];

	race_failed(&d->race, clock_now());
	if (tells_more(d, code))
		d->code = err_set(&d->why, code, "cannot connect to '%s' at %s, port %s: %s",
				  d->dial.host, sockets_text(to, text), d->dial.service,
				  strerror(-code));
}

/* An event of it means that there is something to do; what it is, is looked for. */
static int watch(const struct sockets_dialling *d, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	return epoll_ctl(d->dialling.fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* Takes @fd. */
static void win(struct sockets_dialling *d, int fd, const struct sockaddr *to)
{
	const struct stack_calls *calls = d->stack->ops->calls;

	d->won = fd;
	if (calls->connected)
		calls->connected(d->stack, fd, to);
}

static int begin(struct sockets_dialling *d, const struct sockaddr_storage *to)
{
	const struct sockaddr *sa = (const struct sockaddr *)to;
	const struct stack_calls *calls = d->stack->ops->calls;
	_cleanup_close_ int fd = calls->make_to ? calls->make_to(d->stack, sa)
						: calls->make(d->stack, to->ss_family);
	int err = fd < 0 ? fd : 0;

	if (err == 0 && d->dial.before)
		err = d->dial.before(fd, sa, d->dial.data);
	if (err < 0)
		return err;
	err = calls->connect(d->stack, fd, sa, sockets_size(to));
	if (err == 0) {
		win(d, steal_fd(&fd), sa);
		return 0;
	}
	if (err != -EINPROGRESS)
		return err;
	err = watch(d, fd, EPOLLOUT);
	if (err < 0)
		return err;
	d->attempts[d->attempt_count++] = (struct attempt){steal_fd(&fd), *to};
	return 0;
}

static void on_answers(struct sockets_dialling *d)
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

static void on_attempt(struct sockets_dialling *d, unsigned i)
{
	struct attempt attempt = d->attempts[i];
	socklen_t size = sizeof(int);
	int error = 0, asked;

	asked = d->stack->ops->calls->get(d->stack, attempt.fd, SOL_SOCKET, SO_ERROR, &error,
					  &size);
	if (asked < 0)
		error = -asked;
	d->attempts[i] = d->attempts[--d->attempt_count];
	if (error == 0) {
		epoll_ctl(d->dialling.fd, EPOLL_CTL_DEL, attempt.fd, NULL);
		win(d, attempt.fd, (const struct sockaddr *)&attempt.to);
		return;
	}
	close_fd(attempt.fd);
	attempt_failed(d, &attempt.to, -error);
}

static void on_socket(struct sockets_dialling *d, int fd)
{
	for (unsigned i = 0; i < d->attempt_count && d->won < 0; i++) {
		if (d->attempts[i].fd == fd) {
			on_attempt(d, i);
			return;
		}
	}
}

/* What has happened up to now. */
static void look(struct sockets_dialling *d)
{
	struct epoll_event events[ATTEMPTS_MAX + 1];
	int count = epoll_wait(d->dialling.fd, events, ARRAY_SIZE(events), 0);

	for (int i = 0; i < count; i++) {
		if (events[i].data.fd == resolve_fd(d->resolve))
			on_answers(d);
		else
			on_socket(d, events[i].data.fd);
	}
}

/* Tries what is to be tried now; when there may be more is in @ret_wake. */
static void try_next(struct sockets_dialling *d, uint64_t *ret_wake)
{
	const struct sockaddr_storage *to;

	*ret_wake = RACE_NEVER;
	while (d->won < 0 && (to = race_next(&d->race, clock_now(), ret_wake))) {
		int err = begin(d, to);

		if (err < 0)
			attempt_failed(d, to, err);
	}
}

int sockets_dial_go_on(struct dialling *dialling, uint64_t *ret_wake, struct err *err)
{
	struct sockets_dialling *d = (struct sockets_dialling *)dialling;
	const struct stack_dial *dial = &d->dial;
	int code;

	look(d);
	try_next(d, ret_wake);
	if (d->won >= 0) {
		code = sockets_set_blocking(d->won, dial->flags);
		if (code < 0)
			return err_set(err, code, "cannot set up a socket: %s", strerror(-code));
		return steal_fd(&d->won);
	}
	if (race_is_over(&d->race))
		return err_set(err, d->code < 0 ? d->code : -ENOENT, "%s", d->why.text);
	if (clock_now() >= d->deadline)
		return err_set(err, -ETIMEDOUT, "'%s', port %s, has not answered for %d ms",
			       dial->host, dial->service, dial->timeout_ms);
	if (*ret_wake > d->deadline)
		*ret_wake = d->deadline;
	return -EINPROGRESS;
}

static int start(struct sockets_dialling *d, struct err *err)
{
	const unsigned either = d->dial.flags & (RV_IPV4 | RV_IPV6);
	const bool wanted[RACE_FAMILIES] = {
		[RACE_IPV6] = !either || (either & RV_IPV6),
		[RACE_IPV4] = !either || (either & RV_IPV4),
	};
	int code;

	race_start(&d->race, d->stack->stagger);
	code = resolve_open(d->dial.host, d->dial.service, wanted, &d->resolve, err);
	if (code < 0)
		return code;
	d->dialling.fd = epoll_create1(EPOLL_CLOEXEC);
	code = d->dialling.fd < 0 ? -errno : watch(d, resolve_fd(d->resolve), EPOLLIN);
	if (code < 0)
		return err_set(err, code, "cannot dial '%s': %s", d->dial.host, strerror(-code));
	return 0;
}

int sockets_dial_open(struct stack *stack, const struct stack_dial *dial, struct dialling **ret,
		      struct err *err)
{
	struct sockets_dialling *d;
	int code = resolve_check_service(dial->service, 1, err);

	if (code < 0)
		return code;
	d = calloc(1, sizeof(*d));
	if (!d)
		return err_set(err, -ENOMEM, "out of memory");
	d->dialling.fd = -1;
	d->stack = stack;
	d->dial = *dial;
	d->deadline = RACE_NEVER;
	d->won = -1;
	if (dial->timeout_ms != RV_NO_TIMEOUT)
		d->deadline = clock_now() + (uint64_t)dial->timeout_ms * NS_PER_MS;
	code = start(d, err);
	if (code < 0) {
		sockets_dial_close(&d->dialling);
		return code;
	}
	*ret = &d->dialling;
	return 0;
}
