/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A relay on this machine: what is in its folder, and its life.
 *
 *   key.pem, certificate.pem   its key, and the certificate that clients see
 *   clients                    who may use it (clients.h)
 *   destinations               optional: what clients get to, and what not (reach.h)
 *   name                       HOST:PORT, as clients reach it: for the lines that they are given
 */
#pragma once

#include "via/join.h"
#include "via/server/server.h"

struct serving {
	struct server_options
		server; /* stacks, files and clients are found here, unless they are given */
	const char *folder;
	const char *clients; /* file; NULL: that of the folder */
	bool open;           /* to everyone */
	const char *log;     /* file to add to; "-": standard output; NULL: none */
	bool quiet;
};

/* Where the folder is unless told: /etc/rivulet/relay for root, else $XDG_CONFIG_HOME/rivulet/relay or below ~/.config; NULL: nobody says
 * where that is. */
const char *serve_folder(void);

/* Until a signal ends it; SIGHUP makes clients, destinations, certificate and key be read again. 0, or a negative errno with words. */
int serve(struct serving *serving, struct err *err);

/* Makes the folder, with a key, a certificate for @place (HOST or HOST:PORT) and a first client. What its user needs to know is in
 * @ret. -EEXIST: there is one already. */
int serve_init(const char *folder, const char *place, const char *client, struct join *ret,
	       struct err *err);
/* One more client. */
int serve_add(const char *folder, const char *client, struct join *ret, struct err *err);
