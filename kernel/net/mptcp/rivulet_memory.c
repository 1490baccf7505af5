// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections where all of TCP's memory is taken (tcp_mem).
 *
 * TCP lets every socket have a little even then, so that each has something under way, and the acknowledgement of it wakes
 * who waits for room. MPTCP asks for memory as TCP does, but takes no for an answer also where a socket has nothing: then no
 * acknowledgement comes, and nothing wakes the program, or the subflow that would send. So each socket of the connection and
 * each of its subflows may have what TCP promises to all of them while memory is short (the first number of tcp_wmem),
 * also where it is used up (the Makefile has protocol.c ask here).
 */
#include <net/sock.h>
#include <net/tcp.h>

int rivulet_mem_schedule(struct sock *sk, int size, int kind);

int rivulet_mem_schedule(struct sock *sk, int size, int kind)
{
	if (__sk_mem_schedule(sk, size, kind))
		return 1;
	if (kind != SK_MEM_SEND || sk->sk_wmem_queued >= sk_get_wmem0(sk, sk->sk_prot))
		return 0;
	sk_forced_mem_schedule(sk, sk->sk_forward_alloc + size);
	return 1;
}
