/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, the summary of a run would count wrong, or a long-lived run would grow. */
#include "link/ledger.h"

#include <linux/mptcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { ESTABLISHED = 1, SYN_SENT = 2, LISTEN = 10 };

static struct address v4(uint8_t net)
{
	return (struct address){.family = AF_INET, .prefix = 32, .bytes = {10, 0, net, 2}};
}

static struct diag_socket subflow(uint64_t cookie, uint32_t inode, uint8_t net, uint64_t received)
{
	return (struct diag_socket){
		.cookie = cookie,
		.inode = inode,
		.state = ESTABLISHED,
		.local = v4(net),
		.local_port = 40000,
		.mptcp = true,
		.mptcp_flags = MPTCP_SUBFLOW_FLAG_MCAP_REM | MPTCP_SUBFLOW_FLAG_MCAP_LOC,
		.bytes_received = received,
	};
}

static void look(struct ledger *ledger, const struct diag_socket *sockets, unsigned count)
{
	ledger_look(ledger);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(ledger_saw(ledger, &sockets[i]), 0);
	ledger_looked(ledger);
}

/* The shares of the links would be wrong: bytes counted twice, or those of the last moments lost.
 */
static void counts_each_byte_once(void **state)
{
	struct ledger *ledger = ledger_new();
	struct diag_socket seen[] = {subflow(1, 7, 1, 100), subflow(2, 7, 2, 50)};
	struct diag_socket last = subflow(1, 0, 1, 160);
	struct ledger_totals totals;

	ledger_made(ledger, 7);
	look(ledger, seen, 2);
	look(ledger, seen, 2);
	seen[1].bytes_received = 80;
	last.mptcp_flags = 0; /* the announcement of its end carries none */
	assert_true(ledger_gone(ledger, &last));
	assert_false(ledger_gone(ledger, &last));
	look(ledger, &seen[1], 1);

	totals = ledger_totals(ledger);
	assert_int_equal(totals.connections, 1);
	assert_int_equal(totals.fallbacks, 0);
	assert_int_equal(totals.open, 1);
	assert_int_equal(totals.path_count, 2);
	assert_int_equal(totals.paths[0].received, 160);
	assert_int_equal(totals.paths[1].received, 80);

	look(ledger, NULL, 0);
	assert_int_equal(ledger_closing(ledger), 1);
	assert_int_equal(ledger_totals(ledger).open, 1);
	look(ledger, NULL, 0);
	assert_int_equal(ledger_totals(ledger).open, 0);
	ledger_free(ledger);
}

/* What a link loses would be counted at each look anew, or end with its subflow; and another process would be told something else. */
static void counts_what_was_sent_again(void **state)
{
	struct ledger *ledger = ledger_new();
	struct diag_socket seen[] = {subflow(1, 7, 1, 100), subflow(2, 7, 2, 50)};
	struct ledger_sum sum;

	ledger_made(ledger, 7);
	seen[0].retransmissions = 3;
	look(ledger, seen, 2);
	look(ledger, seen, 2);
	seen[0].retransmissions = 5;
	ledger_gone(ledger, &seen[0]);
	seen[0] = subflow(3, 7, 1, 10);
	seen[0].retransmissions = 1;
	look(ledger, seen, 2);

	assert_int_equal(ledger_totals(ledger).paths[0].retransmitted, 6);
	assert_int_equal(ledger_totals(ledger).paths[1].retransmitted, 0);
	sum = ledger_sum(ledger);
	assert_int_equal(sum.connections, 1);
	assert_int_equal(sum.fallbacks, 0);
	assert_int_equal(sum.path_count, 2);
	assert_int_equal(sum.paths[0].retransmitted, 6);
	assert_int_equal(sum.paths[0].received, 110);
	assert_int_equal(sum.paths[0].subflows, 2);
	ledger_free(ledger);
}

/* Another program's connections would be taken for the run's. */
static void leaves_strangers_alone(void **state)
{
	struct ledger *ledger = ledger_new();
	struct diag_socket seen[] = {subflow(1, 8, 1, 100), subflow(2, 0, 1, 100)};

	ledger_made(ledger, 7);
	look(ledger, seen, 2);
	assert_int_equal(ledger_totals(ledger).connections, 0);
	assert_int_equal(ledger_totals(ledger).path_count, 0);
	assert_int_equal(ledger_totals(ledger).unseen, 1);
	ledger_free(ledger);
}

/* A server under `run` would show no connections at all. */
static void follows_what_a_listener_accepts(void **state)
{
	struct ledger *ledger = ledger_new();
	struct diag_socket seen[] = {subflow(1, 7, 1, 0), subflow(2, 50, 1, 10),
				     subflow(3, 51, 1, 10)};

	seen[0].state = LISTEN;
	seen[0].local_port = 80;
	seen[1].local_port = 80;
	seen[2].local_port = 81;
	ledger_made(ledger, 7);
	look(ledger, seen, 3);
	assert_int_equal(ledger_totals(ledger).connections, 1);
	assert_int_equal(ledger_totals(ledger).unseen, 0);
	ledger_free(ledger);
}

/* The user would not learn that the server does not speak MPTCP; or be told so of one that does. */
static void tells_fallbacks(void **state)
{
	struct ledger *ledger = ledger_new();
	struct diag_socket client = subflow(1, 7, 1, 10), join = subflow(2, 9, 2, 10);
	struct diag_socket accepted = subflow(3, 60, 1, 10), listener = subflow(4, 8, 1, 0);
	struct diag_socket connecting = subflow(5, 10, 1, 0);
	struct diag_socket seen[5];

	client.mptcp_flags = MPTCP_SUBFLOW_FLAG_MCAP_LOC;
	join.mptcp_flags = MPTCP_SUBFLOW_FLAG_JOIN_LOC;
	accepted.mptcp = false;
	accepted.local_port = 80;
	listener.state = LISTEN;
	listener.local_port = 80;
	connecting.state = SYN_SENT;
	connecting.mptcp_flags = MPTCP_SUBFLOW_FLAG_MCAP_LOC;
	for (uint32_t inode = 7; inode <= 10; inode++)
		ledger_made(ledger, inode);
	seen[0] = listener;
	seen[1] = client;
	seen[2] = join;
	seen[3] = accepted;
	seen[4] = connecting;
	look(ledger, seen, 5);
	assert_int_equal(ledger_totals(ledger).connections, 3);
	assert_int_equal(ledger_totals(ledger).fallbacks, 2);
	ledger_free(ledger);
}

/* A run of months would fill the memory. */
static void forgets_what_is_over(void **state)
{
	struct ledger *ledger = ledger_new();

	for (uint32_t inode = 1; inode <= 20000; inode++) {
		struct diag_socket seen = subflow(inode, inode, 1, 5);

		ledger_made(ledger, inode);
		if (inode % 2)
			look(ledger, &seen, 1);
	}
	look(ledger, NULL, 0);
	look(ledger, NULL, 0);
	assert_int_equal(ledger_totals(ledger).connections, 10000);
	assert_int_equal(ledger_totals(ledger).unseen, 10000);
	assert_int_equal(ledger_totals(ledger).open, 0);
	assert_int_equal(ledger_totals(ledger).paths[0].received, 50000);
	ledger_free(ledger);
}

/* `rivulet status` would show strangers' connections, or lose the run's own while they close. */
static void tells_whose_a_socket_is(void **state)
{
	struct ledger *ledger = ledger_new();
	struct diag_socket listener = subflow(1, 7, 1, 0), first = subflow(2, 8, 1, 100);
	struct diag_socket join = subflow(3, 8, 2, 30), accepted = subflow(4, 60, 1, 10);
	struct diag_socket stranger = subflow(5, 61, 1, 10), plain = subflow(6, 9, 1, 10);
	struct diag_socket seen[3];
	struct ledger_connection connection;

	listener.state = LISTEN;
	listener.local_port = accepted.local_port = 80;
	plain.mptcp = false;
	for (uint32_t inode = 7; inode <= 9; inode++)
		ledger_made(ledger, inode);
	seen[0] = listener;
	seen[1] = first;
	seen[2] = join;
	look(ledger, seen, 3);

	assert_false(ledger_connection(ledger, &listener, &connection));
	assert_false(ledger_connection(ledger, &stranger, &connection));
	assert_true(ledger_connection(ledger, &accepted, &connection));
	assert_int_equal(connection.inode, 60);
	assert_true(ledger_connection(ledger, &plain, &connection));
	assert_true(connection.fallback);
	join.inode = 0; /* the program has closed it */
	assert_true(ledger_connection(ledger, &join, &connection));
	assert_int_equal(connection.inode, 8);
	assert_false(connection.fallback);
	assert_int_equal(connection.received, 0);
	ledger_gone(ledger, &join);
	assert_true(ledger_connection(ledger, &first, &connection));
	assert_int_equal(connection.received, 30);
	assert_false(ledger_connection(ledger, &join, &connection));
	ledger_free(ledger);
}

/* A connection that lost its last subflow and got another one later would be counted twice, or its bytes not at all. */
static void a_connection_outlives_its_subflows(void **state)
{
	struct ledger *ledger = ledger_new();
	struct diag_socket first = subflow(1, 7, 1, 100), second = subflow(2, 7, 2, 30);
	struct diag_socket accepted = subflow(3, 8, 1, 10);
	struct ledger_totals totals;

	ledger_made(ledger, 7);
	look(ledger, &first, 1);
	ledger_gone(ledger, &first);
	totals = ledger_totals(ledger);
	assert_int_equal(totals.open, 0);
	assert_int_equal(totals.lost, 1);
	assert_int_equal(totals.lost_opened, 1);

	/* Who accepted it leaves it to the peer to open more. */
	accepted.mptcp_flags = MPTCP_SUBFLOW_FLAG_MCAP_REM;
	ledger_made(ledger, 8);
	look(ledger, &accepted, 1);
	ledger_gone(ledger, &accepted);
	totals = ledger_totals(ledger);
	assert_int_equal(totals.lost, 2);
	assert_int_equal(totals.lost_opened, 1);

	ledger_look(ledger);
	ledger_looked(ledger);
	ledger_saw_connection(ledger, 7);
	ledger_saw_connections(ledger);
	assert_int_equal(ledger_totals(ledger).lost, 1);

	look(ledger, &second, 1);
	totals = ledger_totals(ledger);
	assert_int_equal(totals.connections, 2);
	assert_int_equal(totals.fallbacks, 0);
	assert_int_equal(totals.open, 1);
	assert_int_equal(totals.lost, 0);
	assert_int_equal(totals.paths[1].received, 30);

	ledger_gone(ledger, &second);
	look(ledger, NULL, 0);
	ledger_saw_connections(ledger); /* the kernel lists it no more */
	assert_int_equal(ledger_totals(ledger).lost, 0);
	ledger_free(ledger);
}

/* Nobody would look again at a connection that takes long to come about. */
static void tells_what_may_become_a_connection(void **state)
{
	struct diag_socket sockets[] = {subflow(1, 7, 1, 0), subflow(2, 99, 1, 0)};
	struct ledger *ledger = ledger_new();

	sockets[0].state = sockets[1].state = SYN_SENT; /* the second one is a stranger's */
	ledger_made(ledger, 7);
	assert_int_equal(ledger_totals(ledger).idle, 1);
	look(ledger, sockets, 2);
	assert_int_equal(ledger_totals(ledger).opening, 1);
	sockets[0].state = ESTABLISHED;
	look(ledger, sockets, 2);
	assert_int_equal(ledger_totals(ledger).opening, 0);
	assert_int_equal(ledger_totals(ledger).idle, 0);
	assert_int_equal(ledger_totals(ledger).open, 1);
	ledger_free(ledger);
}

/* `rivulet status` would call connections plain TCP where the kernel does not tell what they are. */
static void does_not_judge_what_is_hidden(void **state)
{
	struct ledger *ledger = ledger_new();
	struct diag_socket untold = subflow(1, 7, 1, 100), fresh = subflow(2, 8, 1, 100);
	struct diag_socket plain = subflow(3, 9, 1, 100);
	struct ledger_connection found;

	untold.mptcp = fresh.mptcp = plain.mptcp = false;
	untold.doubt = DIAG_NOT_TOLD;
	fresh.doubt = plain.doubt = DIAG_NOT_LISTED;
	ledger_made(ledger, 7);
	ledger_made(ledger, 8);
	ledger_made(ledger, 9);
	look(ledger, (struct diag_socket[]){untold, fresh, plain}, 3);
	assert_int_equal(ledger_totals(ledger).fallbacks, 0);
	assert_true(ledger_connection(ledger, &fresh, &found) && found.doubtful);

	/* The list of connections was read before the second was made. */
	look(ledger, (struct diag_socket[]){untold, subflow(2, 8, 1, 100), plain}, 3);
	assert_true(ledger_connection(ledger, &untold, &found) && found.doubtful);
	assert_true(ledger_connection(ledger, &fresh, &found));
	assert_true(!found.doubtful && !found.fallback);
	assert_true(ledger_connection(ledger, &plain, &found));
	assert_true(!found.doubtful && found.fallback);
	assert_int_equal(ledger_totals(ledger).fallbacks, 1);
	ledger_free(ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_each_byte_once),
		cmocka_unit_test(counts_what_was_sent_again),
		cmocka_unit_test(leaves_strangers_alone),
		cmocka_unit_test(follows_what_a_listener_accepts),
		cmocka_unit_test(tells_fallbacks),
		cmocka_unit_test(forgets_what_is_over),
		cmocka_unit_test(tells_whose_a_socket_is),
		cmocka_unit_test(a_connection_outlives_its_subflows),
		cmocka_unit_test(tells_what_may_become_a_connection),
		cmocka_unit_test(does_not_judge_what_is_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
