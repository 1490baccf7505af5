/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stack/stack.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

const struct stack_ops *const stacks[] = {&stack_native, &stack_lkl, &stack_uml, &stack_host, NULL};

const struct stack_ops *stack_find(const char *name)
{
	for (unsigned i = 0; stacks[i]; i++)
		if (strcmp(stacks[i]->name, name) == 0)
			return stacks[i];
	return NULL;
}

int stack_check(const char *name, struct err *err)
{
	const struct stack_ops *named = stack_find(name);

	if (!named)
		return err_set(err, -ENOENT, "there is no stack '%s'", name);
	if (!named->dial_open)
		return err_set(err, -EOPNOTSUPP,
			       "stack '%s' is for programs of its own: rivulet run --stack %s",
			       name, name);
	return 0;
}

int stack_choose(const char *name, void (*passed_over)(const char *why),
		 const struct stack_ops **ret, struct err *err)
{
	const struct stack_ops *named = name ? stack_find(name) : NULL;
	int code = name ? stack_check(name, err) : -EOPNOTSUPP;

	*ret = NULL;
	if (name && code < 0)
		return code;
	for (unsigned i = 0; stacks[i]; i++) {
		if (named ? stacks[i] != named : !stacks[i]->dial_open || stacks[i]->needs_packets)
			continue;
		/* Who opens it, or gets it from another process, is told there. */
		code = stacks[i]->needs_packets ? 0 : stacks[i]->probe(err);
		if (code == 0) {
			*ret = stacks[i];
			return 0;
		}
		if (!named && passed_over)
			passed_over(err->text);
	}
	return named ? code : err_prefix(err, code, "no stack can run here");
}

/* Until @dialling has something to do, or it is @until. */
static int wait_for(const struct dialling *dialling, uint64_t until)
{
	struct pollfd fd = {dialling->fd, POLLIN, 0};
	uint64_t now = clock_now(), left = until > now ? until - now : 0;
	const struct timespec timeout = {(time_t)(left / NS_PER_S), (long)(left % NS_PER_S)};

	return ppoll(&fd, 1, until == UINT64_MAX ? NULL : &timeout, NULL) < 0 ? -errno : 0;
}

int stack_dial(struct stack *stack, const struct stack_dial *dial, struct err *err)
{
	struct dialling *dialling;
	uint64_t wake;
	int code = stack->ops->dial_open(stack, dial, &dialling, err), failed;

	if (code < 0)
		return code;
	while ((code = stack->ops->dial_go_on(dialling, &wake, err)) == -EINPROGRESS) {
		failed = wait_for(dialling, wake);
		if (failed < 0) {
			code = err_set(err, failed, "dialling '%s' was given up: %s", dial->host,
				       strerror(-failed));
			break;
		}
	}
	stack->ops->dial_close(dialling);
	return code;
}
