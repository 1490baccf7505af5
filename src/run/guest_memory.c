/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/guest_memory.h"

#include "base/populate.h"

#include <link.h>
#include <pthread.h>
#include <stdint.h>

#define PAGE       ((uintptr_t)4096)
#define RANGES_MAX 32

/* Of the stack, what is used below and above where it is now. */
#define STACK_BELOW 24576
#define STACK_ABOVE 8192

struct range {
	uintptr_t from, to;
	int how;
};

static struct range ranges[RANGES_MAX];
static unsigned range_count;

/* One call for what lies side by side. */
static void add(uintptr_t from, uintptr_t to, int how)
{
	struct range new = {from & ~(PAGE - 1), (to + PAGE - 1) & ~(PAGE - 1), how};
	unsigned i = 0;

	while (i < range_count) {
		struct range *old = &ranges[i];

		if (old->how != how || new.to < old->from || new.from > old->to) {
			i++;
			continue;
		}
		new.from = new.from < old->from ? new.from : old->from;
		new.to = new.to > old->to ? new.to : old->to;
		*old = ranges[--range_count];
		i = 0; /* what did not touch it before may touch it now */
	}
	if (range_count < RANGES_MAX)
		ranges[range_count++] = new;
}

/* What follows the data of its file is zeros, and often large. What could be written only until it was relocated is copied with
 * the process. */
static int add_object(struct dl_phdr_info *object, size_t size, void *data)
{
	uintptr_t fixed = 0;

	for (unsigned i = 0; i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_GNU_RELRO)
			fixed = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr +
				object->dlpi_phdr[i].p_memsz;
	for (unsigned i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];
		uintptr_t from = object->dlpi_addr + part->p_vaddr, to = from + part->p_filesz;

		if (part->p_type != PT_LOAD)
			continue;
		add(from, to, MADV_POPULATE_READ);
		if ((part->p_flags & PF_W) && fixed < to)
			add(fixed > from ? fixed : from, to, MADV_POPULATE_WRITE);
	}
	return 0;
}

/* What cannot be had at once comes page by page. */
static void foresee(void)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0) & ~(PAGE - 1);

	madvise((void *)(here - STACK_BELOW), STACK_BELOW + STACK_ABOVE, MADV_POPULATE_WRITE);
	for (unsigned i = 0; i < range_count; i++)
		madvise((void *)ranges[i].from, ranges[i].to - ranges[i].from, ranges[i].how);
}

void guest_foresee_memory(void)
{
	dl_iterate_phdr(add_object, NULL);
	foresee();
	pthread_atfork(NULL, NULL, foresee);
}
