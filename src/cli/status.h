/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `rivulet status` shows. */
#pragma once

#include <jansson.h>
#include <stdio.h>
#include <sys/types.h>

/* The runs (status_ask_all()) as tables for people in the network namespace @netns. Whatever is
 * missing in them, or is not text for a terminal, does no harm. */
void status_print(const json_t *runs, ino_t netns, FILE *out);
