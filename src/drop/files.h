/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that are whole or not there, whenever the power goes: written beside their place, synced, renamed. */
#pragma once

#include <stddef.h>

/* And those above it; what is made only its user can enter. */
int files_make_folder(const char *folder);
int files_write(const char *folder, const char *name, const void *data, size_t size);
/* Makes renames and removals in it last. */
int files_sync_folder(const char *folder);
/* All of @size bytes, at @offset. */
int files_write_at(int fd, const void *data, size_t size, size_t offset);
/* All of them, or -EIO at the end of the file. */
int files_read_at(int fd, void *data, size_t size, size_t offset);
