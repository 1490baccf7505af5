/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rivulet lab show` and `rivulet lab check`. */
#include "base/cleanup.h"
#include "cli/lab.h"

#include <getopt.h>

static int show(const char *name, bool json)
{
	_cleanup_scenario_ struct scenario *scenario = NULL;
	struct err err = {0};

	if (lab_find_scenario(name, &scenario, &err) < 0)
		return lab_complain(1, "%s", err.text);
	if (!json)
		scenario_show(scenario, stdout);
	else if (scenario_show_json(scenario, stdout) < 0)
		return lab_complain(1, "the scenario cannot be written as JSON");
	return 0;
}

int lab_cmd_show(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'j')
			return 2;
		json = true;
	}
	if (argc - optind != 1)
		return lab_complain(2, "usage: rivulet lab show SCENARIO [--json]");
	return show(argv[optind], json);
}

int lab_cmd_check(int argc, char **argv)
{
	static const struct option options[] = {{0}};
	int failed = 0;

	if (getopt_long(argc, argv, "", options, NULL) != -1)
		return 2;
	if (optind == argc)
		return lab_complain(2, "usage: rivulet lab check SCENARIO...");
	for (int i = optind; i < argc; i++) {
		_cleanup_scenario_ struct scenario *scenario = NULL;
		struct err err = {0};

		if (lab_find_scenario(argv[i], &scenario, &err) < 0)
			failed = lab_complain(1, "%s", err.text);
		else
			printf("%s: %u hosts, %u links, %u events\n", scenario->path,
			       scenario->host_count, scenario->link_count, scenario->event_count);
	}
	return failed;
}
