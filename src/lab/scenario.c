/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what is written (scenario_yaml.h) to what is meant: hosts first, then links, whose addresses
 * are then checked against each other, then events, since each names the ones before.
 */
#include "lab/scenario.h"

#include "base/cleanup.h"
#include "base/units.h"
#include "lab/scenario_parts.h"
#include "lab/trace.h"

#include <string.h>

const char *const scenario_action_names[] = {
	[EVENT_DOWN] = "down", [EVENT_UP] = "up",   [EVENT_BLACKHOLE] = "blackhole",
	[EVENT_HEAL] = "heal", [EVENT_SET] = "set",
};

static bool is_in(char c, char low, char high)
{
	return c >= low && c <= high;
}

bool scenario_is_name(const char *text)
{
	if (strlen(text) >= SCENARIO_NAME_MAX || *text == '-')
		return false;
	for (; *text; text++)
		if (!is_in(*text, 'a', 'z') && !is_in(*text, '0', '9') && *text != '-')
			return false;
	return true;
}

int scenario_find_host(const struct scenario *scenario, const char *name)
{
	for (unsigned i = 0; i < scenario->host_count; i++)
		if (strcmp(scenario->hosts[i].name, name) == 0)
			return (int)i;
	return -1;
}

int scenario_find_link(const struct scenario *scenario, const char *name)
{
	for (unsigned i = 0; i < scenario->link_count; i++)
		if (strcmp(scenario->links[i].name, name) == 0)
			return (int)i;
	return -1;
}

int scenario_named_host(const struct loading *loading, const char *place, const char *member,
			const char *name, unsigned *ret)
{
	int host = scenario_find_host(loading->scenario, name);

	if (host < 0)
		return scenario_wrong(loading, place, member, "there is no host '%.40s'", name);
	*ret = (unsigned)host;
	return 0;
}

static int read_hosts(struct loading *loading, const struct yaml_scenario *yaml)
{
	struct scenario *scenario = loading->scenario;

	for (unsigned i = 0; i < yaml->hosts_count; i++) {
		struct scenario_host *host = &scenario->hosts[i];
		const char *name = yaml->hosts[i].name;
		char place[PLACE_MAX], other[PLACE_MAX];
		int same = scenario_find_host(scenario, name);

		snprintf(place, sizeof(place), "hosts[%u]", i);
		if (!scenario_is_name(name))
			return scenario_wrong(
				loading, place, "name",
				"'%.40s' is no name for a host (expected " SCENARIO_NAME_WORDS
				", at most %d)",
				name, SCENARIO_NAME_MAX - 1);
		if (same >= 0) {
			snprintf(other, sizeof(other), "hosts[%d]", same);
			return scenario_wrong(loading, place, "name",
					      "there is a host '%s' already in line %u", name,
					      document_line(loading->document, other, "name"));
		}
		snprintf(host->name, sizeof(host->name), "%s", name);
		host->forward = yaml->hosts[i].forward == YAML_YES;
		scenario->host_count++;
	}
	return 0;
}

static int read_scenario(struct loading *loading, const struct yaml_scenario *yaml)
{
	struct scenario *scenario = loading->scenario;
	struct err why = {0};
	int code;

	/* One more than needed: none at all would be no memory. */
	scenario->path = strdup(loading->document->path);
	scenario->hosts = calloc(yaml->hosts_count + 1, sizeof(*scenario->hosts));
	scenario->links = calloc(yaml->links_count + 1, sizeof(*scenario->links));
	scenario->events = calloc(yaml->events_count + 1, sizeof(*scenario->events));
	scenario->traces = calloc(TRACES_MAX, sizeof(*scenario->traces));
	scenario->trace_names = calloc(TRACES_MAX, sizeof(*scenario->trace_names));
	if (!scenario->path || !scenario->hosts || !scenario->links || !scenario->events ||
	    !scenario->traces || !scenario->trace_names)
		return err_set(loading->err, -ENOMEM, "no memory");

	scenario->seed = 1;
	if (yaml->seed && units_parse_count(yaml->seed, &scenario->seed, &why) < 0)
		return scenario_wrong(loading, NULL, "seed", "seed: %s", why.text);
	if (scenario->seed > INT64_MAX) /* the most that JSON can hold */
		return scenario_wrong(loading, NULL, "seed", "seed: '%.40s' is too large",
				      yaml->seed);
	code = read_hosts(loading, yaml);
	if (code >= 0)
		code = scenario_links(loading, yaml);
	if (code >= 0)
		code = scenario_check_addresses(loading);
	if (code >= 0)
		code = scenario_events(loading, yaml);
	return code;
}

int scenario_parse(const char *text, size_t size, const char *path, struct scenario **ret,
		   struct err *err)
{
	const struct document document = {.path = path, .text = text, .size = size};
	struct loading loading = {.document = &document, .err = err};
	struct yaml_scenario *yaml = NULL;
	int code = scenario_yaml_load(&document, &yaml, err);

	if (code < 0)
		return code;
	loading.scenario = calloc(1, sizeof(*loading.scenario));
	code = loading.scenario ? read_scenario(&loading, yaml) : -ENOMEM;
	scenario_yaml_free(yaml);
	if (code < 0) {
		scenario_free(loading.scenario);
		return code;
	}
	*ret = loading.scenario;
	return 0;
}

int scenario_load(const char *path, struct scenario **ret, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int code = document_read(path, &text, &size, err);

	return code < 0 ? code : scenario_parse(text, size, path, ret, err);
}

void scenario_free(struct scenario *scenario)
{
	if (!scenario)
		return;
	for (unsigned i = 0; i < scenario->trace_count; i++) {
		trace_free(scenario->traces[i]);
		free(scenario->trace_names[i]);
	}
	/* The link that was being read when an error came is not counted. */
	for (unsigned i = 0; scenario->links && i <= scenario->link_count; i++)
		for (unsigned j = 0; j < 2; j++)
			free(scenario->links[i].ends[j].addresses);
	free(scenario->traces);
	free(scenario->trace_names);
	free(scenario->events);
	free(scenario->links);
	free(scenario->hosts);
	free(scenario->path);
	free(scenario);
}
