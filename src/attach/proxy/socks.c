/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SOCKS5 (RFC 1928), of which CONNECT is served:
 *
 *   client: 5, number of methods, methods     here: 5, the method (0: no authentication; 2: a password; 255: none of them)
 *   client: 1, name, password (RFC 1929)      here: 1, 0; whether it is the right one is said with the reply
 *   client: 5, command, 0, kind of address, address, port
 *   here:   5, reply, 0, kind of address, our address, our port
 *
 * A name is looked up here, not by the client ("socks5h"), so that the look-up goes by a link that works.
 */
#include "attach/proxy/request.h"
#include "base/cleanup.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum { GREETING, PASSWORD, COMMAND };                             /* steps */
enum { METHOD_NONE = 0, METHOD_PASSWORD = 2, METHOD_BAD = 0xff }; /* of authentication */
enum { COMMAND_CONNECT = 1 };
enum { KIND_IPV4 = 1, KIND_NAME = 3, KIND_IPV6 = 4 };
enum {
	REPLY_OK,
	REPLY_FAILED,
	REPLY_NOT_ALLOWED,
	REPLY_NETWORK,
	REPLY_HOST,
	REPLY_REFUSED,
	REPLY_TTL,
	REPLY_NO_COMMAND,
	REPLY_NO_KIND,
};

/* Which replies clients understand best: a name that is not found, and silence, make the host unreachable. */
static const struct {
	int error;
	uint8_t reply;
} replies[] = {
	{0, REPLY_OK},
	{EACCES, REPLY_NOT_ALLOWED},
	{EPERM, REPLY_NOT_ALLOWED},
	{EKEYREJECTED, REPLY_NOT_ALLOWED},
	{EUSERS, REPLY_NOT_ALLOWED},
	{ENETUNREACH, REPLY_NETWORK},
	{ENETDOWN, REPLY_NETWORK},
	{EADDRNOTAVAIL, REPLY_NETWORK},
	{EAFNOSUPPORT, REPLY_NETWORK},
	{EHOSTUNREACH, REPLY_HOST},
	{EHOSTDOWN, REPLY_HOST},
	{ENOENT, REPLY_HOST},
	{EAGAIN, REPLY_HOST},
	{ETIMEDOUT, REPLY_HOST},
	{ECONNREFUSED, REPLY_REFUSED},
	{ECONNRESET, REPLY_REFUSED},
};

static void put(struct request *request, const void *bytes, size_t size)
{
	memcpy(request->out + request->out_size, bytes, size);
	request->out_size += size;
}

/* @local: this end of the connection; any other family: none. */
static void put_reply(struct request *request, uint8_t reply, const struct sockaddr *local)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)local;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)local;

	if (local && local->sa_family == AF_INET6) {
		put(request, (uint8_t[]){5, reply, 0, KIND_IPV6}, 4);
		put(request, &v6->sin6_addr, 16);
		put(request, &v6->sin6_port, 2);
	} else if (local && local->sa_family == AF_INET) {
		put(request, (uint8_t[]){5, reply, 0, KIND_IPV4}, 4);
		put(request, &v4->sin_addr, 4);
		put(request, &v4->sin_port, 2);
	} else {
		put(request, (uint8_t[]){5, reply, 0, KIND_IPV4, 0, 0, 0, 0, 0, 0}, 10);
	}
}

static enum request_state refuse(struct request *request, uint8_t reply, const char *why)
{
	put_reply(request, reply, NULL);
	err_set(&request->why, -EPROTO, "%s", why);
	return REQUEST_REFUSED;
}

static enum request_state read_greeting(struct request *request, const uint8_t *in, size_t size,
					size_t *ret_used)
{
	uint8_t method;

	if (size < 2 || size < 2u + in[1])
		return REQUEST_MORE;
	*ret_used = 2u + in[1];
	method = memchr(in + 2, METHOD_NONE, in[1]) ? METHOD_NONE : METHOD_BAD;
	if (request->asks && memchr(in + 2, METHOD_PASSWORD, in[1]))
		method = METHOD_PASSWORD;
	put(request, (uint8_t[]){5, method}, 2);
	if (method == METHOD_BAD) {
		err_set(&request->why, -EPROTO, "the client wants to give a name and a password");
		return REQUEST_REFUSED;
	}
	request->step = method == METHOD_PASSWORD ? PASSWORD : COMMAND;
	return REQUEST_MORE;
}

static enum request_state read_password(struct request *request, const uint8_t *in, size_t size,
					size_t *ret_used)
{
	size_t name;

	if (size < 2 || size < 3u + in[1])
		return REQUEST_MORE;
	name = in[1];
	if (in[0] != 1)
		return refuse(request, REPLY_FAILED, "what follows the greeting is no password");
	if (size < 3u + name + in[2 + name])
		return REQUEST_MORE;
	*ret_used = 3u + name + in[2 + name];
	request_set_token(request, in + 3 + name, in[2 + name]);
	put(request, (uint8_t[]){1, 0}, 2);
	request->step = COMMAND;
	return REQUEST_MORE;
}

static int set_address(struct request *request, int family, const uint8_t *bytes)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family, bytes, text, sizeof(text));
	return request_set_host(request, text, strlen(text));
}

static enum request_state read_command(struct request *request, const uint8_t *in, size_t size,
				       size_t *ret_used)
{
	const uint8_t *address = in + 4;
	size_t length, head = 4; /* up to the address */
	int err;

	if (size < head)
		return REQUEST_MORE;
	if (in[0] != 5)
		return refuse(request, REPLY_FAILED, "what follows the greeting is not SOCKS5");
	if (in[1] != COMMAND_CONNECT)
		return refuse(request, REPLY_NO_COMMAND,
			      "the client asks for another command than CONNECT");
	switch (in[3]) {
	case KIND_IPV4:
		length = 4;
		break;
	case KIND_IPV6:
		length = 16;
		break;
	case KIND_NAME:
		if (size < 5)
			return REQUEST_MORE;
		length = in[4];
		address = in + ++head;
		break;
	default:
		return refuse(request, REPLY_NO_KIND, "the client has an unknown kind of address");
	}
	if (size < head + length + 2)
		return REQUEST_MORE;
	*ret_used = head + length + 2;
	if (in[3] == KIND_NAME)
		err = request_set_host(request, address, length);
	else
		err = set_address(request, in[3] == KIND_IPV4 ? AF_INET : AF_INET6, address);
	if (err < 0)
		return refuse(request, REPLY_HOST, "the client asks for what is no name of a host");
	err = request_set_port(request, (unsigned)address[length] << 8 | address[length + 1]);
	return err < 0 ? refuse(request, REPLY_FAILED, "no such port") : REQUEST_COMPLETE;
}

static enum request_state read_socks(struct request *request, const uint8_t *in, size_t size,
				     size_t *ret_used)
{
	enum request_state state;
	size_t used = 0;

	if (request->step == GREETING) {
		state = read_greeting(request, in, size, ret_used);
		if (request->step == GREETING)
			return state;
	}
	if (request->step == PASSWORD) {
		state = read_password(request, in + *ret_used, size - *ret_used, &used);
		*ret_used += used;
		if (request->step == PASSWORD)
			return state;
		used = 0;
	}
	state = read_command(request, in + *ret_used, size - *ret_used, &used);
	*ret_used += used;
	return state;
}

static void answer_socks(struct request *request, int code, const struct sockaddr *local)
{
	uint8_t reply = REPLY_FAILED;

	for (size_t i = 0; i < ARRAY_SIZE(replies); i++)
		if (replies[i].error == -code)
			reply = replies[i].reply;
	put_reply(request, reply, reply == REPLY_OK ? local : NULL);
}

const struct request_ops request_socks = {
	.name = "SOCKS5",
	.read = read_socks,
	.answer = answer_socks,
};
