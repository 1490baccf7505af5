/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/proxy/door.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/units.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* What comes beyond the limit of clients waits in the kernel's queue. */
#define BACKLOG 1024

static int fail(struct err *err, int code, const char *where)
{
	return err_set(err, code, "cannot listen on '%s': %s", where, strerror(-code));
}

static int parse_inet(const char *where, struct address *ret, uint16_t *ret_port, struct err *err)
{
	const char *colon = strrchr(where, ':');
	char host[ADDRESS_TEXT_MAX];
	uint64_t port;
	size_t size = colon ? (size_t)(colon - where) : 0;

	if (size > 2 && where[0] == '[' && where[size - 1] == ']')
		where++, size -= 2;
	else if (colon && memchr(where, ':', size))
		size = 0;
	if (size == 0 || size >= sizeof(host))
		goto bad;
	memcpy(host, where, size);
	host[size] = '\0';
	if (strchr(host, '/') || address_parse(host, ret) < 0 ||
	    units_parse_count(colon + 1, &port, NULL) < 0 || port > 65535)
		goto bad;
	*ret_port = (uint16_t)port;
	return 0;
bad:
	return err_set(err, -EINVAL,
		       "'%s' is no place to listen at: 127.0.0.1:1080, [::1]:1080 or unix:PATH",
		       where);
}

static socklen_t make_sockaddr(const struct address *address, uint16_t port,
			       struct sockaddr_storage *ret)
{
	*ret = (struct sockaddr_storage){.ss_family = address->family};
	if (address->family == AF_INET) {
		((struct sockaddr_in *)ret)->sin_addr = address->v4;
		((struct sockaddr_in *)ret)->sin_port = htons(port);
		return sizeof(struct sockaddr_in);
	}
	((struct sockaddr_in6 *)ret)->sin6_addr = address->v6;
	((struct sockaddr_in6 *)ret)->sin6_port = htons(port);
	return sizeof(struct sockaddr_in6);
}

static int listen_inet(struct door *door, const char *where, bool anyone, struct err *err)
{
	struct sockaddr_storage sa;
	struct address address = {0};
	uint16_t port = 0;
	int fd, on = 1, code = parse_inet(where, &address, &port, err);
	socklen_t size;

	if (code < 0)
		return code;
	door->local = address_is_loopback(&address);
	if (!door->local && !anyone)
		return err_set(
			err, -EACCES,
			"'%s' can be reached from other machines, and whoever reaches the "
			"proxy uses this device's links as its own; --allow-anyone permits it",
			where);
	size = make_sockaddr(&address, port, &sa);
	fd = door->source.fd =
		socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (fd < 0)
		return fail(err, -errno, where);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sa, size) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &size) < 0)
		return fail(err, -errno, where);
	address_port_text((struct sockaddr *)&sa, door->text);
	return 0;
}

/* A socket that was left by a killed process refuses. */
static void remove_stale(const struct sockaddr_un *sa)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (lstat(sa->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 && errno == ECONNREFUSED)
		unlink(sa->sun_path);
}

static bool is_unix(const char *where)
{
	return strncmp(where, "unix:", 5) == 0;
}

static int parse_unix(const char *where, struct sockaddr_un *ret)
{
	const char *path = where + strlen("unix:");

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!*path || strlen(path) >= sizeof(ret->sun_path))
		return *path ? -ENAMETOOLONG : -EINVAL;
	memcpy(ret->sun_path, path, strlen(path));
	return 0;
}

static int listen_unix(struct door *door, const char *where, bool anyone, struct err *err)
{
	struct sockaddr_un sa;
	mode_t mask;
	int code = parse_unix(where, &sa);

	if (code < 0)
		return fail(err, code, where);
	door->local = true;
	door->source.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (door->source.fd < 0)
		return fail(err, -errno, where);
	remove_stale(&sa);
	/* From its first moment on nobody else may connect. */
	mask = umask(anyone ? 0 : 077);
	code = bind(door->source.fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
	umask(mask);
	if (code == 0)
		memcpy(door->path, sa.sun_path, sizeof(sa.sun_path));
	if (code == 0 && listen(door->source.fd, BACKLOG) < 0)
		code = -errno;
	snprintf(door->text, sizeof(door->text), "%s", where);
	return code < 0 ? fail(err, code, where) : 0;
}

int door_check(const char *where, struct err *err)
{
	struct sockaddr_un sa;
	struct address address;
	uint16_t port;
	int code;

	if (!is_unix(where))
		return parse_inet(where, &address, &port, err);
	code = parse_unix(where, &sa);
	return code < 0 ? fail(err, code, where) : 0;
}

int door_open(struct door *door, const char *where, bool anyone, struct err *err)
{
	int code;

	*door = (struct door){.source.fd = -1};
	code = is_unix(where) ? listen_unix(door, where, anyone, err)
			      : listen_inet(door, where, anyone, err);
	if (code < 0)
		door_close(door);
	return code;
}

void door_close(struct door *door)
{
	door->source.fd = close_fd(door->source.fd);
	if (door->path[0])
		unlink(door->path);
	door->path[0] = '\0';
}

void door_clean(const char *where)
{
	struct sockaddr_un sa;

	if (is_unix(where) && parse_unix(where, &sa) == 0)
		remove_stale(&sa);
}
