/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of an emulated device: its first process, which is the only one that is not of the workload. */
#include "assess/emulated_parts.h"

#include "assess/load.h"
#include "assess/meter.h"
#include "base/cleanup.h"
#include "base/fds.h"
#include "base/numbers.h"
#include "lab/hosts.h"
#include "link/links.h"
#include "probe/calibrate.h"
#include "probe/device.h"

#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>

#define COMPRESSED   4   /* MODULE_INIT_COMPRESSED_FILE: the kernel unpacks it */
#define TIME_ROUNDS  20  /* the quickest of so many answers is believed */
#define LOOK_EVERY   200 /* ms from one look at memory to the next */
#define WORDS_MAX    64
#define BUSY_COLUMNS 8 /* user, nice, system, idle, iowait, irq, softirq, steal */

struct used {
	double cpu;      /* s that the processor was busy... */
	double seconds;  /* ...of so many */
	uint64_t memory; /* bytes that were taken, the most */
};

static void mount_all(void)
{
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mkdir("/dev/shm", 01777);
}

static int load_module(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool packed = strcmp(strrchr(path, '.'), ".ko") != 0;

	if (fd < 0 ||
	    (syscall(SYS_finit_module, fd, "", packed ? COMPRESSED : 0) < 0 && errno != EEXIST))
		return -errno;
	return 0;
}

/* Twice, for which needs which differs between kernels. */
static void load_modules(void)
{
	glob_t found = {0};

	glob(EMULATED_MODULES "/*", 0, NULL, &found);
	for (unsigned round = 0; round < 2; round++)
		for (size_t i = 0; i < found.gl_pathc; i++) {
			int code = load_module(found.gl_pathv[i]);

			if (code < 0 && round > 0)
				fprintf(stderr, "%s: %s\n", found.gl_pathv[i], strerror(-code));
		}
	globfree(&found);
}

static int open_line(void)
{
	int fd = open(EMULATED_LINE, O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios how;

	if (fd < 0 || tcgetattr(fd, &how) < 0)
		return -1;
	cfmakeraw(&how);
	cfsetspeed(&how, B115200);
	how.c_cflag |= CLOCAL | CREAD;
	tcsetattr(fd, TCSAFLUSH, &how);
	return fd;
}

static bool say(int line, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t sent = write(line, at, size);

		if (sent <= 0)
			return false;
		at += sent;
		size -= (size_t)sent;
	}
	return true;
}

static bool hear(int line, void *ret, size_t size)
{
	char *at = ret;

	while (size > 0) {
		ssize_t got = read(line, at, size);

		if (got <= 0)
			return false;
		at += got;
		size -= (size_t)got;
	}
	return true;
}

/* The host's time is ours; ns by which it may be off. */
static uint64_t set_time(int line)
{
	const struct emulated_word ask = {.what = EMULATED_TIME};
	uint64_t least = UINT64_MAX, offset = 0;
	struct timespec time;

	for (unsigned i = 0; i < TIME_ROUNDS; i++) {
		uint64_t before = clock_now(), after, there;

		if (!say(line, &ask, sizeof(ask)) || !hear(line, &there, sizeof(there)))
			return least;
		after = clock_now();
		if (after - before < least) {
			least = after - before;
			offset = there - (before + least / 2);
		}
	}
	offset += clock_now();
	time = (struct timespec){(time_t)(offset / NS_PER_S), (long)(offset % NS_PER_S)};
	clock_settime(CLOCK_REALTIME, &time);
	return least / 2;
}

/* The kernel's names come as they come. */
static void name_devices(struct nl *nl, const struct scenario *scenario)
{
	struct links links;

	if (links_read(nl, &links) < 0)
		return;
	for (unsigned i = 0; i < links.count; i++) {
		const struct scenario_end *end = emulated_end(scenario, links.all[i].name);
		struct ifreq request = {0};
		_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		if (fd < 0 || !end)
			continue;
		memcpy(request.ifr_name, links.all[i].name, sizeof(request.ifr_name));
		memcpy(request.ifr_newname, end->name, sizeof(request.ifr_newname));
		ioctl(fd, SIOCSIFNAME, &request);
	}
	links_free(&links);
}

/* This kernel becomes host 0 of the scenario. */
static int set_up_links(const char *folder, struct err *err)
{
	struct scenario *scenario = NULL;
	struct host *hosts = NULL;
	char path[PATH_MAX] = "", name[PATH_MAX];
	FILE *file;
	int code;

	snprintf(name, sizeof(name), "%s/" EMULATED_SCENARIO, folder);
	file = fopen(name, "re");
	if (file) {
		path[fread(path, 1, sizeof(path) - 1, file)] = 0;
		fclose(file);
	}
	code = scenario_load(path, &scenario, err);
	if (code < 0)
		return code;
	hosts = calloc(scenario->host_count, sizeof(*hosts));
	code = hosts ? host_take(&scenario->hosts[0], &hosts[0], err) : -ENOMEM;
	if (code >= 0) {
		name_devices(hosts[0].nl, scenario);
		code = hosts_configure(scenario, hosts, err);
	}
	return code; /* neither is freed: the machine ends before they are missed */
}

static uint64_t available(void)
{
	struct device device;

	device_read(&device);
	return device.memory_free;
}

static double busy(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/stat", "re");
	uint64_t ticks[BUSY_COLUMNS];
	char line[256];

	if (!file || !fgets(line, sizeof(line), file) || strncmp(line, "cpu ", 4) != 0 ||
	    numbers_parse(line + 4, ticks, BUSY_COLUMNS) < 0)
		return 0;
	return (double)(ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7]) /
	       (double)sysconf(_SC_CLK_TCK);
}

/* The command that lies in the folder. */
static void __attribute__((noreturn)) become(const char *folder)
{
	char path[PATH_MAX], text[16384], *words[WORDS_MAX];
	unsigned count = 0;
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/" EMULATED_COMMAND, folder);
	file = fopen(path, "re");
	if (file)
		size = fread(text, 1, sizeof(text) - 1, file);
	text[size] = 0;
	for (char *at = text; at < text + size && count + 1 < WORDS_MAX; at += strlen(at) + 1)
		words[count++] = at;
	words[count] = NULL;
	if (count)
		execv(words[0], words);
	_exit(127);
}

static int play(const char *folder, struct used *ret)
{
	uint64_t before = available(), least = before;
	double start = busy();
	uint64_t begin = clock_now();
	int status = 127 << 8;
	pid_t pid = fork();
	int end;

	if (pid == 0)
		become(folder);
	end = pid > 0 ? fds_watch_process(pid) : -1;
	for (bool over = pid < 0; !over;) {
		struct pollfd fd = {.fd = end, .events = POLLIN};
		uint64_t now;

		over = poll(&fd, 1, LOOK_EVERY) > 0;
		now = available();
		least = now < least ? now : least;
	}
	close_fd(end);
	if (pid > 0)
		waitpid(pid, &status, 0);
	ret->cpu = busy() - start;
	ret->seconds = (double)(clock_now() - begin) / NS_PER_S;
	ret->memory = before - least;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void send_file(int line, const char *folder, const char *name)
{
	struct emulated_word word = {.what = EMULATED_FILE};
	_cleanup_fclose_ FILE *file = NULL;
	char path[PATH_MAX], bytes[4096];
	struct stat is;
	size_t got;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(word.name, sizeof(word.name), "%s", name);
	file = fopen(path, "re");
	if (!file || fstat(fileno(file), &is) < 0)
		return;
	word.number = (uint32_t)is.st_size;
	say(line, &word, sizeof(word));
	while ((got = fread(bytes, 1, sizeof(bytes), file)) > 0)
		say(line, bytes, got);
}

static void write_start(const char *folder)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" LOAD_START, folder);
	file = fopen(path, "we");
	if (file)
		fprintf(file, "%" PRIu64 "\n", meter_clock());
}

static void write_report(const char *folder, const struct used *used, double packet, uint64_t off)
{
	char path[PATH_MAX];
	struct utsname kernel;
	struct device device;
	json_t *root;

	uname(&kernel);
	device_read(&device);
	snprintf(path, sizeof(path), "%s/" EMULATED_REPORT, folder);
	root = json_pack("{sf sf sI sf sI ss sf}", "cpu_s", used->cpu, "seconds", used->seconds,
			 "memory", (json_int_t)used->memory, "packet_ns", packet, "memory_bytes",
			 (json_int_t)device.memory, "kernel", kernel.release, "clock_ms",
			 (double)off / NS_PER_MS);
	json_dump_file(root, path, JSON_COMPACT);
	json_decref(root);
}

void emulated_boot(const char *folder)
{
	static const char *const files[] = {LOAD_CLIENT, EMULATED_RUN, EMULATED_REPORT};
	struct emulated_word over = {.what = EMULATED_OVER, .number = 1};
	struct calibration speed;
	struct used used = {0};
	struct err err = {0};
	uint64_t off;
	int line;

	mount_all();
	load_modules();
	line = open_line();
	if (set_up_links(folder, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
	} else {
		calibrate(available(), &speed);
		off = set_time(line);
		write_start(folder);
		over.number = (uint32_t)play(folder, &used);
		write_report(folder, &used, speed.packet, off);
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		send_file(line, folder, files[i]);
	say(line, &over, sizeof(over));
	tcdrain(line);
	reboot(RB_AUTOBOOT);
	_exit(1);
}
