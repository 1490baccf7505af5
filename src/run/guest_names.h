/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names inside a machine (guest.h). Where the host's name server is one of its own, at a loopback address (127.0.0.53 of
 * systemd-resolved, 127.0.0.1 of dnsmasq), nobody listens there inside. So the init does: it hands on each question, the host's
 * process asks the host's server, and the answer goes back. Other servers are reached over the links.
 *
 * Over UDP only: an answer that does not fit into a datagram is cut off, as its flag TC says.
 */
#pragma once

#include "run/guest.h"

#include <netinet/in.h>
#include <poll.h>

#define GUEST_QUESTIONS_MAX 64 /* at a time; the oldest is given up for a new one */
#define GUEST_SERVERS_MAX   3

/* The head of GUEST_QUESTION and GUEST_ANSWER; the datagram follows. */
struct guest_question {
	uint32_t number;
	struct address server; /* a loopback address */
};

/* Inside. */
struct guest_names {
	int servers[GUEST_SERVERS_MAX]; /* owned */
	struct address addresses[GUEST_SERVERS_MAX];
	unsigned server_count;
	uint32_t number; /* of the last question */
	struct {
		unsigned server;
		struct sockaddr_storage from;
		socklen_t size;
	} asked[GUEST_QUESTIONS_MAX]; /* by number */
};

/* Listens where /etc/resolv.conf says, as far as those are loopback addresses. */
void guest_names_open(struct guest_names *names);
/* Hands on what programs have asked server @i. */
void guest_names_ask(struct guest_names *names, unsigned i, const struct guest_line *line);
void guest_names_answer(struct guest_names *names, const void *data, size_t size);

/* On the host. */
struct inside_names {
	int asked[GUEST_QUESTIONS_MAX]; /* sockets, owned; 0: none */
	struct guest_question questions[GUEST_QUESTIONS_MAX];
};

void inside_names_ask(struct inside_names *names, const void *data, size_t size);
/* What to poll, into GUEST_QUESTIONS_MAX places; and what to do with what came of it. */
void inside_names_poll(const struct inside_names *names, struct pollfd *fds);
void inside_names_answer(struct inside_names *names, const struct pollfd *fds,
			 const struct guest_line *line);
void inside_names_close(struct inside_names *names);
