/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/numbers.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBERS_MAX 8

int numbers_read(const char *path, uint64_t *ret, unsigned count)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	uint64_t values[NUMBERS_MAX];
	char line[256], *at = line;

	if (!file)
		return -errno;
	if (count > NUMBERS_MAX || !fgets(line, sizeof(line), file))
		return -EPROTO;
	for (unsigned i = 0; i < count; i++) {
		char *end;

		while (isblank((unsigned char)*at))
			at++;
		if (!isdigit((unsigned char)*at))
			return -EPROTO;
		errno = 0;
		values[i] = strtoull(at, &end, 10);
		if (errno != 0 || !(*end == '\0' || isspace((unsigned char)*end)))
			return -EPROTO;
		at = end;
	}
	memcpy(ret, values, count * sizeof(values[0]));
	return 0;
}
