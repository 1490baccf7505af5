/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a node must not lose: bundles that it carries, and objects. Names, sizes and states are rows of SQLite; payloads are
 * beside them in files where they are large:
 *
 *     store.db  bundles/KEY  objects/ID  partial/KEY (the beginning of a bundle whose transfer was cut off)  lock
 *
 * Writes gather until store_commit(), which syncs the files, and only then commits the rows that name them. So at any
 * moment a crash leaves the state of some commit, plus files that no row names, which the next start removes; therefore files
 * are removed after the commit that makes them superfluous. A node says "accepted" only after the commit: one for all that
 * arrived in a turn of its loop.
 *
 * The store has a quota. Room is made by what is expired, then by what was used least recently, objects before bundles; never
 * by what the node itself has sent, wants, or is writing.
 */
#pragma once

#include "drop/bundle.h"
#include "drop/sql.h"
#include "drop/tcpcl.h"

#include <limits.h>

#define OBJECT_ID_SIZE 32
#define OBJECT_PIECE   (1u << 20) /* bytes; the last one is shorter */
#define OBJECT_PIECES  60000u     /* so that the hashes of all fit in a bundle */
#define HASH_SIZE      32

/* Rows of bundles, those that are done and remembered included. */
#define STORE_BUNDLES_MAX 50000u
#define STORE_INLINE_MAX  16384u /* bytes of a bundle that is a row alone */

enum store_state {
	STORE_CARRIED, /* to be sent on */
	STORE_WAITING, /* for us, but of no use yet */
	STORE_DONE     /* remembered, so that it is not taken again */
};

/* An object, or what there is of it. */
struct store_object {
	uint8_t id[OBJECT_ID_SIZE];
	uint64_t size;
	uint32_t count, have;    /* pieces; how many of them are there */
	uint8_t *hashes, *there; /* count * HASH_SIZE; a bit for each. Owned */
	uint64_t bytes;          /* that it takes */
	unsigned wanted;         /* while it is not 0 it is not evicted */
	int fd;
	bool file_dirty, row_dirty;
	uint64_t used; /* ms since 1970 */
	struct store_object *next;
};

/* A file that goes with the next commit. */
struct store_removal {
	const char *kind; /* its folder */
	uint8_t name[OBJECT_ID_SIZE];
	size_t size; /* of the name */
};

struct store {
	char folder[PATH_MAX - NAME_MAX];
	int lock; /* owned */
	struct sql *db;
	uint64_t quota, used; /* bytes */
	uint64_t bundles;     /* rows */
	bool open_transaction, folder_dirty;
	struct store_object *objects; /* those that are in memory */
	unsigned object_count;
	struct store_removal *removals; /* owned */
	size_t removal_count, removal_room;
};

int store_open(const char *folder, uint64_t quota, struct store **ret, struct err *err);
void store_close(struct store *store);
/* All that was written is on disk, or a negative errno: then nothing of it may be called accepted. */
int store_commit(struct store *store);
/* Is there anything that a commit would write? */
bool store_is_dirty(const struct store *store);
/* Makes room for @size bytes. -ENOSPC: there is none to be made. */
int store_make_room(struct store *store, uint64_t size, uint64_t now);
/* Forgets bundles whose time is over. */
void store_expire(struct store *store, uint64_t now);

/* Bundles: store_bundles.c. Times in ms since 1970. */

struct store_bundle {
	uint64_t id; /* of the row */
	uint8_t key[TCPCL_KEY_SIZE];
	char destination[EID_MAX];
	enum store_state state;
	uint64_t size, received, expires;
	bool is_piece; /* its payload is a piece of an object that is here: */
	uint8_t object[OBJECT_ID_SIZE];
	uint32_t piece;
};

/* What stands for a bundle in short. */
void store_key(const struct bundle *bundle, uint8_t ret[static TCPCL_KEY_SIZE]);
bool store_has(struct store *store, const uint8_t key[static TCPCL_KEY_SIZE]);
/* Adds @bytes, an encoded bundle whose facts are in @bundle; its id is filled in. @from: the neighbour that gave it, who
 * does not get it back; NULL: ours. -EEXIST: it was there before; -ENOSPC: no room. */
int store_add(struct store *store, struct store_bundle *bundle, const struct bytes *bytes,
	      const char *from);
/* The first carried bundle after row @after that @neighbour was not given; @for_it: those to it alone. False: none. */
bool store_next(struct store *store, const char *neighbour, bool for_it, uint64_t after,
		uint64_t now, struct store_bundle *ret);
/* The last row that there is. */
uint64_t store_last(struct store *store);
/* The bundle of row @id; false: it is gone. */
bool store_find(struct store *store, uint64_t id, struct store_bundle *ret);
/* Its bytes as they were added. */
int store_load(struct store *store, const struct store_bundle *bundle, struct bytes *ret);
/* @neighbour has it. */
void store_given(struct store *store, uint64_t id, const char *neighbour);
/* It has arrived where it should: only remembered from here on. */
void store_done(struct store *store, const struct store_bundle *bundle);
/* The first waiting bundle after row @after. */
bool store_waiting(struct store *store, uint64_t after, struct store_bundle *ret);
/* Is a bundle with this piece to @destination on its way? */
bool store_piece_is_queued(struct store *store, const char *destination,
			   const uint8_t id[static OBJECT_ID_SIZE], uint32_t piece);
unsigned store_count(struct store *store, enum store_state state);
/* How many bundles we carry that @neighbour gave. */
unsigned store_count_from(struct store *store, const char *neighbour);

/* Fragments of bundles for us, of which @whole is the key: row @id has the bytes [@at, @behind) of its payload. */
struct store_part {
	uint64_t id, at, behind;
};
int store_part_add(struct store *store, const uint8_t whole[static TCPCL_KEY_SIZE],
		   const struct store_part *part);
/* How many there are, and how many bytes they have together. */
unsigned store_part_count(struct store *store, const uint8_t whole[static TCPCL_KEY_SIZE],
			  uint64_t *ret_bytes);
/* The one that goes on furthest from byte @at on. False: it is missing. */
bool store_part_at(struct store *store, const uint8_t whole[static TCPCL_KEY_SIZE], uint64_t at,
		   struct store_part *ret);
/* Any one; false: there is none. */
bool store_part_any(struct store *store, const uint8_t whole[static TCPCL_KEY_SIZE],
		    struct store_part *ret);
void store_part_drop(struct store *store, uint64_t id);

/* What is there of bundles whose transfer was cut off: the bytes with all up to the break. */
int store_partial_save(struct store *store, const uint8_t key[static TCPCL_KEY_SIZE],
		       const struct bytes *bytes);
int store_partial_load(struct store *store, const uint8_t key[static TCPCL_KEY_SIZE],
		       struct bytes *ret);
void store_partial_drop(struct store *store, const uint8_t key[static TCPCL_KEY_SIZE]);
/* Fills the list of a hello with them. */
void store_partials(struct store *store, struct tcpcl_hello *hello);

/* Objects: store_objects.c. */

/* The name of what has these hashes: SHA-256 of [size, size of a piece, hashes] in CBOR. */
void object_id(uint64_t size, const uint8_t *hashes, uint32_t count,
	       uint8_t ret[static OBJECT_ID_SIZE]);
uint32_t object_pieces(uint64_t size);
uint32_t object_piece_size(const struct store_object *object, uint32_t piece);
static inline bool object_has(const struct store_object *object, uint32_t piece)
{
	return object->there[piece / 8] >> piece % 8 & 1;
}

/* NULL: it is not known. Belongs to the store, and stays until the next commit, or while it is wanted. */
struct store_object *store_object(struct store *store, const uint8_t id[static OBJECT_ID_SIZE]);
/* An object of which nothing is there yet. @hashes are copied. -EBADMSG: they do not make @id; -ENOSPC, ... */
int store_object_new(struct store *store, const uint8_t id[static OBJECT_ID_SIZE], uint64_t size,
		     const uint8_t *hashes, uint64_t now, struct store_object **ret);
/* Takes a piece. 1: it is there now; 0: it was; -EBADMSG: it is not what its hash says; -ENOSPC, ... */
int store_object_put(struct store *store, struct store_object *object, uint32_t piece,
		     const void *data, size_t size);
/* Reads a piece into @to (OBJECT_PIECE bytes). -ENOENT: it is not here; -EBADMSG: it was damaged, and is not here any more. */
int store_object_read(struct store *store, struct store_object *object, uint32_t piece, void *to);
/* Makes an object of the file @path in the store's folder, which is taken over: it has been written and synced. */
int store_object_adopt(struct store *store, const char *path, uint64_t size, const uint8_t *hashes,
		       uint64_t now, uint8_t ret_id[static OBJECT_ID_SIZE]);
void store_object_used(struct store *store, struct store_object *object, uint64_t now);

/* What an URL had: store_urls.c. Remembered for as many as STORE_URLS_MAX, the oldest go. */
#define STORE_URLS_MAX 10000
struct store_url {
	uint8_t id[OBJECT_ID_SIZE];
	uint64_t fetched;    /* ms since 1970 */
	char node[NODE_MAX]; /* by whom */
};
bool store_url(struct store *store, const char *url, struct store_url *ret);
/* Unless it is older than what is known. */
int store_url_set(struct store *store, const char *url, const struct store_url *what);

/* What the files of the store share. */
int store_begin(struct store *store);
void store_path(const struct store *store, const char *kind, const uint8_t *name, size_t size,
		char ret[static PATH_MAX]);
/* The file goes with the next commit, or does not, for it has been made anew. */
void store_remove_file(struct store *store, const char *kind, const uint8_t *name, size_t size);
void store_keep_file(struct store *store, const char *kind, const uint8_t *name, size_t size);
void store_object_forget(struct store *store, struct store_object *object);
int store_objects_sync(struct store *store);
int store_objects_write_rows(struct store *store);
bool store_objects_evict(struct store *store);
bool store_bundles_evict(struct store *store);
