/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, a client of the proxy would be connected to another place than it asked for, would wait for a reply that
 * it cannot read, or could make the proxy keep more than its share of memory. */
#include "attach/proxy/request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A client's bytes, with the zeros that they have. */
struct bytes {
	const char *at;
	size_t size;
};
#define BYTES(text)                    \
	(struct bytes)                 \
	{                              \
		text, sizeof(text) - 1 \
	}

static enum request_state read_all(struct request *request, struct bytes in, size_t *used)
{
	*request = (struct request){0};
	return request_read(request, in.at, in.size, used);
}

/* The same, in pieces of @piece bytes, by somebody who keeps what was not used. */
static enum request_state read_in_pieces(struct request *request, struct bytes in, size_t piece,
					 size_t *ret_used)
{
	enum request_state state = REQUEST_MORE;
	size_t there = 0, used = 0, now;

	*request = (struct request){0};
	while (state == REQUEST_MORE && there < in.size) {
		there = there + piece < in.size ? there + piece : in.size;
		state = request_read(request, in.at + used, there - used, &now);
		used += now;
	}
	*ret_used = used;
	return state;
}

static void has_sent(const struct request *request, struct bytes out)
{
	assert_int_equal(request->out_size, out.size);
	assert_memory_equal(request->out, out.at, out.size);
}

static void starts_with(const struct request *request, const char *text)
{
	assert_true(request->out_size > strlen(text));
	assert_memory_equal(request->out, text, strlen(text));
}

static const struct {
	struct bytes in;
	const char *host, *port;
	size_t used; /* 0: all */
} good[] = {
	{BYTES("\5\1\0\5\1\0\1\x7f\0\0\1\0\x50"), "127.0.0.1", "80", 0},
	{BYTES("\5\2\2\0\5\1\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x01\xbb"), "2001:db8::1",
	 "443", 0},
	{BYTES("\5\1\0\5\1\0\3\x0b"
	       "example.org\xff\xff"),
	 "example.org", "65535", 0},
	/* Some clients give an address as a name. */
	{BYTES("\5\1\0\5\1\0\3\3::1\0\1"), "::1", "1", 0},
	/* What follows is for the other end already. */
	{BYTES("\5\1\0\5\1\0\1\x0a\0\0\1\0\x16SSH-"), "10.0.0.1", "22", 13},
	{BYTES("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n"), "example.org",
	 "443", 0},
	{BYTES("CONNECT 192.0.2.1:80 HTTP/1.0\r\n\r\n"), "192.0.2.1", "80", 0},
	{BYTES("CONNECT [2001:db8::1]:8080 HTTP/1.1\nUser-Agent:x\nA-b_c!:\t\"\xc3\xa4\"\n\n"),
	 "2001:db8::1", "8080", 0},
	{BYTES("CONNECT a:1 HTTP/1.1\r\n\r\n\x16\3\1"), "a", "1", 24},
};

static void takes_requests_in_any_pieces(void **state)
{
	struct request request;
	size_t used;

	for (unsigned i = 0; i < sizeof(good) / sizeof(*good); i++) {
		for (size_t piece = 1; piece <= good[i].in.size; piece++) {
			assert_int_equal(read_in_pieces(&request, good[i].in, piece, &used),
					 REQUEST_COMPLETE);
			assert_string_equal(request.host, good[i].host);
			assert_string_equal(request.port, good[i].port);
			assert_int_equal(used, good[i].used ? good[i].used : good[i].in.size);
		}
	}
}

static void waits_for_the_rest(void **state)
{
	struct request request;
	size_t used;

	for (unsigned i = 0; i < sizeof(good) / sizeof(*good); i++) {
		size_t whole = good[i].used ? good[i].used : good[i].in.size;

		for (size_t size = 0; size < whole; size++)
			assert_int_equal(
				read_all(&request, (struct bytes){good[i].in.at, size}, &used),
				REQUEST_MORE);
	}
}

/* The greeting is answered before the request comes: clients wait for that. */
static void answers_the_greeting(void **state)
{
	struct request request;
	size_t used;

	assert_int_equal(read_all(&request, BYTES("\5\3\0\1\2"), &used), REQUEST_MORE);
	assert_int_equal(used, 5);
	has_sent(&request, BYTES("\5\0"));
}

static void refuses_what_is_no_socks_request(void **state)
{
	static const struct {
		struct bytes in, out;
	} bad[] = {
		/* No method, and only such as we have not. */
		{BYTES("\5\0"), BYTES("\5\xff")},
		{BYTES("\5\2\1\2"), BYTES("\5\xff")},
		/* BIND, UDP ASSOCIATE, and an unknown command. */
		{BYTES("\5\1\0\5\2\0\1"), BYTES("\5\0\5\7\0\1\0\0\0\0\0\0")},
		{BYTES("\5\1\0\5\3\0\1"), BYTES("\5\0\5\7\0\1\0\0\0\0\0\0")},
		{BYTES("\5\1\0\5\xf0\0\1"), BYTES("\5\0\5\7\0\1\0\0\0\0\0\0")},
		/* An unknown kind of address. */
		{BYTES("\5\1\0\5\1\0\2"), BYTES("\5\0\5\10\0\1\0\0\0\0\0\0")},
		/* Names: none, one with a zero, one with a space. */
		{BYTES("\5\1\0\5\1\0\3\0\0\x50"), BYTES("\5\0\5\4\0\1\0\0\0\0\0\0")},
		{BYTES("\5\1\0\5\1\0\3\3a\0b\0\x50"), BYTES("\5\0\5\4\0\1\0\0\0\0\0\0")},
		{BYTES("\5\1\0\5\1\0\3\3a b\0\x50"), BYTES("\5\0\5\4\0\1\0\0\0\0\0\0")},
		/* Port 0. */
		{BYTES("\5\1\0\5\1\0\1\x7f\0\0\1\0\0"), BYTES("\5\0\5\1\0\1\0\0\0\0\0\0")},
		/* Another version after the greeting. */
		{BYTES("\5\1\0\4\1\0\1"), BYTES("\5\0\5\1\0\1\0\0\0\0\0\0")},
	};
	struct request request;
	size_t used;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(read_all(&request, bad[i].in, &used), REQUEST_REFUSED);
		has_sent(&request, bad[i].out);
		assert_true(request.why.text[0]);
	}
}

static void replies_in_socks(void **state)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(4660)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
	static const struct {
		int code;
		char reply;
	} replies[] = {
		{-EINVAL, 1}, {-ENOMEM, 1}, {-EACCES, 2},    {-ENETUNREACH, 3},  {-EHOSTUNREACH, 4},
		{-ENOENT, 4}, {-EAGAIN, 4}, {-ETIMEDOUT, 4}, {-ECONNREFUSED, 5}, {-EAFNOSUPPORT, 3},
	};
	struct request request = {.ops = &request_socks};

	inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr);
	inet_pton(AF_INET6, "2001:db8::2", &v6.sin6_addr);
	request_answer(&request, 0, (struct sockaddr *)&v4);
	has_sent(&request, BYTES("\5\0\0\1\xc0\0\2\7\x12\x34"));
	request.out_size = 0;
	request_answer(&request, 0, (struct sockaddr *)&v6);
	has_sent(&request, BYTES("\5\0\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\0\x50"));
	for (unsigned i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
		char out[] = {5, replies[i].reply, 0, 1, 0, 0, 0, 0, 0, 0};

		request.out_size = 0;
		request_answer(&request, replies[i].code, NULL);
		has_sent(&request, (struct bytes){out, sizeof(out)});
	}
}

static void refuses_what_is_no_connect(void **state)
{
	static const struct {
		struct bytes in;
		const char *status;
	} bad[] = {
		{BYTES("GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n"),
		 "HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\n"},
		{BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "HTTP/1.1 505 "},
		{BYTES("CONNECT a:1 HTTP/2\r\n\r\n"), "HTTP/1.1 505 "},
		{BYTES("HELLO\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT a:1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT a:1 x HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT  a:1 HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT a HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT a: HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT a:0 HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT a:65536 HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT a:+80 HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT a:80x HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT :80 HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT ::1:80 HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT [::1] HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT [::1]80 HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT [example.org]:80 HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT [::1:80 HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT user@a:80 HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT http://a:80 HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT a\0b:80 HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT 10.0.0.1/8:80 HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT a:1 HTTP/1.1\r\nHost\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT a:1 HTTP/1.1\r\n: x\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT a:1 HTTP/1.1\r\nHost : a\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT a:1 HTTP/1.1\r\nA: b\r\n c\r\n\r\n"), "HTTP/1.1 400 "},
		{BYTES("CONNECT a:1 HTTP/1.1\r\nA: b\rc\r\n\r\n"), "HTTP/1.1 400 "},
	};
	struct request request;
	size_t used;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(read_all(&request, bad[i].in, &used), REQUEST_REFUSED);
		starts_with(&request, bad[i].status);
	}
}

static void bounds_the_header(void **state)
{
	static char in[2 * REQUEST_IN_MAX] = "CONNECT a:1 HTTP/1.1\r\nA: ";
	const size_t head = strlen(in);
	struct request request;
	size_t used;

	memset(in + head, 'b', sizeof(in) - head);
	memcpy(in + REQUEST_IN_MAX - 4, "\r\n\r\n", 4);
	assert_int_equal(read_all(&request, (struct bytes){in, REQUEST_IN_MAX}, &used),
			 REQUEST_COMPLETE);
	memcpy(in + REQUEST_IN_MAX - 4, "b\r\n\r\n", 5);
	assert_int_equal(read_all(&request, (struct bytes){in, REQUEST_IN_MAX - 1}, &used),
			 REQUEST_MORE);
	assert_int_equal(read_all(&request, (struct bytes){in, REQUEST_IN_MAX + 1}, &used),
			 REQUEST_REFUSED);
	starts_with(&request, "HTTP/1.1 431 ");
	memset(in + head, 'b', sizeof(in) - head);
	assert_int_equal(read_in_pieces(&request, (struct bytes){in, sizeof(in)}, 1, &used),
			 REQUEST_REFUSED);
	starts_with(&request, "HTTP/1.1 431 ");
}

static void replies_in_http(void **state)
{
	static const struct {
		int code;
		const char *out;
	} replies[] = {
		{-ECONNREFUSED,
		 "HTTP/1.1 502 Bad Gateway\r\nProxy-Status: rivulet; error=connection_refused\r\n"},
		{-ENOENT, "HTTP/1.1 502 Bad Gateway\r\nProxy-Status: rivulet; error=dns_error\r\n"},
		{-ETIMEDOUT, "HTTP/1.1 504 Gateway Timeout\r\nProxy-Status: rivulet; "
			     "error=connection_timeout\r\n"},
		{-EACCES, "HTTP/1.1 403 Forbidden\r\n"},
		{-EMFILE, "HTTP/1.1 503 Service Unavailable\r\n"},
		{-EINVAL, "HTTP/1.1 500 Internal Server Error\r\n"},
	};
	static const char end[] =
		"\r\nContent-Length: 24\r\nConnection: close\r\n\r\nrivulet: cannot "
		"connect\n";
	struct request request = {.ops = &request_connect};

	request_answer(&request, 0, NULL);
	has_sent(&request, BYTES("HTTP/1.1 200 Connection established\r\n\r\n"));
	for (unsigned i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
		err_set(&request.why, replies[i].code, "cannot connect");
		request_answer(&request, replies[i].code, NULL);
		starts_with(&request, replies[i].out);
		assert_memory_equal(request.out + request.out_size - strlen(end), end, strlen(end));
	}
	/* The longest words that there can be. */
	memset(request.why.text, 'x', sizeof(request.why.text) - 1);
	request_answer(&request, -EACCES, NULL);
	assert_true(request.out_size < sizeof(request.out));
	assert_int_equal(request.out[request.out_size - 1], '\n');
}

static void speaks_nothing_else(void **state)
{
	const struct bytes bad[] = {BYTES("\4\1\0\x50\x7f\0\0\1\0"), BYTES("\x16\3\1"), BYTES("\0"),
				    BYTES("get"), BYTES("\r\n")};
	struct request request;
	size_t used;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(read_all(&request, bad[i], &used), REQUEST_REFUSED);
		assert_int_equal(request.out_size, 0);
		assert_true(request.why.text[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_requests_in_any_pieces),
		cmocka_unit_test(waits_for_the_rest),
		cmocka_unit_test(answers_the_greeting),
		cmocka_unit_test(refuses_what_is_no_socks_request),
		cmocka_unit_test(replies_in_socks),
		cmocka_unit_test(refuses_what_is_no_connect),
		cmocka_unit_test(bounds_the_header),
		cmocka_unit_test(replies_in_http),
		cmocka_unit_test(speaks_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
