/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "via/agent/agent.h"

static void end(struct transfer *transfer)
{
	TAILQ_REMOVE(&transfer->agent->transfers, transfer, link);
	free(transfer);
}

static void over(struct carriage *carriage, int code)
{
	end(loop_owner(carriage, struct transfer, carriage));
}

int transfer_open(struct agent *agent, int near, int fd, struct line *line)
{
	struct transfer *transfer = calloc(1, sizeof(*transfer));
	struct tls *tls = NULL;
	const uint8_t *early = NULL;
	size_t size = 0;
	int code = transfer ? 0 : -ENOMEM;

	if (code == 0 && line) {
		tls = steal_ptr(line->tls);
		fd = steal_fd(&line->source.fd);
		early = line->in + line->in_used;
		size = line->in_size - line->in_used;
	}
	if (code == 0) {
		transfer->agent = agent;
		transfer->carriage.over = over;
		code = carriage_open(&transfer->carriage, &agent->loop, agent->stack, fd, tls, near,
				     early, size);
	} else {
		close_fd(near);
		close_fd(fd);
	}
	if (line)
		line_close(line);
	if (code < 0) {
		free(transfer);
		return code;
	}
	TAILQ_INSERT_TAIL(&agent->transfers, transfer, link);
	return 0;
}

void transfers_close(struct agent *agent)
{
	while (!TAILQ_EMPTY(&agent->transfers)) {
		struct transfer *transfer = TAILQ_FIRST(&agent->transfers);

		carriage_abort(&transfer->carriage);
		end(transfer);
	}
}

uint64_t transfers_moved(const struct agent *agent)
{
	const struct transfer *transfer;
	uint64_t moved = 0;

	TAILQ_FOREACH(transfer, &agent->transfers, link)
	moved += carriage_in(&transfer->carriage) + carriage_out(&transfer->carriage);
	return moved;
}
