/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon of a node: one thread, one loop (libuv), and what hangs on it:
 *
 *     discovery ── a beacon ──> near ── dials ──> contacts ── bundles ──> store, objects
 *     api (HTTP on a UNIX socket) ── put, get, who is there ──> objects, contacts
 *
 * A turn of the loop ends with a commit of the store, and then what arrived in that turn is acknowledged (turn(), node.c).
 */
#pragma once

#include "base/err.h"
#include "stack/stack.h"

#include <stdbool.h>
#include <stdint.h>

struct node_options {
	const char *state;    /* the node's folder */
	struct stack *stack;  /* to make and take connections on; borrowed */
	uint16_t port;        /* of sessions */
	uint64_t quota;       /* bytes of the store */
	unsigned slots;       /* tasks that are run at once */
	bool take;            /* others' as well */
	int battery_least;    /* percent; with less, and not plugged in, only our own */
	double load_most;     /* for each CPU; with more, only our own */
	const char *cloud;    /* as cloud_find() takes it; NULL: none */
	uint64_t cloud_delay; /* ms that its queue and the way there take, before it is known */
	const char *sensors;  /* a folder in place of the kernel's; NULL: the kernel's */
	bool (*metered)(const char *link,
			void *data);      /* do bytes cost money there? NULL: nowhere */
	void (*made)(int fd, void *data); /* a connection was; NULL: nobody wants to know */
	void (*log)(const char *line, void *data); /* NULL: nobody wants to know */
	void *data;
};

struct node;

int node_open(const struct node_options *options, struct node **ret, struct err *err);
/* Until a signal ends it (SIGINT, SIGTERM, SIGHUP). 0, or a negative errno with words in @err. */
int node_run(struct node *node, struct err *err);
void node_close(struct node *node);

/* Folders and files below the node's own: @what is "crowd", "store" or "control". */
int node_path(const char *state, const char *what, char *ret, size_t size, struct err *err);
/* Where @state is empty, nobody told a folder: $RIVULET_NODE, root's /var/lib/rivulet, or the user's own. */
int node_find_state(char *state, size_t size, struct err *err);
