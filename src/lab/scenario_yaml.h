/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scenario as it is written: the structures that libcyaml fills. Nothing is understood yet beyond
 * which key may stand where; scenario.c gives the texts their meaning. A text that was not given
 * is NULL.
 */
#pragma once

#include "base/document.h"

#define HOSTS_MAX     64
#define LINKS_MAX     256
#define EVENTS_MAX    100000
#define ADDRESSES_MAX 8 /* of one end */
#define TRACES_MAX    64

enum yaml_choice { YAML_UNSAID, YAML_YES, YAML_NO };

struct yaml_burst {
	char *enter, *leave, *loss, *good_loss;
};

struct yaml_queue {
	char *packets, *bytes;
};

struct yaml_shape {
	char *rate, *trace, *delay, *jitter, *loss, *reorder;
	struct yaml_burst *burst;
	struct yaml_queue *queue;
};

struct yaml_host {
	char *name;
	enum yaml_choice forward;
};

struct yaml_end {
	char *host, *name;
	int kind; /* scenario_yaml_kind() */
	char **addresses;
	unsigned addresses_count;
	char **gateway;
	unsigned gateway_count;
	enum yaml_choice nat;
	struct yaml_shape *send;
};

struct yaml_link {
	char *name, *mtu;
	enum yaml_choice strip_mptcp;
	struct yaml_shape *both;
	struct yaml_end ends[2];
};

struct yaml_event {
	char *at, *link, *from;
	int action; /* enum scenario_action */
	struct yaml_shape *shape;
};

struct yaml_scenario {
	char *seed;
	struct yaml_host *hosts;
	unsigned hosts_count;
	struct yaml_link *links;
	unsigned links_count;
	struct yaml_event *events;
	unsigned events_count;
};

/* The name of yaml_end.kind; static. */
const char *scenario_yaml_kind(int kind);

/* The caller frees with scenario_yaml_free(). Errors as of document_load(). */
int scenario_yaml_load(const struct document *document, struct yaml_scenario **ret,
		       struct err *err);
void scenario_yaml_free(struct yaml_scenario *yaml);
