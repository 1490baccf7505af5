/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scenarios: what is written is what is built, and what is wrong is found, in its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/document.h"
#include "lab/scenario.h"
#include "lab/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

/* Two hosts and the head of a link between them: lines 1 to 5. */
#define HOSTS    "hosts:\n  - {name: a}\n  - {name: b, forward: yes}\n"
#define HEAD     HOSTS "links:\n  - name: x\n"
#define ENDS     "    ends:\n      - {host: a, name: e0}\n      - {host: b, name: e0}\n"
#define EVENT(e) HEAD ENDS "events:\n  - {at: 2s, link: x, " e "}\n"

static struct scenario *load(const char *text)
{
	struct scenario *scenario = NULL;
	struct err err = {0};

	if (scenario_parse(text, strlen(text), "test.yaml", &scenario, &err) < 0)
		fail_msg("%s", err.text);
	return scenario;
}

static char *shown(const struct scenario *scenario, bool json)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	if (json)
		assert_int_equal(scenario_show_json(scenario, out), 0);
	else
		scenario_show(scenario, out);
	fclose(out);
	return text;
}

/* A member that is read into the wrong place makes an experiment that is not the one written. */
static void reads_everything(void **state)
{
	static const char text[] =
		"# a comment\n"
		"seed: 7\n"
		"hosts:\n"
		"  - {name: phone}\n"
		"  - {name: gateway, forward: yes}\n"
		"links:\n"
		"  - mtu: 1400\n"
		"    strip-mptcp: yes\n"
		"    both: {rate: 50mbit, delay: 5ms, loss: 2%, queue: {packets: 200, bytes: "
		"300kB}}\n"
		"    ends:\n"
		"      - host: phone\n"
		"        name: wlan0\n"
		"        kind: wifi\n"
		"        addresses: [10.1.0.2/24, \"fd00:1::2/64\"]\n"
		"        gateway: [\"fd00:1::1\", 10.1.0.1]\n"
		"        send: {rate: 10mbit, loss: 1%, jitter: 2ms, reorder: 0.5%,\n"
		"               burst: {enter: 1%, leave: 30%, loss: 90%, good-loss: 0.1%},\n"
		"               queue: {packets: unlimited}}\n"
		"      - {host: gateway, name: eth0, nat: yes,\n"
		"         addresses: [10.1.0.1/24, \"fd00:1::1/64\"]}\n"
		"events:\n"
		"  - {at: 3s, link: wlan0, do: up}\n"
		"  - {at: 2.5s, link: wlan0, do: down}\n"
		"  - {at: 3s, link: wlan0, do: set, from: gateway, shape: {rate: unlimited, delay: "
		"0}}\n"
		"  - {at: 0, link: wlan0, do: blackhole, from: phone}\n";
	struct scenario *scenario = load(text);
	const struct scenario_link *link = &scenario->links[0];
	const struct scenario_end *phone = &link->ends[0], *gateway = &link->ends[1];
	const struct shape *up = &phone->send, *down = &gateway->send;
	char address[ADDRESS_TEXT_MAX];

	assert_int_equal(scenario->seed, 7);
	assert_string_equal(scenario->path, "test.yaml");
	assert_int_equal(scenario->host_count, 2);
	assert_false(scenario->hosts[0].forward);
	assert_true(scenario->hosts[1].forward);
	assert_int_equal(scenario_find_host(scenario, "gateway"), 1);
	assert_int_equal(scenario_find_host(scenario, "nobody"), -1);

	assert_int_equal(scenario->link_count, 1);
	assert_int_equal(scenario_find_link(scenario, "wlan0"), 0);
	assert_int_equal(link->mtu, 1400);
	assert_true(link->strip_mptcp);
	assert_int_equal(phone->host, 0);
	assert_string_equal(phone->name, "wlan0");
	assert_string_equal(phone->kind, "wifi");
	assert_string_equal(gateway->kind, "ethernet");
	assert_int_equal(phone->address_count, 2);
	assert_string_equal(address_text_prefix(&phone->addresses[1], address), "fd00:1::2/64");
	assert_string_equal(address_text(&phone->gateway4, address), "10.1.0.1");
	assert_string_equal(address_text(&phone->gateway6, address), "fd00:1::1");
	assert_int_equal(gateway->gateway4.family, 0);
	assert_false(phone->nat);
	assert_true(gateway->nat);

	assert_int_equal(down->rate, 50000000);
	assert_int_equal(down->delay, 5 * NS_PER_MS);
	assert_int_equal(down->jitter, 0);
	assert_float_equal(down->loss, 0.02, 1e-9);
	assert_float_equal(down->burst.enter, 0, 0);
	assert_int_equal(down->queue_packets, 200);
	assert_int_equal(down->queue_bytes, 300000);
	assert_int_equal(up->rate, 10000000);
	assert_int_equal(up->delay, 5 * NS_PER_MS);
	assert_int_equal(up->jitter, 2 * NS_PER_MS);
	assert_float_equal(up->loss, 0.01, 1e-9);
	assert_float_equal(up->reorder, 0.005, 1e-9);
	assert_float_equal(up->burst.enter, 0.01, 1e-9);
	assert_float_equal(up->burst.leave, 0.3, 1e-9);
	assert_float_equal(up->burst.loss_bad, 0.9, 1e-9);
	assert_float_equal(up->burst.loss_good, 0.001, 1e-9);
	assert_int_equal(up->queue_packets, 0);
	assert_int_equal(up->queue_bytes, 300000);

	/* By time, and those of one time as they are written. */
	assert_int_equal(scenario->event_count, 4);
	assert_int_equal(scenario->events[0].action, EVENT_BLACKHOLE);
	assert_int_equal(scenario->events[0].at, 0);
	assert_true(scenario->events[0].from[0] && !scenario->events[0].from[1]);
	assert_int_equal(scenario->events[1].action, EVENT_DOWN);
	assert_int_equal(scenario->events[1].at, 2500 * NS_PER_MS);
	assert_true(scenario->events[1].from[0] && scenario->events[1].from[1]);
	assert_int_equal(scenario->events[2].action, EVENT_UP);
	assert_int_equal(scenario->events[3].action, EVENT_SET);
	assert_true(!scenario->events[3].from[0] && scenario->events[3].from[1]);
	assert_int_equal(scenario->events[3].fields, SHAPE_RATE | SHAPE_DELAY);
	assert_int_equal(scenario->events[3].shape.rate, 0);
	scenario_free(scenario);
}

/* Without a queue, a link would hold either nothing or minutes of packets: neither is a real one.
 */
static void gives_a_sensible_queue(void **state)
{
	struct scenario *scenario = load(HEAD "    both: {rate: 80mbit, delay: 5ms}\n" ENDS);

	/* 2 x 80 Mbit/s x (5 + 5) ms */
	assert_int_equal(scenario->links[0].ends[0].send.queue_bytes, 200000);
	assert_int_equal(scenario->links[0].ends[0].send.queue_packets, 0);
	scenario_free(scenario);

	scenario = load(HEAD "    both: {rate: 1mbit, delay: 1ms}\n" ENDS);
	assert_int_equal(scenario->links[0].ends[0].send.queue_bytes, 32 * 1514);
	scenario_free(scenario);

	scenario = load(HEAD "    both: {delay: 1s}\n" ENDS);
	assert_int_equal(scenario->links[0].ends[0].send.queue_bytes, 0);
	assert_int_equal(scenario->links[0].mtu, 1500);
	scenario_free(scenario);

	scenario = load(HEAD "    both: {rate: 1mbit, queue: {packets: 5}}\n" ENDS);
	assert_int_equal(scenario->links[0].ends[0].send.queue_packets, 5);
	assert_int_equal(scenario->links[0].ends[0].send.queue_bytes, 0);
	scenario_free(scenario);
}

#define ADDRESSED(first, second)                             \
	HEAD "    ends:\n      - {host: a, name: e0, " first \
	     "}\n      - {host: b, name: e0, " second "}\n"

struct wrong {
	const char *text;
	unsigned line;
	const char *words; /* that the message holds */
};

static const struct wrong wrongs[] = {
	/* Not YAML, or more of it than a scenario is made of. */
	{"", 1, "nothing in it"},
	{"# only a comment\n", 1, "nothing in it"},
	{"hosts:\n\t- a\n", 2, "not YAML"},
	{"hosts: [a, {b\nlinks: 3\n", 2, "not YAML"},
	{"hosts:\n\n  - \x01\n", 3, "control characters"},
	{"hosts:\n  - \xff\n", 2, "not YAML"},
	{"hosts: &h []\n", 1, "anchors"},
	{"hosts:\nlinks: *h\n", 2, "aliases"},
	{HOSTS "---\nhosts: []\n", 4, "second document"},
	{HOSTS "[a]: 3\n", 4, "key must be a word"},
	{HOSTS "? [a]\n: 3\n", 4, "key must be a word"},
	{"hosts:\n  - {name: \"a\\0b\"}\n", 2, "zero byte"},
	{"hosts: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n", 1, "deep"},
	/* Not the schema. */
	{"scenario", 1, "a mapping"},
	{"[]", 1, "a mapping"},
	{"links: []\n", 1, "'hosts' is missing"},
	{"hosts: []\n", 1, "too few"},
	{"hosts:\n  - a\n", 2, "entry of 'hosts'"},
	{HOSTS "hosts: []\n", 4, "twice"},
	{HOSTS "link: 3\n", 4, "unknown key 'link' (expected seed, hosts, links, events)"},
	{HOSTS "<<: {}\n", 4, "unknown key '<<'"},
	{HOSTS "links: 3\n", 4, "a list"},
	{HOSTS "links:\n  - name: x\n\n  - name: y\n", 5, "'ends' is missing"},
	{HOSTS "links:\n  - ends:\n      - {host: a, name: e}\n", 5, "too few"},
	{HEAD ENDS "      - {host: a, name: e1}\n", 6, "too many"},
	{HEAD "    delay: 5ms\n" ENDS, 6, "unknown key 'delay' (expected name, mtu"},
	{HEAD "    both:\n      delay: 1ms\n      dealy: 5ms\n" ENDS, 8, "expected rate, trace"},
	{HEAD "    both: {dealy: 5ms}\n" ENDS, 6, "expected rate, trace"},
	{HEAD "    strip-mptcp: sometimes\n" ENDS, 6, "expected yes, no"},
	{EVENT("do: explode"), 10, "expected down, up, blackhole, heal, set"},
	{EVENT("do: {up: 1}"), 10, "a single value"},
	{EVENT("dont: up"), 10, "unknown key 'dont'"},
	{HOSTS "seed:\n", 4, "empty"},
	/* Not hosts. */
	{"hosts:\n  - {name: a}\n  - {name: b}\n  - {name: a}\n", 4, "'a' already in line 2"},
	{"hosts:\n  - {name: -a}\n", 2, "no name for a host"},
	{"hosts:\n  - {name: Phone}\n", 2, "no name for a host"},
	{"hosts:\n  - {name: a/b}\n", 2, "no name for a host"},
	{"hosts:\n  - {name: a234567890123456789012345678901x}\n", 2, "at most 31"},
	{"hosts:\n  - {name: \"a\\e[31m\\n\"}\n", 2, "'a?[31m?'"},
	{HOSTS "seed: -3\n", 4, "seed"},
	{HOSTS "seed: 9999999999999999999\n", 4, "too large"},
	/* Not links. */
	{HEAD "    ends:\n      - {host: a, name: e0}\n      - {host: c, name: e0}\n", 8,
	 "no host 'c'"},
	{HEAD "    ends:\n      - {host: a, name: e0}\n      - {host: a, name: e1}\n", 8,
	 "both ends are at host 'a'"},
	{HEAD "    ends:\n      - {host: a, name: lo}\n      - {host: b, name: e1}\n", 7,
	 "no name for a device"},
	{HEAD "    ends:\n      - {host: a, name: sixteen-letters-}\n      - {host: b, name: e}\n",
	 7, "at most 15"},
	{HEAD ENDS "  - name: x\n    ends:\n      - {host: a, name: e1}\n"
		   "      - {host: b, name: e1}\n",
	 9, "link 'x' already in line 5"},
	{HEAD ENDS "  - ends:\n      - {host: a, name: e1}\n      - {host: b, name: e0}\n", 11,
	 "device 'e0' already in line 8"},
	{HEAD "    mtu: 20\n" ENDS, 6, "mtu"},
	{HEAD "    mtu: 70000\n" ENDS, 6, "mtu"},
	{HEAD "    mtu: big\n" ENDS, 6, "mtu"},
	{HEAD "    mtu: 1000\n    ends:\n      - {host: a, name: e0, addresses: ['fd00::1/64']}\n"
	      "      - {host: b, name: e0}\n",
	 6, "IPv6"},
	/* Not addresses. */
	{ADDRESSED("addresses: [10.0.0.1]", "kind: lte"), 7, "prefix length"},
	{ADDRESSED("addresses: [10.0.0.256/24]", "kind: lte"), 7, "prefix length"},
	{ADDRESSED("addresses: [10.0.0.1/33]", "kind: lte"), 7, "prefix length"},
	{ADDRESSED("addresses: [10.0.0.0/24]", "kind: lte"), 7, "cannot be"},
	{ADDRESSED("addresses: [10.0.0.255/24]", "kind: lte"), 7, "cannot be"},
	{ADDRESSED("addresses: [127.0.0.1/8]", "kind: lte"), 7, "cannot be"},
	{ADDRESSED("addresses: [224.0.0.1/24]", "kind: lte"), 7, "cannot be"},
	{ADDRESSED("addresses: ['ff02::1/64']", "kind: lte"), 7, "cannot be"},
	{ADDRESSED("addresses: ['::1/128']", "kind: lte"), 7, "cannot be"},
	{ADDRESSED("addresses: [10.0.0.1/24]", "addresses: [10.0.0.1/24]"), 8, "in line 7"},
	{ADDRESSED("addresses: [10.0.0.1/24]",
		   "kind: lte") "  - name: y\n    ends:\n      - {host: a, name: e1, addresses: "
				"[10.0.7.1/16]}\n"
				"      - {host: b, name: e1}\n",
	 11, "overlaps with 10.0.0.1/24 of link 'x' in line 7"},
	{ADDRESSED("addresses: [10.0.0.1/24], gateway: [10.0.0.3]", "addresses: [10.0.0.2/24]"), 7,
	 "not on the link"},
	{ADDRESSED("addresses: [10.0.0.1/24], gateway: [10.0.0.2, 10.0.0.2]",
		   "addresses: [10.0.0.2/24]"),
	 7, "second IPv4 gateway"},
	{ADDRESSED("addresses: [10.0.0.1/24], gateway: ['fd00::1']", "addresses: ['fd00::1/64']"),
	 7, "none of the networks"},
	{ADDRESSED("gateway: [b]", "kind: lte"), 7, "no address"},
	{ADDRESSED("nat: yes", "kind: lte"), 7, "does not forward"},
	/* Not shapes. */
	{HEAD "    both:\n      delay: 1ms\n      rate: 50mb\n" ENDS, 8, "rate: '50mb'"},
	{HEAD "    both: {rate: 0}\n" ENDS, 6, "rate"},
	{HEAD "    both: {rate: 0bit}\n" ENDS, 6, "within 1kbit to"},
	{HEAD "    both: {rate: 5000gbit}\n" ENDS, 6, "within"},
	{HEAD "    both: {delay: -5ms}\n" ENDS, 6, "delay"},
	{HEAD "    both: {delay: 100min}\n" ENDS, 6, "delay"},
	{HEAD "    both: {jitter: nan}\n" ENDS, 6, "jitter"},
	{HEAD "    both: {loss: 1}\n" ENDS, 6, "1% or 100%"},
	{HEAD "    both: {loss: .inf}\n" ENDS, 6, "loss"},
	{HEAD "    both: {reorder: 101%}\n" ENDS, 6, "100%"},
	{HEAD "    both: {burst: {leave: 1%}}\n" ENDS, 6, "'enter' is missing"},
	{HEAD "    both: {burst: {enter: 1%}}\n" ENDS, 6, "never ends"},
	{HEAD "    both: {queue: {bytes: 1000}}\n" ENDS, 6, "at least 1514"},
	{HEAD "    both:\n      queue:\n        packets: 0\n" ENDS, 8, "packets"},
	{HEAD "    both:\n      queue: {bytes: 99999GB}\n" ENDS, 7, "bytes"},
	{HEAD "    both:\n      rate: 1mbit\n      trace: t\n" ENDS, 8, "not both"},
	{HEAD "    both:\n      trace: no-such-trace\n" ENDS, 7, "no-such-trace"},
	{HEAD "    both:\n      trace: /dev/zero\n" ENDS, 7, "not a regular file"},
	{HEAD "    ends:\n      - {host: a, name: e0}\n      - host: b\n        name: e0\n"
	      "        send:\n          loss: much\n",
	 11, "loss: 'much'"},
	/* Not events. */
	{HEAD ENDS "events:\n  - {at: 2, link: x, do: up}\n", 10, "at: '2'"},
	{HEAD ENDS "events:\n  - {at: 20000min, link: x, do: up}\n", 10, "week"},
	{HEAD ENDS "events:\n  - {at: 2s, link: y, do: up}\n", 10, "no link 'y'"},
	{EVENT("do: set"), 10, "expected a 'shape'"},
	{EVENT("do: set, shape: {}"), 10, "empty"},
	{EVENT("do: set, shape: {queue: {}}"), 10, "empty"},
	{EVENT("do: up, shape: {delay: 1ms}"), 10, "takes no shape"},
	{EVENT("do: down, from: a"), 10, "whole link"},
	{EVENT("do: heal, from: c"), 10, "no host 'c'"},
	{"hosts:\n  - {name: c}\n  - {name: a}\n  - {name: b}\nlinks:\n  - name: x\n" ENDS
	 "events:\n  - at: 1s\n    link: x\n    do: heal\n    from: c\n",
	 14, "not at link 'x'"},
};

/* Someone who writes a scenario is told where to look, in one line, whatever is wrong with it. */
static void names_the_line(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++) {
		const struct wrong *wrong = &wrongs[i];
		struct scenario *scenario = NULL;
		struct err err = {0};
		char head[32];
		int code = scenario_parse(wrong->text, strlen(wrong->text), "dir/test.yaml",
					  &scenario, &err);

		snprintf(head, sizeof(head), "dir/test.yaml:%u: ", wrong->line);
		if (code >= 0)
			fail_msg("taken, though wrong:\n%s", wrong->text);
		if (strncmp(err.text, head, strlen(head)) != 0 || !strstr(err.text, wrong->words) ||
		    strchr(err.text, '\n'))
			fail_msg("'%s' should begin with '%s' and hold '%s'; for:\n%s", err.text,
				 head, wrong->words, wrong->text);
		assert_null(scenario);
		assert_int_equal(
			scenario_parse(wrong->text, strlen(wrong->text), "t", &scenario, NULL),
			code);
	}
}

/* A file of the wrong sort must not take the memory or the time of the machine. */
static void refuses_what_is_too_large(void **state)
{
	_cleanup_free_ char *text = malloc(DOCUMENT_SIZE_MAX + 1);
	struct scenario *scenario = NULL;
	struct err err = {0};
	size_t used;

	assert_non_null(text);
	memset(text, '#', DOCUMENT_SIZE_MAX + 1);
	assert_int_equal(scenario_parse(text, DOCUMENT_SIZE_MAX + 1, "t", &scenario, &err), -E2BIG);
	assert_int_equal(scenario_load("/dev/zero", &scenario, &err), -E2BIG);
	memset(text, '[', DOCUMENT_SIZE_MAX);
	assert_int_equal(scenario_parse(text, DOCUMENT_SIZE_MAX, "t", &scenario, &err), -EINVAL);
	assert_int_equal(scenario_load("/no/such/file", &scenario, &err), -ENOENT);
	assert_string_equal(err.text, "/no/such/file: No such file or directory");
	assert_true(scenario_load("/", &scenario, &err) < 0);

	used = (size_t)sprintf(text, "hosts:\n");
	for (int i = 0; i < 65; i++)
		used += (size_t)sprintf(text + used, "  - {name: h%d}\n", i);
	assert_int_equal(scenario_parse(text, used, "t", &scenario, &err), -EINVAL);
	assert_non_null(strstr(err.text, "at most 64"));
	assert_null(scenario);
}

static void write_file(const char *path, const char *text)
{
	_cleanup_fclose_ FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
}

/* A scenario is moved with its traces: they are looked for beside it, not where one stands. */
static void finds_traces_beside_it(void **state)
{
	char folder[] = "/tmp/rivulet-scenario-XXXXXX", path[64], trace[64];
	struct scenario *scenario = NULL;
	struct err err = {0};

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/s.yaml", folder);
	snprintf(trace, sizeof(trace), "%s/t.up", folder);
	write_file(path, HEAD "    both: {trace: t.up, delay: 1s}\n" ENDS
			      "events:\n  - {at: 1s, link: x, do: set, shape: {trace: t.up}}\n");
	write_file(trace, "1\n2\n3\n4\n");
	if (scenario_load(path, &scenario, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(scenario->trace_count, 1);
	assert_string_equal(scenario->trace_names[0], "t.up");
	assert_ptr_equal(scenario->links[0].ends[0].send.trace, scenario->traces[0]);
	assert_ptr_equal(scenario->events[0].shape.trace, scenario->traces[0]);
	/* An opportunity each ms, 2 s there and back, twice. */
	assert_int_equal(scenario->links[0].ends[0].send.queue_bytes, 2 * 2 * 1000 * 1514);
	scenario_free(scenario);

	scenario = NULL;
	write_file(trace, "1\nx\n");
	assert_int_equal(scenario_load(path, &scenario, &err), -EINVAL);
	assert_non_null(strstr(err.text, "s.yaml:6: trace: "));
	assert_non_null(strstr(err.text, "t.up: line 2"));
	unlink(trace);
	assert_int_equal(scenario_load(path, &scenario, &err), -ENOENT);
	unlink(path);
	rmdir(folder);
}

/* What `lab show` leaves out, nobody can check. */
static void shows_everything(void **state)
{
	static const char *const expected[] = {
		"seed 1",
		"b (forwards)",
		"x: a -- b, mtu 1400, strips MPTCP",
		"a e0 (wifi) 10.0.0.1/24, default route via 10.0.0.2",
		"b e0 (ethernet) 10.0.0.2/24, translates addresses (nat)",
		"a -> b: rate 10mbit, delay 5ms, jitter 1ms, loss 1%, reorder 0.5%, queue",
		"b -> a: rate 50mbit, delay 5ms, bursts (enter 1%, leave 30%, loss 100%), queue",
		"queue 9 packets\n",
		"2.5s  x down",
		"3s  x set from b: rate unlimited, delay 80ms, queue of any number",
	};
	struct scenario *scenario = load(
		HEAD "    mtu: 1400\n    strip-mptcp: yes\n"
		     "    both: {delay: 5ms}\n    ends:\n"
		     "      - {host: a, name: e0, kind: wifi, addresses: [10.0.0.1/24],\n"
		     "         gateway: [10.0.0.2], send: {rate: 10mbit, jitter: 1ms, loss: 1%,\n"
		     "         reorder: 0.5%, queue: {packets: 9}}}\n"
		     "      - {host: b, name: e0, addresses: [10.0.0.2/24], nat: yes,\n"
		     "         send: {rate: 50mbit, burst: {enter: 1%, leave: 30%}}}\n"
		     "events:\n  - {at: 2.5s, link: x, do: down}\n"
		     "  - {at: 3s, link: x, do: set, from: b,\n     shape: {rate: unlimited,"
		     " delay: 80ms, queue: {packets: unlimited}}}\n");
	_cleanup_free_ char *text = shown(scenario, false), *json = shown(scenario, true);
	json_t *object = json_loads(json, 0, NULL), *from;
	const char *host, *action;
	json_int_t rate, at;

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		if (!strstr(text, expected[i]))
			fail_msg("no '%s' in:\n%s", expected[i], text);
	assert_non_null(object);
	assert_int_equal(json_unpack(object, "{s:[{s:[{s:s, s:{s:I}}]}], s:[{s:s}, {s:I, s:o}]}",
				     "links", "ends", "host", &host, "send", "rate_bit_s", &rate,
				     "events", "do", &action, "at_ns", &at, "from", &from),
			 0);
	assert_string_equal(host, "a");
	assert_string_equal(action, "down");
	assert_int_equal(rate, 10000000);
	assert_int_equal(at, 3 * NS_PER_S);
	assert_int_equal(json_array_size(from), 1);
	json_decref(object);
	scenario_free(scenario);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_everything),
		cmocka_unit_test(gives_a_sensible_queue),
		cmocka_unit_test(names_the_line),
		cmocka_unit_test(refuses_what_is_too_large),
		cmocka_unit_test(finds_traces_beside_it),
		cmocka_unit_test(shows_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
