/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/inside_status.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <string.h>

void inside_status_open(struct inside_status *status)
{
	status->count = 0;
	status_open(&status->status);
}

void inside_status_close(struct inside_status *status)
{
	while (status->count > 0)
		close_fd(status->asking[--status->count]);
	status_close(&status->status);
}

void inside_status_ask(struct inside_status *status, const struct guest_line *line)
{
	int client = status_accept(&status->status);

	if (client < 0)
		return;
	if (status->count == INSIDE_ASKING_MAX) {
		close_fd(client); /* it asks again */
		return;
	}
	status->asking[status->count++] = client;
	guest_send(line, GUEST_ASKED, NULL, 0, NULL, 0);
}

/* Who is inside may say what it likes: it is one object, of this run. */
static char *translate(const struct status *status, const char *text, size_t size)
{
	json_t *run = json_loadb(text, size, 0, NULL);
	char *translated = NULL;

	if (json_is_object(run)) {
		json_object_set_new(run, "pid", json_integer(getpid()));
		json_object_set_new(run, "netns", json_integer((json_int_t)status->netns));
		translated = json_dumps(run, JSON_COMPACT);
	}
	json_decref(run);
	return translated;
}

void inside_status_answer(struct inside_status *status, const char *text, size_t size)
{
	_cleanup_free_ char *translated = translate(&status->status, text, size);

	while (status->count > 0) {
		int client = status->asking[--status->count];

		if (translated)
			status_reply(client, translated);
		close_fd(client);
	}
}

static int answer(uid_t uid, int to)
{
	_cleanup_free_ char *text = NULL;
	struct err err;
	unsigned silent;
	json_t *runs;

	if (setuid(uid) < 0 || status_ask_all(&runs, &silent, &err) < 0)
		return 1;
	text = json_dumps(json_array_get(runs, 0), JSON_COMPACT);
	for (size_t done = 0, size = text ? strlen(text) : 0; done < size;) {
		ssize_t written = write(to, text + done, size - done);

		if (written < 0)
			return 1;
		done += (size_t)written;
	}
	return 0;
}

int guest_status_ask(uid_t uid)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		_exit(answer(uid, ends[1]));
	close_fd(ends[1]);
	if (pid > 0) {
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		return ends[0];
	}
	close_fd(ends[0]);
	return -EAGAIN;
}
