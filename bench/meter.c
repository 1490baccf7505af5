/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches a stream go by: copies standard input to standard output (or drops it) and says how much
 * came, how long it took, and what the longest silence was. What a receiver feels, measured at the
 * receiver, without touching the program that receives.
 *
 * A silence is the time between two reads that gave something, or from the last one to the end of
 * the stream (a transfer that stalls and then gives up has stalled). The time until the first byte
 * is told apart: it is set-up, not a stall.
 */
#include "base/clock.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct meter {
	uint64_t start;  /* ns, as all times here */
	uint64_t first;  /* first byte; 0: none yet */
	uint64_t last;   /* last byte */
	uint64_t gap;    /* longest silence... */
	uint64_t gap_at; /* ...and when it began */
	uint64_t bytes;
	FILE *samples;     /* "seconds bytes" lines, cumulative; NULL: none. The caller's */
	uint64_t interval; /* between two samples */
	uint64_t next_sample;
};

static double seconds(uint64_t ns)
{
	return (double)ns / NS_PER_S;
}

/* Samples stand at whole intervals from the start and hold what had come by then. */
static void meter_sample(struct meter *meter, uint64_t now)
{
	for (; meter->samples && meter->next_sample <= now; meter->next_sample += meter->interval)
		fprintf(meter->samples, "%.3f %" PRIu64 "\n",
			seconds(meter->next_sample - meter->start), meter->bytes);
}

static void meter_silence(struct meter *meter, uint64_t now)
{
	if (meter->first && now - meter->last > meter->gap) {
		meter->gap = now - meter->last;
		meter->gap_at = meter->last;
	}
}

static void meter_count(struct meter *meter, size_t bytes, uint64_t now)
{
	meter_sample(meter, now);
	meter_silence(meter, now);
	if (!meter->first)
		meter->first = now;
	meter->last = now;
	meter->bytes += bytes;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

static int meter_copy(struct meter *meter, bool drop)
{
	static char buffer[256 * 1024];

	for (;;) {
		ssize_t n = read(STDIN_FILENO, buffer, sizeof(buffer));
		int r = 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		meter_count(meter, (size_t)n, clock_now());
		if (!drop)
			r = write_all(STDOUT_FILENO, buffer, (size_t)n);
		if (r < 0)
			return r;
	}
}

static void meter_report(const struct meter *meter, uint64_t end, FILE *out)
{
	fprintf(out,
		"{\"bytes\": %" PRIu64 ", \"seconds\": %.4f, \"first_byte_s\": %.4f, "
		"\"longest_gap_ms\": %.1f, \"gap_at_s\": %.4f}\n",
		meter->bytes, seconds(end - meter->start),
		meter->first ? seconds(meter->first - meter->start) : -1.0,
		seconds(meter->gap) * 1000,
		meter->gap ? seconds(meter->gap_at - meter->start) : -1.0);
}

/* Line by line, so that others can watch. The caller closes. */
static FILE *open_or_die(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file) {
		fprintf(stderr, "meter: %s: %s\n", path, strerror(errno));
		exit(EXIT_FAILURE);
	}
	setvbuf(file, NULL, _IOLBF, 0);
	return file;
}

static void usage(FILE *out)
{
	fputs("usage: meter [--drop] [--report FILE] [--samples FILE] [--interval MS]\n"
	      "Copies standard input to standard output and reports what it saw, as JSON.\n"
	      "  --drop         copy nothing\n"
	      "  --report FILE  the report goes there, not to standard error\n"
	      "  --samples FILE every interval a line: seconds, bytes so far\n"
	      "  --interval MS  of samples; 50 unless told\n",
	      out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"drop", no_argument, NULL, 'd'},
		{"report", required_argument, NULL, 'r'},
		{"samples", required_argument, NULL, 's'},
		{"interval", required_argument, NULL, 'i'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct meter meter = {.interval = 50 * NS_PER_MS};
	FILE *report = stderr;
	bool drop = false;
	uint64_t end;
	int c, r;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		char *rest = NULL;

		switch (c) {
		case 'd':
			drop = true;
			break;
		case 'r':
			report = open_or_die(optarg);
			break;
		case 's':
			meter.samples = open_or_die(optarg);
			break;
		case 'i':
			meter.interval = strtoul(optarg, &rest, 10) * NS_PER_MS;
			if (*rest || !meter.interval || meter.interval > 3600 * NS_PER_S) {
				fprintf(stderr, "meter: --interval takes milliseconds, not '%s'\n",
					optarg);
				return 2;
			}
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	meter.start = clock_now();
	meter.next_sample = meter.start;
	r = meter_copy(&meter, drop);
	end = clock_now();
	meter_sample(&meter, end);
	meter_silence(&meter, end);
	meter_report(&meter, end, report);
	if (r < 0)
		fprintf(stderr, "meter: %s\n", strerror(-r));
	if (meter.samples && fclose(meter.samples))
		r = -errno;
	if (report != stderr && fclose(report))
		r = -errno;
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
