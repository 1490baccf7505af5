/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of a relay's clients. */
#include "via/server/clients.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct clients *clients;
	struct err err;

	if (clients_parse(&clients, "clients", (const char *)data, size, &err) < 0)
		return 0;
	if (clients_count(clients) > CLIENTS_MAX)
		abort();
	for (unsigned i = 0; i < clients_count(clients); i++)
		if (!clients_name(clients, (int)i)[0])
			abort();
	clients_free(clients);
	return 0;
}
