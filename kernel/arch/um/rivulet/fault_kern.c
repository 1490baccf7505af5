// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program did where it stopped for a page fault: did it read, write, or run? The kernel lets the program's process tell: it
 * gives it a signal whose handler writes down what the processor said, and waits for that, at each fault. But in most cases there
 * is one answer only, or a wrong one would do no harm: what was a write is asked about once more when the page is there for
 * reading. Where the fault is to become a signal for the program, and in all other cases, its process is asked.
 *
 * And where a program begins to write in a heap or a stack, it gets some pages at once.
 */
#include <linux/mm.h>
#include <linux/sched.h>

#include "tracing_user.h"

/* Bits of x86's error code. */
#define PRESENT 1
#define WRITES  2
#define USER    4
#define RUNS    16

/* Pages of such are given as if they had been written to, as most are: of larger ones a program may only look at many. */
#define SMALL (2UL << 20)

/* What is given at once is aligned to this. */
#define CLUSTER (4 * PAGE_SIZE)

static pte_t *find_pte(struct mm_struct *mm, unsigned long address)
{
	pgd_t *pgd = pgd_offset(mm, address);
	p4d_t *p4d = pgd_none(*pgd) ? NULL : p4d_offset(pgd, address);
	pud_t *pud = !p4d || p4d_none(*p4d) ? NULL : pud_offset(p4d, address);
	pmd_t *pmd = !pud || pud_none(*pud) ? NULL : pmd_offset(pud, address);

	return !pmd || pmd_none(*pmd) ? NULL : pte_offset_kernel(pmd, address);
}

static void give_more(struct vm_area_struct *vma, unsigned long address)
{
	unsigned long end = min(vma->vm_end, ALIGN(address + 1, CLUSTER));

	for (address = ALIGN(address + 1, PAGE_SIZE); address < end; address += PAGE_SIZE) {
		pte_t *pte = find_pte(vma->vm_mm, address);

		if ((pte && !pte_none(*pte)) ||
		    handle_mm_fault(vma, address, FAULT_FLAG_WRITE | FAULT_FLAG_USER, NULL) &
			    VM_FAULT_ERROR)
			return;
	}
}

static int judge(struct vm_area_struct *vma, unsigned long address, unsigned long ip, bool mapped)
{
	bool writable = vma->vm_flags & VM_WRITE;
	pte_t *pte;

	if (!(vma->vm_flags & VM_READ))
		return -1;
	/* What runs in a page that is there may read and write in it, too. */
	if (address >> PAGE_SHIFT == ip >> PAGE_SHIFT)
		return !mapped && vma->vm_flags & VM_EXEC ? USER | RUNS : -1;
	if (mapped) {
		pte = writable ? find_pte(vma->vm_mm, address) : NULL;
		return pte && pte_present(*pte) && pte_young(*pte) && pte_read(*pte) &&
				       !(pte_write(*pte) && pte_dirty(*pte))
			       ? USER | WRITES | PRESENT
			       : -1;
	}
	if (!writable)
		return USER;
	if (!vma_is_anonymous(vma) || vma->vm_end - vma->vm_start > SMALL)
		return -1;
	give_more(vma, address);
	return USER | WRITES;
}

int fault_judge(unsigned long address, unsigned long ip, int mapped)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	int code = -1;

	if (!mm || !mmap_read_trylock(mm))
		return -1;
	vma = vma_lookup(mm, address);
	if (vma)
		code = judge(vma, address, ip, mapped);
	mmap_read_unlock(mm);
	return code;
}
