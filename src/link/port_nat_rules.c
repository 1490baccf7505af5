/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of nftables of port_nat.h. Devices go by their indexes there: a name may be anything. */
#include "link/port_nat.h"

#include "base/cleanup.h"

#include <nftables/libnftables.h>
#include <string.h>
#include <sys/select.h>

struct nat_rules {
	struct nft_ctx *nft;  /* owned: the table is there while its socket is open */
	char table[IFNAMSIZ]; /* and TAP */
};

static const char *const families[] = {"ip", "ip6"};

static int run(struct nat_rules *rules, const char *text, struct err *err)
{
	const char *words;

	if (nft_run_cmd_from_buffer(rules->nft, text) == 0)
		return 0;
	words = nft_ctx_get_error_buffer(rules->nft);
	return err_set(err, -EOPNOTSUPP,
		       "it takes a kernel with nf_tables, nat and masquerade, from 5.12: %.*s",
		       (int)strcspn(words, "\n"), words);
}

static void put_chains(FILE *to, const char *table)
{
	static const char *const chains[][2] = {
		{"from", "filter hook prerouting priority raw"},
		{"between", "filter hook forward priority filter"},
		{"to", "nat hook prerouting priority dstnat"},
		{"out", "nat hook postrouting priority srcnat"},
	};

	fprintf(to, "add table inet %s { flags owner; }\n", table);
	for (unsigned i = 0; i < ARRAY_SIZE(chains); i++)
		fprintf(to, "add chain inet %s %s { type %s; }\n", table, chains[i][0],
			chains[i][1]);
}

static void put_family(FILE *to, const char *table, unsigned index, const struct port *port,
		       unsigned i)
{
	struct address stack = port_nat_stack(&port->networks[i]);
	char text[ADDRESS_TEXT_MAX];

	address_text(&stack, text);
	fprintf(to, "add rule inet %s from iif %u %s saddr != %s drop\n", table, index, families[i],
		text);
	fprintf(to, "add rule inet %s out oif %u %s saddr %s masquerade\n", table, port->link,
		families[i], text);
}

static char *make_rules(const char *table, unsigned index, const struct port *port,
			const bool *router)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	put_chains(to, table);
	for (unsigned i = 0; i < 2; i++) {
		if (port->networks[i].family)
			put_family(to, table, index, port, i);
		else
			fprintf(to, "add rule inet %s from iif %u meta nfproto %s drop\n", table,
				index, i == 0 ? "ipv4" : "ipv6");
		/* What is for another port is for its table to judge. */
		if (port->networks[i].family && !router[i])
			fprintf(to,
				"add rule inet %s between iif %u meta nfproto %s oifname != "
				"\"" PORT_NAT_DEVICE "*\" drop\n",
				table, port->link, i == 0 ? "ipv4" : "ipv6");
	}
	fprintf(to, "add rule inet %s between iif %u oif != %u drop\n", table, index, port->link);
	fprintf(to, "add rule inet %s between oif %u ct state new,invalid ct status ! dnat drop\n",
		table, index);
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}

/* Libnftables waits by select(), and aborts on higher ones. */
static bool has_low_descriptors(void)
{
	_cleanup_close_ int fd = dup(STDIN_FILENO);

	return fd >= 0 && fd < FD_SETSIZE - 8;
}

int nat_rules_open(const char *device, unsigned index, const struct port *port,
		   const bool router[static 2], struct nat_rules **ret, struct err *err)
{
	struct nat_rules *rules = calloc(1, sizeof(*rules));
	_cleanup_free_ char *text = make_rules(device, index, port, router);
	int code;

	if (!has_low_descriptors()) {
		free(rules);
		return err_set(err, -EMFILE, "too many descriptors are open");
	}
	if (rules)
		rules->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!rules || !rules->nft || !text) {
		free(rules);
		return err_set(err, -ENOMEM, "libnftables cannot be used");
	}
	snprintf(rules->table, sizeof(rules->table), "%s", device);
	nft_ctx_buffer_output(rules->nft);
	nft_ctx_buffer_error(rules->nft);
	code = run(rules, text, err);
	if (code < 0)
		nat_rules_close(rules);
	else
		*ret = rules;
	return code;
}

int nat_rules_reach(struct nat_rules *rules, const struct port *port, uint16_t number, bool udp,
		    struct err *err)
{
	int code = 0;

	for (unsigned i = 0; i < 2 && code == 0; i++) {
		struct address stack = port_nat_stack(&port->networks[i]);
		char address[ADDRESS_TEXT_MAX], text[256];

		if (!stack.family)
			continue;
		snprintf(text, sizeof(text),
			 "add rule inet %s to iif %u meta nfproto %s fib daddr type local "
			 "meta l4proto { tcp%s } th dport %u dnat %s to %s\n",
			 rules->table, port->link, i == 0 ? "ipv4" : "ipv6", udp ? ", udp" : "",
			 number, families[i], address_text(&stack, address));
		code = run(rules, text, err);
	}
	return code;
}

/* A table that says so in words: "type filter hook forward priority filter; policy drop;". */
bool nat_rules_hindered(struct nat_rules *rules)
{
	const char *line;

	if (nft_run_cmd_from_buffer(rules->nft, "list chains") != 0)
		return false;
	line = nft_ctx_get_output_buffer(rules->nft);
	while ((line = strstr(line, "hook forward"))) {
		const char *policy = strstr(line, "policy drop");

		if (policy && policy < line + strcspn(line, "\n"))
			return true;
		line++;
	}
	return false;
}

void nat_rules_close(struct nat_rules *rules)
{
	if (rules)
		nft_ctx_free(rules->nft);
	free(rules);
}
