/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTP's CONNECT (RFC 9110, section 9.3.6; the message's form: RFC 9112). A tunnel is all that is offered, so of the
 * header nothing matters but that it is one. A refusal says why three times: in its status, in Proxy-Status (RFC 9209)
 * for programs, and in its text for people.
 *
 * More lenient than the standard in one point: HTTP/1.1 without Host is taken, for some clients leave it out and
 * the request line has it anyway.
 */
#include "attach/proxy/request.h"
#include "base/cleanup.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct refusal {
	int error;
	const char *status;
	const char *type; /* of RFC 9209, section 2.3; NULL: none fits */
};

/* The statuses are those that RFC 9209 recommends. */
static const struct refusal refusals[] = {
	{EACCES, "403 Forbidden", "destination_ip_prohibited"},
	{EPERM, "403 Forbidden", "destination_ip_prohibited"},
	{EKEYREJECTED, "407 Proxy Authentication Required\r\nProxy-Authenticate: Bearer",
	 "http_request_denied"},
	{EUSERS, "429 Too Many Requests", "connection_limit_reached"},
	{ENOENT, "502 Bad Gateway", "dns_error"},
	{EAGAIN, "504 Gateway Timeout", "dns_timeout"},
	{ETIMEDOUT, "504 Gateway Timeout", "connection_timeout"},
	{ECONNREFUSED, "502 Bad Gateway", "connection_refused"},
	{ECONNRESET, "502 Bad Gateway", "connection_terminated"},
	{ENETUNREACH, "502 Bad Gateway", "destination_ip_unroutable"},
	{EHOSTUNREACH, "502 Bad Gateway", "destination_ip_unroutable"},
	{EADDRNOTAVAIL, "502 Bad Gateway", "destination_ip_unroutable"},
	{EAFNOSUPPORT, "502 Bad Gateway", "destination_ip_unroutable"},
	{EMFILE, "503 Service Unavailable", "connection_limit_reached"},
	{ENFILE, "503 Service Unavailable", "connection_limit_reached"},
};
static const struct refusal other = {0, "500 Internal Server Error", "proxy_internal_error"};

static const struct refusal bad = {0, "400 Bad Request", "http_request_error"};
static const struct refusal large = {0, "431 Request Header Fields Too Large",
				     "http_request_error"};
static const struct refusal method = {0, "405 Method Not Allowed\r\nAllow: CONNECT",
				      "http_request_denied"};
static const struct refusal version = {0, "505 HTTP Version Not Supported", "http_protocol_error"};

/* The words are in @request->why. They may hold what a client sent, but only as it can be in a host's name. */
static void put_refusal(struct request *request, const struct refusal *refusal)
{
	int size =
		snprintf((char *)request->out, sizeof(request->out),
			 "HTTP/1.1 %s\r\n"
			 "Proxy-Status: rivulet; error=%s\r\n"
			 "Content-Type: text/plain; charset=utf-8\r\n"
			 "Content-Length: %zu\r\n"
			 "Connection: close\r\n"
			 "\r\n"
			 "rivulet: %s\n",
			 refusal->status, refusal->type,
			 strlen(request->why.text) + sizeof("rivulet: \n") - 1, request->why.text);

	request->out_size = (size_t)size;
}

static enum request_state refuse(struct request *request, const struct refusal *refusal,
				 const char *why)
{
	err_set(&request->why, -EPROTO, "%s", why);
	put_refusal(request, refusal);
	return REQUEST_REFUSED;
}

/* A part of the header. */
struct text {
	const char *at;
	size_t size;
};

static bool is(struct text text, const char *word)
{
	return text.size == strlen(word) && memcmp(text.at, word, text.size) == 0;
}

/* Cuts off @from what stands before the first @c, and the @c. All of it, if there is none. */
static struct text cut(struct text *from, char c)
{
	const char *end = memchr(from->at, c, from->size);
	struct text ret = {from->at, end ? (size_t)(end - from->at) : from->size};
	size_t off = ret.size + (end ? 1 : 0);

	*from = (struct text){from->at + off, from->size - off};
	return ret;
}

/* A line without its end: CR LF, or LF alone (RFC 9112, section 2.2). */
static struct text cut_line(struct text *from)
{
	struct text line = cut(from, '\n');

	if (line.size > 0 && line.at[line.size - 1] == '\r')
		line.size--;
	return line;
}

static int parse_port(struct request *request, struct text text)
{
	unsigned port = 0;

	if (text.size == 0 || text.size > 5)
		return -EINVAL;
	for (size_t i = 0; i < text.size; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return -EINVAL;
		port = 10 * port + (unsigned)(text.at[i] - '0');
	}
	return request_set_port(request, port);
}

/* HOST:PORT or [IPV6]:PORT, both always there. */
static int parse_target(struct request *request, struct text target)
{
	struct text host;

	if (target.size > 0 && target.at[0] == '[') {
		cut(&target, '[');
		host = cut(&target, ']');
		if (!memchr(host.at, ':', host.size) || target.size == 0 || target.at[0] != ':')
			return -EINVAL;
		cut(&target, ':');
	} else {
		host = cut(&target, ':');
	}
	if (request_set_host(request, host.at, host.size) < 0)
		return -EINVAL;
	return parse_port(request, target);
}

/* A token (RFC 9110, section 5.6.2), a colon, and a value without control characters. */
static bool is_field(struct text line)
{
	struct text name = cut(&line, ':');

	if (name.size == 0 || line.at == name.at + name.size)
		return false;
	for (size_t i = 0; i < name.size; i++)
		if (name.at[i] <= ' ' || name.at[i] > '~' ||
		    memchr("\"(),/:;<=>?@[\\]{}", name.at[i], 17))
			return false;
	for (size_t i = 0; i < line.size; i++)
		if (((unsigned char)line.at[i] < ' ' && line.at[i] != '\t') || line.at[i] == 0x7f)
			return false;
	return true;
}

/* A digit of base64 (RFC 4648, section 4); -1: none. */
static int digit_of(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* NAME:PASSWORD in base64 (RFC 7617). */
static void set_password(struct request *request, struct text text)
{
	char plain[2 * REQUEST_TOKEN_MAX];
	struct text rest = {plain, 0};
	unsigned bits = 0, count = 0;

	for (size_t i = 0; i < text.size && rest.size < sizeof(plain); i++) {
		int digit = digit_of(text.at[i]);

		if (digit < 0)
			break;
		bits = bits << 6 | (unsigned)digit;
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		plain[rest.size++] = (char)(bits >> count & 0xff);
	}
	cut(&rest, ':');
	request_set_token(request, rest.at, rest.size);
}

static bool begins(struct text text, const char *word)
{
	return text.size >= strlen(word) && strncasecmp(text.at, word, strlen(word)) == 0;
}

/* Who the client says that it is (RFC 9110, section 11.7.2). */
static void read_token(struct request *request, struct text line)
{
	struct text name = cut(&line, ':'), scheme;

	if (name.size != strlen("Proxy-Authorization") || !begins(name, "Proxy-Authorization"))
		return;
	while (line.size > 0 && line.at[0] == ' ')
		cut(&line, ' ');
	scheme = cut(&line, ' ');
	while (line.size > 0 && line.at[line.size - 1] == ' ')
		line.size--;
	if (scheme.size == 6 && begins(scheme, "Bearer"))
		request_set_token(request, line.at, line.size);
	else if (scheme.size == 5 && begins(scheme, "Basic"))
		set_password(request, line);
}

static enum request_state parse(struct request *request, struct text header)
{
	struct text line = cut_line(&header), word = cut(&line, ' '), target = cut(&line, ' ');

	if (line.size < 5 || memcmp(line.at, "HTTP/", 5) != 0)
		return refuse(request, &bad, "the client sent what is no request of HTTP");
	if (!is(line, "HTTP/1.1") && !is(line, "HTTP/1.0"))
		return refuse(request, &version, "the client speaks another HTTP than 1.1");
	if (!is(word, "CONNECT"))
		return refuse(request, &method,
			      "only CONNECT is served here, no requests for pages: for http:// "
			      "addresses tell the program of the proxy as socks5h://");
	while (header.size > 0) {
		line = cut_line(&header);
		if (line.size > 0 && !is_field(line))
			return refuse(request, &bad, "a line of the request's header is none");
		read_token(request, line);
	}
	if (parse_target(request, target) < 0)
		return refuse(request, &bad,
			      "the client asks for what is not the name or address of a host and a "
			      "port");
	return REQUEST_COMPLETE;
}

/* Up to the empty line that ends the header; 0: it has not come. */
static size_t find_end(const uint8_t *in, size_t size, size_t from)
{
	const uint8_t *at = in + from, *end = in + size;

	while ((at = memchr(at, '\n', (size_t)(end - at)))) {
		at++;
		if (at < end && *at == '\n')
			return (size_t)(at + 1 - in);
		if (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
			return (size_t)(at + 2 - in);
	}
	return 0;
}

/* The step is how far the end was looked for: a header that comes byte by byte is not read again each time. */
static enum request_state read_connect(struct request *request, const uint8_t *in, size_t size,
				       size_t *ret_used)
{
	size_t seen = size < REQUEST_IN_MAX ? size : REQUEST_IN_MAX;
	size_t end = find_end(in, seen, request->step);

	if (end) {
		*ret_used = end;
		return parse(request, (struct text){(const char *)in, end});
	}
	if (seen == REQUEST_IN_MAX)
		return refuse(request, &large,
			      "the header of the request is longer than 8192 bytes");
	request->step = seen < 2 ? 0 : (unsigned)seen - 2;
	return REQUEST_MORE;
}

static void answer_connect(struct request *request, int code, const struct sockaddr *local)
{
	static const char ok[] = "HTTP/1.1 200 Connection established\r\n\r\n";
	const struct refusal *refusal = &other;

	if (code == 0) {
		request->out_size = sizeof(ok) - 1;
		memcpy(request->out, ok, request->out_size);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (refusals[i].error == -code)
			refusal = &refusals[i];
	put_refusal(request, refusal);
}

const struct request_ops request_connect = {
	.name = "HTTP CONNECT",
	.read = read_connect,
	.answer = answer_connect,
};
