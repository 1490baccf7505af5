/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rivulet probe: what this device can do, and which stacks can run on it. */
#include "base/cleanup.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "link/links.h"
#include "link/speed.h"
#include "probe/attachments.h"
#include "probe/calibrate.h"
#include "probe/device.h"
#include "probe/feature.h"
#include "stack/stack.h"

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MAX 32

/* Something that is to be had here or not. */
struct row {
	const char *name, *summary;
	bool available;
	struct err why; /* not */
};

struct rows {
	struct row all[ROWS_MAX];
	unsigned count;
};

struct found {
	struct device device;
	struct calibration calibration;
	bool calibrated;
	struct links links;
	struct rows features, attachments, stacks;
};

static void look_for(struct rows *rows, const char *name, const char *summary,
		     int (*look)(struct err *why))
{
	struct row *row = &rows->all[rows->count];

	if (rows->count == ROWS_MAX)
		return;
	*row = (struct row){.name = name, .summary = summary};
	row->available = look(&row->why) >= 0;
	rows->count++;
}

static void look_for_attachment(struct rows *rows, const struct attachment_need *need)
{
	struct row *row = &rows->all[rows->count];

	if (rows->count == ROWS_MAX)
		return;
	*row = (struct row){.name = need->name, .summary = need->summary};
	row->available = attachment_look(need, &row->why) >= 0;
	rows->count++;
}

/* One that is here does not run without the packets of links, if those are its business. */
static void look_for_stack(struct rows *rows, const struct stack_ops *stack)
{
	struct row *row = &rows->all[rows->count];

	if (rows->count == ROWS_MAX)
		return;
	look_for(rows, stack->name, stack->summary, stack->probe);
	if (row->available && (stack->needs_packets || stack->machine))
		row->available = feature_look("packets", &row->why) >= 0;
}

/* A device whose links cannot be listed is described without them. */
static void read_links(struct links *ret)
{
	_cleanup_nl_ struct nl *nl = NULL;

	if (nl_open(&nl, NETLINK_ROUTE) < 0 || links_read(nl, ret) < 0)
		*ret = (struct links){0};
}

static void find_out(struct found *found)
{
	device_read(&found->device);
	if (found->calibrated)
		calibrate(found->device.memory_free, &found->calibration);
	read_links(&found->links);
	for (const struct feature *feature = features; feature->name; feature++)
		look_for(&found->features, feature->name, feature->purpose, feature->look);
	for (const struct attachment_need *need = attachment_needs; need->name; need++)
		look_for_attachment(&found->attachments, need);
	for (unsigned i = 0; stacks[i]; i++)
		look_for_stack(&found->stacks, stacks[i]);
}

static void print_device(const struct device *device, FILE *out)
{
	char total[UNITS_TEXT_MAX], left[UNITS_TEXT_MAX], limit[UNITS_TEXT_MAX];

	fprintf(out, "device    %s, %s %s\n", device->machine, device->system, device->release);
	fprintf(out, "cpu       %u of %u usable%s%s", device->usable_cpus, device->cpus,
		device->cpu[0] ? ", " : "", device->cpu);
	if (device->cpu_share > 0)
		fprintf(out, "; a control group allows the time of %.2f", device->cpu_share);
	fprintf(out, "\nmemory    %s, %s free", units_bytes_about(device->memory, total),
		units_bytes_about(device->memory_free, left));
	if (device->memory_limit != DEVICE_UNLIMITED)
		fprintf(out, "; a control group allows %s",
			units_bytes_about(device->memory_limit, limit));
	if (device->cgroup)
		fprintf(out, "\ncgroup    version %d\n", device->cgroup);
	else
		fputs("\ncgroup    none is mounted: nothing can be limited\n", out);
}

static void print_speed(const struct calibration *speed, FILE *out)
{
	char memory[UNITS_TEXT_MAX];

	fprintf(out,
		"speed     copies %s/s; a system call %.0f ns, a switch of processes %.2f us, a "
		"packet "
		"over loopback %.2f us\n",
		units_bytes_about((uint64_t)speed->memory, memory), speed->call,
		speed->handoff / 1e3, speed->packet / 1e3);
}

static void print_links(const struct links *links, FILE *out)
{
	fputs("links\n", out);
	for (unsigned i = 0; i < links->count; i++) {
		const struct link *link = &links->all[i];
		uint32_t speed = speed_read(link->name);

		if (link->kind == LINK_LOOPBACK)
			continue;
		fprintf(out, "  %-18s %-4s %s", link->name, link->up ? "up" : "down",
			link_kind_names[link->kind]);
		if (speed)
			fprintf(out, ", %u Mbit/s", speed);
		fputc('\n', out);
	}
}

static void print_rows(const char *title, const struct rows *rows, FILE *out)
{
	fprintf(out, "%s\n", title);
	for (unsigned i = 0; i < rows->count; i++) {
		const struct row *row = &rows->all[i];

		fprintf(out, "  %-18s %-4s %s\n", row->name, row->available ? "yes" : "no",
			row->available ? row->summary : row->why.text);
	}
}

static void print_table(const struct found *found, FILE *out)
{
	print_device(&found->device, out);
	if (found->calibrated)
		print_speed(&found->calibration, out);
	print_links(&found->links, out);
	print_rows("features", &found->features, out);
	print_rows("attachments", &found->attachments, out);
	print_rows("stacks", &found->stacks, out);
}

static json_t *describe_device(const struct device *device)
{
	return json_pack("{ss ss ss ss* sI sI so sI sI so si}", "architecture", device->machine,
			 "system", device->system, "kernel", device->release, "cpu",
			 device->cpu[0] ? device->cpu : NULL, "cpus", (json_int_t)device->cpus,
			 "cpus_usable", (json_int_t)device->usable_cpus, "cpu_share",
			 device->cpu_share > 0 ? json_real(device->cpu_share) : json_null(),
			 "memory_bytes", (json_int_t)device->memory, "memory_free_bytes",
			 (json_int_t)device->memory_free, "memory_limit_bytes",
			 device->memory_limit == DEVICE_UNLIMITED
				 ? json_null()
				 : json_integer((json_int_t)device->memory_limit),
			 "cgroup", device->cgroup);
}

static json_t *describe_links(const struct links *links)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < links->count; i++) {
		const struct link *link = &links->all[i];
		uint32_t speed = speed_read(link->name);

		if (link->kind != LINK_LOOPBACK)
			json_array_append_new(all,
					      json_pack("{ss ss ss so}", "name", link->name, "kind",
							link_kind_names[link->kind], "state",
							link->up ? "up" : "down", "speed_mbit_s",
							speed ? json_integer(speed) : json_null()));
	}
	return all;
}

static json_t *describe_rows(const struct rows *rows)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < rows->count; i++) {
		const struct row *row = &rows->all[i];

		json_array_append_new(all, json_pack("{ss ss sb ss*}", "name", row->name, "summary",
						     row->summary, "available", row->available,
						     "why", row->available ? NULL : row->why.text));
	}
	return all;
}

static void print_json(const struct found *found, FILE *out)
{
	const struct calibration *speed = &found->calibration;
	json_t *root = json_object();

	json_object_set_new(root, "device", describe_device(&found->device));
	json_object_set_new(root, "calibration",
			    found->calibrated
				    ? json_pack("{sf sf sf sf}", "memory_bytes_s", speed->memory,
						"system_call_ns", speed->call, "switch_ns",
						speed->handoff, "packet_ns", speed->packet)
				    : json_null());
	json_object_set_new(root, "links", describe_links(&found->links));
	json_object_set_new(root, "features", describe_rows(&found->features));
	json_object_set_new(root, "attachments", describe_rows(&found->attachments));
	json_object_set_new(root, "stacks", describe_rows(&found->stacks));
	json_dumpf(root, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(root);
}

static const char usage[] =
	"Usage: rivulet probe [OPTION]...\n"
	"Says what this device can do: processor, memory, kernel, links, how fast it is, and "
	"which\n"
	"stacks can run on it; if one cannot, why, and the one thing that would change it.\n"
	"\n"
	"  --quick        do not measure how fast it is\n"
	"  --json         as one JSON object in one line\n"
	"  --help         this text\n";

enum { OPTION_QUICK = 1, OPTION_JSON, OPTION_HELP };

static const struct option options[] = {
	{"quick", no_argument, NULL, OPTION_QUICK},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

int cmd_probe(int argc, char **argv)
{
	struct found found = {.calibrated = true};
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case OPTION_QUICK:
			found.calibrated = false;
			break;
		case OPTION_JSON:
			json = true;
			break;
		case OPTION_HELP:
			fputs(usage, stdout);
			return 0;
		default:
			return say_try_help("probe");
		}
	}
	if (optind < argc)
		return say_no_option("probe", argv[optind]);
	find_out(&found);
	if (json)
		print_json(&found, stdout);
	else
		print_table(&found, stdout);
	links_free(&found.links);
	return 0;
}
