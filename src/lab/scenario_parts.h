/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that load a scenario share: scenario.c, and scenario_*.c for its parts. */
#pragma once

#include "lab/scenario.h"
#include "lab/scenario_yaml.h"

struct loading {
	const struct document *document; /* for lines, and for the folder of traces; borrowed */
	struct scenario *scenario;       /* what is being made; borrowed */
	struct err *err;
};

#define PLACE_MAX 64

/* Says what is wrong at a place and member of the file (document_error()); -EINVAL. */
#define scenario_wrong(loading, place, member, ...) \
	document_error((loading)->document, place, member, (loading)->err, __VA_ARGS__)

/* The parts of @yaml into the scenario; each names things of the ones before, hosts come first. */
int scenario_links(struct loading *loading, const struct yaml_scenario *yaml);
int scenario_events(struct loading *loading, const struct yaml_scenario *yaml);

/* Is @text a host's or link's name: typed on command lines, and part of files' names? */
bool scenario_is_name(const char *text);
#define SCENARIO_NAME_WORDS "lower-case letters, digits and -"

/* Index of the host that the member at @place names. */
int scenario_named_host(const struct loading *loading, const char *place, const char *member,
			const char *name, unsigned *ret);

/* The shape written at @place; @ret_fields tells which members were given. Loads its trace into the
 * scenario. */
int scenario_shape(struct loading *loading, const char *place, const struct yaml_shape *yaml,
		   struct shape *ret, unsigned *ret_fields);

/* The queue of a direction for which none was written (rivulet-scenario(5)): two bandwidth-delay
 * products, @delay_back being that of the other direction. */
void scenario_shape_queue(struct shape *shape, uint64_t delay_back, unsigned mtu);

/* Whether a packet of full size fits into the queue at all. */
int scenario_check_queue(const struct loading *loading, const char *place, const char *member,
			 const struct shape *shape, unsigned mtu);

/* Addresses and gateways of all links against each other. */
int scenario_check_addresses(const struct loading *loading);
