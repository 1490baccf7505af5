/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network stack that connections can be made on: the one table of operations. A stack is a row
 * here and a file or folder of its own; nobody outside this folder asks which one it is.
 *
 * The words for what is asked and told (flags, status) are those of the public header, whatever
 * the stack. Calls may come from several threads at once: a stack is not changed after open(), but for what it locks.
 */
#pragma once

#include "base/err.h"
#include "link/diag.h"
#include "link/ledger.h"
#include "link/multipath.h"
#include "link/port.h"
#include "rivulet.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct stack_machine;
struct policy;

/* Every kind of stack begins with this. */
struct stack {
	const struct stack_ops *ops;
	uint64_t stagger; /* ns, of struct stack_options */
};

/* The packets of the host's links (link/port.h), for a stack that is not the host's own. Borrowed, but for @data, which
 * outlives the stack. */
struct stack_links {
	const struct port *ports;
	const int *fds; /* of the packets; copied */
	unsigned count;
	struct port_ranges ranges;   /* that the stack's connections have */
	unsigned answers;            /* to @more, up to now */
	const struct policy *policy; /* NULL: none */
	uint64_t memory;             /* bytes that it may use; 0: its default */
	bool verbose;                /* what its kernel says goes to standard error */
	/* Somebody listens on a port. */
	void (*listens)(uint16_t port, void *data);
	/* @ranges are nearly used up: refresh() brings an answer. */
	void (*more)(void *data);
	void *data;
};

/* Borrowed for the call. */
struct stack_options {
	uint64_t stagger; /* ns from trying one address of a name to trying the next */
	const struct stack_links *links; /* for a stack that needs them; NULL: there are none */
	/* Where that is had from another process (own_wire.h): what its links are for; NULL: what the files say. */
	const struct policy *policy;
};

/* Borrowed until the dialling is closed. */
struct stack_dial {
	const char *host, *service;
	unsigned flags; /* enum rv_flags */
	int timeout_ms; /* RV_NO_TIMEOUT, or > 0 */
	/* Asked before each address @to is tried, with the descriptor that is to become the connection, or -1
	 * where there is none before; NULL: nobody is. A negative errno: this address is not to be tried. */
	int (*before)(int fd, const struct sockaddr *to, void *data);
	void *data;
};

/* A connection that is being made. Every kind begins with this. */
struct dialling {
	int fd; /* polls readable when there is something to do; owned by the dialling */
};

struct stack_listen {
	const char *host; /* NULL: all addresses */
	const char *service;
	unsigned flags; /* enum rv_flags */
	int backlog;    /* > 0 */
};

/*
 * The calls on sockets one by one, for an attachment that imitates those of a program. All return what the system call of that
 * name does, or a negative errno, at once: a socket never blocks. Its descriptor is the caller's, and need not be a socket of
 * the kernel's TCP, but it has to do as one does wherever no call of this table is made:
 *
 *   bytes     recv(), send() and splice(2) of a connected one; -EINVAL of splice only means that it is never asked again
 *   shutdown  SHUT_WR: what was written is sent, and then the end
 *   poll      of a connecting one POLLOUT when it is decided; of a listening one POLLIN while accept() would give something; of
 *             a connected one as tcp(7) says. POLLERR or POLLHUP, and recv() of all data before, of one that was reset;
 *             which error it was is asked by getsockopt(SO_ERROR) on the descriptor where it still has one, else it
 *             is ECONNRESET. Where it looks like an end, why_ended() tells
 *   close     what was written before is sent, also after; but where SO_LINGER was set() to (1, 0) it is thrown away and the
 *             peer reset
 */
struct stack_calls {
	int (*make)(struct stack *stack, int family);
	/* The same, for a connection to @to; and that is there now. NULL: it makes no difference who @to is. */
	int (*make_to)(struct stack *stack, const struct sockaddr *to);
	void (*connected)(struct stack *stack, int fd, const struct sockaddr *to);
	int (*bind)(struct stack *stack, int fd, const struct sockaddr *address, socklen_t size);
	/* -EINPROGRESS: it polls writable when that is decided, and SO_ERROR tells how. */
	int (*connect)(struct stack *stack, int fd, const struct sockaddr *address, socklen_t size);
	int (*listen)(struct stack *stack, int fd, int backlog);
	int (*accept)(struct stack *stack, int fd);
	int (*name)(struct stack *stack, int fd, struct sockaddr *ret, socklen_t *size);
	int (*peer)(struct stack *stack, int fd, struct sockaddr *ret, socklen_t *size);
	int (*set)(struct stack *stack, int fd, int level, int option, const void *value,
		   socklen_t size);
	int (*get)(struct stack *stack, int fd, int level, int option, void *ret, socklen_t *size);
	/* Of one that listens or connects: it does so no more. The ends of a connection go through the descriptor. */
	int (*shutdown)(struct stack *stack, int fd, int how);
	/* Nothing more comes from a connection, recv() gave 0: it was reset, a negative errno; or its peer is done, 0. NULL: recv()
	 * tells one from the other. */
	int (*why_ended)(struct stack *stack, int fd);
	/* Bytes that were written to it, and that its peer has not acknowledged yet (SIOCOUTQ of tcp(7)). */
	int (*unsent)(struct stack *stack, int fd);
	/* The bytes of @fd, a connected one, go through @near from now on, an AF_UNIX socket that somebody has the other end of: the
	 * stack takes a copy, and moves them itself as attach/flow.h says it. @fd polls readable when that is over, and gives a struct
	 * stack_carried, or nothing if the stack has ended. To close it before cuts the connection off. An error: all is as it was.
	 * NULL: it cannot. */
	int (*carry)(struct stack *stack, int fd, int near);
};

/* How a connection ended. */
struct stack_carried {
	int error; /* it was lost: a negative errno; else 0 */
	uint64_t sent, received;
	struct sockaddr_in6 own; /* its name */
	socklen_t own_size;      /* 0: unknown */
};

/* A subflow, and what its connection has besides. */
struct stack_subflow {
	struct diag_socket
		socket; /* its inode: the connection's, that names it for as long as it lives */
	bool fallback;  /* that is plain TCP */
	uint64_t sent, received; /* of it, over subflows that are gone */
};

/* What can be seen in a stack that is not the host's. */
struct stack_sight {
	struct stack_subflow *subflows; /* owned: free() */
	unsigned count, left_out;       /* there are more */
	enum multipath_use
		use[PORTS_MAX]; /* of the links that it was opened with, in their order */
	struct ledger_sum sum;  /* of all that there were since it was opened */
};

/* NULL where a stack cannot; all return 0 or more, or a negative errno with words in @err. */
struct stack_ops {
	const char *name;
	const char *summary; /* one line, for lists */
	/* It uses the links that the host's kernel is set up for, which is what a run does (run/run.h). */
	bool uses_host_links;
	bool needs_packets; /* of links (struct stack_links); without them it opens one of another process (own_wire.h), or not */
	const char *
		attachment; /* how programs get it: the name of a row of attach/attachment.h; NULL: they run inside it */
	const struct stack_machine *machine; /* then how it is started (machine.h), else NULL */
	bool tcp_only;                       /* never MPTCP, whatever the peer */
	bool own_tcp;                        /* its plain TCP is what a program has without us */
	/* Can it run here? If not, why. */
	int (*probe)(struct err *why);
	/* The caller closes with close(). */
	int (*open)(const struct stack_options *options, struct stack **ret, struct err *err);
	/* Begins to connect; never blocks. The caller closes with dial_close(), at any time. NULL: programs have to
	 * run inside the stack. */
	int (*dial_open)(struct stack *stack, const struct stack_dial *dial, struct dialling **ret,
			 struct err *err);
	/* Goes on without blocking: a connected descriptor, the caller's; -EINPROGRESS: call again when @dialling->fd
	 * polls readable, or at *@ret_wake (ns of clock_now(); UINT64_MAX: never); or why there will be none. */
	int (*dial_go_on)(struct dialling *dialling, uint64_t *ret_wake, struct err *err);
	void (*dial_close)(struct dialling *dialling);
	/* A listening descriptor, the caller's. NULL where dial_open is. */
	int (*listen)(struct stack *stack, const struct stack_listen *listen, struct err *err);
	const struct stack_calls *calls;
	/* The links that it was opened with have changed, or the ranges, or the policy (NULL: it has not): in the same order, those that
	 * have come behind them. NULL: it does not need to know. */
	void (*refresh)(struct stack *stack, const struct stack_links *links);
	/* -ENOTSOCK, -EPROTONOSUPPORT: @fd is none of this stack's. */
	int (*status)(struct stack *stack, int fd, struct rv_status *ret, struct err *err);
	/* The live connections of all its users, @most subflows of them. NULL: they are seen from outside, in the host's kernel. */
	int (*look)(struct stack *stack, unsigned most, struct stack_sight *ret);
	/* Another user of the stack, in another process: the way to it that he is handed, the caller's, and a descriptor, the stack's,
	 * that polls readable when the stack has ended, which is when he has closed that and all his sockets. For once. NULL: it is
	 * to be had by everyone. */
	int (*admit)(struct stack *stack, int *ret_way, int *ret_end);
	/* Has it something to send still, of descriptors that were closed? NULL: the host's kernel sees to that. */
	bool (*is_busy)(struct stack *stack);
	/* Descriptors that it gave out stay good, where the host's kernel serves them. */
	void (*close)(struct stack *stack);
};

extern const struct stack_ops stack_native; /* MPTCP of the host's kernel: native.c */
extern const struct stack_ops stack_host;   /* plain TCP of the host's kernel: host.c */
extern const struct stack_ops stack_lkl;    /* MPTCP of a kernel that is a library: lkl.c */
extern const struct stack_ops stack_uml;    /* MPTCP of a kernel that is a process: uml.c */

/* All of them, the best first, NULL at the end. */
extern const struct stack_ops *const stacks[];

/* NULL if none has that name. */
const struct stack_ops *stack_find(const char *name);

/* Is @name that of a stack that stack_choose() may give? -ENOENT, -EOPNOTSUPP: it is not, with the reason. */
int stack_check(const char *name, struct err *err);

/* The stack @name, or (NULL) the first that can run here, of those that make connections for others than programs that run inside
 * them. One that needs packets only by its name. @passed_over is told why one is not taken; NULL: nobody wants to know. */
int stack_choose(const char *name, void (*passed_over)(const char *why),
		 const struct stack_ops **ret, struct err *err);

/* Dials and waits: a connected descriptor, the caller's. -EINTR: a signal was caught. */
int stack_dial(struct stack *stack, const struct stack_dial *dial, struct err *err);
