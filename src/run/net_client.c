/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The caller's side of net.h. */
#include "base/cleanup.h"
#include "base/fds.h"
#include "run/net.h"

#include <string.h>
#include <sys/socket.h>

/* One that does not read is as good as none. */
static int say(struct net *net, const struct net_request *request)
{
	uint8_t data[NET_MESSAGE_MAX];
	size_t size = net_put_request(request, data);

	if (net->fd < 0 || send(net->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -EPIPE;
	return 0;
}

/* @fd came with it. */
static int take_port(struct net_ports *ports, const struct net_report *report, int *fd)
{
	unsigned at = report->place;

	if (!ports || *fd < 0 || at > ports->count)
		return -EPROTO;
	if (at == ports->count)
		ports->count++;
	else
		close_fd(ports->fds[at]);
	ports->ranges = report->ranges;
	ports->all[at] = report->port;
	ports->fds[at] = steal_fd(fd);
	return 0;
}

/* 1: a report, and a port is taken; 0: none now; -EPIPE: the other end is gone, or speaks another language. */
static int hear(struct net *net, int flags, struct net_report *ret)
{
	_cleanup_close_ int fd = -1;
	uint8_t data[NET_MESSAGE_MAX];
	ssize_t got = fds_receive_with(net->fd, data, sizeof(data), flags, &fd);

	if (got == -EAGAIN)
		return 0;
	if (got <= 0 || net_get_report(data, (size_t)got, ret) < 0)
		return -EPIPE;
	return ret->kind == NET_PORT && take_port(net->ports, ret, &fd) < 0 ? -EPIPE : 1;
}

static bool has_words(const struct net_report *report)
{
	return report->kind == NET_EXPLAINS || report->kind == NET_NOTES;
}

static void keep_uses(struct net *net, const struct net_report *report)
{
	memcpy(net->uses, report->uses, sizeof(net->uses));
	net->use_count = report->use_count;
}

/* Waits for the answer to a request; words before it go to @words. */
static int await(struct net *net, net_say words, void *data, struct net_report *ret)
{
	for (;;) {
		int got = hear(net, 0, ret);

		if (got < 0)
			return got;
		if (got > 0 && has_words(ret))
			words(ret->kind, ret->text, data);
		else if (got > 0 && ret->kind == NET_USES)
			keep_uses(net, ret);
		else if (got > 0 && ret->kind != NET_EVENT)
			return 0;
	}
}

int net_open(struct net *net, int fd, const struct policy *policy, net_say words, void *data,
	     struct err *err)
{
	struct net_request request = {.kind = NET_OPEN};
	struct net_report answer;

	*net = (struct net){.fd = fd};
	if (policy)
		request.policy = *policy;
	if (say(net, &request) < 0 || await(net, words, data, &answer) < 0) {
		words(NET_NOTES,
		      "rivulet-net has ended (is it of another version?): nothing can be set up",
		      data);
		net_close(net);
		return 0;
	}
	if (answer.kind != NET_READY) {
		net_close(net);
		return err_set(err, answer.kind == NET_TAKEN ? -EBUSY : -EPERM, "%s", answer.text);
	}
	net->privileged = answer.privileged;
	return 0;
}

static bool take_ranges(const struct net_report *report, struct net_ports *ports)
{
	ports->ranges = report->ranges;
	ports->answers++;
	return true;
}

int net_ports_open(struct net *net, int fd, const struct net_ports_wish *wish, net_say words,
		   void *data, struct net_ports *ret, struct err *err)
{
	struct net_request request = {.kind = NET_PORTS, .way = wish->way, .grows = wish->grows};
	struct net_report answer = {.kind = NET_REFUSED};
	int code;

	*net = (struct net){.fd = fd, .ports = ret};
	*ret = (struct net_ports){0};
	if (wish->policy)
		request.policy = *wish->policy;
	code = say(net, &request);
	do
		code = code < 0 ? code : await(net, words, data, &answer);
	while (code == 0 && answer.kind == NET_PORT);
	if (code == 0 && answer.kind == NET_READY)
		return 0;
	net_ports_close(ret);
	net_close(net);
	if (code < 0)
		return err_set(err, code, "rivulet-net has ended (is it of another version?)");
	return err_set(err, -EPERM, "%s", answer.text);
}

void net_ports_close(struct net_ports *ports)
{
	while (ports->count > 0)
		close_fd(ports->fds[--ports->count]);
}

void net_listen(struct net *net, uint16_t port)
{
	say(net, &(struct net_request){.kind = NET_LISTEN, .port = port});
}

void net_more(struct net *net)
{
	say(net, &(struct net_request){.kind = NET_MORE});
}

void net_close(struct net *net)
{
	net->fd = close_fd(net->fd);
	net->privileged = false;
}

enum multipath_use net_use_of(const struct net *net, unsigned link)
{
	for (unsigned i = 0; i < net->use_count; i++)
		if (net->uses[i].link == link)
			return net->uses[i].use;
	return MULTIPATH_NOT_A_LINK;
}

void net_silent(struct net *net, unsigned link, enum net_witness witness, bool silent)
{
	unsigned at = 0, before, now;

	while (at < NET_SILENT_MAX && net->silent[at].link != link)
		at++;
	for (unsigned i = 0; at == NET_SILENT_MAX && i < NET_SILENT_MAX; i++)
		if (!net->silent[i].witnesses)
			at = i; /* a free place */
	if (at == NET_SILENT_MAX)
		return;
	before = net->silent[at].link == link ? net->silent[at].witnesses : 0;
	now = silent ? before | witness : before & ~(unsigned)witness;
	net->silent[at].link = link;
	net->silent[at].witnesses = now;
	if (!before != !now || !(silent || now))
		say(net,
		    &(struct net_request){.kind = NET_SILENT, .link = link, .silent = now != 0});
}

void net_forget(struct net *net, const struct links *links)
{
	const enum net_witness all = NET_MONITOR | NET_GATE | NET_CARRIER;

	for (unsigned i = 0; i < NET_SILENT_MAX; i++)
		if (net->silent[i].witnesses && !links_by_index(links, net->silent[i].link))
			net_silent(net, net->silent[i].link, all, false);
}

void net_renew(struct net *net, unsigned link)
{
	say(net, &(struct net_request){.kind = NET_RENEW, .link = link});
}

int net_ask(struct net *net, unsigned link)
{
	return say(net, &(struct net_request){.kind = NET_ASK, .link = link});
}

void net_know(struct net *net, const struct policy *known)
{
	say(net, &(struct net_request){.kind = NET_KNOW, .policy = *known});
}

void net_backlog(struct net *net, uint32_t bytes)
{
	say(net, &(struct net_request){.kind = NET_BACKLOG, .backlog = bytes});
}

struct net_news net_receive(struct net *net, net_say words, void *data)
{
	struct net_news news = {0};
	struct net_report report;
	int got;

	while ((got = hear(net, MSG_DONTWAIT, &report)) > 0) {
		if (has_words(&report))
			words(report.kind, report.text, data);
		else if (report.kind == NET_USES)
			keep_uses(net, &report);
		else if (report.kind == NET_RANGES && net->ports)
			news.ranges = take_ranges(&report, net->ports);
		news.ports = news.ports || report.kind == NET_PORT;
		news.links = news.links || report.kind == NET_USES;
		news.moved = news.moved || report.kind == NET_EVENT;
	}
	if (got < 0)
		net_close(net);
	return news;
}

static void pass_over(enum net_report_kind kind, const char *text, void *data)
{
}

bool net_end(struct net *net)
{
	struct net_report answer;

	if (say(net, &(struct net_request){.kind = NET_END}) < 0 ||
	    await(net, pass_over, NULL, &answer) < 0)
		return true; /* the keeper sees to it */
	return answer.kind == NET_DONE;
}

int net_clean(net_say words, void *data, struct err *err)
{
	struct net net = {.fd = net_start(err)};
	struct net_report answer;
	int code = 0;

	if (net.fd < 0)
		return net.fd;
	if (say(&net, &(struct net_request){.kind = NET_CLEAN}) < 0 ||
	    await(&net, words, data, &answer) < 0)
		code = err_set(err, -EPIPE, "rivulet-net has ended");
	else if (answer.kind != NET_DONE)
		code = err_set(err, -EBUSY, "%s", answer.text);
	net_close(&net);
	return code;
}
