/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A port behind the host, as the kernel has it. */
#include "link/port.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "cannot.h"

static void set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return; /* it knows no IPv6 at all */
	assert_true(write(fd, value, 1) == 1);
	close(fd);
}

/* Lost: all links, of whoever cannot share them, on a host that has switched off IPv6. */
static void a_host_may_have_no_ipv6(void **state)
{
	const struct link loopback = {.index = 1, .name = "lo", .up = true, .mtu = 1500};
	const struct links links = {.all = (struct link *)&loopback, .count = 1};
	const struct port_place place = {.links = &links};
	struct port_end end = {.fd = -1};
	struct err err;

	if (unshare(CLONE_NEWNET) < 0 || access("/dev/net/tun", W_OK) < 0 ||
	    port_open(PORT_NAT, &place, &loopback, &end, &err) < 0)
		CANNOT("there is no network namespace, /dev/net/tun, or nftables");
	port_close(&end);
	set("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	assert_int_equal(port_open(PORT_NAT, &place, &loopback, &end, &err), 0);
	assert_int_equal(end.port.networks[0].family, AF_INET);
	assert_int_equal(end.port.networks[1].family, AF_UNSPEC);
	port_close(&end);
}

/* Lost: the host's privacy. Whoever keeps the descriptor would send what they like once the rules are gone. */
static void nothing_is_left_of_a_device_without_rules(void **state)
{
	const struct link loopback = {.index = 1, .name = "lo", .up = true, .mtu = 1500};
	const struct links links = {.all = (struct link *)&loopback, .count = 1};
	const struct port_place place = {.links = &links};
	struct port_end end = {.fd = -1};
	struct err err;
	int kept;

	if (unshare(CLONE_NEWNET) < 0 || access("/dev/net/tun", W_OK) < 0 ||
	    port_open(PORT_NAT, &place, &loopback, &end, &err) < 0)
		CANNOT("there is no network namespace, /dev/net/tun, or nftables");
	assert_int_not_equal(if_nametoindex("rvnat0"), 0);
	kept = fcntl(end.fd, F_DUPFD_CLOEXEC, 0);
	assert_true(kept >= 0);
	port_close(&end);
	assert_int_equal(if_nametoindex("rvnat0"), 0);
	assert_true(write(kept, "", 1) < 0);
	close(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_left_of_a_device_without_rules),
		cmocka_unit_test(a_host_may_have_no_ipv6),
	};

	return cannot_end(cmocka_run_group_tests(tests, NULL, NULL));
}
