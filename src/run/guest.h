/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run inside a machine (stack/machine.h): a process on the host, which stands in the program's place (inside.h), and the
 * first process in there, which is `rivulet` too. They talk over a pipe of the machine's, in messages of this file.
 *
 *      caller ── rivulet run ══ kernel │ rivulet (init) ── foreground ─┬─ program
 *                    │                 │                               └─ supervisor, rivulet-net, ... (run.h)
 *                rivulet-net           │
 *
 * Inside there is a host as any other, with links, addresses and routes that are those of the ports it was given, and what
 * runs there is an ordinary `rivulet run` on the native stack. So hand-over, policy, summary and report are that one's. The
 * init sets the host up, follows what it is told of the links, and says what listens.
 */
#pragma once

#include "base/err.h"
#include "link/congestion.h"
#include "link/policy.h"
#include "link/port.h"
#include "via/via.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/types.h>

#define GUEST_COMMAND "guest"         /* `rivulet guest` is the init */
#define GUEST_INIT    "rivulet-guest" /* and so is this, which does without relays */

enum guest_kind {
	/* To the init */
	GUEST_START = 1, /* struct guest_start and its strings: what to run, and as whom */
	GUEST_PORTS,     /* struct guest_ports: before GUEST_START, and when they have changed */
	GUEST_SIGNAL,    /* int: for the program */
	GUEST_WINDOW,    /* struct winsize: of the terminal */
	GUEST_ANSWER,    /* guest_names.h */
	GUEST_ASKED,     /* what the run is doing: GUEST_STATUS answers */
	GUEST_KNOW, /* struct policy: what NetworkManager knows of the links now (link/metered.h) */
	/* From it */
	GUEST_ENDED,    /* int: the program's wait status; all files are written */
	GUEST_STOPPED,  /* the program is stopped; SIGCONT lets it go on */
	GUEST_LISTENS,  /* uint16_t: a port that somebody inside listens on */
	GUEST_QUESTION, /* guest_names.h */
	GUEST_STATUS,   /* text: status.h, or nothing if it cannot be had */
	GUEST_SAYS,     /* text for the person at the terminal */
	GUEST_KINDS
};

#define GUEST_GROUPS_MAX 256
#define GUEST_NO_PIPE    UINT32_MAX
#define GUEST_CLOSED     (UINT32_MAX - 1)

/* Followed by struct via_options, if there is a relay, and strings, each with its zero: the working directory ("": it was deleted), the report's file ("": none), the arguments, the
 * environment. */
struct guest_start {
	uint32_t uid, gid, umask;
	uint32_t group_count;
	gid_t groups[GUEST_GROUPS_MAX];
	struct rlimit limits[RLIM_NLIMITS];
	uint64_t ignored; /* signals, bit 0: 1 */
	uint32_t argc, envc;
	uint32_t standard
		[3]; /* the pipes for standard input, output, error; GUEST_NO_PIPE: the terminal; GUEST_CLOSED */
	uint32_t terminal; /* the pipe that is one; GUEST_NO_PIPE: there is none */
	struct winsize window;
	bool explain, json, quiet;
	struct policy policy;
	bool relayed; /* on the stack inside */
	struct port_range range;
	char host[65];
	char congestion[CONGESTION_NAME_MAX]; /* the host's; "": it has none */
};

struct guest_ports {
	uint32_t count;
	struct port all[PORTS_MAX];
};

/* One end of the pipe. */
struct guest_line {
	int fd;        /* owned */
	uint8_t *data; /* owned: of the message that is arriving */
	size_t filled, room;
};

void guest_line_close(struct guest_line *line);
/* Blocks. @more may be NULL. 0 or a negative errno. */
int guest_send(const struct guest_line *line, enum guest_kind kind, const void *data, size_t size,
	       const void *more, size_t more_size);
/* Reads what has arrived: 1: a message, which is good until the next call; 0: not yet; negative errno: the other end is gone,
 * or talks nonsense. Every message has the size that its kind says. */
int guest_receive(struct guest_line *line, enum guest_kind *ret_kind, const void **ret_data,
		  size_t *ret_size);

/* The strings of GUEST_START as an array with NULL at the end, the caller's, that points into @data; NULL: they are
 * not all there. */
char **guest_strings(const void *data, size_t size);

/* The whole life of the init. */
int guest_main(void);
