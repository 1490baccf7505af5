/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What URLs had when somebody of the crowd fetched them: a name of an object, by whom and when. Nobody can check that who says so has
 * fetched it; whoever does not want to believe the crowd asks for an object by its name.
 */
#include "drop/node_parts.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASKS_MAX       16
#define ASK_AGAIN      (5 * NS_PER_S)
#define ASK_LIFETIME   (60 * 1000ULL) /* ms: who asks does not wait for long */
#define BELIEVED_AHEAD (60 * 1000ULL) /* ms that a clock may be ahead of ours */

static struct url_ask *find(const struct node *node, const char *url)
{
	for (unsigned i = 0; i < node->url_ask_count; i++)
		if (strcmp(node->url_asks[i].url, url) == 0)
			return &node->url_asks[i];
	return NULL;
}

/* A place for one that is asked now: the oldest one's, if there are many. */
static struct url_ask *place(struct node *node)
{
	struct url_ask *oldest;

	if (!node->url_asks)
		node->url_asks = calloc(ASKS_MAX, sizeof(*node->url_asks));
	if (!node->url_asks)
		return NULL;
	if (node->url_ask_count < ASKS_MAX)
		return &node->url_asks[node->url_ask_count++];
	oldest = node->url_asks;
	for (unsigned i = 1; i < ASKS_MAX; i++)
		if (node->url_asks[i].at < oldest->at)
			oldest = &node->url_asks[i];
	return oldest;
}

static void ask_all(struct node *node, const char *url)
{
	_cleanup_bytes_ struct bytes question = {0};
	struct object_message message = {.type = MESSAGE_WHERE};
	struct url_ask *ask = find(node, url);
	uint64_t now = clock_now();

	if (ask && now - ask->at < ASK_AGAIN)
		return;
	if (!ask)
		ask = place(node);
	if (!ask)
		return;
	snprintf(ask->url, sizeof(ask->url), "%s", url);
	ask->at = now;
	snprintf(message.url, sizeof(message.url), "%s", url);
	object_message_put(&question, &message);
	carry_send(node, ASKED_ALL, &question, &(struct carry_options){.lifetime = ASK_LIFETIME});
}

bool urls_find(struct node *node, const char *url, struct store_url *ret)
{
	if (store_url(node->store, url, ret))
		return true;
	ask_all(node, url);
	return false;
}

void urls_fetched(struct node *node, const char *url, const uint8_t id[static OBJECT_ID_SIZE])
{
	struct store_url what = {.fetched = node_wall()};

	memcpy(what.id, id, OBJECT_ID_SIZE);
	snprintf(what.node, sizeof(what.node), "%s", node->identity->node);
	store_url_set(node->store, url, &what);
}

void urls_asked(struct node *node, const char *asker, const char *url)
{
	_cleanup_bytes_ struct bytes answer = {0};
	struct object_message message = {.type = MESSAGE_NAMED};
	struct eid to = eid_make(asker, SERVICE_OBJECTS);
	struct store_url what;
	struct store_object *object;

	if (!store_url(node->store, url, &what) || strcmp(what.node, node->identity->node) != 0)
		return; /* who has fetched it says so himself */
	object = store_object(node->store, what.id);
	if (!object || object->have < object->count)
		return;
	memcpy(message.id, what.id, OBJECT_ID_SIZE);
	snprintf(message.url, sizeof(message.url), "%s", url);
	message.fetched = what.fetched;
	object_message_put(&answer, &message);
	carry_send(node, to.text, &answer, &(struct carry_options){.lifetime = ASK_LIFETIME});
}

void urls_named(struct node *node, const char *from, const struct object_message *message)
{
	struct store_url what = {.fetched = message->fetched};

	if (!find(node, message->url) || message->fetched > node_wall() + BELIEVED_AHEAD)
		return; /* nobody asked, or it has not been yet */
	memcpy(what.id, message->id, OBJECT_ID_SIZE);
	snprintf(what.node, sizeof(what.node), "%s", from);
	store_url_set(node->store, message->url, &what);
}
