/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scenario as text for people. Quantities are written as they can be written in a scenario. */
#include "base/units.h"
#include "lab/scenario.h"
#include "lab/trace.h"

#include <inttypes.h>
#include <string.h>

static const char *trace_name(const struct scenario *scenario, const struct trace *trace)
{
	for (unsigned i = 0; i < scenario->trace_count; i++)
		if (scenario->traces[i] == trace)
			return scenario->trace_names[i];
	return "";
}

static void show_rate(const struct scenario *scenario, const struct shape *shape, FILE *out)
{
	char text[UNITS_TEXT_MAX];
	uint64_t mean;

	if (!shape->trace) {
		fprintf(out, "rate %s",
			shape->rate ? units_rate_text(shape->rate, text) : "unlimited");
		return;
	}
	mean = (uint64_t)((double)shape->trace->count * TRACE_OPPORTUNITY * 8e9 /
			  (double)shape->trace->period);
	fprintf(out, "trace %s (%s on average, repeats after", trace_name(scenario, shape->trace),
		units_rate_text(mean < 1000 ? mean : mean / 1000 * 1000, text));
	fprintf(out, " %s)", units_time_text(shape->trace->period, text));
}

static void show_burst(const struct burst *burst, FILE *out)
{
	char text[UNITS_TEXT_MAX];

	if (burst->enter <= 0) {
		fprintf(out, "no bursts");
		return;
	}
	fprintf(out, "bursts (enter %s,", units_share_text(burst->enter, text));
	fprintf(out, " leave %s,", units_share_text(burst->leave, text));
	fprintf(out, " loss %s", units_share_text(burst->loss_bad, text));
	if (burst->loss_good > 0)
		fprintf(out, ", otherwise %s", units_share_text(burst->loss_good, text));
	fputc(')', out);
}

static void show_queue(const struct shape *shape, unsigned fields, FILE *out)
{
	char text[UNITS_TEXT_MAX];
	bool packets = fields & SHAPE_QUEUE_PACKETS, bytes = fields & SHAPE_QUEUE_BYTES;

	fprintf(out, "queue");
	if (packets && shape->queue_packets)
		fprintf(out, " %u packets", shape->queue_packets);
	else if (packets)
		fprintf(out, " of any number");
	if (packets && bytes)
		fputc(',', out);
	if (bytes)
		fprintf(out, " %s",
			shape->queue_bytes ? units_bytes_text(shape->queue_bytes, text)
					   : "of any size");
}

/* The members that @fields names, in one line. */
static void show_shape(const struct scenario *scenario, const struct shape *shape, unsigned fields,
		       FILE *out)
{
	const char *separator = "";
	char text[UNITS_TEXT_MAX];

	for (unsigned field = 1; field <= SHAPE_QUEUE_BYTES; field <<= 1) {
		if (!(fields & field) ||
		    (field == SHAPE_QUEUE_BYTES && fields & SHAPE_QUEUE_PACKETS))
			continue;
		fputs(separator, out);
		separator = ", ";
		switch ((enum shape_field)field) {
		case SHAPE_RATE:
			show_rate(scenario, shape, out);
			break;
		case SHAPE_DELAY:
			fprintf(out, "delay %s", units_time_text(shape->delay, text));
			break;
		case SHAPE_JITTER:
			fprintf(out, "jitter %s", units_time_text(shape->jitter, text));
			break;
		case SHAPE_LOSS:
			fprintf(out, "loss %s", units_share_text(shape->loss, text));
			break;
		case SHAPE_BURST:
			show_burst(&shape->burst, out);
			break;
		case SHAPE_REORDER:
			fprintf(out, "reorder %s", units_share_text(shape->reorder, text));
			break;
		case SHAPE_QUEUE_PACKETS:
		case SHAPE_QUEUE_BYTES:
			show_queue(shape, fields, out);
			break;
		}
	}
}

/* What is worth saying of a whole shape: what it does at all. */
static unsigned notable(const struct shape *shape)
{
	return SHAPE_RATE | SHAPE_DELAY | (shape->jitter ? SHAPE_JITTER : 0) |
	       (shape->loss > 0 ? SHAPE_LOSS : 0) | (shape->burst.enter > 0 ? SHAPE_BURST : 0) |
	       (shape->reorder > 0 ? SHAPE_REORDER : 0) |
	       (shape->queue_packets ? SHAPE_QUEUE_PACKETS : 0) |
	       (shape->queue_bytes ? SHAPE_QUEUE_BYTES : 0);
}

static void show_end(const struct scenario *scenario, const struct scenario_end *end, FILE *out)
{
	const char *via = ", default route via";
	const struct address *gateways[] = {&end->gateway4, &end->gateway6};
	char text[ADDRESS_TEXT_MAX];

	fprintf(out, "    %s %s (%s)", scenario->hosts[end->host].name, end->name, end->kind);
	for (unsigned i = 0; i < end->address_count; i++)
		fprintf(out, " %s", address_text_prefix(&end->addresses[i], text));
	for (unsigned i = 0; i < 2; i++)
		if (gateways[i]->family) {
			fprintf(out, "%s %s", via, address_text(gateways[i], text));
			via = " and";
		}
	fprintf(out, "%s\n", end->nat ? ", translates addresses (nat)" : "");
}

static void show_link(const struct scenario *scenario, const struct scenario_link *link, FILE *out)
{
	const char *a = scenario->hosts[link->ends[0].host].name;
	const char *b = scenario->hosts[link->ends[1].host].name;

	fprintf(out, "\n  %s: %s -- %s", link->name, a, b);
	if (link->mtu != 1500)
		fprintf(out, ", mtu %u", link->mtu);
	fprintf(out, "%s\n", link->strip_mptcp ? ", strips MPTCP" : "");
	for (unsigned i = 0; i < 2; i++)
		show_end(scenario, &link->ends[i], out);
	for (unsigned i = 0; i < 2; i++) {
		const struct shape *shape = &link->ends[i].send;

		fprintf(out, "    %s -> %s: ", i ? b : a, i ? a : b);
		show_shape(scenario, shape, notable(shape), out);
		fputc('\n', out);
	}
}

static void show_event(const struct scenario *scenario, const struct scenario_event *event,
		       FILE *out)
{
	const struct scenario_link *link = &scenario->links[event->link];
	char text[UNITS_TEXT_MAX];

	fprintf(out, "  %8s  %s %s", units_time_text(event->at, text), link->name,
		scenario_action_names[event->action]);
	if (event->from[0] != event->from[1])
		fprintf(out, " from %s", scenario->hosts[link->ends[event->from[1]].host].name);
	if (event->action == EVENT_SET) {
		fprintf(out, ": ");
		show_shape(scenario, &event->shape, event->fields, out);
	}
	fputc('\n', out);
}

void scenario_show(const struct scenario *scenario, FILE *out)
{
	fprintf(out, "%s (seed %" PRIu64 ")\n\nhosts\n", scenario->path, scenario->seed);
	for (unsigned i = 0; i < scenario->host_count; i++)
		fprintf(out, "  %s%s\n", scenario->hosts[i].name,
			scenario->hosts[i].forward ? " (forwards)" : "");
	if (scenario->link_count)
		fprintf(out, "\nlinks");
	for (unsigned i = 0; i < scenario->link_count; i++)
		show_link(scenario, &scenario->links[i], out);
	if (scenario->event_count)
		fprintf(out, "\nevents\n");
	for (unsigned i = 0; i < scenario->event_count; i++)
		show_event(scenario, &scenario->events[i], out);
}
