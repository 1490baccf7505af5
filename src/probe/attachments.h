/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways in which programs get a stack, and which of the features each cannot do without. */
#pragma once

#include "base/err.h"

#define ATTACHMENT_NEEDS 4

struct attachment_need {
	const char *name, *summary;
	const char *features[ATTACHMENT_NEEDS]; /* names of features[] (feature.h); NULL: no more */
};

/* All of them; a row without a name ends them. */
extern const struct attachment_need attachment_needs[];

/* 0, or a negative errno, and the first feature that is missing with what would change it. */
int attachment_look(const struct attachment_need *need, struct err *why);
