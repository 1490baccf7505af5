/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients of a relay whose names wait to be looked up, while the machine has no thread or descriptor left to do it. */
#include "via/server/parts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define WAITING 3

static int refuse(struct stack *stack, const struct stack_dial *how, struct dialling **ret,
		  struct err *err)
{
	return err_set(err, -EMFILE, "no descriptors");
}

static void add_waiting(struct server *server, int fd)
{
	struct visitor *visitor = calloc(1, sizeof(*visitor));

	assert_non_null(visitor);
	visitor->server = server;
	visitor->client = -1;
	visitor->source.fd = fd;
	visitor->wish = calloc(1, sizeof(*visitor->wish));
	assert_non_null(visitor->wish);
	visitor->wish->request.ops = &request_connect;
	strcpy(visitor->host, "server.example");
	strcpy(visitor->port, "443");
	visitor->state = VISITOR_WAITS;
	visitor->waiting = true;
	TAILQ_INSERT_TAIL(&server->all, visitor, all);
	TAILQ_INSERT_TAIL(&server->waiting, visitor, queue);
	server->count++;
}

/* Lost: all who wait behind one whose look-up cannot begin, for nobody would see to them any more, nor do they have a time limit. */
static void nobody_waits_behind_one_that_fails(void **state)
{
	const struct stack_ops ops = {.dial_open = refuse};
	struct stack stack = {.ops = &ops};
	struct server server = {.options.out = &stack};
	int theirs[WAITING];

	assert_int_equal(loop_open(&server.loop), 0);
	TAILQ_INIT(&server.all);
	TAILQ_INIT(&server.waiting);
	for (unsigned i = 0; i < WAITING; i++) {
		int ends[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
		add_waiting(&server, ends[0]);
		theirs[i] = ends[1];
	}
	onward_admit(&server);
	assert_true(TAILQ_EMPTY(&server.waiting));
	for (unsigned i = 0; i < WAITING; i++) {
		char reply[512] = {0};

		assert_true(recv(theirs[i], reply, sizeof(reply) - 1, 0) > 0);
		assert_non_null(strstr(reply, "HTTP/1.1 5"));
		close(theirs[i]);
	}
	while (!TAILQ_EMPTY(&server.all))
		visitor_close(TAILQ_FIRST(&server.all), NULL);
	assert_int_equal(server.count, 0);
	loop_close(&server.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_waits_behind_one_that_fails)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
