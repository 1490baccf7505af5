/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/speed.h"

#include "base/cleanup.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* The settings, with room for the three bit maps behind them that are not asked for here. */
union settings {
	struct ethtool_link_settings head;
	char room[sizeof(struct ethtool_link_settings) + 3 * 4 * INT8_MAX];
};

static int ask(int fd, const char *name, void *question)
{
	struct ifreq request = {.ifr_data = question};

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	return ioctl(fd, SIOCETHTOOL, &request);
}

/* These drivers have no wire, and say the same number always. */
static bool is_made_up(int fd, const char *name)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};

	return ask(fd, name, &info) == 0 &&
	       (strcmp(info.driver, "tun") == 0 || strcmp(info.driver, "veth") == 0);
}

uint32_t speed_read(const char *name)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	union settings settings = {.head.cmd = ETHTOOL_GLINKSETTINGS};

	/* At first the kernel answers with how many words its bit maps have, as a negative number,
	 * and wants that number back. */
	if (fd < 0 || is_made_up(fd, name) || ask(fd, name, &settings) < 0 ||
	    settings.head.link_mode_masks_nwords >= 0)
		return 0;
	settings.head.link_mode_masks_nwords = (__s8)-settings.head.link_mode_masks_nwords;
	if (ask(fd, name, &settings) < 0 || settings.head.speed == (uint32_t)SPEED_UNKNOWN)
		return 0;
	return settings.head.speed;
}
