/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/sql.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_WAIT_MS 5000

static struct sql *all; /* that are open */

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

int sql_open(const char *path, const char *schema, struct sql **ret, struct err *err)
{
	struct sql *sql = calloc(1, sizeof(*sql));
	int code;

	if (!sql)
		return err_set(err, -ENOMEM, "out of memory");
	code = sqlite3_open_v2(path, &sql->db,
			       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			       NULL);
	sqlite3_busy_timeout(sql->db, BUSY_WAIT_MS);
	if (code == SQLITE_OK)
		code = sqlite3_exec(sql->db,
				    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
				    "PRAGMA cache_size = -1000;",
				    NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(sql->db, schema, NULL, NULL, NULL);
	if (code != SQLITE_OK) {
		err_set(err, to_errno(code), "cannot open '%s': %s", path, sqlite3_errmsg(sql->db));
		sqlite3_close(sql->db);
		free(sql);
		return to_errno(code);
	}
	sql->next = all;
	all = sql;
	*ret = sql;
	return 0;
}

void sql_close(struct sql *sql)
{
	if (!sql)
		return;
	for (struct sql **at = &all; *at; at = &(*at)->next)
		if (*at == sql) {
			*at = sql->next;
			break;
		}
	for (unsigned i = 0; i < sql->kept_count; i++)
		sqlite3_finalize(sql->kept[i].statement);
	sqlite3_close(sql->db);
	free(sql);
}

static sqlite3_stmt *take(struct sql *sql, const char *text)
{
	sqlite3_stmt *statement;

	for (unsigned i = 0; i < sql->kept_count; i++)
		if (sql->kept[i].text == text && sql->kept[i].statement) {
			statement = sql->kept[i].statement;
			sql->kept[i].statement = NULL;
			return statement;
		}
	if (sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
	    SQLITE_OK)
		return NULL;
	/* Its place; a second one of the same text, in use at the same time, has none. */
	for (unsigned i = 0; i < sql->kept_count; i++)
		if (sql->kept[i].text == text)
			return statement;
	if (sql->kept_count < SQL_KEPT)
		sql->kept[sql->kept_count++].text = text;
	return statement;
}

void sql_release(sqlite3_stmt *statement)
{
	const char *text = statement ? sqlite3_sql(statement) : NULL;
	struct sql *sql = all;

	while (sql && statement && sql->db != sqlite3_db_handle(statement))
		sql = sql->next;
	for (unsigned i = 0; text && sql && i < sql->kept_count; i++)
		if (!sql->kept[i].statement && strcmp(sql->kept[i].text, text) == 0) {
			sqlite3_reset(statement);
			sqlite3_clear_bindings(statement);
			sql->kept[i].statement = statement;
			return;
		}
	sqlite3_finalize(statement);
}

static sqlite3_stmt *prepare(struct sql *sql, const char *text, const char *types, va_list args)
{
	sqlite3_stmt *statement = take(sql, text);

	if (!statement)
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

sqlite3_stmt *sql_query(struct sql *sql, const char *text, const char *types, ...)
{
	va_list args;
	sqlite3_stmt *statement;

	va_start(args, types);
	statement = prepare(sql, text, types, args);
	va_end(args);
	return statement;
}

int sql_run(struct sql *sql, const char *text, const char *types, ...)
{
	va_list args;
	sqlite3_stmt *statement;
	int code;

	va_start(args, types);
	statement = prepare(sql, text, types, args);
	va_end(args);
	if (!statement)
		return -EIO;
	do
		code = sqlite3_step(statement);
	while (code == SQLITE_ROW);
	sql_release(statement);
	return code == SQLITE_DONE ? sqlite3_changes(sql->db) : to_errno(code);
}

uint64_t sql_number(struct sql *sql, uint64_t otherwise, const char *text, const char *types, ...)
{
	va_list args;
	sqlite3_stmt *statement;

	va_start(args, types);
	statement = prepare(sql, text, types, args);
	va_end(args);
	if (statement && sqlite3_step(statement) == SQLITE_ROW &&
	    sqlite3_column_type(statement, 0) != SQLITE_NULL)
		otherwise = (uint64_t)sqlite3_column_int64(statement, 0);
	sql_release(statement);
	return otherwise;
}
