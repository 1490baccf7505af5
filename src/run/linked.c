/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/linked.h"

#include "base/clock.h"
#include "link/metered.h"

#include <stdio.h>

static void say(enum net_report_kind kind, const char *text, void *data)
{
	const struct linked_wishes *wishes = data;

	if (kind == NET_EXPLAINS ? wishes->explain : !wishes->quiet)
		fprintf(stderr, "rivulet: %s\n", text);
}

/* As a stack is opened with them, and as it is told of them later. */
static struct stack_links links_now(struct linked *linked)
{
	struct stack_links links = packets_links(&linked->packets);

	links.policy = &linked->policy;
	links.memory = linked->wishes.memory;
	links.verbose = linked->wishes.verbose;
	return links;
}

static void refresh(struct linked *linked)
{
	const struct stack_links links = links_now(linked);

	if (linked->stack && linked->stack->ops->refresh)
		linked->stack->ops->refresh(linked->stack, &links);
}

static void on_changed(struct packets *packets)
{
	refresh(loop_owner(packets, struct linked, packets));
}

static void on_prices(struct loop_source *source, uint32_t events)
{
	struct linked *linked = loop_owner(source, struct linked, prices);
	struct policy known;

	if (metered_hear(linked->metered, &known)) {
		policy_know(&linked->policy, &known);
		refresh(linked);
	}
	if (metered_fd(linked->metered) < 0)
		loop_forget_closed(linked->loop, source);
}

static void on_begin(struct loop_timer *timer)
{
	struct linked *linked = loop_owner(timer, struct linked, begin);

	linked->metered = metered_follow();
	linked->prices =
		(struct loop_source){.fd = metered_fd(linked->metered), .ready = on_prices};
	if (linked->metered && loop_watch(linked->loop, &linked->prices, EPOLLIN) == 0)
		on_prices(&linked->prices, EPOLLIN);
}

/* From within the loop: nothing waits for a bus before it can begin. */
static void follow_prices(struct linked *linked)
{
	linked->begin.due = on_begin;
	loop_set(linked->loop, &linked->begin, clock_now());
}

static int open_packets(struct linked *linked, int net, struct err *err)
{
	linked->packets.say = say;
	linked->packets.data = &linked->wishes;
	linked->packets.way = linked->wishes.ports;
	linked->packets.changed = on_changed;
	if (linked->wishes.policy)
		linked->policy = *linked->wishes.policy;
	return packets_open(&linked->packets, net, &linked->policy, linked->loop, err);
}

int linked_open(struct linked *linked, const struct stack_ops *ops,
		const struct linked_wishes *wishes, int net, struct loop *loop, struct err *err)
{
	struct stack_options options = {.stagger = wishes->stagger};
	struct stack_links links;
	int code;

	linked->wishes = *wishes;
	linked->loop = loop;
	if (!ops->needs_packets)
		return ops->open(&options, &linked->stack, err);
	code = open_packets(linked, net, err);
	if (code < 0)
		return err_prefix(err, code, "stack %s has no links", ops->name);
	links = links_now(linked);
	options.links = &links;
	code = ops->open(&options, &linked->stack, err);
	if (code == 0 && ops->refresh)
		follow_prices(linked);
	return code;
}

void linked_close(struct linked *linked)
{
	loop_unset(linked->loop, &linked->begin);
	loop_forget(linked->loop, &linked->prices);
	metered_close(linked->metered);
	if (linked->stack)
		linked->stack->ops->close(linked->stack);
	packets_close(&linked->packets);
}
