/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The headers are walked with a cursor that never leaves the frame: every step asks for the bytes
 * that it wants to look at. The checksum is mended incrementally (RFC 1624, equation 3), so a
 * wrong one stays wrong.
 */
#include "lab/middlebox.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdbool.h>

#define OPTION_END   0
#define OPTION_NOP   1
#define OPTION_MPTCP 30

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define TCP_HEADER  20

struct cursor {
	uint8_t *at;
	size_t left;
};

static bool skip(struct cursor *c, size_t size)
{
	if (size > c->left)
		return false;
	c->at += size;
	c->left -= size;
	return true;
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* To the TCP header of an unfragmented packet, or of the first fragment; padding is cut off. */
static bool enter_ipv4(struct cursor *c)
{
	size_t header, total;

	if (c->left < IPV4_HEADER || c->at[0] >> 4 != 4)
		return false;
	header = (c->at[0] & 0xf) * 4U;
	total = get16(c->at + 2);
	if (header < IPV4_HEADER || total < header || total > c->left)
		return false;
	if (get16(c->at + 6) & 0x1fff || c->at[9] != IPPROTO_TCP)
		return false;
	c->left = total;
	return skip(c, header);
}

static bool enter_ipv6(struct cursor *c)
{
	uint8_t next;
	size_t payload;

	if (c->left < IPV6_HEADER || c->at[0] >> 4 != 6)
		return false;
	next = c->at[6];
	payload = get16(c->at + 4);
	skip(c, IPV6_HEADER);
	if (payload > c->left)
		return false;
	c->left = payload;
	while (next != IPPROTO_TCP) {
		if (c->left < 8)
			return false;
		if (next == IPPROTO_FRAGMENT) {
			if (get16(c->at + 2) & 0xfff8)
				return false;
			next = c->at[0];
			skip(c, 8);
		} else if (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING ||
			   next == IPPROTO_DSTOPTS) {
			next = c->at[0];
			if (!skip(c, (c->at[1] + 1U) * 8U))
				return false;
		} else {
			return false;
		}
	}
	return true;
}

/* The bytes of an option need not be aligned to the words that the checksum adds up. */
static void overwrite(uint8_t *tcp, size_t offset, size_t size)
{
	uint32_t sum = (uint16_t)~get16(tcp + 16);

	for (size_t i = offset; i < offset + size; i++) {
		unsigned shift = i % 2 ? 0 : 8;

		sum += (uint16_t) ~((uint32_t)tcp[i] << shift);
		sum += (uint32_t)OPTION_NOP << shift;
		tcp[i] = OPTION_NOP;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(tcp + 16, (uint16_t)~sum);
}

/* From the start of a frame to its TCP header. */
static bool enter_frame(struct cursor *c)
{
	uint16_t type;

	if (c->left < ETHER_HDR_LEN)
		return false;
	type = get16(c->at + 12);
	skip(c, ETHER_HDR_LEN);
	if (type == ETHERTYPE_IP ? !enter_ipv4(c) : type != ETHERTYPE_IPV6 || !enter_ipv6(c))
		return false;
	return c->left >= TCP_HEADER;
}

bool middlebox_sees_tcp(uint8_t *frame, size_t size)
{
	return enter_frame(&(struct cursor){frame, size});
}

unsigned middlebox_strip_mptcp(uint8_t *frame, size_t size)
{
	struct cursor c = {frame, size};
	size_t header, offset = TCP_HEADER;
	unsigned found = 0;

	if (!enter_frame(&c))
		return 0;
	header = (c.at[12] >> 4) * 4U;
	if (header < TCP_HEADER || header > c.left)
		return 0;
	while (offset < header && c.at[offset] != OPTION_END) {
		size_t length;

		if (c.at[offset] == OPTION_NOP) {
			offset++;
			continue;
		}
		if (offset + 2 > header)
			break;
		length = c.at[offset + 1];
		if (length < 2 || offset + length > header)
			break;
		if (c.at[offset] == OPTION_MPTCP) {
			overwrite(c.at, offset, length);
			found++;
		}
		offset += length;
	}
	return found;
}
