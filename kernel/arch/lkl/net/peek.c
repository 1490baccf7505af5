// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a socket has received, where it lies. The call that looks at it (MSG_PEEK) is handed an address that nothing has: what would be
 * copied there is noted (asm/uaccess.h). It stays in the socket's queue, so it is there until the kernel is called again.
 *
 * For the kernel it has been read then, which is when the peer is told. If it fills most of the room, the peer could send little:
 * then it is told when that was taken out, once and not twice (net/ipv4/Makefile has TCP ask here).
 */
#include <asm/lkl.h>
#include <linux/socket.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <net/tcp.h>

static struct iovec *noted;
static int count, room;
static bool peeks;

void lkl_send_ack(struct sock *sk);

void lkl_send_ack(struct sock *sk)
{
	if (!peeks || 2 * tcp_space(sk) > tcp_full_space(sk))
		tcp_send_ack(sk);
}

unsigned long lkl_note(const void *from, unsigned long size)
{
	struct iovec *last = noted + count - 1;

	if (count > 0 && last->iov_base + last->iov_len == from) {
		last->iov_len += size;
		return 0;
	}
	if (count == room)
		return size;
	noted[count++] = (struct iovec){(void *)from, size};
	return 0;
}

long lkl_peek(int fd, unsigned long size, struct iovec *parts, int *ret_count)
{
	unsigned long left;
	long got;

	noted = parts;
	room = *ret_count;
	count = 0;
	peeks = true;
	got = __sys_recvfrom(fd, (void __user *)LKL_NOWHERE, size, MSG_PEEK | MSG_DONTWAIT, NULL,
			     NULL);
	peeks = false;
	/* Of the last packet that was looked at there may be parts that did not all fit. */
	left = got > 0 ? got : 0;
	for (*ret_count = 0; left > 0; (*ret_count)++) {
		struct iovec *part = &parts[*ret_count];

		part->iov_len = min_t(unsigned long, part->iov_len, left);
		left -= part->iov_len;
	}
	return got;
}
