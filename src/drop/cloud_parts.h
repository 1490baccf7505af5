/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the cloud share. */
#pragma once

#include "drop/cloud.h"

/* What the program that runs just now, or the next one, is for. */
enum cloud_step {
	CLOUD_STARTING, /* runs the task, or hands it over */
	CLOUD_FINDING,  /* asks whether it was handed over, and by which name */
	CLOUD_POLLING,
	CLOUD_CANCELLING,
	CLOUD_COLLECTING /* it is over; of ours alone */
};

/* All that it takes to run one. Freed when nothing of libuv's is under way any more (cloud_release()). */
struct cloud_run {
	struct own_task *task; /* NULL: nobody waits */
	struct work *work;
	uint8_t id[TASK_ID_SIZE];
	const struct cloud_ops *ops;
	const char *settings;
	struct task copy; /* of the task; owned */
	char mark[2 * TASK_ID_SIZE + 16];
	char folder[PATH_MAX - 32], place[PATH_MAX], output[PATH_MAX], error[PATH_MAX],
		script[PATH_MAX], said[PATH_MAX];
	char name[CLOUD_NAME_MAX]; /* there */
	enum cloud_step step;
	unsigned attempt; /* of polling; of cancelling */
	enum task_end end;
	uint64_t code, began; /* ms since 1970 */
	struct sandbox_report report;
	int collected;
	uv_process_t process;
	uv_timer_t timer;
	uv_work_t collecting;
	bool spawned, thread;   /* what is under way; of spawned: closing, too */
	int spawn_failed;       /* why the program could not be started; 0: it was */
	bool dead, kept;        /* kept: its folder, for the next start */
	struct cloud_run *next; /* of all that are */
};

/* The end, as soon as nothing is under way. */
void cloud_release(struct cloud_run *run);
/* Once more, after a while. */
void cloud_fail(struct cloud_run *run, const char *why);
/* The first @room - 1 bytes of a file; the caller frees. */
char *cloud_read_text(const char *path, size_t room, size_t *ret_size);

/* Its folder, with the inputs: cloud_home.c. */
int cloud_make_place(struct cloud_run *run);
void cloud_remove_place(const struct cloud_run *run);
/* Sets the paths of what is in its folder. */
int cloud_set_paths(struct cloud_run *run);
/* It is over there: what it made comes home. */
void cloud_conclude(struct cloud_run *run);

/* What was handed over, as the store keeps it: cloud_rows.c. */
int cloud_save(const struct cloud_run *run);
void cloud_drop(const struct cloud_run *run);
