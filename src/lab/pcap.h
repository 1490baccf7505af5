/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a packet capture: the classic pcap format with nanosecond time stamps (magic 0xa1b23c4d in
 * the writer's byte order, link type Ethernet), which tcpdump and Wireshark read.
 */
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct pcap;

/* Makes the file @path, replacing one that is there. The caller closes with pcap_close(). */
int pcap_open(const char *path, struct pcap **ret, struct err *err);

/* Adds a frame seen at @time, ns since 1970. Buffered; a file that cannot be written to is given up
 * (see pcap_error()), the caller need not care. */
void pcap_add(struct pcap *pcap, uint64_t time, const uint8_t *frame, size_t size);

/* Writes out what is buffered. */
void pcap_flush(struct pcap *pcap);

/* 0, or the negative errno of the write that failed. */
int pcap_error(const struct pcap *pcap);

/* Flushes and closes; NULL is fine. */
void pcap_close(struct pcap *pcap);
