/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of this architecture share. */
#ifndef _ASM_LKL_LKL_H
#define _ASM_LKL_LKL_H

#include <linux/linkage.h>
#include <linux/types.h>
#include <lkl.h>

extern const struct lkl_host *lkl_host;

/* What waits in lkl_pending (asm/irqflags.h). */
#define LKL_PENDING_CLOCK 1UL
#define LKL_PENDING_LINKS 2UL

/* interrupt.c: raises what has become due. */
void lkl_look_at_clock(void);

/* clock.c */
u64 lkl_due(void); /* when the clock event that was asked for is; LKL_NEVER: none was */
void lkl_clock_interrupt(void);

/* net/packet.c */
void lkl_links_interrupt(void);

/* net/ack.c: acknowledgements that are due from one to the other go with the second. */
void lkl_acks_gather(void);
void lkl_acks_send(void);

/* task.c: the task that is the program, once it has booted. */
extern struct task_struct *lkl_program;
void lkl_start(void);
/* Lets all others run until none wants to. */
u64 lkl_let_run(void);
/* Was there nothing to do but for the clock, or does a call block? */
bool lkl_is_quiet(void);
/* The idle task: does the program wait for that? Then it goes on. */
bool lkl_program_goes_on(void);
/* However much there still is to do. */
void lkl_return_to_program(void);

/* switch.S */
asmlinkage void lkl_switch(void **save, void *sp);
asmlinkage void lkl_begin(void);

#endif
