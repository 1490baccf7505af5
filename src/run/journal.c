/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/journal.h"

#include <errno.h>
#include <sys/mman.h>

struct journal *journal_new(void)
{
	struct journal *journal = mmap(NULL, sizeof(*journal), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return journal == MAP_FAILED ? NULL : journal; /* zeroed: an empty journal */
}

int journal_apply(struct journal *journal, struct netstack *netstack, const struct change *change)
{
	unsigned count = atomic_load(&journal->count);
	int err;

	if (count >= JOURNAL_MAX)
		return -ENOSPC;
	journal->changes[count] = *change;
	atomic_store(&journal->count, count + 1);
	err = change_apply(netstack, change);
	if (err != 0)
		atomic_store(&journal->count, count);
	return err;
}

int journal_undo(struct journal *journal, struct netstack *netstack)
{
	int first = 0;

	if (atomic_flag_test_and_set(&journal->undoing))
		return 0;
	for (unsigned count = atomic_load(&journal->count); count > 0; count--) {
		int err = change_undo(netstack, &journal->changes[count - 1]);

		if (err < 0 && first == 0)
			first = err;
		atomic_store(&journal->count, count - 1);
	}
	atomic_flag_clear(&journal->undoing);
	return first;
}
