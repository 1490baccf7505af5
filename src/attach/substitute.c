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
#include "attach/clerks.h"
#include "attach/filter.h"
#include "attach/known.h"
#include "attach/model.h"
#include "attach/notify.h"
#include "attach/redirect.h"
#include "attach/stand_in.h"
#include "base/cleanup.h"

#include <linux/seccomp.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

struct substitute {
	struct attachment attachment;
	struct notify notify;
	struct home home;
	struct answer *answer;     /* owned */
	struct redirect *redirect; /* owned; NULL: there is no route */
	struct clerks *clerks;     /* owned; NULL: all questions are answered by serve() */
};

static void prepare(void)
{
	model_traps();
}

static int load(bool routed, int *ret_own, struct err *err)
{
	*ret_own = -1;
	return substitute_filter_load(routed, err);
}

static void close_substitute(struct attachment *attachment)
{
	struct substitute *s = (struct substitute *)attachment;

	clerks_close(s->clerks);
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
	home_trust(&s->home);
	if (answer_new(listener, &s->home, &s->answer) < 0 ||
	    notify_open(&s->notify, listener) < 0) {
		close_substitute(&s->attachment);
		return err_set(err, -ENOMEM, "no memory for the supervisor");
	}
	s->attachment.asks = listener;
	s->attachment.fd = s->attachment.made = -1;
	if (setup->steering) {
		int code = redirect_open(&s->redirect, listener, setup->steering);

		if (code < 0) {
			close_substitute(&s->attachment);
			return err_set(err, code, "connections cannot be routed: %s",
				       strerror(-code));
		}
		s->attachment.fd = redirect_fd(s->redirect);
	} else if (setup->threads && clerks_open(&s->clerks, listener, &s->home) == 0) {
		s->attachment.asks = clerks_question_fd(s->clerks);
		s->attachment.made = clerks_done_fd(s->clerks);
	}
	*ret = &s->attachment;
	return 0;
}

static int serve_socket(struct substitute *s, struct attached *ret)
{
	const struct seccomp_notif *request = s->notify.request;
	_cleanup_close_ int fd = -1;
	struct stand_in wanted;

	if (!stand_in_wanted(request, &wanted)) {
		notify_let_go(&s->notify, request->id);
		return 0;
	}
	fd = stand_in_make(&s->home, request, &wanted, &ret->inode);
	if (fd < 0) {
		ret->error = fd;
		notify_let_go(&s->notify, request->id);
		return 1;
	}
	if (wanted.protocol == IPPROTO_MPTCP)
		answer_own(s->answer, fd);
	ret->error = stand_in_give(&s->notify, fd, &wanted);
	if (ret->error < 0)
		ret->inode = 0;
	return ret->error == -ENOENT ? 0 : 1;
}

/* As notify_receive(), from whoever receives. */
static int receive(struct substitute *s)
{
	if (!s->clerks)
		return notify_receive(&s->notify);
	return clerks_question(s->clerks, s->notify.request) ? 1 : 0;
}

static int serve(struct attachment *attachment, struct attached *ret)
{
	struct substitute *s = (struct substitute *)attachment;
	const struct seccomp_notif *request = s->notify.request;
	int got = receive(s);

	if (got <= 0)
		return got;
	*ret = (struct attached){0};
	if (known_ends(request)) {
		if (s->home.known)
			known_end(s->home.known);
		notify_let_go(&s->notify, request->id);
		return 0;
	}
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

static bool made(struct attachment *attachment, struct attached *ret)
{
	struct substitute *s = (struct substitute *)attachment;

	return s->clerks && clerks_done(s->clerks, ret);
}

static void stands_open(struct attachment *attachment, uint64_t until)
{
	struct substitute *s = (struct substitute *)attachment;

	if (s->clerks)
		clerks_stand_open(s->clerks, until);
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
	.prepare = prepare,
	.load = load,
	.open = open_substitute,
	.serve = serve,
	.made = made,
	.stands_open = stands_open,
	.go_on = go_on,
	.let_go = let_all_go,
	.close = close_substitute,
};
