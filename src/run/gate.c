/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/gate.h"

#include "base/clock.h"
#include "link/neighbour.h"

#define PATIENCE (300 * NS_PER_MS)
#define STEP     (5 * NS_PER_MS)
#define LATE     (4 * STEP)
#define FRESH    NS_PER_S
#define AGAIN    NS_PER_S

void gate_open(struct gate *gate, struct nl *nl, gate_ask ask, void *data)
{
	*gate = (struct gate){.nl = nl, .ask = ask, .data = data};
}

void gate_close(struct gate *gate)
{
	gate->nl = NULL;
	gate->asking = false;
}

static struct gate_link *find(struct gate *gate, unsigned index)
{
	for (unsigned i = 0; i < gate->count; i++)
		if (gate->links[i].index == index)
			return &gate->links[i];
	return NULL;
}

static void add(struct gate *fresh, struct gate *old, const struct links *links, unsigned index)
{
	const struct link *link = links_by_index(links, index);
	const struct address *gateway = link ? links_next_hop(links, link) : NULL;
	const struct gate_link *known = find(old, index);

	if (!gateway || fresh->count == GATE_LINKS || find(fresh, index))
		return;
	fresh->links[fresh->count++] = (struct gate_link){
		.index = index, .gateway = *gateway, .alive_at = known ? known->alive_at : 0};
}

void gate_links(struct gate *gate, const struct links *links, const unsigned *usable,
		unsigned first)
{
	struct gate fresh = *gate;

	fresh.count = 0;
	add(&fresh, gate, links, first); /* the first of the list is the one that matters */
	if (fresh.count == 0)
		first = 0; /* a link without a next hop cannot be asked */
	for (; first && *usable; usable++)
		add(&fresh, gate, links, *usable);
	*gate = fresh;
	if (gate->dead && !find(gate, gate->dead))
		gate->dead = 0;
	if (gate->count < 2)
		gate->asking = false; /* there is no choice */
}

void gate_alive(struct gate *gate, unsigned link, uint64_t now)
{
	struct gate_link *known = find(gate, link);

	if (known && known->alive_at < now)
		known->alive_at = now;
}

static void ask(struct gate *gate, uint64_t now)
{
	for (unsigned i = 0; i < gate->count; i++) {
		int err = gate->ask(gate->links[i].index, gate->data);

		if (err < 0 && i == 0) {
			gate_close(gate); /* without the right to ask there is no gate */
			return;
		}
	}
	gate->asked_at = gate->looked_at = now;
	gate->waited = 0;
}

/* While the machine stands still, or is too busy to look, nobody hears an answer: that counts for little. */
static void wait_on(struct gate *gate, uint64_t now)
{
	uint64_t passed = now - gate->looked_at;

	gate->waited += passed < LATE ? passed : LATE;
	gate->looked_at = now;
}

uint64_t gate_stands_open(const struct gate *gate)
{
	if (!gate->nl || gate->count < 2 || gate->dead)
		return UINT64_MAX;
	if (gate->asking || !gate->links[0].alive_at)
		return 0;
	return gate->links[0].alive_at + FRESH;
}

bool gate_holds(struct gate *gate, uint64_t now)
{
	if (now < gate_stands_open(gate))
		return false;
	if (gate->asking)
		return true;
	ask(gate, now);
	gate->asking = gate->nl != NULL;
	return gate->asking;
}

static bool is_alive(struct gate *gate, struct gate_link *link, uint64_t now)
{
	if (link->alive_at < gate->asked_at &&
	    neighbour_state(gate->nl, link->index, &link->gateway) == NEIGHBOUR_THERE)
		link->alive_at = now;
	return link->alive_at >= gate->asked_at;
}

static bool has_alternative(struct gate *gate, uint64_t now)
{
	for (unsigned i = 1; i < gate->count; i++)
		if (is_alive(gate, &gate->links[i], now))
			return true;
	return false;
}

void gate_look(struct gate *gate, uint64_t now, gate_act act, void *data)
{
	unsigned link;

	if (!gate->nl || (!gate->asking && !gate->dead) || gate->count == 0)
		return;
	wait_on(gate, now);
	if (is_alive(gate, &gate->links[0], now)) {
		link = gate->dead;
		gate->asking = false;
		gate->dead = 0;
		if (link)
			act(link, false, data);
	} else if (gate->asking && gate->waited >= PATIENCE) {
		gate->asking = false;
		if (has_alternative(gate, now)) {
			gate->dead = gate->links[0].index;
			act(gate->dead, true, data);
		} else {
			gate->links[0].alive_at = now; /* nothing better: go on, and ask later */
		}
	} else if (gate->dead && now - gate->asked_at >= AGAIN) {
		ask(gate, now);
	}
}

uint64_t gate_next(const struct gate *gate, uint64_t now)
{
	if (!gate->nl || gate->count == 0)
		return UINT64_MAX;
	if (gate->asking)
		return now + STEP;
	return gate->dead ? now + 10 * STEP : UINT64_MAX;
}
