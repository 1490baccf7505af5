/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a supervised program asks for is its own invention: the numbers of calls, their arguments, the memory that those point
 * to, and the order. Whatever it is, the relay neither crashes nor reads or writes what it was not shown, and in the end it holds
 * as many descriptors as at first. The stack under it, too, answers as the input says.
 *
 * The "program" is this process: its memory is a region before a hole. Answers go nowhere, for nobody asked.
 */
#include "attach/caller.h"
#include "attach/relay/relay.h"
#include "base/cleanup.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SOCKETS = 4, REGION = 8192, HOLE = 4096 };

static const uint8_t *input;
static size_t left;
static uint8_t *region; /* below 4 GB, for 32-bit programs have it, too */
static struct near near;
static struct loop loop;

static uint8_t byte(void)
{
	if (left == 0)
		return 0;
	left--;
	return *input++;
}

static uint32_t word(void)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < 4; i++)
		value = value << 8 | byte();
	return value;
}

static void must(int truth)
{
	if (!truth)
		abort();
}

/* Only where nothing of this process itself can lie. */
static uint64_t pointer(void)
{
	uint8_t how = byte();

	switch (how & 7) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX - byte();
	case 2:
		return (uint64_t)(uintptr_t)region + REGION - byte() % 64;
	case 3:
		return (uint64_t)(uintptr_t)region + REGION + byte();
	default:
		return (uint64_t)(uintptr_t)region + how / 8 * 64;
	}
}

static uint64_t length(void)
{
	static const uint64_t all[] = {0,   1,    2,    4,       8,         28,        128,
				       129, 1024, 1025, 1 << 30, INT32_MAX, UINT32_MAX};
	uint8_t which = byte();

	return which < 128 ? sizeof(struct sockaddr_in) : all[which % ARRAY_SIZE(all)];
}

/* A socket of the stack: one that is connected to another one, which writes, ends, or stays. */
static int make(struct stack *stack, int family)
{
	int pair[2];
	uint8_t what = byte();

	if (what == 255 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return -EMFILE;
	if (what & 1 && write(pair[1], region, 1 + what * 16) < 0)
		abort();
	close(pair[1]);
	return pair[0];
}

static int some_error(void)
{
	static const int all[] = {0,      0,           0,    EINPROGRESS, EADDRINUSE, ECONNREFUSED,
				  EINVAL, ENOPROTOOPT, EPERM};

	return -all[byte() % ARRAY_SIZE(all)];
}

/* Every byte of it is there. */
static int with_bytes(const void *bytes, socklen_t size)
{
	static char copy[1024];

	must(size <= sizeof(copy));
	memcpy(copy, bytes, size);
	return some_error();
}

static int with_address(struct stack *stack, int fd, const struct sockaddr *address, socklen_t size)
{
	must(size <= sizeof(struct sockaddr_storage));
	return with_bytes(address, size);
}

static int listen_some(struct stack *stack, int fd, int backlog)
{
	must(backlog >= 0);
	return some_error();
}

static int accept_some(struct stack *stack, int fd)
{
	return byte() % 3 ? -EAGAIN : make(stack, AF_INET);
}

static int tell(struct stack *stack, int fd, struct sockaddr *ret, socklen_t *size)
{
	socklen_t some = byte() % 4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

	must(*size >= sizeof(struct sockaddr_in6));
	memset(ret, byte(), some);
	*size = some;
	return byte() % 4 ? 0 : -ENOTCONN;
}

static int set_some(struct stack *stack, int fd, int level, int option, const void *value,
		    socklen_t size)
{
	return with_bytes(value, size);
}

static int get_some(struct stack *stack, int fd, int level, int option, void *ret, socklen_t *size)
{
	memset(ret, byte(), *size);
	if (level == SOL_SOCKET && option == SO_ERROR && *size >= sizeof(int))
		*(int *)ret = byte() % 3;
	if (byte() % 2 && *size > 4)
		*size = 4;
	return byte() % 5 ? 0 : -ENOPROTOOPT;
}

static int shut_some(struct stack *stack, int fd, int how)
{
	shutdown(fd, how);
	return some_error();
}

static int unsent_some(struct stack *stack, int fd)
{
	return byte();
}

static const struct stack_calls calls = {
	.make = make,
	.bind = with_address,
	.connect = with_address,
	.listen = listen_some,
	.accept = accept_some,
	.name = tell,
	.peer = tell,
	.set = set_some,
	.get = get_some,
	.shutdown = shut_some,
	.unsent = unsent_some,
};

/* As the kernel tells of it. */
static void decode_one(void)
{
	static const uint32_t arches[] = {SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32,
					  SCMP_ARCH_ARM, SCMP_ARCH_AARCH64};
	struct seccomp_notif request = {.id = word(), .pid = (uint32_t)getpid()};
	struct call call;

	request.data.arch = byte() % 8 ? arches[byte() % ARRAY_SIZE(arches)] : word();
	request.data.nr = byte() % 4 ? byte() + 256 * (byte() % 2) : (int)word();
	for (unsigned i = 0; i < 6; i++)
		request.data.args[i] = byte() % 2 ? pointer() : word();
	if (byte() % 2) {
		request.data.arch = SCMP_ARCH_X86;
		request.data.nr = 102;
		request.data.args[0] = byte() % 24;
	}
	if (call_decode(&request, &call))
		must(call.kind < CALL_KINDS && call.pid == getpid() && call.id == request.id);
}

static void ask(struct relay *relay, int *held)
{
	static const struct {
		enum call_kind kind;
		relay_answer answer;
	} all[] = {{CALL_CONNECT, relay_on_connect},   {CALL_BIND, relay_on_bind},
		   {CALL_LISTEN, relay_on_listen},     {CALL_ACCEPT, relay_on_accept},
		   {CALL_NAME, relay_on_name},         {CALL_PEER, relay_on_peer},
		   {CALL_SET, relay_on_set},           {CALL_GET, relay_on_get},
		   {CALL_SHUTDOWN, relay_on_shutdown}, {CALL_IOCTL, relay_on_ioctl}};
	uint8_t what = byte(), which = byte() % ARRAY_SIZE(all);
	int theirs = held[what % SOCKETS];
	struct relayed *socket = theirs >= 0 ? relay_find(relay, theirs) : NULL;
	struct call call = {
		.kind = all[which].kind, .pid = getpid(), .id = word(), .is_32bit = what & 128};
	uint64_t number = byte() % 2 ? byte() : word();

	call.args[0] = (uint64_t)theirs;
	call.args[1] = call.kind == CALL_SET || call.kind == CALL_GET || call.kind == CALL_LISTEN ||
				       call.kind == CALL_SHUTDOWN || call.kind == CALL_IOCTL
			       ? number
			       : pointer();
	call.args[2] = call.kind == CALL_ACCEPT || call.kind == CALL_NAME ||
				       call.kind == CALL_PEER || call.kind == CALL_IOCTL
			       ? pointer()
		       : call.kind == CALL_SET || call.kind == CALL_GET ? byte()
									: length();
	call.args[3] = call.kind == CALL_ACCEPT ? number : pointer();
	call.args[4] = call.kind == CALL_GET ? pointer() : length();
	if (socket)
		all[which].answer(relay, socket, &call, theirs);
}

/* A socket for the program; -1. */
static int get(struct relay *relay, bool nonblocking)
{
	int fd = near_make(nonblocking), far = make(NULL, AF_INET);
	struct relayed *socket = far < 0 ? NULL : relayed_new(relay, AF_INET, far);

	if (!socket)
		return close_fd(fd);
	must(relayed_name(socket, fd) == 0);
	relayed_unwatched(socket);
	socket->pid = getpid();
	socket->fd = fd;
	return fd;
}

/* The program gets a socket, gives one up, or changes what it holds or has in memory. */
static void change(struct relay *relay, int *held)
{
	uint8_t what = byte();
	int *slot = &held[what / 8 % SOCKETS];

	switch (what % 8) {
	case 0:
		*slot = close_fd(*slot);
		break;
	case 1:
		if (*slot >= 0)
			fcntl(*slot, F_SETFL, what & 128 ? O_NONBLOCK : 0);
		break;
	case 2:
		if (*slot >= 0 &&
		    send(*slot, region, word() % 4096, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
		break;
	case 3:
		relay_sweep(relay);
		break;
	case 4:
	case 5:
		for (unsigned i = 0; i < 32; i++)
			region[what % 32 * 64 + i] = byte();
		break;
	default:
		if (*slot < 0)
			*slot = get(relay, what & 128);
	}
}

static int first_free(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

static void end(void)
{
	near_close(&near);
}

static void begin(void)
{
	region = mmap(NULL, REGION + HOLE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	must(region != MAP_FAILED && mprotect(region + REGION, HOLE, PROT_NONE) == 0);
	must(loop_open(&loop) == 0 && near_open(&near, "/tmp") == 0);
	close_fd(caller_descriptor(getpid(), STDERR_FILENO)); /* it remembers whom it looked at */
	signal(SIGPIPE, SIG_IGN);
	atexit(end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool begun;
	struct relay relay = {.calls = &calls, .loop = &loop, .sweep_at = 64};
	int held[SOCKETS] = {-1, -1, -1, -1}, before;

	if (!begun)
		begin();
	begun = true;
	before = first_free();
	input = data;
	left = size;
	memset(region, 0, REGION);
	for (unsigned i = 0; i < REGION / 64;
	     i++) /* addresses everywhere, until they are changed */
		*(struct sockaddr_in *)(region + (size_t)i * 64) =
			(struct sockaddr_in){.sin_family = AF_INET, .sin_port = 77};
	relay.near = near;
	TAILQ_INIT(&relay.unwatched);
	must(notify_open(&relay.notify, -1) == 0);
	for (unsigned i = 0; i < SOCKETS; i++)
		held[i] = get(&relay, i % 2);
	for (unsigned i = 0; i < 200 && left > 0; i++) {
		uint8_t what = byte() % 8;

		if (what == 0)
			decode_one();
		else if (what < 5)
			ask(&relay, held);
		else if (what < 7)
			change(&relay, held);
		loop_turn(&loop, 0);
	}
	for (unsigned i = 0; i < SOCKETS; i++)
		close_fd(held[i]);
	while (relay.sockets)
		relayed_free(*(struct relayed **)relay.sockets);
	near = relay.near;
	notify_close(&relay.notify);
	must(!loop.first && relay.flows == 0);
	must(first_free() == before);
	return 0;
}
