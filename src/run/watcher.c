/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/filter.h"
#include "attach/substitute.h"
#include "base/cleanup.h"
#include "base/fds.h"
#include "run/status.h"
#include "run/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void undo(struct journal *journal)
{
	struct netstack netstack;

	if (netstack_open_host(&netstack) < 0)
		return;
	journal_release(journal, &netstack, NULL, NULL);
	netstack_close(&netstack);
}

static void let_go(int listener)
{
	struct pollfd fd = {.fd = listener, .events = POLLIN};
	struct substitute *substitute;

	if (substitute_new(listener, &substitute, NULL) < 0)
		return;
	while (poll(&fd, 1, -1) >= 0 || errno == EINTR) {
		if (fd.revents & POLLIN)
			substitute_let_go(substitute);
		else if (fd.revents)
			break;
	}
	substitute_free(substitute);
}

int watcher_main(const struct supervisor *setup)
{
	const int keep[] = {setup->control, setup->watch, journal_fd(setup->journal)};
	_cleanup_close_ int listener = -1;
	pid_t supervisor = fork();
	int null;

	if (supervisor < 0)
		return RUN_FAILED; /* the foreground sees the control socket end */
	if (supervisor == 0)
		_exit(supervisor_main(setup));
	prctl(PR_SET_NAME, "rivulet-watch");
	journal_keep(setup->journal, JOURNAL_WATCHER);
	fds_close_but(keep, ARRAY_SIZE(keep));
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(null, STDERR_FILENO);
	close_fd(null);

	listener = fds_receive(setup->watch);
	while (waitpid(supervisor, NULL, 0) < 0 && errno == EINTR)
		;
	status_remove(supervisor);
	undo(setup->journal);
	if (listener < 0)
		return 0;
	if (filter_in_use(listener))
		supervisor_say(setup->control, SUPERVISOR_STAYS);
	close_fd(setup->control);
	let_go(listener);
	return 0;
}
