/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scenario as one JSON object in one line: everything, in base units (bit/s, ns, bytes, shares of
 * 1), with null where there is no limit or no such thing.
 */
#include "lab/scenario.h"
#include "lab/trace.h"

#include <errno.h>
#include <jansson.h>

static json_t *or_null(uint64_t value)
{
	return value ? json_integer((json_int_t)value) : json_null();
}

static json_t *trace_json(const struct scenario *scenario, const struct trace *trace)
{
	for (unsigned i = 0; i < scenario->trace_count; i++)
		if (scenario->traces[i] == trace)
			return json_pack("{s:s, s:I, s:I}", "name", scenario->trace_names[i],
					 "opportunities", (json_int_t)trace->count, "period_ns",
					 (json_int_t)trace->period);
	return json_null();
}

static json_t *burst_json(const struct burst *burst)
{
	if (burst->enter <= 0)
		return json_null();
	return json_pack("{s:f, s:f, s:f, s:f}", "enter", burst->enter, "leave", burst->leave,
			 "loss", burst->loss_bad, "good_loss", burst->loss_good);
}

/* The members that @fields names. NULL without memory, as all of these. */
static json_t *shape_json(const struct scenario *scenario, const struct shape *shape,
			  unsigned fields)
{
	const struct {
		unsigned field;
		const char *name;
		json_t *value; /* taken by the object */
	} members[] = {
		{SHAPE_RATE, "rate_bit_s", or_null(shape->rate)},
		{SHAPE_RATE, "trace", trace_json(scenario, shape->trace)},
		{SHAPE_DELAY, "delay_ns", json_integer((json_int_t)shape->delay)},
		{SHAPE_JITTER, "jitter_ns", json_integer((json_int_t)shape->jitter)},
		{SHAPE_LOSS, "loss", json_real(shape->loss)},
		{SHAPE_BURST, "burst", burst_json(&shape->burst)},
		{SHAPE_REORDER, "reorder", json_real(shape->reorder)},
		{SHAPE_QUEUE_PACKETS, "queue_packets", or_null(shape->queue_packets)},
		{SHAPE_QUEUE_BYTES, "queue_bytes", or_null(shape->queue_bytes)},
	};
	json_t *object = json_object();
	bool complete = object != NULL;

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		if (!(fields & members[i].field))
			json_decref(members[i].value);
		else if (json_object_set_new(object, members[i].name, members[i].value) < 0)
			complete = false;
	}
	if (complete)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *address_json(const struct address *address, bool prefix)
{
	char text[ADDRESS_TEXT_MAX];

	if (!address->family)
		return json_null();
	return json_string(prefix ? address_text_prefix(address, text)
				  : address_text(address, text));
}

static json_t *end_json(const struct scenario *scenario, const struct scenario_end *end)
{
	json_t *addresses = json_array();

	for (unsigned i = 0; i < end->address_count; i++)
		if (json_array_append_new(addresses, address_json(&end->addresses[i], true)) < 0) {
			json_decref(addresses);
			return NULL;
		}
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:b, s:o}", "host",
			 scenario->hosts[end->host].name, "name", end->name, "kind", end->kind,
			 "addresses", addresses, "gateway4", address_json(&end->gateway4, false),
			 "gateway6", address_json(&end->gateway6, false), "nat", end->nat, "send",
			 shape_json(scenario, &end->send, ~0U));
}

static json_t *host_json(const struct scenario *scenario, unsigned i)
{
	return json_pack("{s:s, s:b}", "name", scenario->hosts[i].name, "forward",
			 scenario->hosts[i].forward);
}

static json_t *link_json(const struct scenario *scenario, unsigned i)
{
	const struct scenario_link *link = &scenario->links[i];

	return json_pack("{s:s, s:i, s:b, s:[o, o]}", "name", link->name, "mtu", (int)link->mtu,
			 "strip_mptcp", link->strip_mptcp, "ends",
			 end_json(scenario, &link->ends[0]), end_json(scenario, &link->ends[1]));
}

static json_t *event_json(const struct scenario *scenario, unsigned i)
{
	const struct scenario_event *event = &scenario->events[i];
	const struct scenario_link *link = &scenario->links[event->link];
	json_t *from = json_array();

	for (unsigned j = 0; j < 2; j++)
		if (event->from[j])
			json_array_append_new(
				from, json_string(scenario->hosts[link->ends[j].host].name));
	return json_pack("{s:I, s:s, s:s, s:o, s:o}", "at_ns", (json_int_t)event->at, "link",
			 link->name, "do", scenario_action_names[event->action], "from", from,
			 "shape", shape_json(scenario, &event->shape, event->fields));
}

static json_t *list_json(const struct scenario *scenario, unsigned count,
			 json_t *(*one)(const struct scenario *scenario, unsigned i))
{
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++)
		if (json_array_append_new(list, one(scenario, i)) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

int scenario_show_json(const struct scenario *scenario, FILE *out)
{
	json_t *object = json_pack("{s:s, s:I, s:o, s:o, s:o}", "path", scenario->path, "seed",
				   (json_int_t)scenario->seed, "hosts",
				   list_json(scenario, scenario->host_count, host_json), "links",
				   list_json(scenario, scenario->link_count, link_json), "events",
				   list_json(scenario, scenario->event_count, event_json));
	int code = 0;

	if (!object)
		return -ENOMEM;
	if (json_dumpf(object, out, 0) < 0 || fputc('\n', out) == EOF)
		code = -EIO;
	json_decref(object);
	return code;
}
