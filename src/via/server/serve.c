/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "via/server/serve.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/document.h"
#include "via/server/clients.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

const char *serve_folder(void)
{
	static char path[PATH_MAX];
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		return "/etc/rivulet/relay";
	if (config && config[0] == '/')
		snprintf(path, sizeof(path), "%s/rivulet/relay", config);
	else if (home && home[0] == '/')
		snprintf(path, sizeof(path), "%s/.config/rivulet/relay", home);
	return path[0] ? path : NULL;
}

struct files {
	char key[PATH_MAX], certificate[PATH_MAX], clients[PATH_MAX], destinations[PATH_MAX],
		name[PATH_MAX];
};

static struct files files_of(const char *folder)
{
	struct files files;

	snprintf(files.key, sizeof(files.key), "%s/key.pem", folder);
	snprintf(files.certificate, sizeof(files.certificate), "%s/certificate.pem", folder);
	snprintf(files.clients, sizeof(files.clients), "%s/clients", folder);
	snprintf(files.destinations, sizeof(files.destinations), "%s/destinations", folder);
	snprintf(files.name, sizeof(files.name), "%s/name", folder);
	return files;
}

/* All parents, too. */
static int make_folder(const char *folder, struct err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", folder);
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		mkdir(path, 0755);
		*at = '/';
	}
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(err, -errno, "cannot make %s: %s", path, strerror(errno));
	return 0;
}

static int write_name(const char *path, const char *place, struct err *err)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	if (!file || fprintf(file, "%s\n", place) < 0 || fflush(file) != 0)
		return err_set(err, -errno, "cannot write %s: %s", path, strerror(errno));
	return 0;
}

static int read_name(const char *path, struct join *ret, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int code = document_read(path, &text, &size, err);

	if (code < 0)
		return code;
	text[strcspn(text, "\r\n")] = '\0';
	code = join_parse(text, ret, err);
	return code < 0 ? err_prefix(err, code, "%s", path) : 0;
}

int serve_add(const char *folder, const char *client, struct join *ret, struct err *err)
{
	struct files files = files_of(folder);
	char token[CLIENTS_TOKEN_SIZE];
	int code;

	if (access(files.certificate, F_OK) < 0)
		return err_set(err, -ENOENT, "there is no relay in %s: rivulet relay --init HOST",
			       folder);
	code = read_name(files.name, ret, err);
	if (code == 0)
		code = tls_file_key(files.certificate, ret->pin, err);
	if (code == 0)
		code = clients_add(files.clients, client, token, err);
	if (code < 0)
		return code;
	ret->pinned = true;
	snprintf(ret->token, sizeof(ret->token), "%s", token);
	return 0;
}

int serve_init(const char *folder, const char *place, const char *client, struct join *ret,
	       struct err *err)
{
	struct files files = files_of(folder);
	uint8_t key[TLS_KEY_ID_SIZE];
	int code = join_parse(place, ret, err);

	if (code < 0 || ret->plain || ret->token[0] || ret->pinned)
		return err_set(err, -EINVAL,
			       "'%s' is no name that clients could reach this machine by: HOST or "
			       "HOST:PORT",
			       place);
	if (access(files.key, F_OK) == 0)
		return err_set(err, -EEXIST,
			       "there is a relay in %s already; --add NAME lets one more client in",
			       folder);
	code = clients_check_name(client, err); /* or half a relay would be left */
	if (code == 0)
		code = make_folder(folder, err);
	if (code == 0)
		code = tls_make(files.certificate, files.key, ret->host, key, err);
	if (code < 0)
		return code;
	code = write_name(files.name, place, err);
	if (code == 0)
		code = serve_add(folder, client, ret, err);
	if (code < 0) { /* half a relay would stand in the way of the next attempt */
		unlink(files.key);
		unlink(files.certificate);
		unlink(files.name);
	}
	return code;
}

/* -- serving ---------------------------------------------------------------------------------------------------------- */

static int find_clients(const struct serving *serving, const struct files *files,
			struct clients **ret, struct err *err)
{
	const char *path = serving->clients ? serving->clients : files->clients;
	bool there = access(path, F_OK) == 0;

	*ret = NULL;
	if (serving->open || (serving->server.plain && !there && !serving->clients))
		return 0;
	if (!there)
		return err_set(err, -ENOENT,
			       "nobody is known in %s: `rivulet relay --init HOST` makes a key and "
			       "a first client, --open lets everyone in",
			       path);
	return clients_read(ret, path, err);
}

/* Adds what the file says, if it is there, to what was said by options. */
static int find_destinations(const struct files *files, struct reach *reach, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int code;

	if (access(files->destinations, F_OK) < 0)
		return 0;
	code = document_read(files->destinations, &text, &size, err);
	return code < 0 ? code : reach_parse(reach, files->destinations, text, size, err);
}

/* What files say; the caller frees the clients. */
static int read_lists(struct server_options *options, void *data, struct err *err)
{
	const struct serving *serving = data;
	struct files files = files_of(serving->folder);
	int code;

	options->reach = serving->server.reach;
	code = find_destinations(&files, &options->reach, err);
	return code < 0 ? code : find_clients(serving, &files, &options->clients, err);
}

static int open_stacks(struct server_options *server, bool quiet, struct err *err)
{
	const struct stack_options how = {.stagger = 250 * NS_PER_MS}; /* RFC 8305, section 8 */
	const struct stack_ops *in = &stack_native;
	struct err why;
	int code;

	if (in->probe(&why) < 0) {
		if (!quiet)
			fprintf(stderr, "rivulet: clients will not be able to use MPTCP: %s\n",
				why.text);
		in = &stack_host;
	}
	code = in->open(&how, &server->in, err);
	if (code < 0)
		return code;
	code = stack_host.open(&how, &server->out, err);
	if (code < 0)
		in->close(server->in);
	return code;
}

static int open_log(const struct serving *serving, FILE **ret, struct err *err)
{
	*ret = NULL;
	if (!serving->log)
		return 0;
	*ret = strcmp(serving->log, "-") == 0 ? stdout : fopen(serving->log, "ae");
	return *ret ? 0
		    : err_set(err, -errno, "cannot write %s: %s", serving->log, strerror(errno));
}

static void block_signals(void)
{
	sigset_t told;

	server_signals(&told);
	sigprocmask(SIG_BLOCK, &told, NULL);
	signal(SIGPIPE, SIG_IGN); /* splice(2) cannot be told not to */
}

static int run(const struct serving *serving, const struct server_options *options, struct err *err)
{
	struct server *server;
	const char *door;
	int code = server_open(&server, options, err);

	if (code < 0)
		return code;
	for (unsigned i = 0; (door = server_door(server, i)) && !serving->quiet; i++)
		fprintf(stderr, "rivulet: relay at %s, %s\n", door,
			options->plain ? "plain: whoever is in between can read and change all"
				       : "inside TLS");
	code = server_run(server);
	server_close(server);
	return code < 0 ? err_set(err, code, "the relay cannot go on: %s", strerror(-code)) : 0;
}

int serve(struct serving *serving, struct err *err)
{
	struct server_options options = serving->server;
	struct files files = files_of(serving->folder);
	int code;

	options.renew = read_lists;
	options.data = serving;
	if (!options.certificate) {
		options.certificate = files.certificate;
		options.key = files.key;
	}
	code = read_lists(&options, serving, err);
	if (code < 0)
		return code;
	block_signals();
	code = open_log(serving, &options.log, err);
	if (code == 0)
		code = open_stacks(&options, serving->quiet, err);
	if (code == 0) {
		code = run(serving, &options, err);
		options.in->ops->close(options.in);
		options.out->ops->close(options.out);
	} else {
		clients_free(options.clients);
	}
	if (options.log && options.log != stdout)
		fclose(options.log);
	return code;
}
