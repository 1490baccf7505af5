/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "via/server/clients.h"

#include "base/cleanup.h"
#include "base/document.h"
#include "via/join.h"

#include <ctype.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct known {
	char name[CLIENT_NAME_MAX + 1];
	bool token; /* else a key */
	uint8_t id[TLS_KEY_ID_SIZE];
};

struct clients {
	unsigned count;
	struct known all[];
};

static int hash(const char *token, uint8_t ret[static TLS_KEY_ID_SIZE])
{
	return gnutls_hash_fast(GNUTLS_DIG_SHA256, token, strlen(token), ret);
}

void clients_free(struct clients *clients)
{
	free(clients);
}

unsigned clients_count(const struct clients *clients)
{
	return clients->count;
}

const char *clients_name(const struct clients *clients, int number)
{
	return clients->all[number].name;
}

static bool is_name(const char *text)
{
	size_t size = strlen(text);

	for (size_t i = 0; i < size; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("-._@", text[i]))
			return false;
	return size > 0 && size <= CLIENT_NAME_MAX;
}

static const char *parse_line(char *line, struct known *ret)
{
	char *rest = NULL, *name = strtok_r(line, " \t\r", &rest);
	const char *kind = strtok_r(NULL, " \t\r", &rest), *id = strtok_r(NULL, " \t\r", &rest);

	if (!kind || !id || strtok_r(NULL, " \t\r", &rest))
		return "a client is written as NAME token SHA256, or NAME key SHA256";
	if (!is_name(name))
		return "a client's name has up to 63 letters, digits, '-', '.', '_' and '@'";
	if (strcmp(kind, "token") != 0 && strcmp(kind, "key") != 0)
		return "a client is known by a token or a key";
	if (!join_parse_key(id, ret->id))
		return "the SHA-256 has 64 hexadecimal digits";
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->token = kind[0] == 't';
	return NULL;
}

int clients_parse(struct clients **ret, const char *path, const char *text, size_t size,
		  struct err *err)
{
	struct clients *clients =
		calloc(1, sizeof(*clients) + CLIENTS_MAX * sizeof(clients->all[0]));
	const char *at = text, *end = text + size, *wrong = NULL;
	unsigned number = 0;

	if (!clients)
		return err_set(err, -ENOMEM, "out of memory");
	while (at < end && !wrong) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((stop ? stop : end) - at);
		char line[256];

		number++;
		if (length >= sizeof(line)) {
			wrong = "the line is too long";
			break;
		}
		memcpy(line, at, length);
		line[length] = '\0';
		line[strcspn(line, "#")] = '\0';
		at = stop ? stop + 1 : end;
		if (line[strspn(line, " \t\r")] == '\0')
			continue;
		wrong = clients->count == CLIENTS_MAX
				? "there are too many clients"
				: parse_line(line, &clients->all[clients->count++]);
	}
	if (!wrong) {
		*ret = clients;
		return 0;
	}
	clients_free(clients);
	return err_set(err, -EINVAL, "%s:%u: %s", path, number, wrong);
}

int clients_read(struct clients **ret, const char *path, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int code = document_read(path, &text, &size, err);

	return code < 0 ? code : clients_parse(ret, path, text, size, err);
}

/* Each is looked at, and all of it: how long that takes tells nothing. */
static int find(const struct clients *clients, bool token, const uint8_t id[static TLS_KEY_ID_SIZE])
{
	int found = -ENOENT;

	for (unsigned i = 0; i < clients->count; i++)
		if (gnutls_memcmp(clients->all[i].id, id, TLS_KEY_ID_SIZE) == 0 &&
		    clients->all[i].token == token)
			found = (int)i;
	return found;
}

int clients_by_token(const struct clients *clients, const char *token)
{
	uint8_t id[TLS_KEY_ID_SIZE];

	return *token && hash(token, id) == 0 ? find(clients, true, id) : -ENOENT;
}

int clients_by_key(const struct clients *clients, const uint8_t key[static TLS_KEY_ID_SIZE])
{
	return find(clients, false, key);
}

int clients_again(const struct clients *clients, const struct clients *before, int number)
{
	const struct known *known = &before->all[number];

	return find(clients, known->token, known->id);
}

/* 256 bits, in the alphabet of RFC 4648, section 5. */
static int make_token(char ret[static CLIENTS_TOKEN_SIZE])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t bytes[CLIENTS_TOKEN_SIZE - 1];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EIO;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		ret[i] = digits[bytes[i] & 63];
	ret[sizeof(bytes)] = '\0';
	return 0;
}

int clients_check_name(const char *name, struct err *err)
{
	return is_name(name) ? 0
			     : err_set(err, -EINVAL,
				       "'%s' is no name: up to %d letters, digits, '-', '.', '_' "
				       "and '@'",
				       name, CLIENT_NAME_MAX);
}

/* Does the file end in the middle of a line, as some editors leave it? */
static bool is_cut(int fd, off_t size)
{
	char last = '\n';

	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

/* All of it or nothing: half a line, and no relay would start by this file. */
static int append(int fd, off_t end, const char *line, size_t size)
{
	int code;

	errno = ENOSPC; /* where a part of it is written */
	if (write(fd, line, size) == (ssize_t)size)
		return 0;
	code = -errno;
	(void)!ftruncate(fd, end);
	return code;
}

int clients_add(const char *path, const char *name, char ret_token[static CLIENTS_TOKEN_SIZE],
		struct err *err)
{
	_cleanup_free_ struct clients *clients = NULL;
	_cleanup_close_ int fd = -1;
	uint8_t id[TLS_KEY_ID_SIZE];
	char text[JOIN_KEY_TEXT_SIZE], line[256];
	int code = clients_check_name(name, err), size;
	off_t end;

	if (code < 0)
		return code;
	if (access(path, F_OK) == 0)
		code = clients_read(&clients, path, err);
	if (code < 0)
		return code;
	for (unsigned i = 0; clients && i < clients->count; i++)
		if (strcmp(clients->all[i].name, name) == 0)
			return err_set(
				err, -EEXIST,
				"there is a client '%s' in %s; without its line its token is "
				"worth nothing",
				name, path);
	if (make_token(ret_token) < 0 || hash(ret_token, id) < 0)
		return err_set(err, -EIO, "there is no randomness to be had");
	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, -errno, "cannot write %s: %s", path, strerror(errno));
	end = lseek(fd, 0, SEEK_END);
	size = snprintf(line, sizeof(line), "%s%s token %s\n", is_cut(fd, end) ? "\n" : "", name,
			join_key_text(id, text));
	code = append(fd, end, line, (size_t)size);
	return code < 0 ? err_set(err, code, "cannot write %s: %s", path, strerror(-code)) : 0;
}
