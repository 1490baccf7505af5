/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A running lab: the hosts and links of a scenario on this machine, for as long as a command runs.
 *
 * Three processes. The caller stays in the foreground and waits. Its child is the init of a new PID
 * namespace (and mount and network namespace, and user namespace where the caller has no
 * privileges): it builds the lab, starts the programs and reaps orphans. A child of that is the
 * emulator, which carries the frames. Init is killed when the caller dies, however it dies; with
 * init the kernel kills every process of the lab, and with the last of them go the network
 * namespaces and the devices. So there is nothing to clean up, and nothing that can be left.
 */
#pragma once

#include "base/err.h"
#include "lab/emulator.h"
#include "lab/scenario.h"

struct lab_also {
	unsigned host;
	const char *command; /* for sh -c */
};

/* All borrowed. */
struct lab_options {
	unsigned host;     /* where the command runs */
	char *const *argv; /* the command */
	const struct lab_also *also;
	unsigned also_count;
	uint64_t seed;
	const char *pcap_folder; /* gets HOST-DEVICE.pcap for each end; NULL: none */
	int samples;             /* descriptor for JSON lines; -1: none */
	bool from_traffic;       /* events count from the first TCP segment of the command's host */
	const char *wire;        /* the kind of wires to use; NULL: the best that can be had */
};

/* What a lab leaves. */
struct lab_result {
	struct traffic *traffic; /* one per wire; freed with lab_result_free() */
	char wire[8];            /* the kind of wires that was used */
	struct err note;         /* something of little weight that could not be had, or "" */
	struct err lost;         /* a capture or the samples could not be written in full, or "" */
};

/* Builds the lab, runs the command, tears the lab down. The exit code of the command as a shell
 * would give it, and where it is 126 or 127 because it could not be executed the reason in @err;
 * negative errno for failures of the lab itself.
 *
 * While it runs, signals that another process sends to the caller are passed on to the command;
 * those of the terminal have reached it already. Before there is a command either ends the lab. */
int lab_run(const struct scenario *scenario, const struct lab_options *options,
	    struct lab_result *ret, struct err *err);
void lab_result_free(struct lab_result *result);
