/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "choose/application.h"

#include <stddef.h>
#include <string.h>

const struct application applications[] = {
	{.name = "bulk",
	 .summary = "downloads, uploads, back-ups: as many bytes as possible",
	 .score = "goodput, silences and what was given up included",
	 .workloads = {"bulk-down", "bulk-up", "bulk-both"},
	 .figures = {{"goodput", false}}},
	{.name = "interactive",
	 .summary = "shells, pages, games: an answer soon, each time",
	 .score = "1 / 95th percentile of the time to an answer",
	 .workloads = {"request"},
	 .figures = {{"delay-p95", true}}},
	{.name = "messages",
	 .summary = "positions, telemetry, voice: each message soon, also when a link dies",
	 .score = "1 / 95th percentile of the delay of messages",
	 .workloads = {"messages"},
	 .figures = {{"delay-p95", true}}},
	{.name = "background",
	 .summary = "synchronisation: bytes, but the battery counts as much",
	 .score = "square root of goodput / processor time per GB",
	 .workloads = {"bulk-down", "bulk-up", "bulk-both"},
	 .figures = {{"goodput", false}, {"cpu-per-gb", true}}},
	{.name = "offload",
	 .summary = "tasks for others to compute: input there, result back, soon",
	 .score = "1 / median time of a task's transfers",
	 .workloads = {"offload"},
	 .figures = {{"delay-p50", true}}},
	{0},
};

const struct application *application_find(const char *name)
{
	for (const struct application *application = applications; application->name; application++)
		if (strcmp(application->name, name) == 0)
			return application;
	return NULL;
}
