/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/results.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

int results_check(const json_t *record)
{
	static const char *const texts[] = {"key",     "scenario", "workload",
					    "profile", "stack",    "protocol"};
	const json_t *figures = json_object_get(record, "figures"), *value;
	const char *name;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (!json_is_string(json_object_get(record, texts[i])))
			return -EINVAL;
	if (!json_is_integer(json_object_get(record, "repetition")) ||
	    !json_is_boolean(json_object_get(record, "ok")))
		return -EINVAL;
	if (!json_is_true(json_object_get(record, "ok")))
		return json_is_string(json_object_get(record, "why")) ? 0 : -EINVAL;
	if (!json_is_object(figures))
		return -EINVAL;
	json_object_foreach((json_t *)figures, name,
			    value) if (!json_is_number(value)) return -EINVAL;
	return 1;
}

/* Another seed is another measurement: other bytes, other losses. The caller frees. */
static char *place_name(const char *key, uint64_t seed)
{
	char *name;

	return asprintf(&name, "%" PRIu64 " %s", seed, key) < 0 ? NULL : name;
}

static int keep(struct results *results, json_t *record)
{
	_cleanup_free_ char *name =
		place_name(json_string_value(json_object_get(record, "key")),
			   (uint64_t)json_integer_value(json_object_get(record, "seed")));
	const json_t *earlier = name ? json_object_get(results->keys, name) : NULL;
	int code;

	if (earlier)
		code = json_array_set_new(results->all, (size_t)json_integer_value(earlier),
					  record);
	else
		code = json_array_append_new(results->all, record);
	if (!name || code < 0)
		return -ENOMEM;
	if (!earlier)
		code = json_object_set_new(
			results->keys, name,
			json_integer((json_int_t)json_array_size(results->all) - 1));
	return code < 0 ? -ENOMEM : 0;
}

int results_read(FILE *file, const char *path, struct results *results, off_t *ret_whole,
		 struct err *err)
{
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	ssize_t length;

	*ret_whole = 0;
	for (unsigned number = 1; (length = getline(&line, &room, file)) > 0; number++) {
		json_t *record;
		int code;

		if (line[length - 1] != '\n')
			return 0; /* cut short by whatever ended the writer */
		record = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		if (!record || results_check(record) < 0) {
			json_decref(record);
			return err_set(err, -EINVAL,
				       "%s:%u: this is no record of an assessment: take the line "
				       "out, or choose another folder with --out",
				       path, number);
		}
		code = keep(results, record);
		if (code < 0)
			return code;
		*ret_whole += length;
	}
	return 0;
}

static int open_file(const char *folder, const char *path, bool write, struct err *err)
{
	int fd;

	if (write && mkdir(folder, 0777) < 0 && errno != EEXIST)
		return err_set(err, -errno, "folder '%s' cannot be made: %s", folder,
			       strerror(errno));
	fd = open(path, write ? O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC,
		  0666);
	if (fd < 0)
		return err_set(err, -errno, "%s cannot be opened: %s", path, strerror(errno));
	if (write && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return err_set(err, -EBUSY, "another assessment is writing to %s", path);
	}
	return fd;
}

int results_open(const char *folder, bool write, struct results *ret, struct err *err)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[PATH_MAX];
	off_t whole;
	int copy, code;

	*ret = (struct results){.fd = -1, .all = json_array(), .keys = json_object()};
	snprintf(path, sizeof(path), "%s/" RESULTS_FILE, folder);
	ret->fd = open_file(folder, path, write, err);
	if (ret->fd < 0)
		return ret->fd;
	copy = fcntl(ret->fd, F_DUPFD_CLOEXEC, 3);
	file = copy < 0 ? NULL : fdopen(copy, "r");
	if (!file)
		return err_set(err, -errno, "%s cannot be read: %s", path, strerror(errno));
	code = results_read(file, path, ret, &whole, err);
	if (code == 0 && write && ftruncate(ret->fd, whole) < 0)
		code = err_set(err, -errno, "%s cannot be written: %s", path, strerror(errno));
	return code;
}

void results_close(struct results *results)
{
	results->fd = close_fd(results->fd);
	json_decref(results->all);
	json_decref(results->keys);
	results->all = results->keys = NULL;
}

bool results_have(const struct results *results, const char *key, uint64_t seed)
{
	_cleanup_free_ char *name = place_name(key, seed);
	const json_t *place = name ? json_object_get(results->keys, name) : NULL;

	return place &&
	       json_is_true(json_object_get(
		       json_array_get(results->all, (size_t)json_integer_value(place)), "ok"));
}

int results_add(struct results *results, json_t *record, struct err *err)
{
	_cleanup_free_ char *text = json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(7));
	size_t size = text ? strlen(text) : 0;

	if (!text) {
		json_decref(record);
		return err_set(err, -ENOMEM, "out of memory");
	}
	text[size++] = '\n'; /* in the place of the final zero */
	errno = ENOSPC;      /* where a part of it is written */
	if (write(results->fd, text, size) != (ssize_t)size || fdatasync(results->fd) < 0) {
		json_decref(record);
		return err_set(err, -errno, "the record cannot be written: %s", strerror(errno));
	}
	return keep(results, record);
}
