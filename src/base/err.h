/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What went wrong, in words for a person. Library code fills a struct err and returns a negative
 * errno; only programs print. A message says what failed, on what, and what to do about it, without
 * a full stop and without the program's name.
 */
#pragma once

struct err {
	char text[1024];
};

/* Writes the message and returns @code, so that "return err_set(err, -EINVAL, ...)" reads well.
 * @err may be NULL: then only the code is passed on. */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "@fmt: " in front of the message that is there already; returns @code. */
int err_prefix(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
