/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What programs of this device ask the node, by HTTP over the UNIX socket "control" in its folder, which its user alone can
 * reach. libmicrohttpd runs inside the node's loop: its epoll descriptor is polled.
 *
 *     GET  /v1/node            who this node is, and what it holds
 *     GET  /v1/peers           who is near
 *     GET  /v1/urls?url=URL    what somebody of the crowd found there; while nobody says so all are asked
 *     POST /v1/objects         keeps the body: {"id": ..., "size": ...}; ?to=NODE&lifetime=MS: and brings it there;
 *                              ?url=URL: it was fetched there
 *     GET  /v1/objects/ID      an object, from wherever it is; ?timeout=MS: how long to wait where nothing comes
 *     POST /v1/tasks           tasks to be done (api_submit.c): {"group": ..., "tasks": [ID...]}
 *     GET  /v1/tasks           where they are; ?group=ID&skip=N: those of one; /v1/tasks/GROUP: how many of them are over
 *     GET  /v1/tasks/ID/output, /v1/tasks/ID/error   what one wrote
 *     DELETE /v1/tasks/ID      is not wanted any more; or all of a group
 */
#include "drop/api.h"
#include "drop/node_parts.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hex.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define CALLS_MAX 64

static int listen_at(const char *path, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, -ENAMETOOLONG, "'%s' is too long for a socket", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return err_set(err, -EADDRINUSE, "a node runs here already ('%s')", path);
	close_fd(steal_fd(&fd));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(path, 0600) < 0 || listen(fd, CALLS_MAX) < 0)
		return err_set(err, -errno, "cannot listen at '%s': %s", path, strerror(errno));
	return steal_fd(&fd);
}

enum MHD_Result api_reply(struct MHD_Connection *connection, unsigned status, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);
	struct MHD_Response *response;
	enum MHD_Result result;

	json_decref(body);
	if (!text)
		return MHD_NO;
	response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", "application/json");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

enum MHD_Result api_refuse(struct MHD_Connection *connection, unsigned status, const char *why)
{
	return api_reply(connection, status, json_pack("{s:s}", "error", why));
}

static enum MHD_Result tell_node(struct api *api, struct MHD_Connection *connection)
{
	const struct node *node = api->node;
	char crowd[2 * CROWD_ID_SIZE + 1];

	hex_text(node->identity->crowd, CROWD_ID_SIZE, crowd);
	return api_reply(connection, MHD_HTTP_OK,
			 json_pack("{s:s, s:s, s:s, s:b, s:s, s:i, s:I, s:I, s:i, s:i}", "node",
				   node->identity->node, "crowd", node->identity->crowd_name,
				   "fingerprint", crowd, "founder", node->identity->founder,
				   "stack", node->options.stack->ops->name, "port",
				   (int)node->options.port, "used", (json_int_t)node->store->used,
				   "quota", (json_int_t)node->store->quota, "carried",
				   (int)store_count(node->store, STORE_CARRIED), "contacts",
				   (int)node->contact_count));
}

static json_t *links_of(const struct node *node, const struct contact *contact,
			const struct neighbour *neighbour)
{
	json_t *links = json_array();
	struct rv_status status = {0};

	for (unsigned i = 0; neighbour && i < neighbour->link_count; i++)
		json_array_append_new(links, json_pack("{s:s, s:b}", "name",
						       neighbour->links[i].name, "subflow", 0));
	if (!contact || !node->options.stack->ops->status ||
	    node->options.stack->ops->status(node->options.stack, contact->fd, &status, NULL) < 0)
		return links;
	for (unsigned i = 0; i < status.subflow_count && i < RV_SUBFLOWS_MAX; i++) {
		const struct rv_subflow *subflow = &status.subflows[i];
		json_t *found = NULL, *at;
		size_t index;

		json_array_foreach(links, index,
				   at) if (strcmp(json_string_value(json_object_get(at, "name")),
						  subflow->link) == 0) found = at;
		if (!found) {
			found = json_pack("{s:s}", "name", subflow->link);
			json_array_append_new(links, found);
		}
		json_object_set_new(found, "subflow", json_true());
		json_object_set_new(found, "rtt_us", json_integer(subflow->rtt_us));
		json_object_set_new(found, "sent", json_integer((json_int_t)subflow->sent));
		json_object_set_new(found, "received", json_integer((json_int_t)subflow->received));
	}
	return links;
}

static json_t *peer(const struct node *node, const char *name, const struct contact *contact,
		    const struct neighbour *neighbour)
{
	uint64_t now = clock_now(), since = contact     ? contact->began
					    : neighbour ? neighbour->since
							: now;
	bool busy = contact && now - contact->second_began < 3 * NS_PER_S;

	return json_pack("{s:s, s:b, s:b, s:o, s:f, s:I, s:I, s:I}", "node", name, "near",
			 neighbour && neighbour->link_count, "contact", contact != NULL, "links",
			 links_of(node, contact, neighbour), "seconds",
			 (double)(now - since) / (double)NS_PER_S, "sent",
			 (json_int_t)(contact ? contact->sent : 0), "received",
			 (json_int_t)(contact ? contact->received : 0), "rate",
			 (json_int_t)(busy ? contact->rate * 8 : 0));
}

static enum MHD_Result tell_peers(struct api *api, struct MHD_Connection *connection)
{
	const struct node *node = api->node;
	json_t *peers = json_array();

	for (const struct neighbour *at = node->neighbours; at; at = at->next) {
		const struct contact *contact = node_contact(node, at->node);

		if (at->heard || contact)
			json_array_append_new(peers, peer(node, at->node, contact, at));
	}
	for (const struct contact *at = node->contacts; at; at = at->next)
		if (at->phase == CONTACT_SESSION && !neighbours_find(node, at->peer))
			json_array_append_new(peers, peer(node, at->peer, at, NULL));
	return api_reply(connection, MHD_HTTP_OK, json_pack("{s:o}", "peers", peers));
}

static enum MHD_Result tell_url(struct api *api, struct MHD_Connection *connection)
{
	const char *url = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "url");
	char id[2 * OBJECT_ID_SIZE + 1];
	struct store_url what;

	if (!url || !url_is_one(url, strlen(url)))
		return api_refuse(connection, MHD_HTTP_BAD_REQUEST, "'url' is no URL");
	if (!urls_find(api->node, url, &what))
		return api_refuse(connection, MHD_HTTP_NOT_FOUND, "nobody has said what it has");
	hex_text(what.id, OBJECT_ID_SIZE, id);
	return api_reply(connection, MHD_HTTP_OK,
			 json_pack("{s:s, s:s, s:I}", "id", id, "node", what.node, "fetched",
				   (json_int_t)what.fetched));
}

static const struct {
	const char *method, *url;
	enum MHD_Result (*answer)(struct api *api, struct MHD_Connection *connection);
} facts[] = {
	{"GET", "/v1/node", tell_node},
	{"GET", "/v1/peers", tell_peers},
	{"GET", "/v1/urls", tell_url},
};

static enum MHD_Result handle(void *data, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *body,
			      size_t *body_size, void **request)
{
	struct api *api = data;

	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		if (strcmp(method, facts[i].method) == 0 && strcmp(url, facts[i].url) == 0)
			return facts[i].answer(api, connection);
	if (strncmp(url, API_OBJECTS, strlen(API_OBJECTS)) == 0)
		return api_object(api, connection, url + strlen(API_OBJECTS), method, body,
				  body_size, (struct api_request **)request);
	if (strncmp(url, API_TASKS, strlen(API_TASKS)) == 0)
		return api_task(api, connection, url + strlen(API_TASKS), method, body, body_size,
				(struct api_request **)request);
	return api_refuse(connection, MHD_HTTP_NOT_FOUND, "there is no such thing");
}

static void completed(void *data, struct MHD_Connection *connection, void **request,
		      enum MHD_RequestTerminationCode code)
{
	struct api_request *ends = *request;

	if (ends)
		ends->end(ends);
	*request = NULL;
}

static void on_run(uv_poll_t *poll, int status, int events)
{
	api_run(poll->data);
}

static void on_timer(uv_timer_t *timer)
{
	api_run(timer->data);
}

void api_run(struct api *api)
{
	MHD_UNSIGNED_LONG_LONG wait;

	MHD_run(api->daemon);
	if (MHD_get_timeout(api->daemon, &wait) == MHD_YES)
		uv_timer_start(&api->timer, on_timer, wait, 0);
	else
		uv_timer_stop(&api->timer);
}

void api_soon(struct api *api)
{
	uv_timer_start(&api->timer, on_timer, 0, 0);
}

int api_open(struct node *node, struct err *err)
{
	struct api *api = calloc(1, sizeof(*api));
	const union MHD_DaemonInfo *info;
	int fd, code;

	if (!api)
		return err_set(err, -ENOMEM, "out of memory");
	api->node = node;
	code = node_path(node->options.state, "control", api->path, sizeof(api->path), err);
	fd = code < 0 ? code : listen_at(api->path, err);
	if (fd < 0) {
		free(api);
		return fd;
	}
	api->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
				       handle, api, MHD_OPTION_LISTEN_SOCKET, fd,
				       MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
				       MHD_OPTION_CONNECTION_LIMIT, CALLS_MAX, MHD_OPTION_END);
	if (!api->daemon) {
		close_fd(fd);
		unlink(api->path);
		free(api);
		return err_set(err, -EIO, "libmicrohttpd does not start");
	}
	info = MHD_get_daemon_info(api->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	uv_poll_init(&node->loop, &api->poll, info->epoll_fd);
	uv_timer_init(&node->loop, &api->timer);
	api->poll.data = api->timer.data = api;
	uv_poll_start(&api->poll, UV_READABLE, on_run);
	node->api = api;
	return 0;
}

void api_stop(struct node *node)
{
	struct api *api = node->api;

	if (!api)
		return;
	unlink(api->path);
	api_calls_resume(api);
	uv_close((uv_handle_t *)&api->poll, NULL);
	uv_close((uv_handle_t *)&api->timer, NULL);
	MHD_stop_daemon(api->daemon);
}

void api_close(struct node *node)
{
	free(node->api);
}
