/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "choose/trust.h"

#include <math.h>

#define FEW 3 /* measured less often, there is no interval */
/* The standard deviation of a median, of the width of its interval: by the normal distribution, of which 95 % lie within four
 * of them. Of three values the interval is what was seen, which is on average 2.5. */
#define DEVIATION     0.25
#define DEVIATION_FEW 0.4

/* By logarithms; NAN: nothing is known. */
static double chance_of(const struct measured *measured)
{
	double width = log(measured->high / measured->low);

	if (!isfinite(width) || (measured->n > 0 && measured->n < FEW))
		return NAN;
	return pow(width * (measured->n == FEW ? DEVIATION_FEW : DEVIATION), 2);
}

/* The variance that chance gives on average; NAN: nothing is known. */
static double mean_chance(const struct measured *all, unsigned count)
{
	unsigned known = 0;
	double sum = 0;

	for (unsigned i = 0; i < count; i++) {
		double chance = chance_of(&all[i]);

		if (!isnan(chance)) {
			sum += chance;
			known++;
		}
	}
	return known ? sum / known : NAN;
}

static double variance(const struct measured *all, unsigned count)
{
	double sum = 0, squares = 0;

	for (unsigned i = 0; i < count; i++) {
		double value = log(all[i].median);

		sum += value;
		squares += value * value;
	}
	return count > 1 ? (squares - sum * sum / count) / (count - 1) : 0;
}

/* The mean of all, in which the sure ones weigh more. */
static double centre(const struct measured *all, unsigned count, double real, double usual)
{
	double sum = 0, weights = 0;

	for (unsigned i = 0; i < count; i++) {
		double chance = chance_of(&all[i]);
		double weight = 1 / (real + (isnan(chance) ? usual : chance));

		sum += weight * log(all[i].median);
		weights += weight;
	}
	return sum / weights;
}

void trust_weigh(struct measured *all, unsigned count)
{
	double usual = mean_chance(all, count), real = variance(all, count) - usual, middle;

	for (unsigned i = 0; i < count; i++)
		all[i].likely = all[i].median;
	if (isnan(real) || !(usual > 0))
		return;
	/* Not nothing, or one that knows no chance would weigh infinitely. */
	real = fmax(real, usual * 1e-3);
	middle = centre(all, count, real, usual);
	for (unsigned i = 0; i < count; i++) {
		double chance = chance_of(&all[i]);
		double part = real / (real + (isnan(chance) ? usual : chance));

		all[i].likely = exp(middle + part * (log(all[i].median) - middle));
	}
}
