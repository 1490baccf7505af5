/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which address of a name to try when (RFC 8305, "Happy Eyeballs"). Pure: it is told what the
 * lookups and the attempts came to, and the time, and answers with the next address to try.
 *
 *  - Both families are looked up at once. Trying begins when the IPv6 addresses are there, or when
 *    the IPv4 ones are and the IPv6 lookup has failed or is RACE_RESOLUTION_DELAY late (section 3).
 *  - Families alternate, IPv6 first; within one the order is the lookup's own, which sorts by RFC
 *    6724 (section 4). Addresses that come late are taken in.
 *  - An address is tried when the one before it has failed, or has had its STAGGER (section 5).
 *
 * Not done: synthesizing IPv6 addresses behind NAT64 (section 7), remembering earlier round-trips.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define RACE_MAX              16         /* addresses of a family that are tried */
#define RACE_RESOLUTION_DELAY 50000000u  /* ns */
#define RACE_STAGGER          250000000u /* ns: what RFC 8305 recommends */
#define RACE_NEVER            UINT64_MAX

enum race_family { RACE_IPV6, RACE_IPV4, RACE_FAMILIES };

struct race_queue {
	struct sockaddr_storage all[RACE_MAX];
	unsigned count, next; /* all[next..count) were not tried yet */
	bool known;           /* the lookup has ended */
	uint64_t since;       /* when */
};

struct race {
	uint64_t stagger;
	struct race_queue queues[RACE_FAMILIES];
	enum race_family turn;
	bool started;
	uint64_t next_at;   /* no attempt before that, once started */
	unsigned under_way; /* attempts that neither failed nor won */
};

/* Times are ns of any clock that does not go back. */
void race_start(struct race *race, uint64_t stagger);

/* The lookup of @family has ended with @count addresses (0: none, or it failed; those above
 * RACE_MAX are left out). */
void race_resolved(struct race *race, enum race_family family, const struct sockaddr_storage *all,
		   unsigned count, uint64_t now);

/* The address to try now, which is under way from then on; borrowed. NULL: none; ask again at
 * *@ret_wake, or when something was told. */
const struct sockaddr_storage *race_next(struct race *race, uint64_t now, uint64_t *ret_wake);

/* An attempt that was under way has failed. */
void race_failed(struct race *race, uint64_t now);

/* Nothing is under way, and nothing is left or will come. */
bool race_is_over(const struct race *race);
