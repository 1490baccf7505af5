/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two checksums of bundles (RFC 9171, section 4.2.1), computed piece by piece: start with 0. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* CRC-16 of X.25. */
uint16_t crc16(uint16_t crc, const void *data, size_t size);
/* CRC-32C, Castagnoli's. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);
