/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "via/exchange.h"

#include "base/cleanup.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

size_t exchange_ask(const char *host, const char *port, const char *token,
		    char ret[static EXCHANGE_ASK_MAX])
{
	bool v6 = strchr(host, ':') != NULL;
	int size = snprintf(ret, EXCHANGE_ASK_MAX,
			    "CONNECT %s%s%s:%s HTTP/1.1\r\nHost: %s%s%s:%s\r\n%s%s%s\r\n",
			    v6 ? "[" : "", host, v6 ? "]" : "", port, v6 ? "[" : "", host,
			    v6 ? "]" : "", port, token[0] ? "Proxy-Authorization: Bearer " : "",
			    token, token[0] ? "\r\n" : "");

	return (size_t)size;
}

/* The parameter "error" of Proxy-Status, and what connect() says of it. */
static const struct {
	const char *type;
	int error;
} types[] = {
	{"connection_refused", ECONNREFUSED},
	{"connection_timeout", ETIMEDOUT},
	{"connection_terminated", ECONNRESET},
	{"destination_ip_unroutable", EHOSTUNREACH},
	{"destination_ip_prohibited", EACCES},
	{"destination_unavailable", EHOSTUNREACH},
	{"dns_error", ENOENT},
	{"dns_timeout", EAGAIN},
	{"connection_limit_reached", ENOBUFS},
};

/* Where a relay does not tell more than a status. */
static const struct {
	unsigned status;
	int error;
} statuses[] = {
	{401, EPERM},   {403, EACCES},       {404, EHOSTUNREACH}, {407, EPERM},
	{429, ENOBUFS}, {502, EHOSTUNREACH}, {503, ENOBUFS},      {504, ETIMEDOUT},
};

/* The end of the header; 0: not there yet. */
static size_t find_end(const char *in, size_t size)
{
	for (size_t i = 0; i + 1 < size; i++) {
		if (in[i] != '\n')
			continue;
		if (in[i + 1] == '\n')
			return i + 2;
		if (in[i + 1] == '\r' && i + 2 < size && in[i + 2] == '\n')
			return i + 3;
	}
	return 0;
}

static const char *find_line(const char *in, size_t size, const char *name, size_t *ret_size)
{
	const char *end = in + size, *line = in;
	size_t length = strlen(name);

	while ((line = memchr(line, '\n', (size_t)(end - line)))) {
		const char *stop;

		line++;
		if ((size_t)(end - line) < length || strncasecmp(line, name, length) != 0)
			continue;
		stop = memchr(line, '\n', (size_t)(end - line));
		*ret_size = (size_t)((stop ? stop : end) - line) - length;
		return line + length;
	}
	return NULL;
}

static int error_by_type(const char *in, size_t size)
{
	static const char parameter[] = "error=";
	size_t length, plain = sizeof(parameter) - 1;
	const char *value = find_line(in, size, "Proxy-Status:", &length);
	const char *at = value ? memmem(value, length, parameter, plain) : NULL;
	size_t left;

	if (!at)
		return 0;
	at += plain;
	left = length - (size_t)(at - value);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		size_t word = strlen(types[i].type);

		if (left >= word && memcmp(at, types[i].type, word) == 0)
			return types[i].error;
	}
	return 0;
}

static int error_of(const char *in, size_t size, unsigned status)
{
	int error = error_by_type(in, size);

	for (size_t i = 0; i < ARRAY_SIZE(statuses) && !error; i++)
		if (statuses[i].status == status)
			error = statuses[i].error;
	return error ? error : EPROTO;
}

int exchange_reply(const void *bytes, size_t size, size_t *ret_used, struct err *err)
{
	static const char version[] = "HTTP/1.";
	const char *in = bytes;
	size_t start = sizeof(version) - 1, end;
	unsigned status = 0;
	int error;

	*ret_used = 0;
	if (memcmp(in, version, size < start ? size : start) != 0)
		return err_set(err, -EPROTO, "the relay does not speak HTTP");
	end = find_end(in, size);
	if (!end)
		return size < EXCHANGE_REPLY_MAX
			       ? -EAGAIN
			       : err_set(err, -EPROTO, "the relay's reply is too long");
	for (size_t i = start + 2; i < start + 5; i++) {
		if (i >= end || in[i] < '0' || in[i] > '9')
			return err_set(err, -EPROTO, "the relay's reply has no status");
		status = 10 * status + (unsigned)(in[i] - '0');
	}
	if (status >= 200 && status < 300) {
		*ret_used = end;
		return 0;
	}
	error = error_of(in, end, status);
	if (error == EPERM)
		return err_set(err, -error,
			       "the relay does not know this client: its token, or "
			       "certificate, is missing or wrong (%u)",
			       status);
	return err_set(err, -error, "the relay replies %u: %s", status, strerror(error));
}
