/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/beacon.h"

#include <errno.h>
#include <string.h>

#define VERSION 1
#define FIELDS  8

static void put_body(struct bytes *to, const struct identity *identity, const struct beacon *beacon)
{
	_cleanup_bytes_ struct bytes certificate = {0};

	items_put_array(to, FIELDS);
	items_put_number(to, VERSION);
	items_put_bytes(to, identity->crowd, CROWD_ID_SIZE);
	items_put_text(to, identity->node);
	items_put_number(to, beacon->port);
	items_put_number(to, identity->founder);
	items_put_bytes(to, &beacon->sender, sizeof(beacon->sender));
	items_put_array(to, beacon->address_count);
	for (unsigned i = 0; i < beacon->address_count; i++)
		items_put_bytes(to, beacon->addresses[i].bytes,
				address_size(&beacon->addresses[i]));
	if (identity_put_certificate(identity, &certificate) < 0)
		to->failed = true;
	items_put_bytes(to, certificate.data, certificate.size);
}

int beacon_put(struct bytes *to, const struct identity *identity, const struct beacon *beacon)
{
	_cleanup_bytes_ struct bytes body = {0};
	uint8_t signature[SIGNATURE_SIZE];
	int code;

	put_body(&body, identity, beacon);
	if (body.failed)
		return -ENOMEM;
	code = identity_sign(identity, body.data, body.size, signature);
	if (code < 0)
		return code;
	items_put_array(to, 2);
	items_put_bytes(to, body.data, body.size);
	items_put_bytes(to, signature, sizeof(signature));
	if (to->failed)
		return -ENOMEM;
	return to->size <= BEACON_SIZE_MAX ? 0 : -EMSGSIZE;
}

static void read_address(struct items *items, struct beacon *ret)
{
	struct address *address = &ret->addresses[ret->address_count];
	size_t size;
	const uint8_t *bytes = items_bytes(items, &size);

	if (items->err)
		return;
	*address = (struct address){.family = size == 4 ? AF_INET : AF_INET6,
				    .prefix = size == 4 ? 32 : 128};
	if (size != 4 && size != 16) {
		items_fail(items, -EBADMSG);
		return;
	}
	memcpy(address->bytes, bytes, size);
	ret->address_count++;
}

static int read_body(const uint8_t *body, size_t body_size, struct beacon *ret)
{
	struct items items = items_of(body, body_size);
	const char *node;
	uint64_t count;
	size_t size;

	if (items_array(&items) != FIELDS || items_number(&items) != VERSION)
		items_fail(&items, -EBADMSG);
	items_bytes_fixed(&items, ret->crowd, sizeof(ret->crowd));
	node = items_text(&items, &size);
	if (!items.err && size >= sizeof(ret->node))
		items_fail(&items, -EBADMSG);
	if (!items.err)
		memcpy(ret->node, node, size);
	if (!items.err && !eid_is_name(ret->node))
		items_fail(&items, -EBADMSG);
	ret->port = (uint16_t)items_number_to(&items, UINT16_MAX);
	ret->founder = items_number_to(&items, 1);
	items_bytes_fixed(&items, &ret->sender, sizeof(ret->sender));
	count = items_array(&items);
	if (count > BEACON_ADDRESSES_MAX)
		items_fail(&items, -EBADMSG);
	for (uint64_t i = 0; i < count && !items.err; i++)
		read_address(&items, ret);
	ret->certificate = items_bytes(&items, &ret->certificate_size);
	if (!items.err && items.at != items.end)
		items_fail(&items, -EBADMSG);
	return items.err ? -EBADMSG : 0;
}

int beacon_read(const void *data, size_t size, struct beacon *ret, const uint8_t **ret_body,
		size_t *ret_body_size, const uint8_t **ret_signature)
{
	struct items items = items_of(data, size);
	size_t signature_size;

	memset(ret, 0, sizeof(*ret));
	if (items_array(&items) != 2)
		items_fail(&items, -EBADMSG);
	*ret_body = items_bytes(&items, ret_body_size);
	*ret_signature = items_bytes(&items, &signature_size);
	if (items.err || signature_size != SIGNATURE_SIZE || items.at != items.end)
		return -EBADMSG;
	return read_body(*ret_body, *ret_body_size, ret);
}

int beacon_check(const struct identity *identity, const void *data, size_t size,
		 const struct in6_addr *from, struct beacon *ret, struct err *err)
{
	const uint8_t *body, *signature;
	size_t body_size;
	gnutls_x509_crt_t certificate;
	char node[NODE_MAX];
	int code = beacon_read(data, size, ret, &body, &body_size, &signature);

	if (code < 0)
		return err_set(err, code, "what it sends is no beacon");
	if (memcmp(&ret->sender, from, sizeof(*from)) != 0)
		return err_set(err, -ESTALE, "a beacon of '%s' comes from somebody else",
			       ret->node);
	if (memcmp(ret->crowd, identity->crowd, CROWD_ID_SIZE) != 0)
		return err_set(err, -EKEYREJECTED, "'%s' is of another crowd", ret->node);
	code = identity_check(identity, ret->certificate, ret->certificate_size, node, &certificate,
			      err);
	if (code < 0)
		return code;
	if (strcmp(node, ret->node) != 0 ||
	    !identity_verify(certificate, body, body_size, signature))
		code = err_set(err, -EKEYREJECTED, "'%s' did not sign the beacon in its name",
			       ret->node);
	gnutls_x509_crt_deinit(certificate);
	return code;
}
