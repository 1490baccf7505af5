/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hosts of a lab: a network namespace each, and what is configured in it. A namespace lives as
 * long as its descriptor, or a process in it.
 */
#pragma once

#include "base/err.h"
#include "base/netlink.h"
#include "lab/scenario.h"

#include <net/ethernet.h>
#include <stdio.h>

struct host {
	int ns;        /* the network namespace; owned */
	struct nl *nl; /* rtnetlink in it; owned */
};

/* Makes a namespace for each host, with loopback up and nothing else; the calling thread stays
 * where it is. The caller frees with hosts_free(). */
int hosts_make(const struct scenario *scenario, struct host **ret, struct err *err);
void hosts_free(struct host *hosts, unsigned count);

/* The calling thread's own network namespace as the host @wanted, in place of one that hosts_make() makes. On errors there is
 * nothing to free. */
int host_take(const struct scenario_host *wanted, struct host *ret, struct err *err);

/* When the devices of all ends are there: configures them and brings them up, then routes, address
 * translation and /proc/sys. Hosts without netlink are somebody else's to configure. The calling thread is back where it was
 * afterwards. */
int hosts_configure(const struct scenario *scenario, const struct host *hosts, struct err *err);

/* The hardware address of an end (0, 1) of the scenario's link @number: the same in every run, and tells link and end to who reads
 * a capture. */
void hosts_hardware(unsigned number, unsigned end, uint8_t ret[static ETH_ALEN]);

/* Keeps devices in the calling thread's network namespace from speaking of their own accord. */
void hosts_silence(void);

/* Moves the calling thread into the network namespace @ns; -errno. */
int host_enter(int ns);

/* The lines of /etc/hosts that make the hosts known by name. Each address is also HOST.DEVICE. */
void hosts_write_names(const struct scenario *scenario, FILE *out);
