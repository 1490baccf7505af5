/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "via/join.h"

#include "base/address.h"
#include "base/hex.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

bool join_parse_key(const char *text, uint8_t ret[static TLS_KEY_ID_SIZE])
{
	return hex_read_all(text, ret, TLS_KEY_ID_SIZE);
}

const char *join_key_text(const uint8_t key[static TLS_KEY_ID_SIZE],
			  char text[static JOIN_KEY_TEXT_SIZE])
{
	hex_text(key, TLS_KEY_ID_SIZE, text);
	return text;
}

bool join_is_token(const char *text)
{
	size_t size = strlen(text);

	for (size_t i = 0; i < size; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("-._", text[i]))
			return false;
	return size > 0 && size <= JOIN_TOKEN_MAX;
}

static bool is_port(const char *text)
{
	unsigned port = 0;
	size_t size = strlen(text);

	if (size == 0 || size > 5)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = 10 * port + (unsigned)(text[i] - '0');
	}
	return port >= 1 && port <= 65535;
}

/* No name begins with a hyphen (RFC 1123, section 2.1): that is an option, where the relay was left out. */
static bool is_host(const char *text)
{
	struct address address;
	size_t size = strlen(text);

	if (strchr(text, ':'))
		return !strchr(text, '/') && address_parse(text, &address) == 0;
	if (text[0] == '-')
		return false;
	for (size_t i = 0; i < size; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("-._", text[i]))
			return false;
	return size > 0 && size < JOIN_HOST_SIZE;
}

/* HOST, HOST:PORT, [IPV6], [IPV6]:PORT. */
static int parse_place(char *text, struct join *ret)
{
	char *host = text, *port = NULL;

	if (text[0] == '[') {
		char *end = strchr(text, ']');

		if (!end || (end[1] != '\0' && end[1] != ':'))
			return -EINVAL;
		host = text + 1;
		port = end[1] == ':' ? end + 2 : NULL;
		*end = '\0';
		if (!strchr(host, ':'))
			return -EINVAL;
	} else if (strchr(text, ':') && strchr(text, ':') == strrchr(text, ':')) {
		port = strchr(text, ':') + 1;
		port[-1] = '\0';
	}
	if (!is_host(host) || (port && !is_port(port)) || strlen(host) >= sizeof(ret->host))
		return -EINVAL;
	snprintf(ret->host, sizeof(ret->host), "%s", host);
	snprintf(ret->port, sizeof(ret->port), "%s", port ? port : JOIN_PORT);
	return 0;
}

static char *strip(char *text, const char *head)
{
	size_t size = strlen(head);

	return strncmp(text, head, size) == 0 ? text + size : NULL;
}

int join_parse(const char *text, struct join *ret, struct err *err)
{
	char copy[JOIN_TEXT_MAX], *rest = copy, *at;

	*ret = (struct join){0};
	if (strlen(text) >= sizeof(copy))
		return err_set(err, -EINVAL, "what names the relay is too long");
	snprintf(copy, sizeof(copy), "%s", text);
	if ((at = strip(copy, "tls://"))) {
		rest = at;
	} else if ((at = strip(copy, "plain://"))) {
		ret->plain = true;
		rest = at;
	} else if (strstr(copy, "://")) {
		return err_set(err, -EINVAL, "a relay is named tls://... or plain://...");
	}
	at = strchr(rest, '#');
	if (at) {
		*at = '\0';
		ret->pinned = join_parse_key(at + 1, ret->pin);
		if (!ret->pinned || ret->plain)
			return err_set(
				err, -EINVAL,
				"what follows '#' is the relay's key: 64 hexadecimal digits, "
				"and only where there is TLS");
	}
	at = strchr(rest, '@');
	if (at) {
		*at = '\0';
		if (!join_is_token(rest))
			return err_set(
				err, -EINVAL,
				"what comes before '@' is a token: up to %d letters, digits, "
				"'-', '.' and '_'",
				JOIN_TOKEN_MAX);
		snprintf(ret->token, sizeof(ret->token), "%s", rest);
		rest = at + 1;
	}
	if (parse_place(rest, ret) < 0)
		return err_set(err, -EINVAL,
			       "no name or address of a relay: HOST, HOST:PORT, or the line that "
			       "`rivulet relay --init` says");
	return 0;
}

const char *join_text(const struct join *join, char text[static JOIN_TEXT_MAX])
{
	bool v6 = strchr(join->host, ':') != NULL;
	char key[JOIN_KEY_TEXT_SIZE] = "";

	if (join->pinned)
		join_key_text(join->pin, key);
	snprintf(text, JOIN_TEXT_MAX, "%s://%s%s%s%s%s:%s%s%s", join->plain ? "plain" : "tls",
		 join->token, join->token[0] ? "@" : "", v6 ? "[" : "", join->host, v6 ? "]" : "",
		 join->port, join->pinned ? "#" : "", key);
	return text;
}
