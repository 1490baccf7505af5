/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/meter.h"

#include "base/cleanup.h"

#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>

#define SNMP_RETRANSMITTED 12 /* the word of its line, counted from 0 */

void meter_init(struct meter *meter, uint64_t origin)
{
	memset(meter, 0, sizeof(*meter));
	pthread_mutex_init(&meter->lock, NULL);
	meter->origin = origin;
}

void meter_free(struct meter *meter)
{
	pthread_mutex_destroy(&meter->lock);
	free(meter->delays);
}

uint64_t meter_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t meter_now(const struct meter *meter)
{
	uint64_t now = meter_clock();

	return now > meter->origin ? now - meter->origin : 0;
}

void meter_received(struct meter *meter, uint64_t bytes)
{
	pthread_mutex_lock(&meter->lock);
	timeline_add(&meter->received, meter_now(meter), bytes);
	pthread_mutex_unlock(&meter->lock);
}

void meter_delay(struct meter *meter, uint64_t ns)
{
	pthread_mutex_lock(&meter->lock);
	if (meter->delay_count == meter->room && meter->room < METER_DELAYS) {
		size_t room = meter->room ? 2 * meter->room : 256;
		double *delays = realloc(meter->delays, room * sizeof(*delays));

		if (delays) {
			meter->delays = delays;
			meter->room = room;
		}
	}
	if (meter->delay_count < meter->room)
		meter->delays[meter->delay_count++] = (double)ns / NS_PER_MS;
	pthread_mutex_unlock(&meter->lock);
}

void meter_count(struct meter *meter, uint64_t sent, uint64_t bad)
{
	pthread_mutex_lock(&meter->lock);
	meter->sent += sent;
	meter->bad += bad;
	pthread_mutex_unlock(&meter->lock);
}

void meter_over(struct meter *meter, int code, const char *what)
{
	pthread_mutex_lock(&meter->lock);
	meter->connections++;
	if (code == -ETIMEDOUT)
		meter->given_up++;
	else if (code < 0 && meter->failures++ == 0)
		snprintf(meter->why, sizeof(meter->why), "%s: %s", what, strerror(-code));
	pthread_mutex_unlock(&meter->lock);
}

/* Segments that TCP sent again in this network namespace; 0 if it cannot be told. */
static json_int_t retransmitted(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/net/snmp", "re");
	char line[1024], *rest, *word = NULL;
	bool named = false; /* the first such line has the names of what is in the second */

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "Tcp:", 4) != 0)
			continue;
		if (!named) {
			named = true;
			continue;
		}
		rest = line;
		for (unsigned i = 0; i <= SNMP_RETRANSMITTED; i++)
			word = strsep(&rest, " ");
		return word ? strtoll(word, NULL, 10) : 0;
	}
	return 0;
}

static json_t *describe_delays(const struct meter *meter)
{
	json_t *all = json_array();

	for (size_t i = 0; i < meter->delay_count; i++)
		json_array_append_new(all, json_real(meter->delays[i]));
	return all;
}

json_t *meter_describe(struct meter *meter)
{
	struct rusage used;
	json_t *root;

	pthread_mutex_lock(&meter->lock);
	timeline_end(&meter->received, meter_now(meter));
	getrusage(RUSAGE_SELF, &used);
	root = json_pack("{so sI sI so si si si ss sI sf}", "received",
			 timeline_describe(&meter->received), "sent", (json_int_t)meter->sent,
			 "bad", (json_int_t)meter->bad, "delays_ms", describe_delays(meter),
			 "connections", (int)meter->connections, "given_up", (int)meter->given_up,
			 "failures", (int)meter->failures, "why", meter->why, "retransmitted",
			 retransmitted(), "own_cpu_s",
			 (double)used.ru_utime.tv_sec + (double)used.ru_utime.tv_usec / 1e6);
	pthread_mutex_unlock(&meter->lock);
	return root;
}
