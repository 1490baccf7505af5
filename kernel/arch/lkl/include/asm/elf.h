/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_ELF_H
#define _ASM_LKL_ELF_H

#include <asm/cpu.h>
#include <asm/ptrace.h>

/* No file of this kind is ever loaded. */
typedef unsigned long elf_greg_t;
typedef elf_greg_t elf_gregset_t[1];
typedef unsigned long elf_fpregset_t;

#define ELF_CLASS              ELFCLASS64
#define ELF_DATA               ELFDATA2LSB
#define ELF_ARCH               LKL_ELF_MACHINE
#define ELF_EXEC_PAGESIZE      PAGE_SIZE
#define ELF_HWCAP              0
#define ELF_PLATFORM           NULL
#define elf_check_arch(header) 0

#endif
