/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks a name up in both families at once, without blocking the caller: the C library's resolver
 * knows no time limit, so it runs in a thread for each family. A caller that has had enough goes
 * away; what the threads still hold is freed when the resolver gives up.
 */
#pragma once

#include "base/err.h"
#include "stack/race.h"

struct resolve;

/* Is @service a port from @lowest to 65535 or a name? -EINVAL. The resolver itself would take 65537
 * for 1. */
int resolve_check_service(const char *service, unsigned lowest, struct err *err);

/* The errno and words of a failed getaddrinfo() for @host and @service. */
int resolve_error(int code, int error, const char *host, const char *service, struct err *err);

/* Looks up @host for the families with wanted[family]. An address needs no lookup: its answer is
 * there at once. The caller ends it with resolve_close(), at any time. */
int resolve_open(const char *host, const char *service, const bool wanted[RACE_FAMILIES],
		 struct resolve **ret, struct err *err);
void resolve_close(struct resolve *resolve);

/* Polls readable when an answer is there; owned by @resolve. */
int resolve_fd(const struct resolve *resolve);

struct resolve_answer {
	enum race_family family;
	struct sockaddr_storage all[RACE_MAX];
	unsigned count;
	int code; /* why there is none: a negative errno, with words; 0: not asked for */
	struct err why;
};

/* Takes the next answer; each family gives one. False: none is there yet, or all were taken. */
bool resolve_next(struct resolve *resolve, struct resolve_answer *ret);
