/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Linux as a library: all that a program sees of the kernel in lkl.o, which it is linked with.
 *
 * One thread owns the kernel. It boots it, makes system calls, which are function calls, and lets it work:
 *
 *	for (;;) {
 *		... lkl_call() as often as there is something to do ...
 *		until = lkl_turn();
 *		... sleep until @until, or until a descriptor of a link or of the program's has something;
 *		    tell lkl_link_ready() of a link's ...
 *	}
 *
 * The kernel does nothing on its own: no thread, no signal, no timer of the host's. What would interrupt a kernel (the
 * clock, packets) is looked at in lkl_turn(), and in lkl_call() while a call blocks. So nothing can happen between
 * lkl_turn()'s answer and the program's sleep, and no wake-up can be lost. After lkl_call() or lkl_link_ready() that
 * answer is no longer good: lkl_turn() comes before each sleep.
 *
 * lkl_call() takes the numbers of asm-generic/unistd.h and structures laid out as those of x86-64's 64-bit calls, and
 * returns what the call does: 0 or more, or a negative errno. Pointers are the program's own and are not checked: a bad
 * one crashes the program. Calls made are those of a root user's only process.
 *
 * A kernel that panics says why by log() and panic(), and is never called again. There is one kernel a process, for as
 * long as that lives; the process must not fork after lkl_boot(). Signal handlers may run, but call nothing of this.
 */
#ifndef LKL_H
#define LKL_H

struct iovec;

#define LKL_NEVER (~0ULL)

/* What the kernel asks of the program. All are called on the kernel's stacks, which are small (16 KiB): keep them short. */
struct lkl_host {
	/* Nanoseconds of a clock that never goes back, also from one program to the next while these share addresses (TCP timestamps are made
	 * of it), and of the day (since 1970). */
	unsigned long long (*now)(void);
	unsigned long long (*today)(void);
	void (*random)(void *to, unsigned long size);
	/* Memory of @size bytes, all zero, at an address that is a multiple of 4096; or NULL. */
	void *(*map)(unsigned long size);
	/* The kernel's words, in lines that end with '\n'. */
	void (*log)(const char *text, unsigned length);
	/* It has broken down, and said why by log(). Does not return. */
	void (*panic)(void);
	/* A call blocks: sleep until @until (of now()), or until a link's descriptor is readable, and then tell
	 * lkl_link_ready(). */
	void (*wait)(unsigned long long until);
	/* One packet from or to the descriptor of a link, as readv() and writev() do it; a negative errno. -EAGAIN: none
	 * now, or no room. Any other error is loss of carrier. */
	long (*receive)(int fd, const struct iovec *parts, int count);
	long (*transmit)(int fd, const struct iovec *parts, int count);
};

/*
 * Boots, with @memory bytes (8 MiB or more), @command as the kernel's command line ("" or "loglevel=4 ..."), and @host, which is
 * borrowed for ever. 0; -ENOMEM: no memory; -EBUSY: it was booted before.
 */
int lkl_boot(const struct lkl_host *host, unsigned long memory, const char *command);

long lkl_call(long number, long a, long b, long c, long d, long e, long f);

/* What the TCP or MPTCP socket @fd has received, up to @size bytes of it, as recvfrom() with MSG_PEEK and MSG_DONTWAIT: how many, with the
 * parts that they lie in, of which there may be *@count. They can be read until the kernel is called again; recvfrom() with MSG_TRUNC takes
 * them out. */
long lkl_peek(int fd, unsigned long size, struct iovec *parts, int *count);

/* Lets the kernel do all that it has to do now. Returns when (of now()) it has to be called again, LKL_NEVER: not before
 * something happens. It may return early, with the present time, when there is much to do. */
unsigned long long lkl_turn(void);

struct lkl_link {
	const char *name;         /* "" or up to 15 letters */
	unsigned char address[6]; /* Ethernet */
	unsigned mtu;
	/* A descriptor that does not block, of packets that begin with a struct virtio_net_hdr of 12 bytes (or 10 when
	 * short_header), the program's: a TAP (IFF_TAP, IFF_NO_PI, IFF_VNET_HDR), a packet socket (PACKET_VNET_HDR). */
	int fd;
	int short_header;
	int offload; /* checksums are left to it, and TCP segments of up to 64 KiB, both ways */
};

/* Adds a network device, that is down; whether it has carrier it is told by netlink (IFLA_CARRIER). Its index (> 0), or a negative errno. */
int lkl_link_add(const struct lkl_link *link);
/* The descriptor can be read, or written again. Cheap: the work is lkl_turn()'s. */
void lkl_link_ready(int index);
/* Is packet output waiting for the descriptor to become writable? */
int lkl_link_blocked(int index);

#endif
