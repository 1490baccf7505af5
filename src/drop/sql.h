/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SQLite in few words. What a statement is bound to is told by a text: 'i' a uint64_t, 't' a text (NULL is NULL), 'b' bytes and
 * their size_t.
 */
#pragma once

#include "base/err.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SQL_KEPT 96

/* A database, of one thread. Statements are kept by the address of their text, which is a literal. */
struct sql {
	sqlite3 *db;
	struct {
		const char *text;
		sqlite3_stmt *statement; /* owned; NULL while it is in use */
	} kept[SQL_KEPT];
	unsigned kept_count;
	struct sql *next; /* of those that are open */
};

/* Opens or makes it, in WAL mode; what is committed is on disk. Runs @schema. */
int sql_open(const char *path, const char *schema, struct sql **ret, struct err *err);
void sql_close(struct sql *sql);

/* The statement, bound; NULL: it cannot be. Give it back by sql_release(). */
sqlite3_stmt *sql_query(struct sql *sql, const char *text, const char *types, ...);
/* Runs it: rows that it changed, or a negative errno (-EEXIST: a constraint forbids it; -ENOSPC). */
int sql_run(struct sql *sql, const char *text, const char *types, ...);
/* The first column of its first row, a number; @otherwise where there is none. */
uint64_t sql_number(struct sql *sql, uint64_t otherwise, const char *text, const char *types, ...);

void sql_release(sqlite3_stmt *statement);

static inline void cleanup_stmt(sqlite3_stmt **statement)
{
	sql_release(*statement);
}
#define _cleanup_stmt_ __attribute__((cleanup(cleanup_stmt)))
