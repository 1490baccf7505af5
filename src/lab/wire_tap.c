/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A wire end that is a TAP device. Not persistent: it lives as long as the descriptor, so nothing
 * is left behind however the lab ends.
 */
#include "lab/wire.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define TUN_FILE "/dev/net/tun"

struct tap {
	struct wire wire;
	struct nl *host; /* borrowed: the statistics of the device are asked there */
	char name[IFNAMSIZ];
};

/* The device is made in the namespace that its descriptor was opened in. */
static int open_tun_in(const struct wire_place *place)
{
	int fd, code;

	if (setns(place->host_ns, CLONE_NEWNET) < 0)
		return -errno;
	fd = open(TUN_FILE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	code = fd < 0 ? -errno : fd;
	if (setns(place->wires_ns, CLONE_NEWNET) < 0) {
		code = -errno;
		close_fd(fd);
	}
	return code;
}

static int tap_open(const struct wire_place *place, const char *name, unsigned mtu,
		    struct wire **ret, struct err *err)
{
	_cleanup_close_ int fd = open_tun_in(place);
	_cleanup_free_ struct tap *tap = calloc(1, sizeof(*tap));
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};

	if (!tap)
		return -ENOMEM;
	if (fd == -EACCES || fd == -EPERM || fd == -ENOENT || fd == -ENODEV || fd == -ENXIO)
		return err_set(err, -ENOTSUP, "%s cannot be opened: %s", TUN_FILE, strerror(-fd));
	if (fd < 0)
		return err_set(err, fd, "%s cannot be opened: %s", TUN_FILE, strerror(-fd));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) < 0) {
		int code = errno == EPERM ? -ENOTSUP : -errno;

		return err_set(err, code, "TAP device '%s' cannot be made: %s", name,
			       strerror(errno));
	}
	tap->wire.ops = &wire_tap;
	tap->wire.fd = steal_fd(&fd);
	tap->host = place->host;
	snprintf(tap->name, sizeof(tap->name), "%s", name);
	*ret = &steal_ptr(tap)->wire;
	return 0;
}

static ssize_t tap_read(struct wire *wire, uint8_t *data, size_t size)
{
	ssize_t got = read(wire->fd, data, size);

	return got < 0 ? -errno : got;
}

static int tap_write(struct wire *wire, const uint8_t *data, size_t size)
{
	return write(wire->fd, data, size) < 0 ? -errno : 0;
}

static int tap_set_carrier(struct wire *wire, bool on)
{
	int value = on;

	return ioctl(wire->fd, TUNSETCARRIER, &value) < 0 ? -errno : 0;
}

static int take_dropped(const struct nlmsghdr *msg, void *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, msg, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attr) == IFLA_STATS64 &&
		    mnl_attr_get_payload_len(attr) >= sizeof(struct rtnl_link_stats64)) {
			struct rtnl_link_stats64 stats;

			memcpy(&stats, mnl_attr_get_payload(attr), sizeof(stats));
			*(uint64_t *)data = stats.tx_dropped;
		}
	}
	return 0;
}

static uint64_t tap_missed(struct wire *wire)
{
	const struct tap *tap = (struct tap *)wire;
	struct nlmsghdr *msg = nl_start(tap->host, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	uint64_t dropped = 0;

	mnl_attr_put_strz(msg, IFLA_IFNAME, tap->name);
	nl_talk(tap->host, take_dropped, &dropped);
	return dropped;
}

const struct wire_ops wire_tap = {
	.name = "tap",
	.open = tap_open,
	.read = tap_read,
	.write = tap_write,
	.set_carrier = tap_set_carrier,
	.missed = tap_missed,
};
