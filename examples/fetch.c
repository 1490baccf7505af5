/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch HOST PORT PATH [STACK]: gets a file by HTTP over all links, writes it to standard output,
 * and says on standard error how it came. What it shows: an opened stack, a dialled connection that
 * is a descriptor like any other, and its status.
 *
 *     cc fetch.c $(pkg-config --cflags --libs rivulet) -o fetch
 */
#include <errno.h>
#include <rivulet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const protocols[] = {
	[RV_TCP] = "TCP",
	[RV_TCP_FALLBACK] = "TCP, because MPTCP was refused",
	[RV_MPTCP] = "MPTCP",
	[RV_MPTCP_PERHAPS] = "MPTCP or TCP, which this kernel does not tell",
};

static int ask(int fd, const char *host, const char *path)
{
	char request[2048];
	int size = snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path,
			    host);

	if (size < 0 || (size_t)size >= sizeof(request))
		return -ENAMETOOLONG;
	return write(fd, request, (size_t)size) == size ? 0 : -EIO;
}

/* Copies what comes after the header; -EPROTO without one, or where it does not say 200. */
static int copy_body(int fd, FILE *to)
{
	static const char end[] = "\r\n\r\n";
	char status[13] = "", buffer[65536];
	size_t seen = 0, matched = 0;
	ssize_t size;

	while ((size = read(fd, buffer, sizeof(buffer))) > 0) {
		ssize_t at = 0;

		for (; at < size && matched < 4; at++, seen++) {
			if (seen < sizeof(status) - 1)
				status[seen] = buffer[at];
			if (buffer[at] == end[matched])
				matched++;
			else
				matched = buffer[at] == end[0];
		}
		if (fwrite(buffer + at, 1, (size_t)(size - at), to) != (size_t)(size - at))
			return -EIO;
	}
	if (size < 0)
		return -errno;
	return matched == 4 && strcmp(status + 8, " 200") == 0 ? 0 : -EPROTO;
}

static void show(const struct rv_status *status)
{
	fprintf(stderr, "%s: %llu bytes received, %u subflows\n", protocols[status->protocol],
		(unsigned long long)status->received, status->subflow_count);
	for (unsigned i = 0; i < status->subflow_count && i < RV_SUBFLOWS_MAX; i++) {
		const struct rv_subflow *subflow = &status->subflows[i];

		fprintf(stderr, "  %s: %llu bytes, RTT %.1f ms\n",
			*subflow->link ? subflow->link : "?", (unsigned long long)subflow->received,
			subflow->rtt_us / 1000.0);
	}
}

int main(int argc, char **argv)
{
	struct rv_status status;
	struct rv_error why;
	struct rv *rv;
	int fd, code;

	if (argc < 4 || argc > 5) {
		fprintf(stderr, "usage: fetch HOST PORT PATH [native|host|lkl]\n");
		return 2;
	}
	if (rv_open(argv[4], NULL, &rv, &why) < 0) {
		fprintf(stderr, "fetch: %s\n", why.text);
		return 1;
	}
	fd = rv_dial(rv, argv[1], argv[2], 0, 30000, &why);
	if (fd < 0) {
		fprintf(stderr, "fetch: %s\n", why.text);
		rv_close(rv);
		return 1;
	}
	code = ask(fd, argv[1], argv[3]);
	if (code == 0)
		code = copy_body(fd, stdout);
	if (code == 0)
		code = rv_ended(rv, fd, NULL); /* a part is not the whole */
	if (code < 0)
		fprintf(stderr, "fetch: %s: %s\n", argv[3], rv_strerror(code));
	else if (rv_status(rv, fd, &status, NULL) == 0)
		show(&status);
	close(fd);
	rv_close(rv);
	return code < 0 || fflush(stdout) ? 1 : 0;
}
