/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The public functions (include/rivulet.h) over the table of stacks. They check what comes from
 * outside; the stacks rely on that. */
#include "rivulet.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "stack/race.h"
#include "stack/stack.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#define PUBLIC __attribute__((visibility("default")))

struct rv {
	struct stack *stack; /* owned */
};

static int fail(struct rv_error *why, int code, const struct err *err)
{
	static_assert(sizeof(why->text) == sizeof(err->text), "the words fit");
	if (why)
		memcpy(why->text, err->text, sizeof(why->text));
	return code;
}

/* What a newer program knows and we do not must not be set. */
static int read_options(const struct rv_options *given, struct rv_options *ret, struct err *err)
{
	const char *bytes = (const char *)given;
	struct rv_options options = {0};

	if (given && given->size < sizeof(given->size))
		return err_set(err, -EINVAL, "the options do not say their size");
	if (given) {
		for (size_t i = sizeof(options); i < given->size; i++)
			if (bytes[i])
				return err_set(err, -E2BIG,
					       "an option is set that this library does not know");
		memcpy(&options, given,
		       given->size < sizeof(options) ? given->size : sizeof(options));
	}
	if (options.stagger_ms && (options.stagger_ms < 10 || options.stagger_ms > 2000))
		return err_set(err, -EINVAL, "stagger_ms is %u: 10..2000, or 0 for the default",
			       options.stagger_ms);
	*ret = options;
	return 0;
}

PUBLIC int rv_open(const char *stack, const struct rv_options *options, struct rv **ret,
		   struct rv_error *why)
{
	struct stack_options inner = {.stagger = RACE_STAGGER};
	struct rv_options known = {0};
	const struct stack_ops *ops;
	struct err err = {0};
	struct rv *rv;
	int code = read_options(options, &known, &err);

	if (code < 0)
		return fail(why, code, &err);
	code = stack_choose(stack, NULL, &ops, &err);
	if (code < 0)
		return fail(why, code, &err);
	if (known.stagger_ms)
		inner.stagger = known.stagger_ms * NS_PER_MS;
	rv = calloc(1, sizeof(*rv));
	code = rv ? ops->open(&inner, &rv->stack, &err) : err_set(&err, -ENOMEM, "out of memory");
	if (code < 0) {
		free(rv);
		return fail(why, code, &err);
	}
	*ret = rv;
	return 0;
}

PUBLIC void rv_close(struct rv *rv)
{
	if (!rv)
		return;
	rv->stack->ops->close(rv->stack);
	free(rv);
}

PUBLIC const char *rv_stack(const struct rv *rv)
{
	return rv->stack->ops->name;
}

static int check_flags(unsigned flags, struct err *err)
{
	if (flags & ~(unsigned)(RV_NONBLOCK | RV_IPV4 | RV_IPV6))
		return err_set(err, -EINVAL, "0x%x are no flags of this library", flags);
	return 0;
}

PUBLIC int rv_dial(struct rv *rv, const char *host, const char *service, unsigned flags,
		   int timeout_ms, struct rv_error *why)
{
	const struct stack_ops *ops = rv->stack->ops;
	const struct stack_dial dial = {
		.host = host, .service = service, .flags = flags, .timeout_ms = timeout_ms};
	struct err err = {0};
	int code = check_flags(flags, &err);

	if (code == 0 && (!host || !*host))
		code = err_set(&err, -EINVAL, "no host is given");
	if (code == 0 && timeout_ms != RV_NO_TIMEOUT && timeout_ms <= 0)
		code = err_set(&err, -EINVAL, "a timeout is 1 ms or more");
	if (code == 0)
		code = ops->dial_open ? stack_dial(rv->stack, &dial, &err)
				      : err_set(&err, -EOPNOTSUPP,
						"stack '%s' cannot dial for others", ops->name);
	return code < 0 ? fail(why, code, &err) : code;
}

PUBLIC int rv_listen(struct rv *rv, const char *host, const char *service, int backlog,
		     unsigned flags, struct rv_error *why)
{
	const struct stack_ops *ops = rv->stack->ops;
	const struct stack_listen listen = {host, service, flags,
					    backlog > 0 ? backlog : INT32_MAX};
	struct err err = {0};
	int code = check_flags(flags, &err);

	if (code == 0 && host && !*host)
		code = err_set(&err, -EINVAL, "the host's name is empty; NULL is any address");
	if (code == 0)
		code = ops->listen ? ops->listen(rv->stack, &listen, &err)
				   : err_set(&err, -EOPNOTSUPP,
					     "stack '%s' cannot listen for others", ops->name);
	return code < 0 ? fail(why, code, &err) : code;
}

static int wait_for(int fd)
{
	struct pollfd is = {.fd = fd, .events = POLLIN};

	return poll(&is, 1, -1) < 0 ? -errno : 0;
}

PUBLIC int rv_accept(struct rv *rv, int fd, unsigned flags, struct rv_error *why)
{
	struct err err = {0};
	int is = fcntl(fd, F_GETFL), code = is < 0 ? -errno : 0, accepted = -EAGAIN;

	if (code == 0 && flags & ~(unsigned)RV_NONBLOCK)
		code = -EINVAL;
	while (code == 0) {
		accepted = rv->stack->ops->calls->accept(rv->stack, fd);
		if (accepted != -EAGAIN || is & O_NONBLOCK)
			break;
		code = wait_for(fd);
	}
	if (code == 0 && accepted >= 0 && !(flags & RV_NONBLOCK))
		fcntl(accepted, F_SETFL, fcntl(accepted, F_GETFL) & ~O_NONBLOCK);
	if (code == 0 && accepted < 0)
		code = accepted;
	return code < 0 ? fail(why,
			       err_set(&err, code, "descriptor %d gives no connection: %s", fd,
				       strerror(-code)),
			       &err)
			: accepted;
}

/* @code of a call on @fd, with words if it has failed. */
static int tell(int code, int fd, const char *what, struct rv_error *why)
{
	struct err err = {0};

	return code < 0 ? fail(why,
			       err_set(&err, code, "descriptor %d: %s: %s", fd, what,
				       strerror(-code)),
			       &err)
			: 0;
}

PUBLIC int rv_local(struct rv *rv, int fd, struct sockaddr *ret, socklen_t *size,
		    struct rv_error *why)
{
	return tell(rv->stack->ops->calls->name(rv->stack, fd, ret, size), fd, "no local address",
		    why);
}

PUBLIC int rv_remote(struct rv *rv, int fd, struct sockaddr *ret, socklen_t *size,
		     struct rv_error *why)
{
	return tell(rv->stack->ops->calls->peer(rv->stack, fd, ret, size), fd, "no remote address",
		    why);
}

PUBLIC int rv_set_option(struct rv *rv, int fd, int level, int option, const void *value,
			 socklen_t size, struct rv_error *why)
{
	return tell(rv->stack->ops->calls->set(rv->stack, fd, level, option, value, size), fd,
		    "the option cannot be set", why);
}

PUBLIC int rv_get_option(struct rv *rv, int fd, int level, int option, void *ret, socklen_t *size,
			 struct rv_error *why)
{
	return tell(rv->stack->ops->calls->get(rv->stack, fd, level, option, ret, size), fd,
		    "the option cannot be had", why);
}

PUBLIC int rv_ended(struct rv *rv, int fd, struct rv_error *why)
{
	const struct stack_calls *calls = rv->stack->ops->calls;

	return tell(calls->why_ended ? calls->why_ended(rv->stack, fd) : 0, fd, "it was cut off",
		    why);
}

static int status(struct rv *rv, int fd, struct rv_status *ret, struct err *err)
{
	const struct stack_ops *ops = rv->stack->ops;

	if (!ops->status)
		return err_set(err, -EOPNOTSUPP, "stack '%s' tells no status", ops->name);
	return ops->status(rv->stack, fd, ret, err);
}

PUBLIC int rv_status(struct rv *rv, int fd, struct rv_status *ret, struct rv_error *why)
{
	struct err err = {0};
	int code = status(rv, fd, ret, &err);

	return code < 0 ? fail(why, code, &err) : 0;
}

static void close_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

PUBLIC int rv_status_all(struct rv *rv, rv_each each, void *data, struct rv_error *why)
{
	_cleanup_(close_folder) DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;
	struct rv_status is = {0};
	struct err err = {0};

	if (!folder)
		return fail(
			why,
			err_set(&err, -errno, "cannot list the descriptors: %s", strerror(errno)),
			&err);
	while ((entry = readdir(folder))) {
		char *end;
		long fd = strtol(entry->d_name, &end, 10);
		int code;

		if (*end || end == entry->d_name || status(rv, (int)fd, &is, &err) < 0)
			continue; /* something else, or closed by now */
		if (is.subflow_count == 0 && is.protocol != RV_MPTCP_PERHAPS)
			continue;
		code = each((int)fd, &is, data);
		if (code)
			return code;
	}
	return 0;
}

PUBLIC const char *rv_strerror(int code)
{
	const char *words = strerrordesc_np(code < 0 ? -code : code);

	return words ? words : "unknown error";
}
