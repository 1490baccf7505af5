/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/policy.h"

#include "link/metered.h"
#include "link/policy_file.h"
#include "run/privilege.h"

#include <linux/capability.h>
#include <stdio.h>

static void print_names(const struct links *links, FILE *out)
{
	const char *separator = "";

	for (unsigned i = 0; i < links->count; i++) {
		if (links->all[i].kind == LINK_LOOPBACK)
			continue;
		fprintf(out, "%s%s", separator, links->all[i].name);
		separator = ", ";
	}
	if (!*separator)
		fputs("none", out);
}

static void warn(const struct policy *policy, const struct links *links)
{
	const struct policy_rule *rule;
	unsigned at = 0;

	while ((rule = policy_unmatched(policy, links, &at)) != NULL) {
		char text[POLICY_NAME_MAX];

		fprintf(stderr, "rivulet: --%s: there is no link '%s' now (there are: ",
			rule->source == POLICY_NOT ? "not" : "links", policy_rule_text(rule, text));
		print_names(links, stderr);
		fputs("); if it comes, this holds for it\n", stderr);
	}
}

int policy_take(struct policy *policy, int option, const char *value, struct err *err)
{
	switch (option) {
	case OPTION_LINKS:
		return policy_add_links(policy, value, err);
	case OPTION_NOT:
		return policy_add_not(policy, value, err);
	default:
		return 1;
	}
}

int policy_complete(struct policy *policy, bool quiet, struct err *err)
{
	/* All that can be unmatched comes from the options, which were there before the files. */
	bool options = policy->count > 0;
	_cleanup_nl_ struct nl *nl = NULL;
	struct links links;
	int code = policy_read_files(policy, err);

	if (code == 0)
		metered_ask(policy);
	/* So rivulet-net will see it. */
	policy->modest = !privilege_has(CAP_NET_ADMIN);
	if (code < 0 || quiet || !options)
		return code;
	if (nl_open(&nl, NETLINK_ROUTE) < 0 || links_read(nl, &links) < 0)
		return 0; /* the command itself will say so */
	warn(policy, &links);
	links_free(&links);
	return 0;
}
