/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/policy.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define EXAMPLE "expected a list such as wlan0,wwan0:backup,kind=bluetooth:never"

const char *const policy_use_names[POLICY_USES] = {
	[POLICY_DEFAULT] = "default", [POLICY_USE] = "use",     [POLICY_BACKUP] = "backup",
	[POLICY_METERED] = "metered", [POLICY_NEVER] = "never",
};

/* Adding. */

static bool is_pattern(const char *name)
{
	return strpbrk(name, "*?[") != NULL;
}

/* What the kernel takes as a device's name (dev_valid_name), and the characters of patterns. */
static bool is_name(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= POLICY_NAME_MAX || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	if (!is_pattern(name) && length >= IFNAMSIZ)
		return false;
	for (const char *c = name; *c; c++)
		if (strchr("/:,=", *c) || (unsigned char)*c <= ' ' || *c == 0x7f)
			return false;
	return true;
}

static bool is_same(const struct policy_rule *a, const struct policy_rule *b)
{
	return a->source == b->source && a->kind == b->kind && !strcmp(a->name, b->name);
}

int policy_add(struct policy *policy, enum policy_source source, const char *who,
	       enum policy_use use, struct err *err)
{
	struct policy_rule rule = {.source = source, .use = use};

	if (strncmp(who, "kind=", 5) == 0) {
		rule.kind = link_kind_parse(who + 5);
		if (rule.kind == LINK_KINDS)
			return err_set(err, -EINVAL,
				       "'%.40s' is no kind of link (expected ethernet, wifi, "
				       "cellular, bluetooth, tunnel or other)",
				       who + 5);
	} else if (!is_name(who)) {
		return err_set(err, -EINVAL,
			       "'%.40s' cannot be the name of a link (expected one such as wlan0, "
			       "a pattern such as 'wlan*', or a kind such as kind=wifi)",
			       who);
	} else {
		memcpy(rule.name, who, strlen(who) + 1);
	}
	for (unsigned i = 0; i < policy->count; i++)
		if (is_same(&policy->rules[i], &rule))
			return err_set(err, -EINVAL, "'%.40s' is named twice", who);
	if (policy->count == POLICY_RULES_MAX)
		return err_set(err, -ENOSPC, "more than %d links are named", POLICY_RULES_MAX);
	policy->rules[policy->count++] = rule;
	return 0;
}

static enum policy_use use_parse(const char *word)
{
	for (int use = POLICY_USE; use < POLICY_USES; use++)
		if (strcmp(word, policy_use_names[use]) == 0)
			return use;
	return POLICY_USES;
}

static int add_item(struct policy *policy, enum policy_source source, char *item, struct err *err)
{
	enum policy_use use = source == POLICY_NOT ? POLICY_NEVER : POLICY_USE;
	char *colon = strchr(item, ':');

	if (colon && source == POLICY_NOT)
		return err_set(err, -EINVAL,
			       "'%.60s': only names here; what a link is for is said in --links",
			       item);
	if (colon) {
		*colon = '\0';
		use = use_parse(colon + 1);
	}
	if (use == POLICY_USES)
		return err_set(err, -EINVAL,
			       "'%.40s' after '%.40s:' is not known (expected use, backup, metered "
			       "or never)",
			       colon + 1, item);
	if (!*item)
		return err_set(err, -EINVAL, "an empty name (" EXAMPLE ")");
	return policy_add(policy, source, item, use, err);
}

static int add_list(struct policy *policy, enum policy_source source, const char *list,
		    struct err *err)
{
	/* All or nothing: a list that is wrong leaves no half of it behind. */
	struct policy added = *policy;
	const char *at = list;

	for (;;) {
		size_t length = strcspn(at, ",");
		char item[2 * POLICY_NAME_MAX];
		int code;

		if (length >= sizeof(item))
			return err_set(err, -EINVAL, "'%.20s...' is too long (" EXAMPLE ")", at);
		memcpy(item, at, length);
		item[length] = '\0';
		code = add_item(&added, source, item, err);
		if (code < 0)
			return code;
		if (!at[length])
			break;
		at += length + 1;
	}
	*policy = added;
	return 0;
}

int policy_add_links(struct policy *policy, const char *list, struct err *err)
{
	int code = add_list(policy, POLICY_LINKS, list, err);

	if (code < 0)
		return err_prefix(err, code, "--links");
	policy->only_named = true;
	return 0;
}

int policy_add_not(struct policy *policy, const char *list, struct err *err)
{
	int code = add_list(policy, POLICY_NOT, list, err);

	return code < 0 ? err_prefix(err, code, "--not") : 0;
}

void policy_know(struct policy *policy, const struct policy *known)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < policy->count; i++)
		if (policy->rules[i].source != POLICY_MANAGER)
			policy->rules[kept++] = policy->rules[i];
	policy->count = kept;
	for (unsigned i = 0; i < known->count && policy->count < POLICY_RULES_MAX; i++)
		if (known->rules[i].source == POLICY_MANAGER)
			policy->rules[policy->count++] = known->rules[i];
}

/* Asking. */

static bool matches(const struct policy_rule *rule, const struct link *link)
{
	return rule->name[0] ? fnmatch(rule->name, link->name, 0) == 0 : rule->kind == link->kind;
}

/* The less, the weightier. */
static unsigned weight(const struct policy_rule *rule)
{
	unsigned vague = !rule->name[0] ? 2 : is_pattern(rule->name);

	return rule->source * 3 + vague;
}

static const struct policy_rule *find(const struct policy *policy, const struct link *link)
{
	const struct policy_rule *best = NULL;

	for (unsigned i = 0; policy && i < policy->count; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		if (matches(rule, link) && (!best || weight(rule) < weight(best)))
			best = rule;
	}
	return best;
}

enum policy_use policy_of(const struct policy *policy, const struct link *link)
{
	const struct policy_rule *rule = find(policy, link);

	if (policy && policy->only_named && (!rule || rule->source > POLICY_LINKS))
		return POLICY_NEVER;
	return rule ? rule->use : POLICY_DEFAULT;
}

bool policy_is_backup(const struct policy *policy, const struct link *link)
{
	enum policy_use use = policy_of(policy, link);

	return use == POLICY_BACKUP || use == POLICY_METERED;
}

bool policy_is_metered(const struct policy *policy, const struct link *link)
{
	for (unsigned i = 0; policy && i < policy->count; i++)
		if (policy->rules[i].use == POLICY_METERED && matches(&policy->rules[i], link))
			return true;
	return false;
}

bool policy_is_wish(const struct policy *policy, const struct link *link)
{
	const struct policy_rule *rule = find(policy, link);

	return policy && (policy->only_named || (rule && rule->source != POLICY_MANAGER));
}

bool policy_wants_neighbours(const struct policy *policy)
{
	return policy && policy->neighbours && !policy->modest;
}

bool policy_insists(const struct policy *policy, const struct link *link)
{
	const struct policy_rule *rule = find(policy, link);

	if (!rule || policy->modest || !rule->name[0] || is_pattern(rule->name) ||
	    policy_of(policy, link) == POLICY_NEVER)
		return false;
	return rule->source == POLICY_LINKS || rule->use == POLICY_USE;
}

const struct policy_rule *policy_unmatched(const struct policy *policy, const struct links *links,
					   unsigned *at)
{
	while (*at < policy->count) {
		const struct policy_rule *rule = &policy->rules[(*at)++];
		bool found = rule->source > POLICY_LINKS;

		for (unsigned i = 0; i < links->count; i++)
			found = found || matches(rule, &links->all[i]);
		if (!found)
			return rule;
	}
	return NULL;
}

const char *policy_rule_text(const struct policy_rule *rule, char text[static POLICY_NAME_MAX])
{
	if (rule->name[0])
		snprintf(text, POLICY_NAME_MAX, "%s", rule->name);
	else
		snprintf(text, POLICY_NAME_MAX, "kind=%s", link_kind_names[rule->kind]);
	return text;
}
