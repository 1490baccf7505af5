/* SPDX-License-Identifier: GPL-2.0-only */
/* Without an MMU there are no virtual mappings to say anything of. */
