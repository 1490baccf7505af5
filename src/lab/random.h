/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small seeded generator (SplitMix64: a counter and a mixing function), so that an emulated link
 * is the same for the same seed on every machine and with every C library. Not for secrets.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state; /* the seed to begin with, any value */
};

static inline uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* Uniform in [0, 1), all 53 bits. */
static inline double random_uniform(struct random *random)
{
	return (double)(random_next(random) >> 11) * 0x1p-53;
}

/* Uniform in 0..@n-1 (0 for @n 0); the bias is below n / 2^64. */
static inline uint64_t random_below(struct random *random, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)random_next(random) * n) >> 64);
}

/* True with @probability. What is certain draws nothing from the generator. */
static inline bool random_chance(struct random *random, double probability)
{
	if (probability <= 0)
		return false;
	return probability >= 1 || random_uniform(random) < probability;
}
