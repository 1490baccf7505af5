/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The messages between a supervisor and rivulet-net. Lost if this fails: a policy that is kept otherwise than it was given,
 * or a rivulet-net that acts on what nobody could have meant. */
#include "run/net.h"
#include "link/backlog.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct net_request whole_request(void)
{
	struct net_request request = {.kind = NET_OPEN};

	assert_int_equal(
		policy_add_links(&request.policy, "wlan0,wwan*:backup,kind=ethernet", NULL), 0);
	assert_int_equal(policy_add_not(&request.policy, "tun0", NULL), 0);
	assert_int_equal(policy_add(&request.policy, POLICY_SYSTEM_FILE, "kind=bluetooth",
				    POLICY_METERED, NULL),
			 0);
	return request;
}

static void requests_arrive_as_they_were_sent(void **state)
{
	const struct net_request sent[] = {
		whole_request(),
		{.kind = NET_CLEAN},
		{.kind = NET_OPEN, .policy = {.neighbours = true}},
		{.kind = NET_SILENT, .link = 7, .silent = true},
		{.kind = NET_RENEW, .link = INT_MAX},
		{.kind = NET_BACKLOG, .backlog = BACKLOG_MIN},
		{.kind = NET_BACKLOG},
		{.kind = NET_ASK, .link = 3},
		{.kind = NET_PORTS, .way = PORT_NAT, .grows = true},
		{.kind = NET_LISTEN, .port = 443},
		{.kind = NET_END},
		{.kind = NET_KNOW,
		 .policy = {.rules = {{.name = "wwan0",
				       .source = POLICY_MANAGER,
				       .use = POLICY_METERED}},
			    .count = 1}},
	};

	for (unsigned i = 0; i < sizeof(sent) / sizeof(*sent); i++) {
		uint8_t data[NET_MESSAGE_MAX];
		struct net_request got;

		assert_int_equal(net_get_request(data, net_put_request(&sent[i], data), &got), 0);
		assert_memory_equal(&got, &sent[i], sizeof(got));
	}
}

static void reports_arrive_as_they_were_sent(void **state)
{
	struct net_report sent = {.kind = NET_USES, .use_count = NET_USES_MAX}, got;
	uint8_t data[NET_MESSAGE_MAX];

	for (unsigned i = 0; i < NET_USES_MAX; i++)
		sent.uses[i] = (struct net_use){.link = i + 1, .use = MULTIPATH_SILENT};
	memset(sent.text, 'x', sizeof(sent.text) - 1);
	assert_int_equal(net_get_report(data, net_put_report(&sent, data), &got), 0);
	assert_memory_equal(&got, &sent, sizeof(got));
	sent = (struct net_report){
		.kind = NET_PORT,
		.port = {.way = PORT_NAT, .link = 3, .name = "wlan0", .mtu = 1500},
		.ranges = {2, {{65024, 65535}, {64512, 65023}}}};
	assert_int_equal(net_get_report(data, net_put_report(&sent, data), &got), 0);
	assert_memory_equal(&got, &sent, sizeof(got));
	sent = (struct net_report){.kind = NET_RANGES, .ranges = {1, {{65024, 65535}}}};
	assert_int_equal(net_get_report(data, net_put_report(&sent, data), &got), 0);
	assert_memory_equal(&got, &sent, sizeof(got));
	sent.ranges.count = PORT_RANGES_MAX + 1;
	assert_int_equal(net_get_report(data, net_put_report(&sent, data), &got), -EPROTO);
	sent = (struct net_report){.kind = NET_TAKEN, .text = "link wlan0 is used by another run"};
	assert_int_equal(net_get_report(data, net_put_report(&sent, data), &got), 0);
	assert_memory_equal(&got, &sent, sizeof(got));
	sent = (struct net_report){.kind = NET_READY, .privileged = true};
	assert_int_equal(net_get_report(data, net_put_report(&sent, data), &got), 0);
	assert_memory_equal(&got, &sent, sizeof(got));
}

static void no_message_is_shorter_or_longer(void **state)
{
	struct net_request request = whole_request(), got;
	uint8_t data[NET_MESSAGE_MAX + 1] = {0};
	size_t size = net_put_request(&request, data);

	for (size_t i = 0; i < size; i++)
		assert_int_equal(net_get_request(data, i, &got), -EPROTO);
	assert_int_equal(net_get_request(data, size + 1, &got), -EPROTO);
}

/* Where the numbers are in a request. */
enum { VERSION, KIND, LINK, SILENT, BACKLOG, PORT, WAY, GROWS, POLICY, RULES, FIRST_RULE };

static int with_number(unsigned at, uint32_t value)
{
	struct net_request request = whole_request(), got;
	uint8_t data[NET_MESSAGE_MAX];
	size_t size = net_put_request(&request, data);

	memcpy(data + at * sizeof(value), &value, sizeof(value));
	return net_get_request(data, size, &got);
}

static void numbers_out_of_range_are_refused(void **state)
{
	const unsigned rule = FIRST_RULE + POLICY_NAME_MAX / sizeof(uint32_t);
	const struct {
		unsigned at;
		uint32_t value;
	} wrong[] = {
		{VERSION, NET_VERSION + 1},
		{KIND, 0},
		{KIND, NET_KNOW + 1},
		{LINK, 1u << 31},
		{SILENT, 2},
		{BACKLOG, 1},
		{BACKLOG, BACKLOG_MIN - 1},
		{PORT, 1 << 16},
		{GROWS, 2},
		{WAY, PORT_KINDS},
		{POLICY, 4},
		{RULES, 4},
		{RULES, POLICY_RULES_MAX + 1},
		{RULES, UINT32_MAX},
		{rule, LINK_KINDS},
		{rule + 1, POLICY_SOURCES},
		{rule + 2, POLICY_USES},
	};

	assert_int_equal(with_number(LINK, 1), 0);
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(with_number(wrong[i].at, wrong[i].value), -EPROTO);
}

static int with_name(const char *name, size_t size)
{
	struct net_request request = whole_request(), got;
	uint8_t data[NET_MESSAGE_MAX];
	size_t whole = net_put_request(&request, data);

	memcpy(data + FIRST_RULE * sizeof(uint32_t), name, size);
	return net_get_request(data, whole, &got);
}

static void names_that_no_link_has_are_refused(void **state)
{
	char endless[POLICY_NAME_MAX];

	memset(endless, 'x', sizeof(endless));
	assert_int_equal(with_name("eth0", 5), 0);
	assert_int_equal(with_name("a/b", 4), -EPROTO);
	assert_int_equal(with_name("a b", 4), -EPROTO);
	assert_int_equal(with_name(endless, sizeof(endless)), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_arrive_as_they_were_sent),
		cmocka_unit_test(reports_arrive_as_they_were_sent),
		cmocka_unit_test(no_message_is_shorter_or_longer),
		cmocka_unit_test(numbers_out_of_range_are_refused),
		cmocka_unit_test(names_that_no_link_has_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
