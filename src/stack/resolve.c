/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stack/resolve.h"

#include "base/cleanup.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>

/* One family's. Written by its thread before it is @done, under the lock, and not after. */
struct lookup {
	struct resolve *resolve;
	bool wanted, done, taken;
	int code, error; /* getaddrinfo()'s, and errno for EAI_SYSTEM */
	struct addrinfo *found;
};

/* Shared by the caller and the threads; the last one frees it. */
struct resolve {
	pthread_mutex_t lock;
	unsigned users;
	int event;
	char *host, *service;
	struct lookup lookups[RACE_FAMILIES];
};

int resolve_check_service(const char *service, unsigned lowest, struct err *err)
{
	char *end;
	unsigned long port;

	if (!service || !*service)
		return err_set(err, -EINVAL, "no port or service is given");
	if (service[strspn(service, "0123456789")] != '\0')
		return 0;
	errno = 0;
	port = strtoul(service, &end, 10);
	if (errno || port < lowest || port > 65535)
		return err_set(err, -EINVAL, "'%s' is no port: %u..65535", service, lowest);
	return 0;
}

int resolve_error(int code, int error, const char *host, const char *service, struct err *err)
{
	switch (code) {
	case EAI_NONAME:
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		return err_set(err, -ENOENT, "there is no host '%s'", host);
	case EAI_SERVICE:
		return err_set(err, -EINVAL, "there is no service '%s'", service);
	case EAI_AGAIN:
		return err_set(err, -EAGAIN, "cannot look up '%s': no name server answers", host);
	case EAI_MEMORY:
		return err_set(err, -ENOMEM, "cannot look up '%s': out of memory", host);
	case EAI_SYSTEM:
		return err_set(err, error > 0 ? -error : -EIO, "cannot look up '%s': %s", host,
			       strerror(error));
	default:
		return err_set(err, -EIO, "cannot look up '%s': %s", host, gai_strerror(code));
	}
}

static int look_up(struct lookup *lookup, int flags)
{
	const struct resolve *resolve = lookup->resolve;
	const struct addrinfo hints = {
		.ai_family = lookup == &resolve->lookups[RACE_IPV6] ? AF_INET6 : AF_INET,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = flags,
	};
	struct addrinfo *found = NULL;
	int code = getaddrinfo(resolve->host, resolve->service, &hints, &found);

	lookup->error = errno;
	lookup->code = code;
	lookup->found = code == 0 ? found : NULL;
	return code;
}

static void unref(struct resolve *resolve)
{
	bool last;

	pthread_mutex_lock(&resolve->lock);
	last = --resolve->users == 0;
	pthread_mutex_unlock(&resolve->lock);
	if (!last)
		return;
	for (unsigned i = 0; i < RACE_FAMILIES; i++)
		if (resolve->lookups[i].found)
			freeaddrinfo(resolve->lookups[i].found);
	pthread_mutex_destroy(&resolve->lock);
	close_fd(resolve->event);
	free(resolve->host);
	free(resolve->service);
	free(resolve);
}

static void finish(struct lookup *lookup)
{
	struct resolve *resolve = lookup->resolve;

	pthread_mutex_lock(&resolve->lock);
	lookup->done = true;
	pthread_mutex_unlock(&resolve->lock);
	eventfd_write(resolve->event, 1);
}

#if defined(__SANITIZE_ADDRESS__)
/* What glibc keeps for a thread that looks names up it frees when LeakSanitizer no longer counts that thread:
 * a process that ends just then seems to leak. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:res_context_send\n";
}

const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}
#endif

static void *run(void *data)
{
	struct lookup *lookup = data;

	/* No AAAA question where no address could use the answer. */
	look_up(lookup, AI_ADDRCONFIG);
	finish(lookup);
	unref(lookup->resolve);
	return NULL;
}

/* The program's signal handlers shall not run in our thread, nor in one without its stack. */
static int start_thread(struct lookup *lookup)
{
	pthread_attr_t attr;
	sigset_t all, was;
	pthread_t thread;
	int code = pthread_attr_init(&attr);

	if (code)
		return -code;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	pthread_mutex_lock(&lookup->resolve->lock);
	lookup->resolve->users++;
	pthread_mutex_unlock(&lookup->resolve->lock);
	code = pthread_create(&thread, &attr, run, lookup);
	if (code)
		unref(lookup->resolve);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	pthread_attr_destroy(&attr);
	return -code;
}

/* Is the host an address, of whichever family? Then both lookups are done, without a thread. */
static bool is_address(struct resolve *resolve)
{
	bool is = false;

	for (unsigned i = 0; i < RACE_FAMILIES; i++) {
		int code = look_up(&resolve->lookups[i], AI_NUMERICHOST);

		is = is || (code != EAI_NONAME && code != EAI_ADDRFAMILY);
	}
	return is;
}

static int start(struct resolve *resolve, struct err *err)
{
	bool address = is_address(resolve);

	for (unsigned i = 0; i < RACE_FAMILIES; i++) {
		struct lookup *lookup = &resolve->lookups[i];
		int code = 0;

		if (address || !lookup->wanted)
			finish(lookup);
		else
			code = start_thread(lookup);
		if (code < 0)
			return err_set(err, code, "no thread to look up '%s': %s", resolve->host,
				       strerror(-code));
	}
	return 0;
}

int resolve_open(const char *host, const char *service, const bool wanted[RACE_FAMILIES],
		 struct resolve **ret, struct err *err)
{
	struct resolve *resolve = calloc(1, sizeof(*resolve));
	int code;

	if (!resolve)
		return err_set(err, -ENOMEM, "out of memory");
	pthread_mutex_init(&resolve->lock, NULL);
	resolve->users = 1;
	resolve->host = strdup(host);
	resolve->service = strdup(service);
	for (unsigned i = 0; i < RACE_FAMILIES; i++) {
		resolve->lookups[i].resolve = resolve;
		resolve->lookups[i].wanted = wanted[i];
	}
	resolve->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!resolve->host || !resolve->service)
		code = err_set(err, -ENOMEM, "out of memory");
	else if (resolve->event < 0)
		code = err_set(err, -errno, "cannot look up '%s': %s", host, strerror(errno));
	else
		code = start(resolve, err);
	if (code < 0) {
		unref(resolve);
		return code;
	}
	*ret = resolve;
	return 0;
}

void resolve_close(struct resolve *resolve)
{
	if (resolve)
		unref(resolve);
}

int resolve_fd(const struct resolve *resolve)
{
	return resolve->event;
}

static void answer(const struct lookup *lookup, struct resolve_answer *ret)
{
	const struct resolve *resolve = lookup->resolve;
	struct addrinfo *found = lookup->found;

	ret->count = 0;
	ret->code = 0;
	if (!lookup->wanted)
		return;
	if (lookup->code)
		ret->code = resolve_error(lookup->code, lookup->error, resolve->host,
					  resolve->service, &ret->why);
	for (; found && ret->count < RACE_MAX; found = found->ai_next)
		memcpy(&ret->all[ret->count++], found->ai_addr, found->ai_addrlen);
}

bool resolve_next(struct resolve *resolve, struct resolve_answer *ret)
{
	eventfd_t count;

	/* Emptied before looking: what is done later makes it readable again. */
	eventfd_read(resolve->event, &count);
	for (unsigned i = 0; i < RACE_FAMILIES; i++) {
		struct lookup *lookup = &resolve->lookups[i];
		bool done;

		pthread_mutex_lock(&resolve->lock);
		done = lookup->done;
		pthread_mutex_unlock(&resolve->lock);
		if (!done || lookup->taken)
			continue;
		lookup->taken = true;
		ret->family = i;
		answer(lookup, ret);
		return true;
	}
	return false;
}
