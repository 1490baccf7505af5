/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a run is doing, for `rivulet status` in another terminal.
 *
 * The supervisor listens on an AF_UNIX socket in the folder that only its user can enter
 * (folder.h). Who connects (the user, or root) gets one message: a descriptor of memory that has
 * the answer, one JSON object, in it. So the supervisor never waits for a reader, however large the
 * answer and however slow the reader.
 *
 * A socket bears the supervisor's process id, and that of its PID namespace, for a folder may be
 * seen from several. It is made under another name and renamed once it listens: one that refuses
 * has no supervisor any more.
 */
#pragma once

#include "base/err.h"
#include "link/ledger.h"
#include "link/multipath.h"
#include "link/subflows.h"

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#define STATUS_PREFIX       "status-"
#define STATUS_SUBFLOWS_MAX 1024 /* in one answer; of the rest it has the number */

struct status {
	int fd; /* listens; poll, then status_answer(); -1: cannot be had */
	char path[PATH_MAX];
	uint64_t opened;   /* ns of the monotonic clock */
	int64_t opened_at; /* s since 1970 */
	ino_t netns;       /* the network namespace in which it looks */
};

/* The network namespace of the calling process, by the number that names it; 0: not known. */
ino_t status_netns(void);

/* What an answer is made of. All borrowed. */
struct status_facts {
	pid_t pid;         /* of `rivulet run` */
	char *const *argv; /* the program, NULL at the end */
	bool ended;        /* it has, and processes that it started go on */
	const struct links *links;
	const enum multipath_use *use; /* of each link */
	const struct ledger *ledger;
	struct subflows *subflows; /* to look at sockets */
};

/* Begins to answer. Failure leaves a run without status, which is no reason not to run. */
void status_open(struct status *status);
void status_close(struct status *status);
/* Answers one who asks; never blocks. */
void status_answer(const struct status *status, const struct status_facts *facts);
/* The same in two steps, for who has to ask somebody else first: the one who asks, the caller's; -1: nobody who may. */
int status_accept(const struct status *status);
void status_reply(int client, const char *text);
/* Removes what a supervisor left that was killed: for its parent, in the same PID namespace. */
void status_remove(pid_t supervisor);

/* The object at @now (of the monotonic clock), pure: @seen are sockets of the run, in any order,
 * and will be sorted; there are @left_out more. NULL without memory. */
struct status_subflow {
	struct diag_socket socket;
	struct ledger_connection connection;
};
json_t *status_json(const struct status *status, const struct status_facts *facts, uint64_t now,
		    struct status_subflow *seen, unsigned count, unsigned left_out);

/* The answers of all runs of this user, as an array, which the caller gives back with
 * json_decref(); how many do not answer (stopped, or just ending) in @ret_silent. Negative errno:
 * with words. */
int status_ask_all(json_t **ret, unsigned *ret_silent, struct err *err);

/* Adds to each connection and subflow in @runs the rates since the answers in @before: "rate_sent"
 * and "rate_received", bit/s. Those that were not there before get none. Pure. */
void status_add_rates(json_t *runs, const json_t *before);
