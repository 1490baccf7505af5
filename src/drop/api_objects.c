/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects that are put and got by HTTP. What is put goes to a file, hashed on its way, and is synced by a thread of the loop's
 * pool, for that may take long. What is got goes out piece by piece as it arrives; while nothing is there the connection is
 * suspended.
 */
#include "drop/api.h"
#include "drop/files.h"
#include "drop/node_parts.h"

#include "base/cleanup.h"
#include "base/hex.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GET_WAIT      (60 * 1000ULL)            /* ms, unless told */
#define GIVE_LIFETIME (7 * 24 * 3600 * 1000ULL) /* ms, unless told */
#define BLOCK         65536u

struct call {
	struct api_request request;
	struct api *api;
	struct MHD_Connection *connection;
	struct call *next;
	bool suspended, over;
	int failed; /* negative errno */

	/* put */
	int fd;              /* owned */
	char path[PATH_MAX]; /* of a file that is ours; "": there is none, or it is the store's */
	uint64_t size;
	uint8_t *hashes; /* owned */
	uint32_t hash_count, hash_room;
	gnutls_hash_hd_t hash; /* of the piece that is being written */
	bool synced, syncing;
	uv_work_t work;
	uint8_t id[OBJECT_ID_SIZE];

	/* get */
	struct want_waiter waiter;
	struct store_object *object; /* while it is not NULL it is wanted */
	bool replied;
	uint64_t wait; /* ms */
	uv_timer_t timer;
	bool timed;     /* the timer is open */
	uint8_t *piece; /* owned; number @piece_number is in it */
	uint32_t piece_number;
	bool piece_there;
};

static void suspend(struct call *call)
{
	call->suspended = true;
	MHD_suspend_connection(call->connection);
}

static void resume(struct call *call)
{
	if (!call->suspended)
		return;
	call->suspended = false;
	MHD_resume_connection(call->connection);
	api_soon(call->api);
}

void api_calls_resume(struct api *api)
{
	api->stopped = true;
	for (struct call *at = api->calls; at; at = at->next) {
		at->failed = -ECANCELED;
		resume(at);
	}
}

static void free_call(struct call *call)
{
	free(call->hashes);
	free(call->piece);
	free(call);
}

static void timer_closed(uv_handle_t *handle)
{
	free_call(handle->data);
}

static void end_call(struct api_request *request)
{
	struct call *call = (struct call *)request;
	struct node *node = call->api->node;

	for (struct call **at = &call->api->calls; *at; at = &(*at)->next)
		if (*at == call) {
			*at = call->next;
			break;
		}
	wants_remove(node, &call->waiter);
	if (call->object)
		call->object->wanted--;
	if (call->hash)
		gnutls_hash_deinit(call->hash, NULL);
	if (call->path[0])
		unlink(call->path);
	call->object = NULL;
	call->over = true;
	if (call->syncing)
		return; /* on_synced() frees it */
	call->fd = close_fd(call->fd);
	if (call->timed)
		uv_close((uv_handle_t *)&call->timer, timer_closed);
	else
		free_call(call);
}

static uint64_t argument(struct MHD_Connection *connection, const char *name, uint64_t otherwise)
{
	const char *text = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
	char *end;
	unsigned long long value;

	if (!text)
		return otherwise;
	errno = 0;
	value = strtoull(text, &end, 10);
	return errno || *end ? otherwise : value;
}

/* Put. */

static int open_upload(struct call *call)
{
	struct node *node = call->api->node;

	snprintf(call->path, sizeof(call->path), "%s/objects/upload-%u", node->store->folder,
		 call->api->uploads++);
	call->fd = open(call->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return call->fd < 0 ? -errno : 0;
}

static int end_piece(struct call *call)
{
	if (call->hash_count == call->hash_room) {
		uint32_t room = call->hash_room ? 2 * call->hash_room : 64;
		uint8_t *more = realloc(call->hashes, (size_t)room * HASH_SIZE);

		if (!more)
			return -ENOMEM;
		call->hashes = more;
		call->hash_room = room;
	}
	gnutls_hash_deinit(call->hash, call->hashes + (size_t)call->hash_count++ * HASH_SIZE);
	call->hash = NULL;
	return call->hash_count < OBJECT_PIECES ? 0 : -EFBIG;
}

static int upload(struct call *call, const char *data, size_t size)
{
	struct store *store = call->api->node->store;
	int code = 0;

	while (size && code == 0) {
		size_t in_piece = call->size % OBJECT_PIECE, part = OBJECT_PIECE - in_piece;

		if (part > size)
			part = size;
		if (in_piece == 0) {
			if (call->size + OBJECT_PIECE > store->quota + OBJECT_PIECE)
				return -ENOSPC;
			if (gnutls_hash_init(&call->hash, GNUTLS_DIG_SHA256) < 0)
				return -ENOMEM;
		}
		code = files_write_at(call->fd, data, part, call->size);
		gnutls_hash(call->hash, data, part);
		call->size += part;
		data += part;
		size -= part;
		if (code == 0 && call->size % OBJECT_PIECE == 0) {
			code = end_piece(call);
			/* So that little is left to sync at the end. */
			sync_file_range(call->fd, (off_t)(call->size - OBJECT_PIECE), OBJECT_PIECE,
					SYNC_FILE_RANGE_WRITE);
		}
	}
	return code;
}

static void sync_upload(uv_work_t *work)
{
	struct call *call = work->data;

	if (fdatasync(call->fd) < 0)
		call->failed = -errno;
}

static void on_synced(uv_work_t *work, int status)
{
	struct call *call = work->data;

	call->syncing = false;
	if (call->over) {
		close_fd(call->fd);
		free_call(call);
		return;
	}
	call->synced = true;
	resume(call);
}

static enum MHD_Result refuse_code(struct call *call, int code)
{
	unsigned status = code == -ENOSPC || code == -EFBIG ? MHD_HTTP_CONTENT_TOO_LARGE
							    : MHD_HTTP_INTERNAL_SERVER_ERROR;

	return api_refuse(call->connection, status,
			  code == -ENOSPC ? "it is larger than the store's quota"
					  : strerror(-code));
}

static enum MHD_Result finish_put(struct call *call)
{
	struct node *node = call->api->node;
	const char *to = MHD_lookup_connection_value(call->connection, MHD_GET_ARGUMENT_KIND, "to"),
		   *url = MHD_lookup_connection_value(call->connection, MHD_GET_ARGUMENT_KIND,
						      "url");
	uint64_t lifetime = argument(call->connection, "lifetime", GIVE_LIFETIME),
		 now = node_wall();
	char text[2 * OBJECT_ID_SIZE + 1];
	struct store_object *object;
	int code = call->failed;

	if (code == 0)
		code = store_make_room(node->store, call->size, now);
	if (code == 0)
		code = store_object_adopt(node->store, call->path, call->size, call->hashes, now,
					  call->id);
	object = code == 0 ? store_object(node->store, call->id) : NULL;
	if (object && url)
		urls_fetched(node, url, call->id);
	if (object && to)
		objects_give(node, object, to, lifetime);
	if (code == 0)
		code = store_commit(node->store);
	if (code < 0)
		return refuse_code(call, code);
	hex_text(call->id, OBJECT_ID_SIZE, text);
	return api_reply(call->connection, MHD_HTTP_OK,
			 json_pack("{s:s, s:I}", "id", text, "size", (json_int_t)call->size));
}

static enum MHD_Result put(struct call *call, const char *body, size_t *body_size)
{
	const char *to = MHD_lookup_connection_value(call->connection, MHD_GET_ARGUMENT_KIND, "to"),
		   *url = MHD_lookup_connection_value(call->connection, MHD_GET_ARGUMENT_KIND,
						      "url");

	if (*body_size) {
		if (call->failed == 0)
			call->failed = upload(call, body, *body_size);
		*body_size = 0;
		return MHD_YES;
	}
	if (to && !eid_is_name(to))
		return api_refuse(call->connection, MHD_HTTP_BAD_REQUEST, "'to' is no node's name");
	if (url && !url_is_one(url, strlen(url)))
		return api_refuse(call->connection, MHD_HTTP_BAD_REQUEST, "'url' is no URL");
	if (call->failed == 0 && call->hash)
		call->failed = end_piece(call);
	if (call->failed)
		return refuse_code(call, call->failed);
	if (call->synced)
		return finish_put(call);
	call->work.data = call;
	call->syncing =
		uv_queue_work(&call->api->node->loop, &call->work, sync_upload, on_synced) == 0;
	if (!call->syncing)
		return refuse_code(call, -ENOMEM);
	suspend(call);
	return MHD_YES;
}

/* Get. */

static void on_timeout(uv_timer_t *timer)
{
	struct call *call = timer->data;

	if (!call->suspended) {
		uv_timer_stop(timer); /* it is not we who wait, but who reads */
		return;
	}
	call->failed = -ETIMEDOUT;
	resume(call);
}

static void progressed(void *data, struct store_object *object)
{
	struct call *call = data;

	if (!call->object) {
		call->object = object;
		object->wanted++;
	}
	if (call->timed)
		uv_timer_again(&call->timer);
	resume(call);
}

static void forget_nothing(void *data)
{
}

/* For libmicrohttpd: bytes of the object from @at on. */
static ssize_t read_object(void *data, uint64_t at, char *to, size_t room)
{
	struct call *call = data;
	struct node *node = call->api->node;
	uint32_t number = (uint32_t)(at / OBJECT_PIECE);
	size_t from = at % OBJECT_PIECE, size = object_piece_size(call->object, number) - from;
	int code = 0;

	if (call->failed)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!call->piece_there || call->piece_number != number) {
		code = store_object_read(node->store, call->object, number, call->piece);
		call->piece_there = code == 0;
		call->piece_number = number;
	}
	if (code == -EBADMSG) {
		node_say(node, NULL, "piece %u of an object is damaged here, and fetched again",
			 number);
		wants_remove(node, &call->waiter);
		if (wants_add(node, call->object->id, &call->waiter) < 0)
			return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	if (code < 0) {
		uv_timer_again(&call->timer); /* who reads slowly has not waited for us */
		suspend(call);
		return 0;
	}
	if (size > room)
		size = room;
	memcpy(to, call->piece + from, size);
	return (ssize_t)size;
}

static enum MHD_Result reply_object(struct call *call)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	call->piece = malloc(OBJECT_PIECE);
	response = call->piece
			   ? MHD_create_response_from_callback(call->object->size, BLOCK,
							       read_object, call, forget_nothing)
			   : NULL;
	if (!response)
		return MHD_NO;
	call->replied = true;
	result = MHD_queue_response(call->connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result get(struct call *call)
{
	struct node *node = call->api->node;
	int code;

	if (call->object && !call->failed)
		return reply_object(call);
	if (call->failed == -ETIMEDOUT)
		return api_refuse(call->connection, MHD_HTTP_NOT_FOUND,
				  "nobody who could be reached has it");
	if (call->failed)
		return refuse_code(call, call->failed);
	call->wait = argument(call->connection, "timeout", GET_WAIT);
	uv_timer_init(&node->loop, &call->timer);
	call->timer.data = call;
	call->timed = true;
	uv_timer_start(&call->timer, on_timeout, call->wait, call->wait ? call->wait : 1);
	code = wants_add(node, call->id, &call->waiter);
	if (code < 0)
		return refuse_code(call, code);
	if (call->object)
		return reply_object(call);
	suspend(call);
	return MHD_YES;
}

static struct call *new_call(struct api *api, struct MHD_Connection *connection)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->request.end = end_call;
	call->api = api;
	call->connection = connection;
	call->fd = -1;
	call->waiter = (struct want_waiter){.progressed = progressed, .data = call};
	call->next = api->calls;
	api->calls = call;
	return call;
}

static bool parse_id(const char *text, uint8_t id[static OBJECT_ID_SIZE])
{
	return strlen(text) == 2u * OBJECT_ID_SIZE &&
	       strspn(text, "0123456789abcdef") == 2u * OBJECT_ID_SIZE &&
	       hex_read(text, id, OBJECT_ID_SIZE);
}

enum MHD_Result api_object(struct api *api, struct MHD_Connection *connection, const char *name,
			   const char *method, const char *body, size_t *body_size,
			   struct api_request **request)
{
	struct call **call = (struct call **)request;
	bool is_put = strcmp(method, "POST") == 0 && name[0] == '\0';
	uint8_t id[OBJECT_ID_SIZE];

	if (!is_put && (strcmp(method, "GET") != 0 || name[0] != '/' || !parse_id(name + 1, id)))
		return api_refuse(connection, MHD_HTTP_NOT_FOUND,
				  "no object has such a name: 64 digits and letters a to f");
	if (!*call) {
		int code;

		*call = new_call(api, connection);
		if (!*call)
			return MHD_NO;
		if (!is_put)
			memcpy((*call)->id, id, sizeof(id));
		code = is_put ? open_upload(*call) : 0;
		if (code < 0)
			return refuse_code(*call, code);
		return MHD_YES;
	}
	return is_put ? put(*call, body, body_size) : get(*call);
}
