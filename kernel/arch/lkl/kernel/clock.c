// SPDX-License-Identifier: GPL-2.0-only
/* The host's clock is the kernel's; the one event that the kernel has asked for is a time to compare it with. */
#include <asm/lkl.h>
#include <linux/clockchips.h>
#include <linux/clocksource.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/sched/clock.h>
#include <linux/timekeeping.h>
#include <linux/timex.h>

static u64 due = LKL_NEVER;

static u64 read_clock(struct clocksource *source)
{
	return lkl_host->now();
}

static struct clocksource source = {
	.name = "host",
	.rating = 400,
	.read = read_clock,
	.mask = CLOCKSOURCE_MASK(64),
	.flags = CLOCK_SOURCE_IS_CONTINUOUS,
};

static int set_event(unsigned long delta, struct clock_event_device *device)
{
	due = lkl_host->now() + delta;
	return 0;
}

static int stop(struct clock_event_device *device)
{
	due = LKL_NEVER;
	return 0;
}

static struct clock_event_device events = {
	.name = "host",
	.rating = 400,
	.features = CLOCK_EVT_FEAT_ONESHOT,
	.set_next_event = set_event,
	.set_state_shutdown = stop,
	.set_state_oneshot_stopped = stop,
};

u64 lkl_due(void)
{
	return due;
}

void lkl_clock_interrupt(void)
{
	due = LKL_NEVER;
	events.event_handler(&events);
}

void __init time_init(void)
{
	clocksource_register_hz(&source, NSEC_PER_SEC);
	events.cpumask = cpumask_of(0);
	clockevents_config_and_register(&events, NSEC_PER_SEC, 1, LONG_MAX);
}

unsigned long long sched_clock(void)
{
	return lkl_host ? lkl_host->now() : 0;
}

cycles_t get_cycles(void)
{
	return sched_clock();
}

/* The kernel's monotonic clock goes on with the host's: TCP timestamps are made of it (net/ipv4/rivulet_stamps.c). */
void __init read_persistent_wall_and_boot_offset(struct timespec64 *ret_today,
						 struct timespec64 *ret_now)
{
	*ret_today = ns_to_timespec64(lkl_host->today());
	*ret_now = ns_to_timespec64(lkl_host->now());
}

void __ndelay(unsigned long ns)
{
	u64 until = lkl_host->now() + ns;

	while (lkl_host->now() < until)
		cpu_relax();
}

void __udelay(unsigned long us)
{
	__ndelay(us * NSEC_PER_USEC);
}

void __delay(unsigned long loops)
{
	__ndelay(loops);
}

/* @scaled is microseconds times 2^32 / 10^6. */
void __const_udelay(unsigned long scaled)
{
	__ndelay((scaled * 1000) >> 22);
}
