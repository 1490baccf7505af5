/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rivulet-net and its client say to each other of ports: lost if this fails is a run that waits for ever. */
#include "run/net_ports.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fds.h"

#define TOO_LONG 10 /* s */

static void no_words(enum net_report_kind kind, const char *text, void *data)
{
}

static void open_pair(int ret[static 2])
{
	const struct timeval soon = {.tv_usec = 1000};

	alarm(TOO_LONG);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret), 0);
	setsockopt(ret[0], SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
}

static size_t put_port(unsigned place, uint8_t ret[static NET_MESSAGE_MAX])
{
	const struct net_report report = {.kind = NET_PORT,
					  .place = place,
					  .port = {.link = 3, .name = "wlan0"},
					  .ranges = {1, {{65024, 65535}}}};

	return net_put_report(&report, ret);
}

static void a_port_comes_whole_or_not_at_all(void **state)
{
	struct net_ports ports = {0};
	uint8_t data[NET_MESSAGE_MAX];
	size_t size = put_port(0, data);
	struct net net;
	int ends[2];

	open_pair(ends);
	net = (struct net){.fd = ends[1], .ports = &ports};
	assert_int_equal(fds_send_with(ends[0], STDERR_FILENO, data, size), 0);
	assert_true(net_receive(&net, no_words, NULL).ports);
	assert_int_equal(ports.count, 1);
	assert_string_equal(ports.all[0].name, "wlan0");
	assert_true(fcntl(ports.fds[0], F_GETFD) & FD_CLOEXEC);
	/* Without a descriptor: whoever says so has lost its senses, and is not waited for. */
	assert_int_equal(send(ends[0], data, size, 0), size);
	net_receive(&net, no_words, NULL);
	assert_int_equal(ports.count, 1);
	assert_int_equal(net.fd, -1);
	net_ports_close(&ports);
	close(ends[0]);
}

/* Lost: the ninth link that comes, though those before it have gone. */
static void a_link_takes_the_place_of_one_that_is_gone(void **state)
{
	struct net_ports ports = {0};
	uint8_t data[NET_MESSAGE_MAX];
	struct net net;
	int ends[2];

	open_pair(ends);
	net = (struct net){.fd = ends[1], .ports = &ports};
	for (unsigned i = 0; i < 2 * NET_PORTS_MAX; i++) {
		size_t size = put_port(i % NET_PORTS_MAX, data);

		assert_int_equal(fds_send_with(ends[0], STDERR_FILENO, data, size), 0);
		assert_true(net_receive(&net, no_words, NULL).ports);
		assert_int_equal(ports.count, i < NET_PORTS_MAX ? i + 1 : NET_PORTS_MAX);
	}
	net_ports_close(&ports);
	/* There is nothing before it. */
	assert_int_equal(fds_send_with(ends[0], STDERR_FILENO, data, put_port(1, data)), 0);
	net_receive(&net, no_words, NULL);
	assert_int_equal(net.fd, -1);
	assert_int_equal(ports.count, 0);
	close(ends[0]);
}

static void one_who_does_not_read_gets_it_later(void **state)
{
	struct net_ports_server server = {
		.ends = {{.port = {.link = 3, .name = "wlan0"}, .fd = STDERR_FILENO}}};
	struct net_report words = {.kind = NET_EXPLAINS, .text = "words"};
	struct net_ports ports = {0};
	uint8_t data[NET_MESSAGE_MAX];
	size_t size = net_put_report(&words, data);
	struct net_news news;
	struct net net;
	struct err err;
	int ends[2];

	open_pair(ends);
	net = (struct net){.fd = ends[1], .ports = &ports};
	server.client = ends[0];
	assert_int_equal(port_hold_open(&server.hold, PORTS_FEW, false, &err), 0);
	while (send(ends[0], data, size, MSG_DONTWAIT) > 0)
		;
	server.count = 1;
	server.owes[0] = true;
	net_ports_more(&server);
	assert_true(net_ports_owes(&server));
	assert_false(net_receive(&net, no_words, NULL).ports);
	assert_int_equal(net_ports_tell(&server), 0);
	assert_false(net_ports_owes(&server));
	news = net_receive(&net, no_words, NULL);
	assert_true(news.ports && news.ranges);
	assert_int_equal(ports.answers, 1);
	net_ports_close(&ports);
	net_close(&net);
	port_hold_close(server.hold);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_comes_whole_or_not_at_all),
		cmocka_unit_test(a_link_takes_the_place_of_one_that_is_gone),
		cmocka_unit_test(one_who_does_not_read_gets_it_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
