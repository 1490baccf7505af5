/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What --via, --via-always, --via-never and the configuration files say, for the commands that take them. */
#pragma once

#include "via/via.h"

#include <getopt.h>

/* For the commands' usage. */
#define VIA_USAGE                                                                                 \
	"  --via RELAY    connections to servers that do not speak MPTCP go by this relay: "      \
	"HOST,\n"                                                                                 \
	"                 or the line that `rivulet relay --init` said; @FILE: that is in FILE\n" \
	"  --via-always   those to all servers; --via-never: none, whatever a file says\n"

struct via_wishes {
	const char *relay; /* NULL: as the files say */
	bool always, never;
};

/* Their numbers among a command's options, whose own are smaller. */
enum { OPTION_VIA = 0x200, OPTION_VIA_ALWAYS, OPTION_VIA_NEVER };

/* For the command's table of options. */
#define VIA_OPTIONS                                                   \
	{"via", required_argument, NULL, OPTION_VIA},                 \
		{"via-always", no_argument, NULL, OPTION_VIA_ALWAYS}, \
	{                                                             \
		"via-never", no_argument, NULL, OPTION_VIA_NEVER      \
	}

/* Takes @option with its @value, which is borrowed, if it is one of these; else it returns false. */
bool via_take(struct via_wishes *wishes, int option, const char *value);

/* After the options: what is wanted in @ret; *@ret_any: is there a relay at all? Negative errno: something is wrong. */
int via_complete(const struct via_wishes *wishes, struct via_options *ret, bool *ret_any,
		 struct err *err);

/* Where this program is one that knows no relays (elsewhere.c): that which does takes its place, with the command's own @argc
 * and @argv, and this does not return but with a negative errno. 0: they are known here. */
int via_elsewhere(int argc, char **argv, struct err *err);
