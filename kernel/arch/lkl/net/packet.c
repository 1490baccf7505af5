// SPDX-License-Identifier: GPL-2.0-only
/*
 * A network device on a descriptor of the program's: packets with a virtio_net_hdr before them, so that checksums and
 * segmentation are left to whatever is behind it, in both directions.
 *
 * Packets are written where the stack hands them over, and read in NAPI's polling, straight to where they stay:
 *  - a small one lies in the buffer that the socket buffer came with, and is accounted as what it takes. (A page for each
 *    would exhaust receive buffers with data that came out of order, and stall MPTCP after a path has failed.)
 *  - of a large one the rest fills pages, which wait in @pages and are replaced when they were used. There is one set of them a
 *    device, so that no ring of buffers takes memory that is not in use.
 */
#include <asm/lkl.h>
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/uio.h>
#include <linux/virtio_net.h>

#define PAGES (65536 / PAGE_SIZE) /* with the buffer's own room enough for the largest packet */

struct packet_link {
	struct net_device *device;
	struct packet_link *next;
	struct napi_struct napi;
	int fd, header_size;
	bool offload;
	bool ready;   /* the program said so */
	bool blocked; /* output waits until the descriptor is writable */
	struct sk_buff *spare;
	unsigned int room; /* of that: the MTU may be another one when a packet comes */
	struct page *pages[PAGES];
};

static struct packet_link *links;

static struct packet_link *find(int index)
{
	struct packet_link *link = links;

	while (link && link->device->ifindex != index)
		link = link->next;
	return link;
}

static bool is_fatal(long error)
{
	return error == -EIO || error == -ENETDOWN || error == -ENXIO || error == -EBADF ||
	       error == -EBADFD || error == -ENODEV;
}

static netdev_tx_t transmit(struct sk_buff *skb, struct net_device *device)
{
	struct packet_link *link = netdev_priv(device);
	struct iovec parts[MAX_SKB_FRAGS + 2];
	struct virtio_net_hdr_mrg_rxbuf header = {};
	int count = 2;
	long sent;

	if (virtio_net_hdr_from_skb(skb, &header.hdr, true, false, 0) < 0)
		goto drop;
	parts[0] = (struct iovec){&header, link->header_size};
	parts[1] = (struct iovec){skb->data, skb_headlen(skb)};
	for (int i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *part = &skb_shinfo(skb)->frags[i];

		parts[count++] = (struct iovec){skb_frag_address(part), skb_frag_size(part)};
	}
	sent = lkl_host->transmit(link->fd, parts, count);
	if (sent == -EAGAIN) {
		netif_stop_queue(device);
		link->blocked = true;
		return NETDEV_TX_BUSY;
	}
	if (is_fatal(sent))
		netif_carrier_off(device);
	if (sent < 0)
		goto drop;
	dev_sw_netstats_tx_add(device, 1, skb->len);
	dev_consume_skb_any(skb);
	return NETDEV_TX_OK;
drop:
	DEV_STATS_INC(device, tx_errors);
	dev_kfree_skb_any(skb);
	return NETDEV_TX_OK;
}

/* The buffers that the next packet is read into, in @parts. How many, 0: no memory. */
static int prepare(struct packet_link *link, struct virtio_net_hdr_mrg_rxbuf *header,
		   struct iovec *parts)
{
	int count = 2;

	if (!link->spare) {
		link->room = link->device->mtu + ETH_HLEN + 4;
		link->spare = napi_alloc_skb(&link->napi, link->room);
	}
	if (!link->spare)
		return 0;
	parts[0] = (struct iovec){header, link->header_size};
	parts[1] = (struct iovec){link->spare->data, link->room};
	for (int i = 0; link->offload && i < PAGES; i++) {
		if (!link->pages[i])
			link->pages[i] = alloc_page(GFP_ATOMIC | __GFP_NOWARN);
		if (!link->pages[i])
			break;
		parts[count++] = (struct iovec){page_address(link->pages[i]), PAGE_SIZE};
	}
	return count;
}

static void deliver(struct packet_link *link, const struct virtio_net_hdr_mrg_rxbuf *header,
		    unsigned int size)
{
	struct net_device *device = link->device;
	unsigned int linear = min(size, link->room);
	struct sk_buff *skb = link->spare;

	link->spare = NULL;
	skb_put(skb, linear);
	size -= linear;
	for (int i = 0; size; i++) {
		unsigned int part = min_t(unsigned int, size, PAGE_SIZE);

		skb_add_rx_frag(skb, i, link->pages[i], 0, part, PAGE_SIZE);
		link->pages[i] = NULL;
		size -= part;
	}
	dev_sw_netstats_rx_add(device, skb->len);
	if (header->hdr.flags & VIRTIO_NET_HDR_F_DATA_VALID)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	/* It counts from the Ethernet header. */
	if (virtio_net_hdr_to_skb(skb, &header->hdr, true) < 0) {
		DEV_STATS_INC(device, rx_frame_errors);
		kfree_skb(skb);
		return;
	}
	skb->protocol = eth_type_trans(skb, device);
	napi_gro_receive(&link->napi, skb);
}

static int poll(struct napi_struct *napi, int budget)
{
	struct packet_link *link = container_of(napi, struct packet_link, napi);
	int done = 0;

	lkl_acks_gather();
	while (done < budget) {
		struct virtio_net_hdr_mrg_rxbuf header = {};
		struct iovec parts[PAGES + 2];
		int count = prepare(link, &header, parts);
		long got = count ? lkl_host->receive(link->fd, parts, count) : -ENOMEM;

		if (got < link->header_size + ETH_HLEN) {
			if (is_fatal(got))
				netif_carrier_off(link->device);
			if (got < 0)
				break;
			DEV_STATS_INC(link->device, rx_length_errors);
			continue;
		}
		deliver(link, &header, got - link->header_size);
		done++;
	}
	if (done < budget)
		napi_complete_done(napi, done);
	lkl_acks_send();
	/* Much may come for long, and the clock has to be looked at. */
	if (lkl_host->now() >= lkl_due())
		lkl_pending |= LKL_PENDING_CLOCK;
	return done;
}

void lkl_links_interrupt(void)
{
	for (struct packet_link *link = links; link; link = link->next) {
		if (!link->ready)
			continue;
		link->ready = false;
		if (link->blocked) {
			link->blocked = false;
			netif_wake_queue(link->device);
		}
		if (netif_running(link->device))
			napi_schedule(&link->napi);
	}
}

static int open(struct net_device *device)
{
	struct packet_link *link = netdev_priv(device);

	napi_enable(&link->napi);
	netif_start_queue(device);
	return 0;
}

static int stop(struct net_device *device)
{
	struct packet_link *link = netdev_priv(device);

	netif_stop_queue(device);
	napi_disable(&link->napi);
	return 0;
}

/* By netlink: whoever sets the device up knows of the link. */
static int change_carrier(struct net_device *device, bool on)
{
	if (on)
		netif_carrier_on(device);
	else
		netif_carrier_off(device);
	return 0;
}

static const struct net_device_ops operations = {
	.ndo_open = open,
	.ndo_stop = stop,
	.ndo_start_xmit = transmit,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_change_carrier = change_carrier,
};

int lkl_link_add(const struct lkl_link *settings)
{
	struct net_device *device = alloc_etherdev(sizeof(struct packet_link));
	struct packet_link *link;
	int err;

	if (!device)
		return -ENOMEM;
	link = netdev_priv(device);
	link->device = device;
	link->fd = settings->fd;
	link->offload = settings->offload;
	link->header_size = settings->short_header ? sizeof(struct virtio_net_hdr)
						   : sizeof(struct virtio_net_hdr_mrg_rxbuf);
	if (settings->name && settings->name[0])
		strscpy(device->name, settings->name, IFNAMSIZ);
	eth_hw_addr_set(device, settings->address);
	device->netdev_ops = &operations;
	device->mtu = settings->mtu;
	device->max_mtu = ETH_MAX_MTU;
	device->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	if (settings->offload)
		device->hw_features =
			NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_TSO_ECN;
	device->features = device->hw_features | NETIF_F_RXCSUM | NETIF_F_HIGHDMA;
	netif_napi_add(device, &link->napi, poll);
	err = register_netdev(device);
	if (err) {
		free_netdev(device);
		return err;
	}
	link->next = links;
	links = link;
	return device->ifindex;
}

void lkl_link_ready(int index)
{
	struct packet_link *link = find(index);

	if (link) {
		link->ready = true;
		lkl_pending |= LKL_PENDING_LINKS;
	}
}

int lkl_link_blocked(int index)
{
	const struct packet_link *link = find(index);

	return link && link->blocked;
}
