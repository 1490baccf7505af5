/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address translation in the calling thread's network namespace. */
#pragma once

#include "base/err.h"

/* What is forwarded out of @device carries the device's address from now on. */
int nat_masquerade(const char *device, struct err *err);
