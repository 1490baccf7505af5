/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of destinations, and files of them; and whatever they are, an address is allowed in one form only if it is in all. */
#include "via/reach.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct reach reach = {0};
	struct err err;
	char *copy;

	if (size < 6)
		return 0;
	memcpy(&v4.sin_addr, data, 4);
	memcpy(&v4.sin_port, data + 4, 2);
	memcpy(v6.sin6_addr.s6_addr, mapped, 12);
	memcpy(v6.sin6_addr.s6_addr + 12, data, 4);
	v6.sin6_port = v4.sin_port;
	copy = strndup((const char *)data + 6, size - 6);
	if (reach_add(&reach, copy, true, &err) == 0 && reach.count > REACH_MAX)
		abort();
	for (unsigned here = 0; here < 2; here++)
		if (reach_allows(&reach, (struct sockaddr *)&v4, here) !=
		    reach_allows(&reach, (struct sockaddr *)&v6, here))
			abort();
	free(copy);
	reach = (struct reach){0};
	if (reach_parse(&reach, "destinations", (const char *)data, size, &err) == 0 &&
	    reach.count > REACH_MAX)
		abort();
	return 0;
}
