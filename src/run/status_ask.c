/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The asking side of status.h. */
#include "run/status.h"

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/folder.h"

#include <dirent.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#define PATIENCE_MS 1000
#define ANSWER_MAX  (16 << 20) /* bytes: more than STATUS_SUBFLOWS_MAX subflows can take */

static int connect_to(const char *path)
{
	const struct timeval patience = {PATIENCE_MS / 1000, PATIENCE_MS % 1000 * 1000};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return steal_fd(&fd);
}

static json_t *load(int memory)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;
	ssize_t got;

	if (fstat(memory, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    st.st_size > ANSWER_MAX)
		return NULL;
	text = malloc((size_t)st.st_size);
	if (!text)
		return NULL;
	got = pread(memory, text, (size_t)st.st_size, 0);
	return got > 0 ? json_loadb(text, (size_t)got, 0, NULL) : NULL;
}

/* The answer, or NULL and why in @ret_err. */
static json_t *ask(const char *path, int *ret_err)
{
	_cleanup_close_ int fd = connect_to(path), memory = -1;

	*ret_err = fd;
	if (fd < 0)
		return NULL;
	memory = fds_receive(fd);
	*ret_err = memory < 0 ? memory : -EBADMSG;
	return memory < 0 ? NULL : load(memory);
}

static int is_status(const struct dirent *entry)
{
	return strncmp(entry->d_name, STATUS_PREFIX, strlen(STATUS_PREFIX)) == 0;
}

int status_ask_all(json_t **ret, unsigned *ret_silent, struct err *err)
{
	char folder[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	struct dirent **entries;
	int code = folder_find(folder), count;
	json_t *runs;

	if (code < 0)
		return err_set(err, code, "no folder in which runs can be found: %s",
			       strerror(-code));
	count = scandir(folder, &entries, is_status, versionsort);
	if (count < 0)
		return err_set(err, -errno, "cannot read %s: %s", folder, strerror(errno));
	runs = json_array();
	*ret_silent = 0;
	for (int i = 0; i < count; i++) {
		json_t *run;

		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		run = ask(path, &code);
		if (run)
			json_array_append_new(runs, run);
		else if (code == -ECONNREFUSED)
			unlink(path); /* its supervisor and watcher were killed */
		else if (code != -ENOENT && code != -ECONNRESET) /* it has just ended */
			++*ret_silent;
		free(entries[i]);
	}
	free(entries);
	folder_leave(folder);
	*ret = runs;
	return 0;
}
