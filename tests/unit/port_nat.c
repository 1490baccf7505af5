/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stack behind the host. Lost if this fails: networks of the user's that are not reached any more, a family that leads nowhere
 * but is tried first, or packets that leave by another link than that of their port. */
#include "link/port_nat.h"
#include "link/multipath.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { WLAN = 2, NAT = 3 };

static const bool both[] = {true, true};

static struct address net(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	return address;
}

struct device {
	struct link all[2];
	struct route routes[4];
	struct links links;
};

static void phone(struct device *d)
{
	*d = (struct device){
		.all = {{.index = WLAN,
			 .name = "wlan0",
			 .up = true,
			 .mtu = 1400,
			 .addresses = {net("192.168.1.7/24")},
			 .address_count = 1},
			{.index = NAT, .name = "rvnat0", .up = true}},
		.routes = {{.to = net("0.0.0.0/0"), .gateway = net("192.168.1.1"), .index = WLAN},
			   {.to = net("192.168.1.0/24"), .index = WLAN}}};
	d->links = (struct links){.all = d->all, .count = 2, .routes = d->routes, .route_count = 2};
}

static const char *network_of(const struct device *d, unsigned number, unsigned family)
{
	static char text[ADDRESS_TEXT_MAX];
	struct address networks[2];

	port_nat_networks(&d->links, number, both, networks);
	return address_text_prefix(&networks[family], text);
}

static void each_has_networks_of_its_own(void **state)
{
	struct device d;

	phone(&d);
	assert_string_equal(network_of(&d, 0, 0), "10.82.0.0/30");
	assert_string_equal(network_of(&d, 1, 0), "10.82.0.4/30");
	assert_string_equal(network_of(&d, 64, 0), "10.82.1.0/30");
	assert_string_equal(network_of(&d, PORT_NAT_MAX - 1, 0), "10.82.255.252/30");
	assert_string_equal(network_of(&d, 258, 1), "fd52:6976:756c:6574::102:0/112");
}

/* A company's 10.0.0.0/8 would have a hole. */
static void what_others_have_is_left_to_them(void **state)
{
	struct device d;

	phone(&d);
	d.routes[d.links.route_count++] = (struct route){.to = net("10.0.0.0/8"), .index = WLAN};
	assert_string_equal(network_of(&d, 1, 0), "172.29.0.4/30");
	d.routes[d.links.route_count++] = (struct route){.to = net("172.29.7.0/24"), .index = WLAN};
	assert_string_equal(network_of(&d, 1, 0), "198.18.0.4/30");
}

static void our_own_networks_are_no_others(void **state)
{
	struct device d;

	phone(&d);
	d.routes[d.links.route_count++] = (struct route){.to = net("10.82.0.0/30"), .index = NAT};
	assert_string_equal(network_of(&d, 1, 0), "10.82.0.4/30");
}

static struct port make_port(const struct device *d, const bool *can)
{
	struct port port = {.way = PORT_NAT, .link = WLAN, .name = "wlan0"};

	port_nat_networks(&d->links, 1, can, port.networks);
	port_refresh(&d->links, &port);
	return port;
}

static void a_family_is_there_while_the_link_has_it(void **state)
{
	struct device d;
	struct port port;

	phone(&d);
	port = make_port(&d, both);
	assert_true(port.up);
	assert_int_equal(port.mtu, 1400);
	assert_int_equal(port.address_count, 1);
	assert_true(address_equal(&port.addresses[0], &(struct address[]){net("10.82.0.6")}[0]));
	assert_true(address_equal(&port.gateways[0], &(struct address[]){net("10.82.0.5")}[0]));
	assert_int_equal(port.gateways[1].family, 0);

	d.all[0].addresses[0] = net("2001:db8::7/64");
	port_refresh(&d.links, &port);
	assert_int_equal(port.address_count, 1);
	assert_int_equal(port.addresses[0].family, AF_INET6);
	assert_int_equal(port.gateways[0].family, 0);
	assert_int_equal(port.gateways[1].family, AF_INET6);

	d.links.count = 0;
	port_refresh(&d.links, &port);
	assert_false(port.up);
}

static void what_it_needs_is_for_its_link_and_address(void **state)
{
	const bool only_v4[] = {true, false};
	struct change needs[PORT_NEEDS_MAX];
	struct device d;
	struct port port;

	phone(&d);
	port = make_port(&d, only_v4);
	port.device = 9;
	assert_int_equal(port_nat.needs(&port, needs), 3);
	assert_int_equal(needs[0].kind, CHANGE_FORWARDING);
	assert_int_equal(needs[0].forwarding.index, WLAN);
	assert_int_equal(needs[1].kind, CHANGE_RULE);
	assert_int_equal(needs[1].rule.table, MULTIPATH_TABLE_FIRST + WLAN);
	assert_int_equal(needs[1].rule.from.prefix, 32);
	assert_true(address_equal(&needs[1].rule.from, &port.addresses[0]));
	assert_int_equal(needs[2].kind, CHANGE_DEVICE);
	assert_int_equal(needs[2].device.index, 9);
	port = make_port(&d, both);
	assert_int_equal(port_nat.needs(&port, needs), 5);
	assert_int_equal(port_shared.needs(&port, needs), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_networks_of_its_own),
		cmocka_unit_test(what_others_have_is_left_to_them),
		cmocka_unit_test(our_own_networks_are_no_others),
		cmocka_unit_test(a_family_is_there_while_the_link_has_it),
		cmocka_unit_test(what_it_needs_is_for_its_link_and_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
