/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/model.h"

#include "base/cleanup.h"

#include <linux/capability.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

struct model {
	/* A page at whose end values are put, and one behind it that nobody can read; owned. */
	uint8_t *memory;
	size_t page;
	struct __user_cap_data_struct all[2], none[2];
};

static int privileges(long call, struct __user_cap_data_struct data[static 2])
{
	struct __user_cap_header_struct self = {.version = _LINUX_CAPABILITY_VERSION_3};

	return (int)syscall(call, &self, data);
}

int model_new(struct model **ret)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->page = (size_t)sysconf(_SC_PAGESIZE);
	m->memory = mmap(NULL, m->page * 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m->memory == MAP_FAILED || mprotect(m->memory, m->page, PROT_READ | PROT_WRITE) < 0 ||
	    privileges(SYS_capget, m->all) < 0) {
		model_free(m);
		return -ENOMEM;
	}
	memcpy(m->none, m->all, sizeof(m->none));
	for (unsigned i = 0; i < 2; i++)
		m->none[i].effective = 0;
	*ret = m;
	return 0;
}

void model_free(struct model *model)
{
	if (!model)
		return;
	if (model->memory && model->memory != MAP_FAILED)
		munmap(model->memory, model->page * 2);
	free(model);
}

static bool privileged(const struct model *m)
{
	return m->all[0].effective || m->all[1].effective;
}

static void drop_privilege(struct model *m)
{
	if (privileged(m) && privileges(SYS_capset, m->none) < 0)
		abort(); /* nothing may be asked with it */
}

static void take_privilege(struct model *m)
{
	if (privileged(m) && privileges(SYS_capset, m->all) < 0)
		abort(); /* the links could not be looked after */
}

static void tell(int fd, const struct model_subject *subject)
{
	const struct recalled *one = NULL;

	while ((one = recall_next(subject->recall, subject->cookie, one)))
		setsockopt(fd, one->level, one->name, one->bytes, one->length);
}

static int open_model(const struct model_subject *subject, int type)
{
	return caller_socket(subject->home, subject->pid, subject->domain, type | SOCK_CLOEXEC, 0);
}

int model_set(struct model *model, const struct model_subject *subject, int level, int name,
	      const void *value, size_t readable, socklen_t length)
{
	_cleanup_close_ int fd = open_model(subject, SOCK_STREAM);
	uint8_t *end = model->memory + model->page;
	int err;

	if (fd < 0)
		return MODEL_NOT_ASKED;
	/* What could not be read lies beyond the page's end, so that the kernel cannot read it
	 * either. What is only too long to be looked at is cut. */
	if (readable == MODEL_ROOM && length > MODEL_ROOM && length <= INT32_MAX)
		length = MODEL_ROOM;
	if (value)
		memcpy(end - readable, value, readable);
	drop_privilege(model);
	tell(fd, subject);
	err = setsockopt(fd, level, name, value ? end - readable : NULL, length) < 0 ? -errno : 0;
	take_privilege(model);
	return err;
}

static int get(int fd, int level, int name, void *ret, socklen_t *length)
{
	if (length && *length > MODEL_ROOM && *length <= INT32_MAX)
		*length = MODEL_ROOM;
	memset(ret, 0, MODEL_ROOM);
	if (getsockopt(fd, level, name, ret, length) < 0)
		return -errno;
	return !length || *length <= MODEL_ROOM ? 0 : MODEL_NOT_ASKED;
}

int model_get(struct model *model, const struct model_subject *subject, int level, int name,
	      void *ret, socklen_t *length)
{
	_cleanup_close_ int fd = open_model(subject, SOCK_STREAM);
	int err;

	if (fd < 0)
		return MODEL_NOT_ASKED;
	drop_privilege(model);
	tell(fd, subject);
	err = get(fd, level, name, ret, length);
	take_privilege(model);
	return err;
}

/* A connected UDP socket has a route and sends nothing. */
int model_get_route(const struct model_subject *subject, int level, int name, void *ret,
		    socklen_t *length)
{
	_cleanup_close_ int fd = open_model(subject, SOCK_DGRAM);
	struct sockaddr_storage at;
	socklen_t size = sizeof(at);

	if (fd < 0)
		return MODEL_NOT_ASKED;
	if (getsockname(subject->fd, (struct sockaddr *)&at, &size) == 0) {
		/* The port is TCP's; sin6_port lies at the same place. */
		((struct sockaddr_in *)&at)->sin_port = 0;
		if (bind(fd, (struct sockaddr *)&at, size) < 0)
			return MODEL_NOT_ASKED;
	}
	size = sizeof(at);
	if (getpeername(subject->fd, (struct sockaddr *)&at, &size) < 0 ||
	    connect(fd, (struct sockaddr *)&at, size) < 0)
		return -ENOTCONN;
	return get(fd, level, name, ret, length);
}

void model_hand_over(struct model *model, const struct model_subject *subject,
		     struct recall *recall)
{
	const struct recalled *one = NULL;

	drop_privilege(model);
	for (;;) {
		do
			one = recall_next(recall, subject->cookie, one);
		while (one && one->level == SOL_SOCKET);
		if (!one)
			break;
		setsockopt(subject->fd, one->level, one->name, one->bytes, one->length);
		recall_forget(recall, subject->cookie, one->level, one->name);
		one = NULL;
	}
	take_privilege(model);
}

/* Does it answer, and take back what it says? */
static bool answers(int fd, int level, int name, bool *ret_takes)
{
	uint8_t value[256];
	socklen_t length = sizeof(value);
	bool got = getsockopt(fd, level, name, value, &length) == 0;

	*ret_takes = got && setsockopt(fd, level, name, value, length) == 0;
	return got;
}

/* Does MPTCP refuse what TCP takes? Mostly it does not. */
static bool refused(int tcp, int mptcp, int level, int name)
{
	bool mptcp_takes, tcp_takes, mptcp_answers = answers(mptcp, level, name, &mptcp_takes);

	return !mptcp_takes && answers(tcp, level, name, &tcp_takes) &&
	       (!mptcp_answers || tcp_takes);
}

static bool have_ipv6(void)
{
	_cleanup_close_ int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0;
}

static void try_all(struct option_traps *traps)
{
	int domain = have_ipv6() ? AF_INET6 : AF_INET;
	_cleanup_close_ int tcp = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int mptcp = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);

	if (tcp < 0 || mptcp < 0)
		return;
	for (unsigned l = 0; l < OPTION_LEVELS; l++) {
		for (int name = 0; name < OPTION_NAMES; name++) {
			bool *set = &traps->trapped[l][OPTION_SET][name];
			bool *got = &traps->trapped[l][OPTION_GET][name];
			int level = option_levels[l];

			if (options_how(level, name, OPTION_GET).answer != OPTION_KERNEL)
				continue;
			/* What is remembered must be got where it was put. */
			if (refused(tcp, mptcp, level, name))
				*set = *got = true;
		}
	}
}

struct option_traps model_traps(void)
{
	static struct option_traps traps;
	static bool tried;

	if (!tried) {
		traps = options_traps();
		try_all(&traps);
		tried = true;
	}
	return traps;
}
