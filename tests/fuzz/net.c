/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rivulet-net has a right that whoever writes to it has not: whatever the bytes are, they are refused, or mean something
 * that could have been meant and is written as the same bytes again. The first byte says who reads them: 'q' rivulet-net,
 * anything else its caller. */
#include "run/net.h"
#include "link/backlog.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int truth)
{
	if (!truth)
		abort();
}

static void check_policy(const struct policy *policy)
{
	struct link all[] = {{.name = "wlan0", .kind = LINK_WIFI},
			     {.name = "rmnet_data12", .kind = LINK_CELLULAR},
			     {.name = "tun0", .kind = LINK_TUNNEL}};

	must(policy->count <= POLICY_RULES_MAX);
	for (unsigned i = 0; i < policy->count; i++)
		must(policy->rules[i].use < POLICY_USES && policy->rules[i].kind < LINK_KINDS &&
		     policy->rules[i].source < POLICY_SOURCES);
	for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++)
		must(policy_of(policy, &all[i]) < POLICY_USES);
}

static void check_request(const uint8_t *data, size_t size)
{
	struct net_request request, again;
	uint8_t bytes[NET_MESSAGE_MAX];

	if (net_get_request(data, size, &request) < 0)
		return;
	must(request.kind >= NET_OPEN && request.kind <= NET_KNOW);
	must(request.link <= INT_MAX);
	must(!request.backlog || request.backlog >= BACKLOG_MIN);
	check_policy(&request.policy);
	must(net_put_request(&request, bytes) == size);
	must(net_get_request(bytes, size, &again) == 0);
	must(memcmp(&request, &again, sizeof(request)) == 0);
}

static void check_report(const uint8_t *data, size_t size)
{
	struct net_report report;
	uint8_t bytes[NET_MESSAGE_MAX];

	if (net_get_report(data, size, &report) < 0)
		return;
	must(report.kind >= NET_EXPLAINS && report.kind <= NET_TAKEN);
	must(report.use_count <= NET_USES_MAX);
	must(memchr(report.text, '\0', sizeof(report.text)) != NULL);
	must(net_put_report(&report, bytes) <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact;

	if (size == 0)
		return 0;
	/* Of its own, so that a byte too far is seen. */
	exact = malloc(size - 1 ? size - 1 : 1);
	must(exact != NULL);
	memcpy(exact, data + 1, size - 1);
	if (data[0] == 'q')
		check_request(exact, size - 1);
	else
		check_report(exact, size - 1);
	free(exact);
	return 0;
}
