/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/control.h"

#include "base/cleanup.h"
#include "drop/node.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

#define JSON_MAX (16u << 20) /* as long as what is asked, which it tells of */
#define BLOCK    (1u << 17)

static int connect_to(const char *state, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[PATH_MAX];
	_cleanup_close_ int fd = -1;
	int code = node_path(state, "control", path, sizeof(path), err);

	if (code < 0)
		return code;
	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, -ENAMETOOLONG, "'%s' is too long for a socket", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_set(err, -errno,
			       errno == EACCES ? "'%s' is another user's node"
					       : "no node runs in '%s': rivulet node",
			       state);
	return steal_fd(&fd);
}

static int send_all(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size) {
		ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		at += sent;
		size -= (size_t)sent;
	}
	return 0;
}

/* In chunks: how much a file has is known when it is read, for some are at another place than their beginning, some grow, and the
 * kernel's have no size. A node that refuses hangs up before it has read all: what it said is more telling then. */
static int send_body(const struct control *control, const struct control_body *body,
		     struct err *err)
{
	_cleanup_free_ char *block = malloc(BLOCK);
	uint64_t total = 0;

	if (!block)
		return err_set(err, -ENOMEM, "out of memory");
	for (;;) {
		char head[16];
		ssize_t size = read(body->fd, block, BLOCK);
		int code;

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return err_set(err, -errno, "cannot read: %s", strerror(errno));
		if (size == 0 && body->whole && !body->whole(body->data))
			return err_set(err, -ENODATA, "it is not whole");
		snprintf(head, sizeof(head), "%zx\r\n", (size_t)size);
		code = send_all(control->fd, head, strlen(head));
		if (code == 0)
			code = send_all(control->fd, block, (size_t)size);
		if (code == 0)
			code = send_all(control->fd, "\r\n", 2);
		if (code < 0 || size == 0)
			return 0;
		total += (uint64_t)size;
		if (body->sent)
			body->sent(total, body->data);
	}
}

static int bad_answer(struct err *err)
{
	return err_set(err, -EPROTO, "the node's answer cannot be understood");
}

static int read_head(struct control *control, struct err *err)
{
	char *end = NULL, *line, *next;
	char head[sizeof(control->rest) + 1];

	while (!end) {
		ssize_t got = recv(control->fd, control->rest + control->rest_size,
				   sizeof(control->rest) - control->rest_size, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_set(err, -EPIPE, "the node has ended, or hung up");
		control->rest_size += (size_t)got;
		memcpy(head, control->rest, control->rest_size);
		head[control->rest_size] = '\0';
		end = strstr(head, "\r\n\r\n");
		if (!end && control->rest_size == sizeof(control->rest))
			return bad_answer(err);
	}
	*end = '\0';
	control->rest_at = (size_t)(end - head) + 4;
	control->size = UINT64_MAX;
	if (strncmp(head, "HTTP/1.1 ", 9) != 0)
		return bad_answer(err);
	control->status = (unsigned)strtoul(head + 9, NULL, 10);
	for (line = head; line; line = next) {
		next = strstr(line, "\r\n");
		if (next) {
			*next = '\0';
			next += 2;
		}
		if (strncasecmp(line, "Content-Length:", 15) == 0)
			control->size = strtoull(line + 15, NULL, 10);
	}
	return 0;
}

int control_ask(struct control *control, const char *state, const char *method, const char *target,
		const struct control_body *body, struct err *err)
{
	char head[4096];
	int code;

	*control = (struct control){.fd = connect_to(state, err)};
	if (control->fd < 0)
		return control->fd;
	if (snprintf(head, sizeof(head),
		     "%s %s HTTP/1.1\r\nHost: node\r\nConnection: close\r\n%s\r\n", method, target,
		     body ? "Transfer-Encoding: chunked\r\n" : "") >= (int)sizeof(head))
		return err_set(err, -ENAMETOOLONG, "'%s' is too long", target);
	code = send_all(control->fd, head, strlen(head));
	if (code < 0)
		return err_set(err, code, "cannot ask the node: %s", strerror(-code));
	if (body)
		code = send_body(control, body, err);
	return code < 0 ? code : read_head(control, err);
}

ssize_t control_read(struct control *control, void *to, size_t room, struct err *err)
{
	ssize_t got;

	if (room > control->size - control->got)
		room = (size_t)(control->size - control->got);
	if (room == 0)
		return 0;
	if (control->rest_at < control->rest_size) {
		got = (ssize_t)(control->rest_size - control->rest_at);
		if ((size_t)got > room)
			got = (ssize_t)room;
		memcpy(to, control->rest + control->rest_at, (size_t)got);
		control->rest_at += (size_t)got;
	} else {
		do
			got = recv(control->fd, to, room, 0);
		while (got < 0 && errno == EINTR);
	}
	if (got == 0 && control->size == UINT64_MAX)
		return 0;
	if (got <= 0)
		return err_set(err, -EPIPE, "it broke off after %llu of %llu bytes",
			       (unsigned long long)control->got, (unsigned long long)control->size);
	control->got += (uint64_t)got;
	return got;
}

json_t *control_json(struct control *control, struct err *err)
{
	_cleanup_free_ char *text = malloc(JSON_MAX);
	size_t size = 0;
	ssize_t got;
	json_t *json;

	if (!text) {
		err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	while ((got = control_read(control, text + size, JSON_MAX - size, err)) > 0)
		size += (size_t)got;
	if (got < 0)
		return NULL;
	json = json_loadb(text, size, 0, NULL);
	if (!json_is_object(json)) {
		bad_answer(err);
	} else if (control->status != 200) {
		const char *why = json_string_value(json_object_get(json, "error"));

		err_set(err, -EREMOTEIO, "%s", why ? why : "the node refuses");
	} else {
		return json;
	}
	json_decref(json);
	return NULL;
}

void control_close(struct control *control)
{
	control->fd = close_fd(control->fd);
}

json_t *control_call(const char *state, const char *method, const char *target, int body,
		     struct err *err)
{
	struct control control;
	int code = control_ask(&control, state, method, target,
			       body < 0 ? NULL : &(struct control_body){.fd = body}, err);
	json_t *answer = code < 0 ? NULL : control_json(&control, err);

	control_close(&control);
	return answer;
}
