/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/port_filter.h"

#include "base/cleanup.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>

/* Offsets in an Ethernet frame. */
enum {
	TYPE = 12,
	PAYLOAD = 14,
	ARP_OPERATION = PAYLOAD + 6,
	V4_FRAGMENT = PAYLOAD + 6,
	V4_PROTOCOL = PAYLOAD + 9,
	V6_NEXT = PAYLOAD + 6,
	V6_PAYLOAD = PAYLOAD + 40,
	TO_PORT = 2 /* in the TCP or UDP header */
};

struct program {
	struct sock_filter *code;
	unsigned size;
};

static void put(struct program *p, uint16_t code, uint8_t yes, uint8_t no, uint32_t value)
{
	p->code[p->size++] = (struct sock_filter){code, yes, no, value};
}

static void load(struct program *p, uint16_t width, uint32_t at)
{
	put(p, BPF_LD | width | BPF_ABS, 0, 0, at);
}

/* What follows up to end() is done if what is loaded is @value, else skipped. */
static unsigned begin_if(struct program *p, uint32_t value)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, value);
	return p->size;
}

static void end(struct program *p, unsigned begun)
{
	p->code[begun - 1].jf = (uint8_t)(p->size - begun);
}

static void take(struct program *p)
{
	put(p, BPF_RET | BPF_K, 0, 0, UINT32_MAX);
}

static void drop(struct program *p)
{
	put(p, BPF_RET | BPF_K, 0, 0, 0);
}

static void take_if(struct program *p, uint32_t value)
{
	unsigned is = begin_if(p, value);

	take(p);
	end(p, is);
}

/* Ends the program: what is loaded must be one of @values. */
static void one_of(struct program *p, const uint32_t *values, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		take_if(p, values[i]);
	drop(p);
}

static void with_ports(struct program *p, bool udp)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, 2, 0, IPPROTO_TCP);
	put(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, udp ? IPPROTO_UDP : IPPROTO_TCP);
	drop(p);
}

/* Ends the program: the port that is loaded must be one of those held. */
static void to_held(struct program *p, const struct port_ranges *ranges, const uint16_t *singles,
		    unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		take_if(p, singles[i]);
	for (unsigned i = 0; i < ranges->count; i++) {
		put(p, BPF_JMP | BPF_JGE | BPF_K, 0, 2, ranges->all[i].first);
		put(p, BPF_JMP | BPF_JGT | BPF_K, 1, 0, ranges->all[i].last);
		take(p);
	}
	drop(p);
}

unsigned port_filter(const struct port_ranges *ranges, const uint16_t *singles, unsigned count,
		     bool udp, struct sock_filter ret[static PORT_FILTER_MAX])
{
	static const uint32_t v4_reports[] = {0, 3, 11}, v6_reports[] = {1, 2, 3, 129, 136};
	struct program p = {.code = ret};
	unsigned is, is_icmp;

	load(&p, BPF_W, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE));
	put(&p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, PACKET_HOST);
	drop(&p);
	load(&p, BPF_H, TYPE);

	is = begin_if(&p, ETH_P_ARP);
	load(&p, BPF_H, ARP_OPERATION);
	one_of(&p, &(uint32_t){2}, 1);
	end(&p, is);

	is = begin_if(&p, ETH_P_IP);
	load(&p, BPF_H, V4_FRAGMENT);
	put(&p, BPF_JMP | BPF_JSET | BPF_K, 0, 1, 0x3fff); /* more pieces, or not the first */
	drop(&p);
	put(&p, BPF_LDX | BPF_B | BPF_MSH, 0, 0, PAYLOAD);
	load(&p, BPF_B, V4_PROTOCOL);
	is_icmp = begin_if(&p, IPPROTO_ICMP);
	put(&p, BPF_LD | BPF_B | BPF_IND, 0, 0, PAYLOAD);
	one_of(&p, v4_reports, ARRAY_SIZE(v4_reports));
	end(&p, is_icmp);
	with_ports(&p, udp);
	put(&p, BPF_LD | BPF_H | BPF_IND, 0, 0, PAYLOAD + TO_PORT);
	to_held(&p, ranges, singles, count);
	end(&p, is);

	is = begin_if(&p, ETH_P_IPV6);
	load(&p, BPF_B, V6_NEXT);
	is_icmp = begin_if(&p, IPPROTO_ICMPV6);
	load(&p, BPF_B, V6_PAYLOAD);
	one_of(&p, v6_reports, ARRAY_SIZE(v6_reports));
	end(&p, is_icmp);
	with_ports(&p, udp);
	load(&p, BPF_H, V6_PAYLOAD + TO_PORT);
	to_held(&p, ranges, singles, count);
	end(&p, is);
	drop(&p);
	return p.size;
}
