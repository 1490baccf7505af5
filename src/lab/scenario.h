/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scenario: hosts, links between them, and what happens to the links over time. Read from YAML
 * (the format is documented in rivulet-scenario(5)) and checked as a whole: a scenario that was
 * loaded can be built. Errors name file and line.
 */
#pragma once

#include "base/address.h"
#include "base/err.h"
#include "lab/shape.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SCENARIO_NAME_MAX 32 /* host and link names: [a-z0-9-], with the final zero */

struct scenario_host {
	char name[SCENARIO_NAME_MAX];
	bool forward; /* routes packets of others */
};

struct scenario_end {
	unsigned host;       /* index into hosts */
	char name[IFNAMSIZ]; /* of the network device, unique in its host */
	char kind[16];       /* wifi, lte, ethernet, bluetooth, ... */
	struct address *addresses;
	unsigned address_count;
	struct address gateway4,
		gateway6;  /* next hop of a default route over this end; family 0: none */
	bool nat;          /* what this host forwards out of this end carries this end's address */
	struct shape send; /* of the packets that this end sends */
};

struct scenario_link {
	char name[SCENARIO_NAME_MAX];
	unsigned mtu;
	bool strip_mptcp; /* a middlebox replaces TCP option 30 by no-ops, both ways */
	struct scenario_end ends[2];
};

enum scenario_action { EVENT_DOWN, EVENT_UP, EVENT_BLACKHOLE, EVENT_HEAL, EVENT_SET };
extern const char *const scenario_action_names[];

struct scenario_event {
	uint64_t at; /* ns after the start of the command, or as the lab is told */
	unsigned link;
	enum scenario_action action;
	bool from[2];       /* directions meant: what ends[0] sends, what ends[1] sends */
	struct shape shape; /* EVENT_SET: the new values... */
	unsigned fields;    /* ...of these members (enum shape_field) */
};

struct scenario {
	char *path; /* the file that it came from */
	uint64_t seed;
	struct scenario_host *hosts;
	unsigned host_count;
	struct scenario_link *links;
	unsigned link_count;
	struct scenario_event *events; /* in order of time */
	unsigned event_count;
	struct trace **traces; /* all that shapes point to; owned here */
	char **trace_names;    /* of each, as the file writes it */
	unsigned trace_count;
};

/* Loads and checks; -EINVAL, -ENOENT, ... with "FILE:LINE: what is wrong" in @err. Paths of traces
 * are relative to the scenario's folder. The caller frees with scenario_free(). */
int scenario_load(const char *path, struct scenario **ret, struct err *err);
/* The same from memory; @path is used for messages and for the folder of traces. */
int scenario_parse(const char *text, size_t size, const char *path, struct scenario **ret,
		   struct err *err);
void scenario_free(struct scenario *scenario);

/* Index of the host or link named so, or -1. */
int scenario_find_host(const struct scenario *scenario, const char *name);
int scenario_find_link(const struct scenario *scenario, const char *name);

/* The topology as text for people, or as one JSON object. */
void scenario_show(const struct scenario *scenario, FILE *out);
int scenario_show_json(const struct scenario *scenario, FILE *out);
