/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A netlink socket and the two conversations that are had over it: a request that is acknowledged
 * (nl_talk) and a dump (nl_dump). Attributes are put with libmnl's mnl_attr_put_*.
 *
 * A socket belongs for ever to the network namespace that it was opened in, whichever namespace its
 * user is in later: code that configures a network stack is handed a struct nl and never asks whose
 * stack it is.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define NL_GROUPS 8

struct nl;

/* The socket calls of whatever kernel is talked to. All return what the system call of that name does, or a negative errno. */
struct nl_calls {
	int (*socket)(int domain, int type, int protocol);
	int (*bind)(int fd, const struct sockaddr *address, socklen_t size);
	int (*set)(int fd, int level, int option, const void *value, socklen_t size);
	ssize_t (*send)(int fd, const void *data, size_t size, int flags);
	ssize_t (*receive)(int fd, void *data, size_t size, int flags);
	int (*close)(int fd);
};

/* nl_open() of another kernel than the host's; @calls is borrowed until nl_close(). */
int nl_open_by(struct nl **ret, const struct nl_calls *calls, int protocol);

/* Opens a socket of @protocol (NETLINK_ROUTE, NETLINK_GENERIC, NETLINK_SOCK_DIAG, ...),
 * close-on-exec, in the calling thread's network namespace. The caller closes it with nl_close().
 */
int nl_open(struct nl **ret, int protocol);
void nl_close(struct nl *nl);

/* The descriptor, for poll(); owned by @nl. */
int nl_fd(const struct nl *nl);

/* Joins a multicast group, one of NL_GROUPS at most: its messages are then read with nl_receive(). Use a socket that does
 * nothing else. */
int nl_join(struct nl *nl, unsigned group);
/* Leaves all groups that were joined, or joins them again: the kernel makes no messages that nobody listens to. */
void nl_listen(struct nl *nl, bool listens);

/* Starts a request in the socket's own buffer (one at a time): NLM_F_REQUEST is added to @flags;
 * room for a family header of @extra bytes, zeroed, follows (mnl_nlmsg_get_payload). */
struct nlmsghdr *nl_start(struct nl *nl, uint16_t type, uint16_t flags, size_t extra);

/* Starts a request that changes the device @index (0: an attribute says which): of its flags (IFF_UP) @change, to what they are in
 * @flags. */
struct nlmsghdr *nl_start_device(struct nl *nl, unsigned index, unsigned change, unsigned flags);
/* Switches the device on. */
int nl_switch_on(struct nl *nl, unsigned index);
/* Removes it, if it is one that can be. */
int nl_remove_device(struct nl *nl, unsigned index);

/* Sends the request and waits for its acknowledgement, or for its one answer, which goes to @answer
 * (may be NULL). 0 or the kernel's negative errno; with an extended acknowledgement its words are
 * in nl_words(). */
typedef int (*nl_answer)(const struct nlmsghdr *msg, void *data);
int nl_talk(struct nl *nl, nl_answer answer, void *data);

/* Sends a dump request (NLM_F_DUMP is added); @answer is called for every message, and stops the
 * dump by returning a negative value, which is then returned. -EINTR after @answer has seen some
 * messages means the table changed meanwhile: start again if it matters. */
int nl_dump(struct nl *nl, nl_answer answer, void *data);

/* Reads what has arrived for joined groups, without blocking: number of messages given to @answer,
 * or a negative errno (-ENOBUFS: some were lost, look at the whole again). */
int nl_receive(struct nl *nl, nl_answer answer, void *data);

/* The kernel's explanation of the last failed request; "" where it gave none. */
const char *nl_words(const struct nl *nl);

/* Generic netlink: the number of family @name, and if @group is not NULL of that multicast group.
 * -ENOENT where the kernel does not have it. */
int nl_family(struct nl *nl, const char *name, const char *group, uint16_t *ret_family,
	      uint32_t *ret_group);

static inline void nl_closep(struct nl **nl)
{
	if (*nl)
		nl_close(*nl);
}
#define _cleanup_nl_ __attribute__((cleanup(nl_closep)))
