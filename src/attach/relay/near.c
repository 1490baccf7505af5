/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/relay/near.h"

#include "base/cleanup.h"
#include "base/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define PREFIX  "relay-" /* of the folders' names */
#define MEETING "us"     /* the name of our own listener */
#define TRIES   10
/* Of send buffers, of which the kernel gives twice that. With half as much the relay and a program take turns: each sleeps while the
 * other works, and has to be woken up. With twice as much what is written has left the processor's cache before it is read, and its
 * pages before they are used again. */
#define ROOM    (256 * 1024)
#define FILLING 8192 /* more than fits into the least room that there is */

/* The address of @name in the folder; 0: too long. */
static socklen_t address_of(const struct near *near, const char *name, struct sockaddr_un *ret)
{
	int size;

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	size = snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/%s", near->folder, name);
	return size > 0 && (size_t)size < sizeof(ret->sun_path) ? sizeof(*ret) : 0;
}

/* Removes the folder that @fd is, whose path is @path, with the sockets in it. */
static void remove_folder(int fd, const char *path)
{
	DIR *folder = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 0));
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			unlinkat(fd, entry->d_name, 0);
	if (folder)
		closedir(folder);
	rmdir(path);
}

void near_clean(const char *parent)
{
	DIR *folder = opendir(parent);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		_cleanup_close_ int fd = -1;
		char path[PATH_MAX];

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		fd = openat(dirfd(folder), entry->d_name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		snprintf(path, sizeof(path), "%s/%s", parent, entry->d_name);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			remove_folder(fd, path);
	}
	if (folder)
		closedir(folder);
}

/* A folder that is locked before it can be taken for one that was left. */
static int make_folder(struct near *near, const char *parent)
{
	int size = snprintf(near->folder, sizeof(near->folder), "%s/" PREFIX "XXXXXX", parent);

	if (size < 0 || (size_t)size >= sizeof(near->folder))
		return -ENAMETOOLONG;
	if (!mkdtemp(near->folder)) /* which only the user can enter */
		return -errno;
	near->lock = open(near->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (near->lock < 0 || flock(near->lock, LOCK_EX | LOCK_NB) < 0)
		return -EAGAIN;
	return access(near->folder, W_OK) < 0 ? -EAGAIN : 0;
}

static int find_again(const char *parent)
{
	char path[PATH_MAX];
	int err = folder_find(path);

	return err == 0 && strcmp(path, parent) != 0 ? -EPERM : err;
}

int near_open(struct near *near, const char *parent)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un address;
	int err = -EAGAIN;

	*near = (struct near){.lock = -1, .listener = -1, .door = -1, .diag = -1, .self = getpid()};
	near_clean(parent);
	/* A run that has just ended took the folder of all with it; or one that begins took ours, before it was locked, for one that was
	 * left. */
	for (unsigned i = 0; i < TRIES && (err == -EAGAIN || err == -ENOENT); i++) {
		near->lock = close_fd(near->lock);
		err = i > 0 ? find_again(parent) : 0;
		if (err == 0)
			err = make_folder(near, parent);
	}
	if (err < 0)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || !address_of(near, MEETING, &address) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0)
		return -errno;
	near->listener = steal_fd(&fd);
	near->door = open(address.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (near->door < 0)
		return -errno;
	unlink(address.sun_path);
	near->meeting.sun_family = AF_UNIX;
	snprintf(near->meeting.sun_path, sizeof(near->meeting.sun_path), "/proc/self/fd/%d",
		 near->door);
	near->diag = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	return 0;
}

void near_close(struct near *near)
{
	near->listener = close_fd(near->listener);
	near->door = close_fd(near->door);
	near->diag = close_fd(near->diag);
	if (near->lock >= 0)
		remove_folder(near->lock, near->folder);
	near->lock = close_fd(near->lock);
}

static void set_room(int fd, int room)
{
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
}

int near_make(bool nonblocking)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0);

	if (fd < 0)
		return -errno;
	set_room(fd, ROOM);
	return fd;
}

int near_make_like(int theirs)
{
	static const int options[] = {SO_RCVTIMEO, SO_SNDTIMEO, SO_RCVLOWAT};
	int flags = theirs < 0 ? 0 : fcntl(theirs, F_GETFL), fd = near_make(flags & O_NONBLOCK);
	struct timeval value;
	socklen_t size;

	for (unsigned i = 0; theirs >= 0 && fd >= 0 && i < ARRAY_SIZE(options); i++) {
		size = sizeof(value);
		if (getsockopt(theirs, SOL_SOCKET, options[i], &value, &size) == 0)
			setsockopt(fd, SOL_SOCKET, options[i], &value, size);
	}
	return fd;
}

int near_pair(int ret[static 2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret) < 0)
		return -errno;
	fcntl(ret[0], F_SETFL, O_NONBLOCK);
	set_room(ret[0], ROOM);
	set_room(ret[1], ROOM);
	return 0;
}

/* Takes from our queue what this very process has connected; others may have found the way. */
static int take(const struct near *near)
{
	for (;;) {
		_cleanup_close_ int fd =
			accept4(near->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct ucred who;
		socklen_t size = sizeof(who);

		if (fd < 0)
			return -errno;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
		    who.pid == near->self)
			return steal_fd(&fd);
	}
}

int near_join(struct near *near, int theirs)
{
	int ours;

	if (connect(theirs, (const struct sockaddr *)&near->meeting, sizeof(near->meeting)) < 0)
		return -errno;
	ours = take(near);
	if (ours >= 0)
		set_room(ours, ROOM);
	return ours;
}

size_t near_hold(int theirs)
{
	static const char bytes[FILLING];
	size_t held = 0;
	ssize_t done;

	set_room(theirs, 0); /* the least that there is */
	do {
		done = send(theirs, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
		held += done > 0 ? (size_t)done : 0;
	} while (done == sizeof(bytes)); /* else there was no room for the rest */
	return held;
}

void near_resume(int theirs, int ours, size_t held)
{
	char bytes[FILLING];

	while (held > 0) {
		ssize_t got = recv(ours, bytes, held < sizeof(bytes) ? held : sizeof(bytes),
				   MSG_DONTWAIT);

		if (got <= 0)
			break;
		held -= (size_t)got;
	}
	if (theirs >= 0)
		set_room(theirs, ROOM);
}

void near_ring(int ours)
{
	send(ours, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void near_unring(int theirs)
{
	char byte;

	if (recv(theirs, &byte, 1, MSG_DONTWAIT) < 0)
		return; /* the program has read from a socket that listens */
}

void near_spoil(int theirs)
{
	/* A socket is found reset when its peer goes with something unread. */
	send(theirs, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The answer to what we asked last; one that could not be had at its time may lie before it. */
static bool hear_answer(const struct near *near, void *ret, size_t size)
{
	const struct nlmsghdr *header = ret;

	do {
		if (recv(near->diag, ret, size, 0) < (ssize_t)sizeof(*header))
			return false;
	} while (header->nlmsg_seq != near->asked);
	return true;
}

bool near_is_held(struct near *near, uint32_t inode, uint64_t cookie)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} ask = {
		.header = {.nlmsg_len = sizeof(ask),
			   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			   .nlmsg_flags = NLM_F_REQUEST,
			   .nlmsg_seq = ++near->asked},
		.request = {.sdiag_family = AF_UNIX,
			    .udiag_states = UINT32_MAX,
			    .udiag_ino = inode,
			    .udiag_cookie = {(uint32_t)cookie, (uint32_t)(cookie >> 32)}},
	};
	union {
		struct nlmsghdr header;
		char bytes[4096];
	} answer;

	if (near->diag < 0 || send(near->diag, &ask, sizeof(ask), 0) < 0 ||
	    !hear_answer(near, &answer, sizeof(answer)))
		return true; /* it cannot be told */
	return answer.header.nlmsg_type != NLMSG_ERROR;
}
