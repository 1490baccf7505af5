/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rivulet links: the links of this device, and how `rivulet run` would use them. */
#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/policy.h"
#include "cli/say.h"
#include "link/speed.h"
#include "link/watch.h"
#include "stack/native.h"

#include <getopt.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

struct view {
	struct netstack netstack;
	struct policy policy;
	bool json;
};

/* A link as it is shown. */
struct shown {
	const struct links *links;
	const struct link *link;
	enum multipath_use use;
	enum policy_use policy;
	bool backup, metered, begins;
	uint32_t speed;
};

static struct shown show(const struct native_plan *plan, unsigned at)
{
	const struct link *link = &plan->links.all[at];

	return (struct shown){
		.links = &plan->links,
		.link = link,
		.use = plan->multipath.use[at],
		.policy = policy_of(plan->policy, link),
		.backup = policy_is_backup(plan->policy, link),
		.metered = policy_is_metered(plan->policy, link),
		.begins = multipath_begins_on(&plan->links, link),
		.speed = speed_read(link->name),
	};
}

static const char *use_text(const struct shown *shown)
{
	if (shown->use != MULTIPATH_USED)
		return "not used";
	return shown->backup ? "backup" : "used";
}

/* NULL: it has none. */
static const char *gateway_text(const struct shown *shown, sa_family_t family,
				char text[static ADDRESS_TEXT_MAX])
{
	const struct route *route = links_default(shown->links, shown->link, family);

	return route && route->gateway.family ? address_text(&route->gateway, text) : NULL;
}

static void print_link(const struct shown *shown, FILE *out)
{
	const struct link *link = shown->link;
	char text[ADDRESS_TEXT_MAX], speed[24] = "-";

	if (shown->speed)
		snprintf(speed, sizeof(speed), "%u Mbit/s", shown->speed);
	fprintf(out, "%-15s %-9s %-5s %12s %6u %-7s %-7s %s", link->name,
		link_kind_names[link->kind], link->up ? "up" : "down", speed, link->mtu,
		shown->metered ? "yes" : "-", policy_use_names[shown->policy], use_text(shown));
	if (shown->use != MULTIPATH_USED)
		fprintf(out, ": %s", multipath_use_text[shown->use]);
	if (shown->begins)
		fputs(shown->use == MULTIPATH_POLICY ? "; yet connections begin here"
						     : "; connections begin here",
		      out);
	fputc('\n', out);
	for (unsigned i = 0; i < link->address_count; i++) {
		const struct address *address = &link->addresses[i];

		fprintf(out, "  %s", address_text_prefix(address, text));
		if (gateway_text(shown, address->family, text))
			fprintf(out, " via %s", text);
		fputc('\n', out);
	}
}

static void print_table(const struct native_plan *plan, FILE *out)
{
	fprintf(out, "%-15s %-9s %-5s %12s %6s %-7s %-7s %s\n", "LINK", "KIND", "STATE", "SPEED",
		"MTU", "METERED", "POLICY", "USE");
	for (unsigned i = 0; i < plan->links.count; i++) {
		struct shown shown = show(plan, i);

		if (shown.link->kind != LINK_LOOPBACK)
			print_link(&shown, out);
	}
}

static json_t *describe(const struct shown *shown)
{
	const struct link *link = shown->link;
	const sa_family_t families[] = {AF_INET, AF_INET6};
	json_t *addresses = json_array(), *gateways = json_array();
	char text[ADDRESS_TEXT_MAX];

	for (unsigned i = 0; i < link->address_count; i++)
		json_array_append_new(addresses,
				      json_string(address_text_prefix(&link->addresses[i], text)));
	for (unsigned i = 0; i < ARRAY_SIZE(families); i++)
		if (gateway_text(shown, families[i], text))
			json_array_append_new(gateways, json_string(text));
	return json_pack("{ss si ss ss so si so so sb ss ss ss* sb}", "name", link->name, "index",
			 (int)link->index, "kind", link_kind_names[link->kind], "state",
			 link->up ? "up" : "down", "speed_mbit_s",
			 shown->speed ? json_integer(shown->speed) : json_null(), "mtu",
			 (int)link->mtu, "addresses", addresses, "gateways", gateways, "metered",
			 shown->metered, "policy", policy_use_names[shown->policy], "use",
			 use_text(shown), "why",
			 shown->use == MULTIPATH_USED ? NULL : multipath_use_text[shown->use],
			 "connections_begin", shown->begins);
}

static void print_json(const struct native_plan *plan, FILE *out)
{
	json_t *links = json_array(), *root = json_object();

	for (unsigned i = 0; i < plan->links.count; i++) {
		struct shown shown = show(plan, i);

		if (shown.link->kind != LINK_LOOPBACK)
			json_array_append_new(links, describe(&shown));
	}
	json_object_set_new(root, "links", links);
	json_dumpf(root, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(root);
}

/* All there is to say now; the caller frees it. */
static int describe_all(struct view *view, char **ret, struct err *err)
{
	const struct native_facts facts = {.policy = &view->policy};
	struct native_plan plan;
	char *text = NULL;
	size_t size;
	FILE *out;
	int code = native_plan(&view->netstack, &facts, &plan, err);

	if (code < 0)
		return code;
	out = open_memstream(&text, &size);
	if (out) {
		if (view->json)
			print_json(&plan, out);
		else
			print_table(&plan, out);
		fclose(out);
	}
	native_plan_free(&plan);
	if (!text)
		return err_set(err, -ENOMEM, "no memory to list the links");
	*ret = text;
	return 0;
}

static int print_now(struct view *view, char **last, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	int code = describe_all(view, &text, err);

	if (!text)
		return code;
	if (*last && strcmp(text, *last) == 0)
		return 0; /* what changed is not shown */
	if (*last && !view->json)
		putchar('\n');
	fputs(text, stdout);
	if (fflush(stdout) != 0)
		return err_set(err, -errno, "cannot write: %s", strerror(errno));
	free(*last);
	*last = steal_ptr(text);
	return 0;
}

static int print_links(struct view *view, bool watch, struct err *err)
{
	_cleanup_free_ char *last = NULL;
	_cleanup_nl_ struct nl *changes = NULL;
	struct pollfd fd = {.events = POLLIN};
	int code = watch ? watch_open(&changes) : 0; /* before the first look: nothing is missed */

	if (code < 0)
		return err_set(err, code, "cannot watch the links: %s", strerror(-code));
	code = print_now(view, &last, err);
	if (!watch)
		return code;
	fd.fd = nl_fd(changes);
	while (code == 0) {
		if (poll(&fd, 1, -1) > 0 && watch_changed(changes))
			code = print_now(view, &last, err);
	}
	return code;
}

static const char usage[] =
	"Usage: rivulet links [OPTION]...\n"
	"Lists the links of this device, and how `rivulet run` would use them and why.\n"
	"\n"
	"  --watch        list them again whenever something changes\n"
	"  --json         as one JSON object in one line\n" POLICY_USAGE;

enum { OPTION_WATCH = 1, OPTION_JSON, OPTION_HELP };

static const struct option options[] = {
	{"watch", no_argument, NULL, OPTION_WATCH},
	{"json", no_argument, NULL, OPTION_JSON},
	POLICY_OPTIONS,
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

int cmd_links(int argc, char **argv)
{
	struct view view = {0};
	struct err err = {0};
	bool watch = false;
	int option, code;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		code = 0;
		switch (option) {
		case OPTION_WATCH:
			watch = true;
			break;
		case OPTION_JSON:
			view.json = true;
			break;
		case OPTION_HELP:
			fputs(usage, stdout);
			return 0;
		default:
			code = policy_take(&view.policy, option, optarg, &err);
		}
		if (code != 0)
			return code < 0 ? say_failure(&err) : say_try_help("links");
	}
	if (optind < argc)
		return say_no_option("links", argv[optind]);
	if (policy_complete(&view.policy, false, &err) < 0)
		return say_failure(&err);
	code = netstack_open_host(&view.netstack);
	if (code < 0) {
		err_set(&err, code, "cannot reach the kernel's network configuration: %s",
			strerror(-code));
		return say_failure(&err);
	}
	code = print_links(&view, watch, &err);
	netstack_close(&view.netstack);
	return code < 0 ? say_failure(&err) : 0;
}
