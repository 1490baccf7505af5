/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conform: what a program sees of its TCP sockets, one line for each observation: "TOPIC.NAME: VALUE". Two runs of it, over two
 * stacks, can be compared line by line; so nothing is printed that differs from run to run, such as times and ports.
 *
 *   conform peer [multipath]     what the other host runs: peer.c; its server speaks MPTCP then
 *   conform taken PORT           a plain program of the same host has the port as soon as this returns
 *   conform ADDRESS [TOPIC...]   the observations, against the peer at that IPv4 address
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_SCRIPT   7100 /* a line of commands comes first: peer.c */
#define PORT_FILTERED 7101 /* answers nothing at all */
#define PORT_CLOSED   7102
#define PORT_TAKEN    7103 /* of our own host: another program listens there */
#define PORT_OWN      (7110 + 20 * topic_number) /* and some above, for servers of ours */

#define PATIENCE_MS 3000

extern const char *topic;
extern int topic_number;

/* Says what was seen of @name. */
void say(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The result of a call: a number, or the name of errno. */
void tell(const char *name, long result);
const char *errno_name(int error);
/* What a socket polls, now; and once it polls all of @wanted. */
void tell_poll(const char *name, int fd);
void tell_poll_once(const char *name, int fd, short wanted);
void tell_error(const char *name, int fd);                         /* SO_ERROR */
void tell_option(const char *name, int fd, int level, int option); /* of type int */
void tell_ioctl(const char *name, int fd, unsigned long request);

/* Waits for a condition: false if it does not come about. */
#define UNTIL_MS(ms, condition)                     \
	({                                          \
		int left_ = ms;                     \
		while (!(condition) && --left_ > 0) \
			usleep(1000);               \
		left_ > 0;                          \
	})
#define UNTIL(condition) UNTIL_MS(PATIENCE_MS, condition)

int tcp(int flags); /* a socket: SOCK_NONBLOCK, ... */
struct sockaddr_in at(const char *address, int port);
struct sockaddr_in peer_at(int port);
long connect_to(int fd, int port); /* of the peer */
/* A connection on which the peer does that. */
int scripted(const char *script);
void go(int fd); /* the peer goes on after "g" */
/* How the last connection that the peer read to its end ("n") ended: an errno, 0 for an end. */
int peer_saw(void);
/* The peer connects to our port and does that there. What came of it: an errno, or 0. */
int called_back(int port, const char *script);
int inq(int fd);
void abandon(int fd); /* closes, without what is not sent */

/* A listening one. */
int server(int port, int flags);

/* What a signal did. */
extern volatile int signals;
void catch_signal(int number, bool restarts);
void alarm_in_ms(int ms);    /* SIGALRM */
void alarm_every_ms(int ms); /* the same, time after time; 0: no more */

void connecting(void);
void interrupted(void);
void listening(void);
void accepting(void);
void bytes(void);
void messages(void);
void ends(void);
void resets(void);
void waiting(void);
void passing(void);
void options(void);
void names(void);

int peer_main(bool multipath);
int taken_main(int port);
