/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/journal.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/populate.h"
#include "base/processes.h"
#include "run/journal_file.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define MAGIC       0x52764a32u /* "RvJ2": the layout below */
#define CHANGES_MAX 512
#define RUNS_MAX    64 /* bits of a mask */

struct process {
	int32_t pid; /* 0: none */
	uint64_t started;
};

struct run {
	uint64_t pid_namespace; /* where the pids mean something; 0: the place is free */
	uint64_t token;         /* tells this run from the next in its place */
	struct process keepers[2];
};

struct pages {
	uint32_t magic;
	uint32_t count;
	struct run runs[RUNS_MAX];
	uint64_t holders[CHANGES_MAX]; /* a bit for each run */
	struct change changes[CHANGES_MAX];
};

struct journal {
	struct pages *pages;
	struct journal_file file;
	unsigned place;
	uint64_t token;
};

static uint64_t bit_of(unsigned run)
{
	return UINT64_C(1) << run;
}

static uint64_t inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* Start time in ticks since the boot, field 22; what is before it in brackets may hold anything. -ENOENT: there is none that
 * we may see; -ESRCH: it is dead, though its parent may not have asked for its end yet. */
static int read_started(int pid, uint64_t *ret)
{
	char path[32], text[1024];
	_cleanup_fclose_ FILE *file = NULL;
	const char *at;
	size_t got;

	if (!processes_are_ours())
		return -ENOENT;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	got = fread(text, 1, sizeof(text) - 1, file);
	if (got == 0 && ferror(file))
		return -errno;
	text[got] = '\0';
	at = strrchr(text, ')'); /* the end of field 2 */
	if (!at || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X')
		return -ESRCH;
	for (unsigned field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	*ret = at ? strtoull(at, NULL, 10) : 0;
	return 0;
}

/* Where it cannot be read when we started, everyone with our pid is taken for us. */
static struct process this_process(void)
{
	struct process self = {.pid = getpid()};

	if (read_started(self.pid, &self.started) < 0)
		self.started = 0;
	return self;
}

static bool is_process(const struct process *process)
{
	uint64_t when = 0;
	int err;

	if (!process->pid)
		return false;
	err = read_started(process->pid, &when);
	if (err == -ESRCH)
		return false;
	/* /proc may hide those of others (hidepid), or show another namespace's, or we have no descriptor left to look there. */
	if (err < 0)
		return kill(process->pid, 0) == 0 || errno == EPERM;
	return process->started == 0 || when == process->started;
}

static bool is_alive(const struct run *run)
{
	if (!run->pid_namespace)
		return false; /* there is none */
	if (run->pid_namespace != inode_of("/proc/self/ns/pid"))
		return true; /* not to be known from here */
	return is_process(&run->keepers[0]) || is_process(&run->keepers[1]);
}

/* Leaves @journal in memory only if there is no file to be had. */
static int map(struct journal *journal, enum journal_place place)
{
	void *pages;
	int fd;

	if (place == JOURNAL_SHARED)
		journal_file_open(&journal->file, sizeof(struct pages));
	fd = journal->file.fd;
	pages = mmap(NULL, sizeof(struct pages), PROT_READ | PROT_WRITE,
		     MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
	if (pages == MAP_FAILED)
		return -ENOMEM;
	journal->pages = pages;
	populate(pages, sizeof(struct pages));
	if (journal->pages->magic != MAGIC || journal->pages->count > CHANGES_MAX) {
		memset(journal->pages, 0, sizeof(*journal->pages));
		journal->pages->magic = MAGIC;
	}
	return 0;
}

/* A free place. That of a dead run which still holds changes is not free before they are undone. */
static int take_place(struct journal *journal)
{
	struct pages *pages = journal->pages;

	for (unsigned i = 0; i < RUNS_MAX; i++) {
		bool holds = false;

		for (unsigned c = 0; c < pages->count; c++)
			holds = holds || (pages->holders[c] & bit_of(i));
		if (holds || is_alive(&pages->runs[i]))
			continue;
		journal->place = i;
		journal->token = (uint64_t)getpid() << 32 ^ clock_now();
		pages->runs[i] = (struct run){.pid_namespace = inode_of("/proc/self/ns/pid"),
					      .token = journal->token};
		return 0;
	}
	return -EBUSY;
}

int journal_open(struct journal **ret, enum journal_place place, struct err *err)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	int code;

	if (!journal)
		return err_set(err, -ENOMEM, "no memory for the journal");
	journal->file = JOURNAL_FILE_NONE;
	code = map(journal, place);
	if (code == 0)
		code = take_place(journal);
	if (code == 0)
		journal_keep(journal, JOURNAL_SERVER); /* until there is one */
	journal_file_unlock(&journal->file);
	if (code < 0) {
		journal_close(journal);
		return err_set(err, code,
			       code == -EBUSY ? "more than %d runs are alive in this network "
						"namespace"
					      : "cannot open the journal of changes",
			       RUNS_MAX);
	}
	*ret = journal;
	return 0;
}

void journal_close(struct journal *journal)
{
	if (!journal)
		return;
	if (journal->pages)
		munmap(journal->pages, sizeof(*journal->pages));
	journal_file_close(&journal->file);
	free(journal);
}

void journal_keep(struct journal *journal, enum journal_keeper as)
{
	struct run *run = &journal->pages->runs[journal->place];

	if (run->token == journal->token)
		run->keepers[as] = this_process();
}

const struct change *journal_changes(const struct journal *journal, unsigned *ret_count)
{
	*ret_count = journal->pages->count;
	return journal->pages->changes;
}

static int find(const struct change *change, const struct change *all, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (change_equal(change, &all[i]))
			return (int)i;
	return -1;
}

static uint64_t living(const struct pages *pages)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < RUNS_MAX; i++)
		if (is_alive(&pages->runs[i]))
			mask |= bit_of(i);
	return mask;
}

/* If we die within, a change stands twice for a moment: undoing it twice does no harm. */
static void strike_out(struct pages *pages, unsigned at)
{
	unsigned left = pages->count - 1;

	memmove(&pages->changes[at], &pages->changes[at + 1],
		(left - at) * sizeof(*pages->changes));
	memmove(&pages->holders[at], &pages->holders[at + 1],
		(left - at) * sizeof(*pages->holders));
	pages->count = left;
}

/* Of what several runs say of the same, that holds which prevails, or else was said first; the others wait. */
static int find_rival(const struct change *change, const struct change *all, unsigned count)
{
	int first = -1;

	for (unsigned i = 0; i < count; i++)
		if (change_rivals(change, &all[i]) &&
		    (first < 0 || change_prevails(&all[i], &all[first])))
			first = (int)i;
	return first;
}

/* Does it hold, and not its rival @next? */
static bool holds(const struct pages *pages, unsigned at, unsigned next)
{
	const struct change *all = pages->changes;

	return change_prevails(&all[at], &all[next]) ||
	       (at < next && !change_prevails(&all[next], &all[at]));
}

/* Did it fail for a lack that passes? Then what was to be taken back is there still. */
static bool is_passing(int err)
{
	return err == -ENOMEM || err == -ENOBUFS || err == -EMFILE || err == -ENFILE ||
	       err == -EAGAIN || err == -EINTR;
}

static int undo(struct pages *pages, struct netstack *netstack, unsigned at)
{
	const struct change *change = &pages->changes[at];
	int next = find_rival(change, pages->changes, pages->count), err;

	if (next < 0)
		err = change_undo(netstack, change);
	else if (holds(pages, at, (unsigned)next))
		err = change_replace(netstack, change, &pages->changes[next]);
	else
		err = 0; /* it did not hold */
	if (!is_passing(err))
		strike_out(pages, at);
	return err < 0 ? err : 0;
}

/* Will another run's change take its place without harm to anybody? */
static bool goes_on(const struct pages *pages, unsigned at)
{
	int next = find_rival(&pages->changes[at], pages->changes, pages->count);

	return next >= 0 && change_is_mild(&pages->changes[at], &pages->changes[next]);
}

/* Nobody wants it any more, but something else of the same endpoint is wanted: true if that is so, and done. */
static bool replace(struct journal *journal, struct netstack *netstack, unsigned at,
		    const struct change *wanted, unsigned count)
{
	struct pages *pages = journal->pages;
	const struct change was = pages->changes[at];
	int now = find_rival(&was, wanted, count);

	if (now < 0 || !change_is_mild(&was, &wanted[now]) ||
	    find_rival(&was, pages->changes, pages->count) >= 0 ||
	    change_replace(netstack, &was, &wanted[now]) < 0)
		return false;
	pages->changes[at] = wanted[now];
	pages->holders[at] = bit_of(journal->place);
	return true;
}

static int hold(struct journal *journal, struct netstack *netstack, const struct change *change)
{
	struct pages *pages = journal->pages;
	int at = find(change, pages->changes, pages->count);
	int rival = find_rival(change, pages->changes, pages->count);
	uint64_t bit = bit_of(journal->place);
	int err;

	if (at >= 0) {
		bool held = pages->holders[at] & bit;

		pages->holders[at] |= bit;
		return held ? -EALREADY : 1;
	}
	if (pages->count >= CHANGES_MAX)
		return -ENOSPC;
	pages->changes[pages->count] = *change;
	pages->holders[pages->count] = bit;
	pages->count++;
	if (rival >= 0 && !change_prevails(change, &pages->changes[rival]))
		return 1;
	err = rival < 0 ? change_apply(netstack, change)
			: change_replace(netstack, &pages->changes[rival], change);
	if (err != 0)
		pages->count--;
	return err;
}

int journal_follow(struct journal *journal, struct netstack *netstack, const struct change *wanted,
		   unsigned count, journal_report report, void *data)
{
	struct pages *pages = journal->pages;
	uint64_t alive;
	int first = 0;

	journal_file_lock(&journal->file);
	alive = living(pages);
	for (unsigned at = pages->count; at-- > 0;) {
		struct change change = pages->changes[at];
		int err;

		pages->holders[at] &= alive;
		if (find(&change, wanted, count) < 0)
			pages->holders[at] &= ~bit_of(journal->place);
		if (pages->holders[at])
			continue;
		if (replace(journal, netstack, at, wanted, count)) {
			report(&pages->changes[at], 0, data);
			continue;
		}
		err = undo(pages, netstack, at);
		if (!is_passing(err))
			report(&change, err < 0 ? err : JOURNAL_UNDONE, data);
		first = first ? first : err;
	}
	for (unsigned i = 0; i < count; i++) {
		int err = hold(journal, netstack, &wanted[i]);

		if (err != -EALREADY)
			report(&wanted[i], err, data);
		if (err < 0 && err != -EALREADY && first == 0)
			first = err;
	}
	journal_file_unlock(&journal->file);
	return first;
}

void journal_renew(struct journal *journal, struct netstack *netstack, journal_report report,
		   void *data)
{
	const struct pages *pages = journal->pages;

	journal_file_lock(&journal->file);
	for (unsigned at = 0; at < pages->count; at++) {
		const struct change *change = &pages->changes[at];

		/* Where it cannot be made just now something more will change. */
		if (pages->holders[at] & bit_of(journal->place) && change_may_vanish(change) &&
		    change_apply(netstack, change) == 0)
			report(change, 0, data);
	}
	journal_file_unlock(&journal->file);
}

unsigned journal_release(struct journal *journal, struct netstack *netstack, journal_in_use in_use,
			 void *data)
{
	struct pages *pages = journal->pages;
	uint64_t others;
	unsigned kept = 0;

	journal_file_lock(&journal->file);
	if (pages->runs[journal->place].token != journal->token) {
		journal_file_unlock(&journal->file); /* another process of the run has been here */
		return 0;
	}
	others = living(pages) & ~bit_of(journal->place);
	for (unsigned at = pages->count; at-- > 0;) {
		bool held = pages->holders[at] & bit_of(journal->place);

		if (pages->holders[at] & others) {
			pages->holders[at] &= others;
		} else if ((held && in_use && !goes_on(pages, at) &&
			    in_use(&pages->changes[at], data)) ||
			   is_passing(undo(pages, netstack, at))) {
			pages->holders[at] = bit_of(journal->place);
			kept++;
		}
	}
	if (kept == 0) {
		pages->runs[journal->place] = (struct run){0};
		if (pages->count == 0 && others == 0)
			journal_file_remove(&journal->file);
	}
	journal_file_unlock(&journal->file);
	return kept;
}
