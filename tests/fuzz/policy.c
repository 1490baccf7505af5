/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wanted of links comes from command lines and configuration files: whatever the bytes are,
 * they are refused in one line and leave nothing behind, or every link gets an answer. The first
 * byte says which it is: 'l' for --links, 'n' for --not, anything else a file. */
#include "link/policy.h"
#include "link/policy_file.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int truth)
{
	if (!truth)
		abort();
}

static int add(struct policy *policy, const uint8_t *data, size_t size, struct err *err)
{
	char *text = malloc(size + 1);
	int code;

	must(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] == 'l')
		code = policy_add_links(policy, text, err);
	else if (data[0] == 'n')
		code = policy_add_not(policy, text, err);
	else
		code = policy_parse_file(policy, POLICY_USER_FILE, "c.yaml", text, size - 1, err);
	free(text);
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct link all[] = {{.name = "wlan0", .kind = LINK_WIFI},
			     {.name = "rmnet_data12", .kind = LINK_CELLULAR},
			     {.name = "tun0", .kind = LINK_TUNNEL}};
	const struct links links = {.all = all, .count = 3};
	struct policy policy = {0};
	struct err err = {.text = ""};
	unsigned at = 0;

	if (size == 0)
		return 0;
	if (add(&policy, data, size, &err) < 0) {
		must(policy.count == 0 && !policy.only_named && err.text[0]);
		must(data[0] == 'l' || data[0] == 'n' || !strncmp(err.text, "c.yaml:", 7));
		return 0;
	}
	must(policy.count <= POLICY_RULES_MAX);
	for (unsigned i = 0; i < links.count; i++) {
		enum policy_use use = policy_of(&policy, &all[i]);

		must(use >= POLICY_DEFAULT && use < POLICY_USES);
		must(use != POLICY_NEVER || !policy_insists(&policy, &all[i]));
		must(!policy.only_named || use != POLICY_DEFAULT);
	}
	while (policy_unmatched(&policy, &links, &at))
		;
	return 0;
}
