/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who comes in, who is let out: doors, limits, the queue before the dialling, and the end. */
#include "attach/proxy/proxy.h"

#include "attach/proxy/announce.h"
#include "attach/proxy/parts.h"
#include "attach/proxy/peer.h"
#include "base/address.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fds.h"
#include "base/signals.h"

#include <string.h>
#include <sys/signalfd.h>

#define ACCEPTS_IN_TURN 16
#define PAUSE           (NS_PER_S / 10)
#define SPARE_FDS       64 /* ours, and of look-ups */
#define CLIENT_FDS      6 /* both connections and a pipe each way, or one and what a dialling needs */

static void watch_doors(struct proxy *proxy, uint32_t events)
{
	for (unsigned i = 0; i < proxy->door_count; i++)
		loop_watch(proxy->loop, &proxy->doors[i].source, events);
}

static void on_resume(struct loop_timer *timer)
{
	struct proxy *proxy = loop_owner(timer, struct proxy, resume);

	if (proxy->count < proxy->options.limit)
		watch_doors(proxy, EPOLLIN);
}

void proxy_left(struct proxy *proxy, struct client *client)
{
	TAILQ_REMOVE(&proxy->all, client, all);
	if (client->queued)
		TAILQ_REMOVE(&proxy->waiting, client, waiting);
	if (proxy->count-- == proxy->options.limit)
		watch_doors(proxy, EPOLLIN);
}

void proxy_admit(struct proxy *proxy)
{
	if (!proxy->asking && !TAILQ_EMPTY(&proxy->waiting))
		loop_set(proxy->loop, &proxy->admit, clock_now());
}

void proxy_queue(struct proxy *proxy, struct client *client)
{
	TAILQ_INSERT_TAIL(&proxy->waiting, client, waiting);
	client->queued = true;
	if (!proxy->asking && proxy->options.supervisor >= 0)
		proxy->asking = announce_ask(proxy->options.supervisor) == 0;
	proxy_admit(proxy);
}

/* An address needs no look-up, so it does not wait behind names that do. */
static struct client *find_admissible(const struct proxy *proxy)
{
	struct client *client;

	TAILQ_FOREACH(client, &proxy->waiting, waiting)
	if (proxy->lookups < PROXY_LOOKUPS_MAX || !client_has_name(client))
		return client;
	return NULL;
}

static void on_admit(struct loop_timer *timer)
{
	struct proxy *proxy = loop_owner(timer, struct proxy, admit);
	struct client *client;

	while ((client = find_admissible(proxy))) {
		TAILQ_REMOVE(&proxy->waiting, client, waiting);
		client->queued = false;
		client_dial(client);
	}
}

static void on_supervisor(struct loop_source *source, uint32_t events)
{
	struct proxy *proxy = loop_owner(source, struct proxy, supervisor);

	if (!announce_granted(source->fd))
		return;
	if (events & (EPOLLHUP | EPOLLERR)) {
		loop_forget(proxy->loop, source);
		proxy->options.supervisor = -1;
	}
	proxy->asking = false;
	proxy_admit(proxy);
}

static bool is_allowed(const struct proxy *proxy, int fd)
{
	uid_t user;

	return proxy->options.allow_anyone ||
	       (peer_user(fd, proxy->diag, &user) == 0 && (user == geteuid() || user == 0));
}

static void take_in(struct proxy *proxy, const struct door *door, int fd)
{
	struct sockaddr_storage sa = {0};
	socklen_t size = sizeof(sa);
	char text[ADDRESS_PORT_TEXT_MAX] = "unix";
	struct address address;

	getpeername(fd, (struct sockaddr *)&sa, &size);
	address = address_from_sockaddr((struct sockaddr *)&sa);
	if (address.family)
		address_port_text((struct sockaddr *)&sa, text);
	client_open(proxy, fd, is_allowed(proxy, fd), door->local || address_is_loopback(&address),
		    text);
}

static void on_door(struct loop_source *source, uint32_t events)
{
	struct door *door = loop_owner(source, struct door, source);
	struct proxy *proxy = door->data;

	for (unsigned i = 0; i < ACCEPTS_IN_TURN; i++) {
		int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			take_in(proxy, door, fd);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			watch_doors(proxy, 0);
			loop_set(proxy->loop, &proxy->resume, clock_now() + PAUSE);
			return;
		} else {
			return;
		}
		if (proxy->count >= proxy->options.limit) {
			watch_doors(proxy, 0);
			return;
		}
	}
}

static void on_signal(struct loop_source *source, uint32_t events)
{
	loop_stop(loop_owner(source, struct proxy, signals)->loop);
}

static int watch_signals(struct proxy *proxy)
{
	sigset_t ends;

	sigemptyset(&ends);
	signals_add_ends(&ends);
	proxy->signals.ready = on_signal;
	proxy->signals.fd = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	return proxy->signals.fd < 0 ? -errno : loop_watch(proxy->loop, &proxy->signals, EPOLLIN);
}

static int open_doors(struct proxy *proxy, struct err *err)
{
	const struct proxy_options *options = &proxy->options;

	for (unsigned i = 0; i < options->listen_count; i++) {
		struct door *door = &proxy->doors[i];
		int code = door_open(door, options->listen[i], options->allow_anyone, err);

		if (code < 0)
			return code;
		proxy->door_count++;
		door->data = proxy;
		door->source.ready = on_door;
		code = loop_watch(proxy->loop, &door->source, EPOLLIN);
		if (code < 0)
			return err_set(err, code, "cannot watch '%s': %s", door->text,
				       strerror(-code));
	}
	return 0;
}

static int set_up(struct proxy *proxy, struct err *err)
{
	int code = watch_signals(proxy);

	proxy->supervisor =
		(struct loop_source){.fd = proxy->options.supervisor, .ready = on_supervisor};
	if (code == 0 && proxy->options.supervisor >= 0)
		code = loop_watch(proxy->loop, &proxy->supervisor, EPOLLIN);
	if (code < 0)
		return err_set(err, code, "cannot begin to serve: %s", strerror(-code));
	if (!proxy->options.allow_anyone && nl_open(&proxy->diag, NETLINK_SOCK_DIAG) < 0)
		proxy->diag = NULL;
	proxy->options.limit = fds_room(proxy->options.limit, CLIENT_FDS, SPARE_FDS);
	return open_doors(proxy, err);
}

int proxy_open(struct proxy **ret, const struct proxy_options *options, struct err *err)
{
	struct proxy *proxy = calloc(1, sizeof(*proxy));
	int code;

	if (!proxy)
		return err_set(err, -ENOMEM, "out of memory");
	proxy->options = *options;
	proxy->loop = options->loop;
	proxy->signals.fd = -1;
	proxy->resume.due = on_resume;
	proxy->admit.due = on_admit;
	TAILQ_INIT(&proxy->all);
	TAILQ_INIT(&proxy->waiting);
	code = set_up(proxy, err);
	if (code < 0) {
		proxy_close(proxy);
		return code;
	}
	*ret = proxy;
	return 0;
}

void proxy_close(struct proxy *proxy)
{
	while (!TAILQ_EMPTY(&proxy->all))
		client_close(TAILQ_FIRST(&proxy->all));
	for (unsigned i = 0; i < proxy->door_count; i++)
		door_close(&proxy->doors[i]);
	if (proxy->diag)
		nl_close(proxy->diag);
	close_fd(proxy->signals.fd);
	free(proxy);
}

const char *proxy_door(const struct proxy *proxy, unsigned number)
{
	return number < proxy->door_count ? proxy->doors[number].text : NULL;
}

int proxy_run(struct proxy *proxy, struct proxy_totals *ret)
{
	int err = loop_run(proxy->loop);

	while (!TAILQ_EMPTY(&proxy->all))
		client_close(TAILQ_FIRST(&proxy->all));
	*ret = proxy->totals;
	return err;
}
