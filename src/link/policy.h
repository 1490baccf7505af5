/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a person wants of the links: which are used, which only when no other works, which never.
 * Pure: from the words of the command line and of configuration files (policy_file.h) to an answer
 * for each link.
 *
 * A rule names links, by a name, a pattern such as "wlan*", or a kind such as "kind=wifi", and says
 * what they are for. Of several rules that name a link the one of the weightier source counts
 * (--not, then --links, then the user's file, the system's, then what NetworkManager knows), within one source a whole name
 * before a pattern before a kind, then the one that was written first. With --links, a link that no
 * option names is not used, whatever the files say.
 *
 * Tunnels, links beside a VPN and devices that lead nowhere by themselves are left out on purpose
 * (multipath.h). Only who names such a device in full gets it: in --links, or in a file as "use". A
 * pattern, or a file that says of a link that it is metered, was not written with the VPN in mind. And
 * nobody gets it who may not set up links by right of his own: a link is everyone's, and so is what
 * leaks around a VPN. Nor does he get links that lead to neighbours alone: connections of all users would look for their
 * servers there.
 */
#pragma once

#include "base/err.h"
#include "link/links.h"

#include <stdbool.h>

enum policy_use {
	POLICY_DEFAULT, /* nobody said anything */
	POLICY_USE,
	POLICY_BACKUP,  /* while no other link works */
	POLICY_METERED, /* bytes cost money there: as a backup */
	POLICY_NEVER,
	POLICY_USES
};
extern const char *const policy_use_names[POLICY_USES];

/* The weightiest first. */
enum policy_source {
	POLICY_NOT,
	POLICY_LINKS,
	POLICY_USER_FILE,
	POLICY_SYSTEM_FILE,
	POLICY_MANAGER, /* nobody's wish, but what NetworkManager knows of the link (metered.h) */
	POLICY_SOURCES
};

#define POLICY_NAME_MAX  32 /* with the zero; a pattern may be longer than the names it is for */
#define POLICY_RULES_MAX 64

struct policy_rule {
	char name[POLICY_NAME_MAX]; /* or a pattern; "": a kind is meant */
	enum link_kind kind;
	enum policy_source source;
	enum policy_use use;
};

/* Plain data without pointers; all zero: nobody wants anything. */
struct policy {
	struct policy_rule rules[POLICY_RULES_MAX];
	unsigned count;
	bool only_named; /* --links was given */
	bool neighbours; /* links that lead to neighbours alone are used, too */
	bool modest;     /* nobody insists: who wishes has less right than who fulfils it */
};

/* Adds "wlan0,wwan0:backup,kind=bluetooth:never": the argument of --links. -EINVAL with what was
 * expected; -ENOSPC: more than POLICY_RULES_MAX. */
int policy_add_links(struct policy *policy, const char *list, struct err *err);
/* Adds "tun0,wwan*": the argument of --not. */
int policy_add_not(struct policy *policy, const char *list, struct err *err);
/* Adds one rule: "NAME", "PATTERN" or "kind=KIND", and its use. -EINVAL: no such kind, a name that
 * no device can have, or that the source has already. */
int policy_add(struct policy *policy, enum policy_source source, const char *who,
	       enum policy_use use, struct err *err);

/* What NetworkManager knows has changed: it is now what @known, whose other rules do not count, has of it. */
void policy_know(struct policy *policy, const struct policy *known);

/* What @link is for; @policy may be NULL, as below. */
enum policy_use policy_of(const struct policy *policy, const struct link *link);
/* Only while no other link works? */
bool policy_is_backup(const struct policy *policy, const struct link *link);
/* Do bytes cost money there, whatever it is used for? */
bool policy_is_metered(const struct policy *policy, const struct link *link);
/* Has a person said what the link is for? */
bool policy_is_wish(const struct policy *policy, const struct link *link);
/* Is it used though it leads to nobody but neighbours? */
bool policy_wants_neighbours(const struct policy *policy);
/* Is it named in full to be used, so that what speaks against it does not count? */
bool policy_insists(const struct policy *policy, const struct link *link);

/* The first rule at or after *@at that came from an option and names none of @links, NULL if there
 * is none; *@at is then where to go on. For a warning: what is not there may come. */
const struct policy_rule *policy_unmatched(const struct policy *policy, const struct links *links,
					   unsigned *at);

/* "wlan0" or "kind=wifi", as it was written. Returns @text. */
const char *policy_rule_text(const struct policy_rule *rule, char text[static POLICY_NAME_MAX]);
