/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files sockets*.c share among themselves. */
#pragma once

#include "base/address.h"
#include "stack/plain.h"
#include "stack/sockets.h"

#include <pthread.h>

#define SOCKETS_TEXT_MAX (ADDRESS_TEXT_MAX + 1)

/* In memory that is shared with children. */
struct sockets {
	struct stack stack;
	int protocol; /* that sockets are made with, but towards @plain */
	pthread_mutex_t lock;
	struct plain plain; /* under @lock */
};

/* Length of the address for the system calls. */
socklen_t sockets_size(const struct sockaddr_storage *sa);

/* The address as text, without its port. Returns @text. */
const char *sockets_text(const struct sockaddr_storage *sa, char text[static SOCKETS_TEXT_MAX]);

/* Makes @fd blocking unless @flags say otherwise. */
int sockets_set_blocking(int fd, unsigned flags);
