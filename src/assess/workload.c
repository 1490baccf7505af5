/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/workload.h"

#include <stddef.h>
#include <string.h>

#define KB 1000u

const struct workload workloads[] = {
	{.name = "bulk-down",
	 .summary = "a download",
	 .talk = TALK_STREAM,
	 .down = true,
	 .clients = 1,
	 .figure = "goodput"},
	{.name = "bulk-up",
	 .summary = "an upload",
	 .talk = TALK_STREAM,
	 .up = true,
	 .clients = 1,
	 .figure = "goodput"},
	{.name = "bulk-both",
	 .summary = "both at once on one connection",
	 .talk = TALK_STREAM,
	 .up = true,
	 .down = true,
	 .clients = 1,
	 .figure = "goodput"},
	{.name = "request",
	 .summary = "64 bytes and as many in answer, one after the other",
	 .talk = TALK_ASK,
	 .clients = 1,
	 .figure = "delay-p95"},
	{.name = "messages",
	 .summary = "2 KB every 100 ms each way; the delay of each",
	 .talk = TALK_MESSAGES,
	 .clients = 1,
	 .figure = "delay-p95"},
	{.name = "short",
	 .summary = "a connection for each of many files of 10 to 100 KB",
	 .talk = TALK_STREAM,
	 .up_bytes = {100, 100},
	 .down_bytes = {10 * KB, 100 * KB},
	 .clients = 1,
	 .figure = "delay-p50"},
	{.name = "crowd",
	 .summary = "16 clients on each device, 250 KB at a time",
	 .talk = TALK_STREAM,
	 .up_bytes = {100, 100},
	 .down_bytes = {250 * KB, 250 * KB},
	 .clients = 16,
	 .figure = "goodput"},
	{.name = "offload",
	 .summary = "a task: 2 MB of input up, 200 KB of result down",
	 .talk = TALK_STREAM,
	 .up_bytes = {2000 * KB, 2000 * KB},
	 .down_bytes = {200 * KB, 200 * KB},
	 .clients = 1,
	 .figure = "delay-p50"},
	{.name = "control",
	 .summary = "no network: what the profile itself does to a program",
	 .talk = TALK_NONE,
	 .clients = 1,
	 .figure = "work"},
	{0},
};

const struct workload *workload_find(const char *name)
{
	for (const struct workload *workload = workloads; workload->name; workload++)
		if (strcmp(workload->name, name) == 0)
			return workload;
	return NULL;
}
