/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hostile.c may not have come by. */
#include "hostile.h"

#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void fail(const char *what, const char *which)
{
	dprintf(STDERR_FILENO, "hostile: %s: %s\n", what, which);
	_exit(LEAKED);
}

/* Is the socket of @inode in the list @name of our network namespace? */
static bool is_listed(const char *name, unsigned long inode)
{
	char path[64], line[512], word[32];
	FILE *file;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/self/net/%s", name);
	snprintf(word, sizeof(word), " %lu ", inode);
	file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, word);
	if (file)
		fclose(file);
	return found;
}

/* Does the supervisor have it, too? */
static bool is_shared(pid_t supervisor, const char *wanted)
{
	char path[32], target[256];
	DIR *folder;
	const struct dirent *entry;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%d/fd", supervisor);
	folder = opendir(path);
	while (folder && !found && (entry = readdir(folder))) {
		ssize_t length =
			readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);

		target[length < 0 ? 0 : length] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	if (folder)
		closedir(folder);
	return found;
}

/* It makes none of these itself. TCP sockets it may have got past the supervisor, which is nobody's loss but its own; the
 * relay's are not for it. */
void look_around(pid_t supervisor)
{
	static const char *const others[] = {"seccomp", "eventpoll", "timerfd", "signalfd",
					     "pidfd",   "memfd",     "net:["};
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		char target[256] = {0};
		unsigned long inode;
		char *end;

		if (entry->d_name[0] == '.' ||
		    readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1) < 0)
			continue;
		for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++)
			if (strstr(target, others[i]))
				fail("holds", target);
		if (strncmp(target, "socket:[", 8) != 0)
			continue;
		inode = strtoul(target + 8, &end, 10);
		if (*end != ']')
			continue;
		if (is_listed("netlink", inode))
			fail("holds a netlink socket", target);
		if (supervisor && (is_listed("tcp", inode) || is_listed("tcp6", inode)) &&
		    is_shared(supervisor, target))
			fail("holds a TCP socket of the supervisor's", target);
	}
	if (folder)
		closedir(folder);
}

/* Whatever length is told, nothing behind it is written. */
void check_bounds(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	for (int room = 0; fd >= 0 && room < 40; room++) {
		uint8_t bytes[64];
		socklen_t size = (socklen_t)room;

		memset(bytes, 0xa5, sizeof(bytes));
		if (getsockname(fd, (struct sockaddr *)bytes, &size) == 0)
			for (unsigned i = (unsigned)room; i < sizeof(bytes); i++)
				if (bytes[i] != 0xa5)
					fail("getsockname()", "wrote too far");
		size = (socklen_t)room;
		memset(bytes, 0xa5, sizeof(bytes));
		if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, bytes, &size) == 0)
			for (unsigned i = (unsigned)room; i < sizeof(bytes); i++)
				if (bytes[i] != 0xa5)
					fail("getsockopt()", "wrote too far");
	}
	if (fd >= 0)
		close(fd);
}
