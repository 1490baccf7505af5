/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, a program whose connection was lost on the way to the agent would wait for ever, and one whose connection was not
 * would be told that it was. */
#include "base/clock.h"
#include "via/agent/agent.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A stack that connects at once, always to the same. */
struct world {
	struct stack stack;
	struct agent *agent;
	int server; /* that the next connection is to */
	int reply;  /* to the program */
};

static int dial_open(struct stack *stack, const struct stack_dial *dial, struct dialling **ret,
		     struct err *err)
{
	struct world *w = loop_owner(stack, struct world, stack);
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	w->server = ends[0];
	*ret = calloc(1, sizeof(**ret));
	assert_non_null(*ret);
	(*ret)->fd = ends[1];
	return 0;
}

static int dial_go_on(struct dialling *dialling, uint64_t *ret_wake, struct err *err)
{
	return dup(dialling->fd);
}

static void dial_close(struct dialling *dialling)
{
	close(dialling->fd);
	free(dialling);
}

static int status(struct stack *stack, int fd, struct rv_status *ret, struct err *err)
{
	ret->protocol = RV_MPTCP;
	return 0;
}

static const struct stack_ops ops = {.dial_open = dial_open,
				     .dial_go_on = dial_go_on,
				     .dial_close = dial_close,
				     .status = status};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct via_request request = {
		.host = "192.0.2.1", .port = "80", .from.ss_family = AF_INET};
	int ends[2];

	assert_non_null(w);
	w->agent = calloc(1, sizeof(*w->agent));
	assert_non_null(w->agent);
	w->stack.ops = &ops;
	w->agent->stack = &w->stack;
	w->agent->announce = -1;
	w->agent->options.ways.all = WAY_DIRECT;
	TAILQ_INIT(&w->agent->errands);
	TAILQ_INIT(&w->agent->transfers);
	assert_int_equal(loop_open(&w->agent->loop), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	w->reply = ends[0];
	errand_open(w->agent, &request, ends[1], -1);
	while (!TAILQ_FIRST(&w->agent->errands)->connected)
		assert_int_equal(loop_turn(&w->agent->loop, 0), 0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	transfers_close(w->agent);
	assert_true(TAILQ_EMPTY(&w->agent->errands));
	close(w->server);
	close(w->reply);
	loop_close(&w->agent->loop);
	free(w->agent);
	free(w);
	return 0;
}

static int told(const struct world *w)
{
	struct via_reply reply;
	int fd, code = wire_receive(w->reply, &reply, sizeof(reply), &fd);

	assert_int_equal(fd, -1);
	return code < 0 ? code : reply.code;
}

/* Time goes by until the next timer. */
static void wait(struct world *w)
{
	struct loop *loop = &w->agent->loop;

	assert_non_null(loop->first);
	assert_true(loop->first->at < clock_now() + 60 * NS_PER_S);
	loop_set(loop, loop->first, clock_now());
	assert_int_equal(loop_turn(loop, 0), 0);
}

static void nobody_comes(void **state)
{
	struct world *w = *state;

	assert_int_equal(told(w), -EAGAIN);
	wait(w);
	assert_int_equal(told(w), -ETIMEDOUT);
}

static void comes_late(void **state)
{
	struct world *w = *state;
	char got[8] = "";
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	errand_join(TAILQ_FIRST(&w->agent->errands), ends[1]);
	assert_int_equal(told(w), 0);
	assert_null(w->agent->loop.first);
	assert_int_equal(send(ends[0], "hello", 5, 0), 5);
	while (recv(w->server, got, sizeof(got), 0) < 0)
		assert_int_equal(loop_turn(&w->agent->loop, 0), 0);
	assert_string_equal(got, "hello");
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_comes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(comes_late, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
