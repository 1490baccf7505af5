/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process of stack lkl, asked as the stack asks it. Without these, a program of several processes of which one is killed while it
 * makes a socket, or takes a connection, would wait for ever in the others; and so would connections that wait for a port number. */
#include "stack/lkl_wire.h"
#include "base/cleanup.h"
#include "base/fds.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#define PATIENCE 10000 /* ms */

static const char *program;

struct helper {
	int wire;
	pid_t pid;
	uint32_t sequence;
	struct lkl_answer answer;
};

static bool is_readable(int fd, int patience)
{
	struct pollfd is = {.fd = fd, .events = POLLIN};

	return poll(&is, 1, patience) == 1;
}

/* Its result. What it is asked in vain is not answered. */
static int ask(struct helper *h, struct lkl_request *request, size_t size, const int *fds,
	       unsigned count)
{
	request->sequence = ++h->sequence;
	assert_int_equal(fds_send_all(h->wire, fds, count, request, size), 0);
	assert_true(is_readable(h->wire, PATIENCE));
	assert_true(recv(h->wire, &h->answer, sizeof(h->answer), 0) >= (ssize_t)LKL_ANSWER_SIZE);
	assert_int_equal(h->answer.sequence, h->sequence);
	return h->answer.result;
}

static int start(void **state)
{
	static struct helper h;
	struct lkl_request request = {
		.kind = LKL_START,
		.start = {.memory = LKL_MEMORY, .ranges = {.count = 1, .all = {{40000, 40063}}}}};
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	h = (struct helper){.wire = ends[0], .pid = fork()};
	if (h.pid == 0) {
		dup2(ends[1], STDIN_FILENO);
		execl(program, program, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	*state = &h;
	return h.pid < 0 || ask(&h, &request, sizeof(request), NULL, 0) != 0;
}

static int stop(void **state)
{
	struct helper *h = *state;

	close(h->wire);
	kill(h->pid, SIGKILL);
	return waitpid(h->pid, NULL, 0) == h->pid ? 0 : -1;
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size);
	return cookie;
}

static int make(struct helper *h)
{
	struct lkl_request request = {.kind = LKL_MAKE, .a = AF_INET};
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	request.socket = cookie_of(ends[0]);
	assert_int_equal(ask(h, &request, LKL_REQUEST_SIZE, &ends[1], 1), 0);
	close(ends[1]);
	return ends[0];
}

/* Whatever a request comes without: the next one is answered. */
static void test_incomplete(void **state)
{
	struct helper *h = *state;
	const enum lkl_kind kinds[] = {LKL_MAKE, LKL_ACCEPT, LKL_CARRY, LKL_SHUTDOWN, LKL_ADMIT};

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct lkl_request request = {.kind = kinds[i], .a = AF_INET};

		assert_true(ask(h, &request, LKL_REQUEST_SIZE, NULL, 0) < 0);
	}
	close(make(h));
}

/* Asks for a connection that has come to @listening; its result. */
static int take(struct helper *h, int listening)
{
	struct lkl_request request = {
		.kind = LKL_ACCEPT, .socket = cookie_of(listening), .size = sizeof(uint64_t)};
	uint64_t number;
	int ends[2], fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	number = cookie_of(ends[0]);
	memcpy(request.data, &number, sizeof(number));
	fds[0] = ends[1];
	fds[1] = listening;
	ask(h, &request, LKL_REQUEST_SIZE + request.size, fds, 2);
	close(ends[0]);
	close(ends[1]);
	return h->answer.result;
}

static int listen_on(struct helper *h, struct sockaddr_in *ret)
{
	int listening = make(h);
	struct lkl_request listen = {.kind = LKL_LISTEN, .socket = cookie_of(listening), .a = 8};

	assert_int_equal(ask(h, &listen, LKL_REQUEST_SIZE, NULL, 0), 0);
	assert_true(h->answer.size >= sizeof(*ret));
	*ret = (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				    .sin_port =
					    ((const struct sockaddr_in *)h->answer.data)->sin_port};
	return listening;
}

static int reach(struct helper *h, const struct sockaddr_in *to)
{
	struct lkl_request connect = {.kind = LKL_CONNECT, .size = sizeof(*to)};
	int end = make(h), code;

	connect.socket = cookie_of(end);
	memcpy(connect.data, to, sizeof(*to));
	code = ask(h, &connect, LKL_REQUEST_SIZE + sizeof(*to), NULL, 0);
	assert_true(code == 0 || code == -EINPROGRESS);
	return end;
}

/* It is told as long as there is something to accept, and not longer, whatever those who hear of it have done since. */
static void test_arrivals(void **state)
{
	struct helper *h = *state;
	struct sockaddr_in to;
	int listening = listen_on(h, &to), ends[] = {reach(h, &to), reach(h, &to)};

	assert_true(is_readable(listening, PATIENCE));
	for (unsigned taken = 0; taken < 2;) {
		int code = take(h, listening);

		assert_true(code == 0 || code == -EAGAIN);
		taken += code == 0;
	}
	assert_int_equal(take(h, listening), -EAGAIN);
	assert_false(is_readable(listening, 0));
	close(ends[0]);
	close(ends[1]);
	close(listening);
}

/* What waits for a port number is told of, though a link could not be set up: nobody would get it more of them otherwise. */
static void test_scarce(void **state)
{
	struct helper *h = *state;
	struct sockaddr_in to;
	struct lkl_request change = {
		.kind = LKL_PORTS,
		.start = {.memory = LKL_MEMORY,
			  .ranges = {.count = 2, .all = {{40000, 40063}, {40100, 40101}}},
			  .answers = 1,
			  .port_count = 1,
			  .ports = {{.name = "none",
				     .up = true,
				     .address_count = 1,
				     .addresses = {{.family = AF_INET, .prefix = 99}}}}}};
	int null = open("/dev/null", O_RDWR), listening = listen_on(h, &to), ends[80], code;

	for (unsigned i = 0; i < ARRAY_SIZE(ends); i++)
		ends[i] = reach(h, &to);
	code = ask(h, &change, sizeof(change), &null, 1);
	assert_true(code < 0);
	assert_int_equal(h->answer.size, 1);
	assert_int_equal(h->answer.data[0], LKL_SCARCE);
	for (unsigned i = 0; i < ARRAY_SIZE(ends); i++)
		close(ends[i]);
	close(listening);
	close(null);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_incomplete, start, stop),
		cmocka_unit_test_setup_teardown(test_arrivals, start, stop),
		cmocka_unit_test_setup_teardown(test_scarce, start, stop),
	};

	if (argc < 2)
		return 2;
	program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
