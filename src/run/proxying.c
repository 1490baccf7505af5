/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/proxying.h"

#include "attach/proxy/door.h"
#include "base/clock.h"
#include "base/units.h"
#include "run/user.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>

#define STAGGER (250 * NS_PER_MS) /* RFC 8305, section 8 */

struct service {
	struct proxying *proxying;
	const struct stack_ops *stack;
	struct stack *open_stack; /* owned by the proxy's process */
	struct via *via;          /* the same; NULL: no relay */
	struct proxy *proxy;      /* the same */
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

static int open_service(int own, void *data, struct err *err)
{
	struct service *service = data;
	struct proxying *proxying = service->proxying;
	struct proxy_options options = proxying->proxy;
	sigset_t ends;
	int code;

	/* From here on they are waited for. */
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN); /* splice(2) cannot be told not to */
	code = service->stack->open(&(struct stack_options){.stagger = STAGGER},
				    &service->open_stack, err);
	if (code < 0)
		return code;
	if (proxying->run.via) {
		struct via_options *via = malloc(sizeof(*via)); /* the agent's copy is its own */

		if (!via)
			return err_set(err, -ENOMEM, "out of memory");
		*via = *proxying->run.via;
		via->stack = service->stack;
		code = via_open(&service->via, via, own, err);
		free(via);
		if (code < 0)
			return code;
	}
	options.stack = service->via ? via_stack(service->via) : service->open_stack;
	options.supervisor = own;
	options.log = proxying->verbose ? stderr : NULL;
	code = proxy_open(&service->proxy, &options, err);
	if (code == 0 && !proxying->run.quiet)
		say_doors(service);
	if (code < 0)
		service->stack->close(service->open_stack);
	return code;
}

static void print_totals(const struct proxy_totals *totals, bool json)
{
	char sent[UNITS_TEXT_MAX], received[UNITS_TEXT_MAX];
	json_t *root;

	if (!json) {
		fprintf(stderr,
			"rivulet: %u client%s: %u connected, %u could not be, %u refused; %s "
			"received, %s sent\n",
			totals->clients, totals->clients == 1 ? "" : "s", totals->connected,
			totals->failed, totals->refused,
			units_bytes_about(totals->received, received),
			units_bytes_about(totals->sent, sent));
		return;
	}
	root = json_pack("{s:i, s:i, s:i, s:i, s:I, s:I}", "clients", (int)totals->clients,
			 "connected", (int)totals->connected, "failed", (int)totals->failed,
			 "refused", (int)totals->refused, "sent", (json_int_t)totals->sent,
			 "received", (json_int_t)totals->received);
	json_dumpf(root, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(root);
}

static int serve(void *data)
{
	struct service *service = data;
	const struct run_options *run = &service->proxying->run;
	struct proxy_totals totals;
	int err = proxy_run(service->proxy, &totals);

	proxy_close(service->proxy);
	via_close(service->via);
	service->stack->close(service->open_stack);
	if (err < 0)
		fprintf(stderr, "rivulet: the proxy cannot go on: %s\n", strerror(-err));
	if (run->json || !run->quiet)
		print_totals(&totals, run->json);
	return err < 0 ? RUN_FAILED : 0;
}

/* Files of listening sockets outlive a process that was killed. */
static void clean(void *data)
{
	const struct service *service = data;
	const struct proxy_options *options = &service->proxying->proxy;

	for (unsigned i = 0; i < options->listen_count; i++)
		door_clean(options->listen[i]);
}

int proxying_run(struct proxying *proxying, struct err *err)
{
	struct service service = {
		.proxying = proxying,
	};
	const struct run_service run = {
		.attachment = &attachment_announce,
		.open = open_service,
		.serve = serve,
		.clean = clean,
		.data = &service,
	};

	if (stack_choose(proxying->stack, false, proxying->run.quiet ? NULL : passed_over,
			 &service.stack, err) < 0)
		return RUN_FAILED;
	if (service.stack->uses_host_links) {
		proxying->run.service = &run;
		return run_program(&proxying->run, err);
	}
	if (!proxying->run.as_root && user_leave_sudo(err) < 0)
		return RUN_FAILED;
	return open_service(-1, &service, err) < 0 ? RUN_FAILED : serve(&service);
}
