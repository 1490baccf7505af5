/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/attachment.h"

#include <poll.h>

bool attachment_in_use(int listener)
{
	struct pollfd fd = {.fd = listener};

	return poll(&fd, 1, 0) >= 0 && !(fd.revents & (POLLHUP | POLLERR));
}
