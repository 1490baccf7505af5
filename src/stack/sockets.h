/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stacks whose descriptors are sockets of the host's kernel: what "native" and "host" share. They
 * differ in the protocol that a socket is made with, and in nothing else. Dialling, listening and status ask by the calls of the
 * stack's own row, and are for any that has some. */
#pragma once

#include "stack/stack.h"

/* A stack with @ops whose sockets have the protocol @protocol. Close with sockets_close(). */
int sockets_open(const struct stack_ops *ops, int protocol, const struct stack_options *options,
		 struct stack **ret, struct err *err);

/* The operations; see struct stack_ops. */
extern const struct stack_calls sockets_calls;
int sockets_dial_open(struct stack *stack, const struct stack_dial *dial, struct dialling **ret,
		      struct err *err);
int sockets_dial_go_on(struct dialling *dialling, uint64_t *ret_wake, struct err *err);
void sockets_dial_close(struct dialling *dialling);
int sockets_listen(struct stack *stack, const struct stack_listen *listen, struct err *err);
int sockets_status(struct stack *stack, int fd, struct rv_status *ret, struct err *err);
void sockets_close(struct stack *stack);
