/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Servers: their ports, their queues, and what accept() gives. */
#include "conform.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <sys/wait.h>

static long bind_to(int fd, const char *address, int port)
{
	const struct sockaddr_in own = at(address, port);

	return bind(fd, (const struct sockaddr *)&own, sizeof(own));
}

static int port_of(int fd)
{
	struct sockaddr_in6 own = {0};
	socklen_t size = sizeof(own);

	getsockname(fd, (struct sockaddr *)&own, &size);
	return ntohs(own.sin6_port);
}

static void ports(void)
{
	const struct sockaddr_in own = at("0.0.0.0", PORT_OWN);
	const struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	int fd = tcp(0), other = tcp(0);

	tell("bind.taken by another program", bind_to(fd, "0.0.0.0", PORT_TAKEN));
	tell("bind.elsewhere", bind_to(fd, "192.0.2.1", PORT_OWN));
	tell("bind.of another family", bind(fd, (const struct sockaddr *)&six, sizeof(six)));
	tell("bind.short", bind(fd, (const struct sockaddr *)&own, 8));
	tell("bind.wild", bind(fd, (const struct sockaddr *)8, sizeof(own)));
	tell("bind", bind_to(fd, "0.0.0.0", PORT_OWN));
	say("bind.port", "%d", port_of(fd));
	tell("bind.again", bind_to(fd, "0.0.0.0", PORT_OWN + 1));
	tell("bind.taken by ourselves", bind_to(other, "0.0.0.0", PORT_OWN));
	tell_poll("bind.poll", fd);
	close(fd);
	tell("bind.closed meanwhile", bind_to(other, "0.0.0.0", PORT_OWN));
	close(other);
	fd = tcp(0);
	tell("bind.any", bind_to(fd, "0.0.0.0", 0));
	say("bind.any has a port", "%d", port_of(fd) > 0);
	close(fd);
	fd = tcp(0);
	tell("listen.without bind", listen(fd, 1));
	say("listen.has a port", "%d", port_of(fd) > 0);
	tell("listen.again", listen(fd, 5));
	close(fd);
}

static void reuse(void)
{
	const int yes = 1;
	int a = tcp(0), b = tcp(0), c = tcp(0);

	setsockopt(a, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
	setsockopt(b, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
	bind_to(a, "0.0.0.0", PORT_OWN);
	listen(a, 1);
	tell("reuseport.second", bind_to(b, "0.0.0.0", PORT_OWN));
	tell("reuseport.second listens", listen(b, 1));
	tell("reuseport.without", bind_to(c, "0.0.0.0", PORT_OWN));
	close(a);
	close(b);
	close(c);
	/* A server that starts again while connections of the last one are there. */
	a = server(PORT_OWN, 0);
	called_back(PORT_OWN, "h");
	b = accept(a, NULL, NULL);
	close(a);
	c = tcp(0);
	tell("reuseaddr.without", bind_to(c, "0.0.0.0", PORT_OWN));
	setsockopt(c, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	tell("reuseaddr.with", bind_to(c, "0.0.0.0", PORT_OWN));
	tell("reuseaddr.listens", listen(c, 1));
	close(b);
	close(c);
}

static int how_many(int backlog)
{
	char script[32];
	uint8_t count = 0;
	int fd = tcp(0), control;
	const int yes = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	bind_to(fd, "0.0.0.0", PORT_OWN + 1 + backlog);
	listen(fd, backlog);
	snprintf(script, sizeof(script), "B%d", PORT_OWN + 1 + backlog);
	control = scripted(script);
	recv(control, &count, 1, 0);
	close(control);
	close(fd);
	return count;
}

static void queues(void)
{
	say("backlog.0", "%d", how_many(0));
	say("backlog.3", "%d", how_many(3));
}

static void idle_listener(void)
{
	char byte;
	int fd = server(PORT_OWN, SOCK_NONBLOCK);

	tell_poll("idle.poll", fd);
	tell("idle.accept", accept(fd, NULL, NULL));
	tell("idle.accept4, odd flags", accept4(fd, NULL, NULL, 1));
	tell("idle.connect", connect_to(fd, PORT_SCRIPT));
	tell("idle.recv", recv(fd, &byte, 1, 0));
	tell("idle.send", send(fd, "x", 1, MSG_NOSIGNAL));
	tell_ioctl("idle.FIONREAD", fd, FIONREAD);
	tell_ioctl("idle.SIOCOUTQ", fd, SIOCOUTQ);
	tell_option("idle.SO_ACCEPTCONN", fd, SOL_SOCKET, SO_ACCEPTCONN);
	tell_option("idle.SO_ERROR", fd, SOL_SOCKET, SO_ERROR);
	tell("idle.bind", bind_to(fd, "0.0.0.0", 0));
	tell("closed.by the peer", called_back(PORT_OWN, "h"));
	close(fd);
	UNTIL(called_back(PORT_OWN, "h") == ECONNREFUSED);
	say("closed.refuses", "%s", errno_name(called_back(PORT_OWN, "h")));
}

static void *close_down(void *data)
{
	usleep(50000);
	tell("shut.shutdown", shutdown(*(int *)data, SHUT_RDWR));
	return NULL;
}

static void shut_listener(void)
{
	pthread_t thread;
	int fd = server(PORT_OWN + 7, 0);

	pthread_create(&thread, NULL, close_down, &fd);
	tell("shut.accept", accept(fd, NULL, NULL));
	pthread_join(thread, NULL);
	tell_poll("shut.poll", fd);
	tell("shut.accept again", accept(fd, NULL, NULL));
	say("shut.refuses", "%s", errno_name(called_back(PORT_OWN + 7, "h")));
	tell("shut.listen", listen(fd, 1));
	say("shut.serves", "%s", errno_name(called_back(PORT_OWN + 7, "h")));
	close(fd);
}

static void both_families(void)
{
	const struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(PORT_OWN + 8)};
	struct sockaddr_in6 who = {0};
	socklen_t size = sizeof(who);
	char text[INET6_ADDRSTRLEN];
	const int yes = 1;
	int fd = socket(AF_INET6, SOCK_STREAM, 0), other = tcp(0), accepted;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	tell("dual.bind", bind(fd, (const struct sockaddr *)&any, sizeof(any)));
	tell("dual.listen", listen(fd, 3));
	tell("dual.IPv4 as well", bind_to(other, "0.0.0.0", PORT_OWN + 8));
	say("dual.call", "%s", errno_name(called_back(PORT_OWN + 8, "h")));
	accepted = accept(fd, (struct sockaddr *)&who, &size);
	say("dual.accept", "%s, %u bytes", inet_ntop(AF_INET6, &who.sin6_addr, text, sizeof(text)),
	    size);
	size = sizeof(who);
	getsockname(accepted, (struct sockaddr *)&who, &size);
	say("dual.name", "%u bytes, %d", size, ntohs(who.sin6_port));
	close(accepted);
	close(fd);
	close(other);
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	other = tcp(0);
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	tell("only.bind", bind(fd, (const struct sockaddr *)&any, sizeof(any)));
	tell("only.listen", listen(fd, 3));
	tell("only.IPv4 as well", bind_to(other, "0.0.0.0", PORT_OWN + 8));
	say("only.call", "%s", errno_name(called_back(PORT_OWN + 8, "h")));
	close(fd);
	close(other);
}

void listening(void)
{
	ports();
	reuse();
	queues();
	idle_listener();
	shut_listener();
	both_families();
}

static void from_outside(void)
{
	struct sockaddr_in who = {0}, same = {0};
	struct pollfd more = {.events = POLLIN};
	socklen_t size = sizeof(who);
	char byte;
	int fd = more.fd = server(PORT_OWN, SOCK_NONBLOCK), a, b;

	say("call", "%s", errno_name(called_back(PORT_OWN, "s5 h")));
	tell_poll_once("poll", fd, POLLIN);
	tell("connect", connect_to(fd, PORT_SCRIPT));
	called_back(PORT_OWN, "h");
	usleep(20000);
	a = accept4(fd, (struct sockaddr *)&who, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	say("size of the address", "%u", size);
	say("F_GETFL", "%#x", fcntl(a, F_GETFL));
	say("F_GETFD", "%#x", fcntl(a, F_GETFD));
	size = sizeof(same);
	tell("peer", getpeername(a, (struct sockaddr *)&same, &size));
	say("peer is the same", "%d", memcmp(&who, &same, sizeof(who)) == 0);
	say("port", "%d", port_of(a));
	tell_poll_once("poll of the accepted one", a, POLLIN | POLLOUT);
	say("FIONREAD", "%d", UNTIL(inq(a) == 5));
	/* There is a second one, and no third. */
	tell("poll for the second", poll(&more, 1, 1000));
	b = accept(fd, NULL, NULL);
	say("F_GETFL of accept", "%#x", fcntl(b, F_GETFL));
	say("F_GETFD of accept", "%#x", fcntl(b, F_GETFD));
	tell("third", accept(fd, NULL, NULL));
	tell("poll for the third", poll(&more, 1, 20));
	tell("wild address", accept(fd, (struct sockaddr *)8, &size));
	called_back(PORT_OWN, "h");
	poll(&more, 1, 1000);
	tell("wild address of one", accept(fd, (struct sockaddr *)8, &size));
	close(a);
	close(b);
	/* Reset before it was accepted. */
	called_back(PORT_OWN, "s5 a r");
	usleep(50000);
	poll(&more, 1, 1000);
	a = accept(fd, NULL, NULL);
	say("reset before", "%d", a >= 0);
	tell_poll_once("reset before, poll", a, POLLHUP);
	tell("reset before, data", recv(a, &same, 5, 0));
	tell("reset before, recv", recv(a, &byte, 1, 0));
	tell("reset before, recv again", recv(a, &byte, 1, 0));
	close(a);
	/* Ended before it was accepted. */
	called_back(PORT_OWN, "s5 c");
	usleep(50000);
	poll(&more, 1, 1000);
	a = accept(fd, NULL, NULL);
	tell_poll_once("ended before, poll", a, POLLRDHUP);
	tell("ended before, data", recv(a, &same, 5, 0));
	tell("ended before, recv", recv(a, &byte, 1, 0));
	close(a);
	close(fd);
}

static void from_ourselves(void)
{
	const struct sockaddr_in own = at("127.0.0.1", PORT_OWN);
	struct sockaddr_in who = {0}, same = {0};
	socklen_t size = sizeof(who);
	int fd = server(PORT_OWN, 0), a = tcp(0), b;
	char text[6] = "";

	tell("loopback.connect", connect(a, (const struct sockaddr *)&own, sizeof(own)));
	b = accept(fd, (struct sockaddr *)&who, &size);
	getsockname(a, (struct sockaddr *)&same, &size);
	say("loopback.names", "%d", memcmp(&who, &same, sizeof(who)) == 0);
	send(b, "hello", 5, 0);
	tell("loopback.recv", recv(a, text, 5, MSG_WAITALL));
	say("loopback.text", "%s", text);
	close(a);
	close(b);
	close(fd);
}

/* Processes that share a listening socket. */
static void prefork(void)
{
	int fd = server(PORT_OWN, 0), served = 0;
	pid_t workers[4];

	for (unsigned i = 0; i < 4; i++) {
		workers[i] = fork();
		if (workers[i] == 0) {
			int a = accept(fd, NULL, NULL);

			_exit(a < 0 || send(a, "w", 1, 0) != 1);
		}
	}
	for (unsigned i = 0; i < 4; i++)
		served += called_back(PORT_OWN, "g") == 0;
	say("prefork.calls", "%d", served);
	for (unsigned i = 0; i < 4; i++) {
		int status = -1;

		waitpid(workers[i], &status, 0);
		served -= status == 0;
	}
	say("prefork.not served", "%d", served);
	close(fd);
}

void accepting(void)
{
	from_outside();
	from_ourselves();
	prefork();
}
