/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/emulated_parts.h"

#include "assess/meter.h"
#include "base/cleanup.h"
#include "base/netlink.h"
#include "lab/hosts.h"
#include "link/links.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_addr.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define LINKS_MAX 8
#define WORDS_MAX (24 + 4 * LINKS_MAX)
#define FILE_MAX  (64u << 20)
#define BUFFER \
	(512   \
	 << 10) /* bytes of frames that wait for a slow device: some hundred, as a network card keeps */
#define FRAME_MAX 65536
#define BURST     64 /* frames that one link moves before others have their turn */

#define KERNEL_MEMORY (32u << 20) /* that the kernel's image takes */

struct ports {
	struct {
		int fd;             /* of the host's link */
		int device, theirs; /* a pair of sockets: our end, QEMU's */
		uint8_t mac[ETH_ALEN];
	} all[LINKS_MAX];
	unsigned count;
};

struct words {
	char *all[WORDS_MAX];
	unsigned count;
};

__attribute__((format(printf, 2, 3))) static void add(struct words *words, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (words->count + 1 < WORDS_MAX && vasprintf(&words->all[words->count], fmt, args) >= 0)
		words->count++;
	va_end(args);
}

const struct scenario_end *emulated_end(const struct scenario *scenario, const char *device)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return NULL;
	for (unsigned i = 0; i < 2 * scenario->link_count; i++) {
		const struct scenario_end *end = &scenario->links[i / 2].ends[i % 2];
		uint8_t mac[ETH_ALEN];

		hosts_hardware(i / 2, i % 2, mac);
		if (end->host == 0 && memcmp(request.ifr_hwaddr.sa_data, mac, ETH_ALEN) == 0)
			return end;
	}
	return NULL;
}

/* The links here are those of host 0 in a lab: started elsewhere, it would take a real device's links away. */
static int find_links(const struct scenario *scenario, struct nl **nl, struct links *ret,
		      struct err *err)
{
	int code = nl_open(nl, NETLINK_ROUTE);

	if (code >= 0)
		code = links_read(*nl, ret);
	if (code < 0)
		return err_set(err, code, "the links cannot be read: %s", strerror(-code));
	for (unsigned i = 0; i < ret->count; i++) {
		const struct link *link = &ret->all[i];
		const struct scenario_end *end = emulated_end(scenario, link->name);

		if (link->kind != LINK_LOOPBACK && (!end || strcmp(end->name, link->name) != 0))
			return err_set(err, -EPERM,
				       "link '%s' is none of the scenario's: this is for `rivulet "
				       "assess --profile device` alone, in its labs",
				       link->name);
	}
	return 0;
}

/* What the host has no address of, it does not answer for. */
static int drop_addresses(struct nl *nl, const struct link *link)
{
	for (unsigned i = 0; i < link->address_count; i++) {
		const struct address *address = &link->addresses[i];
		struct nlmsghdr *msg = nl_start(nl, RTM_DELADDR, 0, sizeof(struct ifaddrmsg));
		struct ifaddrmsg *info = mnl_nlmsg_get_payload(msg);
		int code;

		info->ifa_family = (uint8_t)address->family;
		info->ifa_prefixlen = address->prefix;
		info->ifa_index = link->index;
		mnl_attr_put(msg, IFA_LOCAL, address_size(address), address->bytes);
		code = nl_talk(nl, NULL, NULL);
		if (code < 0)
			return code;
	}
	return 0;
}

/* Sockets that carry the frames of @link, one with each call. QEMU takes no packet sockets itself. */
static int open_port(const struct link *link, struct ports *ports)
{
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	const struct sockaddr_ll at = {.sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_ALL),
				       .sll_ifindex = (int)link->index};
	const int size = BUFFER;
	struct ifreq request = {0};
	int pair[2];

	memcpy(request.ifr_name, link->name, sizeof(request.ifr_name));
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) < 0 ||
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
	    ioctl(fd, SIOCGIFHWADDR, &request) < 0 ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	memcpy(ports->all[ports->count].mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
	ports->all[ports->count].device = pair[0];
	ports->all[ports->count].theirs = pair[1];
	ports->all[ports->count++].fd = steal_fd(&fd);
	return 0;
}

static int take_links(struct nl *nl, const struct links *links, struct ports *ports,
		      struct err *err)
{
	int code = 0;

	for (unsigned i = 0; code >= 0 && i < links->count; i++) {
		const struct link *link = &links->all[i];

		if (link->kind == LINK_LOOPBACK)
			continue;
		code = ports->count < LINKS_MAX ? open_port(link, ports) : -E2BIG;
		if (code >= 0)
			code = drop_addresses(nl, link);
	}
	return code < 0 ? err_set(err, code, "the links cannot be given to the device: %s",
				  strerror(-code))
			: 0;
}

/* Becomes QEMU. No device but what is named, no network but the links, no monitor. */
static void __attribute__((noreturn))
become(const struct emulated *what, const struct emulated_kernel *kernel, const struct ports *ports,
       uint64_t files, int line)
{
	struct words words = {0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	add(&words, "qemu-system-x86_64");
	for (const char *const *word =
		     (const char *const[]){"-machine", "q35", "-accel", "tcg,thread=single", "-smp",
					   "1", "-nodefaults", "-no-user-config", "-no-reboot",
					   "-display", "none", "-chardev",
					   "stdio,id=words,signal=off", "-serial", "chardev:words",
					   NULL};
	     *word; word++)
		add(&words, "%s", *word);
	/* Kernel and files would be in a device's flash: what they take comes on top. */
	add(&words, "-m");
	add(&words, "%" PRIu64, ((EMULATED_MEMORY + KERNEL_MEMORY + files) >> 20) + 1);
	add(&words, "-chardev");
	add(&words, "socket,id=line,fd=%d", line);
	add(&words, "-serial");
	add(&words, "chardev:line");
	add(&words, "-kernel");
	add(&words, "%s", kernel->image);
	add(&words, "-initrd");
	add(&words, "%s/" EMULATED_IMAGE, what->folder);
	add(&words, "-append");
	add(&words,
	    "console=ttyS0 quiet panic=-1 clocksource=hpet -- load boot "
	    "--folder=%s",
	    what->folder);
	for (unsigned i = 0; i < ports->count; i++) {
		const uint8_t *mac = ports->all[i].mac;

		fcntl(ports->all[i].theirs, F_SETFD, 0);
		add(&words, "-netdev");
		add(&words, "dgram,id=link%u,local.type=fd,local.str=%d", i, ports->all[i].theirs);
		add(&words, "-device");
		add(&words,
		    "virtio-net-pci,netdev=link%u,mac=%02x:%02x:%02x:%02x:%02x:%02x,romfile=", i,
		    mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	}
	fcntl(line, F_SETFD, 0);
	execvp(words.all[0], words.all);
	_exit(127);
}

/* The whole of it, unless the other end is gone. */
static bool receive(int line, void *ret, size_t size)
{
	return recv(line, ret, size, MSG_WAITALL) == (ssize_t)size;
}

static int keep_file(int line, const struct emulated_word *word, const char *folder,
		     struct err *err)
{
	_cleanup_fclose_ FILE *out = NULL;
	_cleanup_free_ char *bytes = malloc(word->number + 1);
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, word->name);
	if (!bytes || !receive(line, bytes, word->number))
		return err_set(err, -EIO, "the device ended while it sent %s", word->name);
	out = fopen(path, "we");
	if (!out || fwrite(bytes, 1, word->number, out) != word->number)
		return err_set(err, -EIO, "%s cannot be written", path);
	return 0;
}

/* What the device says. 1: go on; 0: it is over, with *@ret. */
static int answer(int line, const char *folder, int *ret, struct err *err)
{
	struct emulated_word word;
	uint64_t now;
	int code;

	if (!receive(line, &word, sizeof(word)))
		return err_set(err, -EIO, "the device ended before its work did");
	word.name[sizeof(word.name) - 1] = 0;
	switch (word.what) {
	case EMULATED_TIME:
		now = meter_clock();
		if (send(line, &now, sizeof(now), MSG_NOSIGNAL) != sizeof(now))
			return err_set(err, -EIO, "the device has ended");
		return 1;
	case EMULATED_FILE:
		if (strchr(word.name, '/') || word.number > FILE_MAX)
			return err_set(err, -EPROTO, "the device sends what is no file");
		code = keep_file(line, &word, folder, err);
		return code < 0 ? code : 1;
	case EMULATED_OVER:
		*ret = (int)(word.number & 255);
		return 0;
	default:
		return err_set(err, -EPROTO, "the device says what nobody understands");
	}
}

/* Frames, for as long as there are some at @from and room at @to; at most so many that others get their turn. */
static void move_frames(int from, int to)
{
	static char frame[FRAME_MAX];

	for (unsigned i = 0; i < BURST; i++) {
		struct pollfd room = {.fd = to, .events = POLLOUT};
		ssize_t size;

		if (poll(&room, 1, 0) <= 0)
			return;
		size = recv(from, frame, sizeof(frame), MSG_DONTWAIT);
		if (size <= 0)
			return;
		send(to, frame, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

/* Serves the device until it is over; its exit status. */
static int serve(int line, const struct ports *ports, const char *folder, struct err *err)
{
	struct pollfd fds[1 + 2 * LINKS_MAX] = {{.fd = line, .events = POLLIN}};
	int code = 1, status = 0;

	for (unsigned i = 0; i < ports->count; i++) {
		fds[1 + 2 * i] = (struct pollfd){.fd = ports->all[i].fd, .events = POLLIN};
		fds[2 + 2 * i] = (struct pollfd){.fd = ports->all[i].device, .events = POLLIN};
	}
	while (code > 0) {
		if (poll(fds, 1 + 2 * ports->count, -1) < 0)
			continue;
		for (unsigned i = 0; i < ports->count; i++) {
			if (fds[1 + 2 * i].revents)
				move_frames(ports->all[i].fd, ports->all[i].device);
			if (fds[2 + 2 * i].revents)
				move_frames(ports->all[i].device, ports->all[i].fd);
		}
		if (fds[0].revents)
			code = answer(line, folder, &status, err);
	}
	return code < 0 ? code : status;
}

int emulated_run(const struct emulated *what, struct err *err)
{
	struct emulated_kernel kernel;
	_cleanup_nl_ struct nl *nl = NULL;
	struct links links = {0};
	struct ports ports = {.count = 0};
	uint64_t files = 0;
	int line[2] = {-1, -1}, code = find_links(what->scenario, &nl, &links, err), status;
	pid_t pid;

	if (code == 0)
		code = emulated_find(&kernel, err);
	if (code == 0)
		code = emulated_image(what, &kernel, &files, err);
	if (code == 0)
		code = take_links(nl, &links, &ports, err);
	links_free(&links);
	if (code == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line) < 0)
		code = err_set(err, -errno, "no line to the device: %s", strerror(errno));
	if (code < 0)
		return code;
	pid = fork();
	if (pid == 0)
		become(what, &kernel, &ports, files, line[1]);
	close_fd(line[1]);
	for (unsigned i = 0; i < ports.count; i++)
		close_fd(ports.all[i].theirs);
	code = pid < 0 ? err_set(err, -errno, "no process: %s", strerror(errno))
		       : serve(line[0], &ports, what->folder, err);
	close_fd(line[0]);
	for (unsigned i = 0; i < ports.count; i++) {
		close_fd(ports.all[i].fd);
		close_fd(ports.all[i].device);
	}
	if (pid > 0) {
		kill(pid, SIGKILL); /* what is over has said so */
		waitpid(pid, &status, 0);
	}
	return code;
}
