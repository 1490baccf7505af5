/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the plan share. */
#pragma once

#include "drop/plan.h"

/* @before: NULL: at the end. */
void plan_list_add(struct plan_list *list, enum plan_lists which, struct plan_task *task,
		   struct plan_task *before);
void plan_list_remove(struct plan_list *list, enum plan_lists which, struct plan_task *task);

/* Something happened to it. */
void plan_touch(struct plan_task *task);
struct plan_run *plan_find_run(struct plan_task *task, const struct plan_device *device);
/* ms after which a device that is not heard is gone. */
uint64_t plan_quiet(const struct plan_device *device);
/* Is the device there, as far as one knows? */
bool plan_is_there(const struct plan_device *device, uint64_t now);
/* Is the run counted on? *@ret_when becomes no later than when it is not any more. */
bool plan_is_active(const struct plan_run *run, uint64_t now, uint64_t *ret_when);
/* How many more devices have to be asked. @ret_open: none has, but those that were are strangers. */
unsigned plan_wants(const struct plan_task *task, uint64_t now, bool *ret_open, uint64_t *ret_when);

/* Whom to believe: plan_trust.c. */
bool plan_is_familiar(const struct plan_device *device);
/* May it be asked for this task, if it is there? */
bool plan_is_trusted(const struct plan_device *device, const struct plan_task *task, uint64_t now);
/* Time and good results let once be forgiven. */
void plan_forgive(struct plan_device *device, uint64_t now);
/* The largest number of equal results that count; and one of them. */
unsigned plan_votes(const struct plan_task *task, unsigned *ret_run);
/* One whose result was believed is over; who else has it is told, and who was wrong is remembered. False: nothing is to be done. */
bool plan_settle(struct plan_task *task, uint64_t now, struct plan_action *ret);

/* Where a kind is among those of which something waits, after what waits or how long it takes has changed: plan_kinds.c. */
void plan_kind_place(struct plan *plan, struct plan_kind *kind);
/* Which goes first: what has a deadline, the earliest of them; then the longest. */
bool plan_goes_before(const struct plan_task *task, const struct plan_task *other);

/* Who gets what: plan_give.c. */
bool plan_hand_out(struct plan *plan, uint64_t now, struct plan_action *ret);
