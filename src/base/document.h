/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * YAML documents with errors that a person can use: always one line, "FILE:LINE: what is wrong".
 *
 * libcyaml turns a document into C structures by a schema. It is handed only documents that libyaml
 * has walked before: that pass knows the line of every syntax error, and refuses what the schema
 * cannot bound (deep nesting, anchors and aliases, several documents). Lines of all later errors
 * are found by a name: a place such as "links[1].ends[0]", and a member there, looked up in
 * libyaml's tree. Nothing is kept for that; a document is walked again when there is an error to
 * report.
 */
#pragma once

#include "base/err.h"

#include <cyaml/cyaml.h>
#include <stddef.h>

#define DOCUMENT_SIZE_MAX ((size_t)1 << 20)

struct document {
	const char *path; /* for messages; borrowed */
	const char *text; /* borrowed */
	size_t size;
};

/* Reads a file into *@ret_text, which the caller frees. -E2BIG above DOCUMENT_SIZE_MAX. */
int document_read(const char *path, char **ret_text, size_t *ret_size, struct err *err);

/* The document as *@ret, a structure that @schema describes; the caller frees it with
 * document_free(). -EINVAL with the line for what is not YAML or does not fit the schema. */
int document_load(const struct document *document, const cyaml_schema_value_t *schema, void **ret,
		  struct err *err);
void document_free(const cyaml_schema_value_t *schema, void *loaded);

/* Line (from 1) of the key @member (NULL: none) of the node at @place (NULL: the root), which is a
 * sequence of keys and indices such as "links[1].ends[0]"; of the nearest node around it where
 * there is no such thing. */
unsigned document_line(const struct document *document, const char *place, const char *member);

/* Writes "FILE:LINE: message" for a place and a member, both as in document_line(), and returns
 * -EINVAL. Control characters of the message, which may come from the document, become '?'. */
int document_error(const struct document *document, const char *place, const char *member,
		   struct err *err, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The first of document_load()'s two passes, on its own: 0, or -EINVAL with the line. */
int document_check(const struct document *document, struct err *err);
