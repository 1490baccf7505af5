/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a device is made of, as far as this process may use it. */
#pragma once

#include <stdint.h>

#define DEVICE_UNLIMITED UINT64_MAX

struct device {
	char machine[65]; /* as uname(2) says: "aarch64" */
	char system[65], release[65];
	char cpu[128];        /* the model; "" if the kernel does not tell */
	unsigned cpus;        /* online */
	unsigned usable_cpus; /* of those, that this process may run on */
	double cpu_share; /* CPUs' time that a control group allows: 0.5 is half of one; 0: no limit */
	uint64_t memory;       /* bytes */
	uint64_t memory_free;  /* bytes that programs could still have */
	uint64_t memory_limit; /* bytes, of a control group; DEVICE_UNLIMITED */
	int cgroup;            /* version: 1, 2; 0: none is mounted */
};

/* What cannot be known stays empty, or 0. */
void device_read(struct device *ret);

/* The pure parts. */

/* The value of the first line "@key : VALUE" of @text (/proc/cpuinfo, /proc/meminfo), up to its end, into @ret; "" if there is
 * none. */
void device_field(const char *text, const char *key, char *ret, unsigned size);

/* CPUs' time that "max 100000" or "50000 100000" (cpu.max) allows; 0: no limit, or nonsense. */
double device_cpu_share(const char *text);
