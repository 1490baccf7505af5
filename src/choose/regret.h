/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How good choices are: for each combination of profile, application and scenario that was measured, what is chosen without
 * that combination's own measurements is compared with what was best there. Each is judged twice, the second time on a device
 * whose kernel has no MPTCP. Pure.
 */
#pragma once

#include "choose/application.h"
#include "choose/measurements.h"

struct regret {
	unsigned combinations,
		forbidden; /* with two or more to choose from; of those, without native MPTCP */
	unsigned missed;   /* whose best the best fixed rule does not choose */
	unsigned separate; /* whose best and second are told apart by their intervals... */
	unsigned close;    /* ...and what was chosen is within 5 % of the best */
	double worst;      /* the least that a choice gave, of the best: 0..1... */
	char worst_at
		[192]; /* ...and which choice that was, in words; "": none gave less than the best */
	double mean,
		fixed_mean; /* of what the best would give, lost on average: by choosing, by the best fixed rule */
	char rule[64]; /* that rule: the first one of it, as "native mptcp" */
};

/* @own: the stack whose MPTCP the second judgement forbids. */
void regret_of(const struct measurements *measurements, const char *own, struct regret *ret);

json_t *regret_describe(const struct regret *regret);
