/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/status.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fds.h"
#include "base/folder.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* The path of the socket of @supervisor, after @folder: "/status-PID-NAMESPACE". */
static int put_name(char path[static PATH_MAX], const char *folder, const char *prefix,
		    pid_t supervisor)
{
	struct stat st = {0};
	int size;

	stat("/proc/self/ns/pid", &st);
	size = snprintf(path, PATH_MAX, "%s/%s%d-%lu", folder, prefix, (int)supervisor,
			(unsigned long)st.st_ino);
	return size < PATH_MAX ? 0 : -ENAMETOOLONG;
}

ino_t status_netns(void)
{
	struct stat st = {0};

	stat("/proc/self/ns/net", &st);
	return st.st_ino;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (listen(fd, 16) < 0) {
		unlink(path);
		return -errno;
	}
	return steal_fd(&fd);
}

static int open_in_folder(char ret_path[static PATH_MAX])
{
	char folder[PATH_MAX], making[PATH_MAX];
	int err = folder_find(folder), fd;

	if (err < 0)
		return err;
	if (put_name(ret_path, folder, STATUS_PREFIX, getpid()) < 0 ||
	    put_name(making, folder, ".", getpid()) < 0)
		return -ENAMETOOLONG;
	fd = listen_at(making);
	if (fd >= 0 && rename(making, ret_path) < 0) {
		err = -errno;
		unlink(making);
		close_fd(fd);
		return err;
	}
	return fd;
}

void status_open(struct status *status)
{
	*status = (struct status){
		.opened = clock_now(), .opened_at = time(NULL), .netns = status_netns()};
	status->fd = open_in_folder(status->path);
	if (status->fd == -ENOENT) /* another run has just removed the empty folder */
		status->fd = open_in_folder(status->path);
	if (status->fd < 0)
		status->fd = -1;
}

static void remove_socket(char *path)
{
	unlink(path);
	*strrchr(path, '/') = 0;
	folder_leave(path);
}

void status_close(struct status *status)
{
	if (status->fd < 0)
		return;
	remove_socket(status->path);
	status->fd = close_fd(status->fd);
}

void status_remove(pid_t supervisor)
{
	char folder[PATH_MAX], path[PATH_MAX];

	if (folder_find(folder) == 0 && put_name(path, folder, STATUS_PREFIX, supervisor) == 0)
		remove_socket(path);
}

/* The user's own processes, and root's: as for signals. */
static bool may_ask(int client)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

struct look {
	const struct ledger *ledger;
	struct status_subflow *seen; /* STATUS_SUBFLOWS_MAX of them */
	unsigned count, left_out;
};

static int saw(const struct diag_socket *socket, void *data)
{
	struct look *look = data;
	struct status_subflow subflow = {.socket = *socket};

	if (!ledger_connection(look->ledger, socket, &subflow.connection))
		return 0;
	if (look->count < STATUS_SUBFLOWS_MAX)
		look->seen[look->count++] = subflow;
	else
		look->left_out++;
	return 0;
}

static char *make_answer(const struct status *status, const struct status_facts *facts)
{
	_cleanup_free_ struct status_subflow *seen = calloc(STATUS_SUBFLOWS_MAX, sizeof(*seen));
	struct look look = {.ledger = facts->ledger, .seen = seen};
	json_t *object;
	char *text;

	if (!seen)
		return NULL;
	if (facts->subflows->nl && subflows_dump(facts->subflows, saw, &look) < 0)
		return NULL;
	object = status_json(status, facts, clock_now(), seen, look.count, look.left_out);
	text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}

/* Of this answer alone; it is freed with the reader's descriptor. */
static int put_into_memory(const char *text)
{
	_cleanup_close_ int fd = memfd_create("rivulet-status", MFD_CLOEXEC);
	size_t size = strlen(text);

	if (fd < 0 || write(fd, text, size) != (ssize_t)size)
		return -1;
	return steal_fd(&fd);
}

int status_accept(const struct status *status)
{
	_cleanup_close_ int client = accept4(status->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	return client >= 0 && may_ask(client) ? steal_fd(&client) : -1;
}

void status_reply(int client, const char *text)
{
	_cleanup_close_ int memory = put_into_memory(text);

	if (memory >= 0)
		fds_send(client, memory); /* one who is gone gets none */
}

void status_answer(const struct status *status, const struct status_facts *facts)
{
	_cleanup_close_ int client = status_accept(status);
	_cleanup_free_ char *text = client < 0 ? NULL : make_answer(status, facts);

	if (text)
		status_reply(client, text);
}
