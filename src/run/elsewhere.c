/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/elsewhere.h"

#include "run/supervisor.h"

#include <stdio.h>
#include <sys/socket.h>

void elsewhere_tell(int control, const struct err *why)
{
	char message[1 + sizeof(why->text)];
	int size = snprintf(message, sizeof(message), "%c%s", SUPERVISOR_TAKEN, why->text);

	if (send(control, message, (size_t)size, MSG_NOSIGNAL) < 0)
		return; /* a foreground that is gone is no error */
}

/* A program that runs inside a machine would find more changed than its links. */
static bool fits(const struct stack_ops *stack)
{
	struct err why;

	return stack->needs_packets && stack->attachment && stack->probe(&why) == 0;
}

const struct stack_ops *elsewhere_find(const struct run_options *options)
{
	if (options->named || options->service)
		return NULL;
	for (unsigned i = 0; stacks[i]; i++)
		if (fits(stacks[i]))
			return stacks[i];
	return NULL;
}

void elsewhere_note(const struct run_options *options, const struct stack_ops *stack,
		    const struct err *why)
{
	if (!options->quiet)
		fprintf(stderr,
			"rivulet: %s; so this run takes stack %s, whose links are its own\n",
			why->text, stack->name);
}

void elsewhere_advise(struct err *why)
{
	const struct err reason = *why;

	err_set(why, 0,
		"%s; what is set up holds for all on this host: let the two wish the same, or "
		"give one a network stack of its own (--stack lkl, --stack uml)",
		reason.text);
}
