/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/proxy/request.h"

#include "base/address.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct request_ops *tell(uint8_t first)
{
	if (first == 5)
		return &request_socks;
	if (first >= 'A' && first <= 'Z')
		return &request_connect;
	return NULL;
}

enum request_state request_read(struct request *request, const void *in, size_t size,
				size_t *ret_used)
{
	*ret_used = 0;
	if (size == 0)
		return REQUEST_MORE;
	if (!request->ops)
		request->ops = tell(*(const uint8_t *)in);
	if (!request->ops) {
		err_set(&request->why, -EPROTO, "the client speaks neither SOCKS5 nor HTTP");
		return REQUEST_REFUSED;
	}
	return request->ops->read(request, in, size, ret_used);
}

void request_answer(struct request *request, int code, const struct sockaddr *local)
{
	request->ops->answer(request, code, local);
}

/* Host names as they are in use, with the underscore that some have. Anything else would only make trouble in messages,
 * headers and resolvers. */
static bool is_name(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		char c = text[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    c != '.' && c != '-' && c != '_')
			return false;
	}
	return true;
}

static bool is_address(const char *text)
{
	struct address address;

	return !strchr(text, '/') && address_parse(text, &address) == 0;
}

int request_set_host(struct request *request, const void *text, size_t size)
{
	if (size == 0 || size > REQUEST_HOST_MAX || memchr(text, '\0', size))
		return -EINVAL;
	memcpy(request->host, text, size);
	request->host[size] = '\0';
	return is_name(request->host, size) || is_address(request->host) ? 0 : -EINVAL;
}

int request_set_port(struct request *request, unsigned port)
{
	if (port < 1 || port > 65535)
		return -EINVAL;
	snprintf(request->port, sizeof(request->port), "%u", port);
	return 0;
}

void request_set_token(struct request *request, const void *text, size_t size)
{
	request->token[0] = '\0';
	if (size > REQUEST_TOKEN_MAX || memchr(text, '\0', size))
		return;
	memcpy(request->token, text, size);
	request->token[size] = '\0';
}
