/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, other implementations could not carry our bundles, nor we theirs; or what was damaged or
 * made up on the way would be believed. */
#include "drop/bundle.h"
#include "drop/crc.h"
#include "drop/forward.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The bundle of RFC 9173, appendix A.1.1.3. */
#define RFC_BUNDLE                                                   \
	"9f88070000820282010282028202018202820201820018281a000f4240" \
	"85010100005823526561647920746f2067656e657261746520612033322d62797465207061796c6f6164ff"
/* Of appendix A.1.4: the same with a block of security, which nothing here knows. */
#define RFC_WITH_BIB                                                           \
	"9f88070000820282010282028202018202820201820018281a000f4240850b0200"   \
	"005856810101018202820201828201078203008181820158403bdc69b3a34a2b5d3a" \
	"8554368bd1e808f606219d2a10a846eae3886ae4ecc83c4ee550fdfb1cc636b904e2" \
	"f1a73e303dcd4b6ccece003e95e8164dcc89a156e185010100005823526561647920" \
	"746f2067656e657261746520612033322d62797465207061796c6f6164ff"
/* Of appendix A.3.4: signed and encrypted, with an age. */
#define RFC_SECURED                                                              \
	"9f88070000820282010282028202018202820201820018281a000f4240850b030000"   \
	"585c8200020101820282030082820105820300828182015820cac6ce8e4c5dae57988b" \
	"757e49a6dd1431dc04763541b2845098265bc817241b81820158203ed614c0d97f49b3" \
	"633627779aa18a338d212bf3c92b97759d9739cd50725596850c040100583481010201" \
	"82028202018382014c5477656c76653132313231328202018204008181820150efa4b5" \
	"ac0108e3816c5606479801bc0485070200004319012c850101000058233a09c1e63fe2" \
	"3a7f66a59c7303837241e070b02619fc59c5214a22f08cd70795e73e9aff"
#define RFC_PAYLOAD "Ready to generate a 32-byte payload"

static size_t from_hex(const char *hex, uint8_t *to)
{
	size_t size = strlen(hex) / 2;

	for (size_t i = 0; i < size; i++) {
		const char pair[] = {hex[2 * i], hex[2 * i + 1], '\0'};

		to[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return size;
}

static void checksums(void **state)
{
	/* The check values that the CRC catalogues give. */
	assert_int_equal(crc16(0, "123456789", 9), 0x906e);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	for (size_t at = 0; at <= 30; at++) {
		const char *text = "the quick brown fox jumps over";

		assert_int_equal(crc32c(crc32c(0, text, at), text + at, 30 - at),
				 crc32c(0, text, 30));
		assert_int_equal(crc16(crc16(0, text, at), text + at, 30 - at), crc16(0, text, 30));
	}
}

static void reads_the_rfc(void **state)
{
	_cleanup_bytes_ struct bytes again = {0};
	uint8_t data[256];
	size_t size = from_hex(RFC_BUNDLE, data), payload;
	struct bundle bundle;

	assert_int_equal(bundle_read(data, size, &bundle), 0);
	assert_string_equal(bundle.destination.text, "ipn:1.2");
	assert_string_equal(bundle.source.text, "ipn:2.1");
	assert_int_equal(bundle.created, 0);
	assert_int_equal(bundle.sequence, 40);
	assert_int_equal(bundle.lifetime, 1000000);
	assert_int_equal(bundle.payload.size, strlen(RFC_PAYLOAD));
	assert_memory_equal(bundle.payload.data, RFC_PAYLOAD, strlen(RFC_PAYLOAD));
	bundle_put(&again, &bundle, 0);
	assert_int_equal(again.size, size);
	assert_memory_equal(again.data, data, size);

	/* Cut off anywhere it is none; its head can be read as soon as it is there. */
	for (size_t cut = 0; cut < size; cut++) {
		size_t head = size - 1 - strlen(RFC_PAYLOAD);

		assert_int_equal(bundle_read(data, cut, &bundle), -EBADMSG);
		assert_int_equal(bundle_read_head(data, cut, &bundle, &payload),
				 cut < head ? -EAGAIN : 0);
	}
}

/* Lost: what others have signed would not be what they signed after we carried it. */
static void carries_unknown_blocks_unchanged(void **state)
{
	_cleanup_bytes_ struct bytes again = {0};
	uint8_t data[512];
	size_t size = from_hex(RFC_WITH_BIB, data);
	struct bundle bundle;

	assert_int_equal(bundle_read(data, size, &bundle), 0);
	assert_int_equal(bundle.block_count, 1);
	assert_int_equal(bundle.blocks[0].type, 11);
	assert_int_equal(bundle.blocks[0].size, 86);
	assert_int_equal(forward_arrive(&bundle, 1), 0);
	bundle_put(&again, &bundle, 0);
	assert_int_equal(again.size, size);
	assert_memory_equal(again.data, data, size);
}

/* The age is written anew, and is the same bytes. */
static void carries_what_is_secured(void **state)
{
	_cleanup_bytes_ struct bytes again = {0};
	uint8_t data[512];
	size_t size = from_hex(RFC_SECURED, data);
	struct bundle bundle;

	assert_int_equal(bundle_read(data, size, &bundle), 0);
	assert_int_equal(bundle.block_count, 3);
	assert_int_equal(bundle.blocks[0].type, 11);
	assert_int_equal(bundle.blocks[1].type, 12);
	assert_int_equal(bundle.blocks[1].flags, BLOCK_IN_EVERY_FRAGMENT);
	assert_int_equal(bundle.blocks[2].type, BLOCK_AGE);
	assert_int_equal(bundle.age, 300);
	assert_int_equal(forward_expires(&bundle, 1000), 1000 + 1000000 - 300);
	assert_int_equal(forward_arrive(&bundle, 1000), 0);
	bundle_put(&again, &bundle, 0);
	assert_int_equal(again.size, size);
	assert_memory_equal(again.data, data, size);
}

static struct bundle sample(enum bundle_crc crc)
{
	struct bundle bundle = {
		.crc = crc,
		.destination = eid_make("c", "files"),
		.source = eid_make("a", "files"),
		.created = 800000000000,
		.sequence = 7,
		.lifetime = 60000,
		.hop_limit = 3,
		.payload = {.type = BLOCK_PAYLOAD,
			    .number = 1,
			    .crc = crc,
			    .data = (const uint8_t *)"0123456789",
			    .size = 10},
	};

	assert_int_equal(eid_parse("dtn:none", &bundle.report_to), 0);
	bundle_want(&bundle, BLOCK_AGE);
	bundle_want(&bundle, BLOCK_HOPS);
	return bundle;
}

static void finds_any_damaged_bit(void **state)
{
	for (int crc = CRC_16; crc <= CRC_32C; crc++) {
		struct bundle bundle = sample((enum bundle_crc)crc), back;
		_cleanup_bytes_ struct bytes bytes = {0};

		bundle_put(&bytes, &bundle, 0);
		assert_int_equal(bundle_read(bytes.data, bytes.size, &back), 0);
		for (size_t bit = 0; bit < bytes.size * 8; bit++) {
			bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_not_equal(bundle_read(bytes.data, bytes.size, &back), 0);
			bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

/* Lost: a transfer that was cut off could not go on where it was. */
static void skips_what_is_there(void **state)
{
	struct bundle bundle = sample(CRC_32C), back;
	_cleanup_bytes_ struct bytes whole = {0}, part = {0};
	size_t at;

	bundle_put(&whole, &bundle, 0);
	bundle_put(&part, &bundle, 4);
	assert_int_equal(bundle_read_head(part.data, part.size, &back, &at), 0);
	assert_int_equal(part.size, whole.size - 4);
	assert_memory_equal(part.data, whole.data, at);
	assert_memory_equal(part.data + at, whole.data + at + 4, part.size - at);
}

static void fragments(void **state)
{
	struct bundle bundle = sample(CRC_32C), fragment, second;
	char id[BUNDLE_ID_MAX], other[BUNDLE_ID_MAX];
	struct bundle_block *block = bundle_want(&bundle, 200);

	block->data = (const uint8_t *)"x";
	block->size = 1;
	assert_int_equal(bundle_fragment(&bundle, 0, 6, &fragment), 0);
	assert_int_equal(fragment.total, 10);
	assert_non_null(bundle_find(&fragment, 200));
	assert_int_equal(bundle_fragment(&bundle, 6, 4, &second), 0);
	assert_null(bundle_find(&second, 200));
	assert_non_null(bundle_find(&second, BLOCK_AGE));
	assert_memory_equal(second.payload.data, "6789", 4);
	assert_string_not_equal(bundle_id(&fragment, id), bundle_id(&second, other));

	/* Of a fragment, with places in the whole. */
	assert_int_equal(bundle_fragment(&second, 1, 2, &fragment), 0);
	assert_int_equal(fragment.offset, 7);
	assert_int_equal(fragment.total, 10);
	assert_int_equal(bundle_fragment(&bundle, 10, 1, &fragment), -EINVAL);
	bundle.flags |= BUNDLE_WHOLE;
	assert_int_equal(bundle_fragment(&bundle, 0, 5, &fragment), -EPERM);
}

static void unknown_blocks(void **state)
{
	const struct {
		uint64_t flags;
		int result;
		bool stays;
	} cases[] = {{0, 0, true},
		     {BLOCK_ELSE_DISCARD, 0, false},
		     {BLOCK_ELSE_REPORT, 0, true},
		     {BLOCK_ELSE_DELETE_BUNDLE, -EPROTO, true}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bundle bundle = sample(CRC_16);

		bundle_want(&bundle, 200)->flags = cases[i].flags;
		assert_int_equal(forward_arrive(&bundle, bundle.created + DTN_EPOCH_MS),
				 cases[i].result);
		assert_int_equal(bundle_find(&bundle, 200) != NULL, cases[i].stays);
	}
}

static void hops_and_age(void **state)
{
	uint64_t now = 800000000000 + DTN_EPOCH_MS;
	struct eid self = eid_make("b", "");
	struct bundle bundle = sample(CRC_32C);

	for (unsigned hop = 0; hop < 3; hop++)
		assert_int_equal(forward_arrive(&bundle, now), 0);
	assert_int_equal(forward_arrive(&bundle, now), -ELOOP);

	/* The age counts, whatever the clock of the source was. */
	bundle = sample(CRC_32C);
	bundle.created = 1;
	assert_int_equal(forward_expires(&bundle, now), now + 60000);
	assert_int_equal(forward_depart(&bundle, &self, 59999), 0);
	assert_string_equal(bundle.previous.text, "dtn://b/");
	assert_int_equal(forward_arrive(&bundle, now), 0);
	assert_int_equal(forward_depart(&bundle, &self, 1), 0);
	assert_int_equal(forward_arrive(&bundle, now), -ETIME);
	assert_int_equal(forward_depart(&bundle, &self, UINT64_MAX), 0);
	assert_int_equal(bundle.age, UINT64_MAX);

	/* Without an age the clock has to do; nobody carries for ever. */
	bundle = sample(CRC_32C);
	bundle_remove(&bundle, bundle_find(&bundle, BLOCK_AGE));
	assert_int_equal(forward_expires(&bundle, now + 60000), now + 60000);
	bundle.created = UINT64_MAX;
	bundle.lifetime = UINT64_MAX;
	assert_int_equal(forward_expires(&bundle, now), now + FORWARD_LIFETIME_MAX);
}

static void endpoints(void **state)
{
	const char *good[] = {"dtn:none",     "dtn://a/", "dtn://a/b/c",
			      "dtn://a/~all", "ipn:1.2",  "ipn:0.0"};
	const char *bad[] = {"",         "dtn:",       "dtn://",    "dtn:///x",
			     "dtn://a",  "dtn://a/ b", "ipn:1",     "ipn:1.2.3",
			     "ipn:01.2", "ipn:-1.2",   "http://a/", "ipn:1.99999999999999999999"};
	struct eid eid, back;
	char node[NODE_MAX];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		_cleanup_bytes_ struct bytes bytes = {0};
		struct items items;

		assert_int_equal(eid_parse(good[i], &eid), 0);
		eid_put(&bytes, &eid);
		items = items_of(bytes.data, bytes.size);
		eid_read(&items, &back);
		assert_int_equal(items.err, 0);
		assert_string_equal(back.text, good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(eid_parse(bad[i], &eid), -EINVAL);
	eid = eid_make("a", "~all");
	assert_true(eid_is_group(&eid) && eid_node(&eid, node));
	assert_string_equal(node, "a");
	assert_false(eid_is_name("a/b") || eid_is_name("") || eid_is_name("~a") ||
		     eid_is_name("-a"));
}

/* Lost: a neighbour could make us take memory, or believe what RFC 9171 forbids. */
static void refuses_nonsense(void **state)
{
	const char *bad[] = {
		"",
		"9f",
		"9fff",
		"80",
		"00",
		/* another version; a number longer than need be; without a payload */
		"9f88060000820282010282028202018202820201820018281a000f42408501010000"
		"40ff",
		"9f8818070000820282010282028202018202820201820018281a000f42408501010000"
		"40ff",
		"9f88070000820282010282028202018202820201820018281a000f4240ff",
		/* a payload of 2^63 bytes; something behind the end */
		"9f88070000820282010282028202018202820201820018281a000f424085010100005b800000000000"
		"0000ff",
		"9f88070000820282010282028202018202820201820018281a000f4240850101000040ff00",
		/* a fragment that begins behind its end */
		"9f8a070100820282010282028202018202820201820018281a000f424009058501010000"
		"40ff",
	};
	uint8_t data[256];
	struct bundle bundle;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(bundle_read(data, from_hex(bad[i], data), &bundle), -EBADMSG);
	assert_int_equal(
		bundle_read(data,
			    from_hex("9f88070000820282010282028202018202820201820018281a000f4240"
				     "850101000040ff",
				     data),
			    &bundle),
		0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksums),
		cmocka_unit_test(reads_the_rfc),
		cmocka_unit_test(carries_unknown_blocks_unchanged),
		cmocka_unit_test(carries_what_is_secured),
		cmocka_unit_test(finds_any_damaged_bit),
		cmocka_unit_test(skips_what_is_there),
		cmocka_unit_test(fragments),
		cmocka_unit_test(unknown_blocks),
		cmocka_unit_test(hops_and_age),
		cmocka_unit_test(endpoints),
		cmocka_unit_test(refuses_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
