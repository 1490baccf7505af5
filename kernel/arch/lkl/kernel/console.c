// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's words go to the program. */
#include <asm/lkl.h>
#include <linux/console.h>
#include <linux/init.h>

static void write(struct console *console, const char *text, unsigned int length)
{
	lkl_host->log(text, length);
}

static struct console console = {
	.name = "lkl",
	.write = write,
	.flags = CON_PRINTBUFFER | CON_ENABLED | CON_ANYTIME,
	.index = -1,
};

static int __init add_console(void)
{
	register_console(&console);
	return 0;
}
console_initcall(add_console);
