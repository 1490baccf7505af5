/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is read of links while others come and go, in a network namespace of many; without the right to make one nothing is tried. */
#include "link/links.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cannot.h"

#define MANY  60 /* more than the kernel tells of at once */
#define READS 300

/* Containers that are started and stopped beside us, until we kill it. */
static pid_t start_churn(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		execlp("sh", "sh", "-c",
		       "for i in $(seq 100000); do echo link add churn type veth peer churner; "
		       "echo link delete churn; done | "
		       "exec ip -batch - >/dev/null 2>&1",
		       (char *)NULL);
		_exit(1);
	}
	return pid;
}

/* Lost: a run that does not begin, or connections that are cut off with their last subflow, for nobody knows which link is which. */
static void links_while_others_come_and_go(void **state)
{
	_cleanup_nl_ struct nl *nl = NULL;
	unsigned failed = 0, few = 0;
	pid_t churn;

	if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) < 0 ||
	    system("for i in $(seq 30); do echo link add d$i type veth peer e$i; done | ip -batch "
		   "-") != 0)
		CANNOT("there is no network namespace, or veth devices");
	assert_int_equal(nl_open(&nl, NETLINK_ROUTE), 0);
	churn = start_churn();
	setpgid(churn, churn);
	for (unsigned i = 0; i < READS; i++) {
		struct links links;
		int code = links_read(nl, &links);

		failed += code < 0;
		few += code == 0 && links.count < MANY;
		if (code == 0)
			links_free(&links);
	}
	kill(-churn, SIGKILL);
	waitpid(churn, NULL, 0);
	assert_int_equal(failed, 0);
	assert_int_equal(few, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(links_while_others_come_and_go)};

	return cannot_end(cmocka_run_group_tests(tests, NULL, NULL));
}
