/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/store.h"
#include "drop/files.h"

#include "base/cleanup.h"
#include "base/hex.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS bundles (id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB UNIQUE,"
	" destination TEXT, state INTEGER, size INTEGER, received INTEGER, expires INTEGER,"
	" giver TEXT, data BLOB, object BLOB, piece INTEGER);"
	"CREATE INDEX IF NOT EXISTS bundles_to ON bundles (state, destination, id);"
	"CREATE INDEX IF NOT EXISTS bundles_expire ON bundles (expires);"
	"CREATE INDEX IF NOT EXISTS bundles_from ON bundles (giver, state);"
	"CREATE INDEX IF NOT EXISTS bundles_piece ON bundles (object, piece) WHERE object IS NOT "
	"NULL;"
	"CREATE TABLE IF NOT EXISTS given (bundle INTEGER, node TEXT, PRIMARY KEY (bundle, node)) "
	"WITHOUT ROWID;"
	"CREATE TRIGGER IF NOT EXISTS bundles_gone AFTER DELETE ON bundles"
	" BEGIN DELETE FROM given WHERE bundle = old.id; END;"
	"CREATE TABLE IF NOT EXISTS parts (bundle INTEGER PRIMARY KEY, whole BLOB, at INTEGER, "
	"behind INTEGER);"
	"CREATE INDEX IF NOT EXISTS parts_whole ON parts (whole, at);"
	"CREATE TRIGGER IF NOT EXISTS parts_gone AFTER DELETE ON bundles"
	" BEGIN DELETE FROM parts WHERE bundle = old.id; END;"
	"CREATE TABLE IF NOT EXISTS urls (url TEXT PRIMARY KEY, object BLOB, fetched INTEGER, node "
	"TEXT);"
	"CREATE TABLE IF NOT EXISTS objects (id BLOB PRIMARY KEY, size INTEGER, bytes INTEGER, "
	"hashes BLOB,"
	" there BLOB, used INTEGER);";

static const char *const folders[] = {"bundles", "objects", "partial"};

void store_path(const struct store *store, const char *kind, const uint8_t *name, size_t size,
		char ret[static PATH_MAX])
{
	int at = snprintf(ret, PATH_MAX, "%s/%s/", store->folder, kind);

	for (size_t i = 0; i < size; i++)
		at += snprintf(ret + at, PATH_MAX - (size_t)at, "%02x", name[i]);
}

void store_remove_file(struct store *store, const char *kind, const uint8_t *name, size_t size)
{
	struct store_removal *removal;

	if (store->removal_count == store->removal_room) {
		size_t room = store->removal_room ? 2 * store->removal_room : 64;
		struct store_removal *more = realloc(store->removals, room * sizeof(*more));

		if (!more)
			return; /* the next start does it */
		store->removals = more;
		store->removal_room = room;
	}
	removal = &store->removals[store->removal_count++];
	*removal = (struct store_removal){.kind = kind, .size = size};
	memcpy(removal->name, name, size);
}

void store_keep_file(struct store *store, const char *kind, const uint8_t *name, size_t size)
{
	for (size_t i = store->removal_count; i-- > 0;) {
		struct store_removal *at = &store->removals[i];

		if (strcmp(at->kind, kind) == 0 && at->size == size &&
		    memcmp(at->name, name, size) == 0)
			*at = store->removals[--store->removal_count];
	}
}

static void remove_files(struct store *store)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < store->removal_count; i++) {
		const struct store_removal *at = &store->removals[i];

		store_path(store, at->kind, at->name, at->size, path);
		unlink(path);
	}
	store->removal_count = 0;
}

/* Is there a row for the file @name in the folder @kind? */
static bool is_named(struct store *store, const char *kind, const char *name)
{
	uint8_t id[OBJECT_ID_SIZE];

	if (strcmp(kind, "partial") == 0)
		return true;
	if (strcmp(kind, "objects") == 0)
		return hex_read_all(name, id, OBJECT_ID_SIZE) &&
		       sql_number(store->db, 0, "SELECT count(*) FROM objects WHERE id = ?", "b",
				  id, (size_t)OBJECT_ID_SIZE);
	return hex_read_all(name, id, TCPCL_KEY_SIZE) &&
	       sql_number(
		       store->db, 0,
		       "SELECT count(*) FROM bundles WHERE key = ? AND data IS NULL AND state < ?",
		       "bi", id, (size_t)TCPCL_KEY_SIZE, (uint64_t)STORE_DONE);
}

/* Files that a crash left without a row. */
static int clean_folder(struct store *store, const char *kind)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", store->folder, kind);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    !is_named(store, kind, entry->d_name))
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	return 0;
}

/* For this process, until it ends. A second one would remove what the first is writing: no row names it yet. */
static int lock(struct store *store, struct err *err)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/lock", store->folder);
	store->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock < 0)
		return err_set(err, -errno, "cannot make '%s': %s", path, strerror(errno));
	/* Not flock(2), which children would keep. */
	if (fcntl(store->lock, F_SETLK, &whole) == 0)
		return 0;
	return errno == EAGAIN || errno == EACCES
		       ? err_set(err, -EBUSY, "a node runs here already ('%s')", store->folder)
		       : err_set(err, -errno, "cannot lock '%s': %s", path, strerror(errno));
}

int store_open(const char *folder, uint64_t quota, struct store **ret, struct err *err)
{
	struct store *store = calloc(1, sizeof(*store));
	char path[PATH_MAX];
	int code;

	if (!store)
		return err_set(err, -ENOMEM, "out of memory");
	if (snprintf(store->folder, sizeof(store->folder), "%s", folder) >=
	    (int)sizeof(store->folder)) {
		free(store);
		return err_set(err, -ENAMETOOLONG, "'%s' is too long", folder);
	}
	store->quota = quota;
	store->lock = -1;
	code = files_make_folder(folder);
	for (unsigned i = 0; code == 0 && i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, folders[i]);
		code = files_make_folder(path);
	}
	if (code < 0)
		err_set(err, code, "cannot make the folder '%s': %s", folder, strerror(-code));
	if (code == 0)
		code = lock(store, err);
	snprintf(path, sizeof(path), "%s/store.db", folder);
	if (code == 0)
		code = sql_open(path, schema, &store->db, err);
	for (unsigned i = 0; code == 0 && i < ARRAY_SIZE(folders); i++)
		code = clean_folder(store, folders[i]);
	if (code < 0) {
		store_close(store);
		return code;
	}
	store->bundles = sql_number(store->db, 0, "SELECT count(*) FROM bundles", "");
	store->used = sql_number(store->db, 0, "SELECT sum(size) FROM bundles WHERE state < ?", "i",
				 (uint64_t)STORE_DONE) +
		      sql_number(store->db, 0, "SELECT sum(bytes) FROM objects", "");
	*ret = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	if (store->db) {
		store_commit(store);
		while (store->objects)
			store_object_forget(store, store->objects);
		sql_close(store->db);
	}
	close_fd(store->lock);
	free(store->removals);
	free(store);
}

int store_begin(struct store *store)
{
	int code;

	if (store->open_transaction)
		return 0;
	code = sql_run(store->db, "BEGIN", "");
	store->open_transaction = code >= 0;
	return code < 0 ? code : 0;
}

bool store_is_dirty(const struct store *store)
{
	return store->open_transaction;
}

static int sync_folders(struct store *store)
{
	char path[PATH_MAX];
	int code = 0;

	if (!store->folder_dirty)
		return 0;
	for (unsigned i = 0; code == 0 && i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", store->folder, folders[i]);
		code = files_sync_folder(path);
	}
	store->folder_dirty = code < 0;
	return code;
}

/* A database whose folder was removed is written all the same. */
static int check_there(const struct store *store)
{
	struct stat st;

	return fstat(store->lock, &st) == 0 && st.st_nlink > 0 ? 0 : -ENOENT;
}

int store_commit(struct store *store)
{
	int code;

	if (!store->open_transaction)
		return 0;
	code = check_there(store);
	if (code == 0)
		code = store_objects_sync(store);
	if (code == 0)
		code = sync_folders(store);
	if (code == 0)
		code = store_objects_write_rows(store);
	if (code == 0)
		code = sql_run(store->db, "COMMIT", "");
	if (code < 0) {
		sql_run(store->db, "ROLLBACK", "");
		store->removal_count = 0;
	} else {
		remove_files(store);
	}
	store->open_transaction = false;
	return code < 0 ? code : 0;
}

static void drop_rows(struct store *store, const char *condition_sql, uint64_t argument)
{
	_cleanup_stmt_ sqlite3_stmt *row = sql_query(store->db, condition_sql, "i", argument);

	if (store_begin(store) < 0)
		return;
	while (row && sqlite3_step(row) == SQLITE_ROW) {
		bool counted = sqlite3_column_int(row, 2) < STORE_DONE;
		uint64_t size = (uint64_t)sqlite3_column_int64(row, 3);

		if (size > STORE_INLINE_MAX && sqlite3_column_bytes(row, 1) == TCPCL_KEY_SIZE)
			store_remove_file(store, "bundles", sqlite3_column_blob(row, 1),
					  TCPCL_KEY_SIZE);
		sql_run(store->db, "DELETE FROM bundles WHERE id = ?", "i",
			(uint64_t)sqlite3_column_int64(row, 0));
		store->bundles -= store->bundles > 0;
		if (counted)
			store->used -= size < store->used ? size : store->used;
	}
}

void store_expire(struct store *store, uint64_t now)
{
	if (sql_number(store->db, 0, "SELECT EXISTS (SELECT 1 FROM bundles WHERE expires <= ?)",
		       "i", now))
		drop_rows(store,
			  "SELECT id, key, state, size FROM bundles WHERE expires <= ? LIMIT 1000",
			  now);
}

bool store_bundles_evict(struct store *store)
{
	uint64_t before = store->bundles;

	drop_rows(store,
		  "SELECT id, key, state, size FROM bundles WHERE giver IS NOT NULL"
		  " ORDER BY state DESC, received LIMIT ?",
		  16);
	return store->bundles < before;
}

int store_make_room(struct store *store, uint64_t size, uint64_t now)
{
	if (size > store->quota)
		return -ENOSPC;
	if (store->used + size > store->quota)
		store_expire(store, now);
	while (store->used + size > store->quota)
		if (!store_objects_evict(store) && !store_bundles_evict(store))
			return -ENOSPC;
	return 0;
}
