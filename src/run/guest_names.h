/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names inside a machine (guest.h). Where the host's name server is one of its own, at a loopback address (127.0.0.53 of
 * systemd-resolved, 127.0.0.1 of dnsmasq), nobody listens there inside. So the init does: it hands on each question, the host's
 * process asks the host's server, and the answer goes back. Other servers are reached over the links.
 *
 * Over UDP, and over TCP for answers that do not fit into a datagram (RFC 7766): there each message follows its length.
 */
#pragma once

#include "run/guest.h"

#include <netinet/in.h>
#include <poll.h>

#define GUEST_QUESTIONS_MAX 64 /* at a time; the oldest is given up for a new one */
#define GUEST_SERVERS_MAX   3
#define GUEST_STREAMS_MAX   8 /* the same */

/* The head of GUEST_QUESTION and GUEST_ANSWER; the message follows, of which an answer may have none: there is none. */
struct guest_question {
	uint32_t number;
	bool stream;           /* over TCP */
	struct address server; /* a loopback address */
};

/* A message that arrives over TCP, by and by. */
struct guest_stream {
	int fd; /* owned; 0: none */
	unsigned server;
	uint8_t *data; /* owned: 2 bytes of length, then the message */
	size_t filled;
};

/* Inside. */
struct guest_names {
	int servers[GUEST_SERVERS_MAX], doors[GUEST_SERVERS_MAX]; /* UDP and TCP; owned */
	struct address addresses[GUEST_SERVERS_MAX];
	unsigned server_count;
	uint32_t number; /* of the last question */
	struct {
		unsigned server;
		struct sockaddr_storage from;
		socklen_t size;
		struct guest_stream *stream; /* NULL: it came over UDP */
	} asked[GUEST_QUESTIONS_MAX];        /* by number */
	struct guest_stream streams[GUEST_STREAMS_MAX];
	unsigned next_stream;
};

/* Listens where /etc/resolv.conf says, as far as those are loopback addresses. */
void guest_names_open(struct guest_names *names);

/* What to poll, into as many places; what came of it is handed on. */
#define GUEST_NAMES_FDS (2 * GUEST_SERVERS_MAX + GUEST_STREAMS_MAX)
void guest_names_poll(const struct guest_names *names, struct pollfd *fds);
void guest_names_ask(struct guest_names *names, const struct pollfd *fds,
		     const struct guest_line *line);
void guest_names_answer(struct guest_names *names, const void *data, size_t size);

/* On the host. */
struct inside_names {
	struct guest_stream asked[GUEST_QUESTIONS_MAX]; /* by number */
	struct guest_question questions[GUEST_QUESTIONS_MAX];
};

void inside_names_ask(struct inside_names *names, const void *data, size_t size);
/* What to poll, into GUEST_QUESTIONS_MAX places; and what to do with what came of it. */
void inside_names_poll(const struct inside_names *names, struct pollfd *fds);
void inside_names_answer(struct inside_names *names, const struct pollfd *fds,
			 const struct guest_line *line);
void inside_names_close(struct inside_names *names);
