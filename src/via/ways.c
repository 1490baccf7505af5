/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "via/ways.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Servers are upgraded now and then, and clients move to networks that let MPTCP through. */
#define REMEMBERED 3600

int ways_add(struct ways *ways, const char *who, unsigned port, enum way way, struct err *err)
{
	struct ways_rule *rule = &ways->rules[ways->count];

	if (ways->count == WAYS_RULES_MAX)
		return err_set(err, -ENOSPC, "there can be %d rules at most", WAYS_RULES_MAX);
	*rule = (struct ways_rule){.way = way, .port = port};
	if (address_parse(who, &rule->net) < 0) {
		rule->net.family = 0;
		if (!*who || strlen(who) >= sizeof(rule->name) || strpbrk(who, "/:[] ") ||
		    (strchr(who, '*') && strcmp(who, "*") != 0 &&
		     (strncmp(who, "*.", 2) != 0 || strchr(who + 1, '*'))))
			return err_set(err, -EINVAL,
				       "'%s' is no destination: a name, *.NAME, *, an address or a "
				       "network",
				       who);
		snprintf(rule->name, sizeof(rule->name), "%s", who);
	} else {
		rule->net = address_network(&rule->net);
	}
	ways->count++;
	return 0;
}

static bool fits_name(const char *name, const char *host)
{
	size_t size = strlen(host), tail;

	if (strcmp(name, "*") == 0)
		return true;
	if (name[0] != '*')
		return strcasecmp(name, host) == 0;
	tail = strlen(name + 1);
	return size > tail && strcasecmp(host + size - tail, name + 1) == 0;
}

static bool fits(const struct ways_rule *rule, const char *host, const struct address *address,
		 const char *port)
{
	if (rule->port && rule->port != (unsigned)strtoul(port, NULL, 10))
		return false;
	if (!rule->net.family)
		return fits_name(rule->name, host);
	return address->family && address_within(address, &rule->net);
}

/* This machine, and what is on the link. */
static bool is_near(const char *host, const struct address *address)
{
	if (!address->family)
		return strcasecmp(host, "localhost") == 0 || fits_name("*.localhost", host) ||
		       fits_name("*.local", host);
	return address_is_loopback(address) || address_is_unspecified(address) ||
	       address_is_link_local(address);
}

enum way ways_said(const struct ways *ways, const char *host, const char *port)
{
	struct address address;

	if (address_parse(host, &address) < 0)
		address.family = 0;
	if (is_near(host, &address))
		return WAY_DIRECT;
	if (ways->all != WAY_FIND)
		return ways->all;
	for (unsigned i = 0; i < ways->count; i++)
		if (fits(&ways->rules[i], host, &address, port))
			return ways->rules[i].way;
	return WAY_FIND;
}

/* FNV-1a. What two destinations share is only where they go, and the relay reaches both. */
static uint64_t hash(const char *host, const char *port)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *host; host++)
		hash = (hash ^ (uint8_t)*host) * 0x100000001b3;
	hash = (hash ^ ' ') * 0x100000001b3;
	for (; *port; port++)
		hash = (hash ^ (uint8_t)*port) * 0x100000001b3;
	return hash ? hash : 1;
}

enum way ways_of(const struct ways *ways, const char *host, const char *port, uint64_t now)
{
	enum way way = ways_said(ways, host, port);
	uint64_t destination = hash(host, port);
	const struct ways_memory *memory = &ways->memory[destination % WAYS_MEMORY];

	if (way == WAY_FIND && memory->destination == destination && now < memory->until)
		return memory->way;
	return way;
}

void ways_learn(struct ways *ways, const char *host, const char *port, enum way way, uint64_t now)
{
	uint64_t destination = hash(host, port);

	ways->memory[destination % WAYS_MEMORY] =
		(struct ways_memory){destination, now + REMEMBERED, way, false};
	ways->learned = true;
}

void ways_recall(struct ways *ways, const struct ways_memory *memory, uint64_t now)
{
	struct ways_memory *place = &ways->memory[memory->destination % WAYS_MEMORY];

	if (!memory->destination || memory->until < now ||
	    (place->destination && now < place->until))
		return;
	*place = *memory;
	if (place->until > now + REMEMBERED)
		place->until = now + REMEMBERED;
}

bool ways_hints(const struct ways *ways, const char *host, const char *port)
{
	uint64_t destination = hash(host, port);
	const struct ways_memory *memory = &ways->memory[destination % WAYS_MEMORY];

	return memory->destination == destination && memory->hint;
}
