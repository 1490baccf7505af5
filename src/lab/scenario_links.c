/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links and their ends. */
#include "base/cleanup.h"
#include "base/units.h"
#include "lab/scenario_parts.h"

#include <inttypes.h>
#include <string.h>

#define MTU_DEFAULT 1500
#define MTU_MIN_V4  68
#define MTU_MIN_V6  1280
#define MTU_MAX     65521 /* that a TAP takes: an Ethernet header less than 65535 */

#define DEVICE_NAME "letters, digits, -, _ and ."

static bool is_in(char c, char low, char high)
{
	return c >= low && c <= high;
}

/* What the kernel takes as a device's name, less what confuses people and /proc/sys. */
static bool is_device_name(const char *text)
{
	static const char *const taken[] = {"lo", "all", "default", ".", ".."};

	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		if (strcmp(text, taken[i]) == 0)
			return false;
	if (strlen(text) >= IFNAMSIZ || *text == '-')
		return false;
	for (; *text; text++)
		if (!is_in(*text, 'a', 'z') && !is_in(*text, 'A', 'Z') && !is_in(*text, '0', '9') &&
		    !strchr("-_.", *text))
			return false;
	return true;
}

static bool is_usable(const struct address *a)
{
	static const struct address loopback = {.family = AF_INET, .prefix = 8, .bytes = {127}};
	unsigned host_bits = (unsigned)address_size(a) * 8 - a->prefix;
	struct address network = address_network(a), broadcast = *a;

	if (a->family == AF_INET6)
		return !IN6_IS_ADDR_MULTICAST(&a->v6) && !IN6_IS_ADDR_LOOPBACK(&a->v6) &&
		       !IN6_IS_ADDR_UNSPECIFIED(&a->v6) && !IN6_IS_ADDR_V4MAPPED(&a->v6);
	if (a->bytes[0] == 0 || a->bytes[0] >= 224 || address_within(a, &loopback))
		return false;
	if (host_bits < 2)
		return true;
	broadcast.v4.s_addr |= htonl((uint32_t)((1ULL << host_bits) - 1));
	return !address_equal(a, &network) && !address_equal(a, &broadcast);
}

static int read_addresses(const struct loading *loading, const char *place,
			  const struct yaml_end *yaml, struct scenario_end *end)
{
	if (yaml->addresses_count == 0)
		return 0;
	end->addresses = calloc(yaml->addresses_count, sizeof(*end->addresses));
	if (!end->addresses)
		return err_set(loading->err, -ENOMEM, "no memory");
	for (unsigned i = 0; i < yaml->addresses_count; i++) {
		const char *text = yaml->addresses[i];
		struct address *address = &end->addresses[i];
		char item[PLACE_MAX + 24];

		snprintf(item, sizeof(item), "%s.addresses[%u]", place, i);
		if (!strchr(text, '/') || address_parse(text, address) < 0 || address->prefix == 0)
			return scenario_wrong(loading, item, NULL,
					      "'%.60s' is no address with its prefix length "
					      "(expected such as 10.1.0.2/24 or fd00:1::2/64)",
					      text);
		if (!is_usable(address))
			return scenario_wrong(
				loading, item, NULL,
				"%.60s cannot be a device's address: it is a network, "
				"broadcast, multicast or loopback address",
				text);
		end->address_count++;
	}
	return 0;
}

static int read_gateways(const struct loading *loading, const char *place,
			 const struct yaml_end *yaml, struct scenario_end *end)
{
	for (unsigned i = 0; i < yaml->gateway_count; i++) {
		char item[PLACE_MAX + 24];
		struct address address, *slot;

		snprintf(item, sizeof(item), "%s.gateway[%u]", place, i);
		if (strchr(yaml->gateway[i], '/') || address_parse(yaml->gateway[i], &address) < 0)
			return scenario_wrong(loading, item, NULL,
					      "'%.60s' is no address (expected such as 10.1.0.1 or "
					      "fd00:1::1)",
					      yaml->gateway[i]);
		slot = address.family == AF_INET ? &end->gateway4 : &end->gateway6;
		if (slot->family)
			return scenario_wrong(loading, item, NULL,
					      "a second IPv%d gateway (expected one per family)",
					      address.family == AF_INET ? 4 : 6);
		*slot = address;
	}
	return 0;
}

static int read_end(struct loading *loading, const char *place, const struct yaml_end *yaml,
		    struct scenario_end *end)
{
	int code = scenario_named_host(loading, place, "host", yaml->host, &end->host);

	if (code < 0)
		return code;
	if (!is_device_name(yaml->name))
		return scenario_wrong(loading, place, "name",
				      "'%.40s' is no name for a device (expected " DEVICE_NAME
				      ", at most %d; not lo)",
				      yaml->name, IFNAMSIZ - 1);
	snprintf(end->name, sizeof(end->name), "%s", yaml->name);
	snprintf(end->kind, sizeof(end->kind), "%s", scenario_yaml_kind(yaml->kind));
	end->nat = yaml->nat == YAML_YES;
	if (end->nat && !loading->scenario->hosts[end->host].forward)
		return scenario_wrong(
			loading, place, "nat",
			"host '%s' translates addresses of nobody: it does not forward "
			"(expected 'forward: yes' there)",
			yaml->host);
	code = read_addresses(loading, place, yaml, end);
	return code < 0 ? code : read_gateways(loading, place, yaml, end);
}

/* The device's name must be new in its host. */
static int check_device(const struct loading *loading, const char *place, unsigned link,
			unsigned number)
{
	const struct scenario *scenario = loading->scenario;
	const struct scenario_end *end = &scenario->links[link].ends[number];

	for (unsigned i = 0; i < 2 * link + number; i++) {
		const struct scenario_end *other = &scenario->links[i / 2].ends[i % 2];
		char there[PLACE_MAX];

		if (other->host != end->host || strcmp(other->name, end->name) != 0)
			continue;
		snprintf(there, sizeof(there), "links[%u].ends[%u]", i / 2, i % 2);
		return scenario_wrong(loading, place, "name",
				      "host '%s' has a device '%s' already in line %u",
				      scenario->hosts[end->host].name, end->name,
				      document_line(loading->document, there, "name"));
	}
	return 0;
}

static int read_ends(struct loading *loading, unsigned index, const struct yaml_link *yaml,
		     struct scenario_link *link)
{
	char place[PLACE_MAX];

	for (unsigned i = 0; i < 2; i++) {
		int code;

		snprintf(place, sizeof(place), "links[%u].ends[%u]", index, i);
		code = read_end(loading, place, &yaml->ends[i], &link->ends[i]);
		if (code >= 0 && i == 1 && link->ends[0].host == link->ends[1].host)
			code = scenario_wrong(loading, place, "host",
					      "both ends are at host '%s' (expected two hosts)",
					      yaml->ends[1].host);
		if (code >= 0)
			code = check_device(loading, place, index, i);
		if (code < 0)
			return code;
	}
	return 0;
}

static int read_link_name(const struct loading *loading, const char *place,
			  const struct yaml_link *yaml, struct scenario_link *link)
{
	const char *name = yaml->name ? yaml->name : yaml->ends[0].name;
	int same;

	if (!scenario_is_name(name))
		return scenario_wrong(loading, place, "name",
				      "'%.40s' is no name for a link (expected " SCENARIO_NAME_WORDS
				      ", at most %d%s)",
				      name, SCENARIO_NAME_MAX - 1,
				      yaml->name ? ""
						 : "; without a 'name' it is its first device's");
	same = scenario_find_link(loading->scenario, name);
	if (same >= 0) {
		char other[PLACE_MAX];

		snprintf(other, sizeof(other), "links[%d]", same);
		return scenario_wrong(loading, place, "name",
				      "there is a link '%s' already in line %u%s", name,
				      document_line(loading->document, other, "name"),
				      yaml->name ? "" : " (give this one a 'name')");
	}
	snprintf(link->name, sizeof(link->name), "%s", name);
	return 0;
}

static bool has_v6(const struct scenario_link *link)
{
	for (unsigned i = 0; i < 2; i++)
		for (unsigned j = 0; j < link->ends[i].address_count; j++)
			if (link->ends[i].addresses[j].family == AF_INET6)
				return true;
	return false;
}

static int read_mtu(const struct loading *loading, const char *place, const struct yaml_link *yaml,
		    struct scenario_link *link)
{
	unsigned min = has_v6(link) ? MTU_MIN_V6 : MTU_MIN_V4;
	struct err why = {0};
	uint64_t mtu = MTU_DEFAULT;

	if (yaml->mtu && units_parse_count(yaml->mtu, &mtu, &why) < 0)
		return scenario_wrong(loading, place, "mtu", "mtu: %s", why.text);
	if (mtu < min || mtu > MTU_MAX)
		return scenario_wrong(loading, place, "mtu",
				      "mtu: %" PRIu64 " is not within %u to %u%s", mtu, min,
				      MTU_MAX, min == MTU_MIN_V6 ? " (IPv6 needs 1280)" : "");
	link->mtu = (unsigned)mtu;
	return 0;
}

/* Both directions: what is written for both, and over it what is written for each. */
static int read_shapes(struct loading *loading, unsigned index, const struct yaml_link *yaml,
		       struct scenario_link *link)
{
	struct shape both = {0}, own;
	unsigned both_fields = 0, fields[2] = {0};
	char place[PLACE_MAX];
	int code = 0;

	snprintf(place, sizeof(place), "links[%u].both", index);
	if (yaml->both)
		code = scenario_shape(loading, place, yaml->both, &both, &both_fields);
	for (unsigned i = 0; code >= 0 && i < 2; i++) {
		link->ends[i].send = both;
		fields[i] = both_fields;
		if (!yaml->ends[i].send)
			continue;
		snprintf(place, sizeof(place), "links[%u].ends[%u].send", index, i);
		code = scenario_shape(loading, place, yaml->ends[i].send, &own, &fields[i]);
		if (code >= 0)
			shape_change(&link->ends[i].send, &own, fields[i]);
		fields[i] |= both_fields;
	}
	for (unsigned i = 0; code >= 0 && i < 2; i++) {
		struct shape *shape = &link->ends[i].send;
		bool is_own = yaml->ends[i].send && yaml->ends[i].send->queue;

		if (!(fields[i] & (SHAPE_QUEUE_PACKETS | SHAPE_QUEUE_BYTES)))
			scenario_shape_queue(shape, link->ends[!i].send.delay, link->mtu);
		if (is_own)
			snprintf(place, sizeof(place), "links[%u].ends[%u].send.queue", index, i);
		else
			snprintf(place, sizeof(place), "links[%u].both.queue", index);
		code = scenario_check_queue(loading, place, "bytes", shape, link->mtu);
	}
	return code;
}

int scenario_links(struct loading *loading, const struct yaml_scenario *yaml)
{
	struct scenario *scenario = loading->scenario;

	for (unsigned i = 0; i < yaml->links_count; i++) {
		struct scenario_link *link = &scenario->links[i];
		char place[PLACE_MAX];
		int code = read_ends(loading, i, &yaml->links[i], link);

		snprintf(place, sizeof(place), "links[%u]", i);
		if (code >= 0)
			code = read_link_name(loading, place, &yaml->links[i], link);
		if (code >= 0)
			code = read_mtu(loading, place, &yaml->links[i], link);
		if (code >= 0)
			code = read_shapes(loading, i, &yaml->links[i], link);
		if (code < 0)
			return code;
		link->strip_mptcp = yaml->links[i].strip_mptcp == YAML_YES;
		scenario->link_count++;
	}
	return 0;
}
