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
#include "attach/redirect.h"
#include "base/cleanup.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS /* since 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

enum { SOCKETCALL = 102, SOCKETCALL_SOCKET = 1 }; /* i386: one call for all of sockets */

struct substitute {
	struct attachment attachment;
	int listener;
	struct home home;
	struct answer *answer;     /* owned */
	struct redirect *redirect; /* owned; NULL: there is no route */
	struct seccomp_notif *request;
	struct seccomp_notif_resp *response;
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
	seccomp_notify_free(s->request, s->response);
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
	s->listener = listener;
	home_open(&s->home);
	if (answer_new(listener, &s->home, &s->answer) < 0 ||
	    seccomp_notify_alloc(&s->request, &s->response) < 0) {
		close_substitute(&s->attachment);
		return err_set(err, -ENOMEM, "no memory for the supervisor");
	}
	/* The program and we take turns: stay on one CPU where the kernel can (a fourth of the
	 * cost). */
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
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

static int receive(struct substitute *s)
{
	/* The kernel refuses a request buffer that is not all zero. */
	memset(s->request, 0, sizeof(*s->request));
	if (seccomp_notify_receive(s->listener, s->request) < 0)
		return errno == ENOENT || errno == EINTR ? 0 : -errno;
	return 1;
}

static void respond(struct substitute *s, int error, uint32_t flags)
{
	memset(s->response, 0, sizeof(*s->response));
	s->response->id = s->request->id;
	s->response->error = error;
	s->response->flags = flags;
	/* It fails only where the asking thread is gone. */
	seccomp_notify_respond(s->listener, s->response);
}

static void let_go(struct substitute *s)
{
	respond(s, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

static int serve(struct attachment *attachment, struct attached *ret)
{
	struct substitute *s = (struct substitute *)attachment;
	struct seccomp_notif_addfd give = {.flags = SECCOMP_ADDFD_FLAG_SEND};
	_cleanup_close_ int fd = -1;
	struct stat st;
	struct call call;
	int got = receive(s);

	if (got <= 0)
		return got;
	*ret = (struct attached){0};
	if (answer_wants(s->answer, s->request)) {
		int result = answer_call(s->answer, s->request);

		if (result == ANSWER_GOES_ON)
			let_go(s);
		else
			respond(s, result, 0);
		return 0;
	}
	if (s->redirect) {
		enum redirected what = redirect_serve(s->redirect, s->request, &ret->led_away);

		if (what == REDIRECT_GOES_ON)
			let_go(s);
		if (what != REDIRECT_NOT)
			return what == REDIRECT_LED;
	}
	if (!decode(s->request, &call)) {
		let_go(s);
		return 0;
	}
	fd = caller_socket(&s->home, (pid_t)s->request->pid, call.domain, call.type, IPPROTO_MPTCP);
	if (fd < 0) {
		ret->error = fd;
		let_go(s);
		return 1;
	}
	if (fstat(fd, &st) == 0)
		ret->inode = (uint32_t)st.st_ino;
	if (call.protocol == IPPROTO_MPTCP)
		answer_own(s->answer, fd);
	give.id = s->request->id;
	give.srcfd = (uint32_t)fd;
	give.newfd_flags = call.type & SOCK_CLOEXEC ? O_CLOEXEC : 0;
	/* Fails unless the asker still waits: then what was read under its pid was its own. */
	if (ioctl(s->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &give) < 0) {
		int err = -errno;

		/* Its table of descriptors is full: as socket() would have said. */
		if (err == -EMFILE)
			respond(s, err, 0);
		else if (err != -ENOENT)
			let_go(s);
		ret->inode = 0;
		ret->error = err;
		return err == -ENOENT ? 0 : 1;
	}
	return 1;
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
	int got = receive(s);

	if (got > 0)
		let_go(s);
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
