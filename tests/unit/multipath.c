/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, `run` could send packets over the wrong link, around a VPN, or cut a container
 * off. */
#include "link/multipath.h"

#include <linux/if_arp.h>
#include <linux/mptcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { LO = 1, WLAN, WWAN, DOCKER, VPN };

static struct address net(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	return address;
}

static struct route to(const char *network, unsigned index, const char *gateway)
{
	struct route route = {.to = net(network), .index = index, .table = 254};

	if (gateway)
		route.gateway = net(gateway);
	return route;
}

struct device {
	struct link all[5];
	struct route routes[8];
	struct links links;
	struct multipath_state state;
};

static struct link make_link(unsigned index, const char *name, enum link_kind kind,
			     const char *address)
{
	struct link link = {.index = index, .kind = kind, .up = true, .mtu = 1500};

	snprintf(link.name, sizeof(link.name), "%s", name);
	if (address) {
		link.addresses[0] = net(address);
		link.address_count = 1;
	}
	return link;
}

static void phone(struct device *d)
{
	memset(d, 0, sizeof(*d));
	d->all[0] = make_link(LO, "lo", LINK_LOOPBACK, NULL);
	d->all[1] = make_link(WLAN, "wlan0", LINK_WIFI, "10.1.0.2/24");
	d->all[2] = make_link(WWAN, "wwan0", LINK_CELLULAR, "10.2.0.2/24");
	d->all[3] = make_link(DOCKER, "docker0", LINK_VIRTUAL, "172.17.0.1/16");
	d->routes[0] = to("10.1.0.0/24", WLAN, NULL);
	d->routes[1] = to("10.2.0.0/24", WWAN, NULL);
	d->routes[2] = to("172.17.0.0/16", DOCKER, NULL);
	d->routes[3] = to("0.0.0.0/0", WLAN, "10.1.0.1");
	d->routes[4] = to("0.0.0.0/0", WWAN, "10.2.0.1");
	d->links = (struct links){.all = d->all, .count = 4, .routes = d->routes, .route_count = 5};
	d->state = (struct multipath_state){
		.links = &d->links, .limits = {.subflows = 2}, .path_manager = true};
}

static struct multipath_plan plan(const struct device *d)
{
	struct multipath_plan plan;

	assert_int_equal(multipath_plan(&d->state, &plan), 0);
	return plan;
}

static unsigned count(const struct multipath_plan *plan, enum change_kind kind)
{
	unsigned found = 0;

	for (unsigned i = 0; i < plan->count; i++)
		found += plan->changes[i].kind == kind;
	return found;
}

/* The second subflow would leave by the first link. */
static void each_link_has_its_table(void **state)
{
	struct device d;
	struct multipath_plan p;
	unsigned defaults = 0;

	phone(&d);
	p = plan(&d);
	assert_int_equal(p.used, 2);
	assert_int_equal(count(&p, CHANGE_RULE), 2);
	assert_int_equal(count(&p, CHANGE_ENDPOINT), 2);
	assert_int_equal(count(&p, CHANGE_LIMITS), 0);
	for (unsigned i = 0; i < p.count; i++) {
		const struct change *c = &p.changes[i];

		if (c->kind == CHANGE_ROUTE && !c->route.thrown) {
			assert_int_equal(c->route.table, MULTIPATH_TABLE_FIRST + c->route.index);
			defaults += c->route.to.prefix == 0;
		}
		if (c->kind == CHANGE_ENDPOINT)
			assert_int_equal(c->endpoint.flags, MPTCP_PM_ADDR_FLAG_SUBFLOW);
		if (c->kind == CHANGE_RULE)
			assert_int_equal(c->rule.from.prefix, 32);
	}
	assert_int_equal(defaults, 2);
	multipath_plan_free(&p);
}

/* A gateway is refused by the kernel before the network that it is in. */
static void networks_come_before_gateways(void **state)
{
	struct device d;
	struct multipath_plan p;
	bool gateway[8] = {0};

	phone(&d);
	p = plan(&d);
	for (unsigned i = 0; i < p.count; i++) {
		const struct route *route = &p.changes[i].route;

		if (p.changes[i].kind != CHANGE_ROUTE || route->thrown)
			continue;
		if (route->gateway.family)
			gateway[route->index] = true;
		else
			assert_false(gateway[route->index]);
	}
	multipath_plan_free(&p);
}

/* A container's answer would go out over the radio instead of to the container. */
static void other_networks_are_thrown_back(void **state)
{
	struct device d;
	struct multipath_plan p;
	unsigned thrown = 0;

	phone(&d);
	p = plan(&d);
	for (unsigned i = 0; i < p.count; i++) {
		const struct change *c = &p.changes[i];

		if (c->kind == CHANGE_ROUTE && c->route.thrown) {
			struct address docker = net("172.17.0.0/16");

			assert_true(address_equal(&c->route.to, &docker));
			thrown++;
		}
	}
	assert_int_equal(thrown, 2);
	multipath_plan_free(&p);
}

/* A server in the network of the link that just failed could not be reached over the other link. */
static void networks_of_a_dead_link_are_not(void **state)
{
	struct device d;
	struct multipath_plan p;

	phone(&d);
	d.all[1].up = false;
	d.all[3].up = false;
	d.state.routed = true;
	p = plan(&d);
	assert_int_equal(p.used, 1);
	assert_int_equal(count(&p, CHANGE_ENDPOINT), 1);
	for (unsigned i = 0; i < p.count; i++)
		assert_false(p.changes[i].kind == CHANGE_ROUTE && p.changes[i].route.thrown);
	multipath_plan_free(&p);
}

/* What was meant to go through the VPN would leave around it. */
static void nothing_goes_around_a_vpn(void **state)
{
	struct device d;
	struct multipath_plan p;

	phone(&d);
	d.all[4] = make_link(VPN, "tun0", LINK_TUNNEL, "10.8.0.2/24");
	d.links.count = 5;
	d.routes[5] = to("0.0.0.0/1", VPN, NULL);
	d.routes[6] = to("128.0.0.0/1", VPN, NULL);
	d.links.route_count = 7;
	p = plan(&d);
	assert_int_equal(p.used, 0);
	assert_int_equal(p.count, 0);
	assert_int_equal(p.use[1], MULTIPATH_BEHIND_TUNNEL);
	assert_int_equal(p.use[4], MULTIPATH_TUNNEL);
	multipath_plan_free(&p);
}

/* The same, for a VPN that works by rules and a table of its own, as wg-quick's does. */
static void nothing_goes_around_a_vpn_by_rules(void **state)
{
	struct device d;
	struct multipath_plan p;

	phone(&d);
	d.all[4] = make_link(VPN, "wg0", LINK_TUNNEL, "10.8.0.2/24");
	d.links.count = 5;
	d.links.far[0] = VPN;
	p = plan(&d);
	assert_int_equal(p.used, 0);
	assert_int_equal(p.count, 0);
	multipath_plan_free(&p);
}

/* Routing would be changed for nothing; or without the endpoint, the kernel would open a second
 * subflow over the same link when another one comes. */
static void one_link_needs_its_endpoint(void **state)
{
	struct device d;
	struct multipath_plan p;

	phone(&d);
	d.all[2].up = false;
	p = plan(&d);
	assert_int_equal(p.used, 1);
	assert_int_equal(p.count, 1);
	assert_int_equal(count(&p, CHANGE_ENDPOINT), 1);
	assert_int_equal(p.use[2], MULTIPATH_DOWN);
	multipath_plan_free(&p);
}

/* Each reason must be the true one: people act on it. */
static void reasons_are_told(void **state)
{
	struct device d;
	struct multipath_plan p;

	phone(&d);
	d.all[1].address_count = 0;
	d.links.route_count = 4; /* wwan0 has lost its gateway */
	p = plan(&d);
	assert_int_equal(p.use[0], MULTIPATH_NOT_A_LINK);
	assert_int_equal(p.use[1], MULTIPATH_NO_ADDRESS);
	assert_int_equal(p.use[2], MULTIPATH_NO_GATEWAY);
	assert_int_equal(p.use[3], MULTIPATH_NOT_A_LINK);
	multipath_plan_free(&p);
}

/* A node would use one link of several that it shares with a neighbour; or any user could make everybody's connections look for
 * their servers on a link that leads nowhere. */
static void neighbours_alone_are_enough_for_who_wants_them(void **state)
{
	struct policy policy = {.neighbours = true};
	bool thrown = false;
	struct device d;
	struct multipath_plan p;

	phone(&d);
	d.links.route_count = 4;
	d.state.policy = &policy;
	p = plan(&d);
	assert_int_equal(p.use[0], MULTIPATH_NOT_A_LINK);
	assert_int_equal(p.use[1], MULTIPATH_USED);
	assert_int_equal(p.use[2], MULTIPATH_USED);
	assert_int_equal(p.use[3], MULTIPATH_NOT_A_LINK);
	assert_true(count(&p, CHANGE_ENDPOINT) >= 2);
	assert_true(count(&p, CHANGE_RULE) >= 2);
	/* Answers to who is there must not leave by the gateway of the other link. */
	for (unsigned i = 0; i < p.count; i++)
		thrown =
			thrown || (p.changes[i].kind == CHANGE_ROUTE && p.changes[i].route.thrown &&
				   p.changes[i].route.table == MULTIPATH_TABLE_FIRST + WLAN &&
				   p.changes[i].route.to.v4.s_addr == d.routes[1].to.v4.s_addr);
	assert_true(thrown);
	multipath_plan_free(&p);
	policy.modest = true;
	p = plan(&d);
	assert_int_equal(p.use[2], MULTIPATH_NO_GATEWAY);
	multipath_plan_free(&p);
}

/* What goes out by a silent link's address would take another link; or the kernel would go on using
 * it. */
static void a_silent_link_keeps_its_routes(void **state)
{
	const struct silence silence = {{WLAN}, 1};
	struct device d;
	struct multipath_plan p;

	phone(&d);
	d.state.silence = &silence;
	p = plan(&d);
	assert_int_equal(p.use[1], MULTIPATH_SILENT);
	assert_int_equal(p.used, 1);
	assert_int_equal(count(&p, CHANGE_RULE),
			 3); /* one of them leads new connections around it */
	assert_int_equal(count(&p, CHANGE_ENDPOINT), 1);
	multipath_plan_free(&p);
}

/* Who may start rivulet-net could lead everybody's connections where he wants by calling links silent. */
static void the_word_of_one_user_leads_only_him(void **state)
{
	const struct silence silence = {{WLAN}, 1};
	struct device d;
	struct multipath_plan p;

	phone(&d);
	d.state.silence = &silence;
	d.state.personal = true;
	d.state.user = 1000;
	p = plan(&d);
	for (unsigned i = 0; i < p.count; i++) {
		const struct change *made = &p.changes[i];

		if (made->kind == CHANGE_RULE)
			assert_int_equal(made->rule.personal,
					 made->rule.priority == MULTIPATH_DETOUR);
		if (made->kind == CHANGE_RULE && made->rule.personal)
			assert_int_equal(made->rule.user, 1000);
	}
	assert_int_equal(count(&p, CHANGE_RULE), 3);
	multipath_plan_free(&p);
}

/* A connection would be cut off when a killed run's endpoints are taken back. */
static void the_base_has_no_endpoint(void **state)
{
	struct device d;
	struct multipath_plan p;

	phone(&d);
	d.state.base = WLAN;
	p = plan(&d);
	assert_int_equal(p.used, 2);
	assert_int_equal(count(&p, CHANGE_RULE), 2);
	assert_int_equal(count(&p, CHANGE_ENDPOINT), 1);
	multipath_plan_free(&p);
}

/* NetworkManager's endpoints would be doubled, or more asked for than the kernel takes. */
static void present_endpoints_are_kept(void **state)
{
	struct endpoint there[ENDPOINT_MAX] = {{.address = net("10.2.0.2"), .id = 1}};
	struct device d;
	struct multipath_plan p;

	phone(&d);
	d.state.endpoints = there;
	d.state.endpoint_count = 1;
	p = plan(&d);
	assert_int_equal(count(&p, CHANGE_ENDPOINT), 1);
	multipath_plan_free(&p);

	d.state.endpoint_count = ENDPOINT_MAX;
	p = plan(&d);
	assert_int_equal(count(&p, CHANGE_ENDPOINT), 0);
	assert_int_equal(count(&p, CHANGE_LIMITS), 1);
	multipath_plan_free(&p);

	d.state.path_manager = false;
	p = plan(&d);
	assert_int_equal(count(&p, CHANGE_ENDPOINT), 0);
	assert_int_equal(count(&p, CHANGE_RULE), 2);
	multipath_plan_free(&p);
}

static struct policy wish(const char *links, const char *without)
{
	struct policy policy = {0};
	struct err err;

	if (links)
		assert_int_equal(policy_add_links(&policy, links, &err), 0);
	if (without)
		assert_int_equal(policy_add_not(&policy, without, &err), 0);
	return policy;
}

/* Flags of the endpoint of device @index; 0: it has none. */
static uint32_t flags_of(const struct multipath_plan *plan, unsigned index)
{
	for (unsigned i = 0; i < plan->count; i++)
		if (plan->changes[i].kind == CHANGE_ENDPOINT &&
		    plan->changes[i].endpoint.index == index)
			return plan->changes[i].endpoint.flags;
	return 0;
}

/* Bytes would go over the link that costs money. */
static void an_excluded_link_carries_nothing(void **state)
{
	struct policy policy = wish(NULL, "wwan0");
	struct device d;
	struct multipath_plan p;

	phone(&d);
	d.state.policy = &policy;
	p = plan(&d);
	assert_int_equal(p.use[2], MULTIPATH_POLICY);
	assert_int_equal(p.used, 1);
	/* Other runs see by them that this link is used. */
	assert_true(count(&p, CHANGE_RULE) > 0);
	for (unsigned i = 0; i < p.count; i++)
		assert_true(p.changes[i].kind != CHANGE_RULE ||
			    p.changes[i].rule.table == MULTIPATH_TABLE_FIRST + WLAN);
	assert_int_equal(flags_of(&p, WLAN), MPTCP_PM_ADDR_FLAG_SUBFLOW);
	assert_int_equal(flags_of(&p, WWAN), MPTCP_PM_ADDR_FLAG_BACKUP);
	multipath_plan_free(&p);
}

/* Another run's endpoints would carry bytes over the excluded link, and nobody be told. */
static void a_contradiction_is_found(void **state)
{
	const uint32_t subflow = MPTCP_PM_ADDR_FLAG_SUBFLOW, backup = MPTCP_PM_ADDR_FLAG_BACKUP;
	const struct {
		const char *links, *without;
		uint32_t there; /* flags of the endpoint of wwan0 */
		bool found;
	} cases[] = {
		{NULL, NULL, subflow, false},
		{NULL, NULL, backup, true},
		{NULL, NULL, subflow | backup, true},
		{NULL, "wwan0", subflow, true},
		{NULL, "wwan0", subflow | backup, true},
		{NULL, "wwan0", backup, false},
		{NULL, "wwan0", MPTCP_PM_ADDR_FLAG_SIGNAL, false},
		{"wlan0", NULL, subflow, true},
		{"wlan0,wwan0:backup", NULL, subflow, true},
		{"wlan0,wwan0:backup", NULL, subflow | backup, false},
		{"wlan0,wwan0:use", NULL, subflow | backup, true},
		{"wlan0,wwan0:use", NULL, subflow | MPTCP_PM_ADDR_FLAG_SIGNAL, false},
		{NULL, "wwan0", subflow | MPTCP_PM_ADDR_FLAG_IMPLICIT, false},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct policy policy = wish(cases[i].links, cases[i].without);
		const struct endpoint there[] = {
			{.address = net("192.0.2.1"), .flags = subflow},
			{.address = net("10.2.0.2"), .flags = cases[i].there}};
		const struct endpoint *found;
		struct multipath_plan p;
		struct device d;

		phone(&d);
		d.state.policy = &policy;
		p = plan(&d);
		found = multipath_contradiction(&d.links, &policy, p.use, there, 2);
		assert_ptr_equal(found, cases[i].found ? &there[1] : NULL);
		multipath_plan_free(&p);
	}
}

/* What begins on an excluded link, because the default route leads there, would stay on it. */
static void an_excluded_default_is_left(void **state)
{
	struct policy policy = wish("wwan0", NULL);
	struct device d;
	struct multipath_plan p;

	phone(&d);
	d.routes[4].metric = 100;
	d.state.policy = &policy;
	assert_true(multipath_begins_on(&d.links, &d.all[1]));
	assert_false(multipath_begins_on(&d.links, &d.all[2]));
	p = plan(&d);
	assert_int_equal(p.use[1], MULTIPATH_POLICY);
	assert_int_equal(flags_of(&p, WLAN), MPTCP_PM_ADDR_FLAG_BACKUP);
	assert_int_equal(flags_of(&p, WWAN), MPTCP_PM_ADDR_FLAG_SUBFLOW);
	multipath_plan_free(&p);

	/* It is the last path of those connections when the other link goes: to take the endpoint
	 * away would close it. */
	d.all[2].up = false;
	p = plan(&d);
	assert_int_equal(flags_of(&p, WLAN), MPTCP_PM_ADDR_FLAG_BACKUP);
	multipath_plan_free(&p);
}

/* A backup would carry bytes all the time, or its subflow would be closed when it becomes the only
 * one. */
static void a_backup_is_marked(void **state)
{
	const uint32_t backup = MPTCP_PM_ADDR_FLAG_SUBFLOW | MPTCP_PM_ADDR_FLAG_BACKUP;
	const char *const wishes[] = {"wlan0,wwan0:backup", "wlan0,wwan0:metered"};

	for (unsigned i = 0; i < 2; i++) {
		struct policy policy = wish(wishes[i], NULL);
		struct device d;
		struct multipath_plan p;

		phone(&d);
		d.state.policy = &policy;
		p = plan(&d);
		assert_int_equal(p.used, 2);
		assert_int_equal(flags_of(&p, WLAN), MPTCP_PM_ADDR_FLAG_SUBFLOW);
		assert_int_equal(flags_of(&p, WWAN), backup);
		multipath_plan_free(&p);

		d.all[1].up = false;
		p = plan(&d);
		assert_int_equal(p.used, 1);
		assert_int_equal(flags_of(&p, WWAN), backup);
		multipath_plan_free(&p);
	}
}

/* Who names a tunnel, or a link beside it, gets it; who writes a pattern does not leak around a VPN
 * by accident; and what goes by the named link must not be thrown back into the VPN. */
static void named_in_full_is_used_beside_a_vpn(void **state)
{
	struct policy both = wish("wlan0,tun0", NULL), pattern = wish("wlan*,kind=cellular", NULL);
	struct device d;
	struct multipath_plan p;

	phone(&d);
	d.all[4] = make_link(VPN, "tun0", LINK_TUNNEL, "10.8.0.2/24");
	d.links.count = 5;
	d.routes[5] = to("0.0.0.0/1", VPN, NULL);
	d.routes[6] = to("128.0.0.0/1", VPN, NULL);
	d.links.route_count = 7;
	d.state.policy = &both;
	p = plan(&d);
	assert_int_equal(p.use[1], MULTIPATH_USED);
	assert_int_equal(p.use[2], MULTIPATH_POLICY);
	assert_int_equal(p.use[4], MULTIPATH_USED);
	multipath_plan_free(&p);

	both = wish("wlan0", NULL);
	p = plan(&d);
	assert_int_equal(p.use[1], MULTIPATH_USED);
	for (unsigned i = 0; i < p.count; i++)
		if (p.changes[i].kind == CHANGE_ROUTE && p.changes[i].route.thrown)
			assert_true(p.changes[i].route.to.prefix > 1);
	assert_int_equal(flags_of(&p, VPN), MPTCP_PM_ADDR_FLAG_BACKUP);
	multipath_plan_free(&p);

	d.state.policy = &pattern;
	p = plan(&d);
	assert_int_equal(p.use[1], MULTIPATH_BEHIND_TUNNEL);
	assert_int_equal(p.use[2], MULTIPATH_BEHIND_TUNNEL);
	assert_int_equal(p.used, 0);
	multipath_plan_free(&p);
}

/* A link taken for the wrong kind is used when it must not be, or the reverse. */
static void kinds_are_told(void **state)
{
	assert_int_equal(link_classify(ARPHRD_ETHER, "wlan0", "", ""), LINK_WIFI);
	assert_int_equal(link_classify(ARPHRD_ETHER, "wlp3s0", "", ""), LINK_WIFI);
	assert_int_equal(link_classify(ARPHRD_ETHER, "eth0", "", ""), LINK_ETHERNET);
	assert_int_equal(link_classify(ARPHRD_ETHER, "eth0", "veth", ""), LINK_ETHERNET);
	assert_int_equal(link_classify(ARPHRD_ETHER, "eth0", "tun", "kind=lte"), LINK_CELLULAR);
	assert_int_equal(link_classify(ARPHRD_ETHER, "eth0", "", "kind=nonsense"), LINK_ETHERNET);
	assert_int_equal(link_classify(ARPHRD_NONE, "wg0", "wireguard", ""), LINK_TUNNEL);
	assert_int_equal(link_classify(ARPHRD_NONE, "mine", "wireguard", ""), LINK_TUNNEL);
	assert_int_equal(link_classify(ARPHRD_ETHER, "docker0", "bridge", ""), LINK_VIRTUAL);
	assert_int_equal(link_classify(ARPHRD_ETHER, "br0", "bridge", ""), LINK_ETHERNET);
	assert_int_equal(link_classify(ARPHRD_RAWIP, "wwan0", "", ""), LINK_CELLULAR);
	assert_int_equal(link_classify(ARPHRD_LOOPBACK, "lo", "", ""), LINK_LOOPBACK);
	assert_int_equal(link_classify(ARPHRD_ETHER, "dummy0", "dummy", ""), LINK_VIRTUAL);
}

static void silent_links_are_a_set(void **state)
{
	struct silence silence = {0};

	assert_false(silence_has(NULL, WLAN));
	assert_false(silence_set(&silence, WLAN, false));
	assert_true(silence_set(&silence, WLAN, true));
	assert_false(silence_set(&silence, WLAN, true));
	assert_true(silence_set(&silence, WWAN, true));
	assert_true(silence_set(&silence, WLAN, false));
	assert_false(silence_has(&silence, WLAN));
	assert_true(silence_has(&silence, WWAN));
	for (unsigned i = 0; i < SILENCE_MAX - 1; i++)
		assert_true(silence_set(&silence, 100 + i, true));
	assert_false(silence_set(&silence, WLAN, true));
	assert_true(silence_has(&silence, 100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_link_has_its_table),
		cmocka_unit_test(networks_come_before_gateways),
		cmocka_unit_test(other_networks_are_thrown_back),
		cmocka_unit_test(networks_of_a_dead_link_are_not),
		cmocka_unit_test(nothing_goes_around_a_vpn),
		cmocka_unit_test(nothing_goes_around_a_vpn_by_rules),
		cmocka_unit_test(one_link_needs_its_endpoint),
		cmocka_unit_test(reasons_are_told),
		cmocka_unit_test(neighbours_alone_are_enough_for_who_wants_them),
		cmocka_unit_test(a_silent_link_keeps_its_routes),
		cmocka_unit_test(the_word_of_one_user_leads_only_him),
		cmocka_unit_test(the_base_has_no_endpoint),
		cmocka_unit_test(present_endpoints_are_kept),
		cmocka_unit_test(an_excluded_link_carries_nothing),
		cmocka_unit_test(a_contradiction_is_found),
		cmocka_unit_test(an_excluded_default_is_left),
		cmocka_unit_test(a_backup_is_marked),
		cmocka_unit_test(named_in_full_is_used_beside_a_vpn),
		cmocka_unit_test(kinds_are_told),
		cmocka_unit_test(silent_links_are_a_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
