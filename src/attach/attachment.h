/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a program gets its connections made on a stack: the one table of operations. An attachment is a row here and a file of
 * its own; the supervisor and the watcher do not ask which one it is.
 *
 * The program's process loads it before it becomes the program; what comes of that, the listener, is handed to the supervisor
 * and the watcher. It polls POLLIN while the program asks for something, and POLLHUP when no process is attached any more.
 */
#pragma once

#include "attach/steering.h"
#include "base/err.h"
#include "base/loop.h"
#include "stack/stack.h"

#include <stdbool.h>
#include <stdint.h>

struct attachment_totals {
	uint64_t connections, sent,
		received; /* that were made; bytes that the program sent, and was given */
};

/* Every kind of attachment begins with this. */
struct attachment {
	const struct attachment_ops *ops;
	struct attachment_totals totals; /* where bytes pass through it */
	/* What polls readable when it has something to do; -1: there is none, or the loop sees to it. */
	int asks; /* serve() */
	int made; /* made() */
	int fd;   /* go_on() */
};

/* All borrowed, and to outlive the attachment. */
struct attachment_setup {
	int listener;        /* -1: it is told to begin() */
	struct stack *stack; /* to make connections on, where it is asked to make them itself */
	const char *folder;  /* that only the user can enter */
	struct loop *loop;   /* for one that moves bytes; NULL: only let_go() will be called */
	struct steering *steering; /* asked before each connection; NULL: none is */
	bool threads; /* may it have some? The user then calls made(), and stands_open() */
};

/* What became of what the program asked for. */
struct attached {
	uint32_t
		inode; /* of the socket that it has now; 0: a plain one of its own making, or none */
	int error;     /* why it is a plain one: negative errno, 0 if not */
	uint32_t led_away; /* the inode of one whose bytes now go by the steering; 0: none */
};

/* A negative errno is a failure, with words where there is a struct err. */
struct attachment_ops {
	const char *name;
	/* Before there are processes of the run: what each of them would have to find out. NULL: nothing. */
	void (*prepare)(void);
	/* In the program's process. Returns the listener, the caller's. What the program itself needs to ask is in
	 * @ret_own, the caller's, too; -1 if nothing. @routed: there will be a route. */
	int (*load)(bool routed, int *ret_own, struct err *err);
	/* The caller closes with close(). */
	int (*open)(const struct attachment_setup *setup, struct attachment **ret, struct err *err);
	/* Where it was opened without a listener: what can fail has been done then, before there is a program. NULL: it cannot be. */
	int (*begin)(struct attachment *attachment, int listener);
	/* Answers one question; NULL: it answers from within the loop. 1: what happened is in @ret; 0: nothing that matters; negative: the listener is
	 * unusable. May block if nobody asks. */
	int (*serve)(struct attachment *attachment, struct attached *ret);
	/* What was done without serve(), since; one by one. False: no more. NULL: nothing ever. */
	bool (*made)(struct attachment *attachment, struct attached *ret);
	/* Until @until (of clock_now()) no program has to wait before it makes a socket. NULL: serve() is called for all. */
	void (*stands_open)(struct attachment *attachment, uint64_t until);
	/* Goes on with what was not answered at once, when @fd polls readable. NULL: serve() does it. */
	void (*go_on)(struct attachment *attachment);
	/* Has it work that the program does not wait for? NULL: never. */
	bool (*is_busy)(struct attachment *attachment);
	/* serve(), but as if there were no supervisor. */
	int (*let_go)(struct attachment *attachment);
	void (*close)(struct attachment *attachment);
	/* Removes from the folder @setup->folder what processes that were killed have left there. NULL: nothing ever. */
	void (*clean)(const char *folder);
};

extern const struct attachment_ops
	attachment_substitute; /* MPTCP sockets for TCP ones: substitute.c */
extern const struct attachment_ops
	attachment_relay; /* sockets of ours for TCP ones, and their bytes by a stack: relay/ */
extern const struct attachment_ops
	attachment_announce; /* what makes its own connections: proxy/announce.c */

/* The one that programs get a stack by. */
const struct attachment_ops *attachment_of(const struct stack_ops *stack);

/* Is any process still attached? */
bool attachment_in_use(int listener);
