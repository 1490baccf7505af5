/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/proxying.h"

#include "attach/proxy/door.h"
#include "base/clock.h"
#include "base/units.h"
#include "run/linked.h"
#include "run/relaying_status.h"
#include "run/summary.h"
#include "run/user.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define STAGGER (250 * NS_PER_MS) /* RFC 8305, section 8 */

struct service {
	struct proxying *proxying;
	const struct stack_ops *stack;
	int net; /* to rivulet-net, for a stack that needs packets; else -1 */
	/* In the proxy's process: */
	struct loop loop;
	struct linked linked; /* its stack makes the connections */
	struct via *via;      /* or this does; NULL: no relay */
	struct proxy *proxy;
	struct relaying_status status; /* of a stack that no supervisor can look into */
};

static void passed_over(const char *why)
{
	fprintf(stderr, "rivulet: %s\n", why);
}

static void say_doors(const struct service *service)
{
	const char *door;

	for (unsigned i = 0; (door = proxy_door(service->proxy, i)); i++)
		fprintf(stderr, "rivulet: SOCKS5 and HTTP proxy at %s, on stack %s\n", door,
			service->stack->name);
}

static int open_relay(struct service *service, int own, struct err *err)
{
	struct via_options *via = malloc(sizeof(*via)); /* the agent's copy is its own */
	int code;

	if (!via)
		return err_set(err, -ENOMEM, "out of memory");
	*via = *service->proxying->run.via;
	via->stack = service->stack;
	code = via_open(&service->via, via, own, err);
	free(via);
	return code;
}

static int open_stack(struct service *service, struct err *err)
{
	const struct run_options *run = &service->proxying->run;
	const struct linked_wishes wishes = {.policy = run->policy,
					     .stagger = STAGGER,
					     .explain = run->explain,
					     .quiet = run->quiet};

	return linked_open(&service->linked, service->stack, &wishes, service->net, &service->loop,
			   err);
}

static int open_proxy(struct service *service, int own, struct err *err)
{
	const struct proxying *proxying = service->proxying;
	struct proxy_options options = proxying->proxy;

	options.stack = service->via ? via_stack(service->via) : service->linked.stack;
	options.loop = &service->loop;
	options.supervisor = own;
	options.log = proxying->verbose ? stderr : NULL;
	return proxy_open(&service->proxy, &options, err);
}

static void open_status(struct service *service)
{
	service->status.pid = getpid();
	service->status.argv = service->proxying->run.argv;
	service->status.ports = &service->linked.packets.ports;
	service->status.stack = service->linked.stack;
	relaying_status_open(&service->status, &service->loop);
}

static void close_service(struct service *service)
{
	relaying_status_close(&service->status, &service->loop);
	if (service->proxy)
		proxy_close(service->proxy);
	via_close(service->via);
	linked_close(&service->linked);
	loop_close(&service->loop);
}

static int open_service(int own, void *data, struct err *err)
{
	struct service *service = data;
	const struct proxying *proxying = service->proxying;
	sigset_t ends;
	int code;

	/* From here on they are waited for. */
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN); /* splice(2) cannot be told not to */
	code = loop_open(&service->loop);
	if (code < 0)
		return err_set(err, code, "the proxy cannot wait: %s", strerror(-code));
	code = proxying->run.via ? open_relay(service, own, err) : open_stack(service, err);
	if (code == 0)
		code = open_proxy(service, own, err);
	if (code < 0) {
		close_service(service);
		return code;
	}
	if (service->linked.stack)
		open_status(service);
	if (!proxying->run.quiet)
		say_doors(service);
	return 0;
}

static int print_totals(const struct proxy_totals *totals, bool json)
{
	char sent[UNITS_TEXT_MAX], received[UNITS_TEXT_MAX];
	json_t *root;
	int code;

	if (!json) {
		fprintf(stderr,
			"rivulet: %u client%s: %u connected, %u could not be, %u refused; %s "
			"received, %s sent\n",
			totals->clients, totals->clients == 1 ? "" : "s", totals->connected,
			totals->failed, totals->refused,
			units_bytes_about(totals->received, received),
			units_bytes_about(totals->sent, sent));
		return 0;
	}
	root = json_pack("{s:i, s:i, s:i, s:i, s:I, s:I}", "clients", (int)totals->clients,
			 "connected", (int)totals->connected, "failed", (int)totals->failed,
			 "refused", (int)totals->refused, "sent", (json_int_t)totals->sent,
			 "received", (json_int_t)totals->received);
	errno = EIO;
	code = json_dumpf(root, stdout, JSON_COMPACT) < 0 || putchar('\n') == EOF ||
			       fflush(stdout) != 0
		       ? -errno
		       : 0;
	json_decref(root);
	return code;
}

static int serve(void *data)
{
	struct service *service = data;
	const struct run_options *run = &service->proxying->run;
	struct proxy_totals totals;
	int err = proxy_run(service->proxy, &totals), lost = 0;

	close_service(service);
	if (err < 0)
		fprintf(stderr, "rivulet: the proxy cannot go on: %s\n", strerror(-err));
	/* Where there are links of the host's, the supervisor says what went over which. */
	if (run->report && !service->stack->uses_host_links)
		summary_moved_report(&(struct summary_moved){.stack = service->stack->name,
							     .connections = totals.connected,
							     .sent = totals.sent,
							     .received = totals.received},
				     run->report);
	if (run->json || !run->quiet)
		lost = print_totals(&totals, run->json);
	if (lost < 0)
		fprintf(stderr, "rivulet: cannot write the summary: %s\n", strerror(-lost));
	return err < 0 || lost < 0 ? RUN_FAILED : 0;
}

/* Files of listening sockets outlive a process that was killed. */
static void clean(void *data)
{
	const struct service *service = data;
	const struct proxy_options *options = &service->proxying->proxy;

	for (unsigned i = 0; i < options->listen_count; i++)
		door_clean(options->listen[i]);
}

/* The proxy where there is no link of the host's to set up: this process is all that there is to it, beside what the stack has. */
static int run_here(struct service *service, struct err *err)
{
	const struct run_options *run = &service->proxying->run;

	/* Before anything else: it has the caller's rights. With a relay, its agent has the stack. */
	if (service->stack->needs_packets && !run->via) {
		service->net = net_start(err);
		if (service->net < 0)
			return RUN_FAILED;
	}
	if (!run->as_root && user_leave_sudo(err) < 0)
		return RUN_FAILED;
	return open_service(-1, service, err) < 0 ? RUN_FAILED : serve(service);
}

int proxying_run(struct proxying *proxying, struct err *err)
{
	struct service service = {
		.proxying = proxying, .net = -1, .linked = LINKED_NONE, .status.status.fd = -1};
	const struct run_service run = {
		.attachment = &attachment_announce,
		.open = open_service,
		.serve = serve,
		.clean = clean,
		.data = &service,
	};

	if (stack_choose(proxying->stack, proxying->run.quiet ? NULL : passed_over, &service.stack,
			 err) < 0)
		return RUN_FAILED;
	if (service.stack->uses_host_links) {
		proxying->run.service = &run;
		return run_program(&proxying->run, err);
	}
	return run_here(&service, err);
}
