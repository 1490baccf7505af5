/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/dnssd.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "drop/dnssd_parts.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define GROUP_COLLISION 3 /* AvahiEntryGroupState */
#define RENAMES_MAX     8

static void arm(struct dnssd *dnssd);

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct dnssd *dnssd = poll->data;
	int code;

	for (unsigned i = 0; i < 64; i++) {
		code = sd_bus_process(dnssd->bus, NULL);
		if (code <= 0)
			break;
	}
	if (code < 0) {
		uv_poll_stop(&dnssd->poll);
		uv_timer_stop(&dnssd->timer);
		dnssd_forget_all(dnssd);
		dnssd->owner->lost(dnssd->data);
		return;
	}
	arm(dnssd);
}

static void on_timer(uv_timer_t *timer)
{
	struct dnssd *dnssd = timer->data;

	on_poll(&dnssd->poll, 0, 0);
}

/* What sd-bus waits for now. */
static void arm(struct dnssd *dnssd)
{
	int events = sd_bus_get_events(dnssd->bus);
	uint64_t at, now = clock_now() / NS_PER_US;

	uv_poll_start(&dnssd->poll,
		      UV_READABLE | (events > 0 && events & POLLOUT ? UV_WRITABLE : 0), on_poll);
	if (sd_bus_get_timeout(dnssd->bus, &at) < 0 || at == UINT64_MAX)
		uv_timer_stop(&dnssd->timer);
	else
		uv_timer_start(&dnssd->timer, on_timer, at > now ? (at - now) / 1000 + 1 : 0, 0);
}

static int ignored(sd_bus_message *reply, void *data, sd_bus_error *error)
{
	return 0;
}

static int put_text(sd_bus_message *call, const char *text)
{
	return sd_bus_message_append_array(call, 'y', text, strlen(text));
}

static int on_added(sd_bus_message *reply, void *data, sd_bus_error *error);

/* Announces us under the name that is dnssd->name. */
static void add_service(struct dnssd *dnssd)
{
	char node[NODE_MAX + 8], crowd[2 * CROWD_ID_SIZE + 8] = "crowd=";
	sd_bus_message *call = NULL;

	snprintf(node, sizeof(node), "node=%s", dnssd->identity->node);
	for (unsigned i = 0; i < CROWD_ID_SIZE; i++)
		snprintf(crowd + 6 + 2 * i, 3, "%02x", dnssd->identity->crowd[i]);
	sd_bus_call_method_async(dnssd->bus, NULL, AVAHI, dnssd->group, AVAHI ".EntryGroup",
				 "Reset", ignored, dnssd, NULL);
	if (sd_bus_message_new_method_call(dnssd->bus, &call, AVAHI, dnssd->group,
					   AVAHI ".EntryGroup", "AddService") >= 0 &&
	    sd_bus_message_append(call, "iiussssq", AVAHI_ANY, AVAHI_ANY, 0, dnssd->name,
				  DNSSD_TYPE, "", "", dnssd->port) >= 0 &&
	    sd_bus_message_open_container(call, 'a', "ay") >= 0 &&
	    put_text(call, "txtvers=1") >= 0 && put_text(call, node) >= 0 &&
	    put_text(call, crowd) >= 0 && sd_bus_message_close_container(call) >= 0)
		sd_bus_call_async(dnssd->bus, NULL, call, on_added, dnssd, 0);
	sd_bus_message_unref(call);
}

static int on_renamed(sd_bus_message *reply, void *data, sd_bus_error *error)
{
	struct dnssd *dnssd = data;
	const char *name;

	if (sd_bus_message_read(reply, "s", &name) >= 0) {
		snprintf(dnssd->name, sizeof(dnssd->name), "%s", name);
		add_service(dnssd);
	}
	return 0;
}

/* Somebody has the name: of another crowd, for names of nodes are unique in one. */
static void rename_service(struct dnssd *dnssd)
{
	if (dnssd->renames++ < RENAMES_MAX)
		sd_bus_call_method_async(dnssd->bus, NULL, AVAHI, "/", AVAHI_SERVER,
					 "GetAlternativeServiceName", on_renamed, dnssd, "s",
					 dnssd->name);
}

static int on_added(sd_bus_message *reply, void *data, sd_bus_error *error)
{
	struct dnssd *dnssd = data;

	if (sd_bus_message_is_method_error(reply, AVAHI ".CollisionError"))
		rename_service(dnssd);
	else if (!sd_bus_message_is_method_error(reply, NULL))
		sd_bus_call_method_async(dnssd->bus, NULL, AVAHI, dnssd->group, AVAHI ".EntryGroup",
					 "Commit", ignored, dnssd, NULL);
	return 0;
}

static int on_group(sd_bus_message *reply, void *data, sd_bus_error *error)
{
	struct dnssd *dnssd = data;
	const char *path;

	if (sd_bus_message_read(reply, "o", &path) < 0)
		return 0; /* it publishes nothing for users: we still hear of others */
	snprintf(dnssd->group, sizeof(dnssd->group), "%s", path);
	add_service(dnssd);
	return 0;
}

static int on_group_state(sd_bus_message *signal, void *data, sd_bus_error *error)
{
	struct dnssd *dnssd = data;
	int state;

	if (sd_bus_message_read(signal, "i", &state) >= 0 && state == GROUP_COLLISION &&
	    strcmp(sd_bus_message_get_path(signal), dnssd->group) == 0)
		rename_service(dnssd);
	return 0;
}

/* Does the process look after our network? A bus may be that of the host of this container. */
static bool is_here(unsigned pid)
{
	char path[64], theirs[64], ours[64];
	ssize_t size, own = readlink("/proc/self/ns/net", ours, sizeof(ours));

	snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
	size = readlink(path, theirs, sizeof(theirs));
	if (size < 0)
		return errno == EACCES; /* another user's: there is nothing to know it by */
	return size == own && memcmp(theirs, ours, (size_t)size) == 0;
}

static int on_pid(sd_bus_message *reply, void *data, sd_bus_error *error)
{
	struct dnssd *dnssd = data;
	uint32_t pid;

	if (sd_bus_message_read(reply, "u", &pid) < 0 || !is_here(pid))
		return 0;
	dnssd->renames = 0;
	snprintf(dnssd->name, sizeof(dnssd->name), "%s", dnssd->identity->node);
	sd_bus_call_method_async(dnssd->bus, NULL, AVAHI, "/", AVAHI_SERVER, "EntryGroupNew",
				 on_group, dnssd, NULL);
	sd_bus_call_method_async(dnssd->bus, NULL, AVAHI, "/", AVAHI_SERVER, "ServiceBrowserNew",
				 ignored, dnssd, "iissu", AVAHI_ANY, AVAHI_ANY, DNSSD_TYPE, "", 0);
	return 0;
}

static void look_for_avahi(struct dnssd *dnssd)
{
	sd_bus_call_method_async(dnssd->bus, NULL, "org.freedesktop.DBus", "/org/freedesktop/DBus",
				 "org.freedesktop.DBus", "GetConnectionUnixProcessID", on_pid,
				 dnssd, "s", AVAHI);
}

static int on_owner(sd_bus_message *signal, void *data, sd_bus_error *error)
{
	struct dnssd *dnssd = data;
	const char *name, *before, *now;

	if (sd_bus_message_read(signal, "sss", &name, &before, &now) < 0 ||
	    strcmp(name, AVAHI) != 0)
		return 0;
	dnssd_forget_all(dnssd);
	if (now[0])
		look_for_avahi(dnssd);
	return 0;
}

static int listen_to(struct dnssd *dnssd)
{
	static const struct {
		const char *match;
		sd_bus_message_handler_t handler;
	} all[] = {
		{"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
		 "arg0='" AVAHI "'",
		 on_owner},
		{"type='signal',sender='" AVAHI "',interface='" AVAHI
		 ".EntryGroup',member='StateChanged'",
		 on_group_state},
		{"type='signal',sender='" AVAHI "',interface='" AVAHI
		 ".ServiceBrowser',member='ItemNew'",
		 dnssd_on_item},
		{"type='signal',sender='" AVAHI "',interface='" AVAHI
		 ".ServiceBrowser',member='ItemRemove'",
		 dnssd_on_item_gone},
		{"type='signal',sender='" AVAHI "',interface='" AVAHI
		 ".ServiceResolver',member='Found'",
		 dnssd_on_found},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
		int code = sd_bus_add_match_async(dnssd->bus, NULL, all[i].match, all[i].handler,
						  NULL, dnssd);

		if (code < 0)
			return code;
	}
	return 0;
}

static void freed(uv_handle_t *handle)
{
	struct dnssd *dnssd = handle->data;

	if (--dnssd->handles)
		return;
	/* With the connection go all objects that Avahi has for it. */
	sd_bus_close_unref(dnssd->bus);
	dnssd_free_items(dnssd);
	free(dnssd);
}

void dnssd_close(struct dnssd *dnssd)
{
	if (!dnssd)
		return;
	uv_close((uv_handle_t *)&dnssd->poll, freed);
	uv_close((uv_handle_t *)&dnssd->timer, freed);
}

int dnssd_open(uv_loop_t *loop, const struct identity *identity, uint16_t port,
	       const struct dnssd_owner *owner, void *data, struct dnssd **ret)
{
	struct dnssd *dnssd = calloc(1, sizeof(*dnssd));
	int code;

	if (!dnssd)
		return -ENOMEM;
	*dnssd = (struct dnssd){
		.identity = identity, .port = port, .owner = owner, .data = data, .handles = 2};
	code = sd_bus_open_system(&dnssd->bus);
	if (code >= 0)
		code = listen_to(dnssd);
	if (code >= 0)
		code = uv_poll_init(loop, &dnssd->poll, sd_bus_get_fd(dnssd->bus));
	if (code < 0) {
		sd_bus_close_unref(dnssd->bus);
		free(dnssd);
		return code;
	}
	uv_timer_init(loop, &dnssd->timer);
	dnssd->poll.data = dnssd->timer.data = dnssd;
	look_for_avahi(dnssd);
	arm(dnssd);
	*ret = dnssd;
	return 0;
}
