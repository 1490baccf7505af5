/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For how long the kernel remembers that a network lets no MPTCP pass (net.mptcp.blackhole_timeout, seconds, since Linux 6.12).
 *
 * Where the first packets of a connection have not been answered and then a plain one is, the kernel takes the way for one that drops MPTCP,
 * and makes plain TCP of all connections of the network namespace, to whomever, for an hour. But a link that was dead for a few seconds,
 * as each is now and then on a moving device, looks just so. The connection itself needs no memory: it has left the option out.
 *
 * One second is enough, for the kernel doubles it with each connection that this befalls, up to 64 times, until one speaks MPTCP.
 * So who really is behind such a network waits for the lost packets a few times at first, and then once a minute. And it must not be much
 * more, for connections that begin together count each: seven of a browser's in a dead zone would make an hour of a minute.
 *
 * Not all runs have a journal in common (run/journal.h), so whoever has it short holds a shared lock on the network namespace's
 * own file, and only the last puts it back.
 *
 * The kernel reckons with the timeout of now, and forgets all when it is written: what it had found before is over, too.
 */
#pragma once

#include <stdbool.h>

/* Is it as nobody has set it? */
bool blackhole_is_kernels(void);

/* Only what is the kernel's own default is changed. 0, also if another process has done it; -ECANCELED: somebody has set it otherwise;
 * another negative errno: there is none (-ENOENT), or it cannot be written. */
int blackhole_shorten(void);
/* To the kernel's default, if it is still ours and no other process holds on to it. */
int blackhole_restore(void);
