/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is written about one direction of a link, into numbers. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "lab/scenario_parts.h"
#include "lab/trace.h"

#include <inttypes.h>
#include <string.h>

#define RATE_MIN         1000ULL          /* bit/s */
#define RATE_MAX         1000000000000ULL /* bit/s */
#define DELAY_MAX        (3600 * NS_PER_S)
#define QUEUE_MAX        4000000000ULL /* packets, bytes */
#define QUEUE_FRAMES_MIN 32            /* that a queue nobody wrote holds at least */
#define ETHERNET_HEADER  14

typedef int (*parse_fn)(const char *text, uint64_t *ret, struct err *err);
typedef const char *(*text_fn)(uint64_t value, char text[static UNITS_TEXT_MAX]);

static const char *count_text(uint64_t count, char text[static UNITS_TEXT_MAX])
{
	snprintf(text, UNITS_TEXT_MAX, "%" PRIu64, count);
	return text;
}

/* A quantity within @min..@max. */
static int quantity(const struct loading *loading, const char *place, const char *member,
		    const char *text, parse_fn parse, text_fn write, uint64_t min, uint64_t max,
		    uint64_t *ret)
{
	char low[UNITS_TEXT_MAX], high[UNITS_TEXT_MAX];
	struct err why = {0};
	uint64_t value;

	if (parse(text, &value, &why) < 0)
		return scenario_wrong(loading, place, member, "%s: %s", member, why.text);
	if (value < min || value > max)
		return scenario_wrong(loading, place, member, "%s: '%.40s' is not within %s to %s",
				      member, text, write(min, low), write(max, high));
	*ret = value;
	return 0;
}

static int limit(const struct loading *loading, const char *place, const char *member,
		 const char *text, parse_fn parse, text_fn write, uint32_t *ret)
{
	uint64_t value = 0;
	int code = 0;

	if (strcmp(text, "unlimited") != 0)
		code = quantity(loading, place, member, text, parse, write, 1, QUEUE_MAX, &value);
	if (code >= 0)
		*ret = (uint32_t)value;
	return code;
}

static int share(const struct loading *loading, const char *place, const char *member,
		 const char *text, double *ret)
{
	struct err why = {0};

	if (units_parse_share(text, ret, &why) < 0)
		return scenario_wrong(loading, place, member, "%s: %s", member, why.text);
	return 0;
}

/* A trace's path: in the folder of the scenario, unless it is absolute. */
static char *trace_path(const char *scenario, const char *name)
{
	const char *slash = strrchr(scenario, '/');
	char *path = NULL;

	if (!slash || *name == '/')
		return strdup(name);
	if (asprintf(&path, "%.*s/%s", (int)(slash - scenario), scenario, name) < 0)
		return NULL;
	return path;
}

/* The trace of that name, loaded once however often it is named. */
static int find_trace(struct loading *loading, const char *place, const char *name,
		      const struct trace **ret)
{
	struct scenario *scenario = loading->scenario;
	_cleanup_free_ char *path = NULL;
	struct err why = {0};
	int code;

	for (unsigned i = 0; i < scenario->trace_count; i++)
		if (strcmp(scenario->trace_names[i], name) == 0) {
			*ret = scenario->traces[i];
			return 0;
		}
	if (scenario->trace_count == TRACES_MAX)
		return scenario_wrong(loading, place, "trace", "more than %d traces", TRACES_MAX);
	path = trace_path(loading->document->path, name);
	scenario->trace_names[scenario->trace_count] = strdup(name);
	if (!path || !scenario->trace_names[scenario->trace_count])
		return err_set(loading->err, -ENOMEM, "no memory");
	code = trace_load(path, &scenario->traces[scenario->trace_count], &why);
	if (code < 0) {
		free(scenario->trace_names[scenario->trace_count]);
		scenario_wrong(loading, place, "trace", "trace: %s", why.text);
		return code;
	}
	*ret = scenario->traces[scenario->trace_count++];
	return 0;
}

static int read_rate(struct loading *loading, const char *place, const struct yaml_shape *yaml,
		     struct shape *shape, unsigned *fields)
{
	if (yaml->rate && yaml->trace)
		return scenario_wrong(loading, place, "trace",
				      "either a rate or a trace, not both");
	if (yaml->rate || yaml->trace)
		*fields |= SHAPE_RATE;
	if (yaml->trace)
		return find_trace(loading, place, yaml->trace, &shape->trace);
	if (!yaml->rate || strcmp(yaml->rate, "unlimited") == 0)
		return 0;
	return quantity(loading, place, "rate", yaml->rate, units_parse_rate, units_rate_text,
			RATE_MIN, RATE_MAX, &shape->rate);
}

static int read_delays(const struct loading *loading, const char *place,
		       const struct yaml_shape *yaml, struct shape *shape, unsigned *fields)
{
	int code = 0;

	if (yaml->delay) {
		*fields |= SHAPE_DELAY;
		code = quantity(loading, place, "delay", yaml->delay, units_parse_time,
				units_time_text, 0, DELAY_MAX, &shape->delay);
	}
	if (code >= 0 && yaml->jitter) {
		*fields |= SHAPE_JITTER;
		code = quantity(loading, place, "jitter", yaml->jitter, units_parse_time,
				units_time_text, 0, DELAY_MAX, &shape->jitter);
	}
	return code;
}

static int read_burst(const struct loading *loading, const char *place,
		      const struct yaml_burst *yaml, struct burst *ret)
{
	struct burst burst = {.loss_bad = 1};
	char inside[PLACE_MAX + 8];
	int code;

	snprintf(inside, sizeof(inside), "%s.burst", place);
	code = share(loading, inside, "enter", yaml->enter, &burst.enter);
	if (code >= 0 && yaml->leave)
		code = share(loading, inside, "leave", yaml->leave, &burst.leave);
	if (code >= 0 && yaml->loss)
		code = share(loading, inside, "loss", yaml->loss, &burst.loss_bad);
	if (code >= 0 && yaml->good_loss)
		code = share(loading, inside, "good-loss", yaml->good_loss, &burst.loss_good);
	if (code >= 0 && burst.enter > 0 && burst.leave <= 0)
		code = scenario_wrong(loading, inside, "leave",
				      "a burst that is entered needs a 'leave' above 0, "
				      "or it never ends");
	if (code >= 0)
		*ret = burst;
	return code;
}

static int read_losses(const struct loading *loading, const char *place,
		       const struct yaml_shape *yaml, struct shape *shape, unsigned *fields)
{
	int code = 0;

	if (yaml->loss) {
		*fields |= SHAPE_LOSS;
		code = share(loading, place, "loss", yaml->loss, &shape->loss);
	}
	if (code >= 0 && yaml->burst) {
		*fields |= SHAPE_BURST;
		code = read_burst(loading, place, yaml->burst, &shape->burst);
	}
	if (code >= 0 && yaml->reorder) {
		*fields |= SHAPE_REORDER;
		code = share(loading, place, "reorder", yaml->reorder, &shape->reorder);
	}
	return code;
}

static int read_queue(const struct loading *loading, const char *place,
		      const struct yaml_queue *yaml, struct shape *shape, unsigned *fields)
{
	char inside[PLACE_MAX + 8];
	int code = 0;

	snprintf(inside, sizeof(inside), "%s.queue", place);
	if (yaml->packets) {
		*fields |= SHAPE_QUEUE_PACKETS;
		code = limit(loading, inside, "packets", yaml->packets, units_parse_count,
			     count_text, &shape->queue_packets);
	}
	if (code >= 0 && yaml->bytes) {
		*fields |= SHAPE_QUEUE_BYTES;
		code = limit(loading, inside, "bytes", yaml->bytes, units_parse_bytes,
			     units_bytes_text, &shape->queue_bytes);
	}
	return code;
}

int scenario_shape(struct loading *loading, const char *place, const struct yaml_shape *yaml,
		   struct shape *ret, unsigned *ret_fields)
{
	struct shape shape = {0};
	unsigned fields = 0;
	int code = read_rate(loading, place, yaml, &shape, &fields);

	if (code >= 0)
		code = read_delays(loading, place, yaml, &shape, &fields);
	if (code >= 0)
		code = read_losses(loading, place, yaml, &shape, &fields);
	if (code >= 0 && yaml->queue)
		code = read_queue(loading, place, yaml->queue, &shape, &fields);
	if (code < 0)
		return code;
	*ret = shape;
	*ret_fields = fields;
	return 0;
}

void scenario_shape_queue(struct shape *shape, uint64_t delay_back, unsigned mtu)
{
	double rate = (double)shape->rate, bytes,
	       least = QUEUE_FRAMES_MIN * (mtu + ETHERNET_HEADER);

	if (shape->trace)
		rate = (double)shape->trace->count * TRACE_OPPORTUNITY * 8 * NS_PER_S /
		       (double)shape->trace->period;
	if (rate <= 0)
		return;
	bytes = 2 * rate / 8 * (double)(shape->delay + delay_back) / NS_PER_S;
	if (bytes < least)
		bytes = least;
	shape->queue_bytes = bytes < (double)QUEUE_MAX ? (uint32_t)bytes : (uint32_t)QUEUE_MAX;
}

int scenario_check_queue(const struct loading *loading, const char *place, const char *member,
			 const struct shape *shape, unsigned mtu)
{
	if (shape->queue_bytes == 0 || shape->queue_bytes >= mtu + ETHERNET_HEADER)
		return 0;
	return scenario_wrong(loading, place, member,
			      "a queue of %u bytes holds no packet of full size "
			      "(expected at least %u: the mtu and an Ethernet header)",
			      shape->queue_bytes, mtu + ETHERNET_HEADER);
}
