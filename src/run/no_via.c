/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Relays (via/via.h), for programs that know none and have none of the libraries that they take. */
#include "via/via.h"

#include <errno.h>

int via_open(struct via **ret, const struct via_options *options, int announce, struct err *err)
{
	return err_set(err, -ENOTSUP, "this program knows no relay");
}

void via_close(struct via *via)
{
}

void via_hush(struct via *via)
{
}

struct steering *via_steering(struct via *via)
{
	return NULL;
}

struct stack *via_stack(struct via *via)
{
	return NULL;
}
