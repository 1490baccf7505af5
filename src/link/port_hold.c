/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "base/fds.h"
#include "link/port.h"
#include "link/port_filter.h"

#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/socket.h>

/* Where ranges are looked for: above what Linux gives to programs (ip_local_port_range), if there is room, or else from there down. */
#define RANGE_LOWEST 32768
#define RANGE_SPARED 61440

/* As Linux has them in ip_local_port_range. */
static const struct port_ranges usual = {1, {{32768, 60999}}};

/* Of one port, the sockets that hold it; -1: none does. */
struct held {
	int tcp, udp;
};

struct port_hold {
	bool udp;
	struct port_ranges ranges;
	struct held *in_ranges[PORT_RANGES_MAX]; /* owned: one for each port */
	unsigned in_all, next;                   /* ports in ranges; in the next one */
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

static int hold(const struct port_hold *ports, struct held *held, uint16_t port)
{
	int code;

	*held = (struct held){hold_one(SOCK_STREAM, port),
			      ports->udp ? hold_one(SOCK_DGRAM, port) : -1};
	code = held->tcp < 0 ? held->tcp : ports->udp ? held->udp : 0;
	if (code >= 0)
		return 0;
	let_go(held);
	return code;
}

static unsigned size_of(const struct port_range *range)
{
	return range->last - range->first + 1u;
}

static int hold_range(struct port_hold *ports, struct port_range range)
{
	unsigned size = size_of(&range);
	_cleanup_free_ struct held *all = calloc(size, sizeof(*all));

	if (!all)
		return -ENOMEM;
	for (unsigned i = 0; i < size; i++) {
		int code = hold(ports, &all[i], (uint16_t)(range.first + i));

		if (code < 0) {
			while (i-- > 0)
				let_go(&all[i]);
			return code;
		}
	}
	ports->in_ranges[ports->ranges.count] = steal_ptr(all);
	ports->ranges.all[ports->ranges.count++] = range;
	ports->in_all += size;
	ports->next = ports->in_all;
	return 0;
}

int port_hold_open(struct port_hold **ret, unsigned first, bool udp, struct err *err)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return err_set(err, -ENOMEM, "out of memory");
	(*ret)->next = first;
	(*ret)->udp = udp;
	return 0;
}

/* The @i-th range of @size ports that is tried. Of those that are spared a stack begins with any: the initial sequence numbers of a kernel of
 * its own are not those of the one before it, and a server that has closed a connection and has no timestamps to tell (they go on,
 * kernel/net/ipv4/rivulet_stamps.c) takes half of what comes from the same ports for old packets, for a minute. */
static struct port_range range_at(unsigned i, unsigned size, unsigned begin)
{
	const unsigned spared = (UINT16_MAX + 1 - RANGE_SPARED) / size;
	unsigned place = i < spared ? (i + begin) % spared : i;
	unsigned last = UINT16_MAX - place * size;

	return (struct port_range){(uint16_t)(last - size + 1), (uint16_t)last};
}

/* Those that are held are at other places, or within or around it. */
static bool is_held(const struct port_hold *ports, const struct port_range *range)
{
	for (unsigned i = 0; i < ports->ranges.count; i++)
		if (ports->ranges.all[i].first <= range->last &&
		    ports->ranges.all[i].last >= range->first)
			return true;
	return false;
}

int port_hold_take_range(struct port_hold *ports, struct err *err)
{
	const unsigned size = ports->next, all = (UINT16_MAX + 1 - RANGE_LOWEST) / size;
	int code = -EADDRINUSE;
	uint16_t begin = 0;

	if (ports->in_all + size > PORTS_ALL || ports->ranges.count == PORT_RANGES_MAX)
		return err_set(err, -ENOSPC, "%u ports are held already", ports->in_all);
	fds_raise_limit(); /* one or two sockets for each port */
	if (getrandom(&begin, sizeof(begin), GRND_NONBLOCK) < 0)
		begin = 0; /* any will do */
	for (unsigned i = 0; i < all && code == -EADDRINUSE; i++) {
		struct port_range range = range_at(i, size, begin);

		if (!is_held(ports, &range))
			code = hold_range(ports, range);
	}
	if (code == -EMFILE || code == -ENFILE)
		return err_set(err, code,
			       "holding %u ports more takes %u descriptors, and the limit is "
			       "below that (ulimit -Hn)",
			       size, ports->udp ? 2 * size : size);
	return code < 0 ? err_set(err, code, "cannot hold %u ports in a row: %s", size,
				  strerror(-code))
			: 0;
}

void port_hold_close(struct port_hold *ports)
{
	for (unsigned i = 0; i < ports->ranges.count; i++) {
		for (unsigned j = 0; j < size_of(&ports->ranges.all[i]); j++)
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
	code = hold(ports, &ports->singles[at], port);
	if (code < 0)
		return code;
	ports->single_ports[at] = port;
	ports->single_count++;
	return 0;
}

int port_hold_filter(const struct port_hold *ports, int fd)
{
	struct sock_filter code[PORT_FILTER_MAX];
	unsigned size = port_filter(&ports->ranges, ports->single_ports, ports->single_count,
				    ports->udp, code);

	return attach(fd, code, size);
}

const uint16_t *port_hold_singles(const struct port_hold *ports, unsigned *ret_count)
{
	*ret_count = ports->single_count;
	return ports->single_ports;
}

bool port_hold_has_udp(const struct port_hold *ports)
{
	return ports->udp;
}

bool port_hold_has_range(const struct port_hold *ports)
{
	return ports->ranges.count > 0;
}
