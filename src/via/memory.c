/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "via/memory.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FILE_NAME "/rivulet/servers"

static bool parse_number(const char *text, int base, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = text ? strtoull(text, &end, base) : 0;
	return text && isxdigit((unsigned char)*text) && !*end && errno == 0;
}

static void parse_line(struct ways *ways, char *line, const struct memory_clock *clock)
{
	char *rest = NULL, *destination = strtok_r(line, " ", &rest),
	     *way = strtok_r(NULL, " ", &rest), *until = strtok_r(NULL, " ", &rest);
	struct ways_memory memory = {.hint = true};
	uint64_t end;

	if (!parse_number(destination, 16, &memory.destination) || !parse_number(until, 10, &end) ||
	    strtok_r(NULL, " ", &rest) || end <= clock->wall ||
	    (strcmp(way, "direct") != 0 && strcmp(way, "relay") != 0))
		return;
	memory.way = way[0] == 'd' ? WAY_DIRECT : WAY_VIA;
	memory.until = clock->now + (end - clock->wall);
	ways_recall(ways, &memory, clock->now);
}

void memory_parse(struct ways *ways, const char *text, size_t size,
		  const struct memory_clock *clock)
{
	const char *at = text, *end = text + size;

	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((stop ? stop : end) - at);
		char line[MEMORY_LINE_MAX];

		if (length < sizeof(line)) {
			memcpy(line, at, length);
			line[length] = '\0';
			parse_line(ways, line, clock);
		}
		at = stop ? stop + 1 : end;
	}
}

size_t memory_text(const struct ways *ways, char ret[static MEMORY_TEXT_MAX],
		   const struct memory_clock *clock)
{
	size_t size = 0;

	for (unsigned i = 0; i < WAYS_MEMORY; i++) {
		const struct ways_memory *memory = &ways->memory[i];

		if (memory->destination && memory->until > clock->now)
			size += (size_t)snprintf(
				ret + size, MEMORY_LINE_MAX, "%016" PRIx64 " %s %" PRIu64 "\n",
				memory->destination, memory->way == WAY_DIRECT ? "direct" : "relay",
				clock->wall + (memory->until - clock->now));
	}
	return size;
}

/* -- the file --------------------------------------------------------------------------------------------------------- */

static bool find(char ret[static PATH_MAX])
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int size;

	if (state && state[0] == '/')
		size = snprintf(ret, PATH_MAX, "%s" FILE_NAME, state);
	else if (home && home[0] == '/')
		size = snprintf(ret, PATH_MAX, "%s/.local/state" FILE_NAME, home);
	else
		return false;
	return size < PATH_MAX - 8; /* room for another name beside it */
}

static struct memory_clock clocks(void)
{
	return (struct memory_clock){clock_now() / NS_PER_S, (uint64_t)time(NULL)};
}

/* One that we own: another's home is not ours to write into, nor to believe. */
static void read_file(struct ways *ways, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	const struct memory_clock clock = clocks();
	_cleanup_free_ char *text = malloc(MEMORY_TEXT_MAX);
	struct stat is;
	ssize_t size;

	if (fd < 0 || !text || fstat(fd, &is) < 0 || !S_ISREG(is.st_mode) || is.st_uid != geteuid())
		return;
	size = read(fd, text, MEMORY_TEXT_MAX);
	if (size > 0)
		memory_parse(ways, text, (size_t)size, &clock);
}

/* All folders above the file; false: they cannot be made, or the last is not ours. */
static bool make_folders(const char *file)
{
	char path[PATH_MAX];
	struct stat is;

	snprintf(path, sizeof(path), "%s", file);
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return false;
		if (!strchr(at + 1, '/') && (stat(path, &is) < 0 || is.st_uid != geteuid()))
			return false;
		*at = '/';
	}
	return true;
}

void memory_load(struct ways *ways)
{
	char path[PATH_MAX];

	if (find(path))
		read_file(ways, path);
}

void memory_save(struct ways *ways)
{
	_cleanup_free_ char *text = malloc(MEMORY_TEXT_MAX);
	char path[PATH_MAX], aside[PATH_MAX];
	struct memory_clock clock;
	size_t size;
	bool whole;
	int fd;

	if (!text || !ways->learned || !find(path) || !make_folders(path))
		return;
	read_file(ways, path);
	clock = clocks();
	size = memory_text(ways, text, &clock);
	snprintf(aside, sizeof(aside), "%sXXXXXX", path);
	fd = mkostemp(aside, O_CLOEXEC);
	if (fd < 0)
		return;
	whole = write(fd, text, size) == (ssize_t)size;
	close_fd(fd);
	if (!whole || rename(aside, path) < 0)
		unlink(aside);
}
