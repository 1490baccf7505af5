/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a call of socket() costs: the median time of COUNT pairs of socket() and close(), in ns.
 */
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	int protocol = argc > 2 && strcmp(argv[2], "mptcp") == 0 ? IPPROTO_MPTCP : 0;
	uint64_t *times = calloc(count ? count : 1, sizeof(*times));

	if (!count || !times || argc > 3) {
		fputs("usage: sockets COUNT [mptcp]\n", stderr);
		return 2;
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t start = clock_now();
		int fd = socket(AF_INET, SOCK_STREAM, protocol);

		if (fd < 0) {
			fprintf(stderr, "sockets: %s\n", strerror(errno));
			return EXIT_FAILURE;
		}
		close(fd);
		times[i] = clock_now() - start;
	}
	qsort(times, count, sizeof(*times), compare);
	printf("%" PRIu64 "\n", times[count / 2]);
	free(times);
	return EXIT_SUCCESS;
}
