/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/load.h"

#include "assess/talk.h"
#include "base/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define HELLO_TIME (60 * NS_PER_S)

/* One write: lines of several processes do not mix. */
static int append(const char *path, const json_t *line)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	_cleanup_free_ char *text = json_dumps(line, JSON_COMPACT);
	size_t size = text ? strlen(text) : 0;

	if (fd < 0 || !text)
		return -EIO;
	text[size] = '\n'; /* in the place of the final zero */
	return write(fd, text, size + 1) == (ssize_t)size + 1 ? 0 : -EIO;
}

/* One connection, in a process of its own. */
static int serve(int fd, const char *path)
{
	struct hello hello;
	struct meter meter;
	json_t *line;
	int code, one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
	    talk_receive(fd, &hello, sizeof(hello), meter_clock() + HELLO_TIME) < 0 ||
	    hello.magic != HELLO_MAGIC)
		return 1;
	meter_init(&meter, hello.origin);
	code = talk(fd, &hello, false, &meter);
	meter_over(&meter, code, "serving");
	line = meter_describe(&meter);
	if (line)
		append(path, line);
	json_decref(line);
	meter_free(&meter);
	return code < 0;
}

static int listen_at(const char *address, struct err *err)
{
	_cleanup_close_ int fd = -1;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_NUMERICHOST | AI_PASSIVE,
				 .ai_family = strchr(address, ':') ? AF_INET6 : AF_INET},
			*found = NULL;
	int code = 0, one = 1;

	if (getaddrinfo(NULL, LOAD_PORT, &hints, &found) != 0)
		return err_set(err, -EINVAL, "no address to listen on");
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, 1024) < 0)
		code = err_set(err, -errno, "cannot listen: %s", strerror(errno));
	freeaddrinfo(found);
	return code < 0 ? code : steal_fd(&fd);
}

int load_serve(const struct load *load, struct err *err)
{
	_cleanup_close_ int fd = listen_at(load->address, err);
	char path[PATH_MAX];

	if (fd < 0)
		return fd;
	snprintf(path, sizeof(path), "%s/" LOAD_SERVER, load->folder);
	signal(SIGCHLD, SIG_IGN); /* nobody waits for them */
	for (;;) {
		_cleanup_close_ int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		pid_t pid;

		if (connection < 0 && errno != EINTR && errno != ECONNABORTED)
			return err_set(err, -errno, "accept: %s", strerror(errno));
		if (connection < 0)
			continue;
		pid = fork();
		if (pid == 0) {
			close_fd(fd);
			_exit(serve(connection, path));
		}
	}
}
