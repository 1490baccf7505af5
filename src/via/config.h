/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration files (link/policy_file.h), the relay's part:
 *
 *   via:
 *     relay: "tls://TOKEN@relay.example.org:7443#..."
 *     certificate: /home/anna/anna.pem, key: ...   # instead of a token
 *     use: find                  # or always, never
 *     rules:                     # the first that fits
 *       - {to: "*.example.org", way: direct}
 *       - {to: 192.0.2.0/24, port: 443, way: relay}
 */
#pragma once

#include "via/join.h"
#include "via/ways.h"

#include <limits.h>

/* All zero: nothing was said. */
struct via_config {
	struct join relay;                         /* host "": none */
	char certificate[PATH_MAX], key[PATH_MAX]; /* "": none */
	struct ways ways;
	bool used; /* "use" was said */
};

/* Adds what the document says and no earlier one did. Pure. -EINVAL: "FILE:LINE: what is wrong". */
int via_config_parse(struct via_config *config, const char *path, const char *text, size_t size,
		     struct err *err);
/* Adds the user's file and the system's. */
int via_config_read_files(struct via_config *config, struct err *err);
