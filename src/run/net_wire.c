/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/backlog.h"
#include "run/net.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Numbers only, none of which is trusted before it was looked at. Both ends are on one machine. */
struct wire_request {
	uint32_t version, kind;
	uint32_t link, silent, backlog, port, way, grows;
	uint32_t policy, rule_count; /* POLICY_*; the rules follow */
};

enum { POLICY_ONLY_NAMED = 1, POLICY_NEIGHBOURS = 2, POLICY_ALL = 3 };

struct wire_rule {
	char name[POLICY_NAME_MAX];
	uint32_t kind, source, use;
};

struct wire_report {
	uint32_t version, kind;
	uint32_t privileged;
	uint32_t
		use_count; /* the uses follow, a port if it has_ranges(), and the text, without a zero */
};

struct wire_use {
	uint32_t link, use;
};

struct wire_port {
	struct port port;
	struct port_ranges ranges;
	uint32_t place;
};

_Static_assert(sizeof(struct wire_request) + POLICY_RULES_MAX * sizeof(struct wire_rule) <=
		       NET_MESSAGE_MAX,
	       "a whole policy fits");
_Static_assert(sizeof(struct wire_report) + NET_USES_MAX * sizeof(struct wire_use) +
			       sizeof(struct wire_port) + NET_TEXT_MAX <=
		       NET_MESSAGE_MAX,
	       "all uses and words fit");

size_t net_put_request(const struct net_request *request, uint8_t ret[static NET_MESSAGE_MAX])
{
	const struct policy *policy = &request->policy;
	struct wire_request wire = {.version = NET_VERSION,
				    .kind = request->kind,
				    .link = request->link,
				    .silent = request->silent,
				    .backlog = request->backlog,
				    .port = request->port,
				    .way = request->way,
				    .grows = request->grows,
				    .policy = (policy->only_named ? POLICY_ONLY_NAMED : 0u) |
					      (policy->neighbours ? POLICY_NEIGHBOURS : 0u),
				    .rule_count = policy->count};
	size_t size = sizeof(wire);

	memcpy(ret, &wire, sizeof(wire));
	for (unsigned i = 0; i < policy->count; i++) {
		struct wire_rule rule = {.kind = policy->rules[i].kind,
					 .source = policy->rules[i].source,
					 .use = policy->rules[i].use};

		memcpy(rule.name, policy->rules[i].name, sizeof(rule.name));
		memcpy(ret + size, &rule, sizeof(rule));
		size += sizeof(rule);
	}
	return size;
}

/* As if it had been written on a command line: policy_add() knows what is wrong with it. */
static int get_rule(const uint8_t *data, struct policy *policy)
{
	char who[5 + POLICY_NAME_MAX];
	struct wire_rule rule;

	memcpy(&rule, data, sizeof(rule));
	if (!memchr(rule.name, '\0', sizeof(rule.name)) || rule.kind >= LINK_KINDS ||
	    rule.source >= POLICY_SOURCES || rule.use >= POLICY_USES)
		return -EPROTO;
	if (rule.name[0])
		snprintf(who, sizeof(who), "%s", rule.name);
	else
		snprintf(who, sizeof(who), "kind=%s", link_kind_names[rule.kind]);
	return policy_add(policy, rule.source, who, rule.use, NULL) < 0 ? -EPROTO : 0;
}

int net_get_request(const uint8_t *data, size_t size, struct net_request *ret)
{
	struct wire_request wire;

	*ret = (struct net_request){0};
	if (size < sizeof(wire))
		return -EPROTO;
	memcpy(&wire, data, sizeof(wire));
	if (wire.version != NET_VERSION || wire.kind < NET_OPEN || wire.kind > NET_KNOW ||
	    wire.silent > 1 || wire.grows > 1 || wire.policy > POLICY_ALL || wire.link > INT_MAX ||
	    (wire.backlog && wire.backlog < BACKLOG_MIN) || wire.port > UINT16_MAX ||
	    (wire.kind == NET_LISTEN && wire.port == 0) || wire.way >= PORT_KINDS ||
	    wire.rule_count > POLICY_RULES_MAX ||
	    size != sizeof(wire) + wire.rule_count * sizeof(struct wire_rule))
		return -EPROTO;
	ret->kind = wire.kind;
	ret->link = wire.link;
	ret->silent = wire.silent;
	ret->backlog = wire.backlog;
	ret->port = (uint16_t)wire.port;
	ret->way = wire.way;
	ret->grows = wire.grows;
	ret->policy.only_named = wire.policy & POLICY_ONLY_NAMED;
	ret->policy.neighbours = wire.policy & POLICY_NEIGHBOURS;
	for (unsigned i = 0; i < wire.rule_count; i++)
		if (get_rule(data + sizeof(wire) + i * sizeof(struct wire_rule), &ret->policy) < 0)
			return -EPROTO;
	return 0;
}

/* With a port, whose range they were, or alone. */
static bool has_ranges(enum net_report_kind kind)
{
	return kind == NET_PORT || kind == NET_RANGES;
}

static bool are_ranges(const struct port_ranges *ranges)
{
	if (ranges->count == 0 || ranges->count > PORT_RANGES_MAX)
		return false;
	for (unsigned i = 0; i < ranges->count; i++)
		if (ranges->all[i].first == 0 || ranges->all[i].last < ranges->all[i].first)
			return false;
	return true;
}

size_t net_put_report(const struct net_report *report, uint8_t ret[static NET_MESSAGE_MAX])
{
	struct wire_report wire = {.version = NET_VERSION,
				   .kind = report->kind,
				   .privileged = report->privileged,
				   .use_count = report->use_count};
	size_t length = strlen(report->text), size = sizeof(wire);

	memcpy(ret, &wire, sizeof(wire));
	for (unsigned i = 0; i < report->use_count; i++) {
		struct wire_use use = {report->uses[i].link, report->uses[i].use};

		memcpy(ret + size, &use, sizeof(use));
		size += sizeof(use);
	}
	if (has_ranges(report->kind)) {
		struct wire_port port = {report->port, report->ranges, report->place};

		memcpy(ret + size, &port, sizeof(port));
		size += sizeof(port);
	}
	memcpy(ret + size, report->text, length);
	return size + length;
}

static int get_use(const uint8_t *data, struct net_use *ret)
{
	struct wire_use use;

	memcpy(&use, data, sizeof(use));
	if (use.use > MULTIPATH_BEHIND_TUNNEL)
		return -EPROTO;
	*ret = (struct net_use){.link = use.link, .use = use.use};
	return 0;
}

static int get_port(const uint8_t *data, size_t size, struct net_report *ret)
{
	struct wire_port wire;

	if (size < sizeof(wire))
		return -EPROTO;
	memcpy(&wire, data, sizeof(wire));
	if (!memchr(wire.port.name, '\0', sizeof(wire.port.name)) || wire.port.kind >= LINK_KINDS ||
	    wire.port.way >= PORT_KINDS || wire.port.address_count > LINK_ADDRESSES_MAX ||
	    wire.place >= NET_PORTS_MAX || !are_ranges(&wire.ranges))
		return -EPROTO;
	ret->port = wire.port;
	ret->ranges = wire.ranges;
	ret->place = wire.place;
	return 0;
}

int net_get_report(const uint8_t *data, size_t size, struct net_report *ret)
{
	struct wire_report wire;
	size_t at = sizeof(wire);

	*ret = (struct net_report){0};
	if (size < sizeof(wire))
		return -EPROTO;
	memcpy(&wire, data, sizeof(wire));
	if (wire.version != NET_VERSION || wire.kind < NET_EXPLAINS || wire.kind > NET_TAKEN ||
	    wire.use_count > NET_USES_MAX || size - at < wire.use_count * sizeof(struct wire_use))
		return -EPROTO;
	ret->kind = wire.kind;
	ret->privileged = wire.privileged != 0;
	for (; ret->use_count < wire.use_count; at += sizeof(struct wire_use))
		if (get_use(data + at, &ret->uses[ret->use_count++]) < 0)
			return -EPROTO;
	if (has_ranges(ret->kind)) {
		if (get_port(data + at, size - at, ret) < 0)
			return -EPROTO;
		at += sizeof(struct wire_port);
	}
	if (size - at >= sizeof(ret->text))
		return -EPROTO;
	memcpy(ret->text, data + at, size - at);
	return 0;
}
