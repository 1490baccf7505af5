/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor of a run on a stack that does not use the host's links: it serves the attachment, and nothing else. It lives
 * as long as a process is attached or bytes are on their way, for without it the program's connections would be cut off.
 */
#include "attach/attachment.h"
#include "base/cleanup.h"
#include "base/fds.h"
#include "base/folder.h"
#include "base/loop.h"
#include "base/units.h"
#include "link/metered.h"
#include "run/packets.h"
#include "run/relaying_status.h"
#include "run/supervisor.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>

struct relaying {
	struct loop loop;
	struct loop_source control; /* the foreground's word that the program has ended */
	const struct supervisor *setup;
	struct attachment *attachment;
	struct via *via;        /* NULL: no relay */
	struct packets packets; /* for a stack that needs them */
	struct policy policy;   /* for them, as it is now */
	struct metered *metered;
	struct loop_source prices; /* of @metered: it has something to say */
	struct stack *stack;
	struct status status;
	struct loop_source asks; /* of @status: who wants to know */
	char folder[PATH_MAX];
	int listener; /* -1: not yet */
	bool ended;   /* the program has */
	bool orphan;  /* nobody waits for us any more */
};

static json_t *describe(const struct relaying *r)
{
	const struct attachment_totals *totals = &r->attachment->totals;

	return json_pack("{ss sI sI sI}", "stack", run_stack(r->setup->options)->name,
			 "connections", (json_int_t)totals->connections, "received",
			 (json_int_t)totals->received, "sent", (json_int_t)totals->sent);
}

static void print_json(const struct relaying *r, FILE *out)
{
	json_t *object = describe(r);

	json_dumpf(object, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(object);
}

static void summarise(const struct relaying *r)
{
	const struct attachment_totals *totals = &r->attachment->totals;
	const struct run_options *options = r->setup->options;
	char received[UNITS_TEXT_MAX], sent[UNITS_TEXT_MAX];

	if (options->report) {
		_cleanup_fclose_ FILE *file = fopen(options->report, "we");

		if (file)
			print_json(r, file);
		if (!file || fflush(file) != 0)
			fprintf(stderr, "rivulet: cannot write the report %s: %s\n",
				options->report, strerror(errno));
	}
	if (options->json)
		print_json(r, stderr);
	else if (!options->quiet)
		fprintf(stderr, "rivulet: stack %s: %llu connection%s, %s received, %s sent\n",
			run_stack(options)->name, (unsigned long long)totals->connections,
			totals->connections == 1 ? "" : "s",
			units_bytes_about(totals->received, received),
			units_bytes_about(totals->sent, sent));
}

/* There is no more to wait for: what the caller reads from our standard error ends. */
static void let_the_caller_go(struct relaying *r)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, STDERR_FILENO);
	close_fd(null);
	supervisor_say(r->setup->control, SUPERVISOR_STAYS);
	if (r->via)
		via_hush(r->via);
	r->orphan = true;
}

static bool goes_on(struct relaying *r)
{
	if (!r->attachment->ops->is_busy(r->attachment))
		return false;
	if (r->ended && !r->orphan && attachment_in_use(r->listener)) {
		summarise(r);
		let_the_caller_go(r);
	}
	return true;
}

static void on_control(struct loop_source *source, uint32_t events)
{
	struct relaying *r = loop_owner(source, struct relaying, control);
	char what;

	/* A foreground that was killed leaves a program that goes on. */
	if (recv(source->fd, &what, 1, MSG_DONTWAIT) != 1)
		r->orphan = true;
	r->ended = true;
	loop_forget(&r->loop, source);
}

static void on_ask(struct loop_source *source, uint32_t events)
{
	const struct relaying *r = loop_owner(source, struct relaying, asks);
	const struct relaying_facts facts = {.pid = r->setup->foreground,
					     .argv = r->setup->options->argv,
					     .ended = r->ended,
					     .ports = &r->packets.ports,
					     .stack = r->stack};

	relaying_status_answer(&r->status, &facts);
}

/* Where the stack's connections are not those of the host, which all could be looked through. */
static void open_status(struct relaying *r)
{
	r->status.fd = -1;
	if (r->stack->ops->look)
		status_open(&r->status);
	r->asks = (struct loop_source){.fd = r->status.fd, .ready = on_ask};
	if (r->status.fd >= 0)
		loop_watch(&r->loop, &r->asks, EPOLLIN);
}

static void serve(struct relaying *r)
{
	int err = loop_watch(&r->loop, &r->control, EPOLLIN);

	/* Somebody who takes nothing any more is not told. */
	while (err == 0 && goes_on(r))
		err = loop_turn(&r->loop, r->ended ? 1000 : -1);
}

static void say(enum net_report_kind kind, const char *text, void *data)
{
	const struct run_options *options = data;

	if (kind == NET_EXPLAINS ? options->explain : !options->quiet)
		fprintf(stderr, "rivulet: %s\n", text);
}

static void on_changed_links(struct packets *packets)
{
	struct relaying *r = loop_owner(packets, struct relaying, packets);
	struct stack_links links = packets_links(packets);

	links.policy = &r->policy;
	if (r->stack && r->stack->ops->refresh)
		r->stack->ops->refresh(r->stack, &links);
}

static void on_prices(struct loop_source *source, uint32_t events)
{
	struct relaying *r = loop_owner(source, struct relaying, prices);
	struct policy known;

	if (metered_hear(r->metered, &known)) {
		policy_know(&r->policy, &known);
		on_changed_links(&r->packets);
	}
	if (metered_fd(r->metered) < 0)
		loop_forget_closed(&r->loop, source);
}

static void follow_prices(struct relaying *r)
{
	r->metered = r->stack->ops->refresh ? metered_follow() : NULL;
	r->prices = (struct loop_source){.fd = metered_fd(r->metered), .ready = on_prices};
	if (r->metered && loop_watch(&r->loop, &r->prices, EPOLLIN) == 0)
		on_prices(&r->prices, EPOLLIN);
}

static int open_stack(struct relaying *r, struct err *err)
{
	const struct run_options *options = r->setup->options;
	const struct stack_ops *ops = run_stack(options);
	struct stack_links links;
	int code;

	if (!ops->needs_packets)
		return ops->open(&(struct stack_options){0}, &r->stack, err);
	r->packets.say = say;
	r->packets.data = (void *)options;
	r->packets.way = options->ports;
	r->packets.changed = on_changed_links;
	if (options->policy)
		r->policy = *options->policy;
	code = packets_open(&r->packets, r->setup->net, &r->policy, &r->loop, err);
	if (code < 0)
		return err_prefix(err, code, "stack %s has no links", ops->name);
	links = packets_links(&r->packets);
	links.policy = &r->policy;
	links.memory = options->memory;
	links.verbose = options->verbose;
	return ops->open(&(struct stack_options){.links = &links}, &r->stack, err);
}

static int open_attachment(struct relaying *r, struct err *err)
{
	const struct attachment_setup setup = {.listener = -1,
					       .stack = r->stack,
					       .folder = r->folder,
					       .loop = &r->loop,
					       .steering = r->via ? via_steering(r->via) : NULL};

	return run_attachment(r->setup->options)->open(&setup, &r->attachment, err);
}

/* All that can fail, before there is a program that would go on without it. */
static int open_all(struct relaying *r, struct err *err)
{
	const struct run_options *options = r->setup->options;
	int code = folder_find(r->folder);

	if (code < 0)
		return err_set(err, code, "there is no folder for sockets (/run/user, /tmp): %s",
			       strerror(-code));
	code = loop_open(&r->loop);
	if (code < 0)
		return err_set(err, code, "the supervisor cannot wait: %s", strerror(-code));
	if (options->via)
		code = via_open(&r->via, options->via, -1, err);
	if (code == 0)
		code = open_stack(r, err);
	return code < 0 ? code : open_attachment(r, err);
}

static void close_all(struct relaying *r)
{
	if (r->attachment)
		r->attachment->ops->close(r->attachment);
	if (r->stack)
		r->stack->ops->close(r->stack);
	packets_close(&r->packets);
	loop_close(&r->loop);
	via_close(r->via);
	folder_leave(r->folder);
}

static void attach(struct relaying *r, int listener)
{
	if (r->attachment->ops->begin(r->attachment, listener) < 0) {
		fprintf(stderr, "rivulet: out of memory\n");
		return;
	}
	open_status(r);
	follow_prices(r);
	serve(r);
	loop_forget(&r->loop, &r->prices);
	metered_close(r->metered);
	loop_forget(&r->loop, &r->asks);
	status_close(&r->status);
	if (!r->orphan)
		summarise(r);
}

int relaying_main(const struct supervisor *setup)
{
	struct relaying r = {.setup = setup,
			     .packets.net.fd = -1,
			     .loop.epoll = -1,
			     .listener = -1,
			     .control = {.fd = setup->control, .ready = on_control}};
	_cleanup_close_ int listener = -1;
	struct err err = {0};
	int code = open_all(&r, &err);

	if (code < 0)
		fprintf(stderr, "rivulet: %s\n", err.text);
	else
		supervisor_say(setup->control, SUPERVISOR_READY);
	if (code == 0)
		r.listener = listener = fds_receive(setup->handoff);
	if (listener >= 0)
		attach(&r, listener);
	close_all(&r);
	supervisor_say(setup->control, SUPERVISOR_DONE);
	return code < 0 ? RUN_FAILED : 0;
}
