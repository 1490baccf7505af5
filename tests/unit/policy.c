/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, a person's wish for a link could be taken for another one, or be ignored in
 * silence. */
#include "link/policy.h"
#include "link/policy_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct link link_of(const char *name, enum link_kind kind)
{
	struct link link = {.kind = kind};

	snprintf(link.name, sizeof(link.name), "%s", name);
	return link;
}

static enum policy_use use_of(const struct policy *policy, const char *name, enum link_kind kind)
{
	struct link link = link_of(name, kind);

	return policy_of(policy, &link);
}

static bool insists(const struct policy *policy, const char *name, enum link_kind kind)
{
	struct link link = link_of(name, kind);

	return policy_insists(policy, &link);
}

static int parse(struct policy *policy, const char *text, struct err *err)
{
	return policy_parse_file(policy, POLICY_USER_FILE, "c.yaml", text, strlen(text), err);
}

/* A link would be used that nobody named, or the reverse. */
static void links_are_named(void **state)
{
	struct policy policy = {0};
	struct err err;

	assert_int_equal(use_of(NULL, "wlan0", LINK_WIFI), POLICY_DEFAULT);
	assert_int_equal(use_of(&policy, "wlan0", LINK_WIFI), POLICY_DEFAULT);
	assert_int_equal(policy_add_links(&policy,
					  "wlan0,wwan0:backup,eth*:metered,kind=bluetooth:never,"
					  "usb0:use",
					  &err),
			 0);
	assert_int_equal(use_of(&policy, "wlan0", LINK_WIFI), POLICY_USE);
	assert_int_equal(use_of(&policy, "wwan0", LINK_CELLULAR), POLICY_BACKUP);
	assert_int_equal(use_of(&policy, "eth3", LINK_ETHERNET), POLICY_METERED);
	assert_int_equal(use_of(&policy, "bnep0", LINK_BLUETOOTH), POLICY_NEVER);
	assert_int_equal(use_of(&policy, "usb0", LINK_CELLULAR), POLICY_USE);
	assert_int_equal(use_of(&policy, "wlan1", LINK_WIFI), POLICY_NEVER);
	/* A second --links adds to the first. */
	assert_int_equal(policy_add_links(&policy, "wlan1", &err), 0);
	assert_int_equal(use_of(&policy, "wlan1", LINK_WIFI), POLICY_USE);
	assert_int_equal(use_of(&policy, "wlan0", LINK_WIFI), POLICY_USE);
}

/* --not would also take away links that it does not name, or be overruled. */
static void not_has_the_last_word(void **state)
{
	struct policy policy = {0};
	struct err err;

	assert_int_equal(policy_add_not(&policy, "kind=wifi", &err), 0);
	assert_int_equal(use_of(&policy, "wlan0", LINK_WIFI), POLICY_NEVER);
	assert_int_equal(use_of(&policy, "wwan0", LINK_CELLULAR), POLICY_DEFAULT);
	assert_int_equal(policy_add_links(&policy, "wlan0,wwan0", &err), 0);
	assert_int_equal(use_of(&policy, "wlan0", LINK_WIFI), POLICY_NEVER);
	assert_false(insists(&policy, "wlan0", LINK_WIFI));
	assert_int_equal(use_of(&policy, "wwan0", LINK_CELLULAR), POLICY_USE);
}

/* An exception could not be said. */
static void the_more_exact_counts(void **state)
{
	struct policy policy = {0};
	struct err err;

	assert_int_equal(policy_add_links(&policy, "kind=wifi:never,wl*:backup,wlan0", &err), 0);
	assert_int_equal(use_of(&policy, "wlan0", LINK_WIFI), POLICY_USE);
	assert_int_equal(use_of(&policy, "wlan1", LINK_WIFI), POLICY_BACKUP);
	assert_int_equal(use_of(&policy, "mine", LINK_WIFI), POLICY_NEVER);
}

/* What is asked for this one time would be lost against the configuration, or a link that the file
 * speaks of would come in by the back door. */
static void options_come_before_files(void **state)
{
	struct policy policy = {0};
	struct err err;

	assert_int_equal(parse(&policy,
			       "links:\n"
			       "  - {name: wwan0, policy: backup}\n"
			       "  - {kind: tunnel, policy: never}\n"
			       "  - {name: eth0, policy: use}\n",
			       &err),
			 0);
	assert_int_equal(policy_add(&policy, POLICY_SYSTEM_FILE, "wwan0", POLICY_NEVER, &err), 0);
	assert_int_equal(use_of(&policy, "wwan0", LINK_CELLULAR), POLICY_BACKUP);
	assert_int_equal(use_of(&policy, "tun0", LINK_TUNNEL), POLICY_NEVER);
	assert_int_equal(use_of(&policy, "wlan0", LINK_WIFI), POLICY_DEFAULT);

	assert_int_equal(policy_add_links(&policy, "w*", &err), 0);
	assert_int_equal(use_of(&policy, "wwan0", LINK_CELLULAR), POLICY_USE);
	assert_int_equal(use_of(&policy, "eth0", LINK_ETHERNET), POLICY_NEVER);
}

/* Traffic would leak around a VPN because of a line that was written for another day. */
static void insistence_is_told_from_preference(void **state)
{
	struct policy policy = {0};
	struct err err;

	assert_int_equal(parse(&policy,
			       "links:\n"
			       "  - {name: wlan0, policy: use}\n"
			       "  - {name: wwan0, policy: metered}\n"
			       "  - {name: 'eth*', policy: use}\n"
			       "  - {kind: bluetooth, policy: use}\n",
			       &err),
			 0);
	assert_true(insists(&policy, "wlan0", LINK_WIFI));
	assert_false(insists(&policy, "wwan0", LINK_CELLULAR));
	assert_false(insists(&policy, "eth0", LINK_ETHERNET));
	assert_false(insists(&policy, "bnep0", LINK_BLUETOOTH));
	assert_false(insists(&policy, "other", LINK_OTHER));
	assert_int_equal(policy_add_links(&policy, "wwan0:backup,tun*,eth0:never", &err), 0);
	assert_true(insists(&policy, "wwan0", LINK_CELLULAR));
	assert_false(insists(&policy, "tun0", LINK_TUNNEL));
	assert_false(insists(&policy, "eth0", LINK_ETHERNET));
	assert_false(insists(&policy, "wlan0", LINK_WIFI));
	assert_false(insists(NULL, "wlan0", LINK_WIFI));
	policy.modest = true; /* of a user who has rivulet-net set up links for everybody */
	assert_false(insists(&policy, "wwan0", LINK_CELLULAR));
}

/* A mistyped option would be taken for another wish. */
static void wrong_lists_are_refused(void **state)
{
	const char *const wrong[] = {
		"",
		"wlan0,",
		",wlan0",
		"wlan0:",
		":backup",
		"wlan0:bakup",
		"kind=",
		"kind=wify",
		"wlan0,wlan0:backup",
		"a b",
		"wlan0:use:use",
		"a-name-of-17-chars",
		"wlan0/1",
		"..",
		"kinds=wifi",
		"a-pattern-that-is-longer-than-any-name*",
		"wlan0:default",
		"kind=loopback",
	};

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct policy policy = {0};
		struct err err = {0};

		assert_int_equal(policy_add_links(&policy, wrong[i], &err), -EINVAL);
		assert_memory_equal(err.text, "--links: ", 9);
		assert_int_equal(policy.count, 0);
		assert_false(policy.only_named);
	}
}

/* --not wwan0:backup would exclude the link, though a backup was wanted. */
static void not_takes_names_alone(void **state)
{
	struct policy policy = {0};
	struct err err = {0};

	assert_int_equal(policy_add_not(&policy, "wlan0,wwan0:backup", &err), -EINVAL);
	assert_non_null(strstr(err.text, "--not: 'wwan0:backup'"));
	assert_int_equal(policy.count, 0);
}

/* More than fits would be dropped in silence. */
static void too_many_are_refused(void **state)
{
	struct policy policy = {0};
	struct err err = {0};
	char name[8];

	for (unsigned i = 0; i < POLICY_RULES_MAX; i++) {
		snprintf(name, sizeof(name), "l%u", i);
		assert_int_equal(policy_add_links(&policy, name, &err), 0);
	}
	assert_int_equal(policy_add_links(&policy, "one", &err), -ENOSPC);
}

/* A key that is ignored, or an error without its line, costs its writer an evening. */
static void wrong_files_are_refused_by_line(void **state)
{
	const struct {
		const char *text, *error;
	} wrong[] = {
		{"links:\n  - {name: wlan0}\n", "c.yaml:2: 'policy' is missing"},
		{"links:\n  - {name: wlan0, policy: use}\n  - {name: a, policy: maybe}\n",
		 "c.yaml:3: 'maybe' is not known here"},
		{"links:\n  - {policy: use}\n", "c.yaml:2: either 'name' or 'kind'"},
		{"links:\n  - {name: a, kind: wifi, policy: use}\n", "c.yaml:2: either"},
		{"links:\n  - kind: wify\n    policy: use\n", "c.yaml:2: 'wify' is no kind"},
		{"links:\n  - policy: use\n    name: a b\n", "c.yaml:3: 'a b' cannot be"},
		{"links:\n  - {name: a, policy: use}\n  - {name: a, policy: never}\n",
		 "c.yaml:3: 'a' is named twice"},
		{"# mine\nlink:\n  - {name: a, policy: use}\n", "c.yaml:2: unknown key 'link'"},
		{"links:\n  - {name: a, policy: use, cost: 3}\n", "c.yaml:2: unknown key 'cost'"},
		{"links: [\n", "c.yaml:2: not YAML"},
		{"wlan0\n", "c.yaml:1: "},
	};

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct policy policy = {0};
		struct err err = {0};

		assert_int_equal(parse(&policy, wrong[i].text, &err), -EINVAL);
		if (strncmp(err.text, wrong[i].error, strlen(wrong[i].error)) != 0)
			fail_msg("'%s', not '%s'", err.text, wrong[i].error);
		assert_int_equal(policy.count, 0);
	}
}

/* A file with everything commented out would stop every run. */
static void an_empty_file_is_fine(void **state)
{
	const char *const empty[] = {"", "\n", "# links:\n#  - {name: a}\n", "  \r\n# x",
				     "links: []\n"};

	for (unsigned i = 0; i < sizeof(empty) / sizeof(*empty); i++) {
		struct policy policy = {0};
		struct err err = {0};

		assert_int_equal(parse(&policy, empty[i], &err), 0);
		assert_int_equal(policy.count, 0);
	}
}

/* A mistyped name would exclude every link and nobody would say why. */
static void names_of_no_link_are_found(void **state)
{
	struct link all[] = {link_of("lo", LINK_LOOPBACK), link_of("wlan0", LINK_WIFI)};
	const struct links links = {.all = all, .count = 2};
	const struct policy_rule *rule;
	struct policy policy = {0};
	char text[POLICY_NAME_MAX];
	struct err err;
	unsigned at = 0;

	assert_int_equal(policy_add_links(&policy, "wlan0,wlan9,wl*,kind=lte", &err), 0);
	assert_int_equal(parse(&policy, "links: [{name: eth7, policy: never}]", &err), 0);
	rule = policy_unmatched(&policy, &links, &at);
	assert_string_equal(policy_rule_text(rule, text), "wlan9");
	rule = policy_unmatched(&policy, &links, &at);
	assert_string_equal(policy_rule_text(rule, text), "kind=cellular");
	assert_null(policy_unmatched(&policy, &links, &at));
}

/* What nobody wished would come before a wish, or make a run be refused. */
static void what_is_known_is_no_wish(void **state)
{
	struct link wwan = link_of("wwan0", LINK_CELLULAR);
	struct policy policy = {0};
	struct err err;

	assert_int_equal(policy_add(&policy, POLICY_MANAGER, "wwan0", POLICY_METERED, &err), 0);
	assert_int_equal(policy_of(&policy, &wwan), POLICY_METERED);
	assert_true(policy_is_backup(&policy, &wwan));
	assert_true(policy_is_metered(&policy, &wwan));
	assert_false(policy_is_wish(&policy, &wwan));
	assert_false(policy_insists(&policy, &wwan));
	assert_int_equal(policy_add(&policy, POLICY_SYSTEM_FILE, "kind=cellular", POLICY_USE, &err),
			 0);
	assert_int_equal(policy_of(&policy, &wwan), POLICY_USE);
	assert_true(policy_is_metered(&policy, &wwan));
	assert_true(policy_is_wish(&policy, &wwan));
	assert_int_equal(policy_add_links(&policy, "wlan0", &err), 0);
	assert_int_equal(policy_of(&policy, &wwan), POLICY_NEVER);
	assert_true(policy_is_wish(&policy, &wwan));
}

/* A link that costs money now would go on to be used, or a wish be forgotten with what was known. */
static void what_is_known_changes(void **state)
{
	struct link wwan = link_of("wwan0", LINK_CELLULAR), wlan = link_of("wlan0", LINK_WIFI);
	struct policy policy = {0}, known = {0};
	struct err err;

	assert_int_equal(policy_add(&policy, POLICY_MANAGER, "wwan0", POLICY_METERED, &err), 0);
	assert_int_equal(policy_add(&policy, POLICY_USER_FILE, "eth0", POLICY_BACKUP, &err), 0);
	assert_int_equal(policy_add(&known, POLICY_MANAGER, "wlan0", POLICY_METERED, &err), 0);
	assert_int_equal(policy_add(&known, POLICY_NOT, "eth0", POLICY_NEVER, &err), 0);
	policy_know(&policy, &known);
	assert_int_equal(policy.count, 2);
	assert_int_equal(policy_of(&policy, &wlan), POLICY_METERED);
	assert_int_equal(policy_of(&policy, &wwan), POLICY_DEFAULT);
	known.count = 0;
	policy_know(&policy, &known);
	assert_int_equal(policy.count, 1);
	assert_int_equal(policy.rules[0].use, POLICY_BACKUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_are_named),
		cmocka_unit_test(not_has_the_last_word),
		cmocka_unit_test(the_more_exact_counts),
		cmocka_unit_test(options_come_before_files),
		cmocka_unit_test(insistence_is_told_from_preference),
		cmocka_unit_test(wrong_lists_are_refused),
		cmocka_unit_test(not_takes_names_alone),
		cmocka_unit_test(too_many_are_refused),
		cmocka_unit_test(wrong_files_are_refused_by_line),
		cmocka_unit_test(an_empty_file_is_fine),
		cmocka_unit_test(names_of_no_link_are_found),
		cmocka_unit_test(what_is_known_is_no_wish),
		cmocka_unit_test(what_is_known_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
