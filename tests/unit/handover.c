/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is kept of links that come and go, each time under another index: modems that dial anew, adapters that are plugged in again. */
#include "run/handover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define STAYS 2 /* a link that is always there */

static void links_are(struct handover *h, struct link *all, unsigned count)
{
	static enum multipath_use use[] = {MULTIPATH_USED, MULTIPATH_USED};

	h->view->links = (struct links){.all = all, .count = count};
	h->view->use = use;
	handover_on_links(h);
}

/* A link that talked to somebody, went silent, lost its carrier, and was pulled out. */
static void came_and_went(struct handover *h, unsigned index)
{
	struct lookout *lookout = &h->lookout;
	struct link all[] = {{.index = STAYS}, {.index = index}};
	const struct monitor_flow flow = {.cookie = index, .connection = 1, .link = index};
	unsigned at = 0;

	links_are(h, all, 2);
	while (at < LOOKOUT_PEERS && lookout->peers[at].link)
		at++;
	assert_true(at < LOOKOUT_PEERS);
	lookout->peers[at].link = index;
	monitor_look(lookout->monitor, index, 0);
	monitor_saw(lookout->monitor, &flow);
	assert_true(h->carriers.count < CARRIERS_MAX);
	h->carriers.lost[h->carriers.count++] = index;
	net_silent(h->net, index, NET_CARRIER, true);
	net_silent(h->net, index, NET_MONITOR, true);
	links_are(h, all, 1);
}

/* What rivulet-net has been told and not heard yet: the number of links that it takes for silent. */
static int heard(int fd)
{
	struct net_request request;
	uint8_t data[NET_MESSAGE_MAX];
	int silent = 0;
	ssize_t got;

	while ((got = recv(fd, data, sizeof(data), MSG_DONTWAIT)) > 0) {
		assert_int_equal(net_get_request(data, (size_t)got, &request), 0);
		assert_int_equal(request.kind, NET_SILENT);
		silent += request.silent ? 1 : -1;
	}
	return silent;
}

/* Lost: after sixteen times no link is known to be dead any more, and none that was taken for dead is asked whether it lives. */
static void nothing_is_kept_of_what_is_gone(void **state)
{
	struct view view = {0};
	struct net net = {0};
	struct handover h = {.net = &net, .view = &view};
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	net.fd = ends[0];
	assert_non_null(h.lookout.monitor = monitor_new());
	h.lookout.peers[0].link = STAYS;
	for (unsigned index = 3; index < 103; index++) {
		came_and_went(&h, index);
		assert_int_equal(heard(ends[1]), 0);
		assert_null(lookout_peer(&h.lookout, index));
	}
	assert_non_null(lookout_peer(&h.lookout, STAYS));
	assert_int_equal(monitor_link(h.lookout.monitor, 0), 0);
	assert_int_equal(h.carriers.count, 0);
	monitor_free(h.lookout.monitor);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_kept_of_what_is_gone)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
