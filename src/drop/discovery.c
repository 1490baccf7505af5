/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/discovery.h"

#include "base/cleanup.h"
#include "link/watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HURRY       6
#define HURRY_MS    250
#define HEARD_CACHE 64

/* A beacon that was found true, so that it need not be verified again each time. */
struct believed {
	struct in6_addr from;
	unsigned link;
	size_t size;
	uint8_t data[BEACON_SIZE_MAX];
};

struct discovery {
	const struct identity *identity;
	const struct discovery_owner *owner;
	void *data;
	uint16_t port;
	int fd;        /* owned */
	struct nl *nl; /* owned */
	struct discovery_link links[DISCOVERY_LINKS];
	unsigned link_count, hurry, believed_count, believed_next;
	struct believed *believed[HEARD_CACHE]; /* owned */
	uv_poll_t poll, watch;
	uv_timer_t timer;
	unsigned handles;
};

int discovery_listen(struct err *err)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(BEACON_PORT)};
	const int one = 1, zero = 0;
	_cleanup_close_ int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_set(err, -errno, "no IPv6 here: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &zero, sizeof(zero));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_set(err, -errno, "cannot listen to beacons on UDP port %d: %s",
			       BEACON_PORT, strerror(errno));
	return steal_fd(&fd);
}

static void join_group(int fd, unsigned index)
{
	struct ipv6_mreq request = {.ipv6mr_interface = index};

	inet_pton(AF_INET6, BEACON_GROUP, &request.ipv6mr_multiaddr);
	setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof(request));
}

/* A datagram and who sent it over which link; the size, or -1. */
static ssize_t receive(int fd, void *data, size_t room, struct sockaddr_in6 *from, unsigned *link)
{
	char control[128];
	struct iovec vector = {data, room};
	struct msghdr message = {.msg_name = from,
				 .msg_namelen = sizeof(*from),
				 .msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	ssize_t size = recvmsg(fd, &message, 0);

	*link = 0;
	if (size < 0)
		return -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		struct in6_pktinfo info;

		if (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_PKTINFO)
			continue;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		*link = info.ipi6_ifindex;
	}
	return size;
}

int discovery_founder(int fd, const uint8_t crowd[static CROWD_ID_SIZE], struct beacon *ret,
		      char ret_link[static IF_NAMESIZE])
{
	uint8_t data[BEACON_SIZE_MAX];
	const uint8_t *body, *signature;
	size_t body_size;
	struct sockaddr_in6 from;
	unsigned link;
	struct if_nameindex *all = if_nameindex();
	ssize_t size;

	for (struct if_nameindex *at = all; at && at->if_index; at++)
		join_group(fd, at->if_index);
	if (all)
		if_freenameindex(all);
	size = receive(fd, data, sizeof(data), &from, &link);
	if (size < 0 || beacon_read(data, (size_t)size, ret, &body, &body_size, &signature) < 0 ||
	    memcmp(ret->crowd, crowd, CROWD_ID_SIZE) != 0 || !ret->founder ||
	    memcmp(&ret->sender, &from.sin6_addr, sizeof(from.sin6_addr)) != 0 ||
	    !if_indextoname(link, ret_link))
		return 0;
	return 1;
}

static struct believed *find_believed(const struct discovery *discovery,
				      const struct in6_addr *from, unsigned link)
{
	for (unsigned i = 0; i < discovery->believed_count; i++)
		if (discovery->believed[i]->link == link &&
		    memcmp(&discovery->believed[i]->from, from, sizeof(*from)) == 0)
			return discovery->believed[i];
	return NULL;
}

static void believe(struct discovery *discovery, const struct in6_addr *from, unsigned link,
		    const uint8_t *data, size_t size)
{
	struct believed *entry = find_believed(discovery, from, link);

	if (!entry && discovery->believed_count < HEARD_CACHE) {
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return;
		discovery->believed[discovery->believed_count++] = entry;
	} else if (!entry) {
		entry = discovery->believed[discovery->believed_next++ % HEARD_CACHE];
	}
	entry->from = *from;
	entry->link = link;
	entry->size = size;
	memcpy(entry->data, data, size);
}

void discovery_forget(struct discovery *discovery)
{
	for (unsigned i = 0; i < discovery->believed_count; i++)
		free(discovery->believed[i]);
	discovery->believed_count = 0;
}

static bool is_own(const struct discovery *discovery, const struct in6_addr *from)
{
	for (unsigned i = 0; i < discovery->link_count; i++)
		if (memcmp(&discovery->links[i].beacon.sender, from, sizeof(*from)) == 0)
			return true;
	return false;
}

static void on_beacon(struct discovery *discovery, const uint8_t *data, size_t size,
		      const struct sockaddr_in6 *from, unsigned link)
{
	const struct believed *known = find_believed(discovery, &from->sin6_addr, link);
	char name[IF_NAMESIZE] = "?", text[INET6_ADDRSTRLEN], place[96];
	const uint8_t *body, *signature;
	size_t body_size;
	struct beacon beacon;
	struct err err;

	if (is_own(discovery, &from->sin6_addr) || !if_indextoname(link, name))
		return;
	if (known && known->size == size && memcmp(known->data, data, size) == 0) {
		if (beacon_read(data, size, &beacon, &body, &body_size, &signature) == 0)
			discovery->owner->heard(discovery->data, &beacon, link, name);
		return;
	}
	if (beacon_check(discovery->identity, data, size, &from->sin6_addr, &beacon, &err) < 0) {
		inet_ntop(AF_INET6, &from->sin6_addr, text, sizeof(text));
		snprintf(place, sizeof(place), "%s%%%s", text, name);
		discovery->owner->refused(discovery->data, place, err.text);
		return;
	}
	believe(discovery, &from->sin6_addr, link, data, size);
	discovery->owner->heard(discovery->data, &beacon, link, name);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct discovery *discovery = poll->data;

	for (unsigned i = 0; i < 32; i++) {
		uint8_t data[BEACON_SIZE_MAX];
		struct sockaddr_in6 from;
		unsigned link;
		ssize_t size = receive(discovery->fd, data, sizeof(data), &from, &link);

		if (size < 0)
			return;
		on_beacon(discovery, data, (size_t)size, &from, link);
	}
}

static struct discovery_link *link_of(struct discovery *discovery, const char *name)
{
	unsigned index = if_nametoindex(name);
	struct discovery_link *link;

	if (!index)
		return NULL;
	for (unsigned i = 0; i < discovery->link_count; i++)
		if (discovery->links[i].index == index)
			return &discovery->links[i];
	if (discovery->link_count == DISCOVERY_LINKS)
		return NULL;
	link = &discovery->links[discovery->link_count++];
	*link = (struct discovery_link){.index = index};
	snprintf(link->name, sizeof(link->name), "%s", name);
	return link;
}

static void add_address(struct discovery_link *link, const struct sockaddr *sa,
			struct beacon *beacon)
{
	struct address address = address_from_sockaddr(sa);

	if (address.family == AF_INET6 && address_is_link_local(&address))
		beacon->sender = address.v6;
	else if (address.family && !address_is_link_local(&address) &&
		 beacon->address_count < BEACON_ADDRESSES_MAX)
		beacon->addresses[beacon->address_count++] = address;
	link->seen = true;
}

static bool same_beacon(const struct beacon *a, const struct beacon *b)
{
	if (memcmp(&a->sender, &b->sender, sizeof(a->sender)) != 0 ||
	    a->address_count != b->address_count)
		return false;
	for (unsigned i = 0; i < a->address_count; i++)
		if (!address_equal(&a->addresses[i], &b->addresses[i]))
			return false;
	return true;
}

/* Which links are there now, and what their beacons say. True: something has changed. */
static bool look_at_links(struct discovery *discovery)
{
	struct beacon now[DISCOVERY_LINKS] = {0};
	struct ifaddrs *all = NULL;
	bool changed = false;

	for (unsigned i = 0; i < discovery->link_count; i++)
		discovery->links[i].seen = false;
	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
		struct discovery_link *link;

		if (!at->ifa_addr || !(at->ifa_flags & IFF_UP) || !(at->ifa_flags & IFF_RUNNING) ||
		    at->ifa_flags & IFF_LOOPBACK || !(at->ifa_flags & IFF_MULTICAST) ||
		    (at->ifa_addr->sa_family != AF_INET && at->ifa_addr->sa_family != AF_INET6))
			continue;
		link = link_of(discovery, at->ifa_name);
		if (link)
			add_address(link, at->ifa_addr, &now[link - discovery->links]);
	}
	freeifaddrs(all);
	for (unsigned i = discovery->link_count; i-- > 0;) {
		struct discovery_link *link = &discovery->links[i];
		struct beacon *beacon = &now[i];

		if (link->seen && same_beacon(&link->beacon, beacon) && link->joined)
			continue;
		changed = true;
		bytes_free(&link->signed_beacon);
		if (!link->seen) {
			*link = discovery->links[--discovery->link_count];
			now[i] = now[discovery->link_count];
			continue;
		}
		beacon->port = discovery->port;
		link->beacon = *beacon;
		join_group(discovery->fd, link->index);
		link->joined = true;
		if (!IN6_IS_ADDR_UNSPECIFIED(&beacon->sender) &&
		    beacon_put(&link->signed_beacon, discovery->identity, beacon) < 0)
			bytes_free(&link->signed_beacon);
	}
	return changed;
}

/* For a second or two the kernel looks whether an address is somebody else's (RFC 4862, section 5.4); nothing is sent from it then,
 * and when that is over it tells us. */
static bool has_unsent(const struct discovery *discovery)
{
	for (unsigned i = 0; i < discovery->link_count; i++)
		if (discovery->links[i].unsent)
			return true;
	return false;
}

static void send_beacons(struct discovery *discovery)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(BEACON_PORT)};

	inet_pton(AF_INET6, BEACON_GROUP, &to.sin6_addr);
	for (unsigned i = 0; i < discovery->link_count; i++) {
		struct discovery_link *link = &discovery->links[i];
		struct in6_pktinfo info = {.ipi6_addr = link->beacon.sender,
					   .ipi6_ifindex = link->index};
		union {
			char room[CMSG_SPACE(sizeof(info))];
			struct cmsghdr align;
		} control = {0};
		struct iovec vector = {link->signed_beacon.data, link->signed_beacon.size};
		struct msghdr message = {.msg_name = &to,
					 .msg_namelen = sizeof(to),
					 .msg_iov = &vector,
					 .msg_iovlen = 1,
					 .msg_control = &control,
					 .msg_controllen = sizeof(control.room)};
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);

		if (!link->signed_beacon.size)
			continue;
		to.sin6_scope_id = link->index;
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		link->unsent = sendmsg(discovery->fd, &message, 0) < 0;
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct discovery *discovery = timer->data;

	send_beacons(discovery);
	if (discovery->hurry)
		discovery->hurry--;
	uv_timer_start(timer, on_timer, discovery->hurry ? HURRY_MS : DISCOVERY_EVERY_MS, 0);
}

bool discovery_has(const struct discovery *discovery, unsigned index)
{
	for (unsigned i = 0; i < discovery->link_count; i++)
		if (discovery->links[i].index == index)
			return true;
	return false;
}

void discovery_hurry(struct discovery *discovery)
{
	if (discovery->hurry)
		return;
	discovery->hurry = 2;
	uv_timer_start(&discovery->timer, on_timer, 10, 0);
}

static void on_change(uv_poll_t *poll, int status, int events)
{
	struct discovery *discovery = poll->data;

	bool changed;

	if (!watch_changed(discovery->nl))
		return;
	changed = look_at_links(discovery);
	if (!changed && !has_unsent(discovery))
		return;
	discovery->hurry = HURRY;
	uv_timer_start(&discovery->timer, on_timer, 0, 0);
	if (changed)
		discovery->owner->changed(discovery->data);
}

static void freed(uv_handle_t *handle)
{
	struct discovery *discovery = handle->data;

	if (--discovery->handles)
		return;
	close_fd(discovery->fd);
	nl_close(discovery->nl);
	for (unsigned i = 0; i < discovery->link_count; i++)
		bytes_free(&discovery->links[i].signed_beacon);
	discovery_forget(discovery);
	free(discovery);
}

void discovery_close(struct discovery *discovery)
{
	if (!discovery)
		return;
	uv_close((uv_handle_t *)&discovery->poll, freed);
	uv_close((uv_handle_t *)&discovery->watch, freed);
	uv_close((uv_handle_t *)&discovery->timer, freed);
}

int discovery_open(uv_loop_t *loop, const struct identity *identity, uint16_t port,
		   const struct discovery_owner *owner, void *data, struct discovery **ret,
		   struct err *err)
{
	struct discovery *discovery = calloc(1, sizeof(*discovery));
	int code;

	if (!discovery)
		return err_set(err, -ENOMEM, "out of memory");
	*discovery = (struct discovery){
		.identity = identity, .owner = owner, .data = data, .port = port, .handles = 3};
	discovery->fd = discovery_listen(err);
	if (discovery->fd < 0) {
		code = discovery->fd;
		free(discovery);
		return code;
	}
	code = watch_open(&discovery->nl);
	if (code < 0) {
		close_fd(discovery->fd);
		free(discovery);
		return err_set(err, code, "cannot watch the links: %s", strerror(-code));
	}
	uv_poll_init(loop, &discovery->poll, discovery->fd);
	uv_poll_init(loop, &discovery->watch, nl_fd(discovery->nl));
	uv_timer_init(loop, &discovery->timer);
	discovery->poll.data = discovery->watch.data = discovery->timer.data = discovery;
	look_at_links(discovery);
	discovery->hurry = HURRY;
	uv_poll_start(&discovery->poll, UV_READABLE, on_readable);
	uv_poll_start(&discovery->watch, UV_READABLE, on_change);
	uv_timer_start(&discovery->timer, on_timer, 0, 0);
	*ret = discovery;
	return 0;
}
