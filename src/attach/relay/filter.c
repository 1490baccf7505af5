/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What attachment "relay" asks about: everything about a socket but its bytes and its end. Which socket it is cannot be seen
 * from here, so that calls on others are asked about, too, and go on. */
#include "attach/filter.h"
#include "attach/call.h"
#include "base/cleanup.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define SOCKET_TYPE_MASK 0xf /* the rest of the argument are SOCK_CLOEXEC and SOCK_NONBLOCK */

static int add_socket(scmp_filter_ctx filter)
{
	static const int domains[] = {AF_INET, AF_INET6}, protocols[] = {0, IPPROTO_TCP};
	int err = 0;

	for (unsigned d = 0; d < ARRAY_SIZE(domains); d++)
		for (unsigned p = 0; p < ARRAY_SIZE(protocols) && err == 0; p++)
			err = seccomp_rule_add(
				filter, SCMP_ACT_NOTIFY, SCMP_SYS(socket), 3,
				SCMP_A0_64(SCMP_CMP_MASKED_EQ, FILTER_INT,
					   (scmp_datum_t)domains[d]),
				SCMP_A1_64(SCMP_CMP_MASKED_EQ, SOCKET_TYPE_MASK, SOCK_STREAM),
				SCMP_A2_64(SCMP_CMP_MASKED_EQ, FILTER_INT,
					   (scmp_datum_t)protocols[p]));
	return err;
}

static int add_all(scmp_filter_ctx filter, enum call_kind kind)
{
	int err = 0;

	for (unsigned i = 0; i < CALL_NAMES_MAX && err == 0; i++)
		if (call_name(kind, i))
			err = seccomp_rule_add(filter, SCMP_ACT_NOTIFY,
					       seccomp_syscall_resolve_name(call_name(kind, i)), 0);
	return err;
}

/* Of a socket's own, and of the host's links, those that are answered by any socket of its family alone. */
static const scmp_datum_t ioctls[] = {SIOCOUTQ, SIOCGIFADDR, SIOCGIFBRDADDR, SIOCGIFNETMASK,
				      SIOCGIFDSTADDR};

static int add_rules(scmp_filter_ctx filter, enum filter_detail detail, void *data)
{
	int err = 0;

	if (detail == FILTER_LEAST)
		return 0;
	err = add_socket(filter);
	for (unsigned kind = CALL_CONNECT; kind < CALL_SEND && err == 0; kind++)
		err = add_all(filter, kind);
	for (unsigned i = 0; i < ARRAY_SIZE(ioctls) && err == 0; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(ioctl), 1,
				       SCMP_A1_64(SCMP_CMP_MASKED_EQ, FILTER_INT, ioctls[i]));
	/* Connects and sends at once: refused, as where TCP Fast Open is switched off. */
	if (err == 0)
		err = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(sendto), 1,
				       SCMP_A3_64(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, MSG_FASTOPEN));
	/* Its sockets would pass us by. */
	if (err == 0)
		err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
	return err;
}

int relay_filter_load(struct err *err)
{
	int calls[CALL_KINDS * CALL_NAMES_MAX];
	struct filter_rules rules = {.add = add_rules, .socketcalls = calls};

	for (unsigned kind = 0; kind < CALL_SEND; kind++)
		for (unsigned i = 0; i < CALL_NAMES_MAX; i++)
			if (call_name(kind, i))
				calls[rules.socketcall_count++] = call_number(kind, i);
	return filter_load(&rules, err);
}
