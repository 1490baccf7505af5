/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets before they are connected, and how they become so, or not. */
#include "conform.h"

#include <linux/sockios.h>
#include <net/if.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/stat.h>

static void fresh(void)
{
	struct ifreq interface = {.ifr_name = "lo"};
	struct stat st;
	char byte;
	int fd = tcp(0);

	tell_poll("fresh.poll", fd);
	tell_ioctl("fresh.FIONREAD", fd, FIONREAD);
	tell_ioctl("fresh.SIOCOUTQ", fd, SIOCOUTQ);
	tell("fresh.send", send(fd, "x", 1, MSG_NOSIGNAL));
	tell("fresh.write", write(fd, "x", 1));
	tell("fresh.recv", recv(fd, &byte, 1, 0));
	tell("fresh.read", read(fd, &byte, 1));
	tell("fresh.shutdown", shutdown(fd, SHUT_WR));
	tell("fresh.accept", accept(fd, NULL, NULL));
	tell("fresh.connect nowhere",
	     connect(fd, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr)));
	tell("fresh.SIOCGIFADDR", ioctl(fd, SIOCGIFADDR, &interface));
	tell("fresh.SIOCGIFINDEX", ioctl(fd, SIOCGIFINDEX, &interface));
	say("fresh.F_GETFL", "%#x", fcntl(fd, F_GETFL));
	say("fresh.F_GETFD", "%#x", fcntl(fd, F_GETFD));
	fstat(fd, &st);
	say("fresh.is a socket", "%d", S_ISSOCK(st.st_mode));
	tell("fresh.lseek", lseek(fd, 0, SEEK_SET));
	tell("fresh.connect after all that", connect_to(fd, PORT_SCRIPT));
	close(fd);
	fd = tcp(SOCK_NONBLOCK | SOCK_CLOEXEC);
	say("flags.F_GETFL", "%#x", fcntl(fd, F_GETFL));
	say("flags.F_GETFD", "%#x", fcntl(fd, F_GETFD));
	close(fd);
}

static void addresses(void)
{
	const struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(PORT_CLOSED)};
	const struct sockaddr_in many = at("255.255.255.255", PORT_CLOSED);
	const struct sockaddr_in peer = peer_at(PORT_CLOSED), own = at("127.0.0.1", PORT_CLOSED);
	int fd = tcp(0);

	tell("address.of another family", connect(fd, (const struct sockaddr *)&six, sizeof(six)));
	tell("address.short", connect(fd, (const struct sockaddr *)&peer, 8));
	tell("address.of one byte", connect(fd, (const struct sockaddr *)&peer, 1));
	tell("address.too long", connect(fd, (const struct sockaddr *)&peer, 1000));
	tell("address.negative", connect(fd, (const struct sockaddr *)&peer, (socklen_t)-1));
	tell("address.wild", connect(fd, (const struct sockaddr *)8, sizeof(peer)));
	tell("address.of all", connect(fd, (const struct sockaddr *)&many, sizeof(many)));
	tell("address.of ourselves", connect(fd, (const struct sockaddr *)&own, sizeof(own)));
	close(fd);
}

static void blocking(void)
{
	int fd = tcp(0);

	tell("blocking.closed", connect_to(fd, PORT_CLOSED));
	tell_poll("blocking.closed, poll", fd);
	tell_error("blocking.closed, SO_ERROR", fd);
	tell("blocking.closed again", connect_to(fd, PORT_CLOSED));
	tell("blocking.open, then", connect_to(fd, PORT_SCRIPT));
	tell_poll_once("blocking.open, poll", fd, POLLOUT);
	tell("blocking.open again", connect_to(fd, PORT_SCRIPT));
	tell("blocking.listen", listen(fd, 1));
	tell("blocking.disconnect",
	     connect(fd, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr)));
	tell_poll("blocking.disconnected, poll", fd);
	tell("blocking.connect after disconnect", connect_to(fd, PORT_SCRIPT));
	close(fd);
}

static void open_port(void)
{
	int fd = tcp(SOCK_NONBLOCK);

	tell("open.connect", connect_to(fd, PORT_SCRIPT));
	tell_poll_once("open.poll", fd, POLLOUT);
	tell_error("open.SO_ERROR", fd);
	tell("open.connect again", connect_to(fd, PORT_SCRIPT));
	tell("open.connect a third time", connect_to(fd, PORT_SCRIPT));
	tell("open.send", send(fd, "e\n", 2, 0));
	close(fd);
}

static int failed(void)
{
	int fd = tcp(SOCK_NONBLOCK);
	struct pollfd out = {.fd = fd, .events = POLLOUT};

	connect_to(fd, PORT_CLOSED);
	poll(&out, 1, PATIENCE_MS);
	return fd;
}

static void closed_port(void)
{
	struct timeval at_once = {0};
	fd_set sets[3];
	char byte;
	int fd = failed();

	tell_poll("closed.poll", fd);
	for (unsigned i = 0; i < 3; i++) {
		FD_ZERO(&sets[i]);
		FD_SET(fd, &sets[i]);
	}
	tell("closed.select", select(fd + 1, &sets[0], &sets[1], &sets[2], &at_once));
	tell_error("closed.SO_ERROR", fd);
	tell_error("closed.SO_ERROR again", fd);
	tell_poll("closed.poll after SO_ERROR", fd);
	tell("closed.connect after SO_ERROR", connect_to(fd, PORT_CLOSED));
	tell("closed.connect anew", connect_to(fd, PORT_SCRIPT));
	tell_poll_once("closed.poll anew", fd, POLLOUT);
	tell_error("closed.SO_ERROR anew", fd);
	close(fd);
	fd = failed();
	tell("closed.connect", connect_to(fd, PORT_SCRIPT));
	tell("closed.connect, then", connect_to(fd, PORT_SCRIPT));
	close(fd);
	fd = failed();
	tell("closed.recv", recv(fd, &byte, 1, 0));
	tell("closed.recv again", recv(fd, &byte, 1, 0));
	close(fd);
	fd = failed();
	tell("closed.send", send(fd, "x", 1, MSG_NOSIGNAL));
	tell("closed.send again", send(fd, "x", 1, MSG_NOSIGNAL));
	tell("closed.listen", listen(fd, 1));
	close(fd);
}

static void filtered_port(void)
{
	const struct sockaddr_in own = at("0.0.0.0", 0);
	const unsigned patience = 500;
	struct pollfd wait = {.events = POLLIN | POLLOUT};
	char byte;
	int fd = wait.fd = tcp(SOCK_NONBLOCK);

	tell("filtered.connect", connect_to(fd, PORT_FILTERED));
	tell("filtered.connect again", connect_to(fd, PORT_FILTERED));
	tell("filtered.poll", poll(&wait, 1, 50));
	tell_error("filtered.SO_ERROR", fd);
	tell("filtered.send", send(fd, "x", 1, MSG_NOSIGNAL));
	tell("filtered.recv", recv(fd, &byte, 1, 0));
	tell("filtered.listen", listen(fd, 1));
	tell("filtered.bind", bind(fd, (const struct sockaddr *)&own, sizeof(own)));
	tell("filtered.disconnect",
	     connect(fd, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr)));
	tell("filtered.connect after disconnect", connect_to(fd, PORT_SCRIPT));
	tell_poll_once("filtered.poll after disconnect", fd, POLLOUT);
	close(fd);
	fd = tcp(SOCK_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience));
	tell("filtered.connect with patience", connect_to(fd, PORT_FILTERED));
	tell_poll_once("filtered.poll with patience", fd, POLLERR | POLLHUP);
	tell_error("filtered.SO_ERROR with patience", fd);
	close(fd);
}

void connecting(void)
{
	fresh();
	addresses();
	blocking();
	open_port();
	closed_port();
	filtered_port();
}

static int impatient(int option, int ms)
{
	const struct timeval limit = {ms / 1000, ms % 1000 * 1000};
	int fd = tcp(0);

	setsockopt(fd, SOL_SOCKET, option, &limit, sizeof(limit));
	return fd;
}

static void interrupted_connect(void)
{
	const unsigned patience = 500;
	int fd = tcp(0);

	catch_signal(SIGALRM, false);
	alarm_in_ms(50);
	tell("connect.interrupted", connect_to(fd, PORT_FILTERED));
	tell_poll("connect.interrupted, poll", fd);
	tell_error("connect.interrupted, SO_ERROR", fd);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	tell("connect.interrupted, again", connect_to(fd, PORT_FILTERED));
	close(fd);
	fd = tcp(0);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience));
	catch_signal(SIGALRM, true);
	alarm_in_ms(50);
	tell("connect.restarted", connect_to(fd, PORT_FILTERED));
	say("connect.restarted, signals", "%d", signals);
	close(fd);
	fd = impatient(SO_SNDTIMEO, 50);
	tell("connect.SO_SNDTIMEO", connect_to(fd, PORT_FILTERED));
	tell_poll("connect.SO_SNDTIMEO, poll", fd);
	tell("connect.SO_SNDTIMEO again", connect_to(fd, PORT_FILTERED));
	close(fd);
}

static void interrupted_accept(void)
{
	const struct timeval limit = {.tv_usec = 50000};
	int fd = server(PORT_OWN, 0);

	catch_signal(SIGALRM, false);
	alarm_in_ms(50);
	tell("accept.interrupted", accept(fd, NULL, NULL));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	tell("accept.SO_RCVTIMEO", accept(fd, NULL, NULL));
	close(fd);
}

static void interrupted_bytes(void)
{
	static char block[1 << 16];
	int fd = scripted("h");
	ssize_t done;
	char byte;

	catch_signal(SIGALRM, false);
	alarm_in_ms(50);
	tell("recv.interrupted", recv(fd, &byte, 1, 0));
	alarm_every_ms(300);
	while ((done = send(fd, block, sizeof(block), 0)) == sizeof(block))
		continue;
	say("send.interrupted", "%d", done > 0 || errno == EINTR);
	alarm_every_ms(0);
	abandon(fd);
	fd = impatient(SO_RCVTIMEO, 50);
	connect_to(fd, PORT_SCRIPT);
	tell("recv.SO_RCVTIMEO", recv(fd, &byte, 1, 0));
	close(fd);
	fd = impatient(SO_SNDTIMEO, 50);
	connect_to(fd, PORT_SCRIPT);
	send(fd, "h\n", 2, 0);
	while ((done = send(fd, block, sizeof(block), 0)) > 0)
		continue;
	tell("send.SO_SNDTIMEO", done);
	abandon(fd);
	fd = scripted("g s1 h");
	catch_signal(SIGALRM, true);
	alarm_in_ms(50);
	go(fd);
	tell("recv.restarted", recv(fd, &byte, 1, 0) == 1);
	close(fd);
}

void interrupted(void)
{
	interrupted_connect();
	interrupted_accept();
	interrupted_bytes();
}
