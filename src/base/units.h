/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Quantities as people write them: "50mbit", "2.5s", "64kB", "1%", "200". Parsing is strict:
 * digits, an optional fraction and a unit, nothing else (no sign, no exponent, no space); what
 * cannot be said exactly in the base unit is refused. Errors say what was expected, with an
 * example.
 */
#pragma once

#include "base/err.h"

#include <stdint.h>

#define UNITS_TEXT_MAX 40

/* Bits per second: bit, kbit, mbit, gbit (powers of 1000). -EINVAL, or -ERANGE above 64 bits. */
int units_parse_rate(const char *text, uint64_t *ret, struct err *err);
/* Nanoseconds: ns, us, ms, s, min; a lone 0 needs no unit. */
int units_parse_time(const char *text, uint64_t *ret, struct err *err);
/* Bytes: B, kB, MB, GB (powers of 1000), KiB, MiB, GiB (of 1024); bytes without a unit. */
int units_parse_bytes(const char *text, uint64_t *ret, struct err *err);
/* A whole number. */
int units_parse_count(const char *text, uint64_t *ret, struct err *err);
/* A share of the whole, 0..1: "1%", or a number below 1 ("0.01"). A bare "1" is refused: it could
 * mean either. */
int units_parse_share(const char *text, double *ret, struct err *err);

/* The quantity in the largest unit that says it in full; units_parse_*() reads it back. Each writes
 * and returns @text. */
const char *units_rate_text(uint64_t rate, char text[static UNITS_TEXT_MAX]);
const char *units_time_text(uint64_t ns, char text[static UNITS_TEXT_MAX]);
const char *units_bytes_text(uint64_t bytes, char text[static UNITS_TEXT_MAX]);
const char *units_share_text(double share, char text[static UNITS_TEXT_MAX]);

/* About the quantity, for people: "812 B", "12.3 MB", "40.0 Mbit/s". Each writes and returns @text.
 */
const char *units_bytes_about(uint64_t bytes, char text[static UNITS_TEXT_MAX]);
const char *units_rate_about(uint64_t rate, char text[static UNITS_TEXT_MAX]);
