/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kinds of clouds:
 *
 *     command  PROGRAM FOLDER COMMAND...: any program that runs the command, wherever it likes, with the files of FOLDER, puts
 *              the outputs there, and ends as the command did
 *     slurm    a cluster that shares the node's folder: sbatch; then sacct, or scontrol where no accounts are kept; scancel;
 *              squeue, when it is not known whether sbatch came to its end
 */
#include "drop/cloud.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct cloud_words *words, const char *word)
{
	if (words->count < CLOUD_WORDS_MAX)
		words->words[words->count++] = word;
}

static void add_command(struct cloud_words *words)
{
	for (unsigned i = 0; i < words->task->argument_count; i++)
		add(words, words->task->arguments[i]);
}

static void command_start(struct cloud_words *words)
{
	add(words, words->settings);
	add(words, words->work);
	add_command(words);
}

static void slurm_start(struct cloud_words *words)
{
	const struct task_limits *limits = &words->task->limits;

	snprintf(words->text[0], sizeof(words->text[0]), "--time=%llu",
		 (unsigned long long)(limits->time / 60000 + 1));
	snprintf(words->text[1], sizeof(words->text[1]), "--mem=%lluM",
		 (unsigned long long)(limits->memory >> 20) + 1);
	snprintf(words->text[2], sizeof(words->text[2]), "--job-name=%s", words->mark);
	add(words, "sbatch");
	add(words, "--parsable");
	add(words, words->text[2]);
	add(words, "--no-requeue");
	add(words, words->text[0]);
	add(words, words->text[1]);
	add(words, "--chdir");
	add(words, words->work);
	add(words, "--output");
	add(words, words->output);
	add(words, "--error");
	add(words, words->error);
	if (words->settings[0]) /* such as --partition=short */
		add(words, words->settings);
	add(words, words->script);
	add_command(words);
}

static bool slurm_poll(struct cloud_words *words)
{
	if (words->attempt > 1)
		return false;
	if (words->attempt == 0) {
		add(words, "sacct");
		add(words, "--allocations");
		add(words, "--noheader");
		add(words, "--parsable2");
		add(words, "--format=State,ExitCode");
		add(words, "--jobs");
	} else {
		add(words, "scontrol");
		add(words, "--oneliner");
		add(words, "show");
		add(words, "job");
	}
	add(words, words->name);
	return true;
}

/* "COMPLETED|0:0", or "... JobState=COMPLETED ... ExitCode=0:0 ...". */
static int slurm_read(const char *text, enum task_end *ret, uint64_t *ret_code)
{
	static const struct {
		const char *state;
		enum task_end end;
	} states[] = {
		{"COMPLETED", TASK_EXITED},  {"FAILED", TASK_EXITED},
		{"TIMEOUT", TASK_TIME},      {"OUT_OF_MEMORY", TASK_MEMORY},
		{"CANCELLED", TASK_NOT_RUN}, {"NODE_FAIL", TASK_NOT_RUN},
		{"BOOT_FAIL", TASK_NOT_RUN}, {"DEADLINE", TASK_TIME},
		{"PREEMPTED", TASK_NOT_RUN}, {"REVOKED", TASK_NOT_RUN},
	};
	const char *state = strstr(text, "JobState="), *code = strstr(text, " ExitCode=");
	unsigned long status, number;
	char *end;

	state = state ? state + strlen("JobState=") : text;
	code = code ? code + strlen(" ExitCode=") : strchr(text, '|');
	code = code && *code == '|' ? code + 1 : code;
	status = code ? strtoul(code, &end, 10) : 0;
	if (!code || end == code || *end != ':')
		return -EPROTO;
	number = strtoul(end + 1, NULL, 10);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strncmp(state, states[i].state, strlen(states[i].state)) == 0) {
			*ret = number && states[i].end == TASK_EXITED ? TASK_KILLED : states[i].end;
			*ret_code = (number ? number : status) & 0xff;
			return 1;
		}
	return 0;
}

static void slurm_cancel(struct cloud_words *words)
{
	add(words, "scancel");
	add(words, words->name);
}

static void slurm_find(struct cloud_words *words)
{
	snprintf(words->text[0], sizeof(words->text[0]), "--name=%s", words->mark);
	add(words, "squeue");
	add(words, "--noheader");
	add(words, "--states=all");
	add(words, "--format=%A");
	add(words, words->text[0]);
}

static const struct cloud_ops kinds[] = {
	{"command", command_start, NULL, NULL, NULL, NULL},
	{"slurm", slurm_start, slurm_poll, slurm_read, slurm_cancel, slurm_find},
};

const struct cloud_ops *cloud_find(const char *text, const char **ret_settings)
{
	size_t size = strcspn(text, ":");

	*ret_settings = text[size] ? text + size + 1 : "";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].name) == size && strncmp(kinds[i].name, text, size) == 0)
			return kinds[i].poll || (*ret_settings)[0] ? &kinds[i] : NULL;
	return NULL;
}
