/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both ends of connections that go directly or through a SOCKS5 proxy of this host:
 *
 *   through serve PORT                                        answers what follows, a thread for each connection
 *   through down|up ADDRESS PORT PROXY CONNECTIONS SECONDS    Gbit/s of all together
 *   through ask ADDRESS PORT PROXY COUNT                      median us of 64 bytes and their answer
 *   through connect ADDRESS PORT PROXY COUNT                  connections/s, one after the other, each with a byte and an answer
 *   through pause-down|pause-up ADDRESS PORT PROXY SECONDS    ms of the longest time in which the receiver of a stream got nothing
 *   through first ADDRESS PORT PROXY BEGUN                    ms from then (seconds since 1970) to such an answer's first byte
 *   through hold ADDRESS PORT PROXY SECONDS                   says "held" when there is a connection, and keeps it
 *
 * PROXY is its port on the loopback; 0: none.
 */
#include "base/clock.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 131072, QUESTION = 64, THREADS_MAX = 256 };
/* The first byte of a connection. */
enum { DOWN = 'd', UP = 'u', ASK = 'a', CONNECT = 'c', PAUSE_UP = 'p' };
enum { FIRST = 'f', HOLD = 'h', PAUSE = 'p' }; /* modes of the client's alone */

static struct sockaddr_in server;
static int proxy_port;
static uint64_t end_at;

static noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static long number(const char *text)
{
	return strtol(text, NULL, 10);
}

static void set_up(int fd)
{
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void send_all(int fd, const void *bytes, size_t size)
{
	if (send(fd, bytes, size, MSG_NOSIGNAL) != (ssize_t)size)
		die("send");
}

static void receive_all(int fd, void *bytes, size_t size)
{
	if (recv(fd, bytes, size, MSG_WAITALL) != (ssize_t)size)
		die("recv");
}

/* What comes until the end, or until @until: ns of the longest wait for it but the first. */
static uint64_t drain(int fd, char *bytes, uint64_t until)
{
	uint64_t last = 0, longest = 0, now = clock_now();

	while (now < until && recv(fd, bytes, PIECE, 0) > 0) {
		now = clock_now();
		if (last && now - last > longest)
			longest = now - last;
		last = now;
	}
	return longest;
}

static void *answer(void *data)
{
	int fd = (int)(intptr_t)data;
	char *bytes = calloc(1, PIECE), mode;
	ssize_t got;

	set_up(fd);
	if (!bytes || recv(fd, &mode, 1, 0) != 1)
		mode = 0;
	if (mode == DOWN)
		while (send(fd, bytes, PIECE, MSG_NOSIGNAL) > 0)
			;
	if (mode == UP)
		while (recv(fd, bytes, PIECE, 0) > 0)
			;
	if (mode == ASK)
		while ((got = recv(fd, bytes, QUESTION, MSG_WAITALL)) == QUESTION)
			send_all(fd, bytes, QUESTION);
	if (mode == CONNECT)
		send_all(fd, &mode, 1);
	if (mode == PAUSE_UP) {
		uint64_t longest = drain(fd, bytes, UINT64_MAX);

		send_all(fd, &longest, sizeof(longest));
	}
	close(fd);
	free(bytes);
	return NULL;
}

static void serve(int port)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(listener, 1024) < 0)
		die("listen");
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t thread;

		if (fd < 0 || pthread_create(&thread, NULL, answer, (void *)(intptr_t)fd) != 0)
			die("accept");
		pthread_detach(thread);
	}
}

static int dial(char mode)
{
	struct sockaddr_in to = server;
	uint8_t request[13] = {5, 1, 0, 5, 1, 0, 1}, reply[12];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (proxy_port) {
		to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		to.sin_port = htons((uint16_t)proxy_port);
	}
	set_up(fd);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect");
	if (proxy_port) {
		memcpy(request + 7, &server.sin_addr, 4);
		memcpy(request + 11, &server.sin_port, 2);
		send_all(fd, request, sizeof(request));
		receive_all(fd, reply, sizeof(reply));
		if (reply[3] != 0) {
			fprintf(stderr, "through: the proxy answers %d\n", reply[3]);
			exit(1);
		}
	}
	send_all(fd, &mode, 1);
	return fd;
}

static void *stream(void *data)
{
	char mode = *(char *)data, *bytes = calloc(1, PIECE);
	int fd = dial(mode);
	uint64_t sum = 0;

	while (bytes && clock_now() < end_at) {
		ssize_t done = mode == UP ? send(fd, bytes, PIECE, 0) : recv(fd, bytes, PIECE, 0);

		if (done <= 0)
			die("stream");
		sum += (uint64_t)done;
	}
	close(fd);
	free(bytes);
	return (void *)(uintptr_t)sum;
}

static void streams(char mode, int count, double seconds)
{
	pthread_t threads[THREADS_MAX];
	uint64_t begun = clock_now(), sum = 0;

	if (count > THREADS_MAX)
		count = THREADS_MAX;
	end_at = begun + (uint64_t)(seconds * 1e9);
	for (int i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, stream, &mode) != 0)
			die("thread");
	for (int i = 0; i < count; i++) {
		void *moved;

		pthread_join(threads[i], &moved);
		sum += (uintptr_t)moved;
	}
	printf("%.3f\n", (double)sum * 8 / (double)(clock_now() - begun));
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void ask(int count)
{
	uint64_t *took = calloc((size_t)count, sizeof(*took));
	const int middle = count / 2;
	char bytes[QUESTION] = {0};
	int fd = dial(ASK);

	for (int i = 0; took && i < count; i++) {
		uint64_t begun = clock_now();

		send_all(fd, bytes, sizeof(bytes));
		receive_all(fd, bytes, sizeof(bytes));
		took[i] = clock_now() - begun;
	}
	if (!took)
		die("memory");
	qsort(took, (size_t)count, sizeof(*took), compare);
	printf("%.2f\n", (double)took[middle] / 1e3);
	free(took);
}

static void connects(int count)
{
	uint64_t begun = clock_now();

	for (int i = 0; i < count; i++) {
		int fd = dial(CONNECT);
		char byte;

		receive_all(fd, &byte, 1);
		close(fd);
	}
	printf("%.0f\n", count / ((double)(clock_now() - begun) / 1e9));
}

static void first(double begun)
{
	struct timespec now;
	int fd = dial(CONNECT);
	char byte;

	receive_all(fd, &byte, 1);
	clock_gettime(CLOCK_REALTIME, &now);
	printf("%.2f\n", ((double)now.tv_sec - begun + (double)now.tv_nsec / 1e9) * 1e3);
	close(fd);
}

static void pauses(bool up, double seconds)
{
	static char bytes[PIECE];
	uint64_t until = clock_now() + (uint64_t)(seconds * 1e9), longest;
	int fd = dial(up ? PAUSE_UP : DOWN);

	if (up) {
		while (clock_now() < until)
			if (send(fd, bytes, PIECE, MSG_NOSIGNAL) <= 0)
				die("send");
		shutdown(fd, SHUT_WR);
		receive_all(fd, &longest, sizeof(longest));
	} else {
		longest = drain(fd, bytes, until);
	}
	printf("%.2f\n", (double)longest / 1e6);
	close(fd);
}

static void hold(int seconds)
{
	dial(ASK);
	puts("held");
	fflush(stdout);
	sleep((unsigned)seconds);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		serve((int)number(argv[2]));
	if (argc < 6) {
		fputs("usage: see the top of bench/through.c\n", stderr);
		return 2;
	}
	server.sin_family = AF_INET;
	server.sin_port = htons((uint16_t)number(argv[3]));
	inet_pton(AF_INET, argv[2], &server.sin_addr);
	proxy_port = (int)number(argv[4]);
	switch (argv[1][0]) {
	case DOWN:
	case UP:
		streams(argv[1][0], (int)number(argv[5]), argc > 6 ? strtod(argv[6], NULL) : 2);
		break;
	case PAUSE:
		pauses(strcmp(argv[1], "pause-up") == 0, strtod(argv[5], NULL));
		break;
	case FIRST:
		first(strtod(argv[5], NULL));
		break;
	case HOLD:
		hold((int)number(argv[5]));
		break;
	case ASK:
		ask((int)number(argv[5]));
		break;
	default:
		connects((int)number(argv[5]));
	}
	return 0;
}
