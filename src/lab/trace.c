/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/trace.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define TRACE_LINES_MAX (64 * 1000 * 1000)
#define TRACE_LINE_SIZE 12 /* ten digits, CR, LF: no line that is well formed is longer */
#define TRACE_SIZE_MAX  ((size_t)TRACE_LINES_MAX * TRACE_LINE_SIZE)

static void cleanup_trace(struct trace **trace)
{
	trace_free(*trace);
}

/* Lines of @text, with or without a newline at the end of the last one. */
static size_t count_lines(const char *text, size_t size)
{
	const char *end = text + size;
	size_t lines = 0;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));

		lines++;
		text = newline ? newline + 1 : end;
	}
	return lines;
}

/* The number that is all of @line..@end: digits only, no more than 32 bits. */
static int parse_time(const char *line, const char *end, uint32_t *ret)
{
	uint64_t value = 0;

	if (line == end)
		return -EINVAL;
	for (; line < end; line++) {
		if (*line < '0' || *line > '9')
			return -EINVAL;
		value = value * 10 + (uint64_t)(*line - '0');
		if (value > UINT32_MAX)
			return -ERANGE;
	}
	*ret = (uint32_t)value;
	return 0;
}

static int parse_lines(struct trace *trace, const char *text, const char *end, struct err *err)
{
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;
		const char *next = newline ? newline + 1 : end;
		size_t line = trace->count + 1;
		uint32_t at;

		if (newline && stop > text && stop[-1] == '\r')
			stop--;
		switch (parse_time(text, stop, &at)) {
		case 0:
			break;
		case -ERANGE:
			return err_set(err, -EINVAL, "line %zu: time above %u ms", line,
				       UINT32_MAX);
		default:
			return err_set(err, -EINVAL,
				       "line %zu: not a time in whole milliseconds, digits only",
				       line);
		}
		if (trace->count && at < trace->at_ms[trace->count - 1])
			return err_set(err, -EINVAL,
				       "line %zu: time %u ms is before the %u ms "
				       "of the line above",
				       line, at, trace->at_ms[trace->count - 1]);
		trace->at_ms[trace->count++] = at;
		text = next;
	}
	return 0;
}

int trace_parse(const char *text, size_t size, struct trace **ret, struct err *err)
{
	_cleanup_(cleanup_trace) struct trace *trace = NULL;
	size_t lines = size ? count_lines(text, size) : 0;
	int r;

	if (lines == 0)
		return err_set(err, -EINVAL, "empty: a trace needs at least one line");
	if (lines > TRACE_LINES_MAX)
		return err_set(err, -E2BIG, "%zu lines; the most is %d", lines, TRACE_LINES_MAX);

	trace = calloc(1, sizeof(*trace));
	if (trace)
		trace->at_ms = calloc(lines, sizeof(*trace->at_ms));
	if (!trace || !trace->at_ms)
		return err_set(err, -ENOMEM, "no memory for %zu lines", lines);

	r = parse_lines(trace, text, text + size, err);
	if (r < 0)
		return r;
	trace->period = trace->at_ms[trace->count - 1] * NS_PER_MS;
	if (trace->period == 0)
		return err_set(err, -EINVAL,
			       "line %zu: the last time is the trace's length and must be above 0",
			       trace->count);
	*ret = steal_ptr(trace);
	return 0;
}

/* Fills @text with @size bytes of @fd; fewer at the end of the file. */
static ssize_t read_all(int fd, char *text, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t n = read(fd, text + used, size - used);

		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			used += (size_t)n;
	}
	return (ssize_t)used;
}

int trace_load(const char *path, struct trace **ret, struct err *err)
{
	/* Non-blocking: opening a named pipe must not hang; below it is refused. */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	ssize_t size;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		return err_set(err, r, "%s: %s", path, strerror(-r));
	}
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s: not a regular file", path);
	if ((uint64_t)st.st_size > TRACE_SIZE_MAX)
		return err_set(err, -E2BIG, "%s: larger than a trace of %d lines can be", path,
			       TRACE_LINES_MAX);
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return err_set(err, -ENOMEM, "%s: no memory for its %jd bytes", path,
			       (intmax_t)st.st_size);
	size = read_all(fd, text, (size_t)st.st_size);
	if (size < 0)
		return err_set(err, (int)size, "%s: %s", path, strerror((int)-size));
	r = trace_parse(text, (size_t)size, ret, err);
	return r < 0 ? err_prefix(err, r, "%s", path) : 0;
}

void trace_free(struct trace *trace)
{
	if (!trace)
		return;
	free(trace->at_ms);
	free(trace);
}

uint64_t trace_opportunity(const struct trace *trace, uint64_t n)
{
	uint64_t at;

	if (__builtin_mul_overflow(n / trace->count, trace->period, &at) ||
	    __builtin_add_overflow(at, trace->at_ms[n % trace->count] * NS_PER_MS, &at))
		return UINT64_MAX;
	return at;
}

uint64_t trace_find(const struct trace *trace, uint64_t t)
{
	/* A repetition owns the times (0, period] after its start, so that its last opportunity is
	 * found, and not only the first of the next one, which may be at the same time. */
	uint64_t repetition = t ? (t - 1) / trace->period : 0;
	uint64_t within = t - repetition * trace->period;
	size_t low = 0, high = trace->count - 1; /* the last one is at period, never too early */

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (trace->at_ms[middle] * NS_PER_MS < within)
			low = middle + 1;
		else
			high = middle;
	}
	return repetition * trace->count + low;
}
