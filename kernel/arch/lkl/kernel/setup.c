// SPDX-License-Identifier: GPL-2.0-only
/* Memory, and what else start_kernel() asks of a machine. */
#include "setup.h"
#include <asm/archrandom.h>
#include <asm/lkl.h>
#include <asm/setup.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/random.h>
#include <linux/seq_file.h>

unsigned long lkl_memory;
void *empty_zero_page;
static char command_line[COMMAND_LINE_SIZE];
static unsigned long memory_size;

int __init lkl_map_memory(unsigned long size, const char *command)
{
	lkl_memory = (unsigned long)lkl_host->map(size & PAGE_MASK);
	if (!lkl_memory)
		return -ENOMEM;
	memory_size = size & PAGE_MASK;
	strscpy(command_line, command, sizeof(command_line));
	strscpy(boot_command_line, command, COMMAND_LINE_SIZE);
	return 0;
}

void __init setup_arch(char **ret_command)
{
	unsigned long zones[MAX_NR_ZONES] = {};

	*ret_command = command_line;
	memblock_add(0, memory_size);
	/* memblock takes the address 0 for failure. */
	memblock_reserve(0, PAGE_SIZE);
	min_low_pfn = 1;
	max_low_pfn = max_pfn = max_mapnr = PFN_DOWN(memory_size);
	high_memory = __va(memory_size);
	zones[ZONE_NORMAL] = max_pfn;
	free_area_init(zones);
	empty_zero_page = memblock_alloc(PAGE_SIZE, PAGE_SIZE);
}

void __init mem_init(void)
{
	memblock_free_all();
}

/* When memory runs out there is no process that could be killed, and the kernel would panic: who asks for some is told that there is none. */
static int __init spare_processes(void)
{
	return oom_killer_disable(HZ) ? 0 : -EAGAIN;
}
late_initcall(spare_processes);

/* The program's file holds it. */
void free_initmem(void)
{
}

void __init calibrate_delay(void)
{
	loops_per_jiffy = NSEC_PER_SEC / HZ;
}

size_t arch_get_random_longs(unsigned long *to, size_t count)
{
	lkl_host->random(to, count * sizeof(*to));
	return count;
}

static void *no_cpuinfo(struct seq_file *file, loff_t *at)
{
	return NULL;
}

static void *no_next(struct seq_file *file, void *v, loff_t *at)
{
	return NULL;
}

static void no_stop(struct seq_file *file, void *v)
{
}

static int no_show(struct seq_file *file, void *v)
{
	return 0;
}

const struct seq_operations cpuinfo_op = {
	.start = no_cpuinfo, .next = no_next, .stop = no_stop, .show = no_show};
