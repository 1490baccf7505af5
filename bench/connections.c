/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Short connections, many at once: each is a socket, a request of one byte, an answer of a
 * kilobyte, and its end. The client is a tree of processes or a set of threads, and says how many
 * seconds all of them took.
 */
#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER = 1024, BACKLOG = 4096, WORKERS_MAX = 1000 };

struct work {
	struct sockaddr_in server;
	unsigned connections; /* of each worker */
};

static int fail(const char *what)
{
	fprintf(stderr, "connections: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

static int serve(const struct sockaddr_in *address)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	static const char answer[ANSWER];

	signal(SIGPIPE, SIG_IGN);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (const struct sockaddr *)address, sizeof(*address)) < 0 ||
	    listen(listener, BACKLOG) < 0)
		return fail("listen");
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		char request;

		if (fd < 0)
			return fail("accept");
		if (read(fd, &request, 1) == 1 && write(fd, answer, ANSWER) != ANSWER)
			fail("write");
		close(fd);
	}
}

static bool converse(int fd, const struct sockaddr_in *server)
{
	char answer[ANSWER];
	size_t got = 0;
	ssize_t n;

	if (connect(fd, (const struct sockaddr *)server, sizeof(*server)) < 0 ||
	    write(fd, "?", 1) != 1)
		return false;
	while ((n = read(fd, answer, sizeof(answer))) > 0)
		got += (size_t)n;
	return n == 0 && got == ANSWER;
}

/* NULL, or something else if one of the connections failed. */
static void *worker(void *data)
{
	struct work *work = data;

	for (unsigned i = 0; i < work->connections; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		bool good = fd >= 0 && converse(fd, &work->server);

		if (!good)
			fail("connection");
		close(fd);
		if (!good)
			return work;
	}
	return NULL;
}

static bool by_children(struct work *work, unsigned workers)
{
	bool good = true;
	int status;

	for (unsigned i = 0; i < workers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return false;
		if (pid == 0)
			_exit(worker(work) ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	for (unsigned i = 0; i < workers; i++)
		good = wait(&status) > 0 && status == 0 && good;
	return good;
}

static bool by_threads(struct work *work, unsigned workers)
{
	pthread_t threads[WORKERS_MAX];
	bool good = true;

	for (unsigned i = 0; i < workers; i++) {
		if (pthread_create(&threads[i], NULL, worker, work) != 0)
			exit(fail("thread"));
	}
	for (unsigned i = 0; i < workers; i++) {
		void *failed;

		good = pthread_join(threads[i], &failed) == 0 && !failed && good;
	}
	return good;
}

static int usage(void)
{
	fputs("usage: connections ADDRESS PORT                                  (server)\n"
	      "       connections ADDRESS PORT COUNT children|threads WORKERS   (client)\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct work work = {.server.sin_family = AF_INET};
	unsigned workers;
	uint64_t start;
	bool good;

	if ((argc != 3 && argc != 6) || inet_pton(AF_INET, argv[1], &work.server.sin_addr) != 1)
		return usage();
	work.server.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	if (argc == 3)
		return serve(&work.server);
	workers = (unsigned)strtoul(argv[5], NULL, 10);
	if (workers < 1 || workers > WORKERS_MAX)
		return usage();
	work.connections = (unsigned)strtoul(argv[3], NULL, 10) / workers;
	start = clock_now();
	good = strcmp(argv[4], "threads") == 0 ? by_threads(&work, workers)
					       : by_children(&work, workers);
	printf("%.6f\n", (double)(clock_now() - start) / NS_PER_S);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
