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

/* Opens or makes it, in WAL mode; what is committed is on disk. Runs @schema. */
int sql_open(const char *path, const char *schema, sqlite3 **ret, struct err *err);
void sql_close(sqlite3 *db);

/* The statement, bound; NULL: it cannot be (-EIO in the log of SQLite). Finalize it. */
sqlite3_stmt *sql_query(sqlite3 *db, const char *sql, const char *types, ...);
/* Runs it: rows that it changed, or a negative errno (-EEXIST: a constraint forbids it; -ENOSPC). */
int sql_run(sqlite3 *db, const char *sql, const char *types, ...);
/* The first column of its first row, a number; @otherwise where there is none. */
uint64_t sql_number(sqlite3 *db, uint64_t otherwise, const char *sql, const char *types, ...);

static inline void cleanup_stmt(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}
#define _cleanup_stmt_ __attribute__((cleanup(cleanup_stmt)))
