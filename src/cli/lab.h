/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the subcommands of `rivulet lab` share. */
#pragma once

#include "lab/lab.h"
#include "lab/scenario.h"

/* Exit code for a lab that could not be had, as of env(1) and timeout(1). */
#define LAB_FAILED 125

int lab_cmd_run(int argc, char **argv);
int lab_cmd_shell(int argc, char **argv);
int lab_cmd_show(int argc, char **argv);
int lab_cmd_check(int argc, char **argv);
int lab_cmd_on(int argc, char **argv);

/* Loads the scenario at the path @name, or the shipped one of that name. */
int lab_find_scenario(const char *name, struct scenario **ret, struct err *err);

/* What went over each link, as a table or as one JSON object. */
void lab_print_stats(const struct scenario *scenario, const struct lab_result *result, FILE *out);
int lab_print_stats_json(const struct scenario *scenario, const struct lab_result *result,
			 FILE *out);

/* "rivulet lab: MESSAGE" on standard error; returns @exit_code. */
int lab_complain(int exit_code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static inline void lab_scenario_freep(struct scenario **scenario)
{
	if (*scenario)
		scenario_free(*scenario);
}
#define _cleanup_scenario_ __attribute__((cleanup(lab_scenario_freep)))
