// SPDX-License-Identifier: GPL-2.0-only
/* Between the program and the kernel: the functions of lkl.h that are about all of it, and its end. */
#include "setup.h"
#include <asm/lkl.h>
#include <linux/init.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <linux/sched/debug.h>
#include <linux/start_kernel.h>

const struct lkl_host *lkl_host;

int __init lkl_boot(const struct lkl_host *host, unsigned long memory, const char *command)
{
	int err;

	if (lkl_host)
		return -EBUSY;
	lkl_host = host;
	err = lkl_map_memory(memory, command);
	if (err) {
		lkl_host = NULL;
		return err;
	}
	lkl_start();
	return 0;
}

unsigned long long lkl_turn(void)
{
	return lkl_let_run();
}

static void end(void)
{
	lkl_host->panic();
	for (;;)
		;
}

/* panic=-1 on the command line leads here at once, also before anything is set up. */
void machine_restart(char *command)
{
	end();
}

void machine_halt(void)
{
	end();
}

void machine_power_off(void)
{
	end();
}

void (*pm_power_off)(void);

void show_regs(struct pt_regs *regs)
{
}

void show_stack(struct task_struct *task, unsigned long *sp, const char *level)
{
}
