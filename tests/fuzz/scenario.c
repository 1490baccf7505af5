/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scenarios come from strangers: any bytes are refused in one line that names the file, or loaded
 * and can be shown. */
#include "lab/scenario.h"

#include <stdlib.h>
#include <string.h>

#define FOLDER "/nonexistent/" /* where relative traces are looked for */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int truth)
{
	if (!truth)
		abort();
}

static void show(const struct scenario *scenario)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	must(out != NULL);
	scenario_show(scenario, out);
	must(scenario_show_json(scenario, out) == 0);
	fclose(out);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scenario *scenario = NULL;
	struct err err = {.text = ""};
	int code = scenario_parse((const char *)data, size, FOLDER "s.yaml", &scenario, &err);

	if (code < 0) {
		must(!scenario && !strchr(err.text, '\n'));
		must(strncmp(err.text, FOLDER "s.yaml:", strlen(FOLDER "s.yaml:")) == 0);
		return 0;
	}
	for (unsigned i = 1; i < scenario->event_count; i++)
		must(scenario->events[i - 1].at <= scenario->events[i].at);
	for (unsigned i = 0; i < scenario->link_count; i++)
		must(scenario_find_link(scenario, scenario->links[i].name) == (int)i);
	show(scenario);
	scenario_free(scenario);
	return 0;
}
