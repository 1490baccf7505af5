/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neighbours that Avahi knows (dnssd.h). Anybody on a link can say anything there, so it is kept apart from what beacons say: it
 * makes nobody near, takes no place that a neighbour would need, and is dialled after all else. Who is there has to be the node that
 * was named (contact.c).
 */
#include "drop/node_parts.h"

#include <stdio.h>
#include <string.h>

static unsigned count_told_only(const struct node *node)
{
	unsigned count = 0;

	for (const struct neighbour *at = node->neighbours; at; at = at->next)
		count += !at->heard;
	return count;
}

static bool same_place(const struct dnssd_place *a, const struct dnssd_place *b)
{
	return a->link == b->link && a->port == b->port && address_equal(&a->address, &b->address);
}

static void on_told(void *data, const struct dnssd_place *place)
{
	struct node *node = data;
	struct neighbour *neighbour = neighbours_find(node, place->node);
	char text[ADDRESS_TEXT_MAX];
	bool is_new;

	if (!discovery_has(node->discovery, place->link))
		return;
	is_new = !neighbour;
	if (is_new && count_told_only(node) < TOLD_MAX)
		neighbour = neighbours_add(node, place->node);
	if (!neighbour || neighbour->told_count == TOLD_PLACES)
		return;
	neighbour->told[neighbour->told_count++] = *place;
	node_say(node, "told", "Avahi tells of '%s' at %s", place->node,
		 address_text(&place->address, text));
	if (is_new) /* else its time comes: whoever tells more does not make us dial more often */
		neighbours_try(node, neighbour);
}

/* With its last place a neighbour that nothing else is known of goes at the next tick. */
static void on_untold(void *data, const struct dnssd_place *place)
{
	struct neighbour *neighbour = neighbours_find(data, place->node);

	for (unsigned i = 0; neighbour && i < neighbour->told_count; i++)
		if (same_place(&neighbour->told[i], place)) {
			neighbour->told[i] = neighbour->told[--neighbour->told_count];
			return;
		}
}

static void on_lost(void *data)
{
	told_end(data);
}

static const struct dnssd_owner owner = {on_told, on_untold, on_lost};

void told_begin(struct node *node)
{
	if (!node->dnssd && dnssd_open(&node->loop, node->identity, node->options.port, &owner,
				       node, &node->dnssd) < 0)
		node->dnssd = NULL; /* there is no bus */
}

void told_end(struct node *node)
{
	dnssd_close(node->dnssd);
	node->dnssd = NULL;
}
