/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decides that a link is dead though nothing says so, and that it is back. Pure: it is shown the
 * subflows again and again, with the time, and answers with what to do.
 *
 * A subflow is silent
 *  - when it sends: segments are on their way and nothing has been acknowledged for PATIENCE;
 *  - when it receives: data came over it until PATIENCE ago and not since, while other subflows of
 *    the same connection go on receiving what cannot be delivered, because something before it is
 *    missing. (Where nothing is missing the program reads slowly, or the peer has no more to say.)
 *
 * PATIENCE is one and a half round-trip times (two while little is said), at least 80 ms; it doubles each time that a link that
 * was taken out for silence turns out to be alive soon after (a link with long pauses), and is halved
 * every minute again.
 *
 * A link is taken out when it has a silent subflow, none of its subflows has moved for PATIENCE, and
 * the connection of the silent one has a subflow on another link that is not silent: never the last
 * path. From then on it is probed: soon, in case it was only a pause (a packet that is lost at the end of
 * what the peer may send looks the same), then every second, and after half a minute every two, four and
 * eight. When a probe is answered the link is put back in, and the kernel opens new subflows over it. (To
 * put it in and see would cost more: when the kernel closes a subflow that did not come about, it sends
 * all that the connection has under way once more.) So it is when nobody can be asked, for the address is not the link's any more: it leads
 * somewhere else now.
 *
 * A link that answers soon after it was taken out has had a pause, or has lost a packet. While all connections together move so few
 * bytes that one link does, nothing that follows a lost packet tells of it, and TCP would find out by a timer that runs for 200 ms
 * at least. Then a silent subflow condemns its link even if others of it move, and such a link rests, for three seconds, and twice
 * as long each time that this follows another within a minute. It goes back in at once when more bytes move, or when the others are
 * silent.
 *
 * A link that is the last path of a connection is never taken out, but probed as well, once the connection has stood still for a second,
 * with something on its way, or after many bytes: if the first probe is not answered, and a later one is, the peer, whose timeouts have
 * grown long meanwhile, is to hear of it.
 *
 * A look that comes late says little: a machine that stood still has not received either, or not over each link alike. What was
 * waited for meanwhile is not counted. When the next look is late as well, it is: so it goes on here, and a dead link is to be found.
 *
 * When no connection is left, the link goes back in: silence is found out by traffic, and a device
 * without traffic does nothing.
 */
#pragma once

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

struct monitor;

struct monitor_flow {
	uint64_t cookie;
	uint32_t connection; /* the inode that subflows of one connection share; 0: none holds it */
	unsigned link;       /* index of the device; 0: none that we know */
	bool established;
	bool in_flight; /* something sent waits for its acknowledgement */
	uint64_t acked, received;
	uint32_t rtt;       /* us; 0: not known */
	uint32_t rtt_acked; /* of it, what acknowledgements tell, not data that comes */
};

enum monitor_action {
	MONITOR_TAKE_OUT, /* the link is silent: no subflows over it */
	MONITOR_PROBE,    /* see whether it answers, then tell by monitor_answered() */
	MONITOR_REST,     /* it does; it stays out for a while. For people: nothing is to be done */
	MONITOR_PUT_IN,   /* it does, or there is nobody to ask: use it again */
	MONITOR_GO_ON     /* it does, and was never out: what stands still there is to go on */
};
typedef void (*monitor_act)(unsigned link, enum monitor_action action, void *data);

/* NULL without memory. */
struct monitor *monitor_new(void);
void monitor_free(struct monitor *monitor);

/* One pass: begin at @now (ns), which is @late after it was due, every established or connecting subflow, the state of the
 * connections that have one, end. The end calls @act for what is to be done. */
void monitor_look(struct monitor *monitor, uint64_t now, uint64_t late);
int monitor_saw(struct monitor *monitor, const struct monitor_flow *is);
/* Data of the connection with this @inode is complete up to @received_to. */
void monitor_saw_connection(struct monitor *monitor, uint32_t inode, uint64_t received_to);
void monitor_looked(struct monitor *monitor, monitor_act act, void *data);

/* A probe of the link was answered, or there can be none from where its subflows were. What follows from it comes with the end of the next look. */
void monitor_answered(struct monitor *monitor, unsigned link);

/* Do connections use several links, or is a link out: is it worth looking often? */
bool monitor_is_watching(const struct monitor *monitor);
/* How long (ns) from this look to the next one; it was @pause the last time. Short while bytes have @moved, and shortest while it is
 * watching, where bytes that are @in_flight and do not move tell of silence; else twice as long each time. */
uint64_t monitor_pause(const struct monitor *monitor, uint64_t pause, bool moved, bool in_flight);
#define MONITOR_PAUSE_BUSY (50 * NS_PER_MS)
#define MONITOR_PAUSE_MAX  (2 * NS_PER_S)
/* When anything last came over @link (ns); 0: it never did. */
uint64_t monitor_moved_at(const struct monitor *monitor, unsigned link);
/* Does any connection send over several subflows, be they all on one link of this end? */
bool monitor_sends_over_several(const struct monitor *monitor);
/* The link is gone, or went down and came up: what was known of it is of no use. */
void monitor_forget(struct monitor *monitor, unsigned link);
/* Index of one link after the other that is known; 0: there are no more. */
unsigned monitor_link(const struct monitor *monitor, unsigned at);
