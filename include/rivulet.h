/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections over all links of a device, for programs that choose so themselves. (A program that
 * knows nothing of this library gets the same by `rivulet run`.)
 *
 * A stack is opened by name; dialling and listening on it give real file descriptors, for read,
 * write, poll, shutdown, close. What else is done with a socket (accept, getsockname, getpeername,
 * setsockopt) the kernel does with those of "native" and "host", and functions here with those of
 * every stack. There is nothing to link but this library, no event loop and no background work.
 *
 * Errors: a function that can fail returns a negative errno (-ECONNREFUSED, ...) and leaves what
 * it would have given out untouched; errno itself means nothing. Where a function takes a
 * struct rv_error, the words for a person are written there if it fails; NULL if they are not
 * wanted. The library never prints.
 *
 * Threads: any number of threads may use one struct rv at once; rv_close() comes after all of them.
 * Descriptors do not depend on the struct rv: they stay good after rv_close(). Names are looked
 * up in threads of the library's own, in which all signals are blocked. After fork() the child may
 * use what the parent opened.
 *
 * Privilege: none on "native" and "host". The library changes nothing of the host: which links carry
 * subflows is what the host's path manager was told by `rivulet run`, by an administrator
 * (ip-mptcp(8)) or by a daemon. "lkl" sets up its own links, and needs the right to their packets,
 * which rivulet-net(8) has.
 */
#ifndef RIVULET_H
#define RIVULET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rv;

/* What went wrong, in words: one line without a full stop. The caller's memory. */
struct rv_error {
	char text[1024];
};

/* All zero but @size is the default everywhere. */
struct rv_options {
	size_t size; /* sizeof(struct rv_options), which tells the library which members there are
		      */
	/* Milliseconds from one address of a name being tried to the next, 10..2000 (RFC 8305,
	 * section 5, "Connection Attempt Delay"); 0: 250. */
	uint32_t stagger_ms;
};

/*
 * Opens a stack. @stack is
 *   "native"  Multipath TCP (RFC 8684) of the kernel that this device runs. Towards a peer that
 *             does not speak it a connection is plain TCP, and rv_status() says so;
 *   "host"    plain TCP of that kernel;
 *   "lkl"     Multipath TCP of a kernel that is a library, over all links, whatever the device's own
 *             kernel can. It lives in processes of its own, which the program rivulet(1), beside
 *             this one or in PATH, is started for, and which end when it and the last of its
 *             descriptors are closed;
 *   NULL      the first of "native" and "host" that this device can run.
 * @options may be NULL. *@ret is the caller's, to be closed with rv_close().
 *
 * -ENOENT: no stack has that name; -EOPNOTSUPP: it is for programs of its own, as "uml"; -EINVAL:
 * an option is out of its range; -E2BIG: an option is set that this version of the library does not
 * have; -EPROTONOSUPPORT, -ENOPROTOOPT: the kernel has no MPTCP, or it is switched off (@why says
 * which); -ENETDOWN, -EPERM, ...: "lkl" can use no link; -ENOMEM.
 */
int rv_open(const char *stack, const struct rv_options *options, struct rv **ret,
	    struct rv_error *why);

/* Descriptors that were given out stay open. NULL is fine. */
void rv_close(struct rv *rv);

/* The name of the stack: "native", "host", "lkl". Owned by the library, never freed. */
const char *rv_stack(const struct rv *rv);

enum rv_flags {
	RV_NONBLOCK = 1 << 0, /* the descriptor is in non-blocking mode */
	RV_IPV4 = 1 << 1,     /* IPv4 addresses only */
	RV_IPV6 = 1 << 2      /* IPv6 addresses only; both or neither: either */
};

#define RV_NO_TIMEOUT (-1)

/*
 * Connects to @host (a name, or an IPv4 or IPv6 address, with "%link" behind a link-local one)
 * and @service (a port, 1..65535, or a name of /etc/services), and returns the connected
 * descriptor, close-on-exec, the caller's.
 *
 * A name is looked up for both families at once, and its addresses are tried in the order of RFC
 * 8305, families alternating, each a little after the one before or as soon as one fails; the
 * first that answers wins. @flags are of enum rv_flags. @timeout_ms, 1 or more, bounds the whole,
 * lookup included; with RV_NO_TIMEOUT it takes as long as the system's own limits let it (minutes).
 *
 * -ETIMEDOUT; -ECONNREFUSED, -EHOSTUNREACH, -ENETUNREACH, ...: of the address whose failure says
 * most; -ENOENT: there is no such name; -EAGAIN: no name server answered; -EINVAL: an argument is
 * out of its range or no such service; -EINTR: a signal was caught; -EMFILE, -ENOMEM, ...
 */
int rv_dial(struct rv *rv, const char *host, const char *service, unsigned flags, int timeout_ms,
	    struct rv_error *why);

/*
 * Listens on @service (0: a free port, which rv_local() then tells) of the local address @host, and
 * returns the listening descriptor, close-on-exec, the caller's; rv_accept() on it.
 * @host NULL: all addresses, of both families on one descriptor (IPv4 ones then look like
 * ::ffff:192.0.2.1, RFC 4291, section 2.5.5.2) unless @flags say otherwise. "0.0.0.0" and "::" are
 * all addresses of their family only. A name may block for as long as its lookup takes.
 * @backlog: connections that wait to be accepted; 0 or less: as many as the system allows.
 *
 * -EADDRINUSE; -EADDRNOTAVAIL: the address is not of this device; -EACCES: the port needs
 * privilege; otherwise as rv_dial().
 */
int rv_listen(struct rv *rv, const char *host, const char *service, int backlog, unsigned flags,
	      struct rv_error *why);

/*
 * Takes a connection that has arrived at the listening @fd, which polls readable when there is one:
 * its descriptor, close-on-exec, the caller's. @flags: RV_NONBLOCK. Waits where @fd is blocking.
 *
 * -EAGAIN: there is none, and @fd does not block; -EINTR: a signal was caught; -EINVAL: it does not
 * listen; -EMFILE, -ENOMEM, ...
 */
int rv_accept(struct rv *rv, int fd, unsigned flags, struct rv_error *why);

/* The address of this end, or of the other one, as getsockname(2) and getpeername(2) tell it of a TCP
 * socket: @size is the room at @ret, and then what was needed. -ENOTCONN, -ENOTSOCK, ... */
int rv_local(struct rv *rv, int fd, struct sockaddr *ret, socklen_t *size, struct rv_error *why);
int rv_remote(struct rv *rv, int fd, struct sockaddr *ret, socklen_t *size, struct rv_error *why);

/* An option of the socket as setsockopt(2) and getsockopt(2) have them: TCP_NODELAY, SO_LINGER, ... */
int rv_set_option(struct rv *rv, int fd, int level, int option, const void *value, socklen_t size,
		  struct rv_error *why);
int rv_get_option(struct rv *rv, int fd, int level, int option, void *ret, socklen_t *size,
		  struct rv_error *why);

/*
 * After read(2) has returned 0: was that the end that the peer sent, 0, or was the connection cut off,
 * a negative errno (-ECONNRESET, -ETIMEDOUT)? On "native" and "host" read(2) itself tells, and this is
 * always 0; on "lkl" it cannot, so whoever must not take a part for the whole asks here.
 */
int rv_ended(struct rv *rv, int fd, struct rv_error *why);

/* What a connection is at present. */
enum rv_protocol {
	RV_TCP =
		1, /* plain TCP, made so (of a peer that refused MPTCP lately, too), or accepted from one without MPTCP */
	RV_TCP_FALLBACK,  /* MPTCP was asked for, and the peer or something between refused it */
	RV_MPTCP,         /* MPTCP, or (not connected yet, or listening) it will try to be */
	RV_MPTCP_PERHAPS, /* an MPTCP socket of a kernel before 5.16, which does not tell more */
};

#define RV_SUBFLOWS_MAX 16
#define RV_LINK_MAX     16

/* A TCP connection, alone or a subflow. Zero: not known. */
struct rv_subflow {
	struct sockaddr_storage local, remote;
	char link[RV_LINK_MAX]; /* the network device with the local address; "": none has it */
	uint32_t state;         /* TCP_ESTABLISHED, ... of <netinet/tcp.h> */
	uint32_t rtt_us;        /* smoothed round-trip time, microseconds */
	uint32_t rtt_var_us;    /* and its mean deviation (RFC 6298) */
	uint32_t cwnd;          /* congestion window, segments of @mss bytes */
	uint32_t mss;
	uint64_t sent;          /* bytes of payload, each counted once... */
	uint64_t retransmitted; /* ...and those that were sent again */
	uint64_t received;      /* bytes of payload; with MPTCP some may have come twice */
};

struct rv_status {
	enum rv_protocol protocol;
	/* Bytes of payload of the whole connection, each counted once. A kernel before 6.5 forgets
	 * those of subflows that are gone. */
	uint64_t sent, received;
	/* How many subflows there are. 1 for plain TCP; 0: not connected, or not known. Only the
	 * first RV_SUBFLOWS_MAX are in @subflows. */
	uint32_t subflow_count;
	struct rv_subflow subflows[RV_SUBFLOWS_MAX];
};

/* The status of @fd, which rv_dial(), rv_accept(), or any other part of the program made on this
 * stack. -EBADF; -ENOTSOCK; -EPROTONOSUPPORT: not a TCP or MPTCP
 * socket. */
int rv_status(struct rv *rv, int fd, struct rv_status *ret, struct rv_error *why);

/* Calls @each for every connection of the process on this stack: @fd and @status are for the time
 * of the call only. Stops when @each returns other than 0, and returns that; otherwise 0, or a
 * negative errno. */
typedef int (*rv_each)(int fd, const struct rv_status *status, void *data);
int rv_status_all(struct rv *rv, rv_each each, void *data, struct rv_error *why);

/* The words of an error code as the functions here return it, negative or not: for where no
 * struct rv_error was given. Static memory, in English whatever the locale. */
const char *rv_strerror(int code);

#ifdef __cplusplus
}
#endif
#endif
