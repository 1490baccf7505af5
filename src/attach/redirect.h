/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs' own sockets, led elsewhere than where the program says (steering.h): its connect() waits until it is known whether
 * there is a connection, or the socket polls as one that is connecting until then; SO_ERROR and getpeername() say what the
 * program wants to hear. What it finds otherwise of a connection that failed (by read(), say) is that it was reset.
 */
#pragma once

#include "attach/notify.h"
#include "attach/steering.h"

#include <stdint.h>

struct redirect;

/* @route is borrowed. -ENOMEM, ... The caller closes. */
int redirect_open(struct redirect **ret, int listener, struct steering *steering);
void redirect_close(struct redirect *redirect);

/* Polls readable when redirect_turn() has something to do. */
int redirect_fd(const struct redirect *redirect);
void redirect_turn(struct redirect *redirect);

enum redirected {
	REDIRECT_NOT,     /* it is no call of these */
	REDIRECT_GOES_ON, /* it goes on in the kernel, as if there was no route */
	REDIRECT_ANSWERED,
	REDIRECT_LED /* it waits; the socket is not connected to its server by itself any more */
};

/* A question of the filter's, which was just received. @ret_inode: of the socket that was led away. */
enum redirected redirect_serve(struct redirect *redirect, const struct seccomp_notif *request,
			       uint32_t *ret_inode);
