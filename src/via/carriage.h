/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes between two connections, of which one may be inside TLS: then it is a tunnel, else a flow, and nobody else asks. What goes
 * there goes no further ahead of its peer than its links need (link/ahead.h). */
#pragma once

#include "attach/flow.h"
#include "via/tunnel.h"

struct carriage {
	bool secret;
	union {
		struct flow flow;
		struct tunnel tunnel;
	};
	/* As flow's and tunnel's. */
	void (*over)(struct carriage *carriage, int code);
};

/* Moves bytes between @fd, which is inside @tls unless that is NULL, and @open. Takes all of them, also if it fails. The @early
 * bytes were read from @fd before, and are for @open. @fd is of @stack; NULL: of the host's kernel. Set @carriage->over before. */
int carriage_open(struct carriage *carriage, struct loop *loop, struct stack *stack, int fd,
		  struct tls *tls, int open, const void *early, size_t size);
/* Cuts both connections off, without a word. */
void carriage_abort(struct carriage *carriage);

/* Bytes so far that came from @fd, and that went there. */
uint64_t carriage_in(const struct carriage *carriage);
uint64_t carriage_out(const struct carriage *carriage);
