/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "via/config.h"

#include "base/cleanup.h"
#include "base/document.h"
#include "link/policy_file.h"

#include <limits.h>
#include <string.h>

struct yaml_way {
	char *to;
	uint16_t port; /* 0: all */
	enum way way;
};

struct yaml_via {
	char *relay, *certificate, *key;
	enum way *use;
	struct yaml_way *rules;
	unsigned rules_count;
};

struct yaml_config {
	struct yaml_via *via;
};

static const cyaml_strval_t ways[] = {
	{"find", WAY_FIND},
	{"direct", WAY_DIRECT},
	{"relay", WAY_VIA},
};

static const cyaml_strval_t uses[] = {
	{"find", WAY_FIND},
	{"never", WAY_DIRECT},
	{"always", WAY_VIA},
};

static const cyaml_schema_field_t way_fields[] = {
	CYAML_FIELD_STRING_PTR("to", CYAML_FLAG_POINTER, struct yaml_way, to, 1, WAYS_NAME_SIZE),
	CYAML_FIELD_UINT("port", CYAML_FLAG_OPTIONAL, struct yaml_way, port),
	CYAML_FIELD_ENUM("way", CYAML_FLAG_STRICT, struct yaml_way, way, ways, ARRAY_SIZE(ways)),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t way_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_way, way_fields)};

static const cyaml_schema_field_t via_fields[] = {
	CYAML_FIELD_STRING_PTR("relay", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_via,
			       relay, 1, JOIN_TEXT_MAX),
	CYAML_FIELD_STRING_PTR("certificate", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			       struct yaml_via, certificate, 1, PATH_MAX - 1),
	CYAML_FIELD_STRING_PTR("key", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_via,
			       key, 1, PATH_MAX - 1),
	CYAML_FIELD_ENUM_PTR("use", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT,
			     struct yaml_via, use, uses, ARRAY_SIZE(uses)),
	CYAML_FIELD_SEQUENCE("rules", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_via,
			     rules, &way_schema, 0, WAYS_RULES_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t config_fields[] = {
	CYAML_FIELD_IGNORE("links", CYAML_FLAG_OPTIONAL), /* link/policy_file.c's */
	CYAML_FIELD_MAPPING_PTR("via", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_config,
				via, via_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t config_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_config, config_fields)};

static int add(struct via_config *config, const struct document *document,
	       const struct yaml_via *via, struct err *err)
{
	struct err why = {0};

	if (via->relay && !config->relay.host[0] &&
	    join_parse(via->relay, &config->relay, &why) < 0)
		return document_error(document, "via", "relay", err, "%s", why.text);
	if (!via->certificate != !via->key)
		return document_error(document, "via", via->key ? "key" : "certificate", err,
				      "'certificate' and 'key' belong together");
	if (via->key && !config->key[0]) {
		snprintf(config->certificate, sizeof(config->certificate), "%s", via->certificate);
		snprintf(config->key, sizeof(config->key), "%s", via->key);
	}
	if (via->use && !config->used) {
		config->ways.all = *via->use;
		config->used = true;
	}
	for (unsigned i = 0; i < via->rules_count; i++) {
		const struct yaml_way *rule = &via->rules[i];
		char place[32];

		snprintf(place, sizeof(place), "via.rules[%u]", i);
		if (ways_add(&config->ways, rule->to, rule->port, rule->way, &why) < 0)
			return document_error(document, place, "to", err, "%s", why.text);
	}
	return 0;
}

int via_config_parse(struct via_config *config, const char *path, const char *text, size_t size,
		     struct err *err)
{
	const struct document document = {.path = path, .text = text, .size = size};
	struct yaml_config *loaded;
	int code = document_check(&document, err);

	if (code < 0 || policy_says_nothing(text, size))
		return code;
	code = document_load(&document, &config_schema, (void **)&loaded, err);
	if (code < 0)
		return code;
	if (loaded->via)
		code = add(config, &document, loaded->via, err);
	document_free(&config_schema, loaded);
	return code;
}

static int read_file(struct via_config *config, const char *path, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int code;

	if (!path[0] || access(path, F_OK) < 0)
		return 0;
	code = document_read(path, &text, &size, err);
	return code < 0 ? code : via_config_parse(config, path, text, size, err);
}

int via_config_read_files(struct via_config *config, struct err *err)
{
	char path[PATH_MAX];
	int code = read_file(config, policy_user_path(path, sizeof(path)), err);

	return code < 0 ? code : read_file(config, POLICY_SYSTEM_PATH, err);
}
