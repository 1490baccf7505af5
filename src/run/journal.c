/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/journal.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

struct journal *journal_new(void)
{
	struct journal *journal = mmap(NULL, sizeof(*journal), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return journal == MAP_FAILED ? NULL : journal; /* zeroed: an empty journal */
}

static bool is_among(const struct change *change, const struct change *all, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (change_equal(change, &all[i]))
			return true;
	return false;
}

/* If we die within, an entry stands twice for a moment: undoing it twice does no harm. */
static void strike_out(struct journal *journal, unsigned at)
{
	unsigned left = atomic_load(&journal->count) - 1;

	memmove(&journal->changes[at], &journal->changes[at + 1],
		(left - at) * sizeof(*journal->changes));
	atomic_store(&journal->count, left);
}

static int apply(struct journal *journal, struct netstack *netstack, const struct change *change)
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

static int undo_one(struct journal *journal, struct netstack *netstack, unsigned at)
{
	int err = change_undo(netstack, &journal->changes[at]);

	strike_out(journal, at);
	return err;
}

int journal_follow(struct journal *journal, struct netstack *netstack, const struct change *wanted,
		   unsigned count, journal_report report, void *data)
{
	int first = 0;

	for (unsigned at = atomic_load(&journal->count); at-- > 0;) {
		struct change change = journal->changes[at];
		int err;

		if (is_among(&change, wanted, count))
			continue;
		err = undo_one(journal, netstack, at);
		report(&change, err < 0 ? err : JOURNAL_UNDONE, data);
		first = first ? first : err;
	}
	for (unsigned i = 0; i < count; i++) {
		int err;

		if (is_among(&wanted[i], journal->changes, atomic_load(&journal->count)))
			continue;
		err = apply(journal, netstack, &wanted[i]);
		report(&wanted[i], err, data);
		if (err < 0 && first == 0)
			first = err;
	}
	return first;
}

int journal_undo(struct journal *journal, struct netstack *netstack)
{
	int first = 0;

	for (unsigned count = atomic_load(&journal->count); count > 0; count--) {
		int err = undo_one(journal, netstack, count - 1);

		first = first ? first : err;
	}
	return first;
}
