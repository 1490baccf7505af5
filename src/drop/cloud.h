/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where tasks go at the last moment before their deadline. Each has a folder with its inputs in "work", where its outputs are
 * expected, too; what it writes is in "output" and "error" beside that. How it is run, and how one learns that it is over, is a
 * row of a table (cloud_ops.c).
 */
#pragma once

#include "drop/sandbox.h"
#include "drop/work.h"

#define CLOUD_WORDS_MAX (TASK_ARGUMENTS_MAX + 32)
#define CLOUD_NAME_MAX  64
#define CLOUD_MARK      "rivulet-"

/* What an operation is told, and the words that it answers with: a program and its arguments. */
struct cloud_words {
	const char *
		settings; /* what stands behind the cloud's name in the node's options; "": nothing */
	const char *folder, *work, *output, *error, *script; /* paths */
	const struct task *task;
	const char *mark; /* CLOUD_MARK and the task's number: nothing else has that */
	const char *name; /* of the task there, if it has one */
	unsigned attempt; /* of polling */
	char text[8][64]; /* room for what has to be put together */
	const char *words[CLOUD_WORDS_MAX + 1];
	unsigned count;
};

struct cloud_ops {
	const char *name;
	/* Runs the task, or, where there is poll(), hands it over: then the program prints its name there. */
	void (*start)(struct cloud_words *words);
	/* Asks after it. NULL: it is over when the program of start() is. False: there is no other way to ask. */
	bool (*poll)(struct cloud_words *words);
	/* What that printed: 1: it is over; 0: it is not; -EPROTO: nothing that can be understood. */
	int (*read)(const char *text, enum task_end *ret, uint64_t *ret_code);
	void (*cancel)(struct cloud_words *words);
	/* Where there is poll(): prints the name there of what was started with this mark, nothing if there is none. */
	void (*find)(struct cloud_words *words);
};

/* The row that @text, "NAME" or "NAME:SETTINGS", names; NULL: there is none. */
const struct cloud_ops *cloud_find(const char *text, const char **ret_settings);

/* The task is wanted back in time, whoever does it besides. */
void cloud_begin(struct own_task *task);
/* Nobody waits for it any more. */
void cloud_forget(struct own_task *task);
/* What was handed over before this start goes on, or is cancelled if its task is over. */
void cloud_load(struct work *work);
void cloud_resume(struct work *work, const uint8_t id[static TASK_ID_SIZE],
		  const struct cloud_ops *ops, const char *name, uint64_t began);
/* The node ends: what the cloud keeps by itself goes on there. */
void cloud_close(struct work *work);
