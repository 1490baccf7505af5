/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/pcap.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define PCAP_MAGIC_NS    0xa1b23c4d
#define PCAP_MAJOR       2
#define PCAP_MINOR       4
#define PCAP_SNAP_LENGTH 262144
#define PCAP_ETHERNET    1
#define PCAP_BUFFER      (256 * 1024)

struct file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snap_length, link_type;
};

struct record_header {
	uint32_t seconds, nanoseconds, kept, size;
};

_Static_assert(sizeof(struct file_header) == 24, "as the format has it");
_Static_assert(sizeof(struct record_header) == 16, "as the format has it");

struct pcap {
	int fd;
	int error;
	size_t used;
	uint8_t buffer[PCAP_BUFFER];
};

void pcap_flush(struct pcap *pcap)
{
	size_t done = 0;

	while (!pcap->error && done < pcap->used) {
		ssize_t put = write(pcap->fd, pcap->buffer + done, pcap->used - done);

		if (put >= 0)
			done += (size_t)put;
		else if (errno != EINTR)
			pcap->error = -errno;
	}
	pcap->used = 0;
}

int pcap_open(const char *path, struct pcap **ret, struct err *err)
{
	static const struct file_header header = {
		.magic = PCAP_MAGIC_NS,
		.major = PCAP_MAJOR,
		.minor = PCAP_MINOR,
		.snap_length = PCAP_SNAP_LENGTH,
		.link_type = PCAP_ETHERNET,
	};
	_cleanup_free_ struct pcap *pcap = calloc(1, sizeof(*pcap));

	if (!pcap)
		return -ENOMEM;
	pcap->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (pcap->fd < 0)
		return err_set(err, -errno, "%s cannot be written: %s", path, strerror(errno));
	memcpy(pcap->buffer, &header, sizeof(header));
	pcap->used = sizeof(header);
	/* At once: whoever forks may have this open twice, but only one of them adds frames. */
	pcap_flush(pcap);
	if (pcap->error < 0) {
		close_fd(pcap->fd);
		return err_set(err, pcap->error, "%s cannot be written: %s", path,
			       strerror(-pcap->error));
	}
	*ret = steal_ptr(pcap);
	return 0;
}

void pcap_add(struct pcap *pcap, uint64_t time, const uint8_t *frame, size_t size)
{
	size_t kept = size < PCAP_SNAP_LENGTH ? size : PCAP_SNAP_LENGTH;
	struct record_header header = {
		.seconds = (uint32_t)(time / NS_PER_S),
		.nanoseconds = (uint32_t)(time % NS_PER_S),
		.size = (uint32_t)size,
	};

	if (kept > PCAP_BUFFER - sizeof(header))
		kept = PCAP_BUFFER - sizeof(header);
	header.kept = (uint32_t)kept;
	if (pcap->used + sizeof(header) + kept > PCAP_BUFFER)
		pcap_flush(pcap);
	memcpy(pcap->buffer + pcap->used, &header, sizeof(header));
	memcpy(pcap->buffer + pcap->used + sizeof(header), frame, kept);
	pcap->used += sizeof(header) + kept;
}

int pcap_error(const struct pcap *pcap)
{
	return pcap->error;
}

void pcap_close(struct pcap *pcap)
{
	if (!pcap)
		return;
	pcap_flush(pcap);
	close_fd(pcap->fd);
	free(pcap);
}
