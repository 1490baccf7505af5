/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Without these, a program would wait for ever for a socket, or get one that its run does not know of: because two threads
 * of the supervisor touch the same thing at once, or because they end while somebody asks. Built with ThreadSanitizer where
 * nothing else is asked for.
 */
#include "attach/clerks.h"

#include "attach/filter.h"
#include "attach/notify.h"
#include "base/fds.h"

#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cannot.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

enum { ASKERS = 8, SOCKETS = 150, UNABLE = 77 };

/* What the clerks and the supervisor, this thread, are at. */
struct desk {
	int listener; /* owned */
	pid_t program;
	struct home home;
	struct notify notify;
	struct clerks *clerks;
	unsigned made, handed_on;
};

/* Asks for sockets; what it got must be one, whoever answered. */
static void *ask(void *data)
{
	for (unsigned i = 0; i < SOCKETS; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0)
			return data;
		close(fd);
	}
	return NULL;
}

/* The program: threads that all ask at once. Never returns. */
static void be_asked_for(int handoff)
{
	pthread_t askers[ASKERS];
	struct err err;
	int listener = substitute_filter_load(false, &err), code = 0;
	void *failed;

	if (listener < 0 || fds_send(handoff, listener) < 0)
		_exit(UNABLE);
	close(listener);
	for (unsigned i = 0; i < ASKERS; i++)
		if (pthread_create(&askers[i], NULL, ask, askers) != 0)
			_exit(1);
	for (unsigned i = 0; i < ASKERS; i++)
		code |= pthread_join(askers[i], &failed) != 0 || failed;
	_exit(code);
}

static void set_up(struct desk *desk)
{
	int handoff[2];

	*desk = (struct desk){0};
	assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, handoff), 0);
	desk->program = fork();
	if (desk->program == 0)
		be_asked_for(handoff[1]);
	close(handoff[1]);
	desk->listener = fds_receive(handoff[0]);
	close(handoff[0]);
	if (desk->listener < 0) {
		waitpid(desk->program, NULL, 0);
		CANNOT("there is no user notification of seccomp filters, or it is somebody "
		       "else's");
	}
	assert_int_equal(home_open(&desk->home), 0);
	home_trust(&desk->home);
	assert_int_equal(notify_open(&desk->notify, desk->listener), 0);
	assert_int_equal(clerks_open(&desk->clerks, desk->listener, &desk->home), 0);
}

static void hear(struct desk *desk)
{
	struct attached done;

	while (clerks_done(desk->clerks, &done)) {
		assert_int_equal(done.error, 0);
		assert_int_not_equal(done.inode, 0);
		desk->made++;
	}
}

/* One that was handed on goes on in the kernel. */
static void answer(struct desk *desk)
{
	struct seccomp_notif question;

	while (clerks_question(desk->clerks, &question)) {
		notify_let_go(&desk->notify, question.id);
		desk->handed_on++;
	}
}

/* False: the program has ended. */
static bool turn(struct desk *desk)
{
	struct pollfd fds[] = {{.fd = clerks_done_fd(desk->clerks), .events = POLLIN},
			       {.fd = clerks_question_fd(desk->clerks), .events = POLLIN},
			       {.fd = desk->listener}};

	poll(fds, 3, -1);
	hear(desk);
	answer(desk);
	return !(fds[2].revents & POLLHUP);
}

static void tear_down(struct desk *desk)
{
	int status;

	assert_int_equal(waitpid(desk->program, &status, 0), desk->program);
	assert_int_equal(status, 0);
	notify_close(&desk->notify);
	home_close(&desk->home);
	close(desk->listener);
}

static bool has_mptcp(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);

	close(fd);
	return fd >= 0;
}

static void answers_each_question_once(void **state)
{
	struct desk desk;

	if (!has_mptcp())
		CANNOT("there is no MPTCP");
	set_up(&desk);
	/* Now and then they may not answer: what was asked meanwhile comes here. */
	for (unsigned turns = 0; turn(&desk); turns++)
		clerks_stand_open(desk.clerks, turns % 4 ? UINT64_MAX : 0);
	hear(&desk);
	assert_int_equal(desk.made + desk.handed_on, ASKERS * SOCKETS);
	clerks_close(desk.clerks);
	tear_down(&desk);
}

static void ends_while_somebody_asks(void **state)
{
	struct desk desk;

	if (!has_mptcp())
		CANNOT("there is no MPTCP");
	set_up(&desk);
	clerks_stand_open(desk.clerks, UINT64_MAX);
	while (desk.made < SOCKETS)
		turn(&desk);
	clerks_stand_open(desk.clerks, 0); /* some lie there when they end */
	clerks_close(desk.clerks);
	while (notify_receive(&desk.notify) > 0 || attachment_in_use(desk.listener))
		notify_let_go(&desk.notify, desk.notify.request->id);
	tear_down(&desk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_each_question_once),
		cmocka_unit_test(ends_while_somebody_asks),
	};

	return cannot_end(cmocka_run_group_tests(tests, NULL, NULL));
}
