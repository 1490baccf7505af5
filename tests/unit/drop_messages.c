/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, nodes would not understand each other, or believe what was not signed, or take a slip for an invitation. */
#include "drop/beacon.h"
#include "drop/crowd.h"
#include "drop/dnssd.h"
#include "drop/join.h"
#include "drop/messages.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];
static struct identity *ada;

static void remove_folder(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	assert_int_equal(system(command), 0);
}

static int set_up(void **state)
{
	struct err err = {0};

	strcpy(folder, "/tmp/rivulet-unit-XXXXXX");
	if (!mkdtemp(folder) || crowd_new(folder, "lab", "ada", &err) < 0 ||
	    identity_open(folder, &ada, &err) < 0) {
		print_error("%s\n", err.text);
		return -1;
	}
	return 0;
}

static int tear_down(void **state)
{
	identity_close(ada);
	remove_folder();
	return 0;
}

/* Lost: memory, to any string that somebody announces by multicast DNS; or neighbours. */
static void test_announced_text(void **state)
{
	const uint8_t crowd[CROWD_ID_SIZE] = {0x01, 0xab, 0xff};
	char text[300] = "crowd=";
	struct dnssd_place place = {0};
	bool ours = false;

	for (unsigned i = 0; i < CROWD_ID_SIZE; i++)
		sprintf(text + 6 + 2 * i, "%02x", crowd[i]);
	dnssd_take_text(text, strlen(text), crowd, &place, &ours);
	assert_true(ours);
	text[10] ^= 1;
	dnssd_take_text(text, strlen(text), crowd, &place, &ours);
	assert_false(ours);
	ours = true;
	text[10] ^= 1;
	dnssd_take_text(text, strlen(text) - 1, crowd, &place, &ours);
	dnssd_take_text("node=bob", 8, crowd, &place, &ours);
	assert_string_equal(place.node, "bob");
	memset(text, 'x', sizeof(text));
	memcpy(text, "node=", 5);
	for (size_t size = 0; size < sizeof(text); size++)
		dnssd_take_text(text, size, crowd, &place, &ours);
	assert_true(ours);
	assert_int_equal(strlen(place.node), sizeof(place.node) - 1);
}

static void test_tokens(void **state)
{
	struct crowd_token token, read;
	char text[CROWD_TOKEN_MAX];

	for (unsigned i = 0; i < sizeof(token); i++)
		((uint8_t *)&token)[i] = (uint8_t)(i * 37);
	crowd_token_text(&token, text);
	assert_int_equal(crowd_token_parse(text, &read), 0);
	assert_memory_equal(&token, &read, sizeof(token));
	/* Any one letter wrong, missing or too much is noticed. */
	for (size_t i = 0; text[i]; i++) {
		char wrong[CROWD_TOKEN_MAX + 1], was = text[i];

		text[i] = was == '0' ? '1' : '0';
		assert_int_equal(crowd_token_parse(text, &read), -EINVAL);
		text[i] = '\0';
		assert_int_equal(crowd_token_parse(text, &read), -EINVAL);
		text[i] = was;
		snprintf(wrong, sizeof(wrong), "%s%c", text, was);
		assert_int_equal(crowd_token_parse(wrong, &read), -EINVAL);
	}
}

static void test_object_messages(void **state)
{
	static uint8_t hashes[3 * HASH_SIZE], there[1] = {5};
	static const uint8_t data[] = "piece";
	const struct object_message messages[] = {
		{.type = MESSAGE_ASK, .id = {1}},
		{.type = MESSAGE_HAVE, .size = 2 * OBJECT_PIECE + 1, .count = 3, .hashes = hashes},
		{.type = MESSAGE_HAVE,
		 .size = 3 * OBJECT_PIECE,
		 .count = 3,
		 .hashes = hashes,
		 .there = there},
		{.type = MESSAGE_FETCH, .pieces = {1, 7, OBJECT_PIECES - 1}, .piece_count = 3},
		{.type = MESSAGE_PIECE,
		 .pieces = {2},
		 .piece_count = 1,
		 .data = data,
		 .data_size = 5},
		{.type = MESSAGE_GONE, .pieces = {2}, .piece_count = 1},
		{.type = MESSAGE_GIVE, .size = 0, .count = 0, .hashes = hashes},
		{.type = MESSAGE_WHERE, .url = "https://example.org/a?b=c"},
		{.type = MESSAGE_NAMED, .id = {3}, .url = "http://[::1]/", .fetched = 7},
	};

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		_cleanup_bytes_ struct bytes bytes = {0}, again = {0};
		struct object_message read;

		object_message_put(&bytes, &messages[i]);
		assert_int_equal(object_message_read(bytes.data, bytes.size, &read), 0);
		assert_int_equal(read.type, messages[i].type);
		assert_int_equal(read.piece_count, messages[i].piece_count);
		object_message_put(&again, &read);
		assert_int_equal(again.size, bytes.size);
		assert_memory_equal(again.data, bytes.data, bytes.size);
		for (size_t cut = 0; cut < bytes.size; cut++)
			assert_int_equal(object_message_read(bytes.data, cut, &read), -EBADMSG);
	}
}

/* Nothing that would do harm on a command line, or in a log. */
static void test_urls(void **state)
{
	static const char *const no[] = {
		"",           "http://",     "ftp://x/",         "https:/x",
		"http://a b", "http://a\nb", "http://\xc3\xa4/", "file:///etc"};
	char large[URL_MAX + 1];

	assert_true(url_is_one("http://a", 8));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(url_is_one(no[i], strlen(no[i])));
	memset(large, 'a', sizeof(large));
	memcpy(large, "http://", 7);
	assert_true(url_is_one(large, URL_MAX - 1));
	assert_false(url_is_one(large, URL_MAX));
}

/* Sizes that no object can have, and lists that do not fit them. */
static void test_absurd_messages(void **state)
{
	static uint8_t hashes[2 * HASH_SIZE];
	struct object_message read;
	struct {
		uint64_t size;
		size_t hashes;
	} absurd[] = {{UINT64_MAX, 0},
		      {(uint64_t)OBJECT_PIECES * OBJECT_PIECE + 1, 0},
		      {1, 2 * HASH_SIZE},
		      {OBJECT_PIECE + 1, HASH_SIZE},
		      {0, HASH_SIZE}};

	for (size_t i = 0; i < sizeof(absurd) / sizeof(absurd[0]); i++) {
		_cleanup_bytes_ struct bytes bytes = {0};

		items_put_array(&bytes, 5);
		items_put_number(&bytes, MESSAGE_HAVE);
		items_put_bytes(&bytes, hashes, OBJECT_ID_SIZE);
		items_put_number(&bytes, absurd[i].size);
		items_put_bytes(&bytes, NULL, 0);
		items_put_bytes(&bytes, hashes, absurd[i].hashes);
		assert_int_equal(object_message_read(bytes.data, bytes.size, &read), -EBADMSG);
	}
}

static void test_joining(void **state)
{
	_cleanup_bytes_ struct bytes bytes = {0};
	const struct join_request request = {
		.secret = {7}, .node = "bob", .request = (const uint8_t *)"csr", .request_size = 3};
	const struct join_reply refusal = {.why = "no"};
	struct join_request read;
	struct join_reply reply;

	join_put_request(&bytes, &request);
	assert_int_equal(join_read_request(bytes.data, bytes.size, &read), 0);
	assert_string_equal(read.node, "bob");
	assert_int_equal(read.secret[0], 7);
	assert_int_equal(join_read_request(bytes.data, bytes.size - 1, &read), -EBADMSG);
	bytes.size = 0;
	join_put_reply(&bytes, &refusal);
	assert_int_equal(join_read_reply(bytes.data, bytes.size, &reply), 0);
	assert_null(reply.certificate);
	assert_string_equal(reply.why, "no");
}

static void test_beacons(void **state)
{
	_cleanup_bytes_ struct bytes bytes = {0};
	struct beacon beacon = {.port = 4556, .sender.s6_addr = {0xfe, 0x80, [15] = 1}}, read;
	struct in6_addr other = beacon.sender;
	struct err err;

	beacon.address_count = 2;
	assert_int_equal(address_parse("10.0.0.1", &beacon.addresses[0]), 0);
	assert_int_equal(address_parse("fd00::1", &beacon.addresses[1]), 0);
	assert_int_equal(beacon_put(&bytes, ada, &beacon), 0);
	assert_int_equal(beacon_check(ada, bytes.data, bytes.size, &beacon.sender, &read, &err), 0);
	assert_string_equal(read.node, "ada");
	assert_true(read.founder);
	assert_int_equal(read.address_count, 2);
	assert_true(address_equal(&read.addresses[1], &beacon.addresses[1]));
	/* Sent again by somebody else, or changed. */
	other.s6_addr[15] = 2;
	assert_int_equal(beacon_check(ada, bytes.data, bytes.size, &other, &read, &err), -ESTALE);
	for (size_t i = 0; i < bytes.size; i++) {
		bytes.data[i] ^= 1;
		assert_int_not_equal(
			beacon_check(ada, bytes.data, bytes.size, &beacon.sender, &read, &err), 0);
		bytes.data[i] ^= 1;
	}
	for (size_t cut = 0; cut < bytes.size; cut += 7)
		assert_int_equal(beacon_check(ada, bytes.data, cut, &beacon.sender, &read, &err),
				 -EBADMSG);
}

/* Whoever holds an invitation gets one certificate for it; what is asked wrongly does not use it up. */
static void test_admission(void **state)
{
	struct crowd_token token;
	_cleanup_bytes_ struct bytes certificate = {0};
	gnutls_x509_privkey_t key;
	gnutls_x509_crq_t request;
	gnutls_datum_t der;
	char name[NODE_MAX];
	struct err err;

	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	gnutls_x509_privkey_generate(key, GNUTLS_PK_EDDSA_ED25519, 0, 0);
	assert_int_equal(gnutls_x509_crq_init(&request), 0);
	gnutls_x509_crq_set_version(request, 1);
	gnutls_x509_crq_set_key(request, key);
	gnutls_x509_crq_sign2(request, key, GNUTLS_DIG_SHA512, 0);
	assert_int_equal(gnutls_x509_crq_export2(request, GNUTLS_X509_FMT_DER, &der), 0);

	assert_int_equal(crowd_invite(folder, NULL, 60, 60, &token, &err), 0);
	assert_int_equal(crowd_admit(folder, token.secret, "bob", "x", 1, &certificate, &err),
			 -EBADMSG);
	assert_int_equal(
		crowd_admit(folder, token.secret, "../bob", der.data, der.size, &certificate, &err),
		-EBADMSG);
	assert_int_equal(
		crowd_admit(folder, token.secret, "ada", der.data, der.size, &certificate, &err),
		-EEXIST);
	assert_int_equal(
		crowd_admit(folder, token.secret, "bob", der.data, der.size, &certificate, &err),
		0);
	assert_int_equal(identity_check(ada, certificate.data, certificate.size, name, NULL, &err),
			 0);
	assert_string_equal(name, "bob");
	assert_int_equal(
		crowd_admit(folder, token.secret, "bob2", der.data, der.size, &certificate, &err),
		-EACCES);
	token.secret[0] ^= 1;
	assert_int_equal(
		crowd_admit(folder, token.secret, "bob2", der.data, der.size, &certificate, &err),
		-EACCES);

	assert_int_equal(crowd_revoke(folder, "bob", &err), 0);
	assert_true(identity_reload(ada));
	assert_int_equal(identity_check(ada, certificate.data, certificate.size, name, NULL, &err),
			 -EKEYREVOKED);
	gnutls_free(der.data);
	gnutls_x509_crq_deinit(request);
	gnutls_x509_privkey_deinit(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_announced_text),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_object_messages),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_absurd_messages),
		cmocka_unit_test(test_joining),
		cmocka_unit_test_setup_teardown(test_beacons, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_admission, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
