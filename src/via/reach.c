/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "via/reach.h"

#include "base/cleanup.h"
#include "base/units.h"

#include <string.h>

/* Registries of special-purpose addresses (RFC 6890 and its successors). */
static const char *const denied[] = {
	"0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
	"172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
	"::/8",          "100::/64",        "64:ff9b:1::/48", "2001::/23",      "2001:db8::/32",
	"3fff::/20",     "5f00::/16",       "fc00::/7",       "fe80::/10",      "fec0::/10",
	"ff00::/8",
};

/* Where an IPv4 address is in an IPv6 one. */
static const struct {
	const char *net;
	unsigned at; /* octet */
	bool itself; /* the IPv6 address is nothing else, and not looked at as such */
} embedded[] = {
	{"::/96", 12, true},        /* compatible: RFC 4291, section 2.5.5.1 */
	{"64:ff9b::/96", 12, true}, /* NAT64: RFC 6052 */
	{"2002::/16", 2, false},    /* 6to4: RFC 3056 */
};

static int add_one(struct reach *reach, const char *text, size_t size, bool allow)
{
	struct reach_rule rule = {.allow = allow};
	char copy[ADDRESS_TEXT_MAX + 16], *net = copy, *port = NULL, *end;
	uint64_t number;

	if (size == 0 || size >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, size);
	copy[size] = '\0';
	if (copy[0] == '[') { /* [IPV6], [IPV6]/PREFIX, and :PORT behind either */
		end = strchr(copy, ']');
		if (!end)
			return -EINVAL;
		net = copy + 1;
		port = strchr(end, ':');
		if (port)
			*port++ = '\0';
		memmove(end, end + 1, strlen(end + 1) + 1);
	} else if (strchr(copy, ':') && strchr(copy, ':') == strrchr(copy, ':')) {
		port = strchr(copy, ':');
		*port++ = '\0';
	}
	if (strcmp(net, "*") != 0) {
		if (address_parse(net, &rule.net) < 0)
			return -EINVAL;
		rule.net = address_network(&rule.net);
	}
	if (port) {
		if (units_parse_count(port, &number, NULL) < 0 || number < 1 || number > 65535)
			return -EINVAL;
		rule.port = (unsigned)number;
	}
	if (reach->count == REACH_MAX)
		return -ENOSPC;
	reach->rules[reach->count++] = rule;
	return 0;
}

int reach_add(struct reach *reach, const char *list, bool allow, struct err *err)
{
	for (;;) {
		size_t size = strcspn(list, ",");
		int code = add_one(reach, list, size, allow);

		if (code == -ENOSPC)
			return err_set(err, code, "there can be %d rules at most", REACH_MAX);
		if (code < 0)
			return err_set(err, code,
				       "'%.*s' is no destination: 10.0.0.0/8, 192.0.2.1:443, "
				       "[2001:db8::]/32 or *:25",
				       (int)size, list);
		if (!list[size])
			return 0;
		list += size + 1;
	}
}

static int parse_line(struct reach *reach, char *line, struct err *err)
{
	char *rest = NULL, *verb = strtok_r(line, " \t\r", &rest),
	     *list = strtok_r(NULL, " \t\r", &rest);

	if (!verb)
		return 0;
	if (!list || strtok_r(NULL, " \t\r", &rest) ||
	    (strcmp(verb, "allow") != 0 && strcmp(verb, "deny") != 0))
		return err_set(err, -EINVAL,
			       "destinations are written as allow LIST, or deny LIST");
	return reach_add(reach, list, verb[0] == 'a', err);
}

int reach_parse(struct reach *reach, const char *path, const char *text, size_t size,
		struct err *err)
{
	const char *at = text, *end = text + size;

	for (unsigned number = 1; at < end; number++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((stop ? stop : end) - at);
		char line[1024];
		int code =
			length < sizeof(line) ? 0 : err_set(err, -EINVAL, "the line is too long");

		if (code == 0) {
			memcpy(line, at, length);
			line[length] = '\0';
			line[strcspn(line, "#")] = '\0';
			code = parse_line(reach, line, err);
		}
		if (code < 0)
			return err_prefix(err, code, "%s:%u", path, number);
		at = stop ? stop + 1 : end;
	}
	return 0;
}

static bool is_in(const struct address *address, const char *net)
{
	struct address parsed;

	return address_parse(net, &parsed) == 0 && address_within(address, &parsed);
}

struct verdict {
	int prefix; /* of the rule that counts so far; -1: none */
	bool ported, own, allow;
};

static bool weighs_more(const struct verdict *a, const struct verdict *b)
{
	if (a->prefix != b->prefix)
		return a->prefix > b->prefix;
	if (a->ported != b->ported)
		return a->ported;
	if (a->own != b->own)
		return a->own;
	return !a->allow && b->allow;
}

static bool allows(const struct reach *reach, const struct address *address, unsigned port,
		   bool here)
{
	/* Here is what outweighs all that names no network. */
	struct verdict counts = {
		.prefix = here ? 0 : -1, .ported = here, .own = here, .allow = !here};

	for (unsigned i = 0; i < ARRAY_SIZE(denied); i++) {
		struct address net;

		if (address_parse(denied[i], &net) == 0 && address_within(address, &net) &&
		    weighs_more(&(struct verdict){.prefix = net.prefix}, &counts))
			counts = (struct verdict){.prefix = net.prefix};
	}
	for (unsigned i = 0; i < reach->count; i++) {
		const struct reach_rule *rule = &reach->rules[i];
		const struct verdict verdict = {.prefix = rule->net.family ? rule->net.prefix : 0,
						.ported = rule->port != 0,
						.own = true,
						.allow = rule->allow};

		if ((rule->net.family && !address_within(address, &rule->net)) ||
		    (rule->port && rule->port != port))
			continue;
		if (weighs_more(&verdict, &counts))
			counts = verdict;
	}
	return counts.allow;
}

bool reach_allows(const struct reach *reach, const struct sockaddr *to, bool here)
{
	struct address address = address_from_sockaddr(to);
	unsigned port = address_port(to);
	bool itself = true;

	if (!address.family)
		return false;
	for (unsigned i = 0; address.family == AF_INET6 && i < ARRAY_SIZE(embedded); i++) {
		struct address v4 = {.family = AF_INET, .prefix = 32};

		if (!is_in(&address, embedded[i].net))
			continue;
		memcpy(&v4.v4, address.bytes + embedded[i].at, 4);
		if (!allows(reach, &v4, port, here))
			return false;
		itself = !embedded[i].itself;
	}
	return !itself || allows(reach, &address, port, here);
}
