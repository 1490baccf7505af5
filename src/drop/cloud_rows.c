/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was handed over to a cloud, as the store keeps it. The row is on disk before the program that hands over is started, and has
 * the name there when that is known; it goes when the result is home or the cloud was told that nobody waits. So a node that was
 * killed meanwhile goes on with what is there, and cancels what is not wanted any more.
 */
#include "drop/cloud_parts.h"

#include "drop/files.h"

#include "base/cleanup.h"
#include "base/hex.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cloud_save(const struct cloud_run *run)
{
	struct store *store = run->work->node->store;
	int code = store_begin(store);

	if (code == 0)
		code = sql_run(store->db, "INSERT OR REPLACE INTO clouds VALUES (?, ?, ?, ?)",
			       "btti", run->id, (size_t)TASK_ID_SIZE, run->ops->name, run->name,
			       run->began);
	return code < 0 ? code : 0;
}

void cloud_drop(const struct cloud_run *run)
{
	struct store *store = run->work->node->store;

	if (store_begin(store) == 0)
		sql_run(store->db, "DELETE FROM clouds WHERE task = ?", "b", run->id,
			(size_t)TASK_ID_SIZE);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	remove(path);
	return 0;
}

/* Folders that are nobody's: of a cloud that keeps no tasks, or of before their row was. */
static void clean_folders(struct work *work)
{
	char all[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	work_path(work, "cloud", all);
	dir = opendir(all);
	while (dir && (entry = readdir(dir))) {
		char path[PATH_MAX], hex[2 * TASK_ID_SIZE + 1];
		bool known = entry->d_name[0] == '.';

		for (const struct cloud_run *run = work->clouds; run && !known; run = run->next) {
			hex_text(run->id, TASK_ID_SIZE, hex);
			known = strcmp(entry->d_name, hex) == 0;
		}
		if (!known &&
		    snprintf(path, sizeof(path), "%s/%s", all, entry->d_name) < (int)sizeof(path))
			nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	}
	if (dir)
		closedir(dir);
}

void cloud_load(struct work *work)
{
	sqlite3_stmt *row =
		sql_query(work->node->store->db, "SELECT task, kind, name, began FROM clouds", "");

	while (row && sqlite3_step(row) == SQLITE_ROW) {
		const char *settings;
		const struct cloud_ops *ops =
			cloud_find((const char *)sqlite3_column_text(row, 1), &settings);

		if (ops && sqlite3_column_bytes(row, 0) == TASK_ID_SIZE)
			cloud_resume(work, sqlite3_column_blob(row, 0), ops,
				     (const char *)sqlite3_column_text(row, 2),
				     (uint64_t)sqlite3_column_int64(row, 3));
	}
	sql_release(row);
	clean_folders(work);
}
