/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * By what a kernel decides how fast to send (net.ipv4.tcp_congestion_control). The owner of a device may have chosen it for the links
 * that there are, so another kernel that sends over them decides as the host's.
 */
#pragma once

#define CONGESTION_NAME_MAX 16 /* with the zero; the kernel has no longer ones */

/* That of the network namespace of who asks. "": it cannot be had. */
void congestion_read(char ret[static CONGESTION_NAME_MAX]);
