/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/via.h"

#include "base/cleanup.h"
#include "base/document.h"
#include "via/config.h"

#include <string.h>

/* What is written in a file does not show in lists of processes. */
static int read_relay(const char *text, struct join *ret, struct err *err)
{
	_cleanup_free_ char *line = NULL;
	size_t size;
	int code;

	if (text[0] != '@')
		return join_parse(text, ret, err);
	code = document_read(text + 1, &line, &size, err);
	if (code < 0)
		return code;
	line[strcspn(line, "\r\n")] = '\0';
	code = join_parse(line, ret, err);
	return code < 0 ? err_prefix(err, code, "%s", text + 1) : 0;
}

bool via_take(struct via_wishes *wishes, int option, const char *value)
{
	switch (option) {
	case OPTION_VIA:
		wishes->relay = value;
		return true;
	case OPTION_VIA_ALWAYS:
		wishes->always = true;
		return true;
	case OPTION_VIA_NEVER:
		wishes->never = true;
		return true;
	default:
		return false;
	}
}

int via_complete(const struct via_wishes *wishes, struct via_options *ret, bool *ret_any,
		 struct err *err)
{
	static struct via_config config; /* too large for the stack */
	int code = via_config_read_files(&config, err);

	if (code < 0)
		return code;
	if (wishes->always && wishes->never)
		return err_set(err, -EINVAL, "--via-always and --via-never contradict each other");
	ret->relay = config.relay;
	ret->ways = config.ways;
	memcpy(ret->certificate, config.certificate, sizeof(ret->certificate));
	memcpy(ret->key, config.key, sizeof(ret->key));
	if (wishes->relay) {
		code = read_relay(wishes->relay, &ret->relay, err);
		if (code < 0)
			return err_prefix(err, code, "--via");
	}
	if (wishes->always && !ret->relay.host[0])
		return err_set(err, -EINVAL, "--via-always: which relay? --via names it");
	if (wishes->always)
		ret->ways.all = WAY_VIA;
	*ret_any = ret->relay.host[0] && !wishes->never && ret->ways.all != WAY_DIRECT;
	return 0;
}
