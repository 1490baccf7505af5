/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/packets.h"

#include "base/cleanup.h"
#include "link/watch.h"

/* Passes on how the host's links are now, if that is news or @more have come. */
static void tell(struct packets *p, bool more)
{
	bool changed = more;
	struct links links;

	if (p->route && links_read(p->route, &links) == 0) {
		changed |= ports_refresh(&links, p->ports.all, p->ports.count);
		links_free(&links);
	}
	if (changed)
		p->changed(p);
}

static void on_links(struct loop_source *source, uint32_t events)
{
	struct packets *p = loop_owner(source, struct packets, links);

	if (watch_changed(p->watch))
		tell(p, false);
}

/* What a port came with may be old: the link has changed since, and on_links() did not know it yet. */
static void on_words(struct loop_source *source, uint32_t events)
{
	struct packets *p = loop_owner(source, struct packets, words);
	struct net_news news = net_receive(&p->net, p->say, p->data);

	if (news.ports)
		tell(p, true);
	if (p->net.fd < 0) {
		loop_forget(p->loop, source);
		p->ports.answers++; /* no */
		news.ranges = true;
	}
	if (news.ranges)
		p->changed(p);
}

int packets_open(struct packets *packets, int fd, const struct policy *policy, struct loop *loop,
		 struct err *err)
{
	const struct net_ports_wish wish = {.policy = policy, .way = packets->way, .grows = true};
	int code = net_ports_open(&packets->net, fd, &wish, packets->say, packets->data,
				  &packets->ports, err);

	if (code < 0)
		return code;
	packets->loop = loop;
	packets->words = (struct loop_source){.fd = packets->net.fd, .ready = on_words};
	code = loop_watch(loop, &packets->words, EPOLLIN);
	if (code == 0 && nl_open(&packets->route, NETLINK_ROUTE) == 0 &&
	    watch_open(&packets->watch) == 0) {
		packets->links =
			(struct loop_source){.fd = nl_fd(packets->watch), .ready = on_links};
		code = loop_watch(loop, &packets->links, EPOLLIN);
	}
	if (code < 0)
		packets_close(packets);
	return code < 0 ? err_set(err, code, "cannot follow the links") : 0;
}

static void listens(uint16_t port, void *data)
{
	struct packets *p = data;

	if (!port_ranges_have(&p->ports.ranges, port))
		net_listen(&p->net, port);
}

static void more(void *data)
{
	net_more(&((struct packets *)data)->net);
}

struct stack_links packets_links(struct packets *packets)
{
	return (struct stack_links){.ports = packets->ports.all,
				    .fds = packets->ports.fds,
				    .count = packets->ports.count,
				    .ranges = packets->ports.ranges,
				    .answers = packets->ports.answers,
				    .listens = listens,
				    .more = more,
				    .data = packets};
}

void packets_close(struct packets *packets)
{
	if (packets->loop) {
		loop_forget(packets->loop, &packets->links);
		loop_forget(packets->loop, &packets->words);
	}
	net_ports_close(&packets->ports);
	if (packets->net.fd >= 0)
		net_end(&packets->net);
	net_close(&packets->net);
	nl_close(packets->watch);
	nl_close(packets->route);
	packets->watch = packets->route = NULL;
}
