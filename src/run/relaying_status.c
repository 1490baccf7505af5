/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/relaying_status.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <string.h>

void relaying_links(const struct net_ports *ports, struct link ret[static NET_PORTS_MAX])
{
	for (unsigned i = 0; i < ports->count; i++) {
		const struct port *port = &ports->all[i];

		ret[i] = (struct link){.index = port->link,
				       .kind = port->kind,
				       .up = port->up,
				       .mtu = port->mtu,
				       .address_count = port->address_count};
		memcpy(ret[i].name, port->name, sizeof(ret[i].name));
		memcpy(ret[i].addresses, port->addresses, sizeof(ret[i].addresses));
	}
}

static char *make_text(const struct relaying_status *status, const struct stack_sight *sight)
{
	_cleanup_free_ struct status_subflow *seen = calloc(sight->count + 1, sizeof(*seen));
	struct link all[NET_PORTS_MAX];
	const struct links links = {.all = all, .count = status->ports->count};
	const struct status_facts said = {.pid = status->pid,
					  .argv = status->argv,
					  .ended = status->ended,
					  .links = &links,
					  .use = sight->use};
	json_t *object;
	char *text;

	if (!seen)
		return NULL;
	relaying_links(status->ports, all);
	for (unsigned i = 0; i < sight->count; i++) {
		const struct stack_subflow *from = &sight->subflows[i];

		seen[i] = (struct status_subflow){.socket = from->socket,
						  .connection = {.inode = from->socket.inode,
								 .fallback = from->fallback,
								 .sent = from->sent,
								 .received = from->received}};
	}
	object = status_json(&status->status, &said, clock_now(), seen, sight->count,
			     sight->left_out);
	text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}

static void on_ask(struct loop_source *source, uint32_t events)
{
	const struct relaying_status *status = loop_owner(source, struct relaying_status, asks);
	_cleanup_close_ int client = status_accept(&status->status);
	_cleanup_free_ char *text = NULL;
	struct stack_sight sight = {0};

	if (client < 0)
		return;
	if (status->stack->ops->look(status->stack, STATUS_SUBFLOWS_MAX, &sight) == 0)
		text = make_text(status, &sight);
	free(sight.subflows);
	if (text)
		status_reply(client, text);
}

void relaying_status_open(struct relaying_status *status, struct loop *loop)
{
	status->status.fd = -1;
	if (status->stack->ops->look)
		status_open(&status->status);
	status->asks = (struct loop_source){.fd = status->status.fd, .ready = on_ask};
	if (status->status.fd >= 0)
		loop_watch(loop, &status->asks, EPOLLIN);
}

void relaying_status_close(struct relaying_status *status, struct loop *loop)
{
	loop_forget(loop, &status->asks);
	status_close(&status->status);
}
