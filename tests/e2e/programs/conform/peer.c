/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other host: on a connection to PORT_SCRIPT comes a line of commands, which are done one after the other.
 *
 *   sN  send N bytes        a  wait until all is acknowledged     u  send an urgent byte
 *   e   send back all, to the end                                 n  read to the end, and remember how that was
 *   g   wait for a byte     h  stay until the other end has gone  ?  send how the last "n" ended, as one byte
 *   z   end our direction   r  reset                              c  close
 *   wN  wait N ms           x  read to the end
 *   bN  connect to the sender's port N, say by one byte what came of it, and go on there
 *   BN  connect to the sender's port N time after time, until that fails; say by one byte how often it succeeded
 */
#include "conform.h"

#include <linux/filter.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static int *last_end; /* of "n", in memory of all; -1: not yet */

static void send_all(int fd, long size)
{
	static char block[4096];

	memset(block, 'x', sizeof(block));
	while (size > 0) {
		ssize_t done =
			send(fd, block, size < (long)sizeof(block) ? (size_t)size : sizeof(block),
			     MSG_NOSIGNAL);

		if (done <= 0)
			exit(0);
		size -= done;
	}
}

static void send_back(int fd)
{
	char block[65536];
	ssize_t got;

	while ((got = recv(fd, block, sizeof(block), 0)) > 0)
		for (ssize_t sent = 0, done; sent < got; sent += done) {
			done = send(fd, block + sent, (size_t)(got - sent), MSG_NOSIGNAL);
			if (done <= 0)
				exit(0);
		}
}

/* How it was: an errno, or 0. */
static int read_to_end(int fd)
{
	char block[65536];
	ssize_t got;

	while ((got = recv(fd, block, sizeof(block), 0)) > 0)
		continue;
	return got < 0 ? errno : 0;
}

static void stay(int fd)
{
	struct pollfd gone = {.fd = fd, .events = POLLRDHUP};

	poll(&gone, 1, -1);
}

static void wait_acknowledged(int fd)
{
	int left = 1;

	UNTIL(ioctl(fd, SIOCOUTQ, &left) < 0 || left == 0);
}

static void reset(int fd)
{
	const struct linger now = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static int call_back(int control, int port, int ms)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	const struct timeval limit = {ms / 1000, ms % 1000 * 1000};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	getpeername(control, (struct sockaddr *)&address, &size);
	address.sin_port = htons((uint16_t)port);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -errno;
}

static uint8_t call_often(int control, int port)
{
	uint8_t count = 0;

	while (count < 100 && call_back(control, port, count == 0 ? 5000 : 200) >= 0)
		count++;
	return count;
}

/* One command: the socket that the next is for. */
static int perform(int fd, char what, long number)
{
	const char *marks = "?";
	uint8_t byte = 0;
	int other;

	switch (what) {
	case 's':
		send_all(fd, number);
		break;
	case 'u':
		send(fd, marks, 1, MSG_OOB | MSG_NOSIGNAL);
		break;
	case 'a':
		wait_acknowledged(fd);
		break;
	case 'e':
		send_back(fd);
		break;
	case 'n':
		*last_end = read_to_end(fd);
		break;
	case 'x':
		read_to_end(fd);
		break;
	case 'g':
		if (recv(fd, &byte, 1, 0) <= 0)
			exit(0);
		break;
	case 'h':
		stay(fd);
		break;
	case 'z':
		shutdown(fd, SHUT_WR);
		break;
	case 'w':
		usleep((useconds_t)number * 1000);
		break;
	case 'r':
		reset(fd);
		exit(0);
	case 'c':
		exit(0);
	case '?':
		UNTIL(*last_end >= 0);
		byte = (uint8_t)*last_end;
		*last_end = -1;
		send(fd, &byte, 1, MSG_NOSIGNAL);
		break;
	case 'b':
		other = call_back(fd, (int)number, PATIENCE_MS);
		byte = other < 0 ? (uint8_t)-other : 0;
		send(fd, &byte, 1, MSG_NOSIGNAL);
		if (other < 0)
			exit(0);
		return other;
	case 'B':
		byte = call_often(fd, (int)number);
		send(fd, &byte, 1, MSG_NOSIGNAL);
		break;
	}
	return fd;
}

static void serve(int fd)
{
	char script[256] = "", *next = script;
	size_t size = 0;

	while (size < sizeof(script) - 1 && recv(fd, &script[size], 1, 0) == 1 &&
	       script[size] != '\n')
		size++;
	script[size] = '\0';
	alarm(60);
	while (*next) {
		char what = *next++;

		if (what != ' ')
			fd = perform(fd, what, strtol(next, &next, 10));
	}
	exit(0);
}

static int listen_at(int port, int protocol)
{
	const struct sockaddr_in address = at("0.0.0.0", port);
	const int yes = 1;
	int fd = socket(AF_INET, SOCK_STREAM, protocol);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 100) < 0) {
		perror("conform peer");
		exit(2);
	}
	return fd;
}

/* What comes for it is thrown away before TCP sees it. */
static void filter_all(int fd)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET, 0);
	const struct sock_fprog program = {1, &nothing};

	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

int peer_main(bool multipath)
{
	int listener = listen_at(PORT_SCRIPT, multipath ? IPPROTO_MPTCP : IPPROTO_TCP);

	filter_all(listen_at(PORT_FILTERED, IPPROTO_TCP));
	last_end = mmap(NULL, sizeof(*last_end), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	*last_end = -1;
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd >= 0 && fork() == 0) {
			close(listener);
			serve(fd);
		}
		close(fd);
	}
}

int taken_main(int port)
{
	listen_at(port, IPPROTO_TCP);
	if (fork() == 0)
		pause();
	return 0;
}
