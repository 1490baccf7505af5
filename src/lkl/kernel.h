/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The library kernel (kernel/arch/lkl) in this process: what it asks of a host, and its system calls by their names, which
 * return a negative errno. One thread only.
 */
#pragma once

#include "base/err.h"
#include "base/netlink.h"

#include <lkl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* @verbose: what it says is shown on standard error; else only if it breaks down. */
int kernel_boot(uint64_t memory, bool verbose, struct err *err);

/* Makes it panic, which does not return: for tests. */
void kernel_break_down(void);

/* Adds a device for packets on @fd, which the kernel keeps: its index. */
int kernel_add_link(int fd, const uint8_t mac[static 6], unsigned mtu);

/* Writes a file of the kernel's /proc/sys, "net/ipv4/..." */
int kernel_set(const char *name, const char *value);

extern const struct nl_calls kernel_netlink;

int kernel_socket(int domain, int type, int protocol);
int kernel_bind(int fd, const struct sockaddr *address, socklen_t size);
int kernel_connect(int fd, const struct sockaddr *address, socklen_t size);
int kernel_listen(int fd, int backlog);
int kernel_accept(int fd);
int kernel_name(int fd, struct sockaddr *ret, socklen_t *size);
int kernel_peer(int fd, struct sockaddr *ret, socklen_t *size);
int kernel_set_option(int fd, int level, int option, const void *value, socklen_t size);
int kernel_get_option(int fd, int level, int option, void *ret, socklen_t *size);
ssize_t kernel_send(int fd, const void *data, size_t size, int flags);
ssize_t kernel_receive(int fd, void *data, size_t size, int flags);
/* What can be received, up to @size bytes, stays there, and lies in @parts, of which there may be *@count, until the kernel is called again. */
ssize_t kernel_peek(int fd, size_t size, struct iovec *parts, int *count);
/* Takes that much of it out. */
int kernel_drop(int fd, size_t size);
int kernel_shutdown(int fd, int how);
/* How many bytes can be sent at once, about. 0: none, and that there are is told (EPOLLOUT) as after kernel_send(). */
ssize_t kernel_room(int fd);
/* Bytes that the peer has not acknowledged. */
int kernel_unsent(int fd);
/* Of what it was given and the peer has not acknowledged: what was not sent yet, and what was. */
int kernel_under_way(int fd, uint32_t *ret_waiting, uint32_t *ret_under_way);
int kernel_close(int fd);
int kernel_epoll(void);
int kernel_epoll_add(int epoll, int fd, uint32_t events, void *data);
/* What has happened up to now; never waits. */
int kernel_epoll_look(int epoll, struct epoll_event *ret, int most);
