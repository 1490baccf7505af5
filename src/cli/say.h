/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every subcommand says in the same words. */
#pragma once

#include "base/err.h"

#include <jansson.h>

#define USAGE 2 /* exit code: the command line is wrong */

/* Why it did not go, on standard error. The exit code: 1. */
int say_failure(const struct err *err);
/* Where to look, after what getopt has said of a wrong option. The exit code: USAGE. */
int say_try_help(const char *subcommand);
/* That @word stands where only options do. The exit code: USAGE. */
int say_no_option(const char *subcommand, const char *word);
/* Whether all that was printed on standard output has got there; if not it is said why. The exit code: 0, or 1. */
int say_written(void);
/* A line of JSON, on standard output. */
void say_json(const json_t *value);
