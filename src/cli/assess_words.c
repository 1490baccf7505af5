/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/assess_words.h"

#include "assess/emulated.h"
#include "cli/lab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCENARIO_WORD_MAX (CELL_KEY_MAX - 106) /* so that keys have room for the rest */

/* Calls @each with every word of @list, which is changed. */
static int each_word(char *list, struct matrix *matrix,
		     int (*each)(struct matrix *matrix, const char *word, struct err *err),
		     struct err *err)
{
	char *rest = list;
	int code = 0;

	for (char *word; code == 0 && (word = strsep(&rest, ","));)
		code = each(matrix, word, err);
	return code;
}

/* Measured under one name, one would be taken for the other. */
static int twice(const char *word, struct err *err)
{
	return err_set(err, -EEXIST, "'%s' is named twice", word);
}

static int too_many(const char *what, struct err *err)
{
	return err_set(err, -E2BIG, "more than %d %s", MATRIX_MAX, what);
}

static int add_scenario(struct matrix *matrix, const char *word, struct err *err)
{
	struct cell_scenario *scenario = &matrix->scenarios[matrix->scenario_count];
	int code;

	if (matrix->scenario_count == MATRIX_MAX)
		return too_many("scenarios", err);
	if (strlen(word) > SCENARIO_WORD_MAX)
		return err_set(err, -ENAMETOOLONG,
			       "scenario '%s': its name has more than %d letters: name it from "
			       "nearer by",
			       word, SCENARIO_WORD_MAX);
	for (unsigned i = 0; i < matrix->scenario_count; i++)
		if (strcmp(matrix->scenarios[i].name, word) == 0)
			return twice(word, err);
	code = lab_find_scenario(word, &scenario->scenario, err);
	if (code < 0)
		return code;
	scenario->name = word;
	matrix->scenario_count++;
	if (scenario->scenario->host_count < 2 || scenario->scenario->link_count == 0)
		return err_set(err, -EINVAL,
			       "scenario '%s' has no two hosts with a link: who would serve the "
			       "first one?",
			       word);
	return 0;
}

static int add_workload(struct matrix *matrix, const char *word, struct err *err)
{
	const struct workload *workload = workload_find(word);

	if (!workload)
		return err_set(err, -ENOENT, "there is no workload '%s'; --help lists them", word);
	if (matrix->workload_count == MATRIX_MAX)
		return too_many("workloads", err);
	for (unsigned i = 0; i < matrix->workload_count; i++)
		if (matrix->workloads[i] == workload)
			return twice(word, err);
	matrix->workloads[matrix->workload_count++] = workload;
	return 0;
}

/* One that cannot be had is an error where it was asked for by name, and else left out. */
static int add_profile(struct matrix *matrix, const char *word, bool named, struct err *err)
{
	struct profile *profile = &matrix->profiles[matrix->profile_count];
	struct emulated_kernel kernel;
	struct err why = {0};
	int code;

	if (matrix->profile_count == MATRIX_MAX)
		return too_many("profiles", err);
	code = profile_parse(word, profile, err);
	if (code < 0)
		return code;
	for (unsigned i = 0; i < matrix->profile_count; i++)
		if (strcmp(matrix->profiles[i].name, profile->name) == 0)
			return twice(profile->name, err);
	if (profile->emulated && emulated_find(&kernel, &why) < 0) {
		if (named)
			return err_set(err, -ENOTSUP, "profile '%s' cannot be had here: %s",
				       profile->name, why.text);
		fprintf(stderr, "rivulet assess: without profile '%s': %s\n", profile->name,
			why.text);
		return 0;
	}
	matrix->profile_count++;
	return 0;
}

/* A profile of the user's own has commas in it: the rest of the list. */
static int add_profiles(struct matrix *matrix, char *list, bool named, struct err *err)
{
	int code = 0;

	while (code == 0 && list) {
		char *word = list;
		char *comma = strchr(list, ',');

		if (comma && memchr(list, ':', (size_t)(comma - list)))
			comma = NULL;
		if (comma)
			*comma = 0;
		list = comma ? comma + 1 : NULL;
		code = add_profile(matrix, word, named, err);
	}
	return code;
}

static int add_stack(struct matrix *matrix, const char *word, struct err *err)
{
	const struct stack_ops *stack = stack_find(word);
	struct err why = {0};

	if (!stack)
		return err_set(err, -ENOENT, "there is no stack '%s'; rivulet probe lists them",
			       word);
	if (stack->probe(&why) < 0)
		return err_set(err, -ENOTSUP, "stack '%s' cannot run here: %s", word, why.text);
	if (matrix->stack_count == MATRIX_MAX)
		return too_many("stacks", err);
	for (unsigned i = 0; i < matrix->stack_count; i++)
		if (matrix->stacks[i] == stack)
			return twice(word, err);
	matrix->stacks[matrix->stack_count++] = stack;
	return 0;
}

static int add_protocol(struct matrix *matrix, const char *word, struct err *err)
{
	for (unsigned i = 0; i < CELL_PROTOCOLS; i++)
		if (strcmp(word, cell_protocol_names[i]) == 0) {
			matrix->protocols[i] = true;
			return 0;
		}
	return err_set(err, -EINVAL, "'%s' is no protocol: tcp, mptcp", word);
}

/* All that can run; the others with the reason on standard error. */
static void add_all_stacks(struct matrix *matrix)
{
	for (unsigned i = 0; stacks[i] && matrix->stack_count < MATRIX_MAX; i++) {
		struct err why = {0};

		if (stacks[i]->probe(&why) >= 0)
			matrix->stacks[matrix->stack_count++] = stacks[i];
		else
			fprintf(stderr, "rivulet assess: without stack '%s': %s\n", stacks[i]->name,
				why.text);
	}
}

int assess_words_read(const struct assess_words *words, struct assess_lists *ret,
		      struct matrix *matrix, struct err *err)
{
	int code;

	ret->scenarios = strdup(words->scenarios);
	ret->workloads = strdup(words->workloads);
	ret->profiles = strdup(words->profiles);
	ret->protocols = strdup(words->protocols);
	ret->stacks = words->stacks ? strdup(words->stacks) : NULL;
	if (!ret->scenarios || !ret->workloads || !ret->profiles || !ret->protocols ||
	    (words->stacks && !ret->stacks))
		return err_set(err, -ENOMEM, "out of memory");
	code = each_word(ret->scenarios, matrix, add_scenario, err);
	if (code == 0)
		code = each_word(ret->workloads, matrix, add_workload, err);
	if (code == 0)
		code = add_profiles(matrix, ret->profiles, words->profiles_named, err);
	if (code == 0)
		code = each_word(ret->protocols, matrix, add_protocol, err);
	if (code == 0 && ret->stacks)
		code = each_word(ret->stacks, matrix, add_stack, err);
	else if (code == 0)
		add_all_stacks(matrix);
	return code;
}

void assess_lists_free(struct assess_lists *lists, struct matrix *matrix)
{
	for (unsigned i = 0; i < matrix->scenario_count; i++)
		scenario_free(matrix->scenarios[i].scenario);
	free(lists->scenarios);
	free(lists->workloads);
	free(lists->profiles);
	free(lists->stacks);
	free(lists->protocols);
}
