/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of processes inside. What is touched there for the first time is a fault, and that is three switches to the kernel's process
 * and back. A process that was forked touches again much of what its parent had. So this one, and whichever
 * are forked of it, ask at their beginning for all at once that each of them needs: the code, the data, the stack.
 */
#pragma once

/* For a program with few libraries. */
void guest_foresee_memory(void);
