/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stack "lkl": MPTCP of a kernel that is a library (kernel/lkl.config), in a process of its own, rivulet-lkl (lkl_wire.h).
 */
#include "base/cleanup.h"
#include "base/fds.h"
#include "base/installed.h"
#include "base/shared.h"
#include "stack/lkl_parts.h"
#include "stack/sockets.h"

#include <string.h>
#include <sys/wait.h>

static int probe_lkl(struct err *why)
{
	char path[PATH_MAX];

	if (installed_find(LKL_HELPER, path) < 0)
		return err_set(why, -ENOENT,
			       "its kernel, %s, is not installed: `make kernels`, then build and "
			       "install again",
			       LKL_HELPER);
	return 0;
}

/* The answer with our number, and what comes with it. A process that was killed while it asked has left one that is nobody's. */
static int hear(const struct lkl *lkl, struct lkl_answer *ret, int *ret_fd)
{
	for (;;) {
		ssize_t got = fds_receive_with(lkl->wire, ret, sizeof(*ret), 0, ret_fd);

		if (got >= (ssize_t)LKL_ANSWER_SIZE && ret->sequence == lkl->sequence)
			return 0;
		*ret_fd = close_fd(*ret_fd);
		if (got <= 0)
			return -ENETDOWN; /* the kernel has crashed */
	}
}

/* Descriptors @fds go with it. @ret_fd: one comes with the answer, unless that is an error; NULL: none does. */
static int ask(struct lkl *lkl, struct lkl_request *request, size_t size, const int *fds,
	       unsigned fd_count, struct lkl_answer *ret, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	int code;

	shared_lock(&lkl->lock);
	request->sequence = ++lkl->sequence;
	code = fds_send_all(lkl->wire, fds, fd_count, request, size) < 0 ? -ENETDOWN
									 : hear(lkl, ret, &fd);
	pthread_mutex_unlock(&lkl->lock);
	if (code < 0 || ret->result < 0 || !ret_fd)
		return code < 0 ? code : ret->result;
	*ret_fd = steal_fd(&fd);
	return *ret_fd < 0 ? -EMFILE : ret->result;
}

int lkl_ask(struct lkl *lkl, struct lkl_request *request, size_t size, const int *fds,
	    unsigned fd_count, struct lkl_answer *ret)
{
	return ask(lkl, request, size, fds, fd_count, ret, NULL);
}

static int start_helper(struct lkl *lkl, struct err *err)
{
	char path[PATH_MAX];
	int ends[2];
	pid_t pid;

	if (installed_find(LKL_HELPER, path) < 0)
		return probe_lkl(err);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(err, -errno, "cannot make a socket pair: %s", strerror(errno));
	fflush(NULL);
	/* What @lkl is in is shared with the child. */
	pid = fork();
	if (pid == 0) {
		if (dup2(ends[1], STDIN_FILENO) == STDIN_FILENO) {
			fds_close_but(NULL, 0);
			execl(path, LKL_HELPER, (char *)NULL);
		}
		_exit(127);
	}
	close_fd(ends[1]);
	lkl->wire = ends[0];
	lkl->helper = pid;
	return pid < 0 ? err_set(err, -errno, "cannot start %s: %s", path, strerror(errno)) : 0;
}

static int send_start(struct lkl *lkl, const struct stack_links *links, struct err *err)
{
	struct lkl_request request = {.kind = LKL_START, .start = lkl->setup};
	struct lkl_answer answer = {0};
	int code = fds_send_all(lkl->wire, links->fds, lkl->setup.port_count, &request,
				sizeof(request));

	if (code == 0 && recv(lkl->wire, &answer, sizeof(answer), 0) < (ssize_t)LKL_ANSWER_SIZE)
		code = -EIO;
	if (code < 0)
		return err_set(err, code, "%s has ended", LKL_HELPER);
	if (answer.size > 0)
		return err_set(err, answer.result < 0 ? answer.result : -EIO, "%.*s",
			       (int)answer.size, (const char *)answer.data);
	return answer.result < 0 ? err_set(err, answer.result, "%s cannot begin: %s", LKL_HELPER,
					   strerror(-answer.result))
				 : 0;
}

/* Our child stays until it has sent what it was given; who listens on its ports must not go before. */
static void close_lkl(struct stack *stack)
{
	struct lkl *lkl = (struct lkl *)stack;

	close_fd(lkl->wire);
	close_fd(lkl->control);
	if (lkl->helper > 0)
		while (waitpid(lkl->helper, NULL, 0) < 0 && errno == EINTR)
			;
	shared_free(lkl, sizeof(*lkl));
}

static int make(const struct stack_options *options, struct lkl **ret)
{
	struct lkl *lkl = shared_make(sizeof(*lkl));
	int code;

	if (!lkl)
		return -ENOMEM;
	code = shared_lock_make(&lkl->lock);
	if (code < 0) {
		shared_free(lkl, sizeof(*lkl));
		return code;
	}
	lkl->stack = (struct stack){.ops = &stack_lkl, .stagger = options->stagger};
	lkl->wire = lkl->control = -1;
	*ret = lkl;
	return 0;
}

static int start_here(struct lkl *lkl, const struct stack_links *links, struct err *err)
{
	int code;

	lkl->listens = links->listens;
	lkl->more = links->more;
	lkl->data = links->data;
	lkl->setup.memory = links->memory ? links->memory : LKL_MEMORY;
	lkl->setup.verbose = links->verbose;
	lkl->setup.ranges = links->ranges;
	lkl->setup.answers = links->answers;
	if (links->policy)
		lkl->setup.policy = *links->policy;
	for (unsigned i = 0; i < links->count && i < LKL_PORTS_MAX; i++)
		lkl->setup.ports[lkl->setup.port_count++] = links->ports[i];
	code = start_helper(lkl, err);
	return code < 0 ? code : send_start(lkl, links, err);
}

static int open_lkl(const struct stack_options *options, struct stack **ret, struct err *err)
{
	const struct stack_links *links = options->links;
	struct lkl *lkl;
	int code;

	if (links && links->memory && links->memory < LKL_MEMORY_LEAST)
		return err_set(err, -EINVAL, "stack lkl needs %llu MiB of memory at least",
			       LKL_MEMORY_LEAST >> 20);
	code = make(options, &lkl);
	if (code < 0)
		return err_set(err, code, "stack lkl: %s", strerror(-code));
	code = links ? start_here(lkl, links, err) : lkl_open_own(lkl, options, err);
	if (code < 0) {
		close_lkl(&lkl->stack);
		return code;
	}
	*ret = &lkl->stack;
	return 0;
}

static void refresh(struct stack *stack, const struct stack_links *links)
{
	struct lkl *lkl = (struct lkl *)stack;
	struct lkl_request request = {.kind = LKL_PORTS};
	unsigned count = links->count < LKL_PORTS_MAX ? links->count : LKL_PORTS_MAX, fd_count = 0;
	int fds[LKL_PORTS_MAX];
	struct lkl_answer answer;
	int code;

	for (unsigned i = 0; i < count; i++)
		if (i >= lkl->setup.port_count ||
		    lkl->setup.ports[i].serial != links->ports[i].serial)
			fds[fd_count++] = links->fds[i];
	memcpy(lkl->setup.ports, links->ports, count * sizeof(*links->ports));
	lkl->setup.port_count = count;
	lkl->setup.ranges = links->ranges;
	lkl->setup.answers = links->answers;
	if (links->policy)
		lkl->setup.policy = *links->policy;
	request.start = lkl->setup;
	/* Whatever became of the links. */
	code = ask(lkl, &request, sizeof(request), fds, fd_count, &answer, NULL);
	if (code != -ENETDOWN && answer.size > 0)
		lkl->more(lkl->data);
}

static int look(struct stack *stack, unsigned most, struct stack_sight *ret)
{
	struct lkl_request request = {.kind = LKL_LOOK, .a = (int)most};
	_cleanup_free_ struct stack_subflow *seen = NULL;
	_cleanup_close_ int memory = -1;
	struct lkl_answer answer;
	struct lkl_sight sight;
	int code = ask((struct lkl *)stack, &request, LKL_REQUEST_SIZE, NULL, 0, &answer, &memory);
	size_t size;

	if (code < 0)
		return code;
	memcpy(&sight, answer.data, sizeof(sight));
	size = sight.count * sizeof(*seen);
	seen = calloc(sight.count + 1, sizeof(*seen));
	if (!seen || pread(memory, seen, size, 0) != (ssize_t)size)
		return -ENOMEM;
	*ret = (struct stack_sight){
		.subflows = steal_ptr(seen), .count = sight.count, .left_out = sight.left_out};
	memcpy(ret->use, sight.use, sizeof(ret->use));
	ret->sum = sight.sum;
	return 0;
}

static int admit(struct stack *stack, int *ret_way, int *ret_end)
{
	struct lkl *lkl = (struct lkl *)stack;
	struct lkl_request request = {.kind = LKL_ADMIT};
	struct lkl_answer answer;
	int ends[2], code;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	code = lkl_ask(lkl, &request, LKL_REQUEST_SIZE, &ends[1], 1, &answer);
	close_fd(ends[1]);
	if (code < 0) {
		close_fd(ends[0]);
		return code;
	}
	*ret_way = ends[0];
	*ret_end = lkl->wire;
	return 0;
}

const struct stack_ops stack_lkl = {
	.name = "lkl",
	.summary = "Multipath TCP of a kernel that is a library, in a process of its own",
	.needs_packets = true,
	.attachment = "relay",
	.probe = probe_lkl,
	.open = open_lkl,
	.dial_open = sockets_dial_open,
	.dial_go_on = sockets_dial_go_on,
	.dial_close = sockets_dial_close,
	.listen = sockets_listen,
	.calls = &lkl_calls,
	.admit = admit,
	.status = lkl_status,
	.refresh = refresh,
	.look = look,
	.close = close_lkl,
};
