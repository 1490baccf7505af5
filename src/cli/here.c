/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rivulet-whole has instead of elsewhere.c. */
#include "cli/via.h"

int via_elsewhere(int argc, char **argv, struct err *err)
{
	return 0;
}
