// SPDX-License-Identifier: GPL-2.0-only
/* Assembly (cpu/) needs to know of no structure. */
