/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens to the links, and when. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "lab/scenario_parts.h"

#include <string.h>

#define AT_MAX (7 * 24 * 3600 * NS_PER_S)

static int read_from(const struct loading *loading, const char *place,
		     const struct yaml_event *yaml, struct scenario_event *event)
{
	const struct scenario_link *link = &loading->scenario->links[event->link];
	unsigned host = 0;
	int code;

	event->from[0] = event->from[1] = true;
	if (!yaml->from)
		return 0;
	if (event->action == EVENT_DOWN || event->action == EVENT_UP)
		return scenario_wrong(loading, place, "from",
				      "'%s' is about the whole link (expected no 'from')",
				      scenario_action_names[event->action]);
	code = scenario_named_host(loading, place, "from", yaml->from, &host);
	if (code < 0)
		return code;
	if (link->ends[0].host != host && link->ends[1].host != host)
		return scenario_wrong(
			loading, place, "from", "host '%s' is not at link '%s' (expected %s or %s)",
			yaml->from, link->name, loading->scenario->hosts[link->ends[0].host].name,
			loading->scenario->hosts[link->ends[1].host].name);
	event->from[0] = link->ends[0].host == host;
	event->from[1] = link->ends[1].host == host;
	return 0;
}

static int read_event_shape(struct loading *loading, const char *place,
			    const struct yaml_event *yaml, struct scenario_event *event)
{
	char inside[PLACE_MAX + 8];
	int code;

	if (event->action != EVENT_SET)
		return yaml->shape ? scenario_wrong(loading, place, "shape",
						    "'%s' takes no shape (expected 'do: set')",
						    scenario_action_names[event->action])
				   : 0;
	snprintf(inside, sizeof(inside), "%s.shape", place);
	if (!yaml->shape)
		return scenario_wrong(loading, place, "do",
				      "'set' needs what to set (expected a 'shape')");
	code = scenario_shape(loading, inside, yaml->shape, &event->shape, &event->fields);
	if (code >= 0 && event->fields == 0)
		return scenario_wrong(loading, place, "shape", "the shape is empty");
	if (code < 0)
		return code;
	return scenario_check_queue(loading, inside, "queue", &event->shape,
				    loading->scenario->links[event->link].mtu);
}

static int read_event(struct loading *loading, const char *place, const struct yaml_event *yaml,
		      struct scenario_event *event)
{
	int link = scenario_find_link(loading->scenario, yaml->link);
	struct err why = {0};
	int code;

	if (units_parse_time(yaml->at, &event->at, &why) < 0)
		return scenario_wrong(loading, place, "at", "at: %s", why.text);
	if (event->at > AT_MAX)
		return scenario_wrong(loading, place, "at", "at: '%.40s' is more than a week",
				      yaml->at);
	if (link < 0)
		return scenario_wrong(loading, place, "link", "there is no link '%.40s'",
				      yaml->link);
	event->link = (unsigned)link;
	event->action = (enum scenario_action)yaml->action;
	code = read_from(loading, place, yaml, event);
	return code < 0 ? code : read_event_shape(loading, place, yaml, event);
}

/* Sorted by time; those of one time stay in the order of the file. */
static void sort_events(struct scenario_event *events, struct scenario_event *room, size_t count)
{
	size_t half = count / 2, left = 0, right = half;

	if (count < 2)
		return;
	sort_events(events, room, half);
	sort_events(events + half, room, count - half);
	for (size_t i = 0; i < count; i++) {
		bool from_left =
			left < half && (right == count || events[left].at <= events[right].at);

		room[i] = events[from_left ? left++ : right++];
	}
	memcpy(events, room, count * sizeof(*events));
}

int scenario_events(struct loading *loading, const struct yaml_scenario *yaml)
{
	struct scenario *scenario = loading->scenario;
	_cleanup_free_ struct scenario_event *room = NULL;

	for (unsigned i = 0; i < yaml->events_count; i++) {
		char place[PLACE_MAX];
		int code;

		snprintf(place, sizeof(place), "events[%u]", i);
		code = read_event(loading, place, &yaml->events[i], &scenario->events[i]);
		if (code < 0)
			return code;
		scenario->event_count++;
	}
	room = calloc(scenario->event_count + 1, sizeof(*room));
	if (!room)
		return err_set(loading->err, -ENOMEM, "no memory");
	sort_events(scenario->events, room, scenario->event_count);
	return 0;
}
