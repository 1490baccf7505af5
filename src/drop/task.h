/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nodes say to each other about tasks: payloads of bundles to the service "tasks" of a node, or of the whole crowd.
 *
 *     TASK    [1, id, [argument...], [[name, object, program]...], [name...], time, memory, disk, processes, deadline,
 *             expires]
 *     RESULT  [2, id, owner, end, code, run, output, error, [[name, object, size]...]]
 *     RECALL  [3, id]                        its owner has no use for it any more
 *     DEVICE  [4, time, slots, load]         what a node says of itself, to all
 *
 * Whoever carries a bundle could put anybody's name on it, so each message is signed by who says it, and brings the certificate:
 * [message: bytes, certificate: bytes, signature: bytes]. A result names the owner it is for: nobody else can be given it.
 */
#pragma once

#include "drop/identity.h"
#include "drop/store.h"

#define SERVICE_TASKS "tasks"
#define TASKS_ALL     "dtn://all/~tasks"

#define TASK_ID_SIZE       16
#define TASK_ARGUMENTS_MAX 256
#define TASK_FILES_MAX     64
#define TASK_NAME_MAX      256    /* bytes of a file's name, with its end */
#define TASK_TEXT_MAX      65536u /* bytes of all arguments */
#define TASK_SAID_MAX      65536u /* of what a task writes to standard output, and to standard error */
#define TASK_ENVELOPE_MAX  1048576u

enum task_message_type { TASK_TASK = 1, TASK_RESULT, TASK_RECALL, TASK_DEVICE };

/* How a task came to its end. */
enum task_end {
	TASK_EXITED, /* code: its exit status */
	TASK_KILLED, /* code: the signal */
	TASK_TIME,   /* beyond a limit, and stopped */
	TASK_MEMORY,
	TASK_DISK,
	TASK_PROCESSES,
	TASK_NOT_MADE, /* it ended well, and an output is not there, or is no file */
	TASK_NOT_RUN,  /* nothing that the task is to blame for: somebody else may do it */
	TASK_ENDS
};

struct task_limits {
	uint64_t time;         /* ms */
	uint64_t memory, disk; /* bytes */
	uint64_t processes;
};

/* An input, or an output of a result. Names are relative, without "..". */
struct task_file {
	char name[TASK_NAME_MAX];
	uint8_t object[OBJECT_ID_SIZE];
	uint64_t size;
	bool program; /* may be executed */
};

struct task {
	uint8_t id[TASK_ID_SIZE];
	char *arguments[TASK_ARGUMENTS_MAX + 1]; /* owned, as all of it: task_free() */
	unsigned argument_count;
	struct task_file *inputs, *outputs; /* of outputs: names alone */
	unsigned input_count, output_count;
	struct task_limits limits;
	uint64_t deadline, expires; /* ms since 1970; 0: it has no deadline */
};

struct task_result {
	uint8_t id[TASK_ID_SIZE];
	char owner[NODE_MAX];
	enum task_end end;
	uint64_t code;
	uint64_t run;                  /* ms */
	const uint8_t *output, *error; /* into what was read */
	size_t output_size, error_size;
	struct task_file *outputs; /* owned: task_result_free() */
	unsigned output_count;
};

struct task_device {
	uint64_t time;  /* ms since 1970, by its own clock: newer is later */
	uint64_t slots; /* tasks of others that it runs at once; 0: none now */
	uint64_t load;  /* ms of work that waits or runs there, as it guesses */
};

void task_free(struct task *task);
void task_result_free(struct task_result *result);

/* Is it a name that a file of a task can have? */
bool task_is_name(const char *name);

void task_put(struct bytes *to, const struct task *task);
void task_put_result(struct bytes *to, const struct task_result *result);
void task_put_recall(struct bytes *to, const uint8_t id[static TASK_ID_SIZE]);
void task_put_device(struct bytes *to, const struct task_device *device);

/* 0: no message of ours. */
enum task_message_type task_type(const void *data, size_t size);
/* Each: -EBADMSG: it is none, or contradicts itself; -ENOMEM. What they fill in is to be freed in any case. */
int task_read(const void *data, size_t size, struct task *ret);
int task_read_result(const void *data, size_t size, struct task_result *ret);
int task_read_recall(const void *data, size_t size, uint8_t ret_id[static TASK_ID_SIZE]);
int task_read_device(const void *data, size_t size, struct task_device *ret);

/* What counts when results of a task are compared: how it ended, what it wrote to standard output, and its files. */
void task_digest(const struct task_result *result, uint8_t ret[static HASH_SIZE]);
/* In words: "exit status 3", "ran longer than its limit", ... */
const char *task_end_text(enum task_end end, uint64_t code, char text[static 96]);

/* Puts @message into an envelope, signed. */
int task_sign(struct bytes *to, const struct identity *identity, const struct bytes *message);
/* Who says what is in it; *@ret_message goes into @data. -EBADMSG: it is no envelope; -EKEYREJECTED: the signature is not of who the
 * certificate says; else as identity_check(). */
int task_open(const struct identity *identity, const void *data, size_t size,
	      char ret_node[static NODE_MAX], const uint8_t **ret_message, size_t *ret_size,
	      struct err *err);
