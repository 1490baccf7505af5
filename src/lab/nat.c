/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/nat.h"

#include "base/cleanup.h"

#include <nftables/libnftables.h>
#include <string.h>

static void free_context(struct nft_ctx **nft)
{
	if (*nft)
		nft_ctx_free(*nft);
}

int nat_masquerade(const char *device, struct err *err)
{
	_cleanup_(free_context) struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	_cleanup_free_ char *rules = NULL;
	const char *words;

	if (!nft)
		return err_set(err, -ENOMEM, "libnftables cannot be used");
	if (asprintf(&rules,
		     "add table inet rivulet-lab\n"
		     "add chain inet rivulet-lab out { type nat hook postrouting priority srcnat; "
		     "}\n"
		     "add rule inet rivulet-lab out oifname \"%s\" masquerade\n",
		     device) < 0) {
		rules = NULL;
		return -ENOMEM;
	}
	nft_ctx_buffer_output(nft);
	nft_ctx_buffer_error(nft);
	if (nft_run_cmd_from_buffer(nft, rules) == 0)
		return 0;
	words = nft_ctx_get_error_buffer(nft);
	return err_set(err, -EOPNOTSUPP,
		       "address translation on '%s' needs a kernel with nf_tables, its nat chain "
		       "and masquerade: %.*s",
		       device, (int)strcspn(words, "\n"), words);
}
