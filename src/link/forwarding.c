/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/forwarding.h"

#include "base/cleanup.h"
#include "base/numbers.h"

#include <fcntl.h>
#include <net/if.h>
#include <string.h>

#define ALL_OF_IPV6 "/proc/sys/net/ipv6/conf/all/forwarding"
#define NO_IPV6     "/proc/sys/net/ipv6/conf/default/disable_ipv6" /* of devices to come */

enum { PATH_SIZE = 64 + IFNAMSIZ };

static void put_path(char path[static PATH_SIZE], const char *device, sa_family_t family)
{
	snprintf(path, PATH_SIZE, "/proc/sys/net/%s/conf/%s/%sforwarding",
		 family == AF_INET ? "ipv4" : "ipv6", device, family == AF_INET ? "" : "force_");
}

static bool is_on(const char *path)
{
	uint64_t value;

	return numbers_read(path, &value, 1) == 0 && value == 1;
}

bool forwarding_is(unsigned index, sa_family_t family)
{
	char name[IF_NAMESIZE], path[PATH_SIZE];

	if (!if_indextoname(index, name))
		return false;
	put_path(path, name, family);
	return is_on(path) || (family == AF_INET6 && is_on(ALL_OF_IPV6));
}

static int set(unsigned index, sa_family_t family, const char *value)
{
	char name[IF_NAMESIZE], path[PATH_SIZE];
	_cleanup_close_ int fd = -1;

	if (!if_indextoname(index, name))
		return -ENODEV;
	put_path(path, name, family);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, value, 1) < 0 ? -errno : 0;
}

bool forwarding_can(sa_family_t family)
{
	char path[PATH_SIZE];

	if (family == AF_INET6 && is_on(NO_IPV6))
		return false;
	put_path(path, "default", family);
	return access(path, F_OK) == 0 || (family == AF_INET6 && is_on(ALL_OF_IPV6));
}

int forwarding_start(unsigned index, sa_family_t family)
{
	return forwarding_is(index, family) ? 1 : set(index, family, "1");
}

int forwarding_stop(unsigned index, sa_family_t family)
{
	return set(index, family, "0");
}
