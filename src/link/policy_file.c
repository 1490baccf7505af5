/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/policy_file.h"

#include "base/cleanup.h"
#include "base/document.h"

#include <limits.h>
#include <string.h>

#define TEXT_MAX 63

struct yaml_rule {
	char *name, *kind; /* one of them */
	enum policy_use use;
};

struct yaml_config {
	struct yaml_rule *links;
	unsigned links_count;
};

static const cyaml_strval_t uses[] = {
	{"use", POLICY_USE},
	{"backup", POLICY_BACKUP},
	{"metered", POLICY_METERED},
	{"never", POLICY_NEVER},
};

static const cyaml_schema_field_t rule_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_rule,
			       name, 1, TEXT_MAX),
	CYAML_FIELD_STRING_PTR("kind", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_rule,
			       kind, 1, TEXT_MAX),
	CYAML_FIELD_ENUM("policy", CYAML_FLAG_STRICT, struct yaml_rule, use, uses,
			 ARRAY_SIZE(uses)),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t rule_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_rule, rule_fields)};

static const cyaml_schema_field_t config_fields[] = {
	CYAML_FIELD_SEQUENCE("links", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_config,
			     links, &rule_schema, 0, POLICY_RULES_MAX),
	CYAML_FIELD_IGNORE("via", CYAML_FLAG_OPTIONAL), /* via/config.c's */
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t config_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_config, config_fields)};

static int add(struct policy *policy, enum policy_source source, const struct document *document,
	       unsigned index, const struct yaml_rule *rule, struct err *err)
{
	const char *key = rule->name ? "name" : "kind";
	char place[32], who[TEXT_MAX + 6];
	struct err why = {0};

	snprintf(place, sizeof(place), "links[%u]", index);
	if (!rule->name == !rule->kind)
		return document_error(document, place, NULL, err,
				      "either 'name' or 'kind' says which links are meant");
	snprintf(who, sizeof(who), "%s%s",
		 rule->name ? "" : "kind=", rule->name ? rule->name : rule->kind);
	if (policy_add(policy, source, who, rule->use, &why) < 0)
		return document_error(document, place, key, err, "%s", why.text);
	return 0;
}

/* A file that was written down to be filled in later. */
bool policy_says_nothing(const char *text, size_t size)
{
	bool comment = false;

	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\n')
			comment = false;
		else if (text[i] == '#')
			comment = true;
		else if (!comment && !strchr(" \t\r", text[i]))
			return false;
	}
	return true;
}

int policy_parse_file(struct policy *policy, enum policy_source source, const char *path,
		      const char *text, size_t size, struct err *err)
{
	const struct document document = {.path = path, .text = text, .size = size};
	struct policy added = *policy;
	struct yaml_config *config;
	int code;

	code = document_check(&document, err);
	if (code < 0 || policy_says_nothing(text, size))
		return code;
	code = document_load(&document, &config_schema, (void **)&config, err);
	if (code < 0)
		return code;
	for (unsigned i = 0; i < config->links_count && code == 0; i++)
		code = add(&added, source, &document, i, &config->links[i], err);
	document_free(&config_schema, config);
	if (code == 0)
		*policy = added;
	return code;
}

static int read_file(struct policy *policy, enum policy_source source, const char *path,
		     struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int code;

	/* Not there, or in a folder that is somebody else's ($HOME may be). */
	if (access(path, F_OK) < 0)
		return 0;
	code = document_read(path, &text, &size, err);
	return code < 0 ? code : policy_parse_file(policy, source, path, text, size, err);
}

const char *policy_user_path(char *path, size_t size)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	path[0] = '\0';
	/* A relative one is to be ignored, says the XDG Base Directory Specification. */
	if (config && config[0] == '/')
		snprintf(path, size, "%s/rivulet/config.yaml", config);
	else if (home && home[0] == '/')
		snprintf(path, size, "%s/.config/rivulet/config.yaml", home);
	return path;
}

int policy_read_files(struct policy *policy, struct err *err)
{
	char path[PATH_MAX];
	int code = 0;

	if (policy_user_path(path, sizeof(path))[0])
		code = read_file(policy, POLICY_USER_FILE, path, err);
	if (code == 0)
		code = read_file(policy, POLICY_SYSTEM_FILE, POLICY_SYSTEM_PATH, err);
	return code;
}
