/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/substitute.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS /* since 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

enum { SOCKETCALL = 102, SOCKETCALL_SOCKET = 1 }; /* i386: one call for all of sockets */

struct substitute {
	int listener;
	int home;         /* the network namespace that we are in; owned */
	struct stat here; /* the same, to compare with */
	struct seccomp_notif *request;
	struct seccomp_notif_resp *response;
};

int substitute_new(int listener, struct substitute **ret, struct err *err)
{
	struct substitute *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(err, -ENOMEM, "no memory for the supervisor");
	s->listener = listener;
	s->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (s->home >= 0)
		fstat(s->home, &s->here);
	if (seccomp_notify_alloc(&s->request, &s->response) < 0) {
		substitute_free(s);
		return err_set(err, -ENOMEM, "no memory for the supervisor");
	}
	/* The program and we take turns: stay on one CPU where the kernel can (a fourth of the
	 * cost). */
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	*ret = s;
	return 0;
}

void substitute_free(struct substitute *s)
{
	if (!s)
		return;
	close_fd(s->home);
	seccomp_notify_free(s->request, s->response);
	free(s);
}

struct call {
	int domain, type, protocol;
};

/* The arguments of socket(), from registers; or from the program's memory for socketcall(). The
 * copy is read once and judged afterwards: what the program changes meanwhile does not matter. */
static bool decode(const struct seccomp_notif *request, struct call *ret)
{
	const struct seccomp_data *data = &request->data;
	uint32_t words[3];

	if (data->arch == SCMP_ARCH_X86 && data->nr == SOCKETCALL) {
		struct iovec ours = {words, sizeof(words)};
		struct iovec theirs = {(void *)(uintptr_t)(uint32_t)data->args[1], sizeof(words)};

		if ((int)data->args[0] != SOCKETCALL_SOCKET ||
		    process_vm_readv((pid_t)request->pid, &ours, 1, &theirs, 1, 0) != sizeof(words))
			return false;
		*ret = (struct call){(int)words[0], (int)words[1], (int)words[2]};
	} else {
		*ret = (struct call){(int)data->args[0], (int)data->args[1], (int)data->args[2]};
	}
	return (ret->domain == AF_INET || ret->domain == AF_INET6) &&
	       (ret->type & 0xf) == SOCK_STREAM &&
	       (ret->protocol == 0 || ret->protocol == IPPROTO_TCP);
}

/* A socket belongs to the network namespace of who asked, which may be another than ours by now. */
static int make_socket(const struct substitute *s, pid_t pid, const struct call *call)
{
	_cleanup_close_ int theirs = -1;
	struct stat there;
	char path[40];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	if (s->home < 0 || stat(path, &there) < 0)
		return -EACCES;
	if (there.st_ino == s->here.st_ino && there.st_dev == s->here.st_dev) {
		fd = socket(call->domain, call->type, IPPROTO_MPTCP);
		return fd < 0 ? -errno : fd;
	}
	theirs = open(path, O_RDONLY | O_CLOEXEC);
	if (theirs < 0 || setns(theirs, CLONE_NEWNET) < 0)
		return -errno;
	fd = socket(call->domain, call->type, IPPROTO_MPTCP);
	err = -errno;
	if (setns(s->home, CLONE_NEWNET) < 0)
		abort(); /* in the wrong namespace nothing that we do would be right */
	return fd < 0 ? err : fd;
}

static int receive(struct substitute *s)
{
	/* The kernel refuses a request buffer that is not all zero. */
	memset(s->request, 0, sizeof(*s->request));
	if (seccomp_notify_receive(s->listener, s->request) < 0)
		return errno == ENOENT || errno == EINTR ? 0 : -errno;
	return 1;
}

static void respond(struct substitute *s, int error, uint32_t flags)
{
	memset(s->response, 0, sizeof(*s->response));
	s->response->id = s->request->id;
	s->response->error = error;
	s->response->flags = flags;
	/* It fails only where the asking thread is gone. */
	seccomp_notify_respond(s->listener, s->response);
}

static void let_go(struct substitute *s)
{
	respond(s, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

int substitute_serve(struct substitute *s, struct substituted *ret)
{
	struct seccomp_notif_addfd give = {.flags = SECCOMP_ADDFD_FLAG_SEND};
	_cleanup_close_ int fd = -1;
	struct stat st;
	struct call call;
	int got = receive(s);

	if (got <= 0)
		return got;
	*ret = (struct substituted){.pid = (pid_t)s->request->pid};
	if (!decode(s->request, &call)) {
		let_go(s);
		return 0;
	}
	fd = make_socket(s, ret->pid, &call);
	if (fd < 0) {
		ret->error = fd;
		let_go(s);
		return 1;
	}
	/* What was read under this pid is the asker's only if it still waits. */
	if (seccomp_notify_id_valid(s->listener, s->request->id) < 0)
		return 0;
	if (fstat(fd, &st) == 0)
		ret->inode = (uint32_t)st.st_ino;
	give.id = s->request->id;
	give.srcfd = (uint32_t)fd;
	give.newfd_flags = call.type & SOCK_CLOEXEC ? O_CLOEXEC : 0;
	if (ioctl(s->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &give) < 0) {
		int err = -errno;

		/* Its table of descriptors is full: as socket() would have said. */
		if (err == -EMFILE)
			respond(s, err, 0);
		else if (err != -ENOENT)
			let_go(s);
		ret->inode = 0;
		ret->error = err;
		return err == -ENOENT ? 0 : 1;
	}
	return 1;
}

int substitute_let_go(struct substitute *s)
{
	int got = receive(s);

	if (got > 0)
		let_go(s);
	return got;
}
