/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

int lkl_map_memory(unsigned long size, const char *command);
