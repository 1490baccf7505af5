/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a program's connections go if not simply to where the program says: what attachments ask before they connect. They do
 * not ask who is behind it (via/via.h), or why.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <sys/socket.h>

/* Every kind of route begins with this. */
struct steering {
	const struct steering_ops *ops;
};

struct steering_ops {
	/* Is a connection to @to to be made by this route? Else it is made as if there was none. */
	bool (*takes)(struct steering *steering, const struct sockaddr *to);
	/* Begins to connect to @to: a descriptor, the caller's, that polls readable when there is an answer; to close it
	 * calls all off. Never blocks for long. A negative errno: it cannot be begun.
	 * @fd is a TCP or MPTCP socket of the host that is not connected, and that is to become the connection; as
	 * soon as this returns it is connected, though to whom is not its business.
	 * @hold: until there is an answer @fd polls as a socket that is connecting; if it fails it is reset. */
	int (*begin)(struct steering *steering, const struct sockaddr *to, int fd, bool hold);
	/* Of what was begun with @fd. -EINPROGRESS; 0: it is connected; else the error that connect() has. */
	int (*answer)(struct steering *steering, int pending, int fd, struct err *why);
};
