/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes between TLS and a socket, over socket pairs: what becomes of an end that goes while the other one is slow; and how far ahead
 * of its peer a sender goes. */
#include "via/tunnel.h"

#include "base/clock.h"
#include "link/backlog.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct over {
	struct tunnel tunnel;
	bool is;
	int code;
};

static void on_over(struct tunnel *tunnel, int code)
{
	struct over *over = loop_owner(tunnel, struct over, tunnel);

	over->is = true;
	over->code = code;
}

static void pair(int ends[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
}

/* Two sessions that know each other, upon a socket pair. */
static void agree(struct tls *ret[2], const int ends[2])
{
	char folder[] = "/tmp/rivulet-test.XXXXXX", certificate[64], key[64];
	struct tls_keys *keys[2];
	uint8_t id[TLS_KEY_ID_SIZE];
	struct err err = {0};
	int codes[2] = {-EAGAIN, -EAGAIN};

	assert_non_null(mkdtemp(folder));
	snprintf(certificate, sizeof(certificate), "%s/certificate", folder);
	snprintf(key, sizeof(key), "%s/key", folder);
	assert_int_equal(tls_make(certificate, key, "here", id, &err), 0);
	assert_int_equal(
		tls_keys_open(
			&keys[0],
			&(struct tls_setup){.certificate = certificate, .key = key, .serves = true},
			&err),
		0);
	assert_int_equal(tls_keys_open(&keys[1], &(struct tls_setup){0}, &err), 0);
	assert_int_equal(tls_begin(&ret[0], keys[0], ends[0], NULL, NULL), 0);
	assert_int_equal(tls_begin(&ret[1], keys[1], ends[1], "here", id), 0);
	while (codes[0] == -EAGAIN || codes[1] == -EAGAIN)
		for (unsigned i = 0; i < 2; i++)
			if (codes[i] == -EAGAIN)
				codes[i] = tls_shake(ret[i], &err);
	assert_int_equal(codes[0], 0);
	assert_int_equal(codes[1], 0);
	for (unsigned i = 0; i < 2; i++)
		tls_keys_close(keys[i]);
	unlink(certificate);
	unlink(key);
	rmdir(folder);
}

/* A relay would turn round and round, for as long as a client with a slow link takes to get what its server has left behind. */
static void one_that_has_gone_is_not_listened_to(void **state)
{
	static uint8_t much[1 << 20];
	int secret[2], open[2], done;
	struct over over = {.tunnel.over = on_over};
	size_t sent = 0, got = 0;
	struct tls *tls[2];
	struct loop loop;

	pair(secret);
	pair(open);
	agree(tls, secret);
	assert_int_equal(loop_open(&loop), 0);
	assert_int_equal(tunnel_open(&over.tunnel, &loop, tls[0], secret[0], open[0], NULL, 0), 0);
	/* Until nothing more goes in: neither is the client listening, nor is there room in between. */
	do {
		done = (int)send(open[1], much, sizeof(much), MSG_DONTWAIT | MSG_NOSIGNAL);
		sent += done > 0 ? (size_t)done : 0;
		assert_int_equal(loop_turn(&loop, 0), 0);
	} while (done > 0 || !over.tunnel.out.held);
	close(open[1]);
	while (over.tunnel.open.watched)
		assert_int_equal(loop_turn(&loop, 0), 0);
	/* And nothing of it is lost. */
	assert_int_equal(tls_end(tls[1]), 0);
	while (!over.is) {
		ssize_t some = tls_read(tls[1], much, sizeof(much));

		if (some > 0)
			got += (size_t)some;
		assert_int_equal(loop_turn(&loop, 0), 0);
	}
	while ((done = (int)tls_read(tls[1], much, sizeof(much))) > 0)
		got += (size_t)done;
	assert_int_equal(done, 0);
	assert_int_equal(got, sent);
	assert_int_equal(over.code, 0);
	tls_close(tls[1]);
	close(secret[1]);
	loop_close(&loop);
}

/* A download that gets faster would be held down, and one that pauses for a moment would begin anew. */
static void ahead_at_once_and_back_late(void **state)
{
	struct ahead ahead = {0};
	uint64_t now = NS_PER_S;

	assert_int_equal(ahead_bound(&ahead, 1000, now), BACKLOG_MIN);
	assert_int_equal(ahead_bound(&ahead, 2000000, now + 1), 2000000);
	assert_int_equal(ahead_bound(&ahead, 1000000, now + NS_PER_S / 2), 2000000);
	assert_int_equal(ahead_bound(&ahead, 1000000, now + NS_PER_S + 1), 1000000);
	assert_int_equal(ahead_bound(&ahead, 0, now + NS_PER_S * 3), BACKLOG_MIN);
	assert_true(ahead_bound(&ahead, UINT64_MAX, now + NS_PER_S * 4) == UINT64_MAX);
}

/* What is no MPTCP connection has no links to choose from: it is never held up. */
static void only_mptcp(void **state)
{
	struct ahead ahead = {0};
	uint8_t much[65536] = {0};
	int ends[2];

	pair(ends);
	while (send(ends[0], much, sizeof(much), MSG_DONTWAIT) > 0)
		assert_true(ahead_may_write(&ahead, ends[0], 1));
	assert_true(ahead_may_write(&ahead, ends[0], 2));
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_has_gone_is_not_listened_to),
		cmocka_unit_test(ahead_at_once_and_back_late),
		cmocka_unit_test(only_mptcp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
