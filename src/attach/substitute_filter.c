/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What attachment "substitute" asks about: sockets that are to be MPTCP ones, and the options that those treat otherwise. */
#include "attach/filter.h"
#include "attach/model.h"
#include "attach/options.h"
#include "base/cleanup.h"

#include <linux/net.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#define SOCKET_TYPE_MASK 0xf /* the rest of the argument are SOCK_CLOEXEC and SOCK_NONBLOCK */

/* TCP sockets are substituted. UDP sockets are only asked about: a name may be about to be looked up. */
static const struct {
	int type, protocol;
} asked[] = {
	{SOCK_STREAM, 0}, {SOCK_STREAM, IPPROTO_TCP}, {SOCK_STREAM, IPPROTO_MPTCP},
	{SOCK_DGRAM, 0},  {SOCK_DGRAM, IPPROTO_UDP},
};

static int add_socket(scmp_filter_ctx filter)
{
	const int domains[] = {AF_INET, AF_INET6};

	for (unsigned d = 0; d < ARRAY_SIZE(domains); d++) {
		for (unsigned i = 0; i < ARRAY_SIZE(asked); i++) {
			int err = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(socket), 3,
						   SCMP_A0_64(SCMP_CMP_MASKED_EQ, FILTER_INT,
							      (scmp_datum_t)domains[d]),
						   SCMP_A1_64(SCMP_CMP_MASKED_EQ, SOCKET_TYPE_MASK,
							      (scmp_datum_t)asked[i].type),
						   SCMP_A2_64(SCMP_CMP_MASKED_EQ, FILTER_INT,
							      (scmp_datum_t)asked[i].protocol));

			if (err < 0)
				return err;
		}
	}
	return 0;
}

/* What leads a thread to another network namespace, or begins it in one (known.h). */
static int add_leaving(scmp_filter_ctx filter)
{
	const scmp_datum_t net = CLONE_NEWNET, thread = CLONE_NEWNET | CLONE_THREAD;
	int err = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(unshare), 1,
				   SCMP_A0_64(SCMP_CMP_MASKED_EQ, net, net));

	if (err == 0)
		err = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(clone), 1,
				       SCMP_A0_64(SCMP_CMP_MASKED_EQ, thread, thread));
	if (err == 0)
		err = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(setns), 1,
				       SCMP_A1_64(SCMP_CMP_MASKED_EQ, net, net));
	/* To a namespace of whatever kind. */
	if (err == 0)
		err = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(setns), 1,
				       SCMP_A1_64(SCMP_CMP_MASKED_EQ, FILTER_INT, 0));
	return err;
}

static int add_options(scmp_filter_ctx filter, int call, const struct option_traps *traps,
		       unsigned level, enum option_direction direction)
{
	struct option_block blocks[OPTION_NAMES];
	bool spared[OPTION_NAMES];
	unsigned count;

	options_spared(traps, level, direction, spared);
	count = options_blocks(traps->trapped[level][direction], spared, blocks);
	for (unsigned i = 0; i < count; i++) {
		int err = seccomp_rule_add(
			filter, SCMP_ACT_NOTIFY, call, 2,
			SCMP_A1_64(SCMP_CMP_MASKED_EQ, FILTER_INT,
				   (scmp_datum_t)option_levels[level]),
			SCMP_A2_64(SCMP_CMP_MASKED_EQ, blocks[i].mask, blocks[i].value));

		if (err < 0)
			return err;
	}
	return 0;
}

struct asks {
	struct option_traps traps;
	bool routed;
};

/* All options of the levels. */
static int add_levels(scmp_filter_ctx filter, int call)
{
	int err = 0;

	for (unsigned l = 0; l < OPTION_LEVELS && err == 0; l++)
		err = seccomp_rule_add(
			filter, SCMP_ACT_NOTIFY, call, 1,
			SCMP_A1_64(SCMP_CMP_MASKED_EQ, FILTER_INT, (scmp_datum_t)option_levels[l]));
	return err;
}

static int add_rules(scmp_filter_ctx filter, enum filter_detail detail, void *data)
{
	const struct asks *asks = data;
	const struct option_traps *traps = &asks->traps;
	const int calls[OPTION_DIRECTIONS] = {
		[OPTION_SET] = SCMP_SYS(setsockopt), [OPTION_GET] = SCMP_SYS(getsockopt)};
	int err = add_socket(filter);

	if (err == 0)
		err = add_leaving(filter);
	for (unsigned d = 0; detail == FILTER_PRECISE && d < OPTION_DIRECTIONS; d++)
		for (unsigned l = 0; l < OPTION_LEVELS && err == 0; l++)
			err = add_options(filter, calls[d], traps, l, (enum option_direction)d);
	for (unsigned d = 0; detail == FILTER_COARSE && d < OPTION_DIRECTIONS && err == 0; d++)
		err = add_levels(filter, calls[d]);
	if (err == 0 && asks->routed)
		err = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(connect), 0);
	if (err == 0 && asks->routed)
		err = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(getpeername), 0);
	if (err == 0 && asks->routed)
		err = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(getsockopt), 2,
				       SCMP_A1_64(SCMP_CMP_MASKED_EQ, FILTER_INT, SOL_SOCKET),
				       SCMP_A2_64(SCMP_CMP_MASKED_EQ, FILTER_INT, SO_ERROR));
	return err;
}

int substitute_filter_load(bool routed, struct err *err)
{
	/* The last two are those of a route. */
	static const int calls[] = {SYS_SOCKET, SYS_SETSOCKOPT, SYS_GETSOCKOPT, SYS_CONNECT,
				    SYS_GETPEERNAME};
	struct asks asks = {model_traps(), routed};
	const struct filter_rules rules = {add_rules, &asks, calls,
					   ARRAY_SIZE(calls) - (routed ? 0 : 2)};

	return filter_load(&rules, err);
}
