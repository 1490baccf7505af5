/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a stack that shares a link receives. Lost if this fails: its connections, or the host's privacy: somebody else's packets. */
#include "link/port_filter.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct port_ranges ranges = {2, {{65024, 65535}, {61440, 61567}}};
static const uint16_t singles[] = {80, 8080};

struct frame {
	uint8_t bytes[128];
	unsigned size, type;
};

/* As the kernel would run it; a load from behind the end drops the packet. */
static bool passes_to(const struct frame *frame, uint32_t packet_type, bool udp)
{
	struct sock_filter code[PORT_FILTER_MAX];
	unsigned size = port_filter(&ranges, singles, 2, udp, code);
	uint32_t a = 0, x = 0;

	assert_true(size <= PORT_FILTER_MAX);
	for (unsigned at = 0; at < size; at++) {
		const struct sock_filter *i = &code[at];
		uint32_t from = i->k + (BPF_MODE(i->code) == BPF_IND ? x : 0);
		unsigned width = BPF_SIZE(i->code) == BPF_W   ? 4
				 : BPF_SIZE(i->code) == BPF_H ? 2
							      : 1;
		bool yes;

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			if (i->k == (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)) {
				a = packet_type;
				break;
			}
			if (from + width > frame->size)
				return false;
			a = 0;
			for (unsigned j = 0; j < width; j++)
				a = a << 8 | frame->bytes[from + j];
			break;
		case BPF_LDX:
			assert_true(i->k < frame->size);
			x = 4u * (frame->bytes[i->k] & 15);
			break;
		case BPF_ALU:
			a &= i->k;
			break;
		case BPF_JMP:
			yes = BPF_OP(i->code) == BPF_JEQ   ? a == i->k
			      : BPF_OP(i->code) == BPF_JGE ? a >= i->k
			      : BPF_OP(i->code) == BPF_JGT ? a > i->k
							   : (a & i->k) != 0;
			at += yes ? i->jt : i->jf;
			break;
		default:
			return i->k != 0;
		}
	}
	fail();
	return false;
}

static bool passes(const struct frame *frame)
{
	return passes_to(frame, PACKET_HOST, true);
}

static void put(struct frame *frame, unsigned at, unsigned value)
{
	frame->bytes[at] = (uint8_t)(value >> 8);
	frame->bytes[at + 1] = (uint8_t)value;
}

/* A packet of IPv4, with @options words of options, to @port. */
static struct frame v4(uint8_t protocol, uint16_t port, unsigned options)
{
	struct frame frame = {.size = 14 + 20 + 4 * options + 20};

	put(&frame, 12, ETH_P_IP);
	frame.bytes[14] = (uint8_t)(0x45 + options);
	put(&frame, 20, 0x4000); /* don't fragment */
	frame.bytes[23] = protocol;
	put(&frame, 34 + 4 * options + 2, port);
	return frame;
}

static struct frame v6(uint8_t next, uint16_t port)
{
	struct frame frame = {.size = 14 + 40 + 20};

	put(&frame, 12, ETH_P_IPV6);
	frame.bytes[20] = next;
	put(&frame, 54 + 2, port);
	return frame;
}

static void only_ports_that_are_held(void **state)
{
	static const struct {
		uint16_t port;
		bool held;
	} ports[] = {{61439, false}, {61440, true}, {61567, true}, {61568, false}, {65023, false},
		     {65024, true},  {65200, true}, {65535, true}, {80, true},     {8080, true},
		     {81, false},    {0, false},    {443, false}};
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};

	for (unsigned i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
		for (unsigned j = 0; j < 2; j++) {
			struct frame plain = v4(protocols[j], ports[i].port, 0);
			struct frame with_options = v4(protocols[j], ports[i].port, 3);
			struct frame six = v6(protocols[j], ports[i].port);

			assert_int_equal(passes(&plain), ports[i].held);
			assert_int_equal(passes(&with_options), ports[i].held);
			assert_int_equal(passes(&six), ports[i].held);
			assert_false(passes_to(&plain, PACKET_OTHERHOST, true));
			assert_false(passes_to(&plain, PACKET_OUTGOING, true));
			assert_false(passes_to(&plain, PACKET_BROADCAST, true));
			assert_int_equal(passes_to(&six, PACKET_HOST, false),
					 ports[i].held && protocols[j] == IPPROTO_TCP);
			assert_int_equal(passes_to(&plain, PACKET_HOST, false),
					 ports[i].held && protocols[j] == IPPROTO_TCP);
		}
	}
}

static void no_pieces_and_nothing_cut_off(void **state)
{
	struct frame frame = v4(IPPROTO_TCP, 80, 0), six = v6(IPPROTO_TCP, 80);

	put(&frame, 20, 0x2000); /* more fragments */
	assert_false(passes(&frame));
	put(&frame, 20, 100);
	assert_false(passes(&frame));
	put(&frame, 20, 0);
	frame.size = 36;
	assert_false(passes(&frame));
	six.size = 57;
	assert_false(passes(&six));
	frame.size = 13;
	assert_false(passes(&frame));
}

static void other_protocols(void **state)
{
	struct frame arp = {.size = 42}, icmp = v4(IPPROTO_ICMP, 0, 0),
		     icmp6 = v6(IPPROTO_ICMPV6, 0);
	struct frame sctp = v4(IPPROTO_SCTP, 80, 0), fragment = v6(44, 80);

	put(&arp, 12, ETH_P_ARP);
	put(&arp, 20, 1);
	assert_false(passes(&arp));
	put(&arp, 20, 2);
	assert_true(passes(&arp));
	for (unsigned type = 0; type < 256; type++) {
		icmp.bytes[34] = icmp6.bytes[54] = (uint8_t)type;
		assert_int_equal(passes(&icmp), type == 0 || type == 3 || type == 11);
		assert_int_equal(passes(&icmp6),
				 (type >= 1 && type <= 3) || type == 129 || type == 136);
	}
	assert_false(passes(&sctp));
	assert_false(passes(&fragment));
	put(&arp, 12, ETH_P_8021Q);
	assert_false(passes(&arp));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_ports_that_are_held),
		cmocka_unit_test(no_pieces_and_nothing_cut_off),
		cmocka_unit_test(other_protocols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
