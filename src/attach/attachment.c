/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/attachment.h"

#include "base/cleanup.h"

#include <poll.h>
#include <string.h>

const struct attachment_ops *attachment_of(const struct stack_ops *stack)
{
	static const struct attachment_ops *const all[] = {&attachment_substitute,
							   &attachment_relay};

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		if (strcmp(all[i]->name, stack->attachment) == 0)
			return all[i];
	return NULL;
}

bool attachment_in_use(int listener)
{
	struct pollfd fd = {.fd = listener};

	return poll(&fd, 1, 0) >= 0 && !(fd.revents & (POLLHUP | POLLERR));
}
