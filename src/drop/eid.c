/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/eid.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEME_DTN = 1, SCHEME_IPN = 2 };

#define DTN "dtn:"
#define IPN "ipn:"

bool eid_is_name(const char *text)
{
	size_t size = strlen(text);

	if (size == 0 || size >= NODE_MAX || !isalnum((unsigned char)text[0]))
		return false;
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
	       size;
}

/* "N.N", each without a sign or a leading zero. */
static bool parse_ipn(const char *text, uint64_t ret[2])
{
	char again[48];
	char *end;

	errno = 0;
	ret[0] = strtoull(text, &end, 10);
	if (*end != '.' || errno)
		return false;
	ret[1] = strtoull(end + 1, &end, 10);
	if (*end || errno)
		return false;
	snprintf(again, sizeof(again), "%" PRIu64 ".%" PRIu64, ret[0], ret[1]);
	return strcmp(again, text) == 0;
}

/* What follows "dtn:": "none", or "//", a name and a slash. Visible ASCII, for it is shown to people. */
static bool is_dtn(const char *text)
{
	if (strcmp(text, "none") == 0)
		return true;
	if (strncmp(text, "//", 2) != 0 || text[2] == '/' || !strchr(text + 2, '/'))
		return false;
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	return true;
}

int eid_parse(const char *text, struct eid *ret)
{
	uint64_t numbers[2];

	if (strlen(text) >= sizeof(ret->text))
		return -EINVAL;
	if (!(strncmp(text, DTN, 4) == 0 && is_dtn(text + 4)) &&
	    !(strncmp(text, IPN, 4) == 0 && parse_ipn(text + 4, numbers)))
		return -EINVAL;
	snprintf(ret->text, sizeof(ret->text), "%s", text);
	return 0;
}

struct eid eid_make(const char *node, const char *service)
{
	struct eid eid;

	snprintf(eid.text, sizeof(eid.text), DTN "//%s/%s", node, service);
	return eid;
}

bool eid_equal(const struct eid *a, const struct eid *b)
{
	return strcmp(a->text, b->text) == 0;
}

bool eid_is_none(const struct eid *eid)
{
	return strcmp(eid->text, DTN "none") == 0;
}

bool eid_node(const struct eid *eid, char ret[static NODE_MAX])
{
	const char *name = eid->text + strlen(DTN "//"), *slash;

	if (strncmp(eid->text, DTN "//", strlen(DTN "//")) != 0)
		return false;
	slash = strchr(name, '/');
	if (!slash || slash - name >= NODE_MAX)
		return false;
	memcpy(ret, name, (size_t)(slash - name));
	ret[slash - name] = '\0';
	return true;
}

const char *eid_service(const struct eid *eid)
{
	const char *slash = NULL;

	if (strncmp(eid->text, DTN "//", strlen(DTN "//")) == 0)
		slash = strchr(eid->text + strlen(DTN "//"), '/');
	return slash ? slash + 1 : "";
}

bool eid_is_group(const struct eid *eid)
{
	return eid_service(eid)[0] == '~';
}

bool eid_is_at(const char *text, const char *node)
{
	char name[NODE_MAX];
	struct eid eid;

	return eid_parse(text, &eid) == 0 && eid_node(&eid, name) && strcmp(name, node) == 0;
}

void eid_put(struct bytes *to, const struct eid *eid)
{
	uint64_t numbers[2];

	items_put_array(to, 2);
	if (strncmp(eid->text, IPN, 4) == 0 && parse_ipn(eid->text + 4, numbers)) {
		items_put_number(to, SCHEME_IPN);
		items_put_array(to, 2);
		items_put_number(to, numbers[0]);
		items_put_number(to, numbers[1]);
		return;
	}
	items_put_number(to, SCHEME_DTN);
	if (eid_is_none(eid))
		items_put_number(to, 0);
	else
		items_put_text(to, eid->text + 4);
}

static void read_dtn(struct items *from, struct eid *ret)
{
	size_t size;
	const char *text;

	if (items_peek(from) == ITEMS_NUMBER) {
		items_number_to(from, 0);
		return;
	}
	text = items_text(from, &size);
	if (from->err)
		return;
	snprintf(ret->text, sizeof(ret->text), DTN "%.*s", (int)(size < EID_MAX ? size : EID_MAX),
		 text);
	/* "none" is the number 0; a text with a zero in it would be cut short. */
	if (size + 5 > EID_MAX || strlen(ret->text) != size + 4 || !is_dtn(ret->text + 4) ||
	    eid_is_none(ret))
		items_fail(from, -EBADMSG);
}

static void read_ipn(struct items *from, struct eid *ret)
{
	uint64_t node, service;

	if (items_array(from) != 2)
		items_fail(from, -EBADMSG);
	node = items_number(from);
	service = items_number(from);
	snprintf(ret->text, sizeof(ret->text), IPN "%" PRIu64 ".%" PRIu64, node, service);
}

void eid_read(struct items *from, struct eid *ret)
{
	snprintf(ret->text, sizeof(ret->text), DTN "none");
	if (items_array(from) != 2)
		items_fail(from, -EBADMSG);
	switch (items_number(from)) {
	case SCHEME_DTN:
		read_dtn(from, ret);
		break;
	case SCHEME_IPN:
		read_ipn(from, ret);
		break;
	default:
		items_fail(from, -EBADMSG);
	}
	if (from->err)
		snprintf(ret->text, sizeof(ret->text), DTN "none");
}
