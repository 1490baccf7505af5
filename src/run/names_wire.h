/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the domain name system as both sides of guest_names.h move them. */
#pragma once

#include "run/guest_names.h"

#define NAMES_MESSAGE_MAX 65535
#define NAMES_LENGTH      2 /* bytes, before a message over TCP */

/* Where @server listens; the size. */
socklen_t names_address(const struct address *server, struct sockaddr_storage *ret);

/* Reads what has arrived. 1: a whole message, which is the caller's to take and @stream->filled to clear; 0: not yet; a negative
 * errno: no more will come. */
int names_stream_read(struct guest_stream *stream);
/* Writes a message. What does not go at once is no message any more: -EAGAIN. */
int names_stream_write(int fd, const void *data, size_t size);
void names_stream_close(struct guest_stream *stream);
