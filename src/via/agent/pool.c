/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines that are ready before they are asked for, so that a connection costs no more than the way to the relay and back. There
 * are as many as were taken in one go lately. Those that nobody took in time are closed before the relay does it, and are
 * replaced only while connections are made: who is idle does not keep the relay busy.
 *
 * In plain there are none. A line on which nothing was said yet stands on one link alone, for the kernel adds subflows only to who
 * has heard of the peer's after the handshake; and while a connection has nothing else than a link that is lost, none leaves that link
 * at once (run/bystanders.h). What is saved, a round trip of the first connections, is worth less.
 */
#include "base/cleanup.h"
#include "base/clock.h"
#include "via/agent/agent.h"

#define LEAST   2
#define MOST    32
#define AGE     (40 * NS_PER_S) /* the relay's patience is 60 s */
#define AGAIN   (5 * NS_PER_S)  /* after a relay was not reached */
#define GIVE_UP 3               /* then lines are opened when they are needed */

static void fill(struct agent *agent);

static unsigned least(const struct agent *agent)
{
	return agent->keys ? LEAST : 0;
}

static void on_over(struct line *line, int code)
{
	struct agent *agent = line->agent;
	struct pool *pool = &agent->pool;
	bool was_ready = line->was_ready;

	if (was_ready) { /* closed by the relay while it waited */
		TAILQ_REMOVE(&pool->ready, line, link);
		pool->ready_count--;
		line_close(line);
		return;
	}
	TAILQ_REMOVE(&pool->coming, line, link);
	pool->coming_count--;
	if (code < 0) {
		line_close(line);
		pool->failures++;
		return;
	}
	pool->failures = 0;
	line->was_ready = true;
	TAILQ_INSERT_TAIL(&pool->ready, line, link);
	pool->ready_count++;
	/* Its age, by the timer that it has no other use for. */
	if (!pool->timer.set)
		loop_set(&agent->loop, &pool->timer, clock_now() + AGE);
}

static void fill(struct agent *agent)
{
	struct pool *pool = &agent->pool;

	while (pool->failures < GIVE_UP && pool->ready_count + pool->coming_count < pool->wanted) {
		struct line *line = line_open(agent, on_over, NULL);

		if (!line)
			return;
		TAILQ_INSERT_TAIL(&pool->coming, line, link);
		pool->coming_count++;
	}
}

/* All that were ready at the last look are old by now. */
static void on_age(struct loop_timer *timer)
{
	struct agent *agent = loop_owner(timer, struct agent, pool.timer);
	struct pool *pool = &agent->pool;
	struct line *line;

	pool->failures = 0;
	pool->wanted = least(agent);
	while ((line = TAILQ_FIRST(&pool->ready))) {
		TAILQ_REMOVE(&pool->ready, line, link);
		pool->ready_count--;
		line_close(line);
	}
}

struct line *pool_take(struct agent *agent)
{
	struct pool *pool = &agent->pool;
	struct line *line = TAILQ_FIRST(&pool->ready);

	if (line) {
		TAILQ_REMOVE(&pool->ready, line, link);
		pool->ready_count--;
	} else if (pool->wanted < MOST) {
		pool->wanted *= 2;
	}
	if (pool->failures >= GIVE_UP && !pool->timer.set)
		loop_set(&agent->loop, &pool->timer, clock_now() + AGAIN);
	fill(agent);
	return line;
}

void pool_open(struct agent *agent)
{
	struct pool *pool = &agent->pool;

	TAILQ_INIT(&pool->ready);
	TAILQ_INIT(&pool->coming);
	pool->timer.due = on_age;
	pool->wanted = least(agent);
	if (agent->options.ways.all != WAY_DIRECT)
		fill(agent);
}

void pool_close(struct agent *agent)
{
	struct pool *pool = &agent->pool;
	struct line *line;

	loop_unset(&agent->loop, &pool->timer);
	pool->wanted = 0;
	while ((line = TAILQ_FIRST(&pool->ready))) {
		TAILQ_REMOVE(&pool->ready, line, link);
		line_close(line);
	}
	while ((line = TAILQ_FIRST(&pool->coming))) {
		TAILQ_REMOVE(&pool->coming, line, link);
		line_close(line);
	}
	pool->ready_count = pool->coming_count = 0;
}
