/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, a link that could not be set up at once would get a second device, of which each took the other's packets; and a link
 * that goes while the other one is just coming back would take connections with it; and what it had under way would be late. */
#include "lkl/kernel.h"
#include "lkl/network.h"
#include "stack/native.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The kernel: its devices, in their order, and which of them cannot be set up just now. */
static struct {
	int fds[LKL_PORTS_MAX];
	unsigned count, fails, applied;
	bool has_endpoint; /* of the first device, by the plan */
	unsigned undone;
	unsigned told; /* of which device peers were, last */
	char send_buffers[64], receive_buffers[64];
} kernel;

const struct nl_calls kernel_netlink;

int kernel_set(const char *name, const char *value)
{
	if (strcmp(name, "net/ipv4/tcp_wmem") == 0)
		snprintf(kernel.send_buffers, sizeof(kernel.send_buffers), "%s", value);
	if (strcmp(name, "net/ipv4/tcp_rmem") == 0)
		snprintf(kernel.receive_buffers, sizeof(kernel.receive_buffers), "%s", value);
	return 0;
}

int kernel_add_link(int fd, const uint8_t mac[static 6], unsigned mtu)
{
	kernel.fds[kernel.count++] = fd;
	return (int)kernel.count;
}

int port_apply(struct nl *nl, unsigned index, const struct port *was, const struct port *now)
{
	if (index == kernel.fails)
		return -EEXIST;
	kernel.applied++;
	return 0;
}

int port_leave(struct nl *nl, unsigned index, const struct port *was, const struct port *now)
{
	return 0;
}

int nl_open_by(struct nl **ret, const struct nl_calls *calls, int protocol)
{
	*ret = NULL;
	return 0;
}

int nl_family(struct nl *nl, const char *name, const char *group, uint16_t *ret_family,
	      uint32_t *ret_group)
{
	return 0;
}

int nl_switch_on(struct nl *nl, unsigned index)
{
	return 0;
}

int native_plan(struct netstack *netstack, const struct native_facts *facts,
		struct native_plan *ret, struct err *err)
{
	*ret = (struct native_plan){0};
	if (!kernel.has_endpoint)
		return 0;
	ret->multipath.changes = calloc(1, sizeof(struct change));
	ret->multipath.changes->kind = CHANGE_ENDPOINT;
	ret->multipath.changes->endpoint.index = 1;
	ret->multipath.count = 1;
	return 0;
}

void native_plan_free(struct native_plan *plan)
{
	free(plan->multipath.changes);
}

int change_apply(struct netstack *stack, const struct change *change)
{
	return 0;
}

int change_undo(struct netstack *stack, const struct change *change)
{
	kernel.undone++;
	return 0;
}

int endpoint_tell(struct nl *nl, uint16_t family, unsigned index)
{
	kernel.told = index;
	return 0;
}

bool change_equal(const struct change *a, const struct change *b)
{
	return true;
}

bool change_is_mild(const struct change *was, const struct change *now)
{
	return false;
}

int change_replace(struct netstack *stack, const struct change *was, const struct change *now)
{
	return 0;
}

const char *change_text(const struct change *change, char *text, size_t size)
{
	return "";
}

static void a_failed_port_is_tried_again_on_its_device(void **state)
{
	const int fds[] = {10, 11, 12};
	struct lkl_start start = {.memory = LKL_MEMORY, .port_count = 1};
	struct network network;
	struct err err;

	assert_int_equal(network_open(&network, &start, fds, &err), 0);
	start.port_count = 3;
	kernel.fails = 2;
	assert_int_equal(network_update(&network, &start, fds, &err), -EEXIST);
	assert_int_equal(network.is.port_count, 1);
	kernel.fails = 0;
	kernel.applied = 0;
	assert_int_equal(network_update(&network, &start, fds, &err), 0);
	assert_int_equal(network.is.port_count, 3);
	assert_int_equal(kernel.applied, 3);
	assert_int_equal(kernel.count, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(kernel.fds[i], fds[i]);
		assert_int_equal(network.indexes[i], i + 1);
	}
}

static bool stays(unsigned index, void *data)
{
	return index == *(unsigned *)data;
}

static void what_a_last_subflow_stands_on_stays(void **state)
{
	const int fds[] = {10};
	struct lkl_start start = {.memory = LKL_MEMORY, .port_count = 1};
	unsigned last = 1;
	struct network network;
	struct err err;

	kernel.has_endpoint = true;
	assert_int_equal(network_open(&network, &start, fds, &err), 0);
	network.stays = stays;
	network.data = &last;
	kernel.has_endpoint = false;
	kernel.undone = 0;
	assert_int_equal(network_update(&network, &start, fds, &err), 0);
	network_let_go(&network);
	assert_int_equal(kernel.undone, 0);
	last = 2;
	network_let_go(&network);
	assert_int_equal(kernel.undone, 1);
	network_let_go(&network);
	assert_int_equal(kernel.undone, 1);
	/* And goes on when it answers again. */
	network_silence(&network, 1, false);
	assert_int_equal(kernel.told, 1);
	free(network.changes);
}

static void subflows_hold_no_more_than_is_good(void **state)
{
	const int fds[] = {10};
	struct lkl_start start = {.memory = LKL_MEMORY, .port_count = 1};
	struct network network;
	struct err err;

	assert_int_equal(network_open(&network, &start, fds, &err), 0);
	assert_string_equal(kernel.send_buffers, "4096 16384 4194304");
	assert_int_equal(network_bound(&network, 300000), 0);
	assert_string_equal(kernel.send_buffers, "4096 16384 300000");
	assert_int_equal(network_share(&network, 32), 0);
	assert_string_equal(kernel.send_buffers, "4096 16384 262144");
	assert_int_equal(network_bound(&network, 0), 0);
	assert_int_equal(network_share(&network, 1), 0);
	assert_string_equal(kernel.send_buffers, "4096 16384 4194304");
	free(network.changes);
}

static void connections_share_a_third_of_memory_for_what_comes(void **state)
{
	const int fds[] = {10};
	struct lkl_start start = {.memory = LKL_MEMORY, .port_count = 1};
	struct network network;
	struct err err;

	assert_int_equal(network_open(&network, &start, fds, &err), 0);
	assert_string_equal(kernel.receive_buffers, "4096 131072 6291456");
	assert_int_equal(network_share(&network, 32), 0);
	assert_string_equal(kernel.receive_buffers, "4096 131072 611669");
	assert_int_equal(network_share(&network, 10000), 0);
	assert_string_equal(kernel.receive_buffers, "4096 16384 16384");
	free(network.changes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failed_port_is_tried_again_on_its_device),
		cmocka_unit_test(what_a_last_subflow_stands_on_stays),
		cmocka_unit_test(subflows_hold_no_more_than_is_good),
		cmocka_unit_test(connections_share_a_third_of_memory_for_what_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
