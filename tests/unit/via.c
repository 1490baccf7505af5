/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pure parts of the relay and of its clients: what names a relay, the words between them, where clients may go, and which
 * way is taken. */
#include "via/config.h"
#include "via/exchange.h"
#include "via/join.h"
#include "via/memory.h"
#include "via/reach.h"
#include "via/server/clients.h"
#include "via/ways.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

/* Lost: the one line that a client is given would not be the one that it takes. */
static void names_of_relays(void **state)
{
	static const struct {
		const char *text, *host, *port, *token;
		bool plain, pinned;
	} good[] = {
		{"relay.example", "relay.example", JOIN_PORT, "", false, false},
		{"relay.example:1", "relay.example", "1", "", false, false},
		{"192.0.2.1:65535", "192.0.2.1", "65535", "", false, false},
		{"2001:db8::1", "2001:db8::1", JOIN_PORT, "", false, false},
		{"[2001:db8::1]:443", "2001:db8::1", "443", "", false, false},
		{"plain://10.0.0.1", "10.0.0.1", JOIN_PORT, "", true, false},
		{"plain://a-b_c.d@h:8", "h", "8", "a-b_c.d", true, false},
		{"tls://t@h:8#" KEY, "h", "8", "t", false, true},
		{"tls://t@[::1]#" KEY, "::1", JOIN_PORT, "t", false, true},
	};
	static const char *const bad[] = {
		"",
		":1",
		"h:",
		"h:0",
		"h:65536",
		"h:1:2x",
		"http://h",
		"tls://",
		"tls://@h",
		"--",
		"tls://-h",
		"t o@h",
		"tls://h#12",
		"h/x",
		"[h]:1",
		"[::1",
		"[::1]x",
		"h\nx",
		"h h",
		("plain://h#" KEY),
		("tls://h#" KEY "0"),
		"tls://t\r\n@h",
	};

	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct err err = {0};
		struct join join, again;
		char text[JOIN_TEXT_MAX];

		assert_int_equal(join_parse(good[i].text, &join, &err), 0);
		assert_string_equal(join.host, good[i].host);
		assert_string_equal(join.port, good[i].port);
		assert_string_equal(join.token, good[i].token);
		assert_int_equal(join.plain, good[i].plain);
		assert_int_equal(join.pinned, good[i].pinned);
		assert_int_equal(join_parse(join_text(&join, text), &again, &err), 0);
		assert_memory_equal(&join, &again, sizeof(join));
	}
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = {0};
		struct join join;

		assert_int_equal(join_parse(bad[i], &join, &err), -EINVAL);
		assert_true(err.text[0] != '\0');
	}
}

static int reply(const char *text, size_t *used)
{
	struct err err = {0};

	return exchange_reply(text, strlen(text), used, &err);
}

/* Lost: a program would not be told what is wrong with the server that it asked for. */
static void words(void **state)
{
	char ask[EXCHANGE_ASK_MAX];
	size_t size = exchange_ask("2001:db8::1", "80", "tok", ask), used;

	ask[size] = '\0';
	assert_string_equal(ask, "CONNECT [2001:db8::1]:80 HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n"
				 "Proxy-Authorization: Bearer tok\r\n\r\n");
	size = exchange_ask("h", "80", "", ask);
	ask[size] = '\0';
	assert_string_equal(ask, "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n");

	assert_int_equal(reply("", &used), -EAGAIN);
	assert_int_equal(reply("HTT", &used), -EAGAIN);
	assert_int_equal(reply("SSH-2.0", &used), -EPROTO);
	assert_int_equal(reply("HTTP/1.1 200 OK\r\n", &used), -EAGAIN);
	assert_int_equal(reply("HTTP/1.1 200 OK\r\n\r\nmore", &used), 0);
	assert_int_equal(used, 19);
	assert_int_equal(reply("HTTP/1.0 204 x\nA: b\n\nmore", &used), 0);
	assert_int_equal(used, 21);
	assert_int_equal(reply("HTTP/1.1 2x0 OK\r\n\r\n", &used), -EPROTO);
	assert_int_equal(reply("HTTP/1.1\r\n\r\n", &used), -EPROTO);
	assert_int_equal(reply("HTTP/1.1 407 who\r\n\r\n", &used), -EPERM);
	assert_int_equal(reply("HTTP/1.1 403 no\r\n\r\n", &used), -EACCES);
	assert_int_equal(
		reply("HTTP/1.1 502 x\r\nproxy-status: r; error=connection_refused\r\n\r\n", &used),
		-ECONNREFUSED);
	assert_int_equal(reply("HTTP/1.1 502 x\r\nProxy-Status: r; error=dns_error\r\n\r\n", &used),
			 -ENOENT);
	assert_int_equal(reply("HTTP/1.1 504 x\r\nProxy-Status: r\r\n\r\n", &used), -ETIMEDOUT);
	assert_int_equal(reply("HTTP/1.1 500 x\r\n\r\n", &used), -EPROTO);
}

static bool allows_here(const struct reach *reach, const char *host, unsigned port, bool here)
{
	struct sockaddr_storage sa = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&sa;

	v4->sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		sa.ss_family = AF_INET;
	} else {
		assert_int_equal(inet_pton(AF_INET6, host, &v6->sin6_addr), 1);
		sa.ss_family = AF_INET6;
	}
	return reach_allows(reach, (struct sockaddr *)&sa, here);
}

static bool allows(const struct reach *reach, const char *host, unsigned port)
{
	return allows_here(reach, host, port, false);
}

/* Lost: a client would get into the relay's own network, by one of the ways to write an address. */
static void private_by_default(void **state)
{
	static const struct reach reach;
	static const char *const denied[] = {
		"0.0.0.0",
		"0.1.2.3",
		"10.0.0.1",
		"100.64.0.1",
		"100.127.255.255",
		"127.0.0.1",
		"127.255.0.1",
		"169.254.169.254",
		"172.16.0.1",
		"172.31.255.255",
		"192.168.1.1",
		"198.18.0.1",
		"224.0.0.1",
		"255.255.255.255",
		"::",
		"::1",
		"::ffff:10.0.0.1",
		"::ffff:127.0.0.1",
		"::10.0.0.1",
		"64:ff9b::10.0.0.1",
		"64:ff9b::7f00:1",
		"64:ff9b:1::1",
		"2002:0a00:0001::1",
		"2002:7f00:1::",
		"2001:0:1::1",
		"fc00::1",
		"fdff::1",
		"fe80::1",
		"ff02::1",
		"2001:db8::1",
	};
	static const char *const allowed[] = {
		"9.255.255.255",  "11.0.0.1",         "100.63.255.255",    "100.128.0.1",
		"172.15.255.255", "172.32.0.1",       "192.167.1.1",       "93.184.216.34",
		"::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:0808:0808::1", "2a00:1450::1",
		"2620:fe::fe",
	};

	for (unsigned i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		if (allows(&reach, denied[i], 80))
			fail_msg("%s is allowed", denied[i]);
	for (unsigned i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (!allows(&reach, allowed[i], 80))
			fail_msg("%s is denied", allowed[i]);
}

/* Lost: an administrator's word would not count. */
static void reach_rules(void **state)
{
	struct reach reach = {0};
	struct err err;

	assert_int_equal(reach_add(&reach, "10.1.0.0/16,[fd00::]/8:443", true, &err), 0);
	assert_int_equal(reach_add(&reach, "*:25,10.1.2.3,93.184.0.0/16:80", false, &err), 0);
	assert_true(allows(&reach, "10.1.0.1", 1));
	assert_true(allows(&reach, "::ffff:10.1.0.1", 1));
	assert_false(allows(&reach, "10.1.2.3", 1));
	assert_false(allows(&reach, "10.2.0.1", 1));
	assert_true(allows(&reach, "fd00::1", 443));
	assert_false(allows(&reach, "fd00::1", 80));
	assert_false(allows(&reach, "8.8.8.8", 25));
	assert_false(allows(&reach, "2620:fe::fe", 25));
	assert_true(allows(&reach, "8.8.8.8", 26));
	assert_false(allows(&reach, "93.184.1.1", 80));
	assert_true(allows(&reach, "93.184.1.1", 443));

	reach = (struct reach){0};
	assert_int_equal(reach_add(&reach, "*", false, &err), 0);
	assert_int_equal(reach_add(&reach, "93.184.0.0/16", true, &err), 0);
	assert_false(allows(&reach, "8.8.8.8", 80));
	assert_true(allows(&reach, "93.184.1.1", 80));
	for (const char *const *bad = (const char *const[]){"", ",", "10.0.0.0/33", "h", "*:0",
							    "*:65536", "[::1", "1.2.3.4:x", NULL};
	     *bad; bad++)
		assert_int_equal(reach_add(&reach, *bad, true, &err), -EINVAL);
}

/* Lost: clients would get behind the firewall of the relay's own machine, by the address that it has for all the world. */
static void the_relay_itself(void **state)
{
	struct reach reach = {0};
	struct err err;

	assert_true(allows(&reach, "93.184.1.1", 22));
	assert_false(allows_here(&reach, "93.184.1.1", 22, true));
	assert_false(allows_here(&reach, "2a00:1450::1", 22, true));
	assert_int_equal(reach_add(&reach, "*,*:22,0.0.0.0/0", true, &err), 0);
	assert_false(allows_here(&reach, "93.184.1.1", 22, true));
	assert_int_equal(reach_add(&reach, "93.184.1.1:443,[2a00:1450::]/32", true, &err), 0);
	assert_true(allows_here(&reach, "93.184.1.1", 443, true));
	assert_false(allows_here(&reach, "93.184.1.1", 22, true));
	assert_true(allows_here(&reach, "2a00:1450::1", 22, true));
}

/* Lost: connections would go another way than the user said, or than is best. */
static void which_way(void **state)
{
	static struct ways ways;
	struct err err;

	assert_int_equal(ways_of(&ways, "server", "80", 0), WAY_FIND);
	ways_learn(&ways, "server", "80", WAY_VIA, 100);
	assert_int_equal(ways_of(&ways, "server", "80", 200), WAY_VIA);
	assert_int_equal(ways_of(&ways, "server", "81", 200), WAY_FIND);
	assert_int_equal(ways_of(&ways, "server", "80", 100 + 3600), WAY_FIND);
	assert_int_equal(ways_said(&ways, "server", "80"), WAY_FIND);

	assert_int_equal(ways_add(&ways, "*.example.org", 443, WAY_DIRECT, &err), 0);
	assert_int_equal(ways_add(&ways, "192.0.2.0/24", 0, WAY_VIA, &err), 0);
	assert_int_equal(ways_add(&ways, "Server", 0, WAY_DIRECT, &err), 0);
	assert_int_equal(ways_of(&ways, "a.EXAMPLE.org", "443", 0), WAY_DIRECT);
	assert_int_equal(ways_of(&ways, "a.example.org", "80", 0), WAY_FIND);
	assert_int_equal(ways_of(&ways, "example.org", "443", 0), WAY_FIND);
	assert_int_equal(ways_of(&ways, "192.0.2.7", "1", 0), WAY_VIA);
	assert_int_equal(ways_of(&ways, "server", "80", 200), WAY_DIRECT);

	ways.all = WAY_VIA;
	assert_int_equal(ways_of(&ways, "server", "80", 0), WAY_VIA);
	for (const char *const *near =
		     (const char *const[]){"127.0.0.1", "::1", "localhost", "169.254.1.1",
					   "fe80::1", "x.local", "0.0.0.0", NULL};
	     *near; near++)
		assert_int_equal(ways_of(&ways, *near, "80", 0), WAY_DIRECT);
	for (const char *const *bad =
		     (const char *const[]){"", "a b", "*x", "a.*", "*.*", "1.2.3.4/33", NULL};
	     *bad; bad++)
		assert_int_equal(ways_add(&ways, *bad, 0, WAY_VIA, &err), -EINVAL);
}

static int configure(struct via_config *config, const char *text, struct err *err)
{
	return via_config_parse(config, "c.yaml", text, strlen(text), err);
}

/* Lost: what somebody wrote down would be ignored, or not said to be wrong. */
static void configuration(void **state)
{
	static struct via_config config;
	struct err err = {0};

	assert_int_equal(configure(&config, "# nothing\n", &err), 0);
	assert_int_equal(configure(&config, "links: []\n", &err), 0);
	assert_int_equal(configure(&config,
				   "via:\n  relay: plain://h:8\n  certificate: /c\n  key: /k\n  "
				   "use: always\n  rules:\n"
				   "    - {to: '*.x', port: 443, way: direct}\n"
				   "    - {to: 192.0.2.0/24, way: relay}\n",
				   &err),
			 0);
	assert_string_equal(config.relay.host, "h");
	assert_int_equal(config.ways.all, WAY_VIA);
	assert_int_equal(config.ways.count, 2);
	/* An earlier file counts. */
	assert_int_equal(configure(&config, "via: {relay: other, use: never}\n", &err), 0);
	assert_string_equal(config.relay.host, "h");
	assert_int_equal(config.ways.all, WAY_VIA);
	config = (struct via_config){0};
	assert_int_equal(configure(&config, "via:\n  relay: 'a b'\n", &err), -EINVAL);
	assert_non_null(strstr(err.text, "c.yaml:2:"));
	assert_int_equal(configure(&config, "via: {rules: [{to: 'a b', way: relay}]}\n", &err),
			 -EINVAL);
	assert_int_equal(configure(&config, "via: {relays: x}\n", &err), -EINVAL);
	assert_int_equal(configure(&config, "via: {key: x}\n", &err), -EINVAL);
	assert_int_equal(configure(&config, "via: {use: sometimes}\n", &err), -EINVAL);
	assert_int_equal(
		configure(&config, "via: {rules: [{to: x, way: relay, port: 65536}]}\n", &err),
		-EINVAL);
	assert_string_equal(err.text,
			    "c.yaml:1: 'port' is a whole number from 0 to 65535, not '65536'");
}

/* Lost: a stranger would be let in, or a client kept out. */
static void known_clients(void **state)
{
	static const char text[] =
		"# who\n\n"
		"anna token 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 # "
		"test\n"
		"bert key " KEY "\n";
	static const char *const bad[] = {
		"anna\n",
		"anna token 12\n",
		"anna word " KEY "\n",
		"an/na token " KEY "\n",
		"anna token " KEY " more\n",
	};
	uint8_t key[TLS_KEY_ID_SIZE];
	struct clients *clients;
	struct err err = {0};

	assert_int_equal(clients_parse(&clients, "clients", text, strlen(text), &err), 0);
	assert_int_equal(clients_count(clients), 2);
	assert_int_equal(clients_by_token(clients, "test"), 0);
	assert_int_equal(clients_by_token(clients, "Test"), -ENOENT);
	assert_int_equal(clients_by_token(clients, ""), -ENOENT);
	assert_true(join_parse_key(KEY, key));
	assert_int_equal(clients_by_key(clients, key), 1);
	/* A token's SHA-256 is no key, nor the other way round. */
	assert_true(join_parse_key(
		"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", key));
	assert_int_equal(clients_by_key(clients, key), -ENOENT);
	assert_string_equal(clients_name(clients, 1), "bert");
	clients_free(clients);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(clients_parse(&clients, "clients", bad[i], strlen(bad[i]), &err),
				 -EINVAL);
}

/* Lost: with a file that is written anew, one client would be taken for another, or go on without its line. */
static void clients_that_change(void **state)
{
	static const char before[] = "anna key " KEY "\n"
				     "bert token " KEY "\n",
			  after[] =
				  "carl token 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6"
				  "c15b0f00a08\n"
				  "berta token " KEY "\n";
	struct clients *old, *new;

	assert_int_equal(clients_parse(&old, "clients", before, strlen(before), NULL), 0);
	assert_int_equal(clients_parse(&new, "clients", after, strlen(after), NULL), 0);
	assert_int_equal(clients_again(new, old, 0), -ENOENT);
	assert_int_equal(clients_again(new, old, 1), 1);
	clients_free(old);
	clients_free(new);
}

/* Lost: what a line of the file forbids or allows. */
static void file_of_destinations(void **state)
{
	static const char good[] = "# ours\n\nallow 10.0.0.0/8:80,[fd00::]/8\n  deny *:25 # mail\n";
	static const char *const bad[] = {"allow\n", "refuse 10.0.0.0/8\n", "allow 1 2\n",
					  "deny *:25\nallow x\n"};
	struct reach reach = {0};
	struct err err = {0};

	assert_int_equal(reach_parse(&reach, "f", good, strlen(good), &err), 0);
	assert_int_equal(reach.count, 3);
	assert_true(reach.rules[0].allow && reach.rules[0].port == 80);
	assert_true(!reach.rules[2].allow && reach.rules[2].port == 25);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reach.count = 0;
		assert_int_equal(reach_parse(&reach, "f", bad[i], strlen(bad[i]), &err), -EINVAL);
	}
	assert_non_null(strstr(err.text, "f:2: "));
}

/* Lost: what an earlier run found out; or servers would be led the wrong way for ever, by what somebody wrote into a file. */
static void remembered_from_run_to_run(void **state)
{
	static const char junk[] =
		"\n0 direct 99999999999\nxyz relay 2000\n0000000000000001 relay\n"
		"0000000000000002 up 99999999999\n0000000000000003 relay -1 x\n"
		"0000000000000004 relay 1999999999999999999999999\nrest";
	const struct memory_clock before = {100, 1000000}, later = {5, 1001000};
	static char text[MEMORY_TEXT_MAX];
	static struct ways ways, next;
	size_t size;

	ways = next = (struct ways){0};
	assert_int_equal(memory_text(&ways, text, &before), 0);
	ways_learn(&ways, "192.0.2.1", "80", WAY_VIA, before.now);
	ways_learn(&ways, "example.org", "443", WAY_DIRECT, before.now);
	size = memory_text(&ways, text, &before);
	assert_true(size > 0 && size < MEMORY_TEXT_MAX);
	assert_null(memmem(text, size, "192.0.2.1", 9));
	assert_null(memmem(text, size, "example", 7));

	memory_parse(&next, text, size, &later);
	assert_int_equal(ways_of(&next, "192.0.2.1", "80", later.now), WAY_VIA);
	assert_int_equal(ways_of(&next, "example.org", "443", later.now), WAY_DIRECT);
	assert_true(ways_hints(&next, "192.0.2.1", "80"));
	assert_false(ways_hints(&ways, "192.0.2.1", "80"));
	/* It ends when it would have ended. */
	assert_int_equal(ways_of(&next, "192.0.2.1", "80", later.now + 2601), WAY_FIND);
	/* What this run found out counts more. */
	ways_learn(&next, "192.0.2.1", "80", WAY_DIRECT, later.now);
	memory_parse(&next, text, size, &later);
	assert_int_equal(ways_of(&next, "192.0.2.1", "80", later.now), WAY_DIRECT);
	assert_false(ways_hints(&next, "192.0.2.1", "80"));

	/* A clock that was wrong, and what is no line. */
	next = (struct ways){0};
	memory_parse(&next, text, size, &(struct memory_clock){5, 1000});
	assert_int_equal(ways_of(&next, "192.0.2.1", "80", 5 + 3599), WAY_VIA);
	assert_int_equal(ways_of(&next, "192.0.2.1", "80", 5 + 3601), WAY_FIND);
	next = (struct ways){0};
	memory_parse(&next, junk, strlen(junk), &later);
	assert_int_equal(memory_text(&next, text, &later), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_relays),
		cmocka_unit_test(words),
		cmocka_unit_test(private_by_default),
		cmocka_unit_test(reach_rules),
		cmocka_unit_test(the_relay_itself),
		cmocka_unit_test(which_way),
		cmocka_unit_test(configuration),
		cmocka_unit_test(known_clients),
		cmocka_unit_test(clients_that_change),
		cmocka_unit_test(file_of_destinations),
		cmocka_unit_test(remembered_from_run_to_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
