/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/say.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int say_failure(const struct err *err)
{
	fprintf(stderr, "rivulet: %s\n", err->text);
	return 1;
}

int say_try_help(const char *subcommand)
{
	fprintf(stderr, "Try 'rivulet %s --help'.\n", subcommand);
	return USAGE;
}

int say_no_option(const char *subcommand, const char *word)
{
	fprintf(stderr, "rivulet %s: '%s' is no option\n", subcommand, word);
	return say_try_help(subcommand);
}

int say_written(void)
{
	bool lost = ferror(stdout); /* why is not known any more */

	errno = EIO;
	if (fflush(stdout) == 0 && !lost)
		return 0;
	fprintf(stderr, "rivulet: cannot write: %s\n", strerror(errno));
	return 1;
}

void say_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_COMPACT);
	putchar('\n');
}
