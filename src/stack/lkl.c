/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stack "lkl": MPTCP of a kernel that is a library (kernel/lkl.config), in a process of its own, rivulet-lkl (lkl_wire.h).
 */
#include "base/cleanup.h"
#include "base/fds.h"
#include "base/installed.h"
#include "stack/lkl_parts.h"

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

/* Descriptors @fds go with it. @ret_fd: one follows the answer, unless that is an error; NULL: none does. */
static int ask(struct lkl *lkl, const struct lkl_request *request, size_t size, const int *fds,
	       unsigned fd_count, struct lkl_answer *ret, int *ret_fd)
{
	int code = 0;

	pthread_mutex_lock(&lkl->lock);
	if (send(lkl->wire, request, size, MSG_NOSIGNAL) < 0)
		code = -ENETDOWN;
	for (unsigned i = 0; i < fd_count && code == 0; i++)
		if (fds_send(lkl->wire, fds[i]) < 0)
			code = -ENETDOWN;
	while (code == 0) {
		ssize_t got = recv(lkl->wire, ret, sizeof(*ret), 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < (ssize_t)offsetof(struct lkl_answer, data))
			code = -ENETDOWN; /* the kernel has crashed */
		break;
	}
	if (code == 0 && ret_fd && ret->result >= 0)
		*ret_fd = code = fds_receive(lkl->wire);
	pthread_mutex_unlock(&lkl->lock);
	return code < 0 ? code : ret->result;
}

int lkl_ask(struct lkl *lkl, struct lkl_request *request, size_t size, int fd,
	    struct lkl_answer *ret)
{
	return ask(lkl, request, size, &fd, fd >= 0, ret, NULL);
}

static int start_helper(struct lkl *lkl, struct err *err)
{
	char path[PATH_MAX];
	int ends[2];

	if (installed_find(LKL_HELPER, path) < 0)
		return probe_lkl(err);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(err, -errno, "cannot make a socket pair: %s", strerror(errno));
	fflush(NULL);
	lkl->helper = fork();
	if (lkl->helper == 0) {
		if (dup2(ends[1], STDIN_FILENO) == STDIN_FILENO) {
			fds_close_but(NULL, 0);
			execl(path, LKL_HELPER, (char *)NULL);
		}
		_exit(127);
	}
	close_fd(ends[1]);
	lkl->wire = ends[0];
	return lkl->helper < 0 ? err_set(err, -errno, "cannot start %s: %s", path, strerror(errno))
			       : 0;
}

static int send_start(struct lkl *lkl, const struct stack_links *links, struct err *err)
{
	struct lkl_request request = {.kind = LKL_START, .start = lkl->setup};
	struct lkl_answer answer = {0};
	int code = 0;

	if (send(lkl->wire, &request, sizeof(request), MSG_NOSIGNAL) < 0)
		code = -errno;
	for (unsigned i = 0; i < links->count && code == 0; i++)
		code = fds_send(lkl->wire, links->fds[i]);
	if (code == 0 && recv(lkl->wire, &answer, sizeof(answer), 0) <
				 (ssize_t)offsetof(struct lkl_answer, data))
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

/* It stays until it has sent what it was given; who listens on its ports must not go before. */
static void close_lkl(struct stack *stack)
{
	struct lkl *lkl = (struct lkl *)stack;

	lkl->wire = close_fd(lkl->wire);
	if (lkl->helper > 0)
		while (waitpid(lkl->helper, NULL, 0) < 0 && errno == EINTR)
			;
	pthread_mutex_destroy(&lkl->lock);
	free(lkl->numbers);
	free(lkl);
}

static int open_lkl(const struct stack_options *options, struct stack **ret, struct err *err)
{
	const struct stack_links *links = options->links;
	struct lkl *lkl;
	int code;

	if (!links)
		return err_set(
			err, -EOPNOTSUPP,
			"stack lkl needs the packets of links, which only `rivulet run` has");
	if (links->memory && links->memory < LKL_MEMORY_LEAST)
		return err_set(err, -EINVAL, "stack lkl needs %llu MiB of memory at least",
			       LKL_MEMORY_LEAST >> 20);
	lkl = calloc(1, sizeof(*lkl));
	if (!lkl)
		return err_set(err, -ENOMEM, "out of memory");
	lkl->stack.ops = &stack_lkl;
	pthread_mutex_init(&lkl->lock, NULL);
	lkl->wire = -1;
	lkl->listens = links->listens;
	lkl->data = links->data;
	lkl->setup.memory = links->memory ? links->memory : LKL_MEMORY;
	lkl->setup.verbose = links->verbose;
	lkl->setup.range = links->range;
	if (links->policy)
		lkl->setup.policy = *links->policy;
	for (unsigned i = 0; i < links->count && i < LKL_PORTS_MAX; i++)
		lkl->setup.ports[lkl->setup.port_count++] = links->ports[i];
	code = start_helper(lkl, err);
	if (code == 0)
		code = send_start(lkl, links, err);
	if (code < 0) {
		close_lkl(&lkl->stack);
		return code;
	}
	*ret = &lkl->stack;
	return 0;
}

static void refresh(struct stack *stack, const struct port *ports, const int *fds, unsigned count)
{
	struct lkl *lkl = (struct lkl *)stack;
	struct lkl_request request = {.kind = LKL_PORTS};
	unsigned had = lkl->setup.port_count;
	struct lkl_answer answer;

	if (count > LKL_PORTS_MAX)
		count = LKL_PORTS_MAX;
	memcpy(lkl->setup.ports, ports, count * sizeof(*ports));
	lkl->setup.port_count = count;
	request.start = lkl->setup;
	ask(lkl, &request, sizeof(request), fds + had, count - had, &answer, NULL);
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
	return 0;
}

const struct stack_ops stack_lkl = {
	.name = "lkl",
	.summary = "Multipath TCP of a kernel that is a library, in a process of its own",
	.needs_packets = true,
	.attachment = "relay",
	.probe = probe_lkl,
	.open = open_lkl,
	.calls = &lkl_calls,
	.refresh = refresh,
	.look = look,
	.close = close_lkl,
};
