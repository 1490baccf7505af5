/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Of NetworkManager, on the bus of $DBUS_SYSTEM_BUS_ADDRESS, what it says of one device:
 *
 *   manager INTERFACE HWADDRESS METERED     (0 unknown, 1 yes, 2 no, 3 and 4 the same guessed)
 *
 * Prints a line when it is there. METERED becomes what comes in a line by standard input, and the bus is told.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define SERVICE "org.freedesktop.NetworkManager"
#define OBJECT  "/org/freedesktop/NetworkManager"
#define PATH    OBJECT "/Devices/1"

struct device {
	const char *name, *address;
	uint32_t metered;
};

static int get_devices(sd_bus_message *call, void *data, sd_bus_error *error)
{
	return sd_bus_reply_method_return(call, "ao", 1, PATH);
}

static int get_metered(sd_bus *bus, const char *path, const char *interface, const char *property,
		       sd_bus_message *reply, void *data, sd_bus_error *error)
{
	return sd_bus_message_append(reply, "u", ((struct device *)data)->metered);
}

static int get_name(sd_bus *bus, const char *path, const char *interface, const char *property,
		    sd_bus_message *reply, void *data, sd_bus_error *error)
{
	return sd_bus_message_append(reply, "s", ((struct device *)data)->name);
}

static int get_address(sd_bus *bus, const char *path, const char *interface, const char *property,
		       sd_bus_message *reply, void *data, sd_bus_error *error)
{
	return sd_bus_message_append(reply, "s", ((struct device *)data)->address);
}

static const sd_bus_vtable manager[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("GetDevices", "", "ao", get_devices, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable device[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Metered", "u", get_metered, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("IpInterface", "s", get_name, 0, 0),
	SD_BUS_PROPERTY("HwAddress", "s", get_address, 0, 0),
	SD_BUS_VTABLE_END,
};

/* False: nothing will come any more. */
static int take_order(sd_bus *bus, struct device *d)
{
	char line[16] = {0};

	if (read(STDIN_FILENO, line, sizeof(line) - 1) <= 0)
		return 0;
	d->metered = (uint32_t)strtoul(line, NULL, 10);
	sd_bus_emit_properties_changed(bus, PATH, SERVICE ".Device", "Metered", NULL);
	return 1;
}

static int serve(sd_bus *bus, struct device *d)
{
	struct pollfd fds[] = {{sd_bus_get_fd(bus), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};

	for (;;) {
		int done;

		while ((done = sd_bus_process(bus, NULL)) > 0)
			;
		if (done < 0 || sd_bus_flush(bus) < 0 || poll(fds, 2, -1) < 0)
			return 1;
		if (fds[1].revents && !take_order(bus, d))
			fds[1].fd = -1;
	}
}

int main(int argc, char **argv)
{
	struct device d = {0};
	sd_bus *bus = NULL;

	if (argc != 4)
		return 2;
	d = (struct device){argv[1], argv[2], (uint32_t)strtoul(argv[3], NULL, 10)};
	if (sd_bus_open_system(&bus) < 0 ||
	    sd_bus_add_object_vtable(bus, NULL, OBJECT, SERVICE, manager, &d) < 0 ||
	    sd_bus_add_object_vtable(bus, NULL, PATH, SERVICE ".Device", device, &d) < 0 ||
	    sd_bus_request_name(bus, SERVICE, 0) < 0) {
		fputs("manager: cannot be on the bus\n", stderr);
		return 1;
	}
	puts("there");
	fflush(stdout);
	return serve(bus, &d);
}
