/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses against each other: an address means one end, a network means one link. */
#include "lab/scenario_parts.h"

#include <string.h>

/* An address's home in the scenario. */
struct home {
	unsigned link, end, index;
};

static const struct scenario_end *end_at(const struct scenario *scenario, unsigned link,
					 unsigned end)
{
	return &scenario->links[link].ends[end];
}

static const struct address *address_at(const struct scenario *scenario, struct home home)
{
	return &end_at(scenario, home.link, home.end)->addresses[home.index];
}

static void write_place(char place[static PLACE_MAX], struct home home)
{
	snprintf(place, PLACE_MAX, "links[%u].ends[%u].addresses[%u]", home.link, home.end,
		 home.index);
}

static unsigned line_at(const struct loading *loading, struct home home)
{
	char place[PLACE_MAX];

	write_place(place, home);
	return document_line(loading->document, place, NULL);
}

static bool overlap(const struct address *a, const struct address *b)
{
	unsigned prefix = a->prefix < b->prefix ? a->prefix : b->prefix;

	/* Whole bytes first, since nearly all pairs differ there and there can be millions. */
	return memcmp(a->bytes, b->bytes, prefix / 8) == 0 &&
	       (address_within(a, b) || address_within(b, a));
}

/* Would the two make a host, or a reader, take one thing for another? */
static int check_pair(const struct loading *loading, struct home home, struct home other)
{
	const struct scenario *scenario = loading->scenario;
	const struct address *a = address_at(scenario, home), *b = address_at(scenario, other);
	char place[PLACE_MAX], text[ADDRESS_TEXT_MAX], taken[ADDRESS_TEXT_MAX];
	bool same;

	if (a->family != b->family)
		return 0;
	same = home.link == other.link && address_equal(a, b);
	if (!same && (home.link == other.link || !overlap(a, b) || address_is_link_local(a)))
		return 0;
	write_place(place, home);
	if (same)
		return scenario_wrong(loading, place, NULL, "address %s is used already in line %u",
				      address_text(a, text), line_at(loading, other));
	return scenario_wrong(loading, place, NULL,
			      "%s overlaps with %s of link '%s' in line %u "
			      "(expected another network for each link)",
			      address_text_prefix(a, text), address_text_prefix(b, taken),
			      scenario->links[other.link].name, line_at(loading, other));
}

/* Against all addresses that come earlier in the file. */
static int check_address(const struct loading *loading, struct home home)
{
	const struct scenario *scenario = loading->scenario;
	struct home other;

	for (other.link = 0; other.link <= home.link; other.link++)
		for (other.end = 0; other.end < 2; other.end++)
			for (other.index = 0;
			     other.index < end_at(scenario, other.link, other.end)->address_count;
			     other.index++) {
				int code;

				if (memcmp(&other, &home, sizeof(home)) == 0)
					return 0;
				code = check_pair(loading, home, other);
				if (code < 0)
					return code;
			}
	return 0;
}

static bool has_address(const struct scenario_end *end, const struct address *address)
{
	for (unsigned i = 0; i < end->address_count; i++)
		if (address_equal(&end->addresses[i], address))
			return true;
	return false;
}

static bool is_on_link(const struct scenario_end *end, const struct address *address)
{
	for (unsigned i = 0; i < end->address_count; i++)
		if (address_within(address, &end->addresses[i]))
			return true;
	return false;
}

/* A gateway must be there, and be within reach. */
static int check_gateway(const struct loading *loading, unsigned link, unsigned number,
			 const struct address *gateway)
{
	const struct scenario_end *end = end_at(loading->scenario, link, number);
	const struct scenario_end *other = end_at(loading->scenario, link, !number);
	char place[PLACE_MAX], text[ADDRESS_TEXT_MAX];

	if (!gateway->family)
		return 0;
	snprintf(place, sizeof(place), "links[%u].ends[%u]", link, number);
	if (!has_address(other, gateway))
		return scenario_wrong(loading, place, "gateway",
				      "gateway %s is not on the link (expected an address of its "
				      "other end, '%s' of '%s')",
				      address_text(gateway, text), other->name,
				      loading->scenario->hosts[other->host].name);
	if (!is_on_link(end, gateway))
		return scenario_wrong(
			loading, place, "gateway",
			"gateway %s is in none of the networks of this end's addresses",
			address_text(gateway, text));
	return 0;
}

int scenario_check_addresses(const struct loading *loading)
{
	const struct scenario *scenario = loading->scenario;
	struct home home;
	int code = 0;

	for (home.link = 0; home.link < scenario->link_count; home.link++)
		for (home.end = 0; home.end < 2; home.end++) {
			const struct scenario_end *end = end_at(scenario, home.link, home.end);

			for (home.index = 0; code >= 0 && home.index < end->address_count;
			     home.index++)
				code = check_address(loading, home);
			if (code >= 0)
				code = check_gateway(loading, home.link, home.end, &end->gateway4);
			if (code >= 0)
				code = check_gateway(loading, home.link, home.end, &end->gateway6);
			if (code < 0)
				return code;
		}
	return 0;
}
