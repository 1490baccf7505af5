/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/feature.h"

#include "base/cleanup.h"
#include "base/code_folder.h"
#include "base/installed.h"
#include "base/numbers.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#ifndef SECCOMP_ADDFD_FLAG_SEND /* since 5.14 */
#define SECCOMP_ADDFD_FLAG_SEND (1UL << 1)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS /* since 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

/* Runs @attempt, which returns 0 or a negative errno, in a child, where it may do to itself what it likes; -EPERM: it was killed
 * for that. -ECHILD: it cannot be tried, as @why says. */
static int try_in_child(int (*attempt)(void), struct err *why)
{
	int status, code;
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		code = attempt();
		_exit(code < 0 && code > -256 ? -code : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return err_set(why, -ECHILD, "it cannot be tried: no process: %s", strerror(errno));
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EPERM;
}

/* Loads a filter that asks about a call that nobody makes. The listener, or a negative errno. */
static int load_filter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int fd = -ENOMEM;

	if (!filter)
		return fd;
	fd = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(reboot), 0);
	if (fd == 0 && seccomp_load(filter) < 0)
		fd = -errno; /* the kernel's: the library makes another of it */
	if (fd == 0)
		fd = seccomp_notify_fd(filter);
	return fd; /* the child ends, and the filter with it */
}

static int attempt_notify(void)
{
	int fd = load_filter();

	return fd < 0 ? fd : 0;
}

static int look_notify(struct err *why)
{
	int code = try_in_child(attempt_notify, why);

	switch (code) {
	case 0:
	case -ECHILD:
		return code;
	case -EBUSY:
		return err_set(
			why, code,
			"this process is under such a filter already (a container's, or another "
			"`rivulet run`): start it outside");
	case -EPERM:
	case -EACCES:
		return err_set(why, code, "the sandbox around this process forbids it");
	default:
		return err_set(
			why, code,
			"the kernel has no user notification (Linux 5.5, CONFIG_SECCOMP_FILTER)");
	}
}

static int attempt_addfd(void)
{
	struct seccomp_notif_addfd give = {.id = 1, .flags = SECCOMP_ADDFD_FLAG_SEND};
	int listener = load_filter();

	if (listener < 0)
		return listener;
	give.srcfd = (uint32_t)listener;
	/* Nobody waits with that number: what knows the flag says so. */
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &give) < 0 && errno != ENOENT ? -errno
											: 0;
}

static int look_addfd(struct err *why)
{
	int code = try_in_child(attempt_addfd, why);

	return code == 0 || code == -ECHILD
		       ? code
		       : err_set(why, code,
				 "the kernel cannot give a program a descriptor in the answer to "
				 "a call (Linux 5.14)");
}

static int attempt_wakeup(void)
{
	int listener = load_filter();

	if (listener < 0)
		return listener;
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) <
			       0
		       ? -errno
		       : 0;
}

static int look_wakeup(struct err *why)
{
	int code = try_in_child(attempt_wakeup, why);

	return code == 0 || code == -ECHILD
		       ? code
		       : err_set(why, code,
				 "the kernel cannot (Linux 6.6): making a socket takes some four "
				 "times as long");
}

static int look_getfd(struct err *why)
{
	_cleanup_close_ int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	_cleanup_close_ int copy = self < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, self, self, 0);

	if (copy >= 0)
		return 0;
	return err_set(why, -errno,
		       errno == ENOSYS ? "the kernel has no pidfd_getfd() (Linux 5.6)"
				       : "the sandbox around this process forbids it");
}

static int look_yama(struct err *why)
{
	uint64_t scope;

	if (numbers_read("/proc/sys/kernel/yama/ptrace_scope", &scope, 1) < 0 || scope < 2)
		return 0;
	return err_set(
		why, -EPERM,
		"kernel.yama.ptrace_scope is %u: `sysctl kernel.yama.ptrace_scope=1` (as root) "
		"changes it%s",
		(unsigned)scope, scope == 3 ? " only at the next boot" : "");
}

static int attempt_user(void)
{
	return unshare(CLONE_NEWUSER) < 0 ? -errno : 0;
}

static int attempt_network(void)
{
	return unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 ? -errno : 0;
}

static int namespaces(int (*attempt)(void), struct err *why)
{
	int code = try_in_child(attempt, why);

	if (code == 0 || code == -ECHILD)
		return code;
	if (code == -EINVAL || code == -ENOSYS)
		return err_set(why, code, "this kernel was built without them");
	return err_set(
		why, code,
		"forbidden here: kernel.unprivileged_userns_clone, user.max_user_namespaces or "
		"kernel.apparmor_restrict_unprivileged_userns, or a container's sandbox");
}

static int look_user(struct err *why)
{
	return namespaces(attempt_user, why);
}

static int look_network(struct err *why)
{
	return namespaces(attempt_network, why);
}

static int look_tun(struct err *why)
{
	_cleanup_close_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return 0;
	switch (errno) {
	case ENOENT:
	case ENODEV:
		return err_set(why, -errno, "there is no /dev/net/tun: `modprobe tun` (as root)");
	case EACCES:
	case EPERM:
		return err_set(why, -errno, "this user may not open /dev/net/tun");
	default:
		return err_set(why, -errno, "cannot open /dev/net/tun: %s", strerror(errno));
	}
}

static bool has_capability(unsigned number)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	return syscall(SYS_capget, &header, data) == 0 &&
	       data[number / 32].effective & 1u << number % 32;
}

static int look_admin(struct err *why)
{
	return has_capability(CAP_NET_ADMIN) ? 0
					     : err_set(why, -EPERM,
						       "this process has no CAP_NET_ADMIN: start "
						       "it with sudo, or install "
						       "rivulet-net with its file capability");
}

static int look_raw(struct err *why)
{
	return has_capability(CAP_NET_RAW)
		       ? 0
		       : err_set(why, -EPERM,
				 "this process has no CAP_NET_RAW: start it with sudo");
}

/* Is there a rivulet-net that has the right for us? */
static bool has_helper(void)
{
	char path[PATH_MAX];

	return installed_find("rivulet-net", path) == 0 && access(path, X_OK) == 0 &&
	       getxattr(path, "security.capability", NULL, 0) > 0;
}

static int look_packets(struct err *why)
{
	if (has_capability(CAP_NET_RAW) || has_capability(CAP_NET_ADMIN) || has_helper())
		return 0;
	return err_set(why, -EPERM,
		       "this process has neither CAP_NET_RAW nor CAP_NET_ADMIN: start it with "
		       "sudo, or install rivulet-net with its file capability (rivulet-net(8))");
}

static int look_diag(struct err *why)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	return fd >= 0 ? 0
		       : err_set(why, -errno,
				 "this kernel was built without sock_diag (CONFIG_INET_DIAG)");
}

static int look_shm(struct err *why)
{
	const char *folder;

	return code_folder_find(&folder, why);
}

int feature_look(const char *name, struct err *why)
{
	for (const struct feature *feature = features; feature->name; feature++)
		if (strcmp(feature->name, name) == 0)
			return feature->look(why);
	return 0;
}

const struct feature features[] = {
	{"seccomp-notify", "to run unmodified programs", look_notify},
	{"seccomp-addfd", "to answer socket() in one step", look_addfd},
	{"seccomp-wake-up", "to answer socket() on the program's CPU", look_wakeup},
	{"pidfd-getfd", "to act on the sockets of a program", look_getfd},
	{"ptrace", "to look at a program's descriptors and memory", look_yama},
	{"user-namespaces", "to be root in a lab without being root", look_user},
	{"network-namespaces", "to run a lab without root", look_network},
	{"tun", "to give packets to a user-space stack", look_tun},
	{"net-admin", "to set up the links for subflows", look_admin},
	{"net-raw", "to send packets for a user-space stack", look_raw},
	{"packets", "to give a stack of its own the packets of links", look_packets},
	{"sock-diag", "to see subflows and what they carry", look_diag},
	{"shm-exec", "for User Mode Linux's memory", look_shm},
	{0},
};
