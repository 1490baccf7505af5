/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conform.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/time.h>
#include <sys/wait.h>

#define TOPICS_S 20 /* that all topics may take */

const char *topic;
int topic_number;
volatile int signals;
static const char *peer_address;

void say(const char *name, const char *format, ...)
{
	char value[256];
	va_list list;

	va_start(list, format);
	vsnprintf(value, sizeof(value), format, list);
	va_end(list);
	/* At once: another thread may have something to say, too. */
	printf("%s.%s: %s\n", topic, name, value);
	fflush(stdout);
}

const char *errno_name(int error)
{
	return error ? strerrorname_np(error) : "0";
}

void tell(const char *name, long result)
{
	if (result < 0)
		say(name, "%s", errno_name(errno));
	else
		say(name, "%ld", result);
}

static void say_mask(const char *name, int mask)
{
	static const struct {
		int bit;
		const char *name;
	} bits[] = {{POLLIN, "IN"},   {POLLPRI, "PRI"}, {POLLOUT, "OUT"},
		    {POLLERR, "ERR"}, {POLLHUP, "HUP"}, {POLLRDHUP, "RDHUP"}};
	char text[64] = "";

	for (unsigned i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (mask & bits[i].bit)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
				 *text ? "+" : "", bits[i].name);
	say(name, "%s", *text ? text : "nothing");
}

static short mask_of(int fd)
{
	struct pollfd wanted = {.fd = fd, .events = POLLIN | POLLPRI | POLLOUT | POLLRDHUP};

	poll(&wanted, 1, 0);
	return wanted.revents;
}

void tell_poll(const char *name, int fd)
{
	say_mask(name, mask_of(fd));
}

void tell_poll_once(const char *name, int fd, short wanted)
{
	UNTIL((mask_of(fd) & wanted) == wanted);
	say_mask(name, mask_of(fd));
}

void tell_error(const char *name, int fd)
{
	socklen_t size = sizeof(int);
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		tell(name, -1);
	else
		say(name, "%s", errno_name(error));
}

void tell_option(const char *name, int fd, int level, int option)
{
	socklen_t size = sizeof(int);
	int value = 0;
	int result = getsockopt(fd, level, option, &value, &size);

	tell(name, result < 0 ? result : value);
}

void tell_ioctl(const char *name, int fd, unsigned long request)
{
	int value = 0, result = ioctl(fd, request, &value);

	tell(name, result < 0 ? result : value);
}

int tcp(int flags)
{
	return socket(AF_INET, SOCK_STREAM | flags, 0);
}

struct sockaddr_in at(const char *address, int port)
{
	struct sockaddr_in ret = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	inet_pton(AF_INET, address, &ret.sin_addr);
	return ret;
}

struct sockaddr_in peer_at(int port)
{
	return at(peer_address, port);
}

long connect_to(int fd, int port)
{
	const struct sockaddr_in address = peer_at(port);

	return connect(fd, (const struct sockaddr *)&address, sizeof(address));
}

int scripted(const char *script)
{
	int fd = tcp(0);

	if (connect_to(fd, PORT_SCRIPT) < 0 || dprintf(fd, "%s\n", script) < 0) {
		perror("conform: the peer");
		exit(2);
	}
	return fd;
}

void go(int fd)
{
	send(fd, "g", 1, MSG_NOSIGNAL);
}

static int one_byte(int fd)
{
	uint8_t byte = UINT8_MAX;

	if (recv(fd, &byte, 1, 0) != 1)
		return -1;
	return byte;
}

int peer_saw(void)
{
	int fd = scripted("?"), error = one_byte(fd);

	close(fd);
	return error;
}

int called_back(int port, const char *script)
{
	char whole[128];
	int fd, error;

	snprintf(whole, sizeof(whole), "b%d %s", port, script);
	fd = scripted(whole);
	error = one_byte(fd);
	close(fd);
	return error;
}

int inq(int fd)
{
	int count = -1;

	ioctl(fd, FIONREAD, &count);
	return count;
}

void abandon(int fd)
{
	const struct linger now = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

int server(int port, int flags)
{
	const struct sockaddr_in address = at("0.0.0.0", port);
	const int yes = 1;
	int fd = tcp(flags);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 10) < 0)
		perror("conform: a server");
	return fd;
}

static void on_signal(int number)
{
	signals++;
}

void catch_signal(int number, bool restarts)
{
	const struct sigaction action = {.sa_handler = on_signal,
					 .sa_flags = restarts ? SA_RESTART : 0};

	signals = 0;
	sigaction(number, &action, NULL);
}

void alarm_in_ms(int ms)
{
	const struct itimerval when = {.it_value = {ms / 1000, ms % 1000 * 1000}};

	setitimer(ITIMER_REAL, &when, NULL);
}

void alarm_every_ms(int ms)
{
	const struct timeval period = {ms / 1000, ms % 1000 * 1000};
	const struct itimerval when = {period, period};

	setitimer(ITIMER_REAL, &when, NULL);
}

static const struct {
	const char *name;
	void (*observe)(void);
} topics[] = {
	{"connecting", connecting},
	{"interrupted", interrupted},
	{"listening", listening},
	{"accepting", accepting},
	{"bytes", bytes},
	{"messages", messages},
	{"ends", ends},
	{"resets", resets},
	{"waiting", waiting},
	{"options", options},
	{"names", names},
	{"passing", passing},
};

static bool is_wanted(const char *name, char *const *wanted)
{
	if (!*wanted)
		return true;
	for (; *wanted; wanted++)
		if (strcmp(name, *wanted) == 0)
			return true;
	return false;
}

/* In a process of its own, beside the others: one that stays for ever, or breaks, is an observation, too. */
static pid_t observe(int number)
{
	pid_t pid = fork();

	topic = topics[number].name;
	topic_number = number;
	if (pid == 0) {
		signal(SIGPIPE, SIG_IGN);
		topics[number].observe();
		exit(0);
	}
	return pid;
}

static void conclude(int number, pid_t pid, int *left)
{
	int status = 0;

	topic = topics[number].name;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (--*left == 0)
			kill(pid, SIGKILL);
		usleep(10000);
	}
	say("ended", WIFSIGNALED(status) ? "by signal %d" : "with %d",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void wait_for_peer(void)
{
	int fd = -1;

	for (int left = 200; fd < 0 && left > 0; left--) { /* it may be about to start */
		fd = tcp(0);
		if (connect_to(fd, PORT_SCRIPT) == 0)
			break;
		close(fd);
		fd = -1;
		usleep(50000);
	}
	close(fd);
}

static int number(const char *text)
{
	return (int)strtol(text, NULL, 10);
}

int main(int argc, char **argv)
{
	enum { COUNT = sizeof(topics) / sizeof(topics[0]) };
	pid_t pids[COUNT];
	int left = TOPICS_S * 100;

	if (argc > 1 && strcmp(argv[1], "peer") == 0)
		return peer_main(argc > 2 && strcmp(argv[2], "multipath") == 0);
	if (argc > 2 && strcmp(argv[1], "taken") == 0)
		return taken_main(number(argv[2]));
	if (argc > 2 && strcmp(argv[1], "holds") == 0) /* exec: passing.c */
		return fcntl(number(argv[2]), F_GETFD) < 0 ||
		       write(number(argv[2]), "held", 4) != 4;
	if (argc < 2) {
		fputs("usage: conform peer [multipath] | taken PORT | ADDRESS [TOPIC...]\n",
		      stderr);
		return 2;
	}
	peer_address = argv[1];
	wait_for_peer();
	for (int i = 0; i < COUNT; i++)
		pids[i] = is_wanted(topics[i].name, argv + 2) ? observe(i) : 0;
	for (int i = 0; i < COUNT; i++)
		if (pids[i] > 0)
			conclude(i, pids[i], &left);
	return 0;
}
