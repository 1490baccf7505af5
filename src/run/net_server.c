/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/net_server.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "link/neighbour.h"
#include "run/bound.h"
#include "run/bystanders.h"
#include "run/explain.h"
#include "run/net.h"
#include "run/net_events.h"
#include "run/net_ports.h"
#include "run/privilege.h"
#include "run/upkeep.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/* What requests cost a kernel is the whole host's: each takes from an allowance that fills up again. */
#define REQUEST_EVERY (NS_PER_S / 32)
#define ALLOWANCE     NS_PER_S

enum { CLIENT, LINKS, EVENTS, SOURCES };

/* What was put off because connections have nothing else is tried again: soon, then ever more seldom. */
#define RETRY_FIRST (20 * NS_PER_MS)
#define RETRY_LAST  (320 * NS_PER_MS)

struct server {
	int client; /* owned */
	struct journal *journal;
	const struct net_caller *caller;
	struct policy policy;
	struct upkeep upkeep;
	struct net_events events;
	uint64_t spent_to; /* the time up to which the allowance is used up */
	uint64_t retry_at, retry_after;
	struct bound bound;
	struct net_ports_server ports;
	bool opened;
	bool ended; /* in good order: nothing goes from under bystanders */
};

static bool is_answer(enum net_report_kind kind)
{
	return kind == NET_READY || kind == NET_REFUSED || kind == NET_TAKEN || kind == NET_STAYS ||
	       kind == NET_DONE;
}

static void report(int client, const struct net_report *report)
{
	uint8_t data[NET_MESSAGE_MAX];
	size_t size = net_put_report(report, data);

	/* One who does not read misses something; what is waited for gets a second (net_serve()), ports more (net_ports_tell()). */
	if (send(client, data, size, MSG_NOSIGNAL | (is_answer(report->kind) ? 0 : MSG_DONTWAIT)) <
	    0)
		return;
}

static void report_kind(const struct server *s, enum net_report_kind kind)
{
	report(s->client, &(struct net_report){.kind = kind});
}

static void say(enum net_report_kind kind, const char *text, void *data)
{
	const struct server *s = data;
	struct net_report words = {.kind = kind};

	snprintf(words.text, sizeof(words.text), "%s", text);
	report(s->client, &words);
}

void net_refuse(int client, const char *why)
{
	say(NET_REFUSED, why, &(struct server){.client = client});
}

void net_forget_caller(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, STDERR_FILENO);
	close_fd(null);
}

/* The caller sees the links itself; what becomes of them it would have to guess. */
static void report_uses(const struct server *s)
{
	const struct native_plan *plan = &s->upkeep.plan;
	struct net_report uses = {.kind = NET_USES};

	for (unsigned i = 0; i < plan->links.count && uses.use_count < NET_USES_MAX; i++)
		if (plan->multipath.use[i] != MULTIPATH_NOT_A_LINK)
			uses.uses[uses.use_count++] = (struct net_use){
				.link = plan->links.all[i].index, .use = plan->multipath.use[i]};
	report(s->client, &uses);
}

static void retry_after(struct server *s, uint64_t after)
{
	s->retry_after = after;
	s->retry_at = s->upkeep.settles_at ? s->upkeep.settles_at : clock_now() + after;
}

/* The set-up has been looked at again. */
static void on_followed(struct server *s)
{
	report_uses(s);
	s->retry_at = UINT64_MAX;
	if (s->upkeep.deferred)
		retry_after(s, RETRY_FIRST);
}

static void retry(struct server *s)
{
	upkeep_retry(&s->upkeep);
	if (!s->upkeep.deferred)
		on_followed(s);
	else
		retry_after(s, s->retry_after * 2 < RETRY_LAST ? s->retry_after * 2 : RETRY_LAST);
}

static void on_events(struct server *s)
{
	net_events_read(&s->events, clock_now());
	if (s->upkeep.deferred)
		retry(s);
	report_kind(s, NET_EVENT);
}

/* Each returns whether the conversation goes on. */

static void explain(const char *line, void *data)
{
	say(NET_EXPLAINS, line, data);
}

static bool on_open(struct server *s, const struct net_request *request)
{
	const struct upkeep_setup setup = {.journal = s->journal,
					   .policy = &s->policy,
					   .personal = s->caller->modest,
					   .user = s->caller->user,
					   .say = say,
					   .data = s};
	struct err err = {0};
	int code;

	s->policy = request->policy;
	s->policy.modest = s->caller->modest;
	code = upkeep_open(&s->upkeep, &setup, &err);
	if (code < 0) {
		say(code == -EBUSY ? NET_TAKEN : NET_REFUSED, err.text, s);
		return false;
	}
	net_events_open(&s->events);
	s->opened = true;
	explain_plan(&s->upkeep.plan, explain, s);
	on_followed(s);
	report(s->client, &(struct net_report){.kind = NET_READY,
					       .privileged = !s->upkeep.unprivileged &&
							     privilege_has(CAP_NET_ADMIN)});
	return true;
}

static void on_cleaned(const struct change *change, int result, void *data)
{
	char text[EXPLAIN_MAX];

	say(result < 0 ? NET_NOTES : NET_EXPLAINS,
	    explain_change(change, result, text, sizeof(text)), data);
}

static void on_clean(struct server *s)
{
	struct netstack netstack;

	if (s->caller->alone) {
		net_refuse(s->client,
			   "rivulet-net has no owner of its own (rivulet-net(8)), so nothing "
			   "is known of what others left; Rivulet's are the rules and routes "
			   "of protocol 82");
		return;
	}
	if (netstack_open_host(&netstack) < 0) {
		net_refuse(s->client, "cannot reach the kernel's network configuration");
		return;
	}
	journal_follow(s->journal, &netstack, NULL, 0, on_cleaned, s);
	netstack_close(&netstack);
}

static bool on_ports(struct server *s, const struct net_request *request)
{
	struct err err = {0};

	s->policy = request->policy;
	s->policy.modest = s->caller->modest;
	s->ports = (struct net_ports_server){.journal = s->journal,
					     .policy = &s->policy,
					     .client = s->client,
					     .way = request->way,
					     .grows = request->grows,
					     .say = say,
					     .data = s};
	if (net_ports_give(&s->ports, &err) < 0) {
		net_refuse(s->client, err.text);
		return false;
	}
	report(s->client, &(struct net_report){.kind = NET_READY, .privileged = true});
	return true;
}

/* The link that the caller names, if it is one of the host's that the plan uses or would use; else NULL. */
static const struct link *find_link(const struct server *s, unsigned index)
{
	const struct native_plan *plan = &s->upkeep.plan;
	const struct link *link = links_by_index(&plan->links, index);
	enum multipath_use use =
		link ? plan->multipath.use[link - plan->links.all] : MULTIPATH_DOWN;

	return use == MULTIPATH_USED || use == MULTIPATH_SILENT ? link : NULL;
}

/* Whom to ask is the kernel's own default route. */
static void on_ask(struct server *s, unsigned index)
{
	const struct link *link = find_link(s, index);
	const struct address *gateway = link ? links_next_hop(&s->upkeep.plan.links, link) : NULL;

	if (gateway)
		neighbour_ask(s->upkeep.netstack.route, index, gateway);
}

/* A link that is gone meanwhile may be put back, and nothing else. */
static void on_silent(struct server *s, unsigned index, bool silent)
{
	if (silent && !find_link(s, index))
		return;
	upkeep_silence(&s->upkeep, index, silent);
	on_followed(s);
}

static void on_renew(struct server *s, unsigned index)
{
	if (!find_link(s, index))
		return;
	upkeep_renew(&s->upkeep, index);
	on_followed(s);
}

static void on_know(struct server *s, const struct policy *known)
{
	policy_know(&s->policy, known);
	upkeep_on_policy(&s->upkeep);
	on_followed(s);
}

static void bound_backlog(struct server *s)
{
	uint32_t bytes = bound_look(&s->bound, clock_now());

	if (bytes != s->upkeep.backlog)
		upkeep_backlog(&s->upkeep, bytes);
}

/* Of what else it may, nothing is needed any more. */
static void keep(const unsigned *capabilities, unsigned count)
{
	privilege_keep(capabilities, count, NULL);
}

static const unsigned for_links[] = {CAP_NET_ADMIN};
/* A filter on a TCP socket takes the first since some 6.x; the last is for links that come. */
static const unsigned for_listeners[] = {CAP_NET_ADMIN, CAP_NET_BIND_SERVICE, CAP_NET_RAW};

static bool do_request(struct server *s, const struct net_request *request)
{
	bool first = request->kind == NET_OPEN || request->kind == NET_PORTS ||
		     request->kind == NET_CLEAN;

	if (s->ports.opened && request->kind != NET_LISTEN && request->kind != NET_MORE &&
	    request->kind != NET_END)
		return false;
	if (first == (s->opened || s->ports.opened))
		return false;
	switch (request->kind) {
	case NET_OPEN:
		keep(for_links, ARRAY_SIZE(for_links));
		return on_open(s, request);
	case NET_PORTS:
		if (!on_ports(s, request))
			return false;
		keep(for_listeners, ARRAY_SIZE(for_listeners));
		return true;
	case NET_LISTEN:
		if (!s->ports.opened)
			return false;
		net_ports_listen(&s->ports, request->port);
		return true;
	case NET_MORE:
		if (!s->ports.opened)
			return false;
		net_ports_more(&s->ports);
		return true;
	case NET_CLEAN:
		keep(for_links, ARRAY_SIZE(for_links));
		on_clean(s);
		return false;
	case NET_SILENT:
		on_silent(s, request->link, request->silent);
		return true;
	case NET_RENEW:
		on_renew(s, request->link);
		return true;
	case NET_BACKLOG:
		s->bound.asked = request->backlog;
		bound_backlog(s);
		return true;
	case NET_KNOW:
		on_know(s, &request->policy);
		return true;
	case NET_ASK:
		on_ask(s, request->link);
		return true;
	case NET_END:
		s->ended = true;
		break;
	}
	return false;
}

static bool serve_one(struct server *s)
{
	uint64_t now = clock_now();
	struct net_request request;
	uint8_t data[NET_MESSAGE_MAX];
	ssize_t got = recv(s->client, data, sizeof(data), MSG_DONTWAIT | MSG_TRUNC);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0 || got > (ssize_t)sizeof(data) ||
	    net_get_request(data, (size_t)got, &request) < 0)
		return false;
	s->spent_to = (s->spent_to > now ? s->spent_to : now) + REQUEST_EVERY;
	return do_request(s, &request);
}

static int fd_of(const struct nl *nl)
{
	return nl ? nl_fd(nl) : -1;
}

static int wait_for_something(const struct server *s, struct pollfd fds[static SOURCES])
{
	uint64_t now = clock_now();
	uint64_t next = s->retry_at < s->bound.at ? s->retry_at : s->bound.at;
	uint64_t events = net_events_next(&s->events, now);
	uint64_t may_ask = s->spent_to > ALLOWANCE ? s->spent_to - ALLOWANCE : 0;
	struct timespec left = {0};

	fds[CLIENT].events = POLLIN | (net_ports_owes(&s->ports) ? POLLOUT : 0);
	fds[CLIENT].fd = may_ask <= now ? s->client : -1;
	fds[EVENTS].fd = net_events_fd(&s->events, now);
	if (may_ask > now && may_ask < next)
		next = may_ask;
	if (events < next)
		next = events;
	if (next > now) {
		left.tv_sec = (time_t)((next - now) / NS_PER_S);
		left.tv_nsec = (long)((next - now) % NS_PER_S);
	}
	return ppoll(fds, SOURCES, next == UINT64_MAX ? NULL : &left, NULL);
}

static void converse(struct server *s)
{
	struct pollfd fds[SOURCES] = {[LINKS] = {.events = POLLIN}, [EVENTS] = {.events = POLLIN}};

	for (;;) {
		fds[LINKS].fd = fd_of(s->ports.opened ? s->ports.watch : s->upkeep.watch);
		if (wait_for_something(s, fds) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (fds[LINKS].revents && s->ports.opened)
			net_ports_follow(&s->ports);
		else if (fds[LINKS].revents && upkeep_on_links(&s->upkeep))
			on_followed(s);
		if (fds[EVENTS].revents || net_events_missed(&s->events, clock_now()))
			on_events(s);
		if (clock_now() >= s->retry_at)
			retry(s);
		if (clock_now() >= s->bound.at)
			bound_backlog(s);
		if (fds[CLIENT].revents & POLLOUT)
			net_ports_tell(&s->ports);
		if (fds[CLIENT].revents && !serve_one(s))
			return;
	}
}

/* If the caller did not say that the run is over, connections of its program go on: they keep what they have nothing else
 * than, all others get along with what is left. */
static void leave(struct server *s)
{
	bool said = false;

	while (bystanders_leave(s->journal, !s->ended) > 0) {
		if (!said) {
			net_forget_caller();
			report_kind(s, NET_STAYS);
		}
		said = true;
		poll(NULL, 0, 1000);
	}
	report_kind(s, NET_DONE);
}

void net_serve(int client, struct journal *journal, const struct net_caller *caller)
{
	struct server s = {.client = client,
			   .journal = journal,
			   .caller = caller,
			   .retry_at = UINT64_MAX,
			   .bound = {.at = UINT64_MAX, .trusted = !caller->modest}};
	const struct timeval second = {.tv_sec = 1};

	setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
	converse(&s);
	net_events_close(&s.events);
	if (caller->passes)
		report_kind(&s, NET_DONE);
	else
		leave(&s);
	if (s.opened)
		upkeep_close(&s.upkeep);
	net_ports_free(&s.ports);
	close_fd(s.client);
}
