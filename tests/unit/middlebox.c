/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The middlebox that strips MPTCP: what goes through must still be TCP, with a right checksum. */
#include "lab/middlebox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ETHERNET 14
#define OPTIONS  20 /* in a TCP header */

struct frame {
	uint8_t bytes[256];
	size_t size;
	size_t ip, tcp; /* where these headers begin */
};

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t sum(const uint8_t *at, size_t size)
{
	uint32_t total = 0;

	for (size_t i = 0; i < size; i++)
		total += (uint32_t)at[i] << (i % 2 ? 0 : 8);
	return total;
}

/* Of the TCP segment with its pseudo header: 0xffff when the checksum in it is right. */
static uint32_t checksum(const struct frame *f)
{
	bool v6 = f->bytes[f->ip] >> 4 == 6;
	size_t size = f->size - f->tcp;
	uint32_t total = sum(f->bytes + f->ip + (v6 ? 8 : 12), v6 ? 32 : 8) + 6 + (uint32_t)size +
			 sum(f->bytes + f->tcp, size);

	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

/* A segment with @options (a multiple of four bytes) and a payload of odd size. */
static struct frame segment(bool v6, const uint8_t *options, size_t size)
{
	static const char payload[] = "payload";
	struct frame f = {.ip = ETHERNET, .tcp = ETHERNET + (v6 ? 40 : 20)};
	uint8_t *ip = f.bytes + f.ip, *tcp = f.bytes + f.tcp;

	f.size = f.tcp + OPTIONS + size + strlen(payload);
	put16(f.bytes + 12, v6 ? 0x86dd : 0x0800);
	ip[0] = v6 ? 0x60 : 0x45;
	if (v6) {
		put16(ip + 4, (unsigned)(f.size - f.tcp));
		ip[6] = 6;
	} else {
		put16(ip + 2, (unsigned)(f.size - f.ip));
		ip[9] = 6;
	}
	memset(ip + (v6 ? 8 : 12), 0xa7, v6 ? 32 : 8);
	put16(tcp, 50000);
	put16(tcp + 2, 80);
	tcp[12] = (uint8_t)((OPTIONS + size) / 4 << 4);
	tcp[13] = 0x02;
	memcpy(tcp + OPTIONS, options, size);
	memcpy(tcp + OPTIONS + size, payload, strlen(payload));
	put16(tcp + 16, ~checksum(&f) & 0xffff);
	assert_int_equal(checksum(&f), 0xffff);
	return f;
}

/* Options of a real SYN: maximum segment size, SACK, MP_CAPABLE, window scale. */
static const uint8_t syn[] = {2, 4, 5, 0xb4, 4, 2, 30, 4, 1, 0x81, 3, 3, 7, 1, 1, 0};
static const uint8_t stripped[] = {2, 4, 5, 0xb4, 4, 2, 1, 1, 1, 1, 3, 3, 7, 1, 1, 0};

/* A user who tests fall-back would see a connection that fails, or one that still is MPTCP. */
static void test_strips(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct frame f = segment(v6, syn, sizeof(syn));

		assert_true(middlebox_sees_tcp(f.bytes, f.size));
		assert_int_equal(middlebox_strip_mptcp(f.bytes, f.size), 1);
		assert_memory_equal(f.bytes + f.tcp + OPTIONS, stripped, sizeof(stripped));
		assert_int_equal(checksum(&f), 0xffff);
		assert_int_equal(middlebox_strip_mptcp(f.bytes, f.size), 0);
	}
}

/* Data segments carry several MPTCP options, at odd places: all must go. */
static void test_strips_all(void **state)
{
	static const uint8_t options[] = {1, 30, 8, 0x20, 1,    2, 3, 4, 5, 30, 7, 1, 2, 3, 0xff,
					  9, 1,  8, 10,   0xde, 1, 2, 3, 4, 5,  6, 7, 0, 0};
	uint8_t padded[32] = {0};
	struct frame f;

	memcpy(padded, options, sizeof(options));
	f = segment(false, padded, sizeof(padded));
	assert_int_equal(middlebox_strip_mptcp(f.bytes, f.size), 2);
	for (size_t i = 0; i < 17; i++)
		assert_int_equal(f.bytes[f.tcp + OPTIONS + i], 1);
	assert_memory_equal(f.bytes + f.tcp + OPTIONS + 17, padded + 17, sizeof(padded) - 17);
	assert_int_equal(checksum(&f), 0xffff);
}

/* A packet that was broken before must not become valid on its way. */
static void test_keeps_wrong_checksum(void **state)
{
	struct frame f = segment(false, syn, sizeof(syn));

	f.bytes[f.size - 1] ^= 1;
	assert_int_equal(middlebox_strip_mptcp(f.bytes, f.size), 1);
	assert_int_not_equal(checksum(&f), 0xffff);
}

/* Behind IPv6 extension headers there is a TCP header, too. */
static void test_extension_headers(void **state)
{
	struct frame f = segment(true, syn, sizeof(syn));

	memmove(f.bytes + f.tcp + 16, f.bytes + f.tcp, f.size - f.tcp);
	memset(f.bytes + f.tcp, 0, 16);
	f.bytes[f.ip + 6] = 60; /* destination options... */
	f.bytes[f.tcp] = 6;     /* ...then TCP */
	f.bytes[f.tcp + 1] = 1; /* 16 bytes */
	put16(f.bytes + f.ip + 4, (unsigned)(f.size - f.tcp + 16));
	f.tcp += 16;
	f.size += 16;
	assert_int_equal(middlebox_strip_mptcp(f.bytes, f.size), 1);
	assert_int_equal(checksum(&f), 0xffff);
}

/* What is not TCP, is a later fragment, or is cut short, must come out as it went in. */
static void test_leaves_alone(void **state)
{
	struct frame good = segment(false, syn, sizeof(syn)), f;

	for (size_t size = 0; size < good.size; size++) {
		f = good;
		assert_int_equal(middlebox_strip_mptcp(f.bytes, size), 0);
		assert_memory_equal(f.bytes, good.bytes, good.size);
	}
	f = good;
	f.bytes[f.ip + 9] = 17; /* UDP */
	assert_false(middlebox_sees_tcp(f.bytes, f.size));
	assert_int_equal(middlebox_strip_mptcp(f.bytes, f.size), 0);
	f = good;
	put16(f.bytes + f.ip + 6, 1); /* a later fragment */
	assert_int_equal(middlebox_strip_mptcp(f.bytes, f.size), 0);
	f = good;
	put16(f.bytes + 12, 0x0806); /* ARP */
	assert_int_equal(middlebox_strip_mptcp(f.bytes, f.size), 0);
	f = good;
	f.bytes[f.tcp + 12] = 0xf0; /* options beyond the end */
	put16(f.bytes + f.ip + 2, 20 + 20 + 16);
	assert_int_equal(middlebox_strip_mptcp(f.bytes, f.ip + 20 + 20 + 16), 0);
}

/* Options that lie about their length must not lead out of the header, or into an endless loop. */
static void test_bad_options(void **state)
{
	static const uint8_t lies[][4] = {
		{30, 0, 0, 0}, {30, 1, 0, 0}, {30, 5, 0, 0}, {1, 1, 1, 30}};

	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		struct frame f = segment(false, lies[i], 4), before = f;

		assert_int_equal(middlebox_strip_mptcp(f.bytes, f.size), 0);
		assert_memory_equal(f.bytes, before.bytes, f.size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strips),
		cmocka_unit_test(test_strips_all),
		cmocka_unit_test(test_keeps_wrong_checksum),
		cmocka_unit_test(test_extension_headers),
		cmocka_unit_test(test_leaves_alone),
		cmocka_unit_test(test_bad_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
