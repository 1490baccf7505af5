/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/guest_setup.h"

#include "base/cleanup.h"
#include "run/user.h"

#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

#define RESOLVER      "/etc/resolv.conf"
#define RESOLVER_SIZE 4096

/* What a connection may have received before its program has read it: as the kernel has it with much memory, and what it begins
 * with. */
#define RECEIVE_MOST  (6U << 20)
#define RECEIVE_LEAST 131072U

struct mounted {
	const char *type, *at;
	unsigned long flags;
	const char *options;
};

static const struct mounted mounts[] = {
	{"proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
	{"sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
	{"devtmpfs", "/dev", MS_NOSUID, "mode=0755"},
	{"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=0620,ptmxmode=0666"},
	{"tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777"},
	{"tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755"},
};

static void make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
}

/* What tells of name servers often lies in /run, which is a new one now: @text was in @path. */
static void put_back(char *path, const char *text, size_t size)
{
	_cleanup_close_ int fd = -1;

	make_folders(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd >= 0 && write(fd, text, size) < 0)
		return;
}

static ssize_t read_resolver(char path[static PATH_MAX], char *text)
{
	_cleanup_close_ int fd = open(RESOLVER, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || !realpath(RESOLVER, path))
		return -1;
	return read(fd, text, RESOLVER_SIZE);
}

int guest_mount(struct err *err)
{
	char path[PATH_MAX], text[RESOLVER_SIZE];
	ssize_t size = read_resolver(path, text);

	/* The files are the host's user's; inside nobody becomes somebody else by them. */
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_NOSUID, NULL) < 0)
		return err_set(err, -errno, "cannot remount /: %s", strerror(errno));
	for (unsigned i = 0; i < ARRAY_SIZE(mounts); i++) {
		const struct mounted *m = &mounts[i];

		if (strncmp(m->at, "/dev/", 5) == 0)
			mkdir(m->at, 0755);
		if (mount(m->type, m->at, m->type, m->flags, m->options) < 0)
			return err_set(err, -errno, "cannot mount %s: %s", m->at, strerror(errno));
	}
	if (symlink("/proc/self/fd", "/dev/fd") < 0 || symlink("fd/0", "/dev/stdin") < 0 ||
	    symlink("fd/1", "/dev/stdout") < 0 || symlink("fd/2", "/dev/stderr") < 0)
		return err_set(err, -errno, "cannot make links in /dev: %s", strerror(errno));
	if (size > 0 && strncmp(path, "/run/", 5) == 0)
		put_back(path, text, (size_t)size);
	return 0;
}

static int set(const char *name, const char *value)
{
	_cleanup_close_ int fd = open(name, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

/* The kernel's own bounds of TCP's memory are a tenth of a small machine's, which a few dozen connections meet. Where they are
 * met, an MPTCP socket that fell back to TCP drops what it has acknowledged (Linux 6.12, mptcp_rmem_schedule()): its program waits
 * for ever, while the kernel takes in all that is sent. */
static int bound_memory(void)
{
	struct sysinfo memory;
	unsigned long pages;
	char text[96];

	if (sysinfo(&memory) < 0)
		return -errno;
	pages = memory.totalram / 4096 * memory.mem_unit;
	snprintf(text, sizeof(text), "%lu %lu %lu", pages / 8, pages / 16 * 3, pages / 4);
	return set("/proc/sys/net/ipv4/tcp_mem", text);
}

int guest_share_memory(unsigned connections)
{
	struct sysinfo memory;
	unsigned long share;
	char text[64];

	if (sysinfo(&memory) < 0)
		return -errno;
	share = memory.totalram / 16 * memory.mem_unit / (connections ? connections : 1);
	if (share > RECEIVE_MOST)
		share = RECEIVE_MOST;
	if (share < RECEIVE_LEAST)
		share = RECEIVE_LEAST;
	/* The first is what one can have also where memory is short. */
	snprintf(text, sizeof(text), "%u %u %lu", RECEIVE_LEAST, RECEIVE_LEAST, share);
	return set("/proc/sys/net/ipv4/tcp_rmem", text);
}

int guest_set_up_network(struct err *err)
{
	static const char *const settings[][2] = {
		/* The host has asked who else has its addresses, and got them. */
		{"/proc/sys/net/ipv6/conf/all/accept_dad", "0"},
		{"/proc/sys/net/ipv6/conf/all/accept_ra", "0"},
		/* There are few ports: one whose connection ended a second ago can be had again, at once if many have. */
		{"/proc/sys/net/ipv4/tcp_tw_reuse", "1"},
		{"/proc/sys/net/ipv4/tcp_max_tw_buckets", "64"},
		{"/proc/sys/net/ipv4/ping_group_range", "0 2147483647"},
		/* Against fragments the kernel would keep up to 4 MiB more of a small memory free, and kill the program for them. */
		{"/proc/sys/vm/watermark_boost_factor", "0"},
		/* Where links come and go so do questions who has an address, and all that is sent waits for an answer: a question is not
		 * asked again after a second, but there are as many more. */
		{"/proc/sys/net/ipv4/neigh/default/retrans_time_ms", "200"},
		{"/proc/sys/net/ipv4/neigh/default/mcast_solicit", "15"},
		{"/proc/sys/net/ipv4/neigh/default/ucast_solicit", "15"},
		{"/proc/sys/net/ipv6/neigh/default/retrans_time_ms", "200"},
		{"/proc/sys/net/ipv6/neigh/default/mcast_solicit", "15"},
		{"/proc/sys/net/ipv6/neigh/default/ucast_solicit", "15"},
	};
	_cleanup_nl_ struct nl *nl = NULL;
	int code = nl_open(&nl, NETLINK_ROUTE);

	if (code == 0)
		code = nl_switch_on(nl, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(settings) && code == 0; i++)
		code = set(settings[i][0], settings[i][1]);
	if (code == 0)
		code = bound_memory();
	return code < 0
		       ? err_set(err, code, "cannot set up the network inside: %s", strerror(-code))
		       : 0;
}

int guest_set_range(const struct port_range *range, struct err *err)
{
	char ports[32];
	int code;

	snprintf(ports, sizeof(ports), "%u %u", range->first, range->last);
	code = set("/proc/sys/net/ipv4/ip_local_port_range", ports);
	return code < 0 ? err_set(err, code, "cannot set the ports of programs inside: %s",
				  strerror(-code))
			: 0;
}

void guest_set_congestion(const char *name)
{
	if (name[0])
		set("/proc/sys/net/ipv4/tcp_congestion_control", name);
}

/* No address of its own making, and no address from routers: those are the host's. */
static void keep_still(unsigned number)
{
	static const char *const settings[][2] = {{"accept_ra", "0"}, {"addr_gen_mode", "1"}};
	char name[64];

	for (unsigned i = 0; i < ARRAY_SIZE(settings); i++) {
		snprintf(name, sizeof(name), "/proc/sys/net/ipv6/conf/port%u/%s", number,
			 settings[i][0]);
		set(name, settings[i][1]);
	}
}

static bool is_new(const struct guest_ports *was, const struct guest_ports *now, unsigned i)
{
	return i >= was->count || was->all[i].serial != now->all[i].serial;
}

static bool have_come(const struct guest_ports *was, const struct guest_ports *now)
{
	for (unsigned i = 0; i < now->count; i++)
		if (is_new(was, now, i))
			return true;
	return false;
}

/* The devices are those after the loopback, in order. New ones, and what those of links that are gone are for now, are taken from the
 * host first. */
int guest_set_up_ports(const struct guest_ports *was, const struct guest_ports *now,
		       struct err *err)
{
	_cleanup_nl_ struct nl *nl = NULL;
	int code = nl_open(&nl, NETLINK_ROUTE);

	for (unsigned i = 0; i < was->count && code == 0; i++)
		code = port_leave(nl, 2 + i, &was->all[i], &now->all[i]);
	if (code == 0 && have_come(was, now))
		code = set("/sys/module/rivulet/parameters/ports", "1");
	if (code < 0)
		return err_set(err, code, "cannot set up links inside: %s", strerror(-code));
	for (unsigned i = 0; i < now->count && code == 0; i++) {
		const struct port *before = is_new(was, now, i) ? NULL : &was->all[i];

		if (before && port_equal(before, &now->all[i]))
			continue;
		if (i >= was->count)
			keep_still(i);
		code = port_apply(nl, 2 + i, before, &now->all[i]);
		if (code < 0)
			err_set(err, code, "cannot set up %s inside: %s", now->all[i].name,
				strerror(-code));
	}
	return code;
}

/* Where the caller's folder was deleted the program is to find the same: it gets one that was, too. */
static int enter(const char *path, const char *own)
{
	char gone[64];

	if (path[0])
		return chdir(path);
	snprintf(gone, sizeof(gone), "%s/deleted", own);
	return mkdir(gone, 0700) < 0 || chdir(gone) < 0 ? -1 : rmdir(gone);
}

int guest_become_caller(const struct guest_start *start, char **strings, struct err *err)
{
	char **environment = strings + 2 + start->argc;
	char folder[32];

	if (sethostname(start->host, strlen(start->host)) < 0)
		return err_set(err, -errno, "cannot set the host's name: %s", strerror(errno));
	for (unsigned i = 0; i < RLIM_NLIMITS; i++)
		setrlimit(i, &start->limits[i]); /* of one that this kernel does not know: none */
	umask(start->umask);
	for (int i = 1; i < NSIG; i++)
		if (start->ignored & (uint64_t)1 << (i - 1))
			signal(i, SIG_IGN);
	clearenv();
	for (unsigned i = 0; i < start->envc; i++)
		putenv(environment[i]);
	/* It is the host's, and what lies in there as well. */
	unsetenv("RIVULET_STATE");
	snprintf(folder, sizeof(folder), "/run/user/%u", start->uid);
	if ((mkdir("/run/user", 0755) < 0 && errno != EEXIST) || mkdir(folder, 0700) < 0 ||
	    chown(folder, start->uid, start->gid) < 0)
		return err_set(err, -errno, "cannot make %s inside: %s", folder, strerror(errno));
	user_given(start->uid, start->gid, start->groups, start->group_count);
	if (enter(strings[0], folder) < 0)
		return err_set(err, -errno, "cannot enter %s inside: %s", strings[0],
			       strerror(errno));
	return 0;
}
