/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One task, run by a process of its own (SANDBOX_COMMAND), which ends with it. What it runs sees the system's programs, read-only,
 * and a folder with its inputs; no network, no other process, none of the owner's files. Bubblewrap makes the namespaces. All
 * that it writes is in one file system in memory, which has the size of its limit; memory and processes are limited by a control
 * group where there can be one (confine.h), else by what each process may have.
 *
 * The node's part is a folder: in it is the task ("task", as the message) and afterwards the report and the outputs ("0", "1", ...).
 */
#pragma once

#include "drop/task.h"

#define SANDBOX_COMMAND "task"

struct sandbox_output {
	char name[TASK_NAME_MAX];
	uint64_t size;
	const uint8_t *hashes; /* of its pieces */
	uint32_t count;
};

struct sandbox_report {
	enum task_end end;
	uint64_t code, run;            /* run: ms */
	const uint8_t *output, *error; /* into what was read */
	size_t output_size, error_size;
	struct sandbox_output *outputs; /* owned: the caller frees; file "N" is the Nth */
	unsigned output_count;
};

/* The arguments: the folder, the store's folder of objects, "inside" or "outside" (of a sandbox), the node's process ID. */
int sandbox_main(int argc, char **argv);

void sandbox_put_report(struct bytes *to, const struct sandbox_report *report);
int sandbox_read_report(const void *data, size_t size, struct sandbox_report *ret);

/* What sandbox.c and sandbox_files.c share. */
struct sandbox {
	int folder;          /* a descriptor */
	const char *objects; /* the store's folder of them */
	int objects_fd; /* opened where the mounts are ours: only then can they be mounted again */
	bool inside;
	bool root;           /* gives up what it may do before it begins */
	char work[PATH_MAX]; /* where the task runs */
	struct task task;
};

#define SANDBOX_PLACE "/run" /* in a mount namespace of the runner's own */
#define SANDBOX_WORK  "/run/work"
#define SANDBOX_TMP   "/run/tmp"
#define SANDBOX_SHM   "/run/shm"
#define SANDBOX_USER  65534

/* Makes the folder of the task, with its inputs. */
int sandbox_place(struct sandbox *sandbox, struct err *err);
/* Is all of its room used up? */
bool sandbox_is_full(const struct sandbox *sandbox);
/* Copies the outputs into the node's folder. @missing: the name of one that is not there. */
int sandbox_collect(struct sandbox *sandbox, struct sandbox_report *report, const char **missing);
