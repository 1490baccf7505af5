/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Endpoint identifiers (RFC 9171, section 4.2.5): "dtn://NODE/SERVICE", "dtn:none", "ipn:NODE.SERVICE", kept
 * as text. A service that begins with "~" is a group's: any number of nodes may take part in it.
 */
#pragma once

#include "drop/items.h"

#include <stdbool.h>

#define EID_MAX  160 /* with its end */
#define NODE_MAX 64  /* a node's name, with its end */

struct eid {
	char text[EID_MAX];
};

/* Letters, digits, '-', '_' and '.', beginning with a letter or digit: what a node of ours may be called. */
bool eid_is_name(const char *text);

/* -EINVAL if it is none, or too long. */
int eid_parse(const char *text, struct eid *ret);
/* "dtn://@node/@service"; both short enough. */
struct eid eid_make(const char *node, const char *service);

bool eid_equal(const struct eid *a, const struct eid *b);
bool eid_is_none(const struct eid *eid);
/* The name of the node of a "dtn" one; false for any other. */
bool eid_node(const struct eid *eid, char ret[static NODE_MAX]);
/* What follows the node's name and slash; "" where there is nothing. */
const char *eid_service(const struct eid *eid);
bool eid_is_group(const struct eid *eid);
/* Is the endpoint @text one of @node's? */
bool eid_is_at(const char *text, const char *node);

/* Its CBOR form. Reading a scheme that is not known, or one that is too long, is a failure. */
void eid_put(struct bytes *to, const struct eid *eid);
void eid_read(struct items *from, struct eid *ret);
