/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What --via, --via-always, --via-never and the configuration files say, for the commands that take them. */
#pragma once

#include "via/via.h"

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

/* After the options: what is wanted in @ret; *@ret_any: is there a relay at all? Negative errno: something is wrong. */
int via_complete(const struct via_wishes *wishes, struct via_options *ret, bool *ret_any,
		 struct err *err);
