/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What NetworkManager says while it is asked, on a bus of the test's own; without a bus nothing is tried. */
#include "link/metered.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cmocka.h>

#include "cannot.h"

#define SERVICE "org.freedesktop.NetworkManager"
#define OBJECT  "/org/freedesktop/NetworkManager"
#define PATH    OBJECT "/Devices/1"

static uint32_t metered_now = 1;

static int get_devices(sd_bus_message *call, void *data, sd_bus_error *error)
{
	return sd_bus_reply_method_return(call, "ao", 1, PATH);
}

static int get_metered(sd_bus *bus, const char *path, const char *interface, const char *property,
		       sd_bus_message *reply, void *data, sd_bus_error *error)
{
	return sd_bus_message_append(reply, "u", metered_now);
}

/* What was just asked for changes, and everybody is told before the answer is. */
static int get_name(sd_bus *bus, const char *path, const char *interface, const char *property,
		    sd_bus_message *reply, void *data, sd_bus_error *error)
{
	metered_now = 0;
	sd_bus_emit_properties_changed(bus, PATH, SERVICE ".Device", "Metered", NULL);
	return sd_bus_message_append(reply, "s", "wwan0");
}

static int get_address(sd_bus *bus, const char *path, const char *interface, const char *property,
		       sd_bus_message *reply, void *data, sd_bus_error *error)
{
	return sd_bus_message_append(reply, "s", "");
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

static void serve(int ready)
{
	sd_bus *bus = NULL;

	if (sd_bus_open_system(&bus) < 0 ||
	    sd_bus_add_object_vtable(bus, NULL, OBJECT, SERVICE, manager, NULL) < 0 ||
	    sd_bus_add_object_vtable(bus, NULL, PATH, SERVICE ".Device", device, NULL) < 0 ||
	    sd_bus_request_name(bus, SERVICE, 0) < 0 || write(ready, "", 1) != 1)
		_exit(1);
	while (sd_bus_process(bus, NULL) > 0 || sd_bus_wait(bus, UINT64_MAX) >= 0)
		;
	_exit(1);
}

/* Its address is in the environment then; 0: there is none to be had. */
static pid_t start_bus(char *folder)
{
	static const char config[] =
		"<busconfig><type>system</type><listen>unix:path=%s/bus</listen><policy "
		"context=\"default\"><allow user=\"*\"/><allow own=\"*\"/><allow "
		"send_destination=\"*\"/><allow receive_sender=\"*\"/></policy></busconfig>";
	char path[128], address[256] = {0};
	int ends[2];
	FILE *file;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/conf", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, config, folder);
	fclose(file);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		char option[160];

		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		snprintf(option, sizeof(option), "--config-file=%s", path);
		execlp("dbus-daemon", "dbus-daemon", option, "--nofork", "--print-address",
		       (char *)NULL);
		_exit(1);
	}
	close(ends[1]);
	if (read(ends[0], address, sizeof(address) - 1) > 0) {
		address[strcspn(address, "\n")] = '\0';
		setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
	} else {
		waitpid(pid, NULL, 0);
		pid = 0;
	}
	close(ends[0]);
	return pid;
}

/* Lost: a link is spared that costs nothing, or one is used that costs, until NetworkManager says something else. */
static void what_changes_while_it_is_asked(void **state)
{
	char folder[] = "/tmp/unit-metered-XXXXXX", path[64], byte;
	struct policy policy = {0};
	struct metered *metered;
	pid_t bus, service;
	int ready[2];

	assert_non_null(mkdtemp(folder));
	bus = start_bus(folder);
	assert_int_equal(pipe(ready), 0);
	service = bus ? fork() : 0;
	if (bus && service == 0)
		serve(ready[1]);
	close(ready[1]);
	if (bus) {
		assert_int_equal(read(ready[0], &byte, 1), 1);
		metered = metered_follow();
		assert_non_null(metered);
		assert_true(metered_hear(metered, &policy));
		/* As the supervisor does, which hears of it by the descriptor alone. */
		while (policy.count > 0) {
			struct pollfd fd = {.fd = metered_fd(metered), .events = POLLIN};

			if (poll(&fd, 1, 1000) <= 0)
				break;
			metered_hear(metered, &policy);
		}
		metered_close(metered);
		kill(service, SIGKILL);
		waitpid(service, NULL, 0);
		kill(bus, SIGKILL);
		waitpid(bus, NULL, 0);
	}
	close(ready[0]);
	snprintf(path, sizeof(path), "%s/bus", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/conf", folder);
	unlink(path);
	rmdir(folder);
	if (!bus)
		CANNOT("there is no bus of D-Bus");
	assert_int_equal(policy.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_changes_while_it_is_asked)};

	return cannot_end(cmocka_run_group_tests(tests, NULL, NULL));
}
