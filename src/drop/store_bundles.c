/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/files.h"
#include "drop/store.h"

#include "base/cleanup.h"
#include "base/hex.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void store_key(const struct bundle *bundle, uint8_t ret[static TCPCL_KEY_SIZE])
{
	char text[BUNDLE_ID_MAX];
	uint8_t hash[HASH_SIZE];

	bundle_id(bundle, text);
	gnutls_hash_fast(GNUTLS_DIG_SHA256, text, strlen(text), hash);
	memcpy(ret, hash, TCPCL_KEY_SIZE);
}

bool store_has(struct store *store, const uint8_t key[static TCPCL_KEY_SIZE])
{
	return sql_number(store->db, 0, "SELECT count(*) FROM bundles WHERE key = ?", "b", key,
			  (size_t)TCPCL_KEY_SIZE);
}

static int write_file(struct store *store, const uint8_t *key, const struct bytes *bytes)
{
	char path[PATH_MAX];
	_cleanup_close_ int fd = -1;
	int err;

	store_path(store, "bundles", key, TCPCL_KEY_SIZE, path);
	store_keep_file(store, "bundles", key, TCPCL_KEY_SIZE);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = files_write_at(fd, bytes->data, bytes->size, 0);
	if (err == 0 && fdatasync(fd) < 0)
		err = -errno;
	if (err < 0)
		unlink(path);
	store->folder_dirty = true;
	return err;
}

int store_add(struct store *store, struct store_bundle *bundle, const struct bytes *bytes,
	      const char *from)
{
	bool alone = bytes->size <= STORE_INLINE_MAX;
	int code;

	if (store_has(store, bundle->key))
		return -EEXIST;
	bundle->size = bytes->size;
	code = store_begin(store);
	if (code == 0 && store->bundles >= STORE_BUNDLES_MAX && !store_bundles_evict(store))
		code = -ENOSPC;
	if (code == 0)
		code = store_make_room(store, bundle->size, bundle->received);
	if (code == 0 && !alone)
		code = write_file(store, bundle->key, bytes);
	if (code < 0)
		return code;
	code = sql_run(store->db,
		       "INSERT INTO bundles (key, destination, state, size, received, expires, "
		       "giver, data,"
		       " object, piece) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		       "btiiiitbbi", bundle->key, (size_t)TCPCL_KEY_SIZE, bundle->destination,
		       (uint64_t)bundle->state, bundle->size, bundle->received, bundle->expires,
		       from, alone ? bytes->data : NULL, alone ? bytes->size : 0,
		       bundle->is_piece ? bundle->object : NULL,
		       bundle->is_piece ? (size_t)OBJECT_ID_SIZE : 0, (uint64_t)bundle->piece);
	if (code < 0)
		return code;
	bundle->id = (uint64_t)sqlite3_last_insert_rowid(store->db->db);
	store->bundles++;
	if (bundle->state < STORE_DONE)
		store->used += bundle->size;
	if (from)
		store_given(store, bundle->id, from);
	return 0;
}

#define COLUMNS "id, key, destination, state, size, received, expires, object, piece"

static bool take_row(sqlite3_stmt *row, struct store_bundle *ret)
{
	if (!row || sqlite3_step(row) != SQLITE_ROW ||
	    sqlite3_column_bytes(row, 1) != TCPCL_KEY_SIZE)
		return false;
	*ret = (struct store_bundle){
		.id = (uint64_t)sqlite3_column_int64(row, 0),
		.state = (enum store_state)sqlite3_column_int(row, 3),
		.size = (uint64_t)sqlite3_column_int64(row, 4),
		.received = (uint64_t)sqlite3_column_int64(row, 5),
		.expires = (uint64_t)sqlite3_column_int64(row, 6),
		.is_piece = sqlite3_column_bytes(row, 7) == OBJECT_ID_SIZE,
		.piece = (uint32_t)sqlite3_column_int64(row, 8),
	};
	memcpy(ret->key, sqlite3_column_blob(row, 1), TCPCL_KEY_SIZE);
	snprintf(ret->destination, sizeof(ret->destination), "%s",
		 (const char *)sqlite3_column_text(row, 2));
	if (ret->is_piece)
		memcpy(ret->object, sqlite3_column_blob(row, 7), OBJECT_ID_SIZE);
	return true;
}

/* Names end before ' ' in order: "dtn://NODE/" up to, but not with, "dtn://NODE0" ('0' follows '/'). */
bool store_next(struct store *store, const char *neighbour, bool for_it, uint64_t after,
		uint64_t now, struct store_bundle *ret)
{
	char from[EID_MAX], to[EID_MAX];
	_cleanup_stmt_ sqlite3_stmt *row = NULL;

	snprintf(from, sizeof(from), "dtn://%s/", neighbour);
	snprintf(to, sizeof(to), "dtn://%s0", neighbour);
	if (for_it)
		row = sql_query(
			store->db,
			"SELECT " COLUMNS " FROM bundles WHERE state = 0 AND destination >= ?"
			" AND destination < ? AND id > ? AND expires > ? AND NOT EXISTS (SELECT 1"
			" FROM given WHERE bundle = bundles.id AND node = ?) ORDER BY id LIMIT 1",
			"ttiit", from, to, after, now, neighbour);
	else
		row = sql_query(store->db,
				"SELECT " COLUMNS
				" FROM bundles WHERE id > ? AND state = 0 AND expires > ?"
				" AND NOT EXISTS (SELECT 1 FROM given WHERE bundle = bundles.id AND"
				" node = ?) ORDER BY id LIMIT 1",
				"iit", after, now, neighbour);
	return take_row(row, ret);
}

bool store_find(struct store *store, uint64_t id, struct store_bundle *ret)
{
	_cleanup_stmt_ sqlite3_stmt *row =
		sql_query(store->db, "SELECT " COLUMNS " FROM bundles WHERE id = ?", "i", id);

	return take_row(row, ret);
}

bool store_waiting(struct store *store, uint64_t after, struct store_bundle *ret)
{
	_cleanup_stmt_ sqlite3_stmt *row = sql_query(
		store->db,
		"SELECT " COLUMNS " FROM bundles WHERE state = 1 AND id > ? ORDER BY id LIMIT 1",
		"i", after);

	return take_row(row, ret);
}

int store_load(struct store *store, const struct store_bundle *bundle, struct bytes *ret)
{
	_cleanup_stmt_ sqlite3_stmt *row =
		sql_query(store->db, "SELECT data FROM bundles WHERE id = ?", "i", bundle->id);
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	uint8_t *to;

	if (!row || sqlite3_step(row) != SQLITE_ROW)
		return -ENOENT;
	if (sqlite3_column_type(row, 0) == SQLITE_BLOB) {
		bytes_put(ret, sqlite3_column_blob(row, 0), (size_t)sqlite3_column_bytes(row, 0));
		return ret->failed ? -ENOMEM : 0;
	}
	store_path(store, "bundles", bundle->key, TCPCL_KEY_SIZE, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	to = bytes_extend(ret, bundle->size);
	return to ? files_read_at(fd, to, bundle->size, 0) : -ENOMEM;
}

void store_given(struct store *store, uint64_t id, const char *neighbour)
{
	if (store_begin(store) == 0)
		sql_run(store->db, "INSERT OR IGNORE INTO given VALUES (?, ?)", "it", id,
			neighbour);
}

void store_done(struct store *store, const struct store_bundle *bundle)
{
	if (store_begin(store) < 0 || bundle->state == STORE_DONE)
		return;
	if (sql_run(store->db,
		    "UPDATE bundles SET state = 2, data = NULL, object = NULL WHERE id = ? AND "
		    "state < 2",
		    "i", bundle->id) != 1)
		return;
	store->used -= bundle->size < store->used ? bundle->size : store->used;
	if (bundle->size > STORE_INLINE_MAX)
		store_remove_file(store, "bundles", bundle->key, TCPCL_KEY_SIZE);
}

bool store_piece_is_queued(struct store *store, const char *destination,
			   const uint8_t id[static OBJECT_ID_SIZE], uint32_t piece)
{
	return sql_number(
		store->db, 0,
		"SELECT count(*) FROM bundles WHERE object = ? AND piece = ? AND destination = ?"
		" AND state = 0",
		"bit", id, (size_t)OBJECT_ID_SIZE, (uint64_t)piece, destination);
}

int store_part_add(struct store *store, const uint8_t whole[static TCPCL_KEY_SIZE],
		   const struct store_part *part)
{
	int code = store_begin(store);

	if (code == 0)
		code = sql_run(store->db, "INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?)",
			       "ibii", part->id, whole, (size_t)TCPCL_KEY_SIZE, part->at,
			       part->behind);
	return code < 0 ? code : 0;
}

static bool take_part(sqlite3_stmt *row, struct store_part *ret)
{
	if (!row || sqlite3_step(row) != SQLITE_ROW)
		return false;
	*ret = (struct store_part){.id = (uint64_t)sqlite3_column_int64(row, 0),
				   .at = (uint64_t)sqlite3_column_int64(row, 1),
				   .behind = (uint64_t)sqlite3_column_int64(row, 2)};
	return true;
}

unsigned store_part_count(struct store *store, const uint8_t whole[static TCPCL_KEY_SIZE],
			  uint64_t *ret_bytes)
{
	_cleanup_stmt_ sqlite3_stmt *row =
		sql_query(store->db, "SELECT count(*), sum(behind - at) FROM parts WHERE whole = ?",
			  "b", whole, (size_t)TCPCL_KEY_SIZE);
	bool found = row && sqlite3_step(row) == SQLITE_ROW;

	*ret_bytes = found ? (uint64_t)sqlite3_column_int64(row, 1) : 0;
	return found ? (unsigned)sqlite3_column_int64(row, 0) : 0;
}

bool store_part_at(struct store *store, const uint8_t whole[static TCPCL_KEY_SIZE], uint64_t at,
		   struct store_part *ret)
{
	_cleanup_stmt_ sqlite3_stmt *row =
		sql_query(store->db,
			  "SELECT bundle, at, behind FROM parts WHERE whole = ? AND at <= ? AND "
			  "behind > ? ORDER BY behind DESC LIMIT 1",
			  "bii", whole, (size_t)TCPCL_KEY_SIZE, at, at);

	return take_part(row, ret);
}

bool store_part_any(struct store *store, const uint8_t whole[static TCPCL_KEY_SIZE],
		    struct store_part *ret)
{
	_cleanup_stmt_ sqlite3_stmt *row =
		sql_query(store->db, "SELECT bundle, at, behind FROM parts WHERE whole = ? LIMIT 1",
			  "b", whole, (size_t)TCPCL_KEY_SIZE);

	return take_part(row, ret);
}

void store_part_drop(struct store *store, uint64_t id)
{
	if (store_begin(store) == 0)
		sql_run(store->db, "DELETE FROM parts WHERE bundle = ?", "i", id);
}

uint64_t store_last(struct store *store)
{
	return sql_number(store->db, 0, "SELECT max(id) FROM bundles", "");
}

unsigned store_count(struct store *store, enum store_state state)
{
	return (unsigned)sql_number(store->db, 0, "SELECT count(*) FROM bundles WHERE state = ?",
				    "i", (uint64_t)state);
}

unsigned store_count_from(struct store *store, const char *neighbour)
{
	return (unsigned)sql_number(store->db, 0,
				    "SELECT count(*) FROM bundles WHERE giver = ? AND state < ?",
				    "ti", neighbour, (uint64_t)STORE_DONE);
}

int store_partial_save(struct store *store, const uint8_t key[static TCPCL_KEY_SIZE],
		       const struct bytes *bytes)
{
	char path[PATH_MAX];
	_cleanup_close_ int fd = -1;

	store_path(store, "partial", key, TCPCL_KEY_SIZE, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : files_write_at(fd, bytes->data, bytes->size, 0);
}

int store_partial_load(struct store *store, const uint8_t key[static TCPCL_KEY_SIZE],
		       struct bytes *ret)
{
	char path[PATH_MAX];
	struct stat st;
	_cleanup_close_ int fd = -1;
	uint8_t *to;

	store_path(store, "partial", key, TCPCL_KEY_SIZE, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size > TCPCL_TRANSFER)
		return -EMSGSIZE;
	to = bytes_extend(ret, (size_t)st.st_size);
	return to ? files_read_at(fd, to, (size_t)st.st_size, 0) : -ENOMEM;
}

void store_partial_drop(struct store *store, const uint8_t key[static TCPCL_KEY_SIZE])
{
	char path[PATH_MAX];

	store_path(store, "partial", key, TCPCL_KEY_SIZE, path);
	unlink(path);
}

static bool add_partial(struct store *store, const char *name, struct tcpcl_hello *hello)
{
	struct tcpcl_held *held = &hello->held[hello->held_count];
	_cleanup_bytes_ struct bytes bytes = {0};
	struct bundle bundle;
	size_t payload;

	if (!hex_read(name, held->key, TCPCL_KEY_SIZE) || store_has(store, held->key) ||
	    store_partial_load(store, held->key, &bytes) < 0 ||
	    bundle_read_head(bytes.data, bytes.size, &bundle, &payload) < 0 ||
	    bytes.size <= payload || bytes.size - payload > bundle.payload.size)
		return false;
	held->size = bytes.size - payload;
	hello->held_count++;
	return true;
}

/* What can be of no use any more is removed here, and what is more than the list can name. */
void store_partials(struct store *store, struct tcpcl_hello *hello)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	hello->held_count = 0;
	snprintf(path, sizeof(path), "%s/partial", store->folder);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (hello->held_count == TCPCL_HELD_MAX ||
		    strlen(entry->d_name) != 2 * TCPCL_KEY_SIZE ||
		    !add_partial(store, entry->d_name, hello))
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}
