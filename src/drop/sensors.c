/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a device is: its battery (the kernel's class power_supply), and how busy it is. */
#include "drop/work.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static bool read_word(const char *folder, const char *name, const char *file, char *ret, int room)
{
	char path[PATH_MAX];
	_cleanup_fclose_ FILE *stream = NULL;

	if (snprintf(path, sizeof(path), "%s/%s/%s", folder, name, file) >= (int)sizeof(path))
		return false;
	stream = fopen(path, "re");
	if (!stream || !fgets(ret, room, stream))
		return false;
	ret[strcspn(ret, "\n")] = '\0';
	return true;
}

/* Batteries of what is attached (a mouse) are none of the device's. */
static void read_supply(const char *folder, const char *name, struct plan_state *ret)
{
	char word[64];
	int percent;

	if (read_word(folder, name, "scope", word, sizeof(word)) && strcmp(word, "Device") == 0)
		return;
	if (!read_word(folder, name, "type", word, sizeof(word)))
		return;
	if (strcmp(word, "Battery") != 0) {
		ret->plugged |=
			read_word(folder, name, "online", word, sizeof(word)) && word[0] == '1';
		return;
	}
	if (!read_word(folder, name, "capacity", word, sizeof(word)))
		return;
	percent = (int)strtol(word, NULL, 10);
	if (ret->battery < 0 || percent < ret->battery)
		ret->battery = percent;
	if (read_word(folder, name, "status", word, sizeof(word)))
		ret->plugged |= strcmp(word, "Charging") == 0 || strcmp(word, "Full") == 0;
}

void sensors_read(const char *folder, struct plan_state *ret)
{
	char supplies[PATH_MAX], word[64];
	struct dirent *entry;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	DIR *dir;

	*ret = (struct plan_state){.battery = -1};
	snprintf(supplies, sizeof(supplies), "%s", folder ? folder : "/sys/class/power_supply");
	dir = opendir(supplies);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			read_supply(supplies, entry->d_name, ret);
	if (dir)
		closedir(dir);
	if (read_word(folder ? folder : "/proc", ".", "loadavg", word, sizeof(word)))
		ret->load = strtod(word, NULL) / (double)(cpus > 0 ? cpus : 1);
}
