// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts. There is nothing that could interrupt: whoever looks and finds that the clock's event is due, or that packets have
 * come, sets a bit of lkl_pending, and interrupts are delivered, by a call, when they are on: at once, or where they are
 * switched on next. All this is one thread, so what is between looking and sleeping stays as it was seen.
 *
 * Who looks: lkl_turn(), the idle task while a call blocks, and, for what goes on for long without either, the receiving of
 * packets (net/packet.c).
 */
#include <asm/irq_regs.h>
#include <asm/lkl.h>
#include <linux/clockchips.h>
#include <linux/cpu.h>
#include <linux/hardirq.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/sched/idle.h>
#include <linux/tick.h>

unsigned long lkl_enabled, lkl_pending;

void __init init_IRQ(void)
{
}

/* Interrupts are on, and something is pending. */
void lkl_deliver(void)
{
	/* What was interrupted: the tick does not run the timers without. */
	static struct pt_regs regs;
	struct pt_regs *was;

	while (lkl_pending) {
		unsigned long pending = lkl_pending;

		lkl_pending = 0;
		lkl_enabled = 0;
		was = set_irq_regs(&regs);
		irq_enter();
		if (pending & LKL_PENDING_CLOCK)
			lkl_clock_interrupt();
		if (pending & LKL_PENDING_LINKS)
			lkl_links_interrupt();
		irq_exit();
		set_irq_regs(was);
		lkl_enabled = 1;
		if (pending & LKL_PENDING_CLOCK)
			lkl_return_to_program();
	}
}

void lkl_look_at_clock(void)
{
	if (lkl_host->now() >= lkl_due())
		lkl_pending |= LKL_PENDING_CLOCK;
	if (lkl_pending && lkl_enabled)
		lkl_deliver();
}

/* The idle task, with interrupts off: nothing can run. The kernel's own idle loop stops the tick when one came while it was
 * idle; but it never stays that long, as the program sleeps outside of it. */
void arch_cpu_idle(void)
{
	if (lkl_is_quiet())
		tick_nohz_idle_stop_tick();
	if (lkl_pending || lkl_program_goes_on())
		goto deliver;
	if (lkl_host->now() < lkl_due())
		lkl_host->wait(lkl_due());
	if (lkl_host->now() >= lkl_due())
		lkl_pending |= LKL_PENDING_CLOCK;
deliver:
	if (lkl_pending) {
		lkl_deliver();
		lkl_enabled = 0;
	}
}
