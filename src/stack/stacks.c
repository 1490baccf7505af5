/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stack/stack.h"

#include <string.h>

const struct stack_ops *const stacks[] = {&stack_native, &stack_host, NULL};

const struct stack_ops *stack_find(const char *name)
{
	for (unsigned i = 0; stacks[i]; i++)
		if (strcmp(stacks[i]->name, name) == 0)
			return stacks[i];
	return NULL;
}
