// SPDX-License-Identifier: GPL-2.0-only
/*
 * TCP timestamps that go on where those of the kernel before this one ended.
 *
 * A kernel that is a program begins anew with each run, from the address and the ports that the run before it had. Who has closed a
 * connection remembers its last timestamp for a minute (TIME-WAIT), and takes a first packet for an old one whose timestamp is
 * not later (RFC 7323, section 5; RFC 6191): the connection comes about only when it is sent again. So timestamps have to grow
 * from run to run, as those of one kernel do. The clock that they are made of is the host's (read_persistent_wall_and_boot_offset()
 * of each machine); left is the offset of each connection, a hash of addresses and ports under a secret that Linux draws when it
 * starts. Here that secret is handed over by who starts the kernel, rvstamps= with 32 hexadecimal digits, the same ones until the host
 * boots again. Without it timestamps are as Linux has them.
 *
 * The secret is the host's boot id, which every user of the host can read and no peer can guess: 122 random bits. What offsets are to
 * hide (RFC 7323, sections 5.4 and 7) is hidden from peers, therefore: how long the host is up, and that connections from several addresses
 * are one host's. Users of the host know both. Initial sequence numbers, which must not be guessed by them either (RFC 6528), remain
 * Linux's own; with timestamps TIME-WAIT does not need them to grow. So do the offsets of connections that are accepted: who has begun
 * one compares its timestamps with none before it.
 */
#include <linux/hex.h>
#include <linux/init.h>
#include <linux/siphash.h>
#include <net/ipv6.h>
#include <net/tcp.h>

int rivulet_connect(struct sock *sk);

static siphash_key_t secret __ro_after_init;
static bool secret_known __ro_after_init;

static int __init take_secret(char *digits)
{
	if (!digits || strlen(digits) != 2 * sizeof(secret) ||
	    hex2bin((u8 *)&secret, digits, sizeof(secret)))
		return -EINVAL;
	secret_known = true;
	return 0;
}
early_param("rvstamps", take_secret);

/* The same for a connection of IPv4, whichever kind of socket has it. */
static u32 offset_of(const struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);
	struct {
		struct in6_addr from, to;
		__be16 ports[2];
	} __aligned(SIPHASH_ALIGNMENT) ends = {.ports = {inet->inet_sport, inet->inet_dport}};

	if (sk->sk_family == AF_INET6 && !ipv6_addr_v4mapped(&sk->sk_v6_daddr)) {
		ends.from = inet6_sk(sk)->saddr;
		ends.to = sk->sk_v6_daddr;
	} else {
		ipv6_addr_set_v4mapped(inet->inet_saddr, &ends.from);
		ipv6_addr_set_v4mapped(inet->inet_daddr, &ends.to);
	}
	return (u32)siphash(&ends, offsetofend(typeof(ends), ports), &secret);
}

/* Instead of tcp_connect(): the first packet is about to be made. */
int rivulet_connect(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (secret_known && !tp->repair && READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_timestamps) == 1)
		WRITE_ONCE(tp->tsoffset, offset_of(sk));
	return tcp_connect(sk);
}
