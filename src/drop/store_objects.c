/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/files.h"
#include "drop/items.h"
#include "drop/store.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IN_MEMORY 16 /* objects that nobody wants just now */

uint32_t object_pieces(uint64_t size)
{
	uint64_t count = size / OBJECT_PIECE + (size % OBJECT_PIECE != 0);

	return count <= OBJECT_PIECES ? (uint32_t)count : 0;
}

uint32_t object_piece_size(const struct store_object *object, uint32_t piece)
{
	uint64_t left = object->size - (uint64_t)piece * OBJECT_PIECE;

	return left < OBJECT_PIECE ? (uint32_t)left : OBJECT_PIECE;
}

void object_id(uint64_t size, const uint8_t *hashes, uint32_t count,
	       uint8_t ret[static OBJECT_ID_SIZE])
{
	_cleanup_bytes_ struct bytes text = {0};

	items_put_array(&text, 3);
	items_put_number(&text, size);
	items_put_number(&text, OBJECT_PIECE);
	items_put_bytes(&text, hashes, (size_t)count * HASH_SIZE);
	gnutls_hash_fast(GNUTLS_DIG_SHA256, text.data, text.size, ret);
}

static void free_object(struct store_object *object)
{
	close_fd(object->fd);
	free(object->hashes);
	free(object->there);
	free(object);
}

void store_object_forget(struct store *store, struct store_object *object)
{
	for (struct store_object **at = &store->objects; *at; at = &(*at)->next)
		if (*at == object) {
			*at = object->next;
			store->object_count--;
			free_object(object);
			return;
		}
}

static struct store_object *make(struct store *store, const uint8_t *id, uint64_t size,
				 const uint8_t *hashes, const uint8_t *there)
{
	struct store_object *object = calloc(1, sizeof(*object));
	uint32_t count = object_pieces(size);
	char path[PATH_MAX];

	if (!object)
		return NULL;
	memcpy(object->id, id, OBJECT_ID_SIZE);
	object->size = size;
	object->count = count;
	object->hashes = malloc((size_t)count * HASH_SIZE + 1);
	object->there = calloc(1, count / 8 + 1);
	store_path(store, "objects", id, OBJECT_ID_SIZE, path);
	store_keep_file(store, "objects", id, OBJECT_ID_SIZE);
	object->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (!object->hashes || !object->there || object->fd < 0) {
		free_object(object);
		return NULL;
	}
	if (count > 0) /* an empty object has none, and @hashes is NULL */
		memcpy(object->hashes, hashes, (size_t)count * HASH_SIZE);
	if (there)
		memcpy(object->there, there, count / 8 + 1);
	object->bytes = (uint64_t)count * HASH_SIZE;
	for (uint32_t i = 0; i < count; i++)
		if (object_has(object, i)) {
			object->have++;
			object->bytes += object_piece_size(object, i);
		}
	object->next = store->objects;
	store->objects = object;
	store->object_count++;
	return object;
}

struct store_object *store_object(struct store *store, const uint8_t id[static OBJECT_ID_SIZE])
{
	_cleanup_stmt_ sqlite3_stmt *row = NULL;
	struct store_object *object;
	uint64_t size;
	uint32_t count;

	for (object = store->objects; object; object = object->next)
		if (memcmp(object->id, id, OBJECT_ID_SIZE) == 0)
			return object;
	row = sql_query(store->db, "SELECT size, hashes, there, used FROM objects WHERE id = ?",
			"b", id, (size_t)OBJECT_ID_SIZE);
	if (!row || sqlite3_step(row) != SQLITE_ROW)
		return NULL;
	size = (uint64_t)sqlite3_column_int64(row, 0);
	count = object_pieces(size);
	if ((size_t)sqlite3_column_bytes(row, 1) != (size_t)count * HASH_SIZE ||
	    (size_t)sqlite3_column_bytes(row, 2) != count / 8 + 1)
		return NULL;
	object = make(store, id, size, sqlite3_column_blob(row, 1), sqlite3_column_blob(row, 2));
	if (object)
		object->used = (uint64_t)sqlite3_column_int64(row, 3);
	return object;
}

static int insert(struct store *store, struct store_object *object)
{
	int code = store_begin(store);

	if (code == 0)
		code = sql_run(store->db, "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?)", "biibbi",
			       object->id, (size_t)OBJECT_ID_SIZE, object->size, object->bytes,
			       object->hashes, (size_t)object->count * HASH_SIZE, object->there,
			       (size_t)object->count / 8 + 1, object->used);
	return code < 0 ? code : 0;
}

int store_object_new(struct store *store, const uint8_t id[static OBJECT_ID_SIZE], uint64_t size,
		     const uint8_t *hashes, uint64_t now, struct store_object **ret)
{
	uint8_t made[OBJECT_ID_SIZE];
	struct store_object *object;
	uint32_t count = object_pieces(size);
	int code;

	if (size && count == 0)
		return -E2BIG;
	object_id(size, hashes, count, made);
	if (memcmp(made, id, OBJECT_ID_SIZE) != 0)
		return -EBADMSG;
	*ret = store_object(store, id);
	if (*ret)
		return 0;
	if (size > store->quota)
		return -ENOSPC;
	object = make(store, id, size, hashes, NULL);
	if (!object)
		return -ENOMEM;
	object->used = now;
	store->folder_dirty = true;
	code = insert(store, object);
	if (code < 0) {
		store_object_forget(store, object);
		return code;
	}
	store->used += object->bytes;
	*ret = object;
	return 0;
}

static void mark(struct store *store, struct store_object *object, uint32_t piece, bool there)
{
	uint8_t bit = (uint8_t)(1u << piece % 8);
	uint32_t size = object_piece_size(object, piece);

	if (object_has(object, piece) == there)
		return;
	object->there[piece / 8] ^= bit;
	object->row_dirty = true;
	if (there) {
		object->have++;
		object->bytes += size;
		store->used += size;
	} else {
		object->have--;
		object->bytes -= size;
		store->used -= size < store->used ? size : store->used;
	}
}

static bool is_right(const struct store_object *object, uint32_t piece, const void *data)
{
	uint8_t hash[HASH_SIZE];

	gnutls_hash_fast(GNUTLS_DIG_SHA256, data, object_piece_size(object, piece), hash);
	return memcmp(hash, object->hashes + (size_t)piece * HASH_SIZE, HASH_SIZE) == 0;
}

int store_object_put(struct store *store, struct store_object *object, uint32_t piece,
		     const void *data, size_t size)
{
	int code;

	if (piece >= object->count || size != object_piece_size(object, piece) ||
	    !is_right(object, piece, data))
		return -EBADMSG;
	if (object_has(object, piece))
		return 0;
	code = store_begin(store);
	if (code == 0) {
		object->wanted++; /* not by itself */
		code = store_make_room(store, size, object->used);
		object->wanted--;
	}
	if (code == 0)
		code = files_write_at(object->fd, data, size, (size_t)piece * OBJECT_PIECE);
	if (code < 0)
		return code;
	object->file_dirty = true;
	mark(store, object, piece, true);
	return 1;
}

int store_object_read(struct store *store, struct store_object *object, uint32_t piece, void *to)
{
	if (piece >= object->count || !object_has(object, piece))
		return -ENOENT;
	if (files_read_at(object->fd, to, object_piece_size(object, piece),
			  (size_t)piece * OBJECT_PIECE) == 0 &&
	    is_right(object, piece, to))
		return 0;
	store_begin(store);
	mark(store, object, piece, false);
	return -EBADMSG;
}

void store_object_used(struct store *store, struct store_object *object, uint64_t now)
{
	/* A minute is near enough: reading writes nothing then. */
	if (now < object->used + 60000)
		return;
	store_begin(store);
	object->used = now;
	object->row_dirty = true;
}

int store_object_adopt(struct store *store, const char *path, uint64_t size, const uint8_t *hashes,
		       uint64_t now, uint8_t ret_id[static OBJECT_ID_SIZE])
{
	uint32_t count = object_pieces(size);
	char place[PATH_MAX];
	struct store_object *object;
	int code;

	object_id(size, hashes, count, ret_id);
	object = store_object(store, ret_id);
	code = store_begin(store);
	if (code < 0)
		return code;
	store_path(store, "objects", ret_id, OBJECT_ID_SIZE, place);
	if (rename(path, place) < 0)
		return -errno;
	store->folder_dirty = true;
	if (object) {
		object->fd = close_fd(object->fd);
		object->fd = open(place, O_RDWR | O_CLOEXEC);
		if (object->fd < 0)
			return -errno;
	} else {
		code = store_object_new(store, ret_id, size, hashes, now, &object);
	}
	for (uint32_t i = 0; code == 0 && i < count; i++)
		mark(store, object, i, true);
	return code;
}

int store_objects_sync(struct store *store)
{
	for (struct store_object *object = store->objects; object; object = object->next) {
		if (object->file_dirty && fdatasync(object->fd) < 0)
			return -errno;
		object->file_dirty = false;
	}
	return 0;
}

int store_objects_write_rows(struct store *store)
{
	struct store_object *next;

	for (struct store_object *object = store->objects; object; object = next) {
		int code = 0;

		next = object->next;
		if (object->row_dirty)
			code = sql_run(
				store->db,
				"UPDATE objects SET bytes = ?, there = ?, used = ? WHERE id = ?",
				"ibib", object->bytes, object->there, (size_t)object->count / 8 + 1,
				object->used, object->id, (size_t)OBJECT_ID_SIZE);
		if (code < 0)
			return code;
		object->row_dirty = false;
		if (store->object_count > IN_MEMORY && !object->wanted && !object->file_dirty)
			store_object_forget(store, object);
	}
	return 0;
}

/* The one that was used least recently, of those that nobody wants. */
bool store_objects_evict(struct store *store)
{
	_cleanup_stmt_ sqlite3_stmt *row = NULL;
	uint8_t id[OBJECT_ID_SIZE];
	struct store_object *object = NULL;
	uint64_t freed;

	if (store_objects_write_rows(store) < 0)
		return false;
	row = sql_query(store->db, "SELECT id, bytes FROM objects ORDER BY used", "");
	for (;;) {
		if (!row || sqlite3_step(row) != SQLITE_ROW)
			return false;
		if (sqlite3_column_bytes(row, 0) != OBJECT_ID_SIZE)
			continue;
		memcpy(id, sqlite3_column_blob(row, 0), OBJECT_ID_SIZE);
		for (object = store->objects; object; object = object->next)
			if (memcmp(object->id, id, OBJECT_ID_SIZE) == 0)
				break;
		if ((object && object->wanted) ||
		    sql_number(store->db, 0,
			       "SELECT count(*) FROM bundles WHERE object = ? AND state = 0", "b",
			       id, (size_t)OBJECT_ID_SIZE))
			continue;
		break;
	}
	freed = (uint64_t)sqlite3_column_int64(row, 1);
	if (object)
		store_object_forget(store, object);
	if (store_begin(store) < 0 || sql_run(store->db, "DELETE FROM objects WHERE id = ?", "b",
					      id, (size_t)OBJECT_ID_SIZE) < 0)
		return false;
	store_remove_file(store, "objects", id, OBJECT_ID_SIZE);
	store->used -= freed < store->used ? freed : store->used;
	return true;
}
