/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/metered.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#define SERVICE "org.freedesktop.NetworkManager"
#define OBJECT  "/org/freedesktop/NetworkManager"
#define DEVICE  SERVICE ".Device"

/* That a property of a device has changed; that NetworkManager has come or gone. */
static const char *const matches[] = {
	"type='signal',sender='" SERVICE "',interface='org.freedesktop.DBus.Properties',"
	"member='PropertiesChanged',arg0='" DEVICE "'",
	"type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
	"member='NameOwnerChanged',arg0='" SERVICE "'",
};

#define PATIENCE 250000 /* us */
#define ASKS_MAX 16     /* one after the other, of what changes all the time */

/* NMMetered, of NetworkManager's interface. */
enum { METERED_YES = 1, METERED_GUESS_YES = 3 };

struct metered {
	sd_bus *bus;
	bool news;
};

static void close_bus(sd_bus **bus)
{
	sd_bus_flush_close_unref(*bus);
}

static void unref_message(sd_bus_message **message)
{
	sd_bus_message_unref(*message);
}

static bool is_address(const char *name, const char *text)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {0};
	char ours[18];
	const unsigned char *a;

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return false;
	a = (const unsigned char *)request.ifr_hwaddr.sa_data;
	snprintf(ours, sizeof(ours), "%02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1], a[2], a[3], a[4],
		 a[5]);
	return strcasecmp(ours, text) == 0;
}

/* NetworkManager may look after another network namespace, with links of the same names. */
static bool is_here(sd_bus *bus, const char *path, const char *name)
{
	_cleanup_free_ char *address = NULL;

	if (sd_bus_get_property_string(bus, SERVICE, path, DEVICE, "HwAddress", NULL, &address) < 0)
		return false;
	/* A modem has none. */
	return address[0] == '\0' || is_address(name, address);
}

static void ask_of(sd_bus *bus, const char *path, struct policy *policy)
{
	_cleanup_free_ char *name = NULL;
	uint32_t metered = 0;

	if (sd_bus_get_property_trivial(bus, SERVICE, path, DEVICE, "Metered", NULL, 'u',
					&metered) < 0 ||
	    (metered != METERED_YES && metered != METERED_GUESS_YES))
		return;
	if (sd_bus_get_property_string(bus, SERVICE, path, DEVICE, "IpInterface", NULL, &name) < 0)
		return;
	if (name[0] && !strpbrk(name, "*?[") && is_here(bus, path, name))
		policy_add(policy, POLICY_MANAGER, name, POLICY_METERED, NULL);
}

/* NULL: there is no NetworkManager. The caller's. */
static sd_bus_message *list_devices(sd_bus *bus)
{
	sd_bus_message *call = NULL, *reply = NULL;

	if (sd_bus_message_new_method_call(bus, &call, SERVICE, OBJECT, SERVICE, "GetDevices") >=
		    0 &&
	    sd_bus_message_set_auto_start(call, 0) >= 0)
		sd_bus_call(bus, call, PATIENCE, NULL, &reply);
	sd_bus_message_unref(call);
	return reply;
}

/* False: there is nobody who knows. */
static bool ask(sd_bus *bus, struct policy *policy)
{
	_cleanup_(unref_message) sd_bus_message *devices = list_devices(bus);
	const char *path;

	if (!devices || sd_bus_message_enter_container(devices, 'a', "o") < 0)
		return false;
	while (sd_bus_message_read(devices, "o", &path) > 0)
		ask_of(bus, path, policy);
	return true;
}

static sd_bus *open_bus(void)
{
	sd_bus *bus;

	if (sd_bus_open_system(&bus) < 0)
		return NULL;
	sd_bus_set_method_call_timeout(bus, PATIENCE);
	return bus;
}

void metered_ask(struct policy *policy)
{
	_cleanup_(close_bus) sd_bus *bus = open_bus();

	if (bus)
		ask(bus, policy);
}

/* Devices tell of much: each state that they go through, each address. */
static bool concerns(sd_bus_message *signal)
{
	const char *property;

	if (sd_bus_message_skip(signal, "s") < 0 ||
	    sd_bus_message_enter_container(signal, 'a', "{sv}") < 0)
		return true; /* of whoever has come or gone */
	while (sd_bus_message_enter_container(signal, 'e', "sv") > 0) {
		if (sd_bus_message_read(signal, "s", &property) > 0 &&
		    (strcmp(property, "Metered") == 0 || strcmp(property, "IpInterface") == 0))
			return true;
		if (sd_bus_message_skip(signal, "v") < 0 ||
		    sd_bus_message_exit_container(signal) < 0)
			break;
	}
	return false;
}

static int on_signal(sd_bus_message *signal, void *data, sd_bus_error *error)
{
	struct metered *metered = data;

	metered->news = metered->news || concerns(signal);
	return 0;
}

struct metered *metered_follow(void)
{
	struct metered *metered = calloc(1, sizeof(*metered));
	int err = metered ? 0 : -ENOMEM;

	if (err == 0 && !(metered->bus = open_bus()))
		err = -ENOENT;
	for (unsigned i = 0; i < ARRAY_SIZE(matches) && err >= 0; i++)
		err = sd_bus_add_match(metered->bus, NULL, matches[i], on_signal, metered);
	if (err < 0) {
		metered_close(metered);
		return NULL;
	}
	metered->news = true; /* what was asked before may be old */
	return metered;
}

void metered_close(struct metered *metered)
{
	if (metered)
		close_bus(&metered->bus);
	free(metered);
}

int metered_fd(const struct metered *metered)
{
	return metered && metered->bus ? sd_bus_get_fd(metered->bus) : -1;
}

/* Takes what was told; false: the bus has gone. */
static bool listen_to(struct metered *metered)
{
	int done;

	while ((done = sd_bus_process(metered->bus, NULL)) > 0)
		;
	if (done < 0) {
		close_bus(&metered->bus);
		metered->bus = NULL;
	}
	return done >= 0;
}

/* Where NetworkManager has gone, what it knew holds on. What it tells while it is asked has been read with the answers: the
 * descriptor tells nothing of it. */
bool metered_hear(struct metered *metered, struct policy *ret)
{
	bool known = false;

	for (unsigned i = 0; i < ASKS_MAX && listen_to(metered) && metered->news; i++) {
		metered->news = false;
		*ret = (struct policy){0};
		known = ask(metered->bus, ret);
	}
	return known;
}
