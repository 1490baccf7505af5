/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first 2 * @size characters of @text, hexadecimal digits, as bytes. False: there are fewer, or others; @ret is then partly
 * written. */
bool hex_read(const char *text, uint8_t *ret, size_t size);
/* The same of a @text that has no more than those. */
bool hex_read_all(const char *text, uint8_t *ret, size_t size);
/* @size bytes as 2 * @size digits and a 0. */
void hex_text(const uint8_t *bytes, size_t size, char *ret);
