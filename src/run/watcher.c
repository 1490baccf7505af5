/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/filter.h"
#include "attach/substitute.h"
#include "base/cleanup.h"
#include "base/fds.h"
#include "run/bystanders.h"
#include "run/status.h"
#include "run/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* Takes back what the supervisor has left; number of changes that connections cannot do without. */
static unsigned release(struct journal *journal)
{
	struct netstack netstack;
	unsigned kept;

	if (netstack_open_host(&netstack) < 0)
		return 0;
	kept = bystanders_release(journal, &netstack, true);
	netstack_close(&netstack);
	return kept;
}

/* Lets every asking call go on until nobody is left to ask, and until @kept changes are not needed any more. */
static void let_go(int listener, struct journal *journal, unsigned kept)
{
	struct pollfd fd = {.fd = listener, .events = POLLIN};
	struct substitute *substitute;

	if (substitute_new(listener, &substitute, NULL) < 0)
		return;
	while (fd.fd >= 0 || kept > 0) {
		int ready = poll(&fd, 1, kept ? 1000 : -1);

		if (ready > 0 && (fd.revents & POLLIN))
			substitute_let_go(substitute);
		else if (ready > 0)
			fd.fd = -1;
		else if (ready == 0)
			kept = release(journal);
	}
	substitute_free(substitute);
}

int watcher_main(const struct supervisor *setup)
{
	const int keep[] = {setup->control, setup->watch, journal_fd(setup->journal)};
	_cleanup_close_ int listener = -1;
	pid_t supervisor = fork();
	unsigned kept;
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
	kept = release(setup->journal);
	if (listener < 0)
		return 0;
	if (kept > 0 || filter_in_use(listener))
		supervisor_say(setup->control, SUPERVISOR_STAYS);
	close_fd(setup->control);
	let_go(listener, setup->journal, kept);
	return 0;
}
