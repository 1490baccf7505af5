/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel becomes one relocatable object. All symbols that mark a place are inside of sections, where the final link
 * moves them along; what is outside of one would stay a number.
 */
#include <asm-generic/vmlinux.lds.h>
#include <asm/cache.h>
#include <asm/page.h>
#include <asm/thread_info.h>

jiffies = jiffies_64;

SECTIONS
{
	.text : {
		_text = .;
		_stext = .;
		TEXT_TEXT
		SCHED_TEXT
		LOCK_TEXT
		KPROBES_TEXT
		IRQENTRY_TEXT
		SOFTIRQENTRY_TEXT
		_sinittext = .;
		*(.init.text .init.text.*)
		*(.text.startup)
		_einittext = .;
		*(.exit.text)
		_etext = .;
	}
	.rodata : {
		__start_rodata = .;
		*(.rodata) *(.rodata.*) *(.data.rel.ro*)
		*(.rodata1)
		SCHED_DATA
		__start_notes = .;
		__stop_notes = .;
		BOUNDED_SECTION_PRE_LABEL(__ex_table, __ex_table, __start_, __stop_)
		__end_rodata = .;
	}
	.data : {
		_sdata = .;
		init_stack = .;
		. += THREAD_SIZE;
		*(.data..init_task)
		*(.data..page_aligned)
		NOSAVE_DATA
		CACHELINE_ALIGNED_DATA(L1_CACHE_BYTES)
		READ_MOSTLY_DATA(L1_CACHE_BYTES)
		DATA_DATA
		CONSTRUCTORS
		*(.data..ro_after_init)
		*(.data..percpu*)
		. = ALIGN(8);
		__start___jump_table = .; *(__jump_table) __stop___jump_table = .;
		. = ALIGN(8);
		BOUNDED_SECTION_PRE_LABEL(__param, __param, __start_, __stop_)
		. = ALIGN(8);
		__init_begin = .;
		INIT_DATA
		INIT_SETUP(16)
		INIT_CALLS
		CON_INITCALL
		INIT_RAM_FS
		__init_end = .;
		_edata = .;
	}
	.bss : {
		__bss_start = .;
		*(.bss..page_aligned)
		*(.dynbss) *(.bss) *(.bss.*) *(COMMON)
		__bss_stop = .;
		_end = .;
	}
	.note.GNU-stack : { *(.note.GNU-stack) }
	/DISCARD/ : {
		*(.exitcall.exit) *(.discard) *(.discard.*) *(.modinfo) *(.export_symbol) *(.note.*)
	}
}
