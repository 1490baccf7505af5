/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A wire end that is one of a pair of veth devices; the other is in the emulator's namespace, where
 * a packet socket reads and writes its frames. For who may not open /dev/net/tun.
 *
 * Frames must be as they would be on a wire: the host's device gets no offload that would leave
 * checksums or segmentation to others. The device in the emulator's namespace has no addresses and
 * speaks no protocol. It is set down to take away the carrier from the host.
 *
 * Frames come through a ring that is mapped (packet_mmap, TPACKET_V2): its size, unlike that of a
 * socket's buffer, is not limited for ordinary users.
 */
#include "lab/wire.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define RING_MAX    (4U * 1024 * 1024)   /* a TCP window of 3 MB in frames of 1500 bytes */
#define RINGS_MAX   (256U * 1024 * 1024) /* of all wires together... */
#define RING_BLOCKS 4U                   /* ...but at least so much for each */
#define BLOCK_MIN   (64U * 1024)
#define SEND_BUFFER (8 * 1024 * 1024)

struct veth {
	struct wire wire;
	char name[IFNAMSIZ]; /* of the device in the emulator's namespace */
	uint8_t *ring;
	size_t ring_size, frame_size, block_size;
	unsigned frame, frames; /* next to read, and how many there are */
};

static int make_pair(const struct wire_place *place, const char *name, const char *peer,
		     unsigned mtu)
{
	struct nlmsghdr *msg = nl_start(place->host, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
					sizeof(struct ifinfomsg));
	struct nlattr *info, *data, *other;

	mnl_attr_put_strz(msg, IFLA_IFNAME, name);
	mnl_attr_put_u32(msg, IFLA_MTU, mtu);
	info = mnl_attr_nest_start(msg, IFLA_LINKINFO);
	mnl_attr_put_strz(msg, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(msg, IFLA_INFO_DATA);
	other = mnl_attr_nest_start(msg, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(msg, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(msg, IFLA_IFNAME, peer);
	mnl_attr_put_u32(msg, IFLA_MTU, mtu);
	mnl_attr_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)place->wires_ns);
	mnl_attr_nest_end(msg, other);
	mnl_attr_nest_end(msg, data);
	mnl_attr_nest_end(msg, info);
	return nl_talk(place->host, NULL, NULL);
}

static int set_feature(int fd, const char *name, uint32_t command)
{
	struct ethtool_value value = {.cmd = command};
	struct ifreq request = {.ifr_data = (char *)&value};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

/* Without checksums there is no segmentation either; without GRO none is undone. */
static int make_plain(const struct wire_place *place, const char *name)
{
	_cleanup_close_ int fd = -1;
	int code;

	if (setns(place->host_ns, CLONE_NEWNET) < 0)
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	code = fd < 0 ? -errno : set_feature(fd, name, ETHTOOL_STXCSUM);
	if (code >= 0)
		code = set_feature(fd, name, ETHTOOL_STSO);
	if (code >= 0)
		set_feature(fd, name, ETHTOOL_SGRO);
	return setns(place->wires_ns, CLONE_NEWNET) < 0 ? -errno : code;
}

static int set_up(int fd, const char *name, bool up)
{
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	request.ifr_flags = (short)(IFF_NOARP | (up ? IFF_UP : 0));
	return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

static int map_ring(struct veth *veth, unsigned mtu, unsigned wires)
{
	struct tpacket_req request = {0};
	int version = TPACKET_V2;
	size_t frame = TPACKET_ALIGN(TPACKET2_HDRLEN) + TPACKET_ALIGN(mtu + WIRE_HEADER_MAX) + 64;

	for (veth->frame_size = 256; veth->frame_size < frame;)
		veth->frame_size *= 2;
	veth->block_size = veth->frame_size > BLOCK_MIN ? veth->frame_size : BLOCK_MIN;
	veth->ring_size = RINGS_MAX / wires < RING_MAX ? RINGS_MAX / wires : RING_MAX;
	veth->ring_size -= veth->ring_size % veth->block_size;
	if (veth->ring_size < RING_BLOCKS * veth->block_size)
		veth->ring_size = RING_BLOCKS * veth->block_size;
	veth->frames = (unsigned)(veth->ring_size / veth->frame_size);
	request.tp_frame_size = (unsigned)veth->frame_size;
	request.tp_frame_nr = veth->frames;
	request.tp_block_size = (unsigned)veth->block_size;
	request.tp_block_nr = (unsigned)(veth->ring_size / veth->block_size);
	if (setsockopt(veth->wire.fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(veth->wire.fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) < 0)
		return -errno;
	veth->ring =
		mmap(NULL, veth->ring_size, PROT_READ | PROT_WRITE, MAP_SHARED, veth->wire.fd, 0);
	if (veth->ring == MAP_FAILED) {
		veth->ring = NULL;
		return -errno;
	}
	return 0;
}

static int open_socket(struct veth *veth, unsigned mtu, unsigned wires)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd = veth->wire.fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, size = SEND_BUFFER, code;

	if (fd < 0)
		return -errno;
	code = map_ring(veth, mtu, wires);
	if (code < 0)
		return code;
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0)
		return -errno;
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	address.sll_ifindex = (int)if_nametoindex(veth->name);
	if (!address.sll_ifindex || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return set_up(fd, veth->name, true);
}

static void give_up(struct veth *veth)
{
	if (veth->ring)
		munmap(veth->ring, veth->ring_size);
	close_fd(veth->wire.fd);
	free(veth);
}

static int veth_open(const struct wire_place *place, const char *name, unsigned mtu,
		     struct wire **ret, struct err *err)
{
	struct veth *veth = calloc(1, sizeof(*veth));
	int code;

	if (!veth)
		return -ENOMEM;
	veth->wire.ops = &wire_veth;
	veth->wire.fd = -1;
	snprintf(veth->name, sizeof(veth->name), "wire%u", place->number);
	code = make_pair(place, name, veth->name, mtu);
	if (code < 0) {
		err_set(err, code, "veth device '%s' cannot be made: %s", name,
			*nl_words(place->host) ? nl_words(place->host) : strerror(-code));
		code = code == -EOPNOTSUPP ? -ENOTSUP : code;
	} else {
		code = make_plain(place, name);
		if (code < 0)
			err_set(err, code, "offloads of device '%s' cannot be switched off: %s",
				name, strerror(-code));
	}
	if (code >= 0) {
		code = open_socket(veth, mtu, place->count);
		if (code < 0)
			err_set(err, code, "no packet socket for device '%s': %s", name,
				strerror(-code));
	}
	if (code < 0) {
		give_up(veth);
		return code;
	}
	*ret = &veth->wire;
	return 0;
}

/* After the device was down, poll() reports that until it was asked for. */
static void clear_error(int fd)
{
	int error;
	socklen_t size = sizeof(error);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
}

static ssize_t veth_read(struct wire *wire, uint8_t *data, size_t size)
{
	struct veth *veth = (struct veth *)wire;
	size_t per_block = veth->block_size / veth->frame_size;
	struct tpacket2_hdr *header =
		(struct tpacket2_hdr *)(veth->ring + veth->frame / per_block * veth->block_size +
					veth->frame % per_block * veth->frame_size);
	size_t length;

	if (!(__atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) {
		clear_error(wire->fd);
		return -EAGAIN;
	}
	length = header->tp_snaplen < size ? header->tp_snaplen : size;
	memcpy(data, (uint8_t *)header + header->tp_mac, length);
	__atomic_store_n(&header->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	veth->frame = (veth->frame + 1) % veth->frames;
	return (ssize_t)length;
}

static int veth_write(struct wire *wire, const uint8_t *data, size_t size)
{
	return send(wire->fd, data, size, MSG_DONTWAIT) < 0 ? -errno : 0;
}

static int veth_set_carrier(struct wire *wire, bool on)
{
	struct veth *veth = (struct veth *)wire;
	int code = set_up(wire->fd, veth->name, on);

	clear_error(wire->fd);
	return code;
}

static uint64_t veth_missed(struct wire *wire)
{
	struct tpacket_stats stats = {0};
	socklen_t size = sizeof(stats);

	getsockopt(wire->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
	return stats.tp_drops;
}

const struct wire_ops wire_veth = {
	.name = "veth",
	.open = veth_open,
	.read = veth_read,
	.write = veth_write,
	.set_carrier = veth_set_carrier,
	.missed = veth_missed,
};
