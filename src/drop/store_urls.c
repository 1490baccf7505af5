/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/store.h"

#include <stdio.h>
#include <string.h>

bool store_url(struct store *store, const char *url, struct store_url *ret)
{
	_cleanup_stmt_ sqlite3_stmt *row = sql_query(
		store->db, "SELECT object, fetched, node FROM urls WHERE url = ?", "t", url);

	if (!row || sqlite3_step(row) != SQLITE_ROW ||
	    sqlite3_column_bytes(row, 0) != OBJECT_ID_SIZE)
		return false;
	*ret = (struct store_url){.fetched = (uint64_t)sqlite3_column_int64(row, 1)};
	memcpy(ret->id, sqlite3_column_blob(row, 0), OBJECT_ID_SIZE);
	snprintf(ret->node, sizeof(ret->node), "%s", (const char *)sqlite3_column_text(row, 2));
	return true;
}

int store_url_set(struct store *store, const char *url, const struct store_url *what)
{
	struct store_url known;
	int code = store_begin(store);

	if (code < 0 || (store_url(store, url, &known) && known.fetched > what->fetched))
		return code;
	code = sql_run(store->db, "INSERT OR REPLACE INTO urls VALUES (?, ?, ?, ?)", "tbit", url,
		       what->id, (size_t)OBJECT_ID_SIZE, what->fetched, what->node);
	if (code >= 0)
		code = sql_run(store->db,
			       "DELETE FROM urls WHERE rowid <= (SELECT max(rowid) FROM urls) - ?",
			       "i", (uint64_t)STORE_URLS_MAX);
	return code < 0 ? code : 0;
}
