/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rivulet stack NAME`: what librivulet starts for rv_open(NAME), and nobody else. */
#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/policy.h"
#include "run/serving.h"
#include "stack/own_wire.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int refuse(int code, const struct err *err)
{
	struct own_answer answer = {.code = code};

	snprintf(answer.words, sizeof(answer.words), "%s", err->text);
	send(STDIN_FILENO, &answer, sizeof(answer), MSG_NOSIGNAL);
	return 1;
}

int cmd_stack(int argc, char **argv)
{
	const struct stack_ops *ops = argc == 2 ? stack_find(argv[1]) : NULL;
	struct own_wish wish;
	struct err err;
	sigset_t none;
	int kind = 0, code;
	socklen_t size = sizeof(kind);

	if (!ops || !ops->admit ||
	    getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &kind, &size) < 0 ||
	    kind != SOCK_SEQPACKET) {
		fputs("rivulet: this is for librivulet alone\n", stderr);
		return 2;
	}
	sigemptyset(&none);
	/* The program's is none of ours; nor is where it is, which may have to be unmounted. */
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (chdir("/") < 0)
		return 1;
	code = recv(STDIN_FILENO, &wish, sizeof(wish), MSG_TRUNC) == sizeof(wish)
		       ? ops->probe(&err)
		       : err_set(&err, -EPROTO,
				 "the rivulet that is started for stack %s is of another version",
				 argv[1]);
	if (code == 0 && !wish.told)
		code = policy_complete(&wish.policy, true, &err);
	if (code < 0)
		return refuse(code, &err);
	return serving_main(ops, &wish.policy, STDIN_FILENO);
}
