/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS /* since 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

int notify_open(struct notify *notify, int listener)
{
	*notify = (struct notify){.listener = listener};
	if (seccomp_notify_alloc(&notify->request, &notify->response) < 0)
		return -ENOMEM;
	/* The program and we take turns: stay on one CPU where the kernel can (a fourth of the
	 * cost). */
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	return 0;
}

void notify_close(struct notify *notify)
{
	seccomp_notify_free(notify->request, notify->response);
}

int notify_receive(struct notify *notify)
{
	/* The kernel refuses a request buffer that is not all zero. */
	memset(notify->request, 0, sizeof(*notify->request));
	if (seccomp_notify_receive(notify->listener, notify->request) < 0)
		return errno == ENOENT || errno == EINTR ? 0 : -errno;
	return 1;
}

static void respond(struct notify *notify, uint64_t id, int64_t value, int error, uint32_t flags)
{
	memset(notify->response, 0, sizeof(*notify->response));
	notify->response->id = id;
	notify->response->val = value;
	notify->response->error = error;
	notify->response->flags = flags;
	/* It fails only where the asking thread is gone. */
	seccomp_notify_respond(notify->listener, notify->response);
}

void notify_answer(struct notify *notify, uint64_t id, int64_t result)
{
	respond(notify, id, result < 0 ? 0 : result, result < 0 ? (int)result : 0, 0);
}

void notify_let_go(struct notify *notify, uint64_t id)
{
	respond(notify, id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

static int add(struct notify *notify, const struct seccomp_notif_addfd *give)
{
	return ioctl(notify->listener, SECCOMP_IOCTL_NOTIF_ADDFD, give) < 0 ? -errno : 0;
}

int notify_give(struct notify *notify, uint64_t id, int fd, bool close_on_exec)
{
	const struct seccomp_notif_addfd give = {.id = id,
						 .flags = SECCOMP_ADDFD_FLAG_SEND,
						 .srcfd = (uint32_t)fd,
						 .newfd_flags = close_on_exec ? O_CLOEXEC : 0};

	return add(notify, &give);
}

int notify_replace(struct notify *notify, uint64_t id, int theirs, int fd, bool close_on_exec)
{
	const struct seccomp_notif_addfd give = {.id = id,
						 .flags = SECCOMP_ADDFD_FLAG_SETFD,
						 .srcfd = (uint32_t)fd,
						 .newfd = (uint32_t)theirs,
						 .newfd_flags = close_on_exec ? O_CLOEXEC : 0};

	return add(notify, &give);
}

bool notify_waits(struct notify *notify, uint64_t id)
{
	return seccomp_notify_id_valid(notify->listener, id) == 0;
}
