/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of dnssd.h share: dnssd.c has the bus and announces us, dnssd_items.c is told of others. */
#pragma once

#include "drop/dnssd.h"

#include <poll.h>
#include <systemd/sd-bus.h>

#define AVAHI        "org.freedesktop.Avahi"
#define AVAHI_SERVER AVAHI ".Server"
#define AVAHI_ANY    (-1) /* interface, protocol */
#define DNSSD_TYPE   "_dtn-bundle._tcp"
#define NAME_ROOM    256
#define PATH_ROOM    128

struct dnssd {
	const struct identity *identity;
	uint16_t port;
	const struct dnssd_owner *owner;
	void *data;
	sd_bus *bus; /* owned */
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned handles;
	char name[NAME_ROOM];  /* that we are announced under */
	char group[PATH_ROOM]; /* the object that stands for it */
	unsigned renames;
	struct dnssd_item *items; /* owned */
	unsigned item_count;
};

int dnssd_on_item(sd_bus_message *signal, void *data, sd_bus_error *error);
int dnssd_on_item_gone(sd_bus_message *signal, void *data, sd_bus_error *error);
int dnssd_on_found(sd_bus_message *signal, void *data, sd_bus_error *error);
/* Avahi has gone, and all that it knew. */
void dnssd_forget_all(struct dnssd *dnssd);
/* The same without telling anybody. */
void dnssd_free_items(struct dnssd *dnssd);
