/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/attachment.h"
#include "base/cleanup.h"
#include "base/fds.h"
#include "base/folder.h"
#include "run/status.h"
#include "run/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Lets every asking call go on until nobody is left to ask. */
static void let_go(const struct attachment_ops *ops, int listener)
{
	struct pollfd fd = {.fd = listener, .events = POLLIN};
	struct attachment *attachment;

	if (ops->open(&(struct attachment_setup){.listener = listener}, &attachment, NULL) < 0)
		return;
	while (fd.fd >= 0) {
		int ready = poll(&fd, 1, -1);

		if (ready > 0 && !((fd.revents & POLLIN) && ops->let_go(attachment) >= 0))
			fd.fd = -1;
	}
	ops->close(attachment);
}

static int supervise(const struct supervisor *setup)
{
	prctl(PR_SET_NAME, "rivulet-super");
	close_fd(setup->watch);
	return run_stack(setup->options)->uses_host_links ? supervisor_main(setup)
							  : relaying_main(setup);
}

/* The program's listener, when there is a program. If the supervisor ends before that there will be none: the foreground waits for its
 * word, and we have the other end of that socket, too. */
static int await_listener(const struct supervisor *setup, pid_t supervisor)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, supervisor, 0);
	struct pollfd fds[] = {{.fd = setup->watch, .events = POLLIN},
			       {.fd = pidfd, .events = POLLIN}};

	while (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno == EINTR)
		;
	/* What has come is still received. */
	if (fds[1].revents)
		shutdown(setup->watch, SHUT_RD);
	return fds_receive(setup->watch);
}

int watcher_main(const struct supervisor *setup)
{
	const int keep[] = {setup->control, setup->watch};
	_cleanup_close_ int listener = -1;
	pid_t supervisor = fork();
	const struct attachment_ops *ops = run_attachment(setup->options);
	char folder[PATH_MAX];
	int null;

	if (supervisor < 0)
		return RUN_FAILED; /* the foreground sees the control socket end */
	if (supervisor == 0)
		_exit(supervise(setup));
	prctl(PR_SET_NAME, "rivulet-watch");
	fds_close_but(keep, ARRAY_SIZE(keep));
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(null, STDERR_FILENO);
	close_fd(null);

	listener = await_listener(setup, supervisor);
	while (waitpid(supervisor, NULL, 0) < 0 && errno == EINTR)
		;
	status_remove(supervisor);
	if (ops->clean && folder_find(folder) == 0) {
		ops->clean(folder);
		folder_leave(folder);
	}
	if (listener < 0)
		return 0;
	if (attachment_in_use(listener))
		supervisor_say(setup->control, SUPERVISOR_STAYS);
	close_fd(setup->control);
	let_go(ops, listener);
	if (setup->options->service)
		setup->options->service->clean(setup->options->service->data);
	return 0;
}
