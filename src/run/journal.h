/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The changes that live runs have made to a network namespace. One file for each namespace, mapped
 * by all processes of all runs there, under a lock:
 *
 *  - a change has holders, the runs that need it. It is made for the first and taken back with the
 * last;
 *  - it is written down before it is made and struck out after it was taken back, so that whoever
 * comes after a crash knows what to undo: another process of the same run, the next run, or
 * `rivulet clean`;
 *  - a holder is alive while one of its two processes (rivulet-net and its keeper) is, by pid and start
 * time.
 *
 * Where no such file can be had the same lies in memory that only one run's processes share.
 */
#pragma once

#include "base/err.h"
#include "link/change.h"

#include <stdbool.h>

struct journal;

/* Removes the files (journal_file.h) of namespaces that are gone, if we may know that. */
void journal_remove_gone(void);

/* Before the keepers fork: opens the file of the calling thread's network namespace and takes a place among the
 * holders; JOURNAL_ALONE: in memory only. -EBUSY: more than 64 runs are alive here. The caller closes with
 * journal_close(). */
enum journal_place { JOURNAL_SHARED, JOURNAL_ALONE };
int journal_open(struct journal **ret, enum journal_place place, struct err *err);
/* Neither gives back what is held nor removes the file: journal_release() does. */
void journal_close(struct journal *journal);

/* In each process of the run that keeps its place alive. */
enum journal_keeper { JOURNAL_SERVER, JOURNAL_KEEPER };
void journal_keep(struct journal *journal, enum journal_keeper as);

/* All changes that runs have made here, whoever holds them; good until the next call. */
const struct change *journal_changes(const struct journal *journal, unsigned *ret_count);

/* What was done about a change: 0 (made), 1 (it is there already, made by a run or by somebody
 * else), JOURNAL_UNDONE, or a negative errno (not made). */
enum { JOURNAL_UNDONE = 2 };
typedef void (*journal_report)(const struct change *change, int result, void *data);

/* Makes the stack have what the @count changes in @wanted ask for; gives up what this run held and
 * does not want any more, and what dead runs held. Goes on after failures; the first is returned.
 */
int journal_follow(struct journal *journal, struct netstack *netstack, const struct change *wanted,
		   unsigned count, journal_report report, void *data);

/* Makes anew what this run holds and the kernel has taken back by itself. It does not tell of all, so whenever links have changed. */
void journal_renew(struct journal *journal, struct netstack *netstack, journal_report report,
		   void *data);

/* Gives up all that this run and dead runs hold, last first, but keeps what @in_use (may be NULL)
 * says somebody else's connections need, and what cannot be taken back just now, for memory or descriptors are used up.
 * Number of changes kept; 0: the place is given back too. */
typedef bool (*journal_in_use)(const struct change *change, void *data);
unsigned journal_release(struct journal *journal, struct netstack *netstack, journal_in_use in_use,
			 void *data);
