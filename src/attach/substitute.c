/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attachment "substitute": the TCP sockets that a program asks for are answered with MPTCP sockets
 * of the same kernel. From then on nothing stands between the program and the kernel.
 *
 * The supervisor trusts nothing of the program: the arguments that decide are the copies that the
 * kernel made of them, and what it gives away is a socket that the program could have made itself.
 */
#include "attach/answer.h"
#include "attach/attachment.h"
#include "attach/caller.h"
#include "attach/filter.h"
#include "attach/notify.h"
#include "attach/redirect.h"
#include "base/cleanup.h"

#include <linux/seccomp.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

enum { SOCKETCALL = 102, SOCKETCALL_SOCKET = 1 }; /* i386: one call for all of sockets */

struct substitute {
	struct attachment attachment;
	struct notify notify;
	struct home home;
	struct answer *answer;     /* owned */
	struct redirect *redirect; /* owned; NULL: there is no route */
};

static int load(bool routed, int *ret_own, struct err *err)
{
	*ret_own = -1;
	return substitute_filter_load(routed, err);
}

static void close_substitute(struct attachment *attachment)
{
	struct substitute *s = (struct substitute *)attachment;

	redirect_close(s->redirect);
	answer_free(s->answer);
	home_close(&s->home);
	notify_close(&s->notify);
	free(s);
}

static int open_substitute(const struct attachment_setup *setup, struct attachment **ret,
			   struct err *err)
{
	int listener = setup->listener;
	struct substitute *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(err, -ENOMEM, "no memory for the supervisor");
	s->attachment.ops = &attachment_substitute;
	home_open(&s->home);
	if (answer_new(listener, &s->home, &s->answer) < 0 ||
	    notify_open(&s->notify, listener) < 0) {
		close_substitute(&s->attachment);
		return err_set(err, -ENOMEM, "no memory for the supervisor");
	}
	s->attachment.fd = listener;
	if (setup->steering) {
		int code = redirect_open(&s->redirect, listener, setup->steering);

		if (code < 0) {
			close_substitute(&s->attachment);
			return err_set(err, code, "connections cannot be routed: %s",
				       strerror(-code));
		}
		s->attachment.fd = redirect_fd(s->redirect);
	}
	*ret = &s->attachment;
	return 0;
}

struct call {
	int domain, type, protocol;
};

/* The arguments of socket(), from registers; or from the program's memory for socketcall(). The
 * copy is read once and judged afterwards: what the program changes meanwhile does not matter. */
static bool decode(const struct seccomp_notif *request, struct call *ret)
{
	const struct seccomp_data *data = &request->data;
	uint32_t words[3];

	if (data->arch == SCMP_ARCH_X86 && data->nr == SOCKETCALL) {
		struct iovec ours = {words, sizeof(words)};
		struct iovec theirs = {(void *)(uintptr_t)(uint32_t)data->args[1], sizeof(words)};

		if ((int)data->args[0] != SOCKETCALL_SOCKET ||
		    process_vm_readv((pid_t)request->pid, &ours, 1, &theirs, 1, 0) != sizeof(words))
			return false;
		*ret = (struct call){(int)words[0], (int)words[1], (int)words[2]};
	} else {
		*ret = (struct call){(int)data->args[0], (int)data->args[1], (int)data->args[2]};
	}
	return (ret->domain == AF_INET || ret->domain == AF_INET6) &&
	       (ret->type & 0xf) == SOCK_STREAM &&
	       (ret->protocol == 0 || ret->protocol == IPPROTO_TCP ||
		ret->protocol == IPPROTO_MPTCP);
}

/* Fails unless the asker still waits: then what was read under its pid was its own. */
static int give(struct substitute *s, int fd, bool close_on_exec)
{
	uint64_t id = s->notify.request->id;
	int err = notify_give(&s->notify, id, fd, close_on_exec);

	/* Its table of descriptors is full: as socket() would have said. */
	if (err == -EMFILE)
		notify_answer(&s->notify, id, err);
	else if (err < 0 && err != -ENOENT)
		notify_let_go(&s->notify, id);
	return err;
}

static int serve_socket(struct substitute *s, struct attached *ret)
{
	const struct seccomp_notif *request = s->notify.request;
	_cleanup_close_ int fd = -1;
	struct stat st;
	struct call call;

	if (!decode(request, &call)) {
		notify_let_go(&s->notify, request->id);
		return 0;
	}
	fd = caller_socket(&s->home, (pid_t)request->pid, call.domain, call.type, IPPROTO_MPTCP);
	if (fd < 0) {
		ret->error = fd;
		notify_let_go(&s->notify, request->id);
		return 1;
	}
	if (call.protocol == IPPROTO_MPTCP)
		answer_own(s->answer, fd);
	ret->error = give(s, fd, call.type & SOCK_CLOEXEC);
	if (ret->error == 0 && fstat(fd, &st) == 0)
		ret->inode = (uint32_t)st.st_ino;
	return ret->error == -ENOENT ? 0 : 1;
}

static int serve(struct attachment *attachment, struct attached *ret)
{
	struct substitute *s = (struct substitute *)attachment;
	const struct seccomp_notif *request = s->notify.request;
	int got = notify_receive(&s->notify);

	if (got <= 0)
		return got;
	*ret = (struct attached){0};
	if (s->redirect) {
		enum redirected what = redirect_serve(s->redirect, request, &ret->led_away);

		if (what == REDIRECT_GOES_ON)
			notify_let_go(&s->notify, request->id);
		if (what != REDIRECT_NOT)
			return what == REDIRECT_LED;
	}
	if (answer_wants(s->answer, request)) {
		int result = answer_call(s->answer, request);

		if (result == ANSWER_GOES_ON)
			notify_let_go(&s->notify, request->id);
		else
			notify_answer(&s->notify, request->id, result);
		return 0;
	}
	return serve_socket(s, ret);
}

static void go_on(struct attachment *attachment)
{
	struct substitute *s = (struct substitute *)attachment;

	if (s->redirect)
		redirect_turn(s->redirect);
}

static int let_all_go(struct attachment *attachment)
{
	struct substitute *s = (struct substitute *)attachment;
	int got = notify_receive(&s->notify);

	if (got > 0)
		notify_let_go(&s->notify, s->notify.request->id);
	return got;
}

const struct attachment_ops attachment_substitute = {
	.name = "substitute",
	.load = load,
	.open = open_substitute,
	.serve = serve,
	.go_on = go_on,
	.let_go = let_all_go,
	.close = close_substitute,
};
