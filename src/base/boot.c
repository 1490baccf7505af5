/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/boot.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <fcntl.h>

int boot_id(char ret[static BOOT_ID_DIGITS + 1])
{
	_cleanup_close_ int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char text[64]; /* with dashes between its parts */
	unsigned digits = 0;
	ssize_t size;

	if (fd < 0)
		return -errno;
	size = read(fd, text, sizeof(text));
	if (size < 0)
		return -errno;
	for (ssize_t i = 0; i < size && digits < BOOT_ID_DIGITS; i++)
		if (isxdigit((unsigned char)text[i]))
			ret[digits++] = text[i];
	ret[digits] = '\0';
	return digits == BOOT_ID_DIGITS ? 0 : -EPROTO;
}
