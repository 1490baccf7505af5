/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rivulet-net, as a program: `rivulet` starts it with a socket as its standard input (net.h). */
#include "run/net.h"

#include "base/fds.h"

#include <stdio.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_told(int socket)
{
	int domain = 0, type = 0;
	socklen_t size = sizeof(int);

	return getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
	       domain == AF_UNIX && getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
	       type == SOCK_SEQPACKET;
}

int main(void)
{
	fds_hold_standard();
	if (!is_told(STDIN_FILENO)) {
		fputs("rivulet-net: started by rivulet, not by hand: see rivulet-net(8)\n", stderr);
		return 2;
	}
	/* The kernel says whether this file gives a right that who starts it has not. */
	return net_main(STDIN_FILENO, getauxval(AT_SECURE) != 0, true);
}
