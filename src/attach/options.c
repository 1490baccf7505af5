/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/options.h"

#include <errno.h>
#include <linux/in6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/socket.h>

/* Numbers that the C library's headers do not know, or hide behind names that depend on the size
 * of time_t. They are the same on all CPUs that Rivulet is built for. */
enum {
	SO_TIMESTAMPS_OLD = 29,
	SO_TIMESTAMPS_NEW = 63,
	SO_TIMEOUTS_NEW = 66,
	SO_PASSPIDFD_ = 76,
	SO_PEERPIDFD_ = 77,
	SO_DEVMEM_LINEAR_ = 78,
	SO_DEVMEM_DONTNEED_ = 80,
	SO_RCVPRIORITY_ = 82,
	SO_PASSRIGHTS_ = 83,
	TCP_AO_ADD_KEY_ = 38,
	TCP_AO_GET_KEYS_ = 41,
	TCP_IS_MPTCP_ = 43,
	TCP_LAST_ = 46, /* TCP_DELACK_MAX_US */
	IP_LOCAL_PORT_RANGE_ = 51,
	IP_LAST_ = 63, /* above are netfilter's */
	IP6T_FIRST_ = 64,
	IP6T_LAST_ = 65,
	IP6T_REVISIONS_FIRST_ = 68,
	IP6T_REVISIONS_LAST_ = 69,
};

struct rule {
	int level, first, last; /* names, both included */
	enum option_answer set, get;
	int error; /* of OPTION_REFUSED */
};

#define KERNEL OPTION_KERNEL
#define LEFT   OPTION_LEFT
#define MODEL  OPTION_MODEL
#define UNTIL  OPTION_UNTIL_CONNECTED
#define ROUTE  OPTION_ROUTE
#define REFUSE OPTION_REFUSED

/* The first row that fits decides. */
static const struct rule rules[] = {
	{SOL_SOCKET, SO_DEBUG, SO_DEBUG, KERNEL, KERNEL},
	{SOL_SOCKET, SO_REUSEADDR, SO_REUSEADDR, UNTIL, UNTIL},
	{SOL_SOCKET, SO_DONTROUTE, SO_BROADCAST, MODEL, MODEL},
	{SOL_SOCKET, SO_SNDBUF, SO_KEEPALIVE, KERNEL, KERNEL},
	{SOL_SOCKET, SO_OOBINLINE, SO_NO_CHECK, MODEL, MODEL},
	{SOL_SOCKET, SO_PRIORITY, SO_LINGER, KERNEL, KERNEL},
	{SOL_SOCKET, SO_BSDCOMPAT, SO_BSDCOMPAT, MODEL, MODEL},
	{SOL_SOCKET, SO_REUSEPORT, SO_REUSEPORT, UNTIL, UNTIL},
	/* Of AF_UNIX: frequent there, and without meaning for TCP. */
	{SOL_SOCKET, SO_PASSCRED, SO_PASSCRED, LEFT, LEFT},
	{SOL_SOCKET, SO_PASSSEC, SO_PASSSEC, LEFT, LEFT},
	{SOL_SOCKET, SO_PASSPIDFD_, SO_PASSPIDFD_, LEFT, LEFT},
	{SOL_SOCKET, SO_PASSRIGHTS_, SO_PASSRIGHTS_, LEFT, LEFT},
	{SOL_SOCKET, SO_RCVLOWAT, SO_RCVLOWAT, KERNEL, KERNEL},
	{SOL_SOCKET, SO_RCVTIMEO_OLD, SO_SNDTIMEO_OLD, KERNEL, KERNEL},
	{SOL_SOCKET, SO_BINDTODEVICE, SO_BINDTODEVICE, UNTIL, UNTIL},
	/* Programs for the kernel: a filter that does not filter would be a hole. */
	{SOL_SOCKET, SO_ATTACH_FILTER, SO_ATTACH_FILTER, LEFT, LEFT},
	{SOL_SOCKET, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_EBPF, LEFT, LEFT},
	{SOL_SOCKET, SO_TIMESTAMPS_OLD, SO_TIMESTAMPS_OLD, KERNEL, KERNEL},
	{SOL_SOCKET, SO_SNDBUFFORCE, SO_RCVBUFFORCE, KERNEL, KERNEL},
	{SOL_SOCKET, SO_TIMESTAMPNS_OLD, SO_TIMESTAMPNS_OLD, KERNEL, KERNEL},
	/* Rules of the host go by it, some of them against leaks. */
	{SOL_SOCKET, SO_MARK, SO_MARK, LEFT, LEFT},
	{SOL_SOCKET, SO_TIMESTAMPING_OLD, SO_TIMESTAMPING_OLD, KERNEL, KERNEL},
	{SOL_SOCKET, SO_PROTOCOL, SO_PROTOCOL, MODEL, MODEL},
	{SOL_SOCKET, SO_RXQ_OVFL, SO_WIFI_STATUS, MODEL, MODEL},
	/* Whoever may set it peeks at other bytes than those it gets. */
	{SOL_SOCKET, SO_PEEK_OFF, SO_PEEK_OFF, LEFT, LEFT},
	{SOL_SOCKET, SO_NOFCS, SO_SELECT_ERR_QUEUE, MODEL, MODEL}, /* and SO_LOCK_FILTER */
	{SOL_SOCKET, SO_BUSY_POLL, SO_BUSY_POLL, KERNEL, KERNEL},
	{SOL_SOCKET, SO_MAX_PACING_RATE, SO_MAX_PACING_RATE, MODEL, MODEL},
	{SOL_SOCKET, SO_INCOMING_CPU, SO_INCOMING_CPU, KERNEL, KERNEL},
	/* Whoever may set it waits for messages that never come before it uses a buffer again. */
	{SOL_SOCKET, SO_ZEROCOPY, SO_ZEROCOPY, LEFT, LEFT},
	{SOL_SOCKET, SO_TXTIME, SO_TXTIME, MODEL, MODEL},
	{SOL_SOCKET, SO_BINDTOIFINDEX, SO_BINDTOIFINDEX, UNTIL, UNTIL},
	{SOL_SOCKET, SO_TIMESTAMPS_NEW, SO_TIMEOUTS_NEW + 1, KERNEL, KERNEL},
	{SOL_SOCKET, SO_PREFER_BUSY_POLL, SO_BUSY_POLL_BUDGET, KERNEL, KERNEL},
	{SOL_SOCKET, SO_BUF_LOCK, SO_BUF_LOCK + 3, MODEL, MODEL}, /* to SO_RCVMARK */
	{SOL_SOCKET, SO_DEVMEM_LINEAR_, SO_DEVMEM_DONTNEED_, LEFT, LEFT},
	{SOL_SOCKET, SO_RCVPRIORITY_, SO_RCVPRIORITY_, MODEL, MODEL},
	/* The rest can only be got, and is. */
	{SOL_SOCKET, 0, SO_PASSRIGHTS_, MODEL, KERNEL},

	{IPPROTO_TCP, TCP_NODELAY, TCP_KEEPCNT, KERNEL, KERNEL},
	{IPPROTO_TCP, TCP_DEFER_ACCEPT, TCP_DEFER_ACCEPT, KERNEL, KERNEL},
	{IPPROTO_TCP, TCP_INFO, TCP_INFO, MODEL, LEFT},
	{IPPROTO_TCP, TCP_CONGESTION, TCP_CONGESTION, KERNEL, KERNEL},
	/* As a kernel says that was built without signed segments. */
	{IPPROTO_TCP, TCP_MD5SIG, TCP_MD5SIG, REFUSE, MODEL, ENOPROTOOPT},
	{IPPROTO_TCP, TCP_MD5SIG_EXT, TCP_MD5SIG_EXT, REFUSE, MODEL, ENOPROTOOPT},
	{IPPROTO_TCP, TCP_AO_ADD_KEY_, TCP_AO_GET_KEYS_, REFUSE, MODEL, ENOPROTOOPT},
	/* As a kernel says that has no such protocol (kTLS). */
	{IPPROTO_TCP, TCP_ULP, TCP_ULP, REFUSE, REFUSE, ENOENT},
	{IPPROTO_TCP, TCP_FASTOPEN, TCP_FASTOPEN, KERNEL, KERNEL},
	{IPPROTO_TCP, TCP_NOTSENT_LOWAT, TCP_NOTSENT_LOWAT, KERNEL, KERNEL},
	{IPPROTO_TCP, TCP_CC_INFO, TCP_CC_INFO, MODEL, LEFT},
	{IPPROTO_TCP, TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_CONNECT, KERNEL, KERNEL},
	{IPPROTO_TCP, TCP_FASTOPEN_KEY, TCP_FASTOPEN_NO_COOKIE, KERNEL, KERNEL},
	/* Its structure holds addresses of the program's memory. */
	{IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, TCP_ZEROCOPY_RECEIVE, MODEL, LEFT},
	{IPPROTO_TCP, TCP_INQ, TCP_INQ, KERNEL, KERNEL},
	/* Whoever asks this knows of MPTCP, and hears the truth. */
	{IPPROTO_TCP, TCP_IS_MPTCP_, TCP_IS_MPTCP_, MODEL, LEFT},
	{IPPROTO_TCP, 0, TCP_LAST_, MODEL, MODEL},

	{IPPROTO_IP, IP_TOS, IP_TOS, KERNEL, KERNEL},
	{IPPROTO_IP, IP_MTU, IP_MTU, MODEL, ROUTE},
	{IPPROTO_IP, IP_FREEBIND, IP_FREEBIND, UNTIL, UNTIL},
	{IPPROTO_IP, IP_TRANSPARENT, IP_TRANSPARENT, UNTIL, UNTIL},
	/* Protection against far senders: not to be promised. */
	{IPPROTO_IP, IP_MINTTL, IP_MINTTL, REFUSE, MODEL, ENOPROTOOPT},
	{IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, IP_BIND_ADDRESS_NO_PORT, UNTIL, UNTIL},
	{IPPROTO_IP, IP_LOCAL_PORT_RANGE_, IP_LOCAL_PORT_RANGE_, UNTIL, UNTIL},
	{IPPROTO_IP, 0, IP_LAST_, MODEL, MODEL},

	{IPPROTO_IPV6, IPV6_ADDRFORM, IPV6_ADDRFORM, MODEL, ROUTE},
	{IPPROTO_IPV6, IPV6_MTU, IPV6_MTU, MODEL, ROUTE},
	{IPPROTO_IPV6, IPV6_V6ONLY, IPV6_V6ONLY, KERNEL, KERNEL},
	/* It hands out labels in the structure that it is given. */
	{IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, IPV6_FLOWLABEL_MGR, LEFT, LEFT},
	{IPPROTO_IPV6, IPV6_PATHMTU, IPV6_PATHMTU, MODEL, ROUTE},
	{IPPROTO_IPV6, IP6T_FIRST_, IP6T_LAST_, LEFT, LEFT},
	{IPPROTO_IPV6, IP6T_REVISIONS_FIRST_, IP6T_REVISIONS_LAST_, LEFT, LEFT},
	{IPPROTO_IPV6, IPV6_MINHOPCOUNT, IPV6_MINHOPCOUNT, REFUSE, MODEL, ENOPROTOOPT},
	{IPPROTO_IPV6, IPV6_TRANSPARENT, IPV6_TRANSPARENT, UNTIL, UNTIL},
	{IPPROTO_IPV6, IPV6_FREEBIND, IPV6_FREEBIND, UNTIL, UNTIL},
	{IPPROTO_IPV6, 0, IPV6_FREEBIND, MODEL, MODEL},
};

const int option_levels[OPTION_LEVELS] = {SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6};

struct option_how options_how(int level, int name, enum option_direction direction)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *rule = &rules[i];

		if (rule->level == level && name >= rule->first && name <= rule->last)
			return (struct option_how){direction == OPTION_SET ? rule->set : rule->get,
						   rule->error};
	}
	return (struct option_how){OPTION_LEFT, 0};
}

struct option_traps options_traps(void)
{
	struct option_traps traps;

	for (unsigned l = 0; l < OPTION_LEVELS; l++) {
		for (int d = 0; d < OPTION_DIRECTIONS; d++) {
			for (int n = 0; n < OPTION_NAMES; n++) {
				enum option_answer answer =
					options_how(option_levels[l], n, (enum option_direction)d)
						.answer;

				traps.trapped[l][d][n] =
					answer != OPTION_KERNEL && answer != OPTION_LEFT;
			}
		}
	}
	return traps;
}

bool options_trapped(const struct option_traps *traps, int level, int name,
		     enum option_direction direction)
{
	for (unsigned l = 0; l < OPTION_LEVELS; l++)
		if (option_levels[l] == level)
			return name >= 0 && name < OPTION_NAMES &&
			       traps->trapped[l][direction][name];
	return false;
}

/* What programs call at each connection, or to wait for one, also on sockets that are not TCP's. */
static const struct {
	int level;
	int names[12]; /* ends with 0 */
} often[OPTION_DIRECTIONS][2] = {
	[OPTION_SET] = {{SOL_SOCKET,
			 {SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE, SO_PRIORITY, SO_LINGER, SO_PASSCRED,
			  SO_RCVTIMEO_OLD, SO_SNDTIMEO_OLD}},
			{IPPROTO_TCP,
			 {TCP_NODELAY, TCP_MAXSEG, TCP_CORK, TCP_KEEPIDLE, TCP_KEEPINTVL,
			  TCP_KEEPCNT, TCP_DEFER_ACCEPT, TCP_CONGESTION, TCP_FASTOPEN,
			  TCP_NOTSENT_LOWAT, TCP_FASTOPEN_CONNECT}}},
	[OPTION_GET] = {{SOL_SOCKET,
			 {SO_TYPE, SO_ERROR, SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE, SO_LINGER,
			  SO_PEERCRED, SO_ACCEPTCONN, SO_PEERSEC, SO_DOMAIN, SO_PEERPIDFD_}},
			{IPPROTO_TCP,
			 {TCP_NODELAY, TCP_MAXSEG, TCP_INFO, TCP_CONGESTION,
			  TCP_ZEROCOPY_RECEIVE}}},
};

static bool is_often(int level, enum option_direction direction, int name)
{
	for (unsigned l = 0; l < 2; l++)
		for (const int *n = often[direction][l].names; *n; n++)
			if (often[direction][l].level == level && *n == name)
				return true;
	return level == IPPROTO_IPV6 && name == IPV6_V6ONLY;
}

void options_spared(const struct option_traps *traps, unsigned level,
		    enum option_direction direction, bool ret[static OPTION_NAMES])
{
	for (int n = 0; n < OPTION_NAMES; n++)
		ret[n] = !traps->trapped[level][direction][n] &&
			 is_often(option_levels[level], direction, n);
}

static bool any(const bool names[static OPTION_NAMES], unsigned first, unsigned size)
{
	for (unsigned n = first; n < first + size; n++)
		if (names[n])
			return true;
	return false;
}

/* The largest block that has @name: larger ones hold all of it, so it is one of the fewest. */
static unsigned size_around(const bool spared[static OPTION_NAMES], unsigned name)
{
	unsigned size = 1;

	while (size < OPTION_NAMES && !any(spared, name & ~(size * 2 - 1), size * 2))
		size *= 2;
	return size;
}

unsigned options_blocks(const bool wanted[static OPTION_NAMES],
			const bool spared[static OPTION_NAMES],
			struct option_block ret[static OPTION_NAMES])
{
	unsigned count = 0;

	for (unsigned n = 0; n < OPTION_NAMES; n++) {
		unsigned size;

		if (!wanted[n])
			continue;
		size = size_around(spared, n);
		ret[count] = (struct option_block){~(size - 1), n & ~(size - 1)};
		n = ret[count++].value + size - 1;
	}
	return count;
}
