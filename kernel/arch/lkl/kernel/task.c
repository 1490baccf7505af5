// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tasks are coroutines: each has a stack, and one thread of the program's runs them all.
 *
 * The program's thread boots the kernel on the first task's stack. When all is set up, the task that would become process 1
 * leaves its last initcall for the stack of the program's thread, and stays there: from then on that thread *is* process
 * 1, a system call is a function call on its stack, and when it blocks, the scheduler switches to other tasks' stacks and
 * back as between any two.
 *
 *	program's stack:   lkl_boot() ─┐      ┌─► returns; lkl_call(), lkl_turn(), ...
 *	first task's:                  └ start_kernel() ... schedule() ─┐ idle
 *	process 1's:                                                    └ initcalls ─► the program's stack
 *
 * lkl_let_run() is process 1 going to sleep without a reason: whatever else can run does, and the idle task, which runs when
 * nothing can, lets it go on (lkl_program_goes_on), with the time until which nothing will be to do. So that it goes on
 * in the end however much there is to do, an interrupt of the clock ends that sleep, too.
 *
 * The time is taken in the idle task, because there the tick is stopped: what is due next is a timer that somebody
 * waits for. When process 1 goes on the tick starts again, but that is for naught if it then sleeps. Stopping it takes
 * time: not while packets come.
 */
#include <asm/lkl.h>
#include <asm/switch_to.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/start_kernel.h>

struct task_struct *lkl_current = &init_task;
struct task_struct *lkl_program;

static void *host_sp;   /* of the program's thread, while the kernel boots */
static bool waits;      /* the program, in lkl_let_run() */
static bool quiet;      /* this time no packets were there */
static u64 quiet_until; /* what the idle task found */

static struct task_struct *before; /* the one that was switched from */

/* A new task's first step. */
asmlinkage __visible __noreturn void lkl_first(int (*function)(void *), void *data);
asmlinkage __visible __noreturn void lkl_first(int (*function)(void *), void *data)
{
	schedule_tail(before);
	function(data);
	/* Only a task that executes a file comes back. */
	BUG();
}

struct task_struct *__switch_to(struct task_struct *prev, struct task_struct *next)
{
	before = prev;
	lkl_current = next;
	lkl_switch(&prev->thread.sp, next->thread.sp);
	return before;
}

int copy_thread(struct task_struct *task, const struct kernel_clone_args *args)
{
	if (!args->fn)
		return -ENOSYS; /* the program cannot be had twice */
	task->thread.sp =
		lkl_prepare(task_stack_page(task) + THREAD_SIZE, lkl_begin, args->fn, args->fn_arg);
	return 0;
}

void flush_thread(void)
{
}

/* Nothing runs that could be traced. */
void ptrace_disable(struct task_struct *task)
{
}

long arch_ptrace(struct task_struct *task, long request, unsigned long address, unsigned long data)
{
	return -EIO;
}

static void __init boot(void)
{
	start_kernel();
}

/* The program's stack is left for the first task's. */
void __init lkl_start(void)
{
	/* It begins in no lkl_begin(), for there is no task before it. */
	lkl_switch(&host_sp, lkl_prepare((void *)init_stack + THREAD_SIZE, boot, NULL, NULL));
}

/* The last initcall: process 1 goes on where the program called lkl_boot(). */
static int __init become_program(void)
{
	void *left;

	lkl_program = current;
	current->flags |= PF_NOFREEZE;
	system_state = SYSTEM_RUNNING;
	lkl_switch(&left, host_sp);
	BUG();
}
late_initcall_sync(become_program);

u64 lkl_let_run(void)
{
	unsigned long flags;

	BUG_ON(current != lkl_program);
	quiet = !lkl_pending;
	lkl_look_at_clock();
	quiet_until = 0;
	local_irq_save(flags);
	waits = true;
	__set_current_state(TASK_IDLE);
	local_irq_restore(flags);
	schedule();
	waits = false;
	return quiet_until;
}

bool lkl_is_quiet(void)
{
	return quiet || !waits;
}

bool lkl_program_goes_on(void)
{
	if (!waits)
		return false;
	waits = false;
	quiet_until = lkl_due();
	wake_up_process(lkl_program);
	return true;
}

void lkl_return_to_program(void)
{
	if (!waits)
		return;
	waits = false;
	wake_up_process(lkl_program);
}
