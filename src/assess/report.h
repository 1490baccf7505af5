/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was measured, as a page for people and as files for machines. */
#pragma once

#include "base/err.h"

#include <jansson.h>
#include <stdio.h>

#define REPORT_FILE "report.html"

/* Writes REPORT_FILE and what belongs to it into @folder, from an array of @records. */
int report_write(const json_t *records, const char *folder, struct err *err);

/* The summary for machines, on one line. 0, -ENOMEM, -EIO. */
int report_print_json(const json_t *records, FILE *out);
