/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The schema: which keys may stand where. Read it from the bottom. */
#include "lab/scenario_yaml.h"

#include "base/cleanup.h"
#include "lab/scenario.h"

#define TEXT_MAX 255

static const cyaml_strval_t kinds[] = {
	{"ethernet", 0}, {"wifi", 1},     {"lte", 2},       {"5g", 3},     {"4g", 4},
	{"3g", 5},       {"cellular", 6}, {"bluetooth", 7}, {"tunnel", 8}, {"other", 9},
};

static const cyaml_strval_t choices[] = {
	{"yes", YAML_YES}, {"no", YAML_NO}, {"true", YAML_YES}, {"false", YAML_NO}};

static const cyaml_strval_t actions[] = {
	{"down", EVENT_DOWN}, {"up", EVENT_UP},   {"blackhole", EVENT_BLACKHOLE},
	{"heal", EVENT_HEAL}, {"set", EVENT_SET},
};

#define REQUIRED CYAML_FLAG_DEFAULT
#define OPTIONAL CYAML_FLAG_OPTIONAL

#define TEXT(key, flags, type, member) \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | (flags), type, member, 1, TEXT_MAX)
#define WORD(key, flags, type, member, words) \
	CYAML_FIELD_ENUM(key, CYAML_FLAG_STRICT | (flags), type, member, words, ARRAY_SIZE(words))
#define PART(key, type, member, fields) \
	CYAML_FIELD_MAPPING_PTR(key, CYAML_FLAG_POINTER | OPTIONAL, type, member, fields)
#define LIST(key, flags, type, member, entry, min, max) \
	CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | (flags), type, member, entry, min, max)

static const cyaml_schema_field_t burst_fields[] = {
	TEXT("enter", REQUIRED, struct yaml_burst, enter),
	TEXT("leave", OPTIONAL, struct yaml_burst, leave),
	TEXT("loss", OPTIONAL, struct yaml_burst, loss),
	TEXT("good-loss", OPTIONAL, struct yaml_burst, good_loss),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t queue_fields[] = {
	TEXT("packets", OPTIONAL, struct yaml_queue, packets),
	TEXT("bytes", OPTIONAL, struct yaml_queue, bytes),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t shape_fields[] = {
	TEXT("rate", OPTIONAL, struct yaml_shape, rate),
	TEXT("trace", OPTIONAL, struct yaml_shape, trace),
	TEXT("delay", OPTIONAL, struct yaml_shape, delay),
	TEXT("jitter", OPTIONAL, struct yaml_shape, jitter),
	TEXT("loss", OPTIONAL, struct yaml_shape, loss),
	PART("burst", struct yaml_shape, burst, burst_fields),
	TEXT("reorder", OPTIONAL, struct yaml_shape, reorder),
	PART("queue", struct yaml_shape, queue, queue_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t address = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, TEXT_MAX)};

static const cyaml_schema_field_t end_fields[] = {
	TEXT("host", REQUIRED, struct yaml_end, host),
	TEXT("name", REQUIRED, struct yaml_end, name),
	WORD("kind", OPTIONAL, struct yaml_end, kind, kinds),
	LIST("addresses", OPTIONAL, struct yaml_end, addresses, &address, 1, ADDRESSES_MAX),
	LIST("gateway", OPTIONAL, struct yaml_end, gateway, &address, 1, 2),
	WORD("nat", OPTIONAL, struct yaml_end, nat, choices),
	PART("send", struct yaml_end, send, shape_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t end = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_end, end_fields)};

static const cyaml_schema_field_t link_fields[] = {
	TEXT("name", OPTIONAL, struct yaml_link, name),
	TEXT("mtu", OPTIONAL, struct yaml_link, mtu),
	WORD("strip-mptcp", OPTIONAL, struct yaml_link, strip_mptcp, choices),
	PART("both", struct yaml_link, both, shape_fields),
	CYAML_FIELD_SEQUENCE_FIXED("ends", REQUIRED, struct yaml_link, ends, &end, 2),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t event_fields[] = {
	TEXT("at", REQUIRED, struct yaml_event, at),
	TEXT("link", REQUIRED, struct yaml_event, link),
	WORD("do", REQUIRED, struct yaml_event, action, actions),
	TEXT("from", OPTIONAL, struct yaml_event, from),
	PART("shape", struct yaml_event, shape, shape_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t host_fields[] = {
	TEXT("name", REQUIRED, struct yaml_host, name),
	WORD("forward", OPTIONAL, struct yaml_host, forward, choices),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t host = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_host, host_fields)};
static const cyaml_schema_value_t link_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_link, link_fields)};
static const cyaml_schema_value_t event = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_event, event_fields)};

static const cyaml_schema_field_t scenario_fields[] = {
	TEXT("seed", OPTIONAL, struct yaml_scenario, seed),
	LIST("hosts", REQUIRED, struct yaml_scenario, hosts, &host, 1, HOSTS_MAX),
	LIST("links", OPTIONAL, struct yaml_scenario, links, &link_schema, 0, LINKS_MAX),
	LIST("events", OPTIONAL, struct yaml_scenario, events, &event, 0, EVENTS_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t scenario = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_scenario, scenario_fields)};

const char *scenario_yaml_kind(int kind)
{
	return kinds[kind].str;
}

int scenario_yaml_load(const struct document *document, struct yaml_scenario **ret, struct err *err)
{
	return document_load(document, &scenario, (void **)ret, err);
}

void scenario_yaml_free(struct yaml_scenario *yaml)
{
	document_free(&scenario, yaml);
}
