/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks of a node: those that are its own and those that it runs, which may be the same.
 *
 *     submit ──> a task (tasks.c) ── the plan says where (plan.h) ──> TASK ──> a job there (jobs.c) ── sandbox ──> RESULT
 *        ^                                                                                                          |
 *        └── outputs are written (outputs.c) <── the plan believes it <── outputs are home (tasks.c) <──────────────┘
 *
 * All that was accepted is a row of the store, written in the same transaction as the bundle that brought it or that it makes. So
 * after a crash both sides go on: a job that ran is run again, a result that is home is believed once.
 */
#pragma once

#include "drop/node_parts.h"
#include "drop/plan.h"
#include "drop/task.h"

#include <jansson.h>

#define GROUP_SIZE  8
#define TASKS_FOUND 4096

struct sandbox_report;

/* A task, as rows keep it. */
enum task_state {
	STATE_OPEN,
	STATE_HOME, /* there is an answer, whose outputs are being written */
	STATE_DONE,
	STATE_FAILED, /* there is an answer, and its outputs cannot be written */
	STATE_CANCELLED,
	STATE_EXPIRED
};

/* Objects that something waits for, all of which are kept while it does. */
struct gather {
	struct node *node;
	struct want_waiter *waiters; /* owned, one for each */
	struct gathered {
		struct gather *gather;
		struct store_object *object; /* NULL: not all of it is here */
		uint8_t id[OBJECT_ID_SIZE];
	} * all; /* owned */
	unsigned count, here;
	void (*changed)(void *data);
	void *data;
};

/* Another task's files count once. @files: @count. changed() is called when all are here, at the latest before this returns. */
int gather_begin(struct gather *gather, struct node *node, const struct task_file *files,
		 unsigned count, void (*changed)(void *data), void *data);
bool gather_is_done(const struct gather *gather);
void gather_end(struct gather *gather);

/* A result that is on its way home: its outputs are not here yet. */
struct arrival {
	struct own_task *task;
	char node[NODE_MAX];
	struct bytes message;      /* owned */
	struct task_result result; /* owned; into message */
	struct gather gather;
	bool here;
	struct arrival *next;
};

/* A task of ours that is not over. */
struct own_task {
	struct work *work;
	struct task task;
	uint8_t group[GROUP_SIZE];
	struct own_kind *kind;
	struct plan_task *plan;
	json_t *paths; /* owned: where each output goes */
	unsigned mode; /* of the files that are written */
	enum task_state state;
	struct arrival *arrivals;
	struct bytes answer; /* owned: the message of the result that is believed */
	char by[NODE_MAX];
	struct gather gather; /* of the outputs of the answer */
	struct writing *writing;
	struct cloud_run *cloud; /* NULL: it is not there */
	struct own_task *before, *next;
	struct own_task *alike; /* in the same work->found[] */
	struct own_task *touched_next;
	bool touched; /* something happened to it */
};

struct own_kind {
	struct plan_kind plan;
	uint8_t group[GROUP_SIZE];
	struct own_kind *next;
};

enum job_state { JOB_WAITS, JOB_RUNS, JOB_OVER };

/* Somebody's task that is to be run here. */
struct job {
	struct work *work;
	char owner[NODE_MAX];
	struct task task;
	enum job_state state;
	uint64_t came; /* ms since 1970 */
	struct gather gather;
	bool recalled;
	uv_process_t process;
	char folder[PATH_MAX];
	struct job *next;
};

struct work {
	struct node *node;
	struct plan plan;
	struct own_task *tasks, *last_task;
	struct own_task *touched, *last_touched;
	struct own_task *found[TASKS_FOUND]; /* by the beginning of their numbers */
	struct own_kind *kinds;
	struct job *jobs;
	struct cloud_run *clouds; /* owned; all that are in a cloud */
	unsigned running, running_others;
	unsigned lent;      /* slots that others may use at this moment */
	bool inside;        /* there can be a sandbox */
	char why_not[256];  /* there can be none */
	unsigned folders;   /* made so far */
	uint64_t announced; /* ns */
	unsigned announced_slots;
	bool announced_busy;
	uv_timer_t soon;
	bool open; /* the timer is */
	struct plan_device *self;
};

/* Something happened that may let something begin. */
void work_soon(struct work *work);
/* Signs and sends @message to @node; "": to all. */
int work_send(struct work *work, const char *node, const struct bytes *message, uint64_t lifetime);
/* What a task made, which lies in @folder by numbers, becomes objects, and the outputs of @result (task_result_free()). */
int work_adopt(struct work *work, const char *folder, const struct sandbox_report *report,
	       struct task_result *result);
/* In the node's folder. */
void work_path(const struct work *work, const char *what, char ret[static PATH_MAX]);

/* Others' and our own tasks that are run here: jobs.c. */
int jobs_load(struct work *work);
/* @message is the task's, of which @size bytes. */
void jobs_take(struct work *work, const char *owner, const uint8_t *message, size_t size);
void jobs_recall(struct work *work, const char *owner, const uint8_t id[static TASK_ID_SIZE]);
void jobs_step(struct work *work);
void jobs_close(struct work *work);
/* ms of our own work that is here. */
uint64_t jobs_own_load(const struct work *work);
bool job_is_own(const struct job *job);
/* It is over: its owner is told. */
void job_conclude(struct job *job, const struct task_result *result);
void job_free(struct job *job);

/* One that runs: job_run.c. It ends by job_conclude() and job_free(). */
int job_start(struct job *job);
/* At once, and with it what it runs. */
void job_end(struct job *job);

/* Our own tasks: tasks.c, tasks_load.c. */
int tasks_load(struct work *work);
int tasks_add(struct work *work, const uint8_t group[static GROUP_SIZE], struct task *spec,
	      unsigned copies, unsigned agree, uint64_t deadline, json_t *paths, unsigned mode,
	      const char *label);
/* One that is in the store. Takes @spec and @paths over. NULL: no memory. */
struct own_task *tasks_make(struct work *work, const uint8_t *group, struct task *spec,
			    unsigned copies, unsigned agree, uint64_t deadline, uint64_t submitted,
			    json_t *paths, unsigned mode);
/* The outputs of its answer are waited for, which are here but for what was lost meanwhile. */
void tasks_bring_home(struct own_task *task);
/* Something happened to it: tasks_step() looks at it, soon. */
void tasks_touch(struct own_task *task);
void tasks_step(struct work *work);
/* What is not wanted for so long is over. */
void tasks_tick(struct work *work);
/* -ENOENT: there is none, or it is over. */
int tasks_cancel(struct work *work, const uint8_t id[static TASK_ID_SIZE]);
/* The cloud has done it: what is believed at once. */
void tasks_cloud_done(struct own_task *task, const struct bytes *result);
void tasks_cloud_failed(struct own_task *task, const char *why);
struct own_task *tasks_find(const struct work *work, const uint8_t id[static TASK_ID_SIZE]);
void tasks_close(struct work *work);

/* Results that come home: results.c. */
void results_take(struct work *work, const char *from, const uint8_t *message, size_t size);
void results_drop(struct own_task *task);

/* What becomes of our own tasks, as the store keeps it: task_rows.c. */
void rows_save_state(struct own_task *task, enum task_state state, const char *why);
/* @message: the result; NULL: there is none yet. */
void rows_save_run(struct own_task *task, const char *node, enum plan_run_state state,
		   const struct bytes *message);
/* Why it is not done yet. */
void rows_save_why(struct own_task *task, const char *from, const struct task_result *result);
void rows_save_device(struct work *work, const struct plan_device *device);

/* Writes the outputs of the answer; says how by tasks_written(): outputs.c. */
int outputs_write(struct own_task *task);
void tasks_written(struct own_task *task, const char *why);
void outputs_forget(struct own_task *task);

/* The device's battery and load: sensors.c. */
void sensors_read(const char *folder, struct plan_state *ret);

/* For node.c, carry.c, api.c. */
int work_open(struct node *node, struct err *err);
/* The loop runs once more before the rest goes. */
void work_close(struct node *node);
void work_free(struct node *node);
void work_tick(struct node *node);
void work_contact(struct node *node, const char *peer);
void work_arrived(struct node *node, const struct bundle *bundle);
