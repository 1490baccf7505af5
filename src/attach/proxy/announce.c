/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/proxy/announce.h"

#include "attach/attachment.h"
#include "base/cleanup.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* The inode of a socket; 0: may I? */
typedef uint32_t message;

static int send_message(int fd, message what)
{
	return send(fd, &what, sizeof(what), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int announce_ask(int supervisor)
{
	return send_message(supervisor, 0);
}

bool announce_granted(int supervisor)
{
	char byte;

	return recv(supervisor, &byte, sizeof(byte), MSG_DONTWAIT) >= 0 ||
	       (errno != EAGAIN && errno != EINTR);
}

void announce_socket(int supervisor, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0)
		send_message(supervisor, (message)st.st_ino);
}

static int load(bool routed, int *ret_own, struct err *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(err, -errno, "cannot make a socket pair: %s", strerror(errno));
	*ret_own = ends[0];
	return ends[1];
}

struct announce {
	struct attachment attachment;
	int program;
};

static int open_announce(const struct attachment_setup *setup, struct attachment **ret,
			 struct err *err)
{
	struct announce *announce = calloc(1, sizeof(*announce));

	if (!announce)
		return err_set(err, -ENOMEM, "no memory for the supervisor");
	*announce = (struct announce){.attachment = {.ops = &attachment_announce,
						     .asks = setup->listener,
						     .made = -1,
						     .fd = -1},
				      .program = setup->listener};
	*ret = &announce->attachment;
	return 0;
}

static int serve(struct attachment *attachment, struct attached *ret)
{
	int program = ((struct announce *)attachment)->program;
	message what;
	ssize_t got = recv(program, &what, sizeof(what), MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (got != sizeof(what))
		return -EPIPE;
	*ret = (struct attached){.inode = what};
	if (what != 0)
		return 1;
	/* The program reads its answers; if it does not, it is the one to wait. */
	return send(program, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN ? -errno
											: 0;
}

static int let_go(struct attachment *attachment)
{
	struct attached ignored;

	return serve(attachment, &ignored);
}

static void close_announce(struct attachment *attachment)
{
	free(attachment);
}

const struct attachment_ops attachment_announce = {
	.name = "announce",
	.load = load,
	.open = open_announce,
	.serve = serve,
	.let_go = let_go,
	.close = close_announce,
};
