/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, a transfer would lose its end or what was sent last, a slow receiver would fill the memory, or a transfer
 * that was cut off would look complete. */
#include "attach/flow.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cannot.h"

/* A flow between two connections; @a and @b are the peers' ends of them. */
struct fixture {
	struct loop loop;
	struct flow flow;
	int a, b;
	bool is_over;
	int code;
};

/* The loop until nothing more happens at once. */
static void settle(struct fixture *f)
{
	int count;

	do {
		struct epoll_event events[4];

		count = epoll_wait(f->loop.epoll, events, 4, 0);
		for (int i = 0; i < count; i++) {
			struct loop_source *source = events[i].data.ptr;

			if (source->watched)
				source->ready(source, events[i].events);
		}
	} while (count > 0 && !f->is_over);
}

static void over(struct flow *flow, int code)
{
	struct fixture *f = loop_owner(flow, struct fixture, flow);

	assert_false(f->is_over);
	f->is_over = true;
	f->code = code;
}

static void pair_unix(int ends[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
}

static void pair_tcp(int ends[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(ends[0], (struct sockaddr *)&address, size), 0);
	ends[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(ends[1] >= 0);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	close(listener);
}

static void start_between(struct fixture *f, void (*pair_a)(int ends[2]),
			  void (*pair_b)(int ends[2]), const char *early)
{
	int a[2], b[2];

	*f = (struct fixture){.flow.over = over};
	assert_int_equal(loop_open(&f->loop), 0);
	pair_a(a);
	pair_b(b);
	f->a = a[0];
	f->b = b[0];
	assert_int_equal(flow_open(&f->flow, &f->loop, a[1], b[1], early, strlen(early)), 0);
}

static void start(struct fixture *f, void (*pair)(int ends[2]), const char *early)
{
	start_between(f, pair, pair, early);
}

static void end(struct fixture *f)
{
	close(f->a);
	close(f->b);
	loop_close(&f->loop);
}

static void gets(int fd, const char *text)
{
	char got[64] = {0};

	assert_int_equal(recv(fd, got, sizeof(got) - 1, 0), strlen(text));
	assert_string_equal(got, text);
}

static void moves_both_ways_and_ends_each(void (*pair)(int ends[2]))
{
	struct fixture f;

	start(&f, pair, "early ");
	assert_int_equal(send(f.a, "there", 5, 0), 5);
	assert_int_equal(send(f.b, "back", 4, 0), 4);
	settle(&f);
	gets(f.b, "early there");
	gets(f.a, "back");
	shutdown(f.a, SHUT_WR);
	settle(&f);
	gets(f.b, "");
	assert_int_equal(send(f.b, "more", 4, 0), 4);
	settle(&f);
	gets(f.a, "more");
	assert_false(f.is_over);
	assert_int_equal(send(f.b, "last", 4, 0), 4);
	shutdown(f.b, SHUT_WR);
	settle(&f);
	assert_true(f.is_over);
	assert_int_equal(f.code, 0);
	gets(f.a, "last");
	gets(f.a, "");
	end(&f);
}

static void half_close(void **state)
{
	moves_both_ways_and_ends_each(pair_unix);
	moves_both_ways_and_ends_each(pair_tcp);
}

/* Byte @i of what is sent. */
static uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

static size_t fill(struct fixture *f, int fd, size_t from)
{
	uint8_t bytes[1000];
	ssize_t done;

	for (unsigned idle = 0; idle < 2;) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = pattern(from + i);
		done = send(fd, bytes, sizeof(bytes), 0);
		idle = done > 0 ? 0 : idle + 1;
		from += done > 0 ? (size_t)done : 0;
		settle(f);
	}
	return from;
}

static size_t drain(struct fixture *f, int fd, size_t from)
{
	uint8_t bytes[1000];
	ssize_t got;

	for (unsigned idle = 0; idle < 2;) {
		settle(f);
		got = recv(fd, bytes, sizeof(bytes), 0);
		idle = got > 0 ? 0 : idle + 1;
		for (ssize_t i = 0; i < got; i++)
			assert_int_equal(bytes[i], pattern(from + (size_t)i));
		from += got > 0 ? (size_t)got : 0;
	}
	return from;
}

static void holds_a_fast_sender_up(void **state)
{
	struct fixture f;
	size_t sent = 0, got = 0;

	start(&f, pair_unix, "");
	for (unsigned i = 0; i < 5; i++) {
		sent = fill(&f, f.a, sent);
		assert_true(f.flow.ends[0].out.held && f.flow.ends[0].out.size <= FLOW_READ);
		got = drain(&f, f.b, got);
		assert_int_equal(got, sent);
		assert_null(f.flow.ends[0].out.held);
	}
	/* The end waits for what is held. */
	sent = fill(&f, f.a, sent);
	close(f.a);
	f.a = -1;
	settle(&f);
	got = drain(&f, f.b, got);
	assert_int_equal(got, sent);
	assert_int_equal(recv(f.b, &got, 1, 0), 0);
	end(&f);
	if (!f.is_over)
		flow_abort(&f.flow);
}

/* Much at once is given as pages, but not to TCP that paces what it sends; and all of it arrives. */
static void moves_much(const char *control, bool as_pages)
{
	uint8_t bytes[100000];
	struct fixture f;

	start_between(&f, pair_unix, pair_tcp, "");
	if (setsockopt(f.flow.ends[1].source.fd, IPPROTO_TCP, TCP_CONGESTION, control,
		       (socklen_t)strlen(control)) < 0)
		CANNOT("the TCP congestion control that is tried is not for everyone here");
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = pattern(i);
	for (unsigned round = 0; round < 3; round++) {
		assert_int_equal(send(f.a, bytes, sizeof(bytes), 0), sizeof(bytes));
		assert_int_equal(drain(&f, f.b, 0), sizeof(bytes));
		assert_int_equal(f.flow.ends[0].out.bulk, as_pages);
		assert_int_equal(send(f.b, bytes, sizeof(bytes), 0), sizeof(bytes));
		assert_int_equal(drain(&f, f.a, 0), sizeof(bytes));
	}
	end(&f);
	flow_abort(&f.flow);
}

static void gives_pages(void **state)
{
	moves_much("reno", true);
}

static void copies_for_who_paces(void **state)
{
	moves_much("bbr", false);
}

static void passes_a_reset_on(void **state)
{
	const struct linger now = {.l_onoff = 1};
	struct fixture f;
	char byte;

	start(&f, pair_tcp, "");
	assert_int_equal(send(f.a, "cut", 3, 0), 3);
	settle(&f);
	setsockopt(f.a, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(f.a);
	f.a = -1;
	settle(&f);
	assert_true(f.is_over);
	assert_int_equal(f.code, -ECONNRESET);
	gets(f.b, "cut");
	assert_int_equal(recv(f.b, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	end(&f);
}

/* A stack whose connections show no reset, and are reset, but by its calls. */
static const struct linger *lingers;

static int set(struct stack *stack, int fd, int level, int option, const void *value,
	       socklen_t size)
{
	static struct linger last;

	assert_int_equal(level, SOL_SOCKET);
	assert_int_equal(option, SO_LINGER);
	assert_int_equal(size, sizeof(last));
	memcpy(&last, value, size);
	lingers = &last;
	return 0;
}

static int why_ended(struct stack *stack, int fd)
{
	return -ECONNRESET;
}

static void asks_the_stack(void **state)
{
	static const struct stack_calls calls = {.set = set, .why_ended = why_ended};
	static const struct stack_ops ops = {.calls = &calls};
	struct stack stack = {.ops = &ops};
	struct fixture f;

	start(&f, pair_unix, "");
	f.flow.stack = &stack;
	lingers = NULL;
	assert_int_equal(send(f.b, "cut", 3, 0), 3);
	close(f.b);
	f.b = -1;
	settle(&f);
	assert_true(f.is_over);
	assert_int_equal(f.code, -ECONNRESET);
	gets(f.a, "cut");
	assert_true(lingers && lingers->l_onoff && lingers->l_linger == 0);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_close),        cmocka_unit_test(holds_a_fast_sender_up),
		cmocka_unit_test(gives_pages),       cmocka_unit_test(copies_for_who_paces),
		cmocka_unit_test(passes_a_reset_on), cmocka_unit_test(asks_the_stack),
	};

	return cannot_end(cmocka_run_group_tests(tests, NULL, NULL));
}
