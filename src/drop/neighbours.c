/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neighbours whose beacons are heard, and connections to them. Of two nodes the one whose name comes first dials, so that there is
 * one contact. It dials an address of the neighbour's on a link where it is heard, the link-local one if there is no other: then
 * Multipath TCP finds the other links by itself. The next time it is another link's turn, and last that of places which others
 * speak of (told.c).
 */
#include "drop/node_parts.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_FIRST (300 * NS_PER_MS)
#define BACKOFF_LAST  (30 * NS_PER_S)
#define DIAL_MS       2000
/* Longer than a beacon takes to come when a link is back, even if one is lost. */
#define SILENT ((2 * DISCOVERY_EVERY_MS + 1000) * NS_PER_MS)

/* A connection that is being made. */
struct dial {
	struct node *node;
	char peer[NODE_MAX], host[INET6_ADDRSTRLEN + IF_NAMESIZE + 2], service[8];
	struct dialling *dialling; /* owned */
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned handles;
	bool over;
	struct dial *next;
};

struct neighbour *neighbours_find(const struct node *node, const char *name)
{
	for (struct neighbour *at = node->neighbours; at; at = at->next)
		if (strcmp(at->node, name) == 0)
			return at;
	return NULL;
}

static void freed(uv_handle_t *handle)
{
	struct dial *dial = handle->data;

	if (--dial->handles == 0)
		free(dial);
}

static void end_dial(struct dial *dial)
{
	if (dial->over)
		return;
	dial->over = true;
	for (struct dial **at = &dial->node->dials; *at; at = &(*at)->next)
		if (*at == dial) {
			*at = dial->next;
			break;
		}
	uv_close((uv_handle_t *)&dial->poll, freed);
	uv_close((uv_handle_t *)&dial->timer, freed);
	dial->node->options.stack->ops->dial_close(dial->dialling);
}

static void go_on(struct dial *dial)
{
	struct node *node = dial->node;
	uint64_t wake = UINT64_MAX, now = clock_now();
	struct err err = {0};
	int fd = node->options.stack->ops->dial_go_on(dial->dialling, &wake, &err);

	if (fd == -EINPROGRESS) {
		if (wake != UINT64_MAX)
			uv_timer_start(&dial->timer, dial->timer.timer_cb,
				       wake > now ? (wake - now) / NS_PER_MS + 1 : 0, 0);
		return;
	}
	if (fd < 0) {
		node_say(node, dial->peer, "cannot reach '%s': %s", dial->peer, err.text);
		end_dial(dial);
		return;
	}
	node_add_contact(node, fd, dial->peer);
	end_dial(dial);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	go_on(poll->data);
}

static void on_timer(uv_timer_t *timer)
{
	go_on(timer->data);
}

static void put_host(struct dial *dial, const struct address *address, const char *link)
{
	char text[ADDRESS_TEXT_MAX];
	bool scope = address->family == AF_INET6 && address_is_link_local(address);

	snprintf(dial->host, sizeof(dial->host), "%s%s%s", address_text(address, text),
		 scope ? "%" : "", scope ? link : "");
}

/* Where the @try-th attempt goes: links in turn, and of each the addresses in turn. */
static void choose(const struct neighbour *neighbour, unsigned try, struct dial *dial)
{
	unsigned places = neighbour->link_count + neighbour->told_count, place = try % places;
	const struct near_link *link = &neighbour->links[place];

	if (place < neighbour->link_count) {
		unsigned turn = try / places % (link->address_count + 1);
		struct address local = {.family = AF_INET6, .prefix = 128, .v6 = link->local};

		snprintf(dial->service, sizeof(dial->service), "%u", neighbour->port);
		put_host(dial, turn < link->address_count ? &link->addresses[turn] : &local,
			 link->name);
	} else {
		const struct dnssd_place *told = &neighbour->told[place - neighbour->link_count];
		char name[IF_NAMESIZE] = "";

		snprintf(dial->service, sizeof(dial->service), "%u", told->port);
		if_indextoname(told->link, name);
		put_host(dial, &told->address, name);
	}
}

static void dial(struct node *node, struct neighbour *neighbour)
{
	struct dial *dial = calloc(1, sizeof(*dial));
	struct stack_dial how = {.timeout_ms = DIAL_MS, .flags = RV_NONBLOCK};
	struct err err = {0};

	if (!dial)
		return;
	*dial = (struct dial){.node = node, .handles = 2};
	snprintf(dial->peer, sizeof(dial->peer), "%s", neighbour->node);
	choose(neighbour, neighbour->tries++, dial);
	how.host = dial->host;
	how.service = dial->service;
	if (node->options.stack->ops->dial_open(node->options.stack, &how, &dial->dialling, &err) <
	    0) {
		node_say(node, dial->peer, "cannot reach '%s': %s", dial->peer, err.text);
		free(dial);
		return;
	}
	uv_poll_init(&node->loop, &dial->poll, dial->dialling->fd);
	uv_timer_init(&node->loop, &dial->timer);
	dial->poll.data = dial->timer.data = dial;
	dial->next = node->dials;
	node->dials = dial;
	uv_poll_start(&dial->poll, UV_READABLE, on_poll);
	uv_timer_start(&dial->timer, on_timer, 0, 0);
}

static bool is_dialled(const struct node *node, const char *name)
{
	for (const struct dial *at = node->dials; at; at = at->next)
		if (strcmp(at->peer, name) == 0)
			return true;
	return false;
}

/* One whose handshake is under way may be with anyone; it will be over soon. */
static bool has_contact(const struct node *node, const char *name)
{
	for (const struct contact *at = node->contacts; at; at = at->next)
		if (strcmp(at->peer, name) == 0 || (at->dialled && !at->peer[0]))
			return true;
	return false;
}

static void consider(struct node *node, struct neighbour *neighbour, uint64_t now)
{
	if (node->stopping || strcmp(node->identity->node, neighbour->node) >= 0 ||
	    now < neighbour->dial_after || has_contact(node, neighbour->node) ||
	    is_dialled(node, neighbour->node) || neighbour->link_count + neighbour->told_count == 0)
		return;
	neighbour->dial_after = now + neighbour->backoff;
	neighbour->backoff =
		neighbour->backoff * 2 < BACKOFF_LAST ? neighbour->backoff * 2 : BACKOFF_LAST;
	dial(node, neighbour);
}

struct neighbour *neighbours_add(struct node *node, const char *name)
{
	struct neighbour *neighbour =
		node->neighbour_count < NEAR_MAX ? calloc(1, sizeof(*neighbour)) : NULL;

	if (!neighbour)
		return NULL;
	snprintf(neighbour->node, sizeof(neighbour->node), "%s", name);
	neighbour->next = node->neighbours;
	node->neighbours = neighbour;
	node->neighbour_count++;
	return neighbour;
}

void neighbours_try(struct node *node, struct neighbour *neighbour)
{
	neighbour->backoff = BACKOFF_FIRST;
	neighbour->dial_after = 0;
	consider(node, neighbour, clock_now());
}

void neighbours_contact_closed(struct node *node, const char *peer)
{
	struct neighbour *neighbour = neighbours_find(node, peer);

	if (neighbour) {
		neighbour->backoff = BACKOFF_FIRST;
		neighbour->tries = 0;
		neighbour->dial_after = clock_now() + BACKOFF_FIRST;
	}
}

static struct near_link *link_of(struct neighbour *neighbour, unsigned index, const char *name,
				 bool *ret_new)
{
	struct near_link *link;

	*ret_new = false;
	for (unsigned i = 0; i < neighbour->link_count; i++)
		if (neighbour->links[i].index == index)
			return &neighbour->links[i];
	if (neighbour->link_count == NEAR_LINKS)
		return NULL;
	link = &neighbour->links[neighbour->link_count++];
	*link = (struct near_link){.index = index};
	snprintf(link->name, sizeof(link->name), "%s", name);
	*ret_new = true;
	return link;
}

static void on_heard(void *data, const struct beacon *beacon, unsigned index, const char *name)
{
	struct node *node = data;
	struct neighbour *neighbour = neighbours_find(node, beacon->node);
	uint64_t now = clock_now();
	struct near_link *link, heard;
	bool is_new;

	if (strcmp(beacon->node, node->identity->node) == 0) {
		node_say(node, "twin", "another device calls itself '%s', too", beacon->node);
		return;
	}
	if (!neighbour)
		neighbour = neighbours_add(node, beacon->node);
	if (neighbour && !neighbour->heard) {
		neighbour->heard = true;
		neighbour->since = now;
		node_say(node, NULL, "'%s' is near, over %s", beacon->node, name);
	}
	link = neighbour ? link_of(neighbour, index, name, &is_new) : NULL;
	if (!link)
		return;
	heard = *link;
	*link = neighbour->links[0]; /* the first is where it was heard last */
	link = &neighbour->links[0];
	*link = heard;
	link->heard = now;
	link->local = beacon->sender;
	link->address_count = beacon->address_count;
	memcpy(link->addresses, beacon->addresses, sizeof(link->addresses));
	neighbour->port = beacon->port;
	if (is_new) {
		neighbour->backoff = BACKOFF_FIRST;
		neighbour->dial_after = 0;
		discovery_hurry(node->discovery);
	}
	consider(node, neighbour, now);
}

static void on_refused(void *data, const char *from, const char *why)
{
	struct node *node = data;

	node_say(node, from, "%s: %s", from, why);
}

static void drop_links(const struct node *node, struct neighbour *neighbour, uint64_t now)
{
	for (unsigned i = neighbour->link_count; i-- > 0;)
		if (now - neighbour->links[i].heard > DISCOVERY_GONE_MS * NS_PER_MS ||
		    !discovery_has(node->discovery, neighbour->links[i].index))
			neighbour->links[i] = neighbour->links[--neighbour->link_count];
}

static void on_changed(void *data)
{
	struct node *node = data;
	uint64_t now = clock_now();

	for (struct neighbour *at = node->neighbours; at; at = at->next) {
		drop_links(node, at, now);
		at->dial_after = 0;
	}
}

const struct discovery_owner neighbours_owner = {on_heard, on_refused, on_changed};

/* No link leads to it any more: the contact, which may wait for minutes, is over if nothing comes. */
static void end_contact(struct node *node, const char *name, uint64_t now)
{
	struct contact *contact = node_contact(node, name);

	if (contact && now - contact->last_received > SILENT)
		contact_close(contact, "it is not near any more");
}

void neighbours_tick(struct node *node, uint64_t now)
{
	struct neighbour **at = &node->neighbours, *neighbour;

	while ((neighbour = *at)) {
		drop_links(node, neighbour, now);
		if (neighbour->heard && !neighbour->link_count) {
			end_contact(node, neighbour->node, now);
			neighbour->heard = node_contact(node, neighbour->node) != NULL;
			if (!neighbour->heard)
				node_say(node, NULL, "'%s' is not near any more", neighbour->node);
		}
		if (neighbour->heard || neighbour->told_count) {
			consider(node, neighbour, now);
			at = &neighbour->next;
			continue;
		}
		*at = neighbour->next;
		node->neighbour_count--;
		free(neighbour);
	}
}

void neighbours_drop(struct node *node, const char *name)
{
	for (struct neighbour **at = &node->neighbours; *at; at = &(*at)->next)
		if (strcmp((*at)->node, name) == 0) {
			struct neighbour *gone = *at;

			*at = gone->next;
			node->neighbour_count--;
			free(gone);
			return;
		}
}

void neighbours_close(struct node *node)
{
	while (node->dials)
		end_dial(node->dials);
	while (node->neighbours) {
		struct neighbour *next = node->neighbours->next;

		free(node->neighbours);
		node->neighbours = next;
	}
}
