/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/wire.h"

#include "base/cleanup.h"

#include <string.h>

static const struct wire_ops *const kinds[] = {&wire_tap, &wire_veth};

int wire_open(const char *only, const struct wire_place *place, const char *name, unsigned mtu,
	      struct wire **ret, struct err *err)
{
	struct err why = {0};
	int code = -ENOTSUP;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (only && strcmp(only, kinds[i]->name))
			continue;
		code = kinds[i]->open(place, name, mtu, ret, &why);
		if (code >= 0)
			return code;
		if (code != -ENOTSUP)
			break;
	}
	if (*why.text)
		err_set(err, code, "%s", why.text);
	else
		err_set(err, code, "there are no wires of kind '%s'", only);
	return code;
}
