/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, a dead link would hold a transfer up, or a live one be taken away. Virtual time.
 */
#include "link/monitor.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { WLAN = 2, WWAN = 3, STEP = 20 };

/* A connection with a subflow on each of two links, and what they do in each step. */
struct world {
	struct monitor *monitor;
	uint64_t now; /* ms */
	uint64_t late;
	struct monitor_flow flows[2];
	unsigned flow_count;
	unsigned size; /* bytes that move over each link in a step */
	bool sending, receiving;
	bool dead[2]; /* nothing comes back over that link */
	bool lost;    /* what was sent over the first is not acknowledged, and else all is well */
	bool missing; /* what a dead link swallowed keeps the rest from being delivered */
	uint64_t received_to;
	unsigned out[2], probed[2], rested[2], in[2], on[2]; /* how often each was decided */
	uint64_t out_at[2];
};

static void act(unsigned link, enum monitor_action action, void *data)
{
	struct world *w = data;
	unsigned i = link - WLAN;

	if (action == MONITOR_TAKE_OUT) {
		w->out[i]++;
		w->out_at[i] = w->now;
	}
	w->probed[i] += action == MONITOR_PROBE;
	w->rested[i] += action == MONITOR_REST;
	w->in[i] += action == MONITOR_PUT_IN;
	w->on[i] += action == MONITOR_GO_ON;
}

static void begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->monitor = monitor_new();
	w->flow_count = 2;
	w->size = 10000;
	for (unsigned i = 0; i < 2; i++)
		w->flows[i] = (struct monitor_flow){.cookie = i + 1,
						    .connection = 7,
						    .link = WLAN + i,
						    .established = true,
						    .rtt = 40000,
						    .rtt_acked = 40000};
}

static void step(struct world *w, unsigned ms)
{
	for (unsigned passed = 0; passed < ms; passed += STEP) {
		w->now += STEP + w->late;
		monitor_look(w->monitor, w->now * NS_PER_MS, w->late * NS_PER_MS);
		for (unsigned i = 0; i < w->flow_count; i++) {
			struct monitor_flow *flow = &w->flows[i];

			flow->in_flight = w->sending;
			if (w->sending && !w->dead[i] && !(w->lost && i == 0))
				flow->acked += w->size;
			if (w->receiving && !w->dead[i])
				flow->received += w->size;
			monitor_saw(w->monitor, flow);
		}
		if (w->receiving && !w->missing)
			w->received_to += w->size;
		monitor_saw_connection(w->monitor, 7, w->received_to);
		monitor_looked(w->monitor, act, w);
	}
}

/* An upload would stall until the kernel's own timers run out. */
static void silent_upload_is_found(void **state)
{
	struct world w;

	begin(&w);
	w.sending = true;
	step(&w, 2000);
	assert_int_equal(w.out[0] + w.out[1], 0);
	w.dead[0] = true;
	step(&w, 200);
	assert_int_equal(w.out[0], 1);
	assert_int_equal(w.out[1], 0);
	assert_true(w.out_at[0] <= 2000 + 80 + 2 * STEP);
	monitor_free(w.monitor);
}

/* A download would stall until the server's timers run out. */
static void silent_download_is_found(void **state)
{
	struct world w;

	begin(&w);
	w.receiving = true;
	step(&w, 2000);
	w.dead[0] = w.missing = true;
	step(&w, 200);
	assert_int_equal(w.out[0], 1);
	assert_int_equal(w.out[1], 0);
	monitor_free(w.monitor);
}

/* A transfer over the last path would stand still after an outage for as long as the peer's timeout has grown. */
static void the_last_path_is_asked_too(void **state)
{
	for (int sends = 0; sends <= 1; sends++) {
		struct world w;

		begin(&w);
		w.flow_count = 1;
		w.sending = sends;
		w.receiving = !sends;
		step(&w, 3000);
		w.dead[0] = w.missing = true;
		step(&w, 900);
		assert_int_equal(w.probed[0], 0);
		step(&w, 5100);
		assert_in_range(w.probed[0], 5, 6);
		monitor_answered(w.monitor, WLAN);
		step(&w, STEP);
		assert_int_equal(w.on[0], 1);
		w.dead[0] = w.missing = false;
		step(&w, 3000);
		assert_int_equal(w.on[0], 1);
		assert_int_equal(w.out[0], 0);
		monitor_free(w.monitor);
	}
}

/* Whoever has got all and keeps the connection would be asked again and again. */
static void the_end_of_a_download_is_no_silence(void **state)
{
	struct world w;

	begin(&w);
	w.flow_count = 1;
	w.receiving = true;
	step(&w, 3000);
	w.receiving = false;
	step(&w, 1100);
	assert_int_equal(w.probed[0], 1);
	monitor_answered(w.monitor, WLAN);
	step(&w, 20000);
	assert_int_equal(w.probed[0], 1);
	assert_int_equal(w.on[0], 0);
	/* Nor are few bytes asked after. */
	w.size = 10;
	w.receiving = true;
	step(&w, 3000);
	w.receiving = false;
	step(&w, 3000);
	assert_int_equal(w.probed[0], 1);
	monitor_free(w.monitor);
}

/* A packet that is lost at the end of what the peer may send would cost the link for a second. */
static void a_pause_is_found_out_soon(void **state)
{
	struct world w;

	begin(&w);
	w.receiving = true;
	step(&w, 2000);
	w.dead[0] = w.missing = true;
	step(&w, 140);
	assert_int_equal(w.out[0], 1);
	step(&w, 100);
	assert_int_equal(w.probed[0], 1);
	monitor_answered(w.monitor, WLAN);
	step(&w, STEP);
	assert_int_equal(w.in[0], 1);
	monitor_free(w.monitor);

	/* One that does not answer is asked once a second. */
	begin(&w);
	w.receiving = true;
	step(&w, 2000);
	w.dead[0] = w.missing = true;
	step(&w, 3000);
	assert_in_range(w.probed[0], 3, 4);
	monitor_free(w.monitor);
}

/* A sender that has little to say uses one link: the other is idle, not dead. */
static void an_idle_subflow_is_not_dead(void **state)
{
	struct world w;

	begin(&w);
	w.receiving = true;
	step(&w, 1000);
	w.dead[1] = true; /* idle, in truth: nothing is missing */
	step(&w, 5000);
	assert_int_equal(w.out[0] + w.out[1], 0);
	w.receiving = false;
	step(&w, 5000);
	assert_int_equal(w.out[0] + w.out[1], 0);
	monitor_free(w.monitor);
}

/* A program that reads slowly would have its links taken away and put back every few seconds. */
static void a_slow_reader_is_not_a_dead_link(void **state)
{
	struct world w;

	begin(&w);
	w.receiving = true;
	step(&w, 1000);
	for (unsigned pause = 0; pause < 10; pause++) {
		w.dead[0] = true; /* the window closes: the far link's last bytes come later */
		step(&w, 60);
		w.receiving = false;
		step(&w, 700);
		w.receiving = true;
		w.dead[0] = false;
		step(&w, 100);
	}
	assert_int_equal(w.out[0] + w.out[1], 0);
	monitor_free(w.monitor);
}

/* Data would be held short for a connection that gains nothing by it. */
static void who_sends_over_several_subflows(void **state)
{
	struct world w;

	begin(&w);
	w.sending = true;
	step(&w, 100);
	assert_true(monitor_sends_over_several(w.monitor));
	w.flows[1].link = w.flows[0].link; /* a server that has one address */
	step(&w, 100);
	assert_true(monitor_sends_over_several(w.monitor));
	w.flows[1].connection = 8;
	step(&w, 100);
	assert_false(monitor_sends_over_several(w.monitor));
	w.flows[1].connection = w.flows[0].connection;
	w.sending = false;
	step(&w, 100);
	assert_false(monitor_sends_over_several(w.monitor));
	monitor_free(w.monitor);
}

/* The last link would be taken away. */
static void the_last_path_stays(void **state)
{
	struct world w;

	begin(&w);
	w.sending = true;
	step(&w, 1000);
	w.dead[0] = w.dead[1] = true;
	step(&w, 5000);
	assert_int_equal(w.out[0] + w.out[1], 0);
	monitor_free(w.monitor);

	begin(&w);
	w.sending = true;
	w.flow_count = 1;
	step(&w, 1000);
	w.dead[0] = true;
	step(&w, 5000);
	assert_int_equal(w.out[0], 0);
	monitor_free(w.monitor);
}

/* The machine stood still, and what came meanwhile over one of the links is not dealt with yet: that would condemn it. */
static void a_late_look_says_little(void **state)
{
	for (int sends = 0; sends <= 1; sends++) {
		struct world w;

		begin(&w);
		w.sending = sends;
		w.receiving = !sends;
		step(&w, 1000);
		w.dead[0] = w.missing = true;
		w.late = 400;
		step(&w, STEP);
		w.late = 0;
		step(&w, STEP);
		w.dead[0] = w.missing = false;
		step(&w, 1000);
		assert_int_equal(w.out[0], 0);
		monitor_free(w.monitor);
	}
}

/* Where each look comes late, a dead link would never be found. */
static void always_late_is_no_excuse(void **state)
{
	struct world w;

	begin(&w);
	w.sending = true;
	w.late = 60;
	step(&w, 1000);
	w.dead[0] = true;
	step(&w, 2 * STEP);
	assert_int_equal(w.out[0], 1);
	monitor_free(w.monitor);
}

/* One server that hangs would condemn a link that others use. */
static void another_subflow_moves(void **state)
{
	struct world w;
	struct monitor_flow other = {
		.cookie = 9, .connection = 8, .link = WLAN, .established = true, .rtt = 40000};

	begin(&w);
	w.sending = true;
	step(&w, 1000);
	w.dead[0] = true;
	for (unsigned i = 0; i < 100; i++) {
		other.received += 100;
		w.flow_count = 2;
		monitor_look(w.monitor, ++w.now * NS_PER_MS, 0);
		monitor_saw(w.monitor, &other);
		for (unsigned f = 0; f < 2; f++)
			monitor_saw(w.monitor, &w.flows[f]);
		monitor_looked(w.monitor, act, &w);
	}
	assert_int_equal(w.out[0], 0);
	monitor_free(w.monitor);
}

/* A link that is back would stay unused; or be asked for ever without anybody caring. */
static void a_dead_link_is_probed(void **state)
{
	struct world w;

	begin(&w);
	w.sending = true;
	step(&w, 1000);
	w.dead[0] = true;
	step(&w, 5100);
	assert_int_equal(w.out[0], 1);
	assert_in_range(w.probed[0], 4, 5);
	assert_int_equal(w.in[0], 0);
	assert_true(monitor_is_watching(w.monitor));
	assert_true(monitor_pause(w.monitor, MONITOR_PAUSE_MAX, false, true) < MONITOR_PAUSE_BUSY);
	monitor_answered(w.monitor, WLAN);
	w.dead[0] = false;
	step(&w, 1000);
	assert_int_equal(w.in[0], 1);
	assert_int_equal(w.out[0], 1);

	w.dead[0] = true;
	step(&w, 1000);
	assert_int_equal(w.out[0], 2);
	w.flow_count = 0;
	step(&w, 100);
	assert_int_equal(w.in[0], 2);
	assert_false(monitor_is_watching(w.monitor));
	assert_true(monitor_pause(w.monitor, MONITOR_PAUSE_MAX, true, true) == MONITOR_PAUSE_BUSY);
	assert_true(monitor_pause(w.monitor, MONITOR_PAUSE_BUSY, false, true) > MONITOR_PAUSE_BUSY);
	assert_true(monitor_pause(w.monitor, MONITOR_PAUSE_MAX - 1, false, false) ==
		    MONITOR_PAUSE_MAX);
	assert_true(monitor_pause(w.monitor, MONITOR_PAUSE_MAX, false, false) == MONITOR_PAUSE_MAX);
	monitor_free(w.monitor);
}

/* A link with long pauses, as cellular ones have, would be taken out again and again. */
static void patience_grows_with_pauses(void **state)
{
	struct world w;

	begin(&w);
	w.sending = true;
	for (unsigned round = 0; round < 6; round++) {
		step(&w, 1000);
		w.dead[1] = true;
		step(&w, 300);
		w.dead[1] = false;
		monitor_answered(w.monitor, WWAN);
	}
	assert_in_range(w.out[1], 1, 3);
	monitor_free(w.monitor);
}

/* Far links would be taken for dead ones. */
static void patience_fits_the_round_trip(void **state)
{
	struct world w;

	begin(&w);
	w.flows[1].rtt = 600000;
	w.sending = true;
	step(&w, 1000);
	w.dead[1] = true;
	step(&w, 800);
	assert_int_equal(w.out[1], 0);
	step(&w, 200);
	assert_int_equal(w.out[1], 1);
	monitor_free(w.monitor);
}

/* A packet is lost, and TCP's timer would have to find it; the link answers. */
static void lose_one(struct world *w)
{
	unsigned out = w->out[0];

	w->dead[0] = true;
	for (unsigned i = 0; i < 10 && w->out[0] == out; i++)
		step(w, STEP);
	assert_int_equal(w->out[0], out + 1);
	w->dead[0] = false;
	step(w, 140);
	monitor_answered(w->monitor, WLAN);
	step(w, STEP);
}

/* Messages would wait for lost ones again and again, though another link has room for all of them. */
static void a_link_that_loses_messages_rests(void **state)
{
	uint64_t lost_at;
	struct world w;

	begin(&w);
	w.sending = true;
	w.size = 400;
	step(&w, 2000);
	lose_one(&w);
	assert_int_equal(w.rested[0], 1);
	step(&w, 2800);
	assert_int_equal(w.in[0], 0);
	step(&w, 400);
	assert_int_equal(w.in[0], 1);
	/* The next time is as soon found out, and lasts longer. */
	lost_at = w.now;
	lose_one(&w);
	assert_int_equal(w.rested[0], 2);
	assert_true(w.out_at[0] - lost_at <= 80 + 2 * STEP);
	step(&w, 5800);
	assert_int_equal(w.in[0], 1);
	step(&w, 400);
	assert_int_equal(w.in[0], 2);
	monitor_free(w.monitor);
}

/* What the peer says would hide that it has not heard. */
static void a_lost_message_is_found_though_others_come(void **state)
{
	struct world w;

	begin(&w);
	w.sending = w.receiving = true;
	w.size = 300;
	step(&w, 2000);
	w.lost = true;
	step(&w, 140);
	assert_int_equal(w.out[0], 1);
	monitor_free(w.monitor);

	/* Where much moves, what comes next tells TCP. */
	begin(&w);
	w.sending = w.receiving = true;
	step(&w, 2000);
	w.lost = true;
	step(&w, 400);
	assert_int_equal(w.out[0], 0);
	monitor_free(w.monitor);
}

/* Where both ends speak every now and then, data seems to take as long as the peer is silent: TCP's timer would be sooner. */
static void a_lost_message_is_found_whenever_the_peer_speaks(void **state)
{
	struct world w;

	begin(&w);
	w.sending = w.receiving = true;
	w.size = 300;
	for (unsigned i = 0; i < 2; i++)
		w.flows[i].rtt = 110000;
	step(&w, 2000);
	w.lost = true;
	step(&w, 140);
	assert_int_equal(w.out[0], 1);
	monitor_free(w.monitor);
}

/* Who has much to send would have half of the rate; who has lost the other link, none. */
static void a_link_rests_only_while_the_others_do(void **state)
{
	struct world w;

	begin(&w);
	w.sending = true;
	w.size = 400;
	step(&w, 2000);
	lose_one(&w);
	w.size = 4000;
	step(&w, 600);
	assert_int_equal(w.in[0], 1);
	lose_one(&w);
	assert_int_equal(w.rested[0], 1); /* not while so much moves */
	assert_int_equal(w.in[0], 2);
	monitor_free(w.monitor);

	begin(&w);
	w.sending = true;
	w.size = 400;
	step(&w, 2000);
	lose_one(&w);
	assert_int_equal(w.in[0], 0);
	w.dead[1] = true;
	step(&w, 140);
	assert_int_equal(w.in[0], 1);
	monitor_free(w.monitor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silent_upload_is_found),
		cmocka_unit_test(silent_download_is_found),
		cmocka_unit_test(the_last_path_is_asked_too),
		cmocka_unit_test(the_end_of_a_download_is_no_silence),
		cmocka_unit_test(a_pause_is_found_out_soon),
		cmocka_unit_test(an_idle_subflow_is_not_dead),
		cmocka_unit_test(a_slow_reader_is_not_a_dead_link),
		cmocka_unit_test(who_sends_over_several_subflows),
		cmocka_unit_test(the_last_path_stays),
		cmocka_unit_test(a_late_look_says_little),
		cmocka_unit_test(always_late_is_no_excuse),
		cmocka_unit_test(another_subflow_moves),
		cmocka_unit_test(a_dead_link_is_probed),
		cmocka_unit_test(a_link_that_loses_messages_rests),
		cmocka_unit_test(a_lost_message_is_found_though_others_come),
		cmocka_unit_test(a_lost_message_is_found_whenever_the_peer_speaks),
		cmocka_unit_test(a_link_rests_only_while_the_others_do),
		cmocka_unit_test(patience_grows_with_pauses),
		cmocka_unit_test(patience_fits_the_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
