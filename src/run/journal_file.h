/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file that holds a journal (journal.h): one for each network namespace, in the folder of the runs of this user, made by the first
 * run there and removed by the last. Its lock is the journal's.
 */
#pragma once

#include <stddef.h>

/* A file's name begins so; then come the namespace's cookie, by which it is found, a dash, and its inode, which tells whether there is
 * such a one still. */
#define JOURNAL_NAME "net-"

struct journal_file {
	int fd; /* owned; -1: there is no file. Its lock is that of the processes forked from us as well */
	char *path; /* owned; NULL: there is no file */
};
#define JOURNAL_FILE_NONE ((struct journal_file){.fd = -1})

/* Opens, or makes, that of this network namespace, with @size bytes, and locks it; leaves JOURNAL_FILE_NONE where it is not to be had. */
void journal_file_open(struct journal_file *file, size_t size);
void journal_file_close(struct journal_file *file);
/* Both do nothing where there is no file. */
void journal_file_lock(const struct journal_file *file);
void journal_file_unlock(const struct journal_file *file);
/* Takes it away, and the folder, if nothing else is in it. It stays open. */
void journal_file_remove(const struct journal_file *file);
