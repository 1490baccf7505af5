/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How connections end, in order (ends) and not (resets). */
#include "conform.h"

#include <linux/sockios.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static void tell_rest(const char *what, int fd)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	struct tcp_info info = {0};
	char name[64], byte;
	int unsent;

#define NAMED(part) (snprintf(name, sizeof(name), "%s." part, what), name)
	tell(NAMED("recv"), recv(fd, &byte, 1, MSG_DONTWAIT));
	tell(NAMED("recv again"), recv(fd, &byte, 1, MSG_DONTWAIT));
	tell(NAMED("send"), send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT));
	tell(NAMED("send again"), send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT));
	tell_error(NAMED("SO_ERROR"), fd);
	tell(NAMED("getpeername"), getpeername(fd, (struct sockaddr *)&address, &size));
	size = sizeof(address);
	tell(NAMED("getsockname"), getsockname(fd, (struct sockaddr *)&address, &size));
	say(NAMED("has a port"), "%d", address.sin_port != 0);
	tell(NAMED("shutdown"), shutdown(fd, SHUT_WR));
	tell(NAMED("connect"), connect_to(fd, PORT_SCRIPT));
	/* What a peer of MPTCP throws away it acknowledges, but not at once. */
	UNTIL_MS(500, ioctl(fd, SIOCOUTQ, &unsent) < 0 || unsent == 0);
	tell_ioctl(NAMED("SIOCOUTQ"), fd, SIOCOUTQ);
	size = sizeof(info);
	tell(NAMED("TCP_INFO"), getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size));
	say(NAMED("state"), "%u", info.tcpi_state);
	tell_poll(NAMED("poll at last"), fd);
}

static void ours_first(void)
{
	char text[8];
	int fd = scripted("e w300"); /* so that its end comes when ours has been told twice */

	tell_poll_once("idle.poll", fd, POLLOUT);
	tell("shutdown.odd", shutdown(fd, 7));
	send(fd, "abc", 3, 0);
	tell("shutdown", shutdown(fd, SHUT_WR));
	tell("shutdown.again", shutdown(fd, SHUT_WR));
	catch_signal(SIGPIPE, true);
	tell("shutdown.send", send(fd, "x", 1, 0));
	say("shutdown.SIGPIPE", "%d", signals);
	tell("shutdown.MSG_NOSIGNAL", send(fd, "x", 1, MSG_NOSIGNAL));
	say("shutdown.SIGPIPE with MSG_NOSIGNAL", "%d", signals);
	signal(SIGPIPE, SIG_IGN);
	tell("shutdown.recv", recv(fd, text, 3, MSG_WAITALL));
	tell_poll_once("both.poll", fd, POLLHUP);
	usleep(20000);
	tell_rest("both", fd);
	close(fd);
	fd = scripted("h");
	shutdown(fd, SHUT_WR);
	tell_poll_once("half.poll", fd, POLLOUT);
	close(fd);
}

static void theirs_first(void)
{
	char text[8];
	int fd = scripted("s3 z n");

	tell_poll_once("theirs.poll", fd, POLLRDHUP);
	say("theirs.FIONREAD", "%d", inq(fd));
	tell("theirs.recv", recv(fd, text, 8, MSG_WAITALL));
	tell("theirs.recv at the end", recv(fd, text, 8, 0));
	tell("theirs.send", send(fd, "abc", 3, 0));
	close(fd);
	say("theirs.saw", "%s", errno_name(peer_saw()));
}

static void not_listening(void)
{
	char text[8];
	int fd = scripted("g s3 n");

	tell("SHUT_RD", shutdown(fd, SHUT_RD));
	tell_poll("SHUT_RD.poll", fd);
	tell("SHUT_RD.recv", recv(fd, text, 8, 0));
	go(fd);
	tell("SHUT_RD.send", send(fd, "abc", 3, MSG_NOSIGNAL));
	say("SHUT_RD.data that comes", "%d", UNTIL_MS(1000, inq(fd) == 3));
	tell("SHUT_RD.recv of it", recv(fd, text, 8, MSG_DONTWAIT));
	shutdown(fd, SHUT_WR);
	say("SHUT_RD.saw", "%s", errno_name(peer_saw()));
	close(fd);
	fd = scripted("g n");
	go(fd);
	tell("SHUT_RDWR", shutdown(fd, SHUT_RDWR));
	tell_poll_once("SHUT_RDWR.poll", fd, POLLHUP);
	tell("SHUT_RDWR.recv", recv(fd, text, 8, 0));
	tell("SHUT_RDWR.send", send(fd, "x", 1, MSG_NOSIGNAL));
	say("SHUT_RDWR.saw", "%s", errno_name(peer_saw()));
	close(fd);
}

/* A connection that the peer is reading from already: MPTCP tells nobody of a reset that came before accept(). */
static int read_by_peer(void)
{
	int fd = scripted("s1 n");
	char byte;

	recv(fd, &byte, 1, 0);
	return fd;
}

/* What the peer sees of our ends. */
static void seen(void)
{
	const struct linger now = {.l_onoff = 1}, later = {.l_onoff = 1, .l_linger = 1};
	struct timespec before, after;
	static char block[1 << 20];
	const int little = 65536;
	int fd = read_by_peer();
	pid_t pid;

	close(fd);
	say("close", "%s", errno_name(peer_saw()));
	fd = read_by_peer();
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
	say("linger 0", "%s", errno_name(peer_saw()));
	fd = scripted("s5 n");
	UNTIL(inq(fd) == 5);
	close(fd);
	say("close with unread data", "%s", errno_name(peer_saw()));
	for (int how = 0; how < 2; how++) {
		fd = read_by_peer();
		pid = fork();
		if (pid == 0 && how == 0)
			_exit(send(fd, "x", 1, 0) != 1);
		if (pid == 0)
			pause();
		close(fd);
		if (how == 1)
			kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		say(how == 0 ? "exit" : "killed", "%s", errno_name(peer_saw()));
	}
	fd = scripted("w1500 r");
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (send(fd, block, sizeof(block), 0) > 0)
		usleep(20000);
	fcntl(fd, F_SETFL, 0);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &later, sizeof(later));
	clock_gettime(CLOCK_MONOTONIC, &before);
	close(fd);
	clock_gettime(CLOCK_MONOTONIC, &after);
	say("linger 1.close waits", "%d",
	    after.tv_sec - before.tv_sec + (after.tv_nsec - before.tv_nsec) / 1e9 > 0.5);
}

void ends(void)
{
	ours_first();
	theirs_first();
	not_listening();
	seen();
}

static int reset_by_peer(void)
{
	int fd = scripted("g r");
	struct pollfd gone = {.fd = fd};

	go(fd);
	poll(&gone, 1, PATIENCE_MS);
	return fd;
}

static void tell_all(const char *name, int fd)
{
	char block[65536];
	long sum = 0;
	ssize_t got;

	while ((got = recv(fd, block, sizeof(block), 0)) > 0)
		sum += got;
	say(name, "%ld, then %s", sum, got < 0 ? errno_name(errno) : "the end");
}

void resets(void)
{
	struct pollfd gone = {.events = POLLIN};
	int fd = reset_by_peer();

	tell_poll("poll", fd);
	tell_rest("recv first", fd);
	close(fd);
	fd = reset_by_peer();
	tell_error("SO_ERROR", fd);
	tell_poll("SO_ERROR.poll", fd);
	tell_rest("after SO_ERROR", fd);
	close(fd);
	fd = reset_by_peer();
	tell("send", send(fd, "x", 1, MSG_NOSIGNAL));
	tell("send again", send(fd, "x", 1, MSG_NOSIGNAL));
	close(fd);
	/* What came before the reset is there to be read. */
	fd = scripted("s50000 a r");
	gone.fd = fd;
	gone.events = POLLRDHUP;
	poll(&gone, 1, PATIENCE_MS);
	tell_all("data before it", fd);
	close(fd);
	/* The peer closes, with something of ours unread: a reset, after all that it sent. */
	fd = scripted("g s1000 a g s50000 a c");
	send(fd, "ggunread", 8, 0);
	gone.fd = fd;
	poll(&gone, 1, PATIENCE_MS);
	tell_all("data before a close with unread data", fd);
	close(fd);
	/* Writing to somebody who has gone. */
	fd = scripted("c");
	gone.fd = fd;
	poll(&gone, 1, PATIENCE_MS);
	tell("to nobody.first", send(fd, "x", 1, MSG_NOSIGNAL));
	gone.events = 0;
	poll(&gone, 1, PATIENCE_MS);
	tell_poll("to nobody.poll", fd);
	catch_signal(SIGPIPE, true);
	tell("to nobody.then", send(fd, "x", 1, 0));
	say("to nobody.SIGPIPE", "%d", signals);
	signal(SIGPIPE, SIG_IGN);
	tell_rest("to nobody", fd);
	close(fd);
	fd = scripted("g c");
	go(fd);
	gone.fd = fd;
	gone.events = POLLRDHUP;
	poll(&gone, 1, PATIENCE_MS);
	send(fd, "x", 1, MSG_NOSIGNAL);
	gone.events = 0;
	poll(&gone, 1, PATIENCE_MS);
	tell_error("to nobody.SO_ERROR first", fd);
	close(fd);
}
