/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who does which task: the policy of a node for the tasks that are its own. Pure: no I/O, no clock. What happened and when is
 * told (plan_*()), and plan_next() says what is to be done, one action at a time, until there is none; an action counts as done
 * when it was said. Times in ms.
 *
 *  1. Own tasks run here at once where there is a slot. The queue is own first, then what ends first (plan_before()).
 *  2. (Results go before anything else: by the order in which bundles are sent, decisions.h.)
 *  3. A task goes to where it would be finished first, the longest first. How fast a device is, is what it took for earlier tasks;
 *     it holds no more than it can do before it could be given more. Inputs cost money where the way to a device is metered: there
 *     they go only if no other device is there, or none would be done by the deadline and this one would.
 *  4. A familiar device, whose results were good, is handed a task; of what a stranger was given a copy stays open for whoever
 *     of the others has nothing to do. Of @copies results @agree equal ones are the answer, and where there are none, one more
 *     is asked. Who gave another answer is not asked for a day, four times as long with each further time, and then first
 *     only for what somebody else has to confirm (plan_trust.c).
 *  5. A task with a deadline goes to the cloud at the last moment from which the cloud, its queue and the way there counted, is in
 *     time.
 *  6. A device that is not heard any more, or is far too late, is counted on no more, and its tasks are given to others; if its
 *     result comes home first after all, that is taken.
 *
 * What an event costs does not grow with the number of tasks that wait: those of one kind are in one queue, tasks to which nothing
 * happened are not looked at, and what time alone does is looked for when it can have happened.
 */
#pragma once

#include "drop/eid.h"

#include <stdbool.h>
#include <stdint.h>

#define PLAN_RUNS_MAX   16
#define PLAN_DIGEST     32
#define PLAN_UNFAMILIAR 1 /* good results before a device is familiar */

/* Unless it is known better. */
#define PLAN_WORK     1000  /* ms that a task takes */
#define PLAN_QUIET    20000 /* a device that is near and is not heard for so long is gone */
#define PLAN_FAR      90000 /* the same of one that is reached over others */
#define PLAN_PATIENCE 20000 /* at least so much beyond when a result was expected */
#define PLAN_BAN      (24 * 3600 * 1000ULL) /* who was caught is not asked, the first time */
#define PLAN_REDEEM   3 /* good results that others confirmed, and once is forgiven */

struct plan;
struct plan_task;

struct plan_device {
	struct plan *plan;
	char name[NODE_MAX];
	bool self, near;
	bool metered;   /* what is sent to it costs money */
	unsigned slots; /* 0: it takes none now */
	uint64_t load;  /* ms of work of others that it has said it has */
	uint64_t heard;
	uint64_t said;  /* when it said so, by its own clock */
	uint64_t delay; /* until it has what is sent to it */
	uint64_t rate;  /* bytes/s to it; 0: not known */
	double pace;    /* time that it takes, of what a task takes on average: 2 is half as fast */
	unsigned good, bad; /* results that were believed; times it was caught, unless forgiven */
	uint64_t caught;    /* when it was the last time */
	unsigned redeemed;  /* good results since then */
	/* Of plan_next() alone: ms of our work that it holds, and that waits for it; tasks that it holds. */
	uint64_t busy, waits;
	unsigned holds;
	struct plan_device *next;
};

enum plan_run_state {
	PLAN_GIVEN,
	PLAN_BACK,   /* there is a result */
	PLAN_FAILED, /* it could not be run there */
	PLAN_DROPPED /* recalled, or not counted on */
};

struct plan_run {
	struct plan_device *device;
	enum plan_run_state state;
	uint64_t given, expected;
	uint8_t digest[PLAN_DIGEST];
};

/* Lists that a task is in: all; something happened to it; it waits for a device; devices have it. */
enum plan_lists { PLAN_ALL, PLAN_TOUCHED, PLAN_WAITING, PLAN_ACTIVE, PLAN_LISTS };
struct plan_list {
	struct plan_task *first, *last;
};

/* Tasks that are alike, as those of a group: what one took is a guess for the next. All 0 at first. */
struct plan_kind {
	double work; /* ms at pace 1; 0: not known */
	unsigned users;
	/* Of the plan. */
	unsigned tasks, index;    /* index: in plan->kinds, from 1 on; 0: nothing of it waits */
	struct plan_list waiting; /* what has a deadline first, the earliest of them */
	struct plan_task *cursor; /* the next that is looked at: but for a moment the first */
	struct plan_kind *looked_at;
	bool is_looked_at;
	uint64_t due; /* no later than the earliest deadline; 0: there is none */
};

struct plan_task {
	void *owner; /* of whoever uses the plan */
	struct plan_kind *kind;
	uint64_t submitted, deadline; /* 0: none */
	uint64_t bytes;               /* of its inputs */
	unsigned copies, agree;
	bool over, in_cloud;
	struct plan_run runs[PLAN_RUNS_MAX];
	unsigned run_count;
	struct plan *plan;
	struct plan_node {
		struct plan_task *before, *after;
		bool in;
	} in[PLAN_LISTS];
};

struct plan_cloud {
	bool there;
	uint64_t delay; /* ms of its queue and of the way there and back */
	double pace;
};

struct plan {
	struct plan_device *devices; /* owned */
	struct plan_list tasks;      /* owned; in the order in which they were added */
	struct plan_cloud cloud;     /* the caller's to set */
	/* Of the plan. */
	struct plan_list touched, active;
	struct plan_kind **kinds; /* owned; a heap of those of which something waits */
	unsigned kind_count, kind_users, kind_room;
	struct plan_cloud cloud_seen;
	uint64_t cloud_look, active_look; /* before that time alone has done nothing */
	uint64_t counted; /* when plan_device.holds was; 0: since then something happened */
};

enum plan_what {
	PLAN_GIVE,    /* the task to the device */
	PLAN_RECALL,  /* it from the device */
	PLAN_CLOUD,   /* it to the cloud */
	PLAN_BELIEVE, /* the result of the device is the answer */
	PLAN_CAUGHT   /* the device gave another */
};

struct plan_action {
	enum plan_what what;
	struct plan_task *task;
	struct plan_device *device;
};

void plan_init(struct plan *plan);
void plan_free(struct plan *plan);
/* The device of this name; made if it is not there. NULL: no memory. */
struct plan_device *plan_device(struct plan *plan, const char *name);
/* @kind is the caller's. NULL: no memory. */
struct plan_task *plan_add(struct plan *plan, struct plan_kind *kind, unsigned copies,
			   unsigned agree, uint64_t deadline, uint64_t now);
/* It is cancelled, or done by the cloud: devices that have it are told. */
void plan_end(struct plan_task *task);
/* Forgets it; it is over. */
void plan_remove(struct plan_task *task);
/* It was given before, as was written down. */
struct plan_run *plan_restore(struct plan_task *task, struct plan_device *device, uint64_t given,
			      enum plan_run_state state);
/* What it says of itself. */
void plan_heard(struct plan_device *device, bool near, unsigned slots, uint64_t load, uint64_t now);
/* It is asked only for what somebody else confirms: it was caught, and some time has passed. */
bool plan_is_on_probation(const struct plan_device *device, uint64_t now);
/* ms from when it was caught that it is not asked; 0: it was not, or that was forgiven. */
uint64_t plan_ban(const struct plan_device *device);
/* A result, home and whole, that took @took ms. False: it was not asked, or has answered before. */
bool plan_back(struct plan_task *task, struct plan_device *device,
	       const uint8_t digest[static PLAN_DIGEST], uint64_t took);
/* It cannot do it. */
bool plan_failed(struct plan_task *task, struct plan_device *device);
/* What a task of this kind would take here, ms. */
uint64_t plan_work(const struct plan_task *task, double pace);
/* When it goes to the cloud; UINT64_MAX: never. */
uint64_t plan_cloud_at(const struct plan *plan, const struct plan_task *task);
/* False: there is nothing to do before something happens, or the time *@ret_when is there (UINT64_MAX: none). */
bool plan_next(struct plan *plan, uint64_t now, struct plan_action *ret, uint64_t *ret_when);

/* Of two that wait to be run here, each own or another's: does the first go before? Deadlines: 0: none. */
bool plan_before(bool own, uint64_t deadline, uint64_t came, bool other_own,
		 uint64_t other_deadline, uint64_t other_came);

/* What a device may be asked to do for others. */
struct plan_state {
	int battery; /* percent; -1: it has none */
	bool plugged;
	double load; /* of the device by others than us: processes that want to run, for each CPU */
};
struct plan_limits {
	unsigned slots;    /* that others may use when nothing is in the way */
	int battery_least; /* percent, unless it is plugged in */
	double load_most;
};
unsigned plan_slots(const struct plan_limits *limits, const struct plan_state *state);
