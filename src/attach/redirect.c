/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/redirect.h"

#include "attach/call.h"
#include "attach/caller.h"
#include "attach/recall.h"
#include "base/address.h"
#include "base/cleanup.h"
#include "base/loop.h"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#define PEER_LEVEL (-2) /* where it is remembered whom the program believes it is connected to */
#define ERROR_LEVEL \
	(-3) /* and why a connect() that did not wait has failed, until the program has heard it (0) */

/* A connection that is being made. */
struct detour {
	struct redirect *redirect;
	uint64_t cookie, id; /* of the socket; of the call that waits, if it does */
	bool waits;
	int theirs;                /* owned: a duplicate of the program's descriptor */
	struct loop_source answer; /* its descriptor is owned */
	struct sockaddr_storage to;
	TAILQ_ENTRY(detour) link;
};

struct redirect {
	struct notify notify;
	struct steering *steering;
	struct recall *peers; /* owned */
	struct loop loop;
	TAILQ_HEAD(, detour) detours;
};

static void detour_free(struct detour *detour)
{
	loop_forget(&detour->redirect->loop, &detour->answer);
	close_fd(detour->answer.fd);
	close_fd(detour->theirs);
	TAILQ_REMOVE(&detour->redirect->detours, detour, link);
	free(detour);
}

void redirect_close(struct redirect *redirect)
{
	if (!redirect)
		return;
	while (!TAILQ_EMPTY(&redirect->detours))
		detour_free(TAILQ_FIRST(&redirect->detours));
	recall_free(redirect->peers);
	notify_close(&redirect->notify);
	loop_close(&redirect->loop);
	free(redirect);
}

int redirect_open(struct redirect **ret, int listener, struct steering *steering)
{
	struct redirect *redirect = calloc(1, sizeof(*redirect));
	int err;

	if (!redirect)
		return -ENOMEM;
	TAILQ_INIT(&redirect->detours);
	redirect->steering = steering;
	redirect->loop.epoll = -1;
	redirect->peers = recall_new();
	err = redirect->peers ? notify_open(&redirect->notify, listener) : -ENOMEM;
	if (err == 0)
		err = loop_open(&redirect->loop);
	if (err < 0)
		redirect_close(redirect);
	else
		*ret = redirect;
	return err;
}

int redirect_fd(const struct redirect *redirect)
{
	return redirect->loop.epoll;
}

void redirect_turn(struct redirect *redirect)
{
	loop_turn(&redirect->loop, 0);
}

/* As after a failed connect(): ready for the next. */
static void disconnect(int fd)
{
	const struct sockaddr nothing = {.sa_family = AF_UNSPEC};
	socklen_t size = sizeof(int);
	int error;

	if (connect(fd, &nothing, sizeof(nothing)) < 0)
		return;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size); /* which takes it away */
}

/* What connect() may say of a server that was asked for by its address. */
static int connect_error(int code)
{
	switch (-code) {
	case ECONNREFUSED:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ETIMEDOUT:
	case EACCES:
	case ENOBUFS:
	case ECONNRESET:
		return code;
	default:
		return -EHOSTUNREACH;
	}
}

static void remember_error(struct redirect *redirect, uint64_t cookie, int error)
{
	recall_put(redirect->peers, cookie, ERROR_LEVEL, 0, &error, sizeof(error));
}

/* -1: nothing has failed. */
static int recall_error(const struct redirect *redirect, uint64_t cookie)
{
	const struct recalled *recalled = recall_get(redirect->peers, cookie, ERROR_LEVEL, 0);
	int error = -1;

	if (recalled)
		memcpy(&error, recalled->bytes, sizeof(error));
	return error;
}

static void on_answer(struct loop_source *source, uint32_t events)
{
	struct detour *detour = loop_owner(source, struct detour, answer);
	struct redirect *redirect = detour->redirect;
	struct err why;
	int code = redirect->steering->ops->answer(redirect->steering, source->fd,
						   detour->waits ? -1 : detour->theirs, &why);

	if (code == -EINPROGRESS)
		return;
	if (code == 0)
		recall_put(redirect->peers, detour->cookie, PEER_LEVEL, 0, &detour->to,
			   detour->to.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
							    : sizeof(struct sockaddr_in));
	else if (detour->waits)
		disconnect(detour->theirs);
	else
		remember_error(redirect, detour->cookie, -connect_error(code));
	if (detour->waits)
		notify_answer(&redirect->notify, detour->id, code < 0 ? connect_error(code) : 0);
	detour_free(detour);
}

static struct detour *find(const struct redirect *redirect, uint64_t cookie)
{
	struct detour *detour;

	TAILQ_FOREACH(detour, &redirect->detours, link)
	if (detour->cookie == cookie)
		return detour;
	return NULL;
}

static int option(int fd, int name)
{
	socklen_t size = sizeof(int);
	int value = -1;

	return getsockopt(fd, SOL_SOCKET, name, &value, &size) < 0 ? -1 : value;
}

/* Not connected, not listening, and nothing said about where it comes from: who says that wants that link. */
static bool is_free(int fd)
{
	struct sockaddr_storage name = {0}, peer;
	socklen_t size = sizeof(name);
	struct address address;
	char device[IFNAMSIZ];

	if (option(fd, SO_TYPE) != SOCK_STREAM || option(fd, SO_ACCEPTCONN) != 0 ||
	    (option(fd, SO_PROTOCOL) != IPPROTO_MPTCP && option(fd, SO_PROTOCOL) != IPPROTO_TCP) ||
	    getsockname(fd, (struct sockaddr *)&name, &size) < 0)
		return false;
	address = address_from_sockaddr((struct sockaddr *)&name);
	if (!address.family || address_port((struct sockaddr *)&name) != 0)
		return false;
	size = sizeof(peer);
	if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0)
		return false;
	size = sizeof(device);
	return getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &size) < 0 || size == 0;
}

/* An address of the program's, as connect(2) takes it. */
static bool read_address(const struct call *call, struct sockaddr_storage *ret)
{
	size_t size = (size_t)(uint32_t)call->args[2];

	*ret = (struct sockaddr_storage){0};
	if (size < sizeof(struct sockaddr_in) || size > sizeof(*ret) ||
	    caller_read(call->pid, call->args[1], ret, size) != (ssize_t)size)
		return false;
	return ret->ss_family == AF_INET ||
	       (ret->ss_family == AF_INET6 && size >= sizeof(struct sockaddr_in6));
}

static enum redirected lead(struct redirect *redirect, const struct call *call, int theirs,
			    uint64_t cookie, const struct sockaddr_storage *to)
{
	struct steering *steering = redirect->steering;
	struct detour *detour = calloc(1, sizeof(*detour));
	int pending;
	bool waits;

	if (!detour)
		return REDIRECT_GOES_ON;
	waits = !(fcntl(theirs, F_GETFL) & O_NONBLOCK);
	pending = steering->ops->begin(steering, (const struct sockaddr *)to, theirs, !waits);
	if (pending < 0) {
		free(detour);
		disconnect(theirs);
		return REDIRECT_GOES_ON;
	}
	*detour = (struct detour){.redirect = redirect,
				  .cookie = cookie,
				  .id = call->id,
				  .waits = waits,
				  .theirs = fcntl(theirs, F_DUPFD_CLOEXEC, 0),
				  .answer = {.fd = pending, .ready = on_answer},
				  .to = *to};
	TAILQ_INSERT_TAIL(&redirect->detours, detour, link);
	if (detour->theirs < 0 || loop_watch(&redirect->loop, &detour->answer, EPOLLIN) < 0) {
		detour_free(detour);
		disconnect(theirs);
		return REDIRECT_GOES_ON;
	}
	if (!waits)
		notify_answer(&redirect->notify, call->id, -EINPROGRESS);
	return REDIRECT_LED;
}

static enum redirected on_connect(struct redirect *redirect, const struct call *call, int theirs,
				  uint64_t cookie, uint32_t *ret_inode)
{
	struct detour *detour = find(redirect, cookie);
	struct sockaddr_storage to;
	struct stat st;
	bool told = read_address(call, &to);
	int error;

	/* Else what was read was perhaps another's. */
	if (!notify_waits(&redirect->notify, call->id))
		return REDIRECT_ANSWERED;
	if (detour && (!detour->waits || notify_waits(&redirect->notify, detour->id))) {
		notify_answer(&redirect->notify, call->id, -EALREADY);
		return REDIRECT_ANSWERED;
	}
	if (detour) { /* a signal had come in between */
		detour->id = call->id;
		return REDIRECT_ANSWERED;
	}
	error = recall_error(redirect, cookie);
	if (error >= 0) { /* ready for the next; the kernel tells of a failure before that */
		disconnect(theirs);
		recall_forget(redirect->peers, cookie, ERROR_LEVEL, 0);
		notify_answer(&redirect->notify, call->id, error ? -error : -ECONNABORTED);
		return REDIRECT_ANSWERED;
	}
	if (!told || !is_free(theirs) ||
	    !redirect->steering->ops->takes(redirect->steering, (struct sockaddr *)&to))
		return REDIRECT_GOES_ON;
	*ret_inode = fstat(theirs, &st) == 0 ? (uint32_t)st.st_ino : 0;
	return lead(redirect, call, theirs, cookie, &to);
}

static enum redirected on_peer(struct redirect *redirect, const struct call *call, uint64_t cookie)
{
	const struct recalled *peer = recall_get(redirect->peers, cookie, PEER_LEVEL, 0);
	int room = 0, full = peer ? peer->length : 0;

	if (find(redirect, cookie)) {
		notify_answer(&redirect->notify, call->id, -ENOTCONN);
		return REDIRECT_ANSWERED;
	}
	if (!peer || caller_read(call->pid, call->args[2], &room, sizeof(room)) != sizeof(room) ||
	    room < 0 || !notify_waits(&redirect->notify, call->id))
		return REDIRECT_GOES_ON; /* the kernel finds the fault */
	if (caller_write(call->pid, call->args[1], peer->bytes,
			 (size_t)(room < full ? room : full)) < 0 ||
	    caller_write(call->pid, call->args[2], &full, sizeof(full)) < 0)
		return REDIRECT_GOES_ON;
	notify_answer(&redirect->notify, call->id, 0);
	return REDIRECT_ANSWERED;
}

/* SO_ERROR: the kernel's is that of the way to the door. */
static enum redirected on_error(struct redirect *redirect, const struct call *call, uint64_t cookie)
{
	int error = recall_error(redirect, cookie), size = 0;

	if (find(redirect, cookie))
		error = 0;
	if (error < 0 ||
	    caller_read(call->pid, call->args[4], &size, sizeof(size)) != sizeof(size) ||
	    size < (int)sizeof(error) || !notify_waits(&redirect->notify, call->id))
		return REDIRECT_GOES_ON;
	size = sizeof(error);
	if (caller_write(call->pid, call->args[3], &error, sizeof(error)) < 0 ||
	    caller_write(call->pid, call->args[4], &size, sizeof(size)) < 0)
		return REDIRECT_GOES_ON;
	if (error > 0)
		remember_error(redirect, cookie, 0);
	notify_answer(&redirect->notify, call->id, 0);
	return REDIRECT_ANSWERED;
}

static bool is_ours(const struct call *call)
{
	return call->kind == CALL_CONNECT || call->kind == CALL_PEER ||
	       (call->kind == CALL_GET && (int)call->args[1] == SOL_SOCKET &&
		(int)call->args[2] == SO_ERROR);
}

enum redirected redirect_serve(struct redirect *redirect, const struct seccomp_notif *request,
			       uint32_t *ret_inode)
{
	_cleanup_close_ int theirs = -1;
	struct call call;
	uint64_t cookie;
	socklen_t size = sizeof(cookie);

	*ret_inode = 0;
	if (!call_decode(request, &call) || !is_ours(&call))
		return REDIRECT_NOT;
	theirs = caller_descriptor(call.pid, (int)call.args[0]);
	if (theirs < 0 || getsockopt(theirs, SOL_SOCKET, SO_COOKIE, &cookie, &size) < 0)
		return REDIRECT_GOES_ON;
	/* What is decided is told before what follows from it is seen. */
	redirect_turn(redirect);
	switch (call.kind) {
	case CALL_CONNECT:
		return on_connect(redirect, &call, theirs, cookie, ret_inode);
	case CALL_PEER:
		return on_peer(redirect, &call, cookie);
	default:
		return on_error(redirect, &call, cookie);
	}
}
