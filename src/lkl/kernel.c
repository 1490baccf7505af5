/* SPDX-License-Identifier: GPL-2.0-only */
#include "lkl/kernel.h"

#include "base/boot.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define LINKS_MAX 8
#define WORDS_MAX 2048

#ifndef TCP_IS_MPTCP
#define TCP_IS_MPTCP 43
#endif

/* Numbers of asm-generic/unistd.h, which is not this processor's own. */
enum {
	CALL_EPOLL_CREATE = 20,
	CALL_EPOLL_CTL = 21,
	CALL_EPOLL_WAIT = 22,
	CALL_IOCTL = 29,
	CALL_MKDIRAT = 34,
	CALL_MOUNT = 40,
	CALL_OPENAT = 56,
	CALL_CLOSE = 57,
	CALL_READ = 63,
	CALL_WRITE = 64,
	CALL_PPOLL = 73,
	CALL_EXIT_GROUP = 94,
	CALL_SOCKET = 198,
	CALL_BIND = 200,
	CALL_LISTEN,
	CALL_CONNECT = 203,
	CALL_GETSOCKNAME,
	CALL_GETPEERNAME,
	CALL_SENDTO,
	CALL_RECVFROM,
	CALL_SETSOCKOPT,
	CALL_GETSOCKOPT,
	CALL_SHUTDOWN,
	CALL_ACCEPT4 = 242,
	CALL_PRLIMIT = 261,
};

static struct pollfd links[LINKS_MAX];
static int link_indexes[LINKS_MAX];
static unsigned link_count;

static char words[WORDS_MAX]; /* the last that it said */
static size_t words_size;
static bool shown;

static unsigned long long now(void)
{
	return clock_now();
}

static unsigned long long today(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (unsigned long long)t.tv_sec * NS_PER_S + (unsigned long long)t.tv_nsec;
}

static void give_random(void *to, unsigned long size)
{
	if (getrandom(to, size, 0) != (ssize_t)size)
		abort();
}

/* Far from what else the process has, where the address space is large enough. */
#define MEMORY_HINT ((void *)0x200000000000)

static void *map(unsigned long size)
{
	void *memory = mmap(MEMORY_HINT, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void keep_words(const char *text, unsigned length)
{
	if (length >= WORDS_MAX)
		return;
	if (words_size + length >= WORDS_MAX) {
		size_t over = words_size + length - WORDS_MAX + 1;

		memmove(words, words + over, words_size - over);
		words_size -= over;
	}
	memcpy(words + words_size, text, length);
	words_size += length;
	words[words_size] = '\0';
	if (shown)
		fwrite(text, 1, length, stderr);
}

/* Its own words for what has happened: the line that has @mark. */
static const char *find_words(const char *mark)
{
	char *at = strstr(words, mark);

	if (at)
		at[strcspn(at, "\n")] = '\0';
	return at;
}

static void give_up(void)
{
	const char *why = find_words("Kernel panic");

	fprintf(stderr,
		"rivulet: the kernel of stack lkl has crashed, and all connections with it: %s\n",
		why ? why : "it did not say why");
	_exit(1);
}

/* A bad access of the kernel's. There is no way back, and nothing but this is done on the way out. */
static void on_fault(int number, siginfo_t *info, void *context)
{
	char text[128];
	int size =
		snprintf(text, sizeof(text),
			 "rivulet: the kernel of stack lkl has crashed, and all connections with "
			 "it: signal %d at %p\n",
			 number, info->si_addr);

	if (write(STDERR_FILENO, text, (size_t)size) < 0)
		_exit(2);
	_exit(1);
}

static void look_at_links(int patience_ms)
{
	if (poll(links, link_count, patience_ms) <= 0)
		return;
	for (unsigned i = 0; i < link_count; i++)
		if (links[i].revents)
			lkl_link_ready(link_indexes[i]);
}

static void wait_until(unsigned long long until)
{
	unsigned long long is = now(), left = until > is ? (until - is) / NS_PER_MS : 0;

	look_at_links(left < 1000 ? (int)left : 1000);
}

static long receive(int fd, const struct iovec *parts, int count)
{
	ssize_t got = readv(fd, parts, count);

	if (got >= 0)
		return got;
	/* A packet socket says once that its link is down, maybe when that is up again: whether it is, it is told otherwise. */
	return errno == ENETDOWN ? -EAGAIN : -errno;
}

static long transmit(int fd, const struct iovec *parts, int count)
{
	ssize_t sent = writev(fd, parts, count);

	if (sent >= 0)
		return sent;
	/* A full queue of a packet socket's device, or one that is down: a lost packet, as on any link. */
	return errno == ENOBUFS || errno == ENOMEM || errno == ENETDOWN ? -EMSGSIZE : -errno;
}

static const struct lkl_host host = {
	.now = now,
	.today = today,
	.random = give_random,
	.map = map,
	.log = keep_words,
	.panic = give_up,
	.wait = wait_until,
	.receive = receive,
	.transmit = transmit,
};

static void catch_faults(void)
{
	const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
	const struct sigaction action = {.sa_sigaction = on_fault,
					 .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_ONSTACK};
	static char stack[16384];

	sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof(stack)}, NULL);
	for (unsigned i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		sigaction(faults[i], &action, NULL);
}

#define CALL6(number, a, b, c, d, e, f) \
	lkl_call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

int kernel_boot(uint64_t memory, bool verbose, struct err *err)
{
	const uint64_t descriptors[] = {1 << 20, 1 << 20};
	char command[128], boot[BOOT_ID_DIGITS + 1];
	int code;

	shown = verbose;
	catch_faults();
	/* Without it a server may take a connection's first packet for one of the run before: no reason not to start. */
	if (boot_id(boot) < 0)
		boot[0] = '\0';
	snprintf(command, sizeof(command), "panic=-1 panic_on_warn=0 loglevel=5 rvstamps=%s", boot);
	code = lkl_boot(&host, memory, command);
	if (code < 0)
		return err_set(err, code, "cannot get memory for the kernel of stack lkl: %s",
			       strerror(-code));
	lkl_turn();
	CALL6(CALL_PRLIMIT, 0, RLIMIT_NOFILE, descriptors, NULL, 0, 0);
	code = (int)CALL6(CALL_MKDIRAT, AT_FDCWD, "/proc", 0755, 0, 0, 0);
	if (code == 0 || code == -EEXIST)
		code = (int)CALL6(CALL_MOUNT, "proc", "/proc", "proc", 0, 0, 0);
	return code < 0 ? err_set(err, code, "the kernel of stack lkl has no /proc: %s",
				  strerror(-code))
			: 0;
}

void kernel_break_down(void)
{
	/* There must always be a first process. */
	CALL6(CALL_EXIT_GROUP, 0, 0, 0, 0, 0, 0);
}

int kernel_add_link(int fd, const uint8_t mac[static 6], unsigned mtu)
{
	struct lkl_link link = {.name = "", .mtu = mtu, .fd = fd, .short_header = 1, .offload = 1};
	int index;

	if (link_count == LINKS_MAX)
		return -ENOSPC;
	memcpy(link.address, mac, sizeof(link.address));
	index = lkl_link_add(&link);
	if (index < 0)
		return index;
	links[link_count] = (struct pollfd){fd, POLLIN, 0};
	link_indexes[link_count++] = index;
	return index;
}

int kernel_set(const char *name, const char *value)
{
	char path[128];
	int fd, code;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	fd = (int)CALL6(CALL_OPENAT, AT_FDCWD, path, O_WRONLY, 0, 0, 0);
	if (fd < 0)
		return fd;
	code = (int)CALL6(CALL_WRITE, fd, value, strlen(value), 0, 0, 0);
	kernel_close(fd);
	return code < 0 ? code : 0;
}

int kernel_socket(int domain, int type, int protocol)
{
	return (int)CALL6(CALL_SOCKET, domain, type, protocol, 0, 0, 0);
}

int kernel_bind(int fd, const struct sockaddr *address, socklen_t size)
{
	return (int)CALL6(CALL_BIND, fd, address, size, 0, 0, 0);
}

int kernel_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	return (int)CALL6(CALL_CONNECT, fd, address, size, 0, 0, 0);
}

int kernel_listen(int fd, int backlog)
{
	return (int)CALL6(CALL_LISTEN, fd, backlog, 0, 0, 0, 0);
}

int kernel_accept(int fd)
{
	return (int)CALL6(CALL_ACCEPT4, fd, NULL, NULL, SOCK_NONBLOCK, 0, 0);
}

int kernel_name(int fd, struct sockaddr *ret, socklen_t *size)
{
	return (int)CALL6(CALL_GETSOCKNAME, fd, ret, size, 0, 0, 0);
}

int kernel_peer(int fd, struct sockaddr *ret, socklen_t *size)
{
	return (int)CALL6(CALL_GETPEERNAME, fd, ret, size, 0, 0, 0);
}

int kernel_set_option(int fd, int level, int option, const void *value, socklen_t size)
{
	return (int)CALL6(CALL_SETSOCKOPT, fd, level, option, value, size, 0);
}

int kernel_get_option(int fd, int level, int option, void *ret, socklen_t *size)
{
	return (int)CALL6(CALL_GETSOCKOPT, fd, level, option, ret, size, 0);
}

ssize_t kernel_send(int fd, const void *data, size_t size, int flags)
{
	return CALL6(CALL_SENDTO, fd, data, size, flags, NULL, 0);
}

ssize_t kernel_receive(int fd, void *data, size_t size, int flags)
{
	return CALL6(CALL_RECVFROM, fd, data, size, flags, NULL, NULL);
}

ssize_t kernel_peek(int fd, size_t size, struct iovec *parts, int *count)
{
	return lkl_peek(fd, size, parts, count);
}

int kernel_drop(int fd, size_t size)
{
	return (int)CALL6(CALL_RECVFROM, fd, NULL, size, MSG_TRUNC | MSG_DONTWAIT, NULL, NULL);
}

ssize_t kernel_room(int fd)
{
	uint32_t memory[SK_MEMINFO_VARS] = {0};
	socklen_t size = sizeof(memory);
	struct pollfd is = {fd, POLLOUT, 0};
	struct timespec no = {0};
	uint32_t all, used;
	int code;

	/* It is asked first, for then the kernel knows that somebody waits. */
	code = (int)CALL6(CALL_PPOLL, &is, 1, &no, NULL, 0, 0);
	if (code == 1)
		code = kernel_get_option(fd, SOL_SOCKET, SO_MEMINFO, memory, &size);
	if (code < 0 || !is.revents)
		return code;
	all = memory[SK_MEMINFO_SNDBUF];
	used = memory[SK_MEMINFO_WMEM_QUEUED];
	return all > used ? (ssize_t)(all - used) : 1;
}

int kernel_shutdown(int fd, int how)
{
	return (int)CALL6(CALL_SHUTDOWN, fd, how, 0, 0, 0, 0);
}

int kernel_unsent(int fd)
{
	int bytes = 0, code, is_mptcp = 0, protocol = 0;
	socklen_t size = sizeof(int), protocol_size = sizeof(int);
	bool fell_back;

	kernel_get_option(fd, IPPROTO_TCP, TCP_IS_MPTCP, &is_mptcp, &size);
	kernel_get_option(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &protocol_size);
	fell_back = protocol == IPPROTO_MPTCP && !is_mptcp;
	/* Of a connection that has fallen back to TCP, MPTCP counts what TCP has a second time for a while, but in what is not sent. */
	code = (int)CALL6(CALL_IOCTL, fd, fell_back ? SIOCOUTQNSD : SIOCOUTQ, &bytes, 0, 0, 0);
	return code < 0 ? code : bytes;
}

int kernel_under_way(int fd, uint32_t *ret_waiting, uint32_t *ret_under_way)
{
	int all = 0, waiting = 0, code;

	code = (int)CALL6(CALL_IOCTL, fd, SIOCOUTQ, &all, 0, 0, 0);
	if (code == 0)
		code = (int)CALL6(CALL_IOCTL, fd, SIOCOUTQNSD, &waiting, 0, 0, 0);
	*ret_waiting = (uint32_t)waiting;
	*ret_under_way = all > waiting ? (uint32_t)(all - waiting) : 0;
	return code;
}

int kernel_close(int fd)
{
	return (int)CALL6(CALL_CLOSE, fd, 0, 0, 0, 0, 0);
}

int kernel_epoll(void)
{
	return (int)CALL6(CALL_EPOLL_CREATE, 0, 0, 0, 0, 0, 0);
}

int kernel_epoll_add(int epoll, int fd, uint32_t events, void *data)
{
	struct epoll_event event = {.events = events, .data.ptr = data};

	return (int)CALL6(CALL_EPOLL_CTL, epoll, EPOLL_CTL_ADD, fd, &event, 0, 0);
}

int kernel_epoll_look(int epoll, struct epoll_event *ret, int most)
{
	return (int)CALL6(CALL_EPOLL_WAIT, epoll, ret, most, 0, NULL, 0);
}

const struct nl_calls kernel_netlink = {
	.socket = kernel_socket,
	.bind = kernel_bind,
	.set = kernel_set_option,
	.send = kernel_send,
	.receive = kernel_receive,
	.close = kernel_close,
};
