/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/known.h"

#include "base/cleanup.h"

#include <linux/seccomp.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#define PROCESSES 8 /* that have further threads which make sockets at the same time */
#define X32 \
	0x40000000 /* a bit in the numbers of that call interface, which shares the name of another */

struct known {
	pthread_mutex_t lock;
	bool ended;
	struct {
		pid_t pid; /* 0: none */
		int pidfd; /* owned; its process, whoever has the number later */
	} all[PROCESSES];
};

struct known *known_new(void)
{
	struct known *known = calloc(1, sizeof(*known));

	if (known)
		pthread_mutex_init(&known->lock, NULL);
	return known;
}

static void forget(struct known *known, unsigned at)
{
	if (known->all[at].pid)
		close_fd(known->all[at].pidfd);
	known->all[at].pid = 0;
}

void known_free(struct known *known)
{
	if (!known)
		return;
	for (unsigned i = 0; i < PROCESSES; i++)
		forget(known, i);
	pthread_mutex_destroy(&known->lock);
	free(known);
}

/* Signal 0 is none: it is only looked whether it could be sent. */
static bool is_thread_of(pid_t pid, pid_t thread)
{
	return syscall(SYS_tgkill, pid, thread, 0) == 0;
}

static bool lives(int pidfd)
{
	return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0;
}

bool known_has(struct known *known, pid_t thread)
{
	bool found = false;

	pthread_mutex_lock(&known->lock);
	for (unsigned i = 0; i < PROCESSES && !found; i++) {
		if (!known->all[i].pid || !is_thread_of(known->all[i].pid, thread))
			continue;
		found = lives(known->all[i].pidfd);
		if (!found)
			forget(known, i);
	}
	pthread_mutex_unlock(&known->lock);
	return found;
}

/* PROCESSES: there is none. */
static unsigned find_place(struct known *known)
{
	unsigned at = 0;

	while (at < PROCESSES && known->all[at].pid && lives(known->all[at].pidfd))
		at++;
	return at;
}

bool known_has_place(struct known *known)
{
	bool has;

	pthread_mutex_lock(&known->lock);
	has = !known->ended && find_place(known) < PROCESSES;
	pthread_mutex_unlock(&known->lock);
	return has;
}

void known_add(struct known *known, pid_t leader, int pidfd)
{
	unsigned at;

	pthread_mutex_lock(&known->lock);
	at = find_place(known);
	if (known->ended || at == PROCESSES) {
		close_fd(pidfd);
	} else {
		forget(known, at);
		known->all[at].pid = leader;
		known->all[at].pidfd = pidfd;
	}
	pthread_mutex_unlock(&known->lock);
}

bool known_is_further(pid_t thread)
{
	return !is_thread_of(thread, thread) && errno == ESRCH;
}

bool known_ends(const struct seccomp_notif *request)
{
	static const char *const names[] = {"unshare", "setns", "clone"};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if ((request->data.nr & ~X32) ==
		    seccomp_syscall_resolve_name_arch(request->data.arch, names[i]))
			return true;
	return false;
}

void known_end(struct known *known)
{
	pthread_mutex_lock(&known->lock);
	known->ended = true;
	for (unsigned i = 0; i < PROCESSES; i++)
		forget(known, i);
	pthread_mutex_unlock(&known->lock);
}
