/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the init of a machine (guest.h) makes of the kernel that has just started, so that programs find a host. */
#pragma once

#include "run/guest.h"

/* What programs expect to be mounted; everything else is the host's. */
int guest_mount(struct err *err);

/* The network's settings: nothing that the host does already. */
int guest_set_up_network(struct err *err);
/* The ports that are connected from. */
int guest_set_range(const struct port_range *range, struct err *err);
/* As the host has it (link/congestion.h). Where this kernel has no such way its own stays. */
void guest_set_congestion(const char *name);
/* So many @connections have the memory that is for what was received, together. */
int guest_share_memory(unsigned connections);
/* Sets up the devices for the ports @now, which were @was; those that are more are new. */
int guest_set_up_ports(const struct guest_ports *was, const struct guest_ports *now,
		       struct err *err);

/* Makes the calling process the caller's: limits, umask, signals, working directory, environment. @strings as of
 * guest_strings(). The user is left to run_program(). */
int guest_become_caller(const struct guest_start *start, char **strings, struct err *err);
