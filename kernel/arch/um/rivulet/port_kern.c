// SPDX-License-Identifier: GPL-2.0-only
/*
 * A network device on a descriptor of the host that carries Ethernet frames, each behind a struct virtio_net_hdr: a TAP, or
 * a packet socket with PACKET_VNET_HDR. They come over a socket of the host's, so that nobody has to wait for them before the
 * kernel is started. On its command line:
 *
 *	rvports=SOCKET
 *
 * Each message on it is a hardware address and a number, with a descriptor. The devices are called port0, port1, ... and come in that
 * order; one that is there, and switched off, is on the new descriptor from then on, and is given its address by whoever switches it on
 * again. They are taken when somebody writes to /sys/module/rivulet/parameters/ports, so that whoever does knows that the devices are there.
 *
 * The kernel's own vector driver does not serve: on a descriptor that was handed to it, it knows no offloads; it gives every
 * received packet a buffer of 64 KiB, so that a receive queue of small packets is full of air; and the first error of the
 * host's, such as a link that is down for a moment, ends the device. Here
 *  - what a packet counts as in memory is about its size: it is copied into a buffer of that size, but for large ones (the host's
 *    GRO, or a peer's TSO), whose pages are kept. Else a receive window is full of air, and a connection over several subflows
 *    can stand still: it has no room left for just what it waits for;
 *  - a frame that the host refuses is lost, as on any wire; one that it has no room for now waits.
 */
#include <irq_kern.h>
#include <irq_user.h>
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/moduleparam.h>
#include <linux/netdevice.h>
#include <linux/poll.h>
#include <linux/rtnetlink.h>
#include <linux/uio.h>
#include <linux/virtio_net.h>

#include "host_user.h"

#define PORTS_MAX 16

/* What is received: a header, then pages of this order, enough for the largest frame that a host makes of several. */
#define PAGES_ORDER 2
#define PAGES_SIZE  (PAGE_SIZE << PAGES_ORDER)
#define PAGES_COUNT 5
#define LINEAR_MAX  3500 /* in one piece, of a buffer that is as long */
#define HEAD_SIZE   128  /* of a larger frame, so that its headers lie in one piece */

/* Events can be lost (pipe_kern.c): so long after the last that was not, it is looked whether there is more. */
#define LOOK_AGAIN msecs_to_jiffies(20)

struct port {
	struct net_device *dev;
	int fd, readable, writable; /* and its interrupts */
	struct napi_struct napi;
	struct timer_list again;
	struct page *pages[PAGES_COUNT]; /* to receive into; NULL: there was no memory */
};

static int source = -1; /* the socket */
static struct port *ports[PORTS_MAX];
static int port_count;

static bool refill(struct port *port)
{
	int i;

	for (i = 0; i < PAGES_COUNT; i++) {
		if (!port->pages[i])
			port->pages[i] = dev_alloc_pages(PAGES_ORDER);
		if (!port->pages[i])
			return false;
	}
	return true;
}

static struct sk_buff *linear(struct port *port, unsigned int size)
{
	struct sk_buff *skb = napi_alloc_skb(&port->napi, size);

	if (skb)
		skb_put_data(skb, page_address(port->pages[0]), size);
	return skb;
}

static struct sk_buff *copied(struct port *port, unsigned int size)
{
	unsigned int done, part;
	struct sk_buff *skb;
	int err;

	skb = alloc_skb_with_frags(HEAD_SIZE, size - HEAD_SIZE, 0, &err, GFP_ATOMIC);
	if (!skb)
		return NULL;
	skb->dev = port->dev;
	skb_put(skb, HEAD_SIZE);
	skb->data_len = size - HEAD_SIZE;
	skb->len = size;
	for (done = 0; done < size; done += part) {
		part = min_t(unsigned int, size - done, PAGES_SIZE);
		skb_store_bits(skb, done, page_address(port->pages[done / PAGES_SIZE]), part);
	}
	return skb;
}

/* The pages with the frame become the packet's. */
static struct sk_buff *kept(struct port *port, unsigned int size)
{
	struct sk_buff *skb = napi_alloc_skb(&port->napi, HEAD_SIZE);
	unsigned int skip = HEAD_SIZE, part;
	int i;

	if (!skb)
		return NULL;
	skb_put_data(skb, page_address(port->pages[0]), HEAD_SIZE);
	for (i = 0; size > 0; i++, size -= part, skip = 0) {
		part = min_t(unsigned int, size, PAGES_SIZE);
		skb_add_rx_frag(skb, i, port->pages[i], skip, part - skip, PAGES_SIZE);
		port->pages[i] = NULL;
	}
	return skb;
}

static struct sk_buff *make_packet(struct port *port, unsigned int size)
{
	if (size <= LINEAR_MAX)
		return linear(port, size);
	if (size % PAGES_SIZE && PAGES_SIZE - size % PAGES_SIZE > size / 4)
		return copied(port, size);
	return kept(port, size);
}

/* A frame of the host's: false if there is none. */
static bool receive(struct port *port)
{
	struct net_device_stats *stats = &port->dev->stats;
	struct virtio_net_hdr header;
	struct iovec iov[1 + PAGES_COUNT] = {{&header, sizeof(header)}};
	struct sk_buff *skb;
	long size;
	int i;

	if (!refill(port)) {
		char lost;

		iov[1] = (struct iovec){&lost, sizeof(lost)};
		stats->rx_dropped++;
		return host_readv(port->fd, iov, 2) > 0;
	}
	for (i = 0; i < PAGES_COUNT; i++)
		iov[1 + i] = (struct iovec){page_address(port->pages[i]), PAGES_SIZE};
	size = host_readv(port->fd, iov, 1 + PAGES_COUNT);
	if (size <= 0)
		return size == -ENETDOWN; /* a packet socket says so once */
	size -= sizeof(header);
	if (size < ETH_HLEN)
		return true;
	skb = make_packet(port, size);
	if (!skb) {
		stats->rx_dropped++;
		return true;
	}
	if (header.flags & VIRTIO_NET_HDR_F_DATA_VALID)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	stats->rx_packets++;
	stats->rx_bytes += size;
	/* It counts from the Ethernet header. */
	if (virtio_net_hdr_to_skb(skb, &header, true) < 0) {
		stats->rx_errors++;
		kfree_skb(skb);
		return true;
	}
	skb->protocol = eth_type_trans(skb, port->dev);
	napi_gro_receive(&port->napi, skb);
	return true;
}

/* The host tells of what arrives once, so that nothing may be left when we stop asking. */
static int poll_port(struct napi_struct *napi, int budget)
{
	struct port *port = container_of(napi, struct port, napi);
	int done = 0;

	while (done < budget && receive(port))
		done++;
	if (done < budget)
		napi_complete_done(napi, done);
	if (done > 0)
		mod_timer(&port->again, jiffies + LOOK_AGAIN);
	return done;
}

static void look_again(struct timer_list *timer)
{
	struct port *port = from_timer(port, timer, again);

	napi_schedule(&port->napi);
	if (netif_queue_stopped(port->dev))
		netif_wake_queue(port->dev);
}

static irqreturn_t on_readable(int irq, void *data)
{
	struct port *port = data;

	napi_schedule(&port->napi);
	return IRQ_HANDLED;
}

static irqreturn_t on_writable(int irq, void *data)
{
	struct net_device *dev = data;

	if (netif_queue_stopped(dev))
		netif_wake_queue(dev);
	return IRQ_HANDLED;
}

static netdev_tx_t transmit(struct sk_buff *skb, struct net_device *dev)
{
	struct port *port = netdev_priv(dev);
	struct virtio_net_hdr header;
	struct iovec iov[2 + MAX_SKB_FRAGS] = {{&header, sizeof(header)}};
	int i, count = 2;
	long size;

	if (virtio_net_hdr_from_skb(skb, &header, true, false, 0) < 0)
		goto lost;
	iov[1] = (struct iovec){skb->data, skb_headlen(skb)};
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		iov[count++] = (struct iovec){skb_frag_address(frag), skb_frag_size(frag)};
	}
	size = host_writev(port->fd, iov, count);
	if (size == -EAGAIN) {
		/* Ask again after the queue is stopped: the host may have had room in between, and told nobody. */
		netif_stop_queue(dev);
		size = host_writev(port->fd, iov, count);
		if (size == -EAGAIN) {
			mod_timer(&port->again, jiffies + LOOK_AGAIN);
			return NETDEV_TX_BUSY;
		}
		netif_start_queue(dev);
	}
	if (size < 0)
		goto lost;
	dev->stats.tx_packets++;
	dev->stats.tx_bytes += skb->len;
	consume_skb(skb);
	return NETDEV_TX_OK;
lost:
	dev->stats.tx_dropped++;
	kfree_skb(skb);
	return NETDEV_TX_OK;
}

static int open_port(struct net_device *dev)
{
	struct port *port = netdev_priv(dev);

	napi_enable(&port->napi);
	netif_start_queue(dev);
	/* What the host received before is not told any more. */
	local_bh_disable();
	napi_schedule(&port->napi);
	local_bh_enable();
	return 0;
}

/* The descriptor stays open: the device can be switched on again. */
static int stop_port(struct net_device *dev)
{
	struct port *port = netdev_priv(dev);

	netif_stop_queue(dev);
	napi_disable(&port->napi);
	del_timer_sync(&port->again);
	return 0;
}

/* Whether the link that is behind it works is told from outside, as of a modem: "ip link set ... carrier off". */
static int change_carrier(struct net_device *dev, bool on)
{
	if (on)
		netif_carrier_on(dev);
	else
		netif_carrier_off(dev);
	return 0;
}

static const struct net_device_ops port_ops = {
	.ndo_open = open_port,
	.ndo_stop = stop_port,
	.ndo_start_xmit = transmit,
	.ndo_change_carrier = change_carrier,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

static int watch(struct port *port)
{
	struct net_device *dev = port->dev;

	port->readable =
		um_request_irq(UM_IRQ_ALLOC, port->fd, IRQ_READ, on_readable, 0, dev->name, port);
	if (port->readable < 0)
		return port->readable;
	port->writable =
		um_request_irq(UM_IRQ_ALLOC, port->fd, IRQ_WRITE, on_writable, 0, dev->name, dev);
	return port->writable < 0 ? port->writable : 0;
}

static int replace(struct port *port, int fd)
{
	um_free_irq(port->readable, port);
	um_free_irq(port->writable, port->dev);
	host_close(port->fd);
	port->fd = fd;
	return watch(port);
}

static int make_port(int fd, const u8 *mac)
{
	struct net_device *dev = alloc_etherdev(sizeof(struct port));
	struct port *port;
	int err;

	if (!dev)
		return -ENOMEM;
	port = netdev_priv(dev);
	port->dev = dev;
	port->fd = fd;
	snprintf(dev->name, sizeof(dev->name), "port%d", port_count);
	dev->netdev_ops = &port_ops;
	dev->hw_features =
		NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_RXCSUM;
	dev->features = dev->hw_features;
	dev->max_mtu = ETH_MAX_MTU;
	eth_hw_addr_set(dev, mac);
	netif_napi_add(dev, &port->napi, poll_port);
	timer_setup(&port->again, look_again, 0);
	err = register_netdev(dev);
	if (err < 0) {
		free_netdev(dev);
		return err;
	}
	ports[port_count++] = port;
	return watch(port);
}

static int __init take_source(char *text)
{
	return kstrtoint(text, 10, &source) == 0;
}
__setup("rvports=", take_source);

/* One at a time: writers hold the module's lock. */
static int take_ports(const char *value, const struct kernel_param *param)
{
	u8 message[ETH_ALEN + 1]; /* with the number */
	int fd, number, err = 0;

	while (source >= 0 && err == 0) {
		fd = host_take(source, message, sizeof(message));
		if (fd == -EAGAIN)
			return 0;
		if (fd < 0)
			return fd;
		number = message[ETH_ALEN];
		if (number < port_count)
			err = replace(ports[number], fd);
		else if (number < PORTS_MAX)
			err = make_port(fd, message);
		else
			err = -ENOSPC;
	}
	return err;
}

static const struct kernel_param_ops ports_ops = {.set = take_ports};
module_param_cb(ports, &ports_ops, NULL, 0200);
