/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/samples.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "lab/emulator.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#define SAMPLE_EVERY (100 * NS_PER_MS)

struct samples {
	const struct scenario *scenario;
	const struct traffic *traffic;
	FILE *out;
	uint64_t next;
	int error; /* negative errno of the first write that failed */
};

/* Line by line, for whoever looks on. */
static void flush(struct samples *samples)
{
	errno = EIO; /* where an earlier write is what failed */
	if ((fflush(samples->out) != 0 || ferror(samples->out)) && samples->error == 0)
		samples->error = -errno;
}

int samples_new(const struct scenario *scenario, const struct traffic *traffic, int fd,
		struct samples **ret)
{
	struct samples *samples = calloc(1, sizeof(*samples));
	_cleanup_close_ int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (!samples || copy < 0 || !(samples->out = fdopen(copy, "w"))) {
		free(samples);
		return -errno;
	}
	steal_fd(&copy);
	samples->scenario = scenario;
	samples->traffic = traffic;
	*ret = samples;
	return 0;
}

int samples_close(struct samples *samples)
{
	int error;

	if (!samples)
		return 0;
	error = samples->error;
	if (fclose(samples->out) != 0 && error == 0)
		error = -errno;
	free(samples);
	return error;
}

uint64_t samples_next(const struct samples *samples)
{
	return samples->next;
}

/* Packets that are in the channel: neither delivered nor dropped yet. */
static uint64_t inside(const struct channel_stats *stats)
{
	uint64_t gone = stats->packets;

	for (int i = 0; i < CHANNEL_DROPS; i++)
		gone += stats->drops[i];
	return stats->offered > gone ? stats->offered - gone : 0;
}

void samples_take(struct samples *samples, uint64_t now)
{
	const struct scenario *scenario = samples->scenario;

	for (unsigned i = 0; i < 2 * scenario->link_count; i++) {
		const struct scenario_link *link = &scenario->links[i / 2];
		const struct channel_stats *stats = &samples->traffic[i].channel;

		fprintf(samples->out,
			"{\"t\":%.3f,\"link\":\"%s\",\"from\":\"%s\",\"bytes\":%" PRIu64
			",\"packets\":%" PRIu64 ",\"queue\":%" PRIu64 "}\n",
			(double)now / NS_PER_S, link->name,
			scenario->hosts[link->ends[i % 2].host].name, stats->bytes, stats->packets,
			inside(stats));
	}
	flush(samples);
	samples->next = (now / SAMPLE_EVERY + 1) * SAMPLE_EVERY;
}

void samples_event(struct samples *samples, const struct scenario_event *event, uint64_t now)
{
	fprintf(samples->out, "{\"t\":%.3f,\"event\":\"%s\",\"link\":\"%s\"}\n",
		(double)now / NS_PER_S, scenario_action_names[event->action],
		samples->scenario->links[event->link].name);
	flush(samples);
}
