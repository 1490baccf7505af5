/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The near side of a relayed socket. */
#include "attach/relay/near.h"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cannot.h"

#define NO_COOKIE UINT64_MAX /* any will do */

/* Asks @diag of a socket that there is not, and leaves the answer there. */
static void ask_in_vain(int diag)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} ask = {.header = {.nlmsg_len = sizeof(ask),
			    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST},
		 .request = {.sdiag_family = AF_UNIX,
			     .udiag_states = UINT32_MAX,
			     .udiag_ino = UINT32_MAX,
			     .udiag_cookie = {UINT32_MAX, UINT32_MAX}}};

	assert_int_equal(send(diag, &ask, sizeof(ask), 0), sizeof(ask));
}

/* Lost: after one answer that could not be had each was taken for the one to the next question, and sockets that programs hold were
 * closed under them. */
static void an_answer_that_is_late_is_none(void **state)
{
	struct near near = {.diag = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};
	struct stat held;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(fstat(ends[0], &held), 0);
	if (near.diag < 0 || near_is_held(&near, UINT32_MAX, NO_COOKIE))
		CANNOT("this kernel does not tell who holds AF_UNIX sockets");
	assert_true(near_is_held(&near, (uint32_t)held.st_ino, NO_COOKIE));
	ask_in_vain(near.diag);
	assert_true(near_is_held(&near, (uint32_t)held.st_ino, NO_COOKIE));
	assert_false(near_is_held(&near, UINT32_MAX, NO_COOKIE));
	close(ends[0]);
	close(ends[1]);
	close(near.diag);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_that_is_late_is_none),
	};

	return cannot_end(cmocka_run_group_tests(tests, NULL, NULL));
}
