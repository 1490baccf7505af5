/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "link/port.h"
#include "link/port_filter.h"

#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>

/* Where ranges are looked for: above what Linux gives to programs (ip_local_port_range), if there is room, or else from there down. */
#define RANGE_LOWEST 32768
#define RANGE_SPARED 61440

/* As Linux has them in ip_local_port_range. */
static const struct port_ranges usual = {1, {{32768, 60999}}};

/* Of one port, the sockets that hold it. */
struct held {
	int tcp, udp;
};

struct port_hold {
	struct port_ranges ranges;
	struct held *in_ranges[PORT_RANGES_MAX]; /* owned: PORT_RANGE_SIZE of each */
	struct held singles[PORT_SINGLE_MAX];
	uint16_t single_ports[PORT_SINGLE_MAX];
	unsigned single_count;
};

static int attach(int fd, struct sock_filter *code, unsigned size)
{
	const struct sock_fprog program = {(unsigned short)size, code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

static int bind_any(int fd, sa_family_t family, uint16_t port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};

	return family == AF_INET6 ? bind(fd, (struct sockaddr *)&v6, sizeof(v6))
				  : bind(fd, (struct sockaddr *)&v4, sizeof(v4));
}

/* There are many: the low numbers are left to who uses select(), as libnftables does. */
static int put_away(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, FD_SETSIZE);

	if (high < 0)
		return fd; /* the limit is below that */
	close_fd(fd);
	return high;
}

/* A socket that has the port, of IPv4 and IPv6, and takes no packet. */
static int hold_one(int type, uint16_t port)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	sa_family_t family = AF_INET6;
	_cleanup_close_ int fd = socket(family, type | SOCK_CLOEXEC, 0);
	int code;

	if (fd < 0 && errno == EAFNOSUPPORT) {
		family = AF_INET;
		fd = socket(family, type | SOCK_CLOEXEC, 0);
	}
	if (fd < 0)
		return -errno;
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
	code = attach(fd, &nothing, 1);
	if (code < 0)
		return code;
	if (bind_any(fd, family, port) < 0 || (type == SOCK_STREAM && listen(fd, 1) < 0))
		return -errno;
	return put_away(steal_fd(&fd));
}

static void let_go(struct held *held)
{
	held->tcp = close_fd(held->tcp);
	held->udp = close_fd(held->udp);
}

static int hold(struct held *held, uint16_t port)
{
	int code;

	*held = (struct held){hold_one(SOCK_STREAM, port), hold_one(SOCK_DGRAM, port)};
	code = held->tcp < 0 ? held->tcp : held->udp;
	if (code >= 0)
		return 0;
	let_go(held);
	return code;
}

static int hold_range(struct port_hold *ports, uint16_t first)
{
	_cleanup_free_ struct held *all = calloc(PORT_RANGE_SIZE, sizeof(*all));
	struct port_range *range = &ports->ranges.all[ports->ranges.count];

	if (!all)
		return -ENOMEM;
	for (unsigned i = 0; i < PORT_RANGE_SIZE; i++) {
		int code = hold(&all[i], (uint16_t)(first + i));

		if (code < 0) {
			while (i-- > 0)
				let_go(&all[i]);
			return code;
		}
	}
	*range = (struct port_range){first, (uint16_t)(first + (unsigned)(PORT_RANGE_SIZE - 1))};
	ports->in_ranges[ports->ranges.count++] = steal_ptr(all);
	return 0;
}

/* Two sockets for each port, after those that may be low. */
static void raise_limit(unsigned ranges)
{
	struct rlimit limit;
	rlim_t wanted = 2 * ((rlim_t)ranges * PORT_RANGE_SIZE + PORT_SINGLE_MAX) + FD_SETSIZE;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int port_hold_open(struct port_hold **ret, struct err *err)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : err_set(err, -ENOMEM, "out of memory");
}

/* The first port of the @i-th range that is tried. Of those that are spared a stack begins with any: its TCP timestamps are not those of
 * the one before it, and a server that has closed a connection takes the next one from the same port for an old packet, for a minute. */
static uint16_t range_at(unsigned i, unsigned begin)
{
	const unsigned spared = (UINT16_MAX + 1 - RANGE_SPARED) / PORT_RANGE_SIZE;
	unsigned place = i < spared ? (i + begin) % spared : i;

	return (uint16_t)(UINT16_MAX + 1 - (place + 1) * PORT_RANGE_SIZE);
}

int port_hold_take_range(struct port_hold *ports, struct err *err)
{
	const unsigned all = (UINT16_MAX + 1 - RANGE_LOWEST) / PORT_RANGE_SIZE;
	int code = -EADDRINUSE;
	uint16_t begin = 0;

	if (ports->ranges.count == PORT_RANGES_MAX)
		return err_set(err, -ENOSPC, "%d ports are held already",
			       PORT_RANGES_MAX * PORT_RANGE_SIZE);
	raise_limit(ports->ranges.count + 1);
	if (getrandom(&begin, sizeof(begin), GRND_NONBLOCK) < 0)
		begin = 0; /* any will do */
	for (unsigned i = 0; i < all && code == -EADDRINUSE; i++)
		if (!port_ranges_have(&ports->ranges, range_at(i, begin)))
			code = hold_range(ports, range_at(i, begin));
	if (code == -EMFILE || code == -ENFILE)
		return err_set(err, code,
			       "holding %d ports more takes %d descriptors, and the limit is "
			       "below that (ulimit -Hn)",
			       PORT_RANGE_SIZE, 2 * PORT_RANGE_SIZE);
	return code < 0 ? err_set(err, code, "cannot hold %d ports in a row: %s", PORT_RANGE_SIZE,
				  strerror(-code))
			: 0;
}

void port_hold_close(struct port_hold *ports)
{
	for (unsigned i = 0; i < ports->ranges.count; i++) {
		for (unsigned j = 0; j < PORT_RANGE_SIZE; j++)
			let_go(&ports->in_ranges[i][j]);
		free(ports->in_ranges[i]);
	}
	for (unsigned i = 0; i < ports->single_count; i++)
		let_go(&ports->singles[i]);
	free(ports);
}

struct port_ranges port_hold_ranges(const struct port_hold *ports)
{
	return ports->ranges.count > 0 ? ports->ranges : usual;
}

static unsigned find_single(const struct port_hold *ports, uint16_t port)
{
	unsigned i = 0;

	while (i < ports->single_count && ports->single_ports[i] != port)
		i++;
	return i;
}

int port_hold_add(struct port_hold *ports, uint16_t port)
{
	unsigned at = find_single(ports, port);
	int code;

	if (port_ranges_have(&ports->ranges, port) || at < ports->single_count)
		return 0;
	if (at == PORT_SINGLE_MAX)
		return -ENOSPC;
	code = hold(&ports->singles[at], port);
	if (code < 0)
		return code;
	ports->single_ports[at] = port;
	ports->single_count++;
	return 0;
}

int port_hold_filter(const struct port_hold *ports, int fd)
{
	struct sock_filter code[PORT_FILTER_MAX];
	unsigned size = port_filter(&ports->ranges, ports->single_ports, ports->single_count, code);

	return attach(fd, code, size);
}

const uint16_t *port_hold_singles(const struct port_hold *ports, unsigned *ret_count)
{
	*ret_count = ports->single_count;
	return ports->single_ports;
}

bool port_hold_has_range(const struct port_hold *ports)
{
	return ports->ranges.count > 0;
}
