/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files that are laid over MPTCP's share. */
#pragma once

struct sock;

/* rivulet_window.c: data that @ssk has got, of the mapping that is valid now, is about to be taken over by the connection. */
void rivulet_widen(struct sock *ssk);
/* rivulet_missing.c: something has come over a subflow. */
void rivulet_got(void);
