/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, a node would lose what it has accepted, fill the disk, or hand out damaged objects. */
#include "drop/store.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW   1000000000000ULL
#define QUOTA (8ULL * OBJECT_PIECE)

static char folder[64];
static struct store *store;

static void open_it(void)
{
	struct err err = {0};

	if (store_open(folder, QUOTA, &store, &err) < 0)
		fail_msg("%s", err.text);
}

static int set_up(void **state)
{
	strcpy(folder, "/tmp/rivulet-unit-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	open_it();
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	store_close(store);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static int add(uint8_t number, size_t size, const char *to, const char *from, uint64_t *ret_id)
{
	struct store_bundle row = {
		.key = {number}, .received = NOW, .expires = NOW + 1000 * number};
	_cleanup_bytes_ struct bytes bytes = {0};
	uint8_t *at = bytes_extend(&bytes, size);
	int code;

	memset(at, number, size);
	snprintf(row.destination, sizeof(row.destination), "%s", to);
	code = store_add(store, &row, &bytes, from);
	if (ret_id)
		*ret_id = row.id;
	return code;
}

static void test_bundles(void **state)
{
	_cleanup_bytes_ struct bytes bytes = {0};
	struct store_bundle row;
	uint64_t id;

	assert_int_equal(add(1, 100, "dtn://bob/x", NULL, NULL), 0);
	assert_int_equal(add(1, 100, "dtn://bob/x", NULL, NULL), -EEXIST);
	assert_int_equal(add(2, 100000, "dtn://bobby/x", "eve", &id), 0); /* another node */
	assert_int_equal(add(3, 100, "dtn://bob/x", "bob", NULL), 0);     /* gave it himself */
	assert_int_equal(store_commit(store), 0);
	store_close(store);
	open_it();
	assert_true(store_next(store, "bob", true, 0, NOW, &row));
	assert_int_equal(row.key[0], 1);
	assert_false(store_next(store, "bob", true, row.id, NOW, &row));
	assert_false(store_next(store, "bob", true, 0, NOW + 1000, &row)); /* its time is over */
	assert_true(store_next(store, "bob", false, 1, NOW, &row));
	assert_int_equal(row.key[0], 2);
	assert_int_equal(store_load(store, &row, &bytes), 0);
	assert_int_equal(bytes.size, 100000);
	assert_int_equal(bytes.data[99999], 2);
	store_given(store, row.id, "bob");
	assert_false(store_next(store, "bob", false, 1, NOW, &row));
	assert_true(store_find(store, id, &row));
	store_done(store, &row);
	assert_true(store_has(store, row.key)); /* not taken again */
	assert_int_equal(store_count(store, STORE_CARRIED), 2);
	store_expire(store, NOW + 100000);
	assert_int_equal(store_count(store, STORE_CARRIED), 0);
}

static void crash(void)
{
	sql_run(store->db, "ROLLBACK", "");
	store->open_transaction = false;
	store_close(store);
	open_it();
}

/* What was not committed was not accepted, and is not there. */
static void test_crash(void **state)
{
	char path[PATH_MAX];
	uint8_t key[TCPCL_KEY_SIZE] = {9};

	assert_int_equal(add(1, 100, "dtn://bob/x", NULL, NULL), 0);
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(add(9, 100000, "dtn://bob/x", NULL, NULL), 0);
	store_path(store, "bundles", key, sizeof(key), path);
	assert_int_equal(access(path, F_OK), 0);
	crash();
	assert_int_equal(store_count(store, STORE_CARRIED), 1);
	assert_int_equal(access(path, F_OK), -1);
}

static struct store_object *make_object(uint8_t number, uint64_t size, uint64_t now)
{
	static uint8_t piece[OBJECT_PIECE];
	uint8_t hashes[8 * HASH_SIZE], id[OBJECT_ID_SIZE];
	uint32_t count = object_pieces(size);
	struct store_object *object;

	memset(piece, number, sizeof(piece));
	for (uint32_t i = 0; i < count; i++)
		gnutls_hash_fast(GNUTLS_DIG_SHA256, piece,
				 i + 1 < count ? OBJECT_PIECE : size - (uint64_t)i * OBJECT_PIECE,
				 hashes + i * HASH_SIZE);
	object_id(size, hashes, count, id);
	assert_int_equal(store_object_new(store, id, size, hashes, now, &object), 0);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(
			store_object_put(store, object, i, piece, object_piece_size(object, i)), 1);
	return object;
}

/* Lost: what was accepted, and used up in what did not come to be: a row would be there without its file. */
static void test_crash_keeps_files(void **state)
{
	struct store_object *object;
	uint8_t key[TCPCL_KEY_SIZE] = {5}, id[OBJECT_ID_SIZE];
	char bundle[PATH_MAX], path[PATH_MAX];
	struct store_bundle row;
	uint64_t number;

	assert_int_equal(add(5, 100000, "dtn://bob/x", "eve", &number), 0);
	object = make_object(1, 3 * OBJECT_PIECE, NOW);
	memcpy(id, object->id, sizeof(id));
	assert_int_equal(store_commit(store), 0);
	store_path(store, "bundles", key, sizeof(key), bundle);
	store_path(store, "objects", id, sizeof(id), path);
	assert_true(store_find(store, number, &row));
	store_done(store, &row);
	assert_int_equal(store_make_room(store, QUOTA, NOW), 0);
	assert_null(store_object(store, id));
	crash();
	assert_int_equal(access(bundle, F_OK), 0);
	assert_int_equal(access(path, F_OK), 0);
	assert_true(store_find(store, number, &row));
	assert_int_equal(row.state, STORE_CARRIED);
	store_done(store, &row);
	assert_int_equal(store_make_room(store, QUOTA, NOW), 0);
	make_object(1, 3 * OBJECT_PIECE, NOW); /* again: its file stays */
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(access(bundle, F_OK), -1);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(store_make_room(store, QUOTA, NOW), 0);
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_objects(void **state)
{
	static uint8_t piece[OBJECT_PIECE];
	uint8_t id[OBJECT_ID_SIZE], wrong[OBJECT_ID_SIZE] = {1};
	struct store_object *object = make_object(1, 2 * OBJECT_PIECE + 10, NOW);
	char path[PATH_MAX];
	int fd;

	memcpy(id, object->id, sizeof(id));
	assert_int_equal(store_object_new(store, wrong, 1, piece, NOW, &object), -EBADMSG);
	assert_int_equal(store_commit(store), 0);
	store_close(store);
	open_it();
	object = store_object(store, id);
	assert_non_null(object);
	assert_int_equal(object->have, 3);
	assert_int_equal(store_object_read(store, object, 2, piece), 0);
	assert_int_equal(store_object_put(store, object, 1, piece, 10), -EBADMSG);
	/* A bit that fell over on the disk. */
	store_path(store, "objects", id, sizeof(id), path);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "x", 1, OBJECT_PIECE + 7), 1);
	close(fd);
	assert_int_equal(store_object_read(store, object, 0, piece), 0);
	assert_int_equal(store_object_read(store, object, 1, piece), -EBADMSG);
	assert_int_equal(store_object_read(store, object, 1, piece), -ENOENT);
	assert_int_equal(object->have, 2);
}

/* Full: what is expired goes first, then objects by their last use, but none that is wanted. */
static void test_quota(void **state)
{
	struct store_object *object = make_object(1, 3 * OBJECT_PIECE, NOW);
	uint8_t first[OBJECT_ID_SIZE], second[OBJECT_ID_SIZE];

	object->wanted++;
	memcpy(first, object->id, sizeof(first));
	object = make_object(2, 2 * OBJECT_PIECE, NOW + 1);
	memcpy(second, object->id, sizeof(second));
	assert_int_equal(add(1, OBJECT_PIECE, "dtn://bob/x", "eve", NULL), 0);
	make_object(3, OBJECT_PIECE, NOW + 2);
	assert_int_equal(store_make_room(store, 2 * OBJECT_PIECE - 4096, NOW + 5000), 0);
	assert_int_equal(store_count(store, STORE_CARRIED), 0);
	assert_non_null(store_object(store, second));
	make_object(4, 2 * OBJECT_PIECE, NOW + 6000);
	assert_null(store_object(store, second));
	assert_non_null(store_object(store, first));
	assert_int_equal(store_make_room(store, QUOTA + 1, NOW), -ENOSPC);
	assert_int_equal(store_make_room(store, QUOTA, NOW), -ENOSPC); /* what is wanted stays */
	assert_true(store->used <= QUOTA);
	store_object(store, first)->wanted--;
	assert_int_equal(store_make_room(store, QUOTA, NOW), 0);
	assert_int_equal(store->used, 0);
}

static void test_partials(void **state)
{
	struct tcpcl_hello hello = {0};
	_cleanup_bytes_ struct bytes bytes = {0};
	struct bundle bundle = {
		.crc = CRC_32C, .lifetime = 1000, .payload = {.type = 1, .number = 1}};
	uint8_t key[TCPCL_KEY_SIZE], payload[1000] = {1};

	bundle.source = eid_make("ada", "x");
	bundle.destination = bundle.report_to = bundle.source;
	bundle.payload.data = payload;
	bundle.payload.size = sizeof(payload);
	bundle_put(&bytes, &bundle, 0);
	bytes.size -= 500;
	store_key(&bundle, key);
	assert_int_equal(store_partial_save(store, key, &bytes), 0);
	bytes.size = 10; /* not even its head */
	key[0] ^= 1;
	assert_int_equal(store_partial_save(store, key, &bytes), 0);
	store_partials(store, &hello);
	assert_int_equal(hello.held_count, 1);
	assert_int_equal(hello.held[0].size, 501); /* the break is behind the payload */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bundles, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_crash, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_crash_keeps_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_objects, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_quota, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_partials, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
