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
#include "base/processes.h"
#include "base/units.h"
#include "run/linked.h"
#include "run/relaying_status.h"
#include "run/summary.h"
#include "run/supervisor.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

struct relaying {
	struct loop loop;
	struct loop_source control; /* the foreground's word that the program has ended */
	const struct supervisor *setup;
	struct attachment *attachment;
	struct via *via; /* NULL: no relay */
	struct linked linked;
	struct relaying_status status;
	char folder[PATH_MAX];
	int listener; /* -1: not yet */
	bool orphan;  /* nobody waits for us any more */
};

/* What the stack has seen of its subflows; false: it does not show them. */
static bool look(const struct relaying *r, struct stack_sight *ret)
{
	const struct stack_ops *ops = r->linked.stack->ops;

	if (!ops->look || ops->look(r->linked.stack, 0, ret) < 0)
		return false;
	free(ret->subflows);
	return true;
}

static void summarise(const struct relaying *r)
{
	const struct attachment_totals *totals = &r->attachment->totals;
	const struct run_options *options = r->setup->options;
	struct link all[NET_PORTS_MAX];
	const struct links links = {.all = all, .count = r->linked.packets.ports.count};
	struct stack_sight sight = {0};
	bool shows = look(r, &sight);
	const struct summary seen = {.links = &links,
				     .totals = {.fallbacks = sight.sum.fallbacks,
						.paths = sight.sum.paths,
						.path_count = sight.sum.path_count}};
	const struct summary_moved moved = {.stack = run_stack(options)->name,
					    .connections = totals->connections,
					    .sent = totals->sent,
					    .received = totals->received,
					    .seen = shows ? &seen : NULL};
	char received[UNITS_TEXT_MAX], sent[UNITS_TEXT_MAX];

	relaying_links(&r->linked.packets.ports, all);
	if (options->report)
		summary_moved_report(&moved, options->report);
	if (options->json)
		summary_moved_print_json(&moved, stderr);
	else if (!options->quiet)
		fprintf(stderr, "rivulet: stack %s: %llu connection%s, %s received, %s sent\n",
			moved.stack, (unsigned long long)moved.connections,
			moved.connections == 1 ? "" : "s",
			units_bytes_about(moved.received, received),
			units_bytes_about(moved.sent, sent));
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
	if (r->status.ended && !r->orphan && attachment_in_use(r->listener)) {
		summarise(r);
		let_the_caller_go(r);
	}
	return true;
}

/* The foreground says how the program has ended. */
static void hear(struct relaying *r)
{
	char what;

	/* One that was killed leaves a program that goes on; one that could start none has nothing to be told. */
	if (recv(r->control.fd, &what, 1, 0) != 1 || what == SUPERVISOR_FAILED)
		r->orphan = true;
	r->status.ended = true;
}

static void on_control(struct loop_source *source, uint32_t events)
{
	struct relaying *r = loop_owner(source, struct relaying, control);

	hear(r);
	loop_forget(&r->loop, source);
}

/* An error: it cannot be served any more. */
static int serve(struct relaying *r)
{
	int err = loop_watch(&r->loop, &r->control, EPOLLIN);

	/* Somebody who takes nothing any more is not told. */
	while (err == 0 && goes_on(r))
		err = loop_turn(&r->loop, r->status.ended ? 1000 : -1);
	return err;
}

static int open_stack(struct relaying *r, struct err *err)
{
	const struct run_options *options = r->setup->options;
	const struct linked_wishes wishes = {.policy = options->policy,
					     .ports = options->ports,
					     .memory = options->memory,
					     .verbose = options->verbose,
					     .explain = options->explain,
					     .quiet = options->quiet};

	return linked_open(&r->linked, run_stack(options), &wishes, r->setup->net, &r->loop, err);
}

static int open_attachment(struct relaying *r, struct err *err)
{
	const struct attachment_setup setup = {.listener = -1,
					       .stack = r->linked.stack,
					       .folder = r->folder,
					       .loop = &r->loop,
					       .steering = r->via ? via_steering(r->via) : NULL};

	return run_attachment(r->setup->options)->open(&setup, &r->attachment, err);
}

/* All that can fail, before there is a program that would go on without it. */
static int open_all(struct relaying *r, struct err *err)
{
	const struct run_options *options = r->setup->options;
	int code = fds_need(SUPERVISOR_FDS, err);

	if (code < 0)
		return code;
	if (!processes_are_ours()) {
		err_set(err, -ESRCH, "stack %s: %s", run_stack(options)->name, processes_advice);
		return -ESRCH;
	}
	code = folder_find(r->folder);
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
	linked_close(&r->linked);
	loop_close(&r->loop);
	via_close(r->via);
	folder_leave(r->folder);
}

static void attach(struct relaying *r, int listener)
{
	int err;

	if (r->attachment->ops->begin(r->attachment, listener) < 0) {
		fprintf(stderr, "rivulet: out of memory\n");
		return;
	}
	r->status.stack = r->linked.stack;
	relaying_status_open(&r->status, &r->loop);
	err = serve(r);
	relaying_status_close(&r->status, &r->loop);
	if (err == 0 && !r->status.ended)
		hear(r); /* we have seen the last of it before */
	if (!r->orphan)
		summarise(r);
}

int relaying_main(const struct supervisor *setup)
{
	struct relaying r = {.setup = setup,
			     .linked = LINKED_NONE,
			     .status = {.pid = setup->foreground,
					.argv = setup->options->argv,
					.ports = &r.linked.packets.ports},
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
