/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The records of an assessment, a file of JSON lines. A record is appended and synced before the next cell begins, so that
 * whatever ends an assessment costs one cell; one that is started again knows what it has.
 */
#pragma once

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define RESULTS_FILE "results.jsonl"

struct results {
	int fd;       /* locked; owned; -1: only read */
	json_t *all;  /* an array of records, of each cell the last; owned */
	json_t *keys; /* an object: of each of them, by its key and seed, where it is; owned */
};

/* Adds the records in @file; in @ret_whole, the bytes of whole lines. @path is for messages. Of @results, @all and @keys are made
 * already. */
int results_read(FILE *file, const char *path, struct results *results, off_t *ret_whole,
		 struct err *err);

/* Opens, or with @write makes, the file in @folder (which is made too, then). What a killed assessment left of a line is cut
 * off. -EINVAL with file and line: something in it is no record; -EBUSY: another assessment writes to it; -ENOENT.
 * The caller closes with results_close(), also after an error. */
int results_open(const char *folder, bool write, struct results *ret, struct err *err);
void results_close(struct results *results);

/* Has the cell with this key been measured with this seed? One that failed has not: it is tried again. */
bool results_have(const struct results *results, const char *key, uint64_t seed);
/* Takes @record over in any case. */
int results_add(struct results *results, json_t *record, struct err *err);

/* Records that are of use: 1 if it has all that is needed to be compared; 0: it says why it failed; else it is none. */
int results_check(const json_t *record);
