/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/sql.h"

#include <errno.h>
#include <stdarg.h>

#define BUSY_WAIT_MS 5000

static int to_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	default:
		return -EIO;
	}
}

int sql_open(const char *path, const char *schema, sqlite3 **ret, struct err *err)
{
	sqlite3 *db;
	int code = sqlite3_open_v2(
		path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

	sqlite3_busy_timeout(db, BUSY_WAIT_MS);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db,
				    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
				    "PRAGMA cache_size = -1000;",
				    NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, schema, NULL, NULL, NULL);
	if (code != SQLITE_OK) {
		err_set(err, to_errno(code), "cannot open '%s': %s", path, sqlite3_errmsg(db));
		sqlite3_close(db);
		return to_errno(code);
	}
	*ret = db;
	return 0;
}

void sql_close(sqlite3 *db)
{
	sqlite3_close(db);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql, const char *types, va_list args)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		return NULL;
	for (int i = 1; *types; types++, i++) {
		if (*types == 'i') {
			sqlite3_bind_int64(statement, i, (sqlite3_int64)va_arg(args, uint64_t));
		} else if (*types == 't') {
			sqlite3_bind_text(statement, i, va_arg(args, const char *), -1,
					  SQLITE_TRANSIENT);
		} else {
			const void *data = va_arg(args, const void *);
			size_t size = va_arg(args, size_t);

			sqlite3_bind_blob64(statement, i, data, size, SQLITE_TRANSIENT);
		}
	}
	return statement;
}

sqlite3_stmt *sql_query(sqlite3 *db, const char *sql, const char *types, ...)
{
	va_list args;
	sqlite3_stmt *statement;

	va_start(args, types);
	statement = prepare(db, sql, types, args);
	va_end(args);
	return statement;
}

int sql_run(sqlite3 *db, const char *sql, const char *types, ...)
{
	va_list args;
	sqlite3_stmt *statement;
	int code;

	va_start(args, types);
	statement = prepare(db, sql, types, args);
	va_end(args);
	if (!statement)
		return -EIO;
	do
		code = sqlite3_step(statement);
	while (code == SQLITE_ROW);
	sqlite3_finalize(statement);
	return code == SQLITE_DONE ? sqlite3_changes(db) : to_errno(code);
}

uint64_t sql_number(sqlite3 *db, uint64_t otherwise, const char *sql, const char *types, ...)
{
	va_list args;
	sqlite3_stmt *statement;

	va_start(args, types);
	statement = prepare(db, sql, types, args);
	va_end(args);
	if (statement && sqlite3_step(statement) == SQLITE_ROW &&
	    sqlite3_column_type(statement, 0) != SQLITE_NULL)
		otherwise = (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return otherwise;
}
