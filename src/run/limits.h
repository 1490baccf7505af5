/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits of the caller's that are the program's, and none of the processes around it. */
#pragma once

/* Processor time: who limits it means each process of the program, and without us those would have no network. A hard limit only who has
 * CAP_SYS_RESOURCE may lift. */
void limits_lift_time(void);
