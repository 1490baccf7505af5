/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/numbers.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBERS_MAX 8

int numbers_parse(const char *text, uint64_t *ret, unsigned count)
{
	uint64_t values[NUMBERS_MAX];

	if (count > NUMBERS_MAX)
		return -EPROTO;
	for (unsigned i = 0; i < count; i++) {
		char *end;

		while (isblank((unsigned char)*text))
			text++;
		if (!isdigit((unsigned char)*text))
			return -EPROTO;
		errno = 0;
		values[i] = strtoull(text, &end, 10);
		if (errno != 0 || !(*end == '\0' || isspace((unsigned char)*end)))
			return -EPROTO;
		text = end;
	}
	memcpy(ret, values, count * sizeof(values[0]));
	return 0;
}

int numbers_read(const char *path, uint64_t *ret, unsigned count)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[256];

	if (!file)
		return -errno;
	return fgets(line, sizeof(line), file) ? numbers_parse(line, ret, count) : -EPROTO;
}
