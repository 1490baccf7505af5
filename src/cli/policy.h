/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What --links, --not and the configuration files say, for the commands that take them. */
#pragma once

#include "link/policy.h"

#include <getopt.h>

/* For the commands' usage. */
#define POLICY_USAGE                                                                           \
	"  --links LIST   use only these links: names, patterns or kinds, each with what it\n" \
	"                 is for, as in wlan0,wwan0:backup,kind=bluetooth:never\n"             \
	"  --not LIST     do not use these links\n"

/* Their numbers among a command's options, whose own are smaller. */
enum { OPTION_LINKS = 0x100, OPTION_NOT };

/* For the command's table of options. */
#define POLICY_OPTIONS                                     \
	{"links", required_argument, NULL, OPTION_LINKS},  \
	{                                                  \
		"not", required_argument, NULL, OPTION_NOT \
	}

/* Takes @option with its @value if it is one of these. 1: it is not. Negative errno: the value is wrong. */
int policy_take(struct policy *policy, int option, const char *value, struct err *err);

/* After the options: adds the configuration files and what NetworkManager knows, and warns on standard error of names in the
 * options that no link has (unless @quiet). Negative errno: a file is wrong. */
int policy_complete(struct policy *policy, bool quiet, struct err *err);
