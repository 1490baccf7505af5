/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/stand_in.h"

#include "base/cleanup.h"

#include <linux/seccomp.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

enum { SOCKETCALL = 102, SOCKETCALL_SOCKET = 1 }; /* i386: one call for all of sockets */

/* The arguments of socket(), from registers; or from the program's memory for socketcall(). */
static bool decode(const struct seccomp_notif *request, struct stand_in *ret)
{
	const struct seccomp_data *data = &request->data;
	uint32_t words[3];

	if (data->arch == SCMP_ARCH_X86 && data->nr == SOCKETCALL) {
		struct iovec ours = {words, sizeof(words)};
		struct iovec theirs = {(void *)(uintptr_t)(uint32_t)data->args[1], sizeof(words)};

		if ((int)data->args[0] != SOCKETCALL_SOCKET ||
		    process_vm_readv((pid_t)request->pid, &ours, 1, &theirs, 1, 0) != sizeof(words))
			return false;
		*ret = (struct stand_in){(int)words[0], (int)words[1], (int)words[2]};
	} else {
		*ret = (struct stand_in){(int)data->args[0], (int)data->args[1],
					 (int)data->args[2]};
	}
	return true;
}

bool stand_in_wanted(const struct seccomp_notif *request, struct stand_in *ret)
{
	return decode(request, ret) && (ret->domain == AF_INET || ret->domain == AF_INET6) &&
	       (ret->type & 0xf) == SOCK_STREAM &&
	       (ret->protocol == 0 || ret->protocol == IPPROTO_TCP ||
		ret->protocol == IPPROTO_MPTCP);
}

int stand_in_make(const struct home *home, const struct seccomp_notif *request,
		  const struct stand_in *wanted, uint32_t *ret_inode)
{
	struct stat st;
	int fd = caller_socket(home, (pid_t)request->pid, wanted->domain, wanted->type,
			       IPPROTO_MPTCP);

	*ret_inode = fd >= 0 && fstat(fd, &st) == 0 ? (uint32_t)st.st_ino : 0;
	return fd;
}

int stand_in_give(struct notify *notify, int fd, const struct stand_in *wanted)
{
	uint64_t id = notify->request->id;
	/* Fails unless the asker still waits: then what was read under its number was its own. */
	int err = notify_give(notify, id, fd, wanted->type & SOCK_CLOEXEC);

	/* Its table of descriptors is full: as socket() would have said. */
	if (err == -EMFILE)
		notify_answer(notify, id, err);
	else if (err < 0 && err != -ENOENT)
		notify_let_go(notify, id);
	return err;
}
