/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Avahi tells of others: that there is a service (ItemNew), and, as somebody asks for it (a ServiceResolver), where it is,
 * now and whenever that changes (Found).
 */
#include "drop/dnssd_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS_MAX 64 /* anybody on a link can announce any number */

enum { RESULT_LOCAL = 8, RESULT_OUR_OWN = 16 }; /* AvahiLookupResultFlags */

struct dnssd_item {
	struct dnssd *dnssd;
	int link, protocol;
	char name[NAME_ROOM];
	char resolver[PATH_ROOM]; /* its object */
	sd_bus_slot *asking;      /* owned: for the resolver; NULL: it has been answered */
	bool gone;                /* as soon as that is answered */
	bool told;
	struct dnssd_place place;
	struct dnssd_item *next;
};

static void free_item(struct dnssd_item *item)
{
	struct dnssd *dnssd = item->dnssd;

	for (struct dnssd_item **at = &dnssd->items; *at; at = &(*at)->next)
		if (*at == item) {
			*at = item->next;
			break;
		}
	dnssd->item_count--;
	sd_bus_slot_unref(item->asking);
	free(item);
}

static void untell(struct dnssd_item *item)
{
	if (item->told)
		item->dnssd->owner->untold(item->dnssd->data, &item->place);
	item->told = false;
}

void dnssd_free_items(struct dnssd *dnssd)
{
	while (dnssd->items)
		free_item(dnssd->items);
}

void dnssd_forget_all(struct dnssd *dnssd)
{
	for (struct dnssd_item *at = dnssd->items; at; at = at->next)
		untell(at);
	dnssd_free_items(dnssd);
}

static struct dnssd_item *find(const struct dnssd *dnssd, int link, int protocol, const char *name)
{
	for (struct dnssd_item *at = dnssd->items; at; at = at->next)
		if (!at->gone && at->link == link && at->protocol == protocol &&
		    strcmp(at->name, name) == 0)
			return at;
	return NULL;
}

static void free_resolver(struct dnssd_item *item)
{
	sd_bus_message *call = NULL;

	if (item->resolver[0] &&
	    sd_bus_message_new_method_call(item->dnssd->bus, &call, AVAHI, item->resolver,
					   AVAHI ".ServiceResolver", "Free") >= 0 &&
	    sd_bus_message_set_expect_reply(call, 0) >= 0)
		sd_bus_send(item->dnssd->bus, call, NULL);
	sd_bus_message_unref(call);
}

static int on_resolver(sd_bus_message *reply, void *data, sd_bus_error *error)
{
	struct dnssd_item *item = data;
	const char *path;

	item->asking = sd_bus_slot_unref(item->asking);
	if (sd_bus_message_read(reply, "o", &path) >= 0)
		snprintf(item->resolver, sizeof(item->resolver), "%s", path);
	if (item->gone) {
		free_resolver(item);
		free_item(item);
	}
	return 0;
}

int dnssd_on_item(sd_bus_message *signal, void *data, sd_bus_error *error)
{
	struct dnssd *dnssd = data;
	int link, protocol;
	const char *name, *type, *domain;
	uint32_t flags;
	struct dnssd_item *item;

	if (sd_bus_message_read(signal, "iisssu", &link, &protocol, &name, &type, &domain, &flags) <
		    0 ||
	    flags & (RESULT_LOCAL | RESULT_OUR_OWN) || strcmp(type, DNSSD_TYPE) != 0 || link <= 0 ||
	    strlen(name) >= sizeof(item->name) || dnssd->item_count >= ITEMS_MAX ||
	    find(dnssd, link, protocol, name))
		return 0;
	item = calloc(1, sizeof(*item));
	if (!item)
		return 0;
	item->dnssd = dnssd;
	item->link = link;
	item->protocol = protocol;
	snprintf(item->name, sizeof(item->name), "%s", name);
	item->next = dnssd->items;
	dnssd->items = item;
	dnssd->item_count++;
	/* An address of the protocol that it was heard by: the other one has an item of its own. */
	if (sd_bus_call_method_async(dnssd->bus, &item->asking, AVAHI, "/", AVAHI_SERVER,
				     "ServiceResolverNew", on_resolver, item, "iisssiu", link,
				     protocol, name, type, domain, protocol, 0) < 0)
		free_item(item);
	return 0;
}

int dnssd_on_item_gone(sd_bus_message *signal, void *data, sd_bus_error *error)
{
	struct dnssd *dnssd = data;
	int link, protocol;
	const char *name;
	struct dnssd_item *item;

	if (sd_bus_message_read(signal, "iis", &link, &protocol, &name) < 0)
		return 0;
	item = find(dnssd, link, protocol, name);
	if (!item)
		return 0;
	untell(item);
	item->gone = true;
	if (!item->asking) {
		free_resolver(item);
		free_item(item);
	}
	return 0;
}

void dnssd_take_text(const char *text, size_t size, const uint8_t crowd[static CROWD_ID_SIZE],
		     struct dnssd_place *place, bool *ret_ours)
{
	static const char node[] = "node=", of[] = "crowd=";
	char id[2 * CROWD_ID_SIZE + 1];

	if (size > strlen(node) && memcmp(text, node, strlen(node)) == 0 &&
	    size - strlen(node) < sizeof(place->node)) {
		memcpy(place->node, text + strlen(node), size - strlen(node));
		place->node[size - strlen(node)] = '\0';
	}
	for (unsigned i = 0; i < CROWD_ID_SIZE; i++)
		snprintf(id + 2 * i, 3, "%02x", crowd[i]);
	if (size == strlen(of) + strlen(id) && memcmp(text, of, strlen(of)) == 0)
		*ret_ours = memcmp(text + strlen(of), id, strlen(id)) == 0;
}

/* True: it is a node of our crowd. */
static bool read_text(sd_bus_message *signal, const struct dnssd *dnssd, struct dnssd_place *place)
{
	bool ours = false;
	const void *text;
	size_t size;

	if (sd_bus_message_enter_container(signal, 'a', "ay") < 0)
		return false;
	while (sd_bus_message_read_array(signal, 'y', &text, &size) > 0)
		dnssd_take_text(text, size, dnssd->identity->crowd, place, &ours);
	return ours && eid_is_name(place->node) && strcmp(place->node, dnssd->identity->node) != 0;
}

int dnssd_on_found(sd_bus_message *signal, void *data, sd_bus_error *error)
{
	struct dnssd *dnssd = data;
	struct dnssd_place place = {0};
	int link, protocol, address_protocol;
	const char *name, *type, *domain, *host, *address;
	struct dnssd_item *item;

	if (sd_bus_message_read(signal, "iissssisq", &link, &protocol, &name, &type, &domain, &host,
				&address_protocol, &address, &place.port) < 0)
		return 0;
	item = find(dnssd, link, protocol, name);
	if (!item)
		return 0;
	untell(item);
	place.link = (unsigned)link;
	if (address_parse(address, &place.address) < 0 || place.port == 0 ||
	    address_is_loopback(&place.address) || address_is_unspecified(&place.address) ||
	    !read_text(signal, dnssd, &place))
		return 0;
	item->place = place;
	item->told = true;
	dnssd->owner->told(dnssd->data, &item->place);
	return 0;
}
