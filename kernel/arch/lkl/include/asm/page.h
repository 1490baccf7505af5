/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_PAGE_H
#define _ASM_LKL_PAGE_H

#include <linux/const.h>

#define PAGE_SHIFT CONFIG_PAGE_SHIFT
#define PAGE_SIZE  (_AC(1, UL) << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define clear_page(page)                memset((page), 0, PAGE_SIZE)
#define copy_page(to, from)             memcpy((to), (from), PAGE_SIZE)
#define clear_user_page(page, a, pg)    clear_page(page)
#define copy_user_page(to, from, a, pg) copy_page(to, from)

#ifndef __ASSEMBLY__
typedef struct {
	unsigned long pte;
} pte_t;
typedef struct {
	unsigned long pmd;
} pmd_t;
typedef struct {
	unsigned long pgd;
} pgd_t;
typedef struct {
	unsigned long pgprot;
} pgprot_t;
typedef struct page *pgtable_t;
#define pte_val(x)    ((x).pte)
#define pmd_val(x)    ((x).pmd)
#define pgd_val(x)    ((x).pgd)
#define pgprot_val(x) ((x).pgprot)
#define __pte(x)      ((pte_t){(x)})
#define __pmd(x)      ((pmd_t){(x)})
#define __pgd(x)      ((pgd_t){(x)})
#define __pgprot(x)   ((pgprot_t){(x)})
#endif

/* Memory is one mapping of the program's, wherever its address space has room: some end at 2^39. */
#ifndef __ASSEMBLY__
extern unsigned long lkl_memory; /* its address; does not change once it is known */
#endif
#define PAGE_OFFSET     lkl_memory
#define ARCH_PFN_OFFSET 0UL

#define __pa(x)            ((unsigned long)(x)-PAGE_OFFSET)
#define __va(x)            ((void *)((unsigned long)(x) + PAGE_OFFSET))
#define virt_to_pfn(x)     (__pa(x) >> PAGE_SHIFT)
#define pfn_to_virt(x)     __va((unsigned long)(x) << PAGE_SHIFT)
#define virt_to_page(x)    pfn_to_page(virt_to_pfn(x))
#define page_to_virt(page) pfn_to_virt(page_to_pfn(page))
#define virt_addr_valid(x) ((unsigned long)(x) >= PAGE_OFFSET && pfn_valid(virt_to_pfn(x)))

#include <asm-generic/memory_model.h>
#define page_to_phys(page) ((phys_addr_t)page_to_pfn(page) << PAGE_SHIFT)

#include <asm-generic/getorder.h>

#endif
