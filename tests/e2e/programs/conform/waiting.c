/* SPDX-License-Identifier: GPL-2.0-or-later */
/* poll, select and epoll, level and edge; SIGIO; processes that share a socket. */
#include "conform.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/wait.h>

static int watch(int fd, uint32_t events)
{
	struct epoll_event event = {.events = events};
	int epoll = epoll_create1(0);

	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	return epoll;
}

/* What is told within @ms: of one descriptor, so at most one event. */
static void tell_events(const char *name, int epoll, int ms)
{
	struct epoll_event event = {0};
	int count = epoll_wait(epoll, &event, 1, ms);

	if (count == 0)
		say(name, "none");
	else
		say(name, "%s%s%s%s%s", event.events & EPOLLIN ? "IN " : "",
		    event.events & EPOLLOUT ? "OUT " : "", event.events & EPOLLERR ? "ERR " : "",
		    event.events & EPOLLHUP ? "HUP " : "",
		    event.events & EPOLLRDHUP ? "RDHUP" : "");
}

static void level(void)
{
	char text[16];
	int fd = scripted("g s5 a g z h"), epoll = watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP);

	tell_events("level.at first", epoll, 1000);
	tell_events("level.again", epoll, 1000);
	go(fd);
	UNTIL(inq(fd) == 5);
	tell_events("level.data", epoll, 1000);
	recv(fd, text, 2, 0);
	tell_events("level.data in part", epoll, 1000);
	recv(fd, text, 16, 0);
	tell_events("level.no data", epoll, 1000);
	go(fd);
	tell_poll_once("level.poll at the end", fd, POLLRDHUP);
	tell_events("level.end", epoll, 1000);
	close(epoll);
	close(fd);
}

/* TCP wakes up twice for an end, and who asks in between is told twice: both have been when the socket can be had again. */
static void await_end(int fd)
{
	struct pollfd end = {.fd = fd, .events = POLLRDHUP};
	struct tcp_info info;
	socklen_t size = sizeof(info);

	poll(&end, 1, 1000);
	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
}

static void edge(void)
{
	char text[16];
	int fd = scripted("g s5 a g s5 a g z h");
	int epoll = watch(fd, EPOLLIN | EPOLLRDHUP | EPOLLET), out = watch(fd, EPOLLOUT | EPOLLET);

	tell_events("edge.at first", epoll, 0);
	tell_events("edge.writable at first", out, 1000);
	tell_events("edge.writable again", out, 50);
	go(fd);
	tell_events("edge.data", epoll, 1000);
	tell_events("edge.data again", epoll, 50);
	recv(fd, text, 2, 0);
	tell_events("edge.data in part", epoll, 50);
	go(fd);
	tell_events("edge.more data", epoll, 1000);
	recv(fd, text, 16, 0);
	tell_events("edge.no data", epoll, 50);
	go(fd);
	await_end(fd);
	tell_events("edge.end", epoll, 1000);
	tell_events("edge.end again", epoll, 50);
	close(epoll);
	close(out);
	close(fd);
}

/* A connection that is waited for by edge alone, as event loops do. */
static void edge_of_connecting(void)
{
	int fd = tcp(SOCK_NONBLOCK), epoll;

	connect_to(fd, PORT_SCRIPT);
	epoll = watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	tell_events("connecting.edge", epoll, 1000);
	tell_events("connecting.edge again", epoll, 50);
	close(epoll);
	close(fd);
	fd = tcp(SOCK_NONBLOCK);
	epoll = watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET); /* before connect() */
	tell_events("before connecting.edge", epoll, 50);
	connect_to(fd, PORT_FILTERED);
	tell_events("before connecting.while", epoll, 50);
	close(epoll);
	close(fd);
	fd = tcp(SOCK_NONBLOCK);
	connect_to(fd, PORT_CLOSED);
	epoll = watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	tell_events("refused.edge", epoll, 1000);
	close(epoll);
	close(fd);
}

/* Writable once more when the peer reads again. */
static void edge_of_room(void)
{
	static char block[65536];
	int fd = scripted("g x"), epoll = watch(fd, EPOLLOUT | EPOLLET);
	ssize_t done;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	send(fd, "", 1,
	     0); /* "g": the peer reads; then it is stopped by the socket's own room alone */
	do {
		done = send(fd, block, sizeof(block), 0);
	} while (done > 0);
	tell_events("room.edge", epoll, 1000);
	say("room.send", "%d", send(fd, block, 1, 0) == 1);
	close(epoll);
	close(fd);
}

static void edge_of_listening(void)
{
	int fd = server(PORT_OWN, SOCK_NONBLOCK), epoll = watch(fd, EPOLLIN | EPOLLET), a;

	tell_events("listening.at first", epoll, 0);
	called_back(PORT_OWN, "h");
	tell_events("listening.one", epoll, 1000);
	a = accept(fd, NULL, NULL);
	tell_events("listening.none", epoll, 50);
	called_back(PORT_OWN, "h");
	tell_events("listening.another", epoll, 1000);
	close(a);
	close(fd);
	close(epoll);
}

static void low_water(void)
{
	struct pollfd data = {.events = POLLIN};
	const int ten = 10;
	int fd = data.fd = scripted("g s5 a g s5 a h");

	tell("SO_RCVLOWAT", setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &ten, sizeof(ten)));
	tell_option("SO_RCVLOWAT.value", fd, SOL_SOCKET, SO_RCVLOWAT);
	go(fd);
	UNTIL(inq(fd) == 5);
	tell("SO_RCVLOWAT.poll below", poll(&data, 1, 50));
	go(fd);
	tell("SO_RCVLOWAT.poll above", poll(&data, 1, 1000));
	close(fd);
}

static void by_signal(void)
{
	int fd = scripted("g s1 h");

	catch_signal(SIGIO, true);
	fcntl(fd, F_SETOWN, getpid());
	tell("O_ASYNC", fcntl(fd, F_SETFL, O_ASYNC));
	go(fd);
	say("SIGIO", "%d", UNTIL(signals > 0));
	close(fd);
}

static void selected(void)
{
	struct timeval patience = {.tv_sec = 1};
	fd_set in, out;
	int fd = scripted("s1 h");

	UNTIL(inq(fd) == 1);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(fd, &in);
	FD_SET(fd, &out);
	tell("select", select(fd + 1, &in, &out, NULL, &patience));
	close(fd);
}

void waiting(void)
{
	level();
	edge();
	edge_of_connecting();
	edge_of_room();
	edge_of_listening();
	low_water();
	by_signal();
	selected();
}
