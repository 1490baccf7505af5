/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch ADDRESS PORT PATH: gets a file by HTTP/1.0 and writes the body to standard output. Small
 * enough to be built in all the ways that a trick with the C library would miss: dynamic, static,
 * and (-DRAW) with system calls of its own.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef RAW
static long call(long number, long a, long b, long c)
{
	return syscall(number, a, b, c);
}
#define socket(a, b, c)  ((int)call(SYS_socket, a, b, c))
#define connect(a, b, c) ((int)call(SYS_connect, a, (long)(b), c))
#define read(a, b, c)    call(SYS_read, a, (long)(b), (long)(c))
#define write(a, b, c)   call(SYS_write, a, (long)(b), (long)(c))
#endif

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int put(int fd, const char *data, size_t size)
{
	while (size > 0) {
		long done = write(fd, data, size);

		if (done < 0)
			return -1;
		data += done;
		size -= (size_t)done;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	char buffer[65536], request[512];
	size_t head = 0; /* how much of "\r\n\r\n" was seen last */
	long got;
	int fd;

	if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fputs("usage: fetch ADDRESS PORT PATH\n", stderr);
		return 2;
	}
	to.sin_port = htons((unsigned short)strtoul(argv[2], NULL, 10));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		return fail("socket");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return fail("connect");
	snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n\r\n", argv[3]);
	if (put(fd, request, strlen(request)) < 0)
		return fail("write");
	while ((got = read(fd, buffer, sizeof(buffer))) > 0) {
		long i = 0;

		for (; i < got && head < 4; i++)
			head = buffer[i] == "\r\n\r\n"[head] ? head + 1 : buffer[i] == '\r';
		if (put(STDOUT_FILENO, buffer + i, (size_t)(got - i)) < 0)
			return fail("write");
	}
	return got < 0 ? fail("read") : 0;
}
