/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rivulet-net, the only part of a run that may change the host's network set-up, and how the supervisor talks to it.
 *
 *      supervisor (the user) ──socket── rivulet-net (CAP_NET_ADMIN) ── keeper (the same)
 *
 * It is a program of its own with a file capability, or a fork of a `rivulet run` that has the right by itself (root, sudo).
 * What links there are and what has to be set up it finds out itself, from the kernel. A caller only says what it wants
 * of the links (a policy) and which do not answer; so whoever may start rivulet-net can do no more than this:
 *
 *  NET_OPEN     sets up the host's own links, by their own routes (link/multipath.h). The policy is checked rule by rule as
 *               that of a command line is. From a user without the right it is modest: what leads around a VPN, or is no
 *               link by itself, cannot be insisted on. What another run or somebody's endpoint decided stays: a
 *               contradiction is refused.
 *  NET_SILENT   takes a link out of use and puts it back: one of the host's, that the plan uses. A connection is never cut
 *               off by it (run/bystanders.h); one that has another subflow goes on by that. What another run holds stays.
 *               New connections are led around the link for the user alone who says so. For one that is back, or was never out,
 *               all peers hear where this end stands: two acknowledgements for each connection.
 *  NET_RENEW    takes the endpoints of such a link out and puts them in at once: with the same care.
 *  NET_BACKLOG  bounds what TCP sockets hold, only downwards, and never below what the neediest of them needs (run/bound.h).
 *  NET_KNOW     tells what NetworkManager knows of the links now: rules of the policy that are nobody's wish, and no others. They make
 *               a link a backup or not, for endpoints that no other run has; no subflow is closed by it.
 *  NET_ASK      makes the kernel ask a link's next hop whether it is there, as it does by itself all the time.
 *  NET_PORTS    gives out descriptors for the packets of the links (link/port.h), in a conversation of its own. Shared ones to a
 *               caller who could open packet sockets itself, or for whom whoever installed rivulet-net has given its file
 *               CAP_NET_RAW, which says just that. Others, and where that is asked for, get ports behind the host: what goes over
 *               them is checked and translated by a table that is there before they are, and cannot go around a VPN, for
 *               links that would are not given out.
 *  NET_LISTEN   holds one port of the host more for them, which nobody has. Privileged ones only for those who may have them.
 *  NET_MORE     holds as many numbers more as are held from the beginning, or since (PORTS_ALL in all).
 *  NET_END      takes everything back that no live run and no connection needs.
 *  NET_CLEAN    the same for what dead runs have left.
 *
 * All of it is answered at a limited rate. What is nonsense ends the conversation, and so does the end of the socket, that is
 * the supervisor's: then everything is taken back. The keeper does so if rivulet-net is killed. If both are, the next start
 * does, or `rivulet clean`.
 */
#pragma once

#include "base/err.h"
#include "link/multipath.h"
#include "link/policy.h"
#include "link/port.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_VERSION     6
#define NET_MESSAGE_MAX 4096
#define NET_TEXT_MAX    1024
#define NET_USES_MAX    256

enum net_request_kind {
	NET_OPEN = 1,
	NET_CLEAN,
	NET_SILENT,
	NET_RENEW,
	NET_BACKLOG,
	NET_ASK,
	NET_PORTS,
	NET_LISTEN,
	NET_END,
	NET_MORE,
	NET_KNOW
};

struct net_request {
	enum net_request_kind kind;
	unsigned link;      /* NET_SILENT, NET_RENEW, NET_ASK */
	bool silent;        /* NET_SILENT */
	uint32_t backlog;   /* NET_BACKLOG: bytes, 0: as it was */
	uint16_t port;      /* NET_LISTEN: > 0 */
	enum port_kind way; /* NET_PORTS: PORT_SHARED: where that can be had */
	bool grows; /* NET_PORTS: of TCP alone; PORTS_FEW will do to begin with, NET_MORE will be said */
	struct policy policy; /* NET_OPEN, NET_PORTS, NET_KNOW */
};

enum net_report_kind {
	NET_EXPLAINS = 1, /* words: what was done */
	NET_NOTES,        /* words: what was not, or should be known */
	NET_USES,         /* what becomes of the links, which may have changed */
	NET_READY,        /* to NET_OPEN or NET_PORTS */
	NET_PORT,    /* to NET_PORTS, before that, and of links that come later: of one link; its
			     descriptor comes with it */
	NET_REFUSED, /* to NET_OPEN, NET_PORTS or NET_CLEAN: words; the conversation is over */
	NET_EVENT,   /* subflows have come or gone, somewhere */
	NET_STAYS,   /* to NET_END: connections of others need something for some time */
	NET_DONE,    /* to NET_END or NET_CLEAN: all is taken back */
	NET_RANGES,  /* to NET_MORE: the ranges as they are now, more or not */
	NET_TAKEN /* to NET_OPEN: the host's links are set up for other wishes: words; the conversation is over */
};

struct net_use {
	unsigned link;
	enum multipath_use use;
};

struct net_report {
	enum net_report_kind kind;
	bool privileged;                   /* NET_READY: something can be set up */
	struct net_use uses[NET_USES_MAX]; /* NET_USES: of all links but MULTIPATH_NOT_A_LINK */
	unsigned use_count;
	struct port port;          /* NET_PORT */
	unsigned place;            /* NET_PORT: among the caller's ports; what was there is gone */
	struct port_ranges ranges; /* NET_PORT, NET_RANGES */
	char text[NET_TEXT_MAX];
};

/* Messages as bytes, pure. Into @ret: the size; from bytes of whoever: 0 or -EPROTO. */
size_t net_put_request(const struct net_request *request, uint8_t ret[static NET_MESSAGE_MAX]);
int net_get_request(const uint8_t *data, size_t size, struct net_request *ret);
size_t net_put_report(const struct net_report *report, uint8_t ret[static NET_MESSAGE_MAX]);
int net_get_report(const uint8_t *data, size_t size, struct net_report *ret);

/* The caller's side. */

#define NET_SILENT_MAX 16

/* Who says that a link does not answer: it is silent while anybody does. */
enum net_witness { NET_MONITOR = 1, NET_GATE = 2, NET_CARRIER = 4 };

struct net_ports;

struct net {
	int fd;          /* owned; poll, then net_receive(); -1: there is none (any more) */
	bool privileged; /* it can set up something */
	struct net_use uses[NET_USES_MAX]; /* as last reported */
	unsigned use_count;
	struct {
		unsigned link;
		unsigned witnesses; /* enum net_witness, as bits */
	} silent[NET_SILENT_MAX];
	struct net_ports *ports; /* borrowed: of net_ports_open() */
};

/* Starts rivulet-net for the network namespace of the caller: a descriptor, the caller's, or a negative errno. It outlives
 * the caller until it has taken back what it did. */
int net_start(struct err *err);
/* This host ends with the run: nothing that is set up has to be taken back, nor to be known to others. */
void net_host_passes(void);
/* Why it could set up nothing, and what to do about it. */
void net_advise(struct err *ret);

typedef void (*net_say)(enum net_report_kind kind, const char *text, void *data);

/* Takes over @fd and has the links set up; words go to @words. 0, also if nothing could be set up; -EBUSY: they are set up for
 * other wishes, and another stack may serve these; another negative errno: refused. With the reason. */
int net_open(struct net *net, int fd, const struct policy *policy, net_say words, void *data,
	     struct err *err);
void net_close(struct net *net);

enum multipath_use net_use_of(const struct net *net, unsigned link);

void net_silent(struct net *net, unsigned link, enum net_witness witness, bool silent);
/* Nobody says anything any more of links that are not in @links. */
void net_forget(struct net *net, const struct links *links);
/* Puts the endpoints of a link in anew: the kernel then joins over it where it had given up. */
void net_renew(struct net *net, unsigned link);
int net_ask(struct net *net, unsigned link);
/* @known: what NetworkManager knows of the links now (link/metered.h). */
void net_know(struct net *net, const struct policy *known);
/* TCP sockets are to hold at most @bytes (link/backlog.h); 0: as much as they like. */
void net_backlog(struct net *net, uint32_t bytes);

/* Reads what has been reported, without blocking. At the end of the socket @net->fd is -1. */
struct net_news {
	bool moved;  /* subflows have come or gone */
	bool links;  /* links, or what becomes of them, may have changed */
	bool ports;  /* a link has come: there is one port more */
	bool ranges; /* net_more() is answered */
};
struct net_news net_receive(struct net *net, net_say words, void *data);

/* The packets of the host's links, each on a descriptor, for a stack of one's own. */
#define NET_PORTS_MAX PORTS_MAX
struct net_ports {
	struct port all[NET_PORTS_MAX];
	int fds[NET_PORTS_MAX]; /* owned */
	unsigned count;
	struct port_ranges ranges; /* of the host's port numbers, that the stack may use */
	unsigned answers;          /* to net_more(), up to now */
};

struct net_ports_wish {
	const struct policy *policy; /* of links that it lets be used; NULL: of all */
	enum port_kind way;
	bool grows; /* of TCP alone; net_more() will be said when numbers become few */
};

/* Takes over @fd as net_open() does and gets a port of each link that is wished for, or, of those
 * that cannot be shared, by nat. What is held stays so until net_close(); the descriptors are closed with net_ports_close().
 * Negative errno: there are none, for this reason. @ret is to last as long as @net: ports of links that come are added to it, or take
 * the place of one whose link is gone. */
int net_ports_open(struct net *net, int fd, const struct net_ports_wish *wish, net_say words,
		   void *data, struct net_ports *ret, struct err *err);
void net_ports_close(struct net_ports *ports);
/* One port of the host more, for the stack to listen on. If it cannot be had, words say so. */
void net_listen(struct net *net, uint16_t port);

/* A range of them more. If it cannot be had, words say so; it is answered (net_news.ranges) in any case. */
void net_more(struct net *net);

/* Has all taken back. False: something stays for a while, as connections of others need it. */
bool net_end(struct net *net);

/* Has taken back what dead runs have left, with words of each to @words. */
int net_clean(net_say words, void *data, struct err *err);

/* The whole life of rivulet-net, started with a socket to the caller; the exit code. @by_file: its rights are not the
 * caller's, but those of its file. @guarded: by a keeper, which takes back what it has done when it is killed. */
int net_main(int socket, bool by_file, bool guarded);
