/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, `rivulet status` would show what is not so, or a program's odd name could break
 * it. */
#include "cli/status.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "run/status.h"

#include <linux/mptcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { ESTABLISHED = 1, SYN_SENT = 2 };

static struct link two_links[] = {
	{.index = 2,
	 .name = "wlan0",
	 .kind = LINK_WIFI,
	 .up = true,
	 .addresses = {{.family = AF_INET, .prefix = 24, .bytes = {10, 0, 1, 2}}},
	 .address_count = 1},
	{.index = 3,
	 .name = "wwan0",
	 .kind = LINK_CELLULAR,
	 .up = true,
	 .addresses = {{.family = AF_INET, .prefix = 24, .bytes = {10, 0, 2, 2}}},
	 .address_count = 1},
};
static const struct links links = {.all = two_links, .count = ARRAY_SIZE(two_links)};
static const enum multipath_use use[] = {MULTIPATH_USED, MULTIPATH_SILENT};

static struct status_subflow subflow(uint64_t cookie, uint32_t inode, uint8_t net, uint32_t flags)
{
	return (struct status_subflow){
		.socket = {.cookie = cookie,
			   .inode = inode,
			   .state = ESTABLISHED,
			   .local = {.family = AF_INET, .prefix = 32, .bytes = {10, 0, net, 2}},
			   .remote = {.family = AF_INET, .prefix = 32, .bytes = {10, 0, net, 1}},
			   .local_port = 40000,
			   .remote_port = 80,
			   .mptcp = true,
			   .mptcp_flags = flags,
			   .rtt = 12300,
			   .cwnd = 10,
			   .bytes_received = 1000},
		.connection = {.inode = inode},
	};
}

static json_t *object(char *const *argv, double seconds, struct status_subflow *seen,
		      unsigned count)
{
	const struct status_facts facts = {.pid = 42, .argv = argv, .links = &links, .use = use};
	const struct status status = {.opened = NS_PER_S, .opened_at = 1700000000, .netns = 77};
	json_t *made = status_json(&status, &facts, NS_PER_S + (uint64_t)(seconds * NS_PER_S), seen,
				   count, 0);

	assert_non_null(made);
	return made;
}

static char *const curl[] = {(char[]){"curl"}, (char[]){"-O"}, NULL};

static json_t *item(json_t *run, unsigned connection)
{
	return json_array_get(json_object_get(run, "connections"), connection);
}

static json_int_t number(const json_t *from, const char *member)
{
	assert_true(json_is_integer(json_object_get(from, member)));
	return json_integer_value(json_object_get(from, member));
}

static const char *text(const json_t *from, const char *member)
{
	const char *found = json_string_value(json_object_get(from, member));

	assert_non_null(found);
	return found;
}

/* Subflows would be shown under another's connection, or the bytes of those that ended forgotten.
 */
static void puts_subflows_under_their_connection(void **state)
{
	struct status_subflow seen[] = {
		subflow(9, 7, 1, MPTCP_SUBFLOW_FLAG_MCAP_REM),
		subflow(3, 8, 1, MPTCP_SUBFLOW_FLAG_MCAP_REM),
		subflow(1, 7, 2, MPTCP_SUBFLOW_FLAG_JOIN_LOC | MPTCP_SUBFLOW_FLAG_BKUP_LOC),
	};
	json_t *run, *first, *flows;

	seen[0].connection.received = seen[2].connection.received = 500;
	seen[1].connection.fallback = true;
	run = object(curl, 2, seen, 3);
	first = item(run, 0);
	flows = json_object_get(first, "subflows");
	assert_int_equal(json_array_size(json_object_get(run, "connections")), 2);
	assert_int_equal(json_array_size(flows), 2);
	assert_string_equal(text(first, "protocol"), "mptcp");
	assert_string_equal(text(first, "local"), "10.0.1.2");
	assert_int_equal(number(first, "received"), 2500);
	assert_string_equal(text(json_array_get(flows, 0), "link"), "wlan0");
	assert_string_equal(text(json_array_get(flows, 1), "link"), "wwan0");
	assert_false(json_is_true(json_object_get(json_array_get(flows, 0), "backup")));
	assert_true(json_is_true(json_object_get(json_array_get(flows, 1), "backup")));
	assert_int_equal(number(json_array_get(flows, 1), "rtt_us"), 12300);
	assert_string_equal(text(item(run, 1), "protocol"), "tcp");
	json_decref(run);
}

/* Nobody would see why a link idles. */
static void says_why_a_link_is_not_used(void **state)
{
	json_t *run = object(curl, 2, NULL, 0);
	const json_t *told = json_object_get(run, "links");

	assert_true(json_is_true(json_object_get(json_array_get(told, 0), "used")));
	assert_null(json_object_get(json_array_get(told, 0), "why"));
	assert_false(json_is_true(json_object_get(json_array_get(told, 1), "used")));
	assert_string_equal(text(json_array_get(told, 1), "why"), "it does not answer");
	json_decref(run);
}

/* A connection that still waits for the peer would be said to be MPTCP, or to have fallen back. */
static void does_not_know_before_the_peer_answers(void **state)
{
	struct status_subflow seen = subflow(1, 7, 1, MPTCP_SUBFLOW_FLAG_MCAP_LOC);
	json_t *run;

	seen.socket.state = SYN_SENT;
	run = object(curl, 2, &seen, 1);
	assert_string_equal(text(item(run, 0), "protocol"), "unknown");
	json_decref(run);
}

/* A program with a name in Latin-1, or thousands of arguments, would have no status. */
static void takes_any_command_line(void **state)
{
	char *many[1001], wide[1000], latin[] = "caf\xe9";
	json_t *run, *words;

	memset(wide, 'x', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = 0;
	for (unsigned i = 0; i < 1000; i++)
		many[i] = wide;
	many[0] = latin;
	many[1000] = NULL;
	run = object(many, 1, NULL, 0);
	words = json_object_get(run, "program");
	assert_in_range(json_array_size(words), 8, 100);
	assert_string_equal(json_string_value(json_array_get(words, 0)), "caf?");
	assert_in_range(json_string_length(json_array_get(words, 1)), 64, 999);
	json_decref(run);
}

/* Rates would be those of another subflow, or since the beginning of time. */
static void tells_rates_from_two_answers(void **state)
{
	struct status_subflow seen = subflow(1, 7, 1, 0);
	struct status_subflow later[] = {subflow(1, 7, 1, 0), subflow(2, 7, 2, 0)};
	json_t *before, *now, *flows;

	later[0].socket.bytes_received = 251000;
	later[0].socket.bytes_acked = 0;
	before = json_pack("[o]", object(curl, 1, &seen, 1));
	now = json_pack("[o]", object(curl, 3, later, 2));
	status_add_rates(now, before);
	flows = json_object_get(item(json_array_get(now, 0), 0), "subflows");
	assert_int_equal(number(json_array_get(flows, 0), "rate_received"), 1000000);
	assert_int_equal(number(json_array_get(flows, 0), "rate_sent"), 0);
	assert_null(json_object_get(json_array_get(flows, 1), "rate_received"));
	status_add_rates(now, NULL);
	json_decref(before);
	json_decref(now);
}

/* The caller frees what is printed. */
static void table(const json_t *runs, char **ret)
{
	size_t size;
	FILE *out = open_memstream(ret, &size);

	assert_non_null(out);
	status_print(runs, 77, out);
	fclose(out);
}

/* Columns would not stand under their titles. */
static void prints_aligned_columns(void **state)
{
	struct status_subflow seen[] = {subflow(1, 7, 1, MPTCP_SUBFLOW_FLAG_MCAP_REM),
					subflow(2, 7, 2, MPTCP_SUBFLOW_FLAG_JOIN_LOC)};
	json_t *runs = json_pack("[o]", object(curl, 75, seen, 2));
	const char *titles, *line, *end;
	char *printed;

	table(runs, &printed);
	titles = strstr(printed, "CONNECTION");
	assert_non_null(strstr(printed, "42  curl -O\n"));
	assert_non_null(strstr(printed, "for 1 min 15 s"));
	assert_non_null(strstr(printed, "wwan0 not used (it does not answer)"));
	assert_non_null(strstr(printed, "10.0.1.2:40000 > 10.0.1.1:80"));
	assert_non_null(strstr(printed, "12.3 ms"));
	assert_non_null(strstr(printed, "  wwan0 > 10.0.2.1 "));
	assert_null(strstr(printed, "namespace"));
	assert_non_null(titles);
	end = strchr(titles, '\n');
	for (line = end + 1; *line; line = strchr(line, '\n') + 1)
		assert_int_equal(strchr(line, '\n') - line, end - titles + 2);
	free(printed);
	json_decref(runs);
}

/* A program's name could play tricks with the terminal of who looks; an older or newer supervisor's
 * answer could end in a crash. */
static void prints_anything(void **state)
{
	json_t *runs = json_pack("[{s[s]} {s[{} i {s[{} s]}]} {s:s} [] n {}]", "program",
				 "a\x1b[2Jb\xc2\x9b"
				 "c",
				 "connections", 1, "subflows", "x", "connections", "none");
	char *printed;

	assert_non_null(runs);
	table(runs, &printed);
	assert_non_null(strstr(printed, "a?[2Jb?c"));
	assert_null(strchr(printed, '\x1b'));
	assert_non_null(strstr(printed, "in another network namespace"));
	free(printed);
	json_decref(runs);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(puts_subflows_under_their_connection),
		cmocka_unit_test(says_why_a_link_is_not_used),
		cmocka_unit_test(does_not_know_before_the_peer_answers),
		cmocka_unit_test(takes_any_command_line),
		cmocka_unit_test(tells_rates_from_two_answers),
		cmocka_unit_test(prints_aligned_columns),
		cmocka_unit_test(prints_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
