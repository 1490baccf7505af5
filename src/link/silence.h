/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The links of a stack that do not answer. */
#pragma once

#include <stdbool.h>

#define SILENCE_MAX 16 /* more are taken for well */

/* All zero: every link answers. */
struct silence {
	unsigned links[SILENCE_MAX]; /* indexes */
	unsigned count;
};

/* @silence may be NULL: every link answers. */
bool silence_has(const struct silence *silence, unsigned link);
/* Whether that changed anything. */
bool silence_set(struct silence *silence, unsigned link, bool silent);
