/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rivulet-guest: the init of a machine (guest.h) as a program of its own, with few libraries. Inside, each page of a library
 * that is touched is a fault that another process takes part in, and again after each fork: with all that `rivulet` is linked
 * with it took 20 ms more until the program began. What is left out is not asked for inside: a run by a relay has `rivulet`
 * itself as init (no_via.c), ports are the host's to open, and what NetworkManager knows the host tells.
 */
#include "link/metered.h"
#include "link/port.h"
#include "run/guest.h"
#include "run/guest_memory.h"

#include <errno.h>

static int open_nat(const struct port_place *place, const struct link *link, struct port_end *end,
		    struct err *err)
{
	return err_set(err, -ENOTSUP, "there is no nat inside");
}

static void close_nat(struct port_end *end)
{
}

const struct port_way port_nat = {
	.name = "nat", .summary = "", .open = open_nat, .close = close_nat};

struct metered *metered_follow(void)
{
	return NULL;
}

void metered_close(struct metered *metered)
{
}

int metered_fd(const struct metered *metered)
{
	return -1;
}

bool metered_hear(struct metered *metered, struct policy *ret)
{
	return false;
}

int main(void)
{
	guest_foresee_memory();
	return guest_main();
}
