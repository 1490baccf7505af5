/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The C interface, tried on a stack from outside, as a program that links the library would use it:
 *
 *   api serve STACK PORT    echoes every connection until its end, for ever
 *   api try STACK PORT NAME HALF V4 V6 DARK
 *       NAME, HALF, V4 and V6 are the server's. DARK never answers, nor does the name server, which
 *       would have to be asked for HALF's IPv6 addresses.
 *
 * The same checks for every stack. The first that fails ends the program with a message.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <rivulet.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LARGE   (4u << 20)
#define SMALL   16384u
#define AT_ONCE 64
/* Of threads none under a sanitizer: those of GCC 12 do not let a fork wait for their allocator's locks, and its child may wait for ever. */
#ifdef __SANITIZE_ADDRESS__
#define FORKS 0
#else
#define FORKS 1000
#endif
#define A_TIMEOUT 20000 /* ms; none of the dials that succeed comes near */

static _Noreturn void fail(int line, const char *what, const char *why)
{
	fprintf(stderr, "api.c:%d: %s%s%s\n", line, what, why ? ": " : "", why ? why : "");
	exit(1);
}

#define CHECK(is)               ((is) ? (void)0 : fail(__LINE__, #is, NULL))
#define CHECK_WORDS(is, words)  ((is) ? (void)0 : fail(__LINE__, #is, words))
#define CHECK_CODE(call, code_) check_code(__LINE__, #call, call, code_)

static void check_code(int line, const char *what, int is, int wanted)
{
	if (is != wanted)
		fail(line, what, rv_strerror(is));
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* What every connection carries: bytes that tell where in the stream they are. */
static unsigned char pattern(size_t at)
{
	return (unsigned char)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

struct stream {
	int fd;
	size_t size;
};

static void *send_pattern(void *data)
{
	const struct stream *stream = data;
	unsigned char block[32768];

	for (size_t at = 0; at < stream->size;) {
		size_t part = stream->size - at < sizeof(block) ? stream->size - at : sizeof(block);
		ssize_t done;

		for (size_t i = 0; i < part; i++)
			block[i] = pattern(at + i);
		done = write(stream->fd, block, part);
		CHECK_WORDS(done > 0, rv_strerror(errno));
		at += (size_t)done;
	}
	return NULL;
}

/* Sends and receives @size bytes at the same time. */
static void echo(int fd, size_t size)
{
	struct stream stream = {fd, size};
	unsigned char block[32768];
	pthread_t sender;

	CHECK(pthread_create(&sender, NULL, send_pattern, &stream) == 0);
	for (size_t at = 0; at < size;) {
		ssize_t got = read(fd, block, sizeof(block));

		CHECK_WORDS(got > 0, rv_strerror(errno));
		for (ssize_t i = 0; i < got; i++, at++)
			CHECK(block[i] == pattern(at));
	}
	CHECK(pthread_join(sender, NULL) == 0);
}

/* The other end hears that we have ended, and still answers what it had not: here its own end. */
static void end(int fd)
{
	char byte;

	CHECK(write(fd, "x", 1) == 1);
	CHECK(shutdown(fd, SHUT_WR) == 0);
	CHECK(read(fd, &byte, 1) == 1 && byte == 'x');
	CHECK(read(fd, &byte, 1) == 0);
	close(fd);
}

static void *serve_one(void *data)
{
	int fd = (int)(intptr_t)data;
	char block[65536];
	ssize_t got;

	while ((got = read(fd, block, sizeof(block))) > 0)
		for (ssize_t at = 0, done; at < got; at += done)
			if ((done = write(fd, block + at, (size_t)(got - at))) <= 0)
				goto end;
	shutdown(fd, SHUT_WR);
end:
	close(fd);
	return NULL;
}

static void accept_one(struct rv *rv, int listener)
{
	struct rv_error why;
	int fd = rv_accept(rv, listener, 0, &why);
	pthread_t thread;

	CHECK_WORDS(fd >= 0, why.text);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK(!(fcntl(fd, F_GETFL) & O_NONBLOCK));
	CHECK(pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd) == 0);
	pthread_detach(thread);
}

static _Noreturn void serve(struct rv *rv, const char *port)
{
	struct rv_error why;
	int listener = rv_listen(rv, NULL, port, 0, 0, &why);

	CHECK_WORDS(listener >= 0, why.text);
	for (;;)
		accept_one(rv, listener);
}

static int dial(struct rv *rv, const char *host, const char *port)
{
	struct rv_error why;
	int fd = rv_dial(rv, host, port, 0, A_TIMEOUT, &why);

	CHECK_WORDS(fd >= 0, why.text);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK(!(fcntl(fd, F_GETFL) & O_NONBLOCK));
	return fd;
}

static void reaches(struct rv *rv, const char *host, const char *port)
{
	int fd = dial(rv, host, port);

	echo(fd, SMALL);
	end(fd);
}

/* Lost: a program could not tell why it is not connected, or would wait longer than it said. */
static void fails_as_told(struct rv *rv, const char *host, const char *dark)
{
	struct rv_error why;
	uint64_t began;

	CHECK_CODE(rv_dial(rv, host, "1", 0, A_TIMEOUT, &why), -ECONNREFUSED);
	CHECK_WORDS(strstr(why.text, host) && strstr(why.text, "refused"), why.text);

	began = now_ms();
	CHECK_CODE(rv_dial(rv, dark, "80", 0, 700, &why), -ETIMEDOUT);
	CHECK(now_ms() - began >= 700 && now_ms() - began < 5000);
	CHECK_WORDS(strstr(why.text, dark), why.text);

	/* Only the name server could tell. */
	began = now_ms();
	CHECK_CODE(rv_dial(rv, "no-such-host.invalid", "80", 0, 400, NULL), -ETIMEDOUT);
	CHECK(now_ms() - began >= 400 && now_ms() - began < 1900);
	CHECK_CODE(rv_dial(rv, "no-such-host.invalid", "80", 0, A_TIMEOUT, &why), -EAGAIN);
}

/* Lost: a mistake of the caller would be taken for something else. */
static void refuses_nonsense(struct rv *rv, const char *name)
{
	struct rv_options options = {.size = sizeof(options), .stagger_ms = 5};
	unsigned char newer[sizeof(options) + 8] = {0};
	struct rv *untouched = NULL;
	struct rv_error why;

	CHECK_CODE(rv_open("nonsense", NULL, &untouched, &why), -ENOENT);
	CHECK_WORDS(strstr(why.text, "nonsense"), why.text);
	CHECK_CODE(rv_open(name, &options, &untouched, &why), -EINVAL);
	options = (struct rv_options){.size = sizeof(newer)};
	memcpy(newer, &options, sizeof(options));
	newer[sizeof(newer) - 1] = 1;
	CHECK_CODE(rv_open(name, (void *)newer, &untouched, NULL), -E2BIG);
	CHECK(!untouched);
	newer[sizeof(newer) - 1] = 0;
	CHECK_CODE(rv_open(name, (void *)newer, &untouched, NULL), 0);
	rv_close(untouched);

	CHECK_CODE(rv_dial(rv, NULL, "80", 0, 100, &why), -EINVAL);
	CHECK_CODE(rv_dial(rv, "", "80", 0, 100, &why), -EINVAL);
	CHECK_CODE(rv_dial(rv, "127.0.0.1", NULL, 0, 100, &why), -EINVAL);
	CHECK_CODE(rv_dial(rv, "127.0.0.1", "0", 0, 100, &why), -EINVAL);
	CHECK_CODE(rv_dial(rv, "127.0.0.1", "65537", 0, 100, &why), -EINVAL);
	CHECK_CODE(rv_dial(rv, "127.0.0.1", "no-such-service", 0, 100, &why), -EINVAL);
	CHECK_CODE(rv_dial(rv, "127.0.0.1", "80", 1u << 30, 100, &why), -EINVAL);
	CHECK_CODE(rv_dial(rv, "127.0.0.1", "80", 0, 0, &why), -EINVAL);
	CHECK_CODE(rv_dial(rv, "::1", "80", RV_IPV4, 1000, &why), -ENOENT);
	CHECK_CODE(rv_listen(rv, "192.0.2.1", "0", 0, 0, &why), -EADDRNOTAVAIL);
	CHECK_CODE(rv_listen(rv, "", "0", 0, 0, &why), -EINVAL);
}

static void port_of(struct rv *rv, int fd, char text[static 8])
{
	struct sockaddr_in6 sa = {0}; /* its port is where IPv4's is */
	socklen_t size = sizeof(sa);

	CHECK_CODE(rv_local(rv, fd, (struct sockaddr *)&sa, &size, NULL), 0);
	snprintf(text, 8, "%u", ntohs(sa.sin6_port));
}

/* Lost: a server would miss one of the families, or take one that it did not ask for. */
static void listens(struct rv *rv)
{
	const struct {
		const char *host;
		unsigned flags;
		int v4, v6; /* what dialling them comes to; 0: connected */
	} cases[] = {
		{NULL, 0, 0, 0},
		{NULL, RV_IPV4, 0, -ECONNREFUSED},
		{NULL, RV_IPV6, -ECONNREFUSED, 0},
		{"127.0.0.1", 0, 0, -ECONNREFUSED},
		{"::1", RV_NONBLOCK, -ECONNREFUSED, 0},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct rv_status status;
		struct rv_error why;
		char port[8];
		int fd = rv_listen(rv, cases[i].host, "0", 16, cases[i].flags, &why);

		CHECK_WORDS(fd >= 0, why.text);
		CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		CHECK(!(fcntl(fd, F_GETFL) & O_NONBLOCK) == !(cases[i].flags & RV_NONBLOCK));
		CHECK_CODE(rv_status(rv, fd, &status, &why), 0);
		CHECK(status.subflow_count == 0);
		port_of(rv, fd, port);
		CHECK_CODE(rv_listen(rv, cases[i].host, port, 0, cases[i].flags, &why),
			   -EADDRINUSE);
		for (int v6 = 0; v6 < 2; v6++) {
			int wanted = v6 ? cases[i].v6 : cases[i].v4;
			int other = rv_dial(rv, v6 ? "::1" : "127.0.0.1", port, RV_NONBLOCK,
					    A_TIMEOUT, &why);

			CHECK_WORDS(other == wanted || (other >= 0 && wanted == 0), why.text);
			if (other < 0)
				continue;
			CHECK(fcntl(other, F_GETFL) & O_NONBLOCK);
			CHECK(fcntl(other, F_SETFL, 0) == 0);
			CHECK(poll(&(struct pollfd){fd, POLLIN, 0}, 1, A_TIMEOUT) == 1);
			accept_one(rv, fd);
			echo(other, SMALL);
			end(other);
		}
		close(fd);
	}
}

static int find(int fd, const struct rv_status *status, void *data)
{
	return fd == *(int *)data && status->subflow_count > 0 ? 7 : 0;
}

/* Lost: a program would believe it uses all links when it does not, or would bill the wrong one. */
static void tells_status(struct rv *rv, const char *host, const char *port)
{
	const bool tcp = strcmp(rv_stack(rv), "host") == 0;
	int fd = dial(rv, host, port), ends[2];
	struct rv_status status;
	struct rv_error why;

	echo(fd, LARGE);
	CHECK_CODE(rv_status(rv, fd, &status, &why), 0);
	CHECK(status.protocol == (tcp ? RV_TCP : RV_MPTCP));
	CHECK(status.subflow_count >= 1);
	CHECK(status.sent == LARGE && status.received == LARGE);
	for (unsigned i = 0; i < status.subflow_count; i++) {
		const struct rv_subflow *subflow = &status.subflows[i];

		/* Over the dark link nothing is answered. */
		if (subflow->state != TCP_ESTABLISHED)
			continue;
		CHECK(subflow->local.ss_family == subflow->remote.ss_family);
		CHECK(subflow->rtt_us > 1000 && subflow->cwnd > 0 && subflow->mss > 500);
		CHECK_WORDS(*subflow->link == 'w', subflow->link);
	}
	CHECK(rv_status_all(rv, find, &fd, NULL) == 7);
	end(fd);
	CHECK(rv_status_all(rv, find, &fd, NULL) == 0);

	status.sent = 4711;
	CHECK_CODE(rv_status(rv, -1, &status, &why), -EBADF);
	CHECK(pipe(ends) == 0);
	CHECK_CODE(rv_status(rv, ends[0], &status, &why), -ENOTSOCK);
	close(ends[0]);
	close(ends[1]);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_CODE(rv_status(rv, fd, &status, NULL), -EPROTONOSUPPORT);
	close(fd);
	CHECK(status.sent == 4711);
}

/* Lost: what any program does with a connection besides moving bytes. */
static void is_a_socket(struct rv *rv, const char *host, const char *port)
{
	int fd = dial(rv, host, port), on = 1;
	struct sockaddr_in6 sa;
	socklen_t size = sizeof(sa);
	char text[8];

	CHECK_CODE(rv_remote(rv, fd, (struct sockaddr *)&sa, &size, NULL), 0);
	snprintf(text, sizeof(text), "%u", ntohs(sa.sin6_port));
	CHECK(strcmp(text, port) == 0);
	port_of(rv, fd, text);
	CHECK(strcmp(text, port) != 0);
	CHECK_CODE(rv_set_option(rv, fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on), NULL), 0);
	on = 0;
	size = sizeof(on);
	CHECK_CODE(rv_get_option(rv, fd, IPPROTO_TCP, TCP_NODELAY, &on, &size, NULL), 0);
	CHECK(on && size == sizeof(on));
	CHECK(write(fd, "xy", 2) == 2);
	for (char got[2] = {0}; recv(fd, got, 2, MSG_PEEK) < 2;)
		CHECK(got[0] == 'x');
	CHECK_CODE(rv_accept(rv, fd, 0, NULL), -EINVAL);
	CHECK(read(fd, text, 2) == 2 && text[0] == 'x' && text[1] == 'y');
	echo(fd, SMALL);
	CHECK(shutdown(fd, SHUT_WR) == 0);
	CHECK(read(fd, text, 1) == 0);
	CHECK_CODE(rv_ended(rv, fd, NULL), 0);
	close(fd);
}

/* Lost: a server that had no descriptor left for a while would never hear of who waits. */
static void tells_of_waiting(struct rv *rv)
{
	int listener = rv_listen(rv, NULL, "0", 0, RV_NONBLOCK, NULL), fd, other;
	struct rlimit was, none;
	char port[8];

	CHECK(listener >= 0);
	port_of(rv, listener, port);
	fd = dial(rv, "127.0.0.1", port);
	CHECK(poll(&(struct pollfd){listener, POLLIN, 0}, 1, A_TIMEOUT) == 1);
	CHECK(getrlimit(RLIMIT_NOFILE, &was) == 0);
	none = (struct rlimit){STDERR_FILENO + 1, was.rlim_max};
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	CHECK_CODE(rv_accept(rv, listener, 0, NULL), -EMFILE);
	CHECK(setrlimit(RLIMIT_NOFILE, &was) == 0);
	CHECK(poll(&(struct pollfd){listener, POLLIN, 0}, 1, A_TIMEOUT) == 1);
	other = rv_accept(rv, listener, 0, NULL);
	CHECK(other >= 0);
	close(other);
	close(fd);
	close(listener);
}

/* Lost: a part of a file would be taken for the whole. */
static void tells_cut_offs(struct rv *rv)
{
	const struct linger now = {.l_onoff = 1};
	int listener = rv_listen(rv, NULL, "0", 0, 0, NULL), fd, other;
	ssize_t got;
	char port[8];

	CHECK(listener >= 0);
	port_of(rv, listener, port);
	fd = dial(rv, "127.0.0.1", port);
	other = rv_accept(rv, listener, 0, NULL);
	CHECK(other >= 0);
	CHECK(write(other, port, 1) == 1 && read(fd, port, 1) == 1);
	CHECK_CODE(rv_set_option(rv, other, SOL_SOCKET, SO_LINGER, &now, sizeof(now), NULL), 0);
	close(other);
	got = read(fd, port, 1);
	CHECK(got < 0 ? errno == ECONNRESET : rv_ended(rv, fd, NULL) == -ECONNRESET);
	close(fd);
	close(listener);
}

/* Lost: a server that has a process for each connection. */
static void outlives_fork(struct rv *rv, const char *host, const char *port)
{
	pid_t children[4];
	int code;

	for (unsigned i = 0; i < 4; i++) {
		children[i] = fork();
		CHECK(children[i] >= 0);
		if (children[i] == 0) {
			for (unsigned j = 0; j < 5; j++)
				reaches(rv, host, port);
			_exit(0);
		}
	}
	for (unsigned j = 0; j < 5; j++)
		reaches(rv, host, port);
	for (unsigned i = 0; i < 4; i++) {
		CHECK(waitpid(children[i], &code, 0) == children[i]);
		CHECK(code == 0);
	}
	/* Nobody has got a child that it did not make. */
	CHECK(waitpid(-1, &code, WNOHANG) < 0 && errno == ECHILD);
}

/* Lost: descriptors that are in use somewhere would be cut off. */
static void outlives_closing(const char *stack, const char *host, const char *port)
{
	struct rv *rv;
	int fd;

	CHECK_CODE(rv_open(stack, NULL, &rv, NULL), 0);
	fd = dial(rv, host, port);
	echo(fd, SMALL);
	rv_close(rv);
	echo(fd, LARGE);
	end(fd);
}

struct target {
	struct rv *rv;
	const char *host, *port;
	atomic_bool over;
};

static void *be_refused(void *data)
{
	struct target *target = data;

	while (!target->over)
		CHECK_CODE(rv_dial(target->rv, target->host, "1", 0, A_TIMEOUT, NULL),
			   -ECONNREFUSED);
	return NULL;
}

/* Lost: a child for ever, of a program that has threads and forks while one of them dials. */
static void outlives_fork_of_threads(struct rv *rv)
{
	struct target target = {.rv = rv, .host = "127.0.0.1"};
	pthread_t threads[4];
	int code;

	for (unsigned i = 0; i < 4; i++)
		CHECK(pthread_create(&threads[i], NULL, be_refused, &target) == 0);
	for (unsigned i = 0; i != FORKS; i++) {
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			alarm(A_TIMEOUT / 1000);
			_exit(rv_dial(rv, target.host, "1", 0, A_TIMEOUT, NULL) != -ECONNREFUSED);
		}
		CHECK(waitpid(child, &code, 0) == child);
		CHECK(code == 0);
	}
	target.over = true;
	for (unsigned i = 0; i < 4; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
}

static void *reach(void *data)
{
	const struct target *target = data;

	reaches(target->rv, target->host, target->port);
	return NULL;
}

/* Lost: threads that share one stack would disturb each other. */
static void serves_threads(struct rv *rv, const char *host, const char *port)
{
	struct target target = {.rv = rv, .host = host, .port = port};
	pthread_t threads[AT_ONCE];

	for (unsigned i = 0; i < AT_ONCE; i++)
		CHECK(pthread_create(&threads[i], NULL, reach, &target) == 0);
	for (unsigned i = 0; i < AT_ONCE; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
}

static unsigned open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	CHECK(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* Lost: a program that runs for long would run out of descriptors. (A lookup that was given up ends
 * by itself a little later.) */
static void leaks_nothing(unsigned before)
{
	uint64_t limit = now_ms() + 30000;

	while (open_descriptors() != before) {
		CHECK(now_ms() < limit);
		poll(NULL, 0, 50);
	}
}

/* Lost: the stack, to daemons that are started without standard descriptors: its sockets are numbered as those then. */
static void opens_without_standard(const char *stack)
{
	pid_t pid = fork();
	struct rv *rv;
	int status;

	if (pid == 0) {
		for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
			close(fd);
		if (rv_open(stack, NULL, &rv, NULL) < 0)
			_exit(1);
		rv_close(rv);
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Lost: a disk that cannot be unmounted while a program goes on that was started there. */
static void is_nowhere(const char *stack)
{
	char here[] = "/tmp/rivulet-api.XXXXXX", path[64], is[sizeof(here)] = "", was[4096];
	unsigned there = 0;
	DIR *processes;
	struct rv *rv;

	CHECK(getcwd(was, sizeof(was)) && mkdtemp(here) && chdir(here) == 0);
	CHECK_CODE(rv_open(stack, NULL, &rv, NULL), 0);
	processes = opendir("/proc");
	CHECK(processes);
	for (const struct dirent *entry; (entry = readdir(processes));) {
		ssize_t size = -1;

		snprintf(path, sizeof(path), "/proc/%.20s/cwd", entry->d_name);
		if (strspn(entry->d_name, "0123456789") > 0)
			size = readlink(path, is, sizeof(is));
		there += size == sizeof(here) - 1 && memcmp(is, here, sizeof(here) - 1) == 0;
	}
	closedir(processes);
	CHECK(chdir(was) == 0 && rmdir(here) == 0);
	CHECK(there == 1);
	rv_close(rv);
}

static int try_all(struct rv *rv, char **argv)
{
	const char *port = argv[0], *name = argv[1], *half = argv[2];
	const char *v4 = argv[3], *v6 = argv[4], *dark = argv[5];
	unsigned descriptors = open_descriptors();
	uint64_t began = now_ms();

	/* Lost: one address of a host that does not answer would keep all of it away. The first
	 * addresses of this name are the dark ones. */
	reaches(rv, name, port);
	CHECK(now_ms() - began < 5000);

	/* Lost: a name server that answers for one family only would hold up everything. */
	began = now_ms();
	reaches(rv, half, port);
	CHECK(now_ms() - began < 1900);

	reaches(rv, v4, port);
	reaches(rv, v6, port);
	fails_as_told(rv, v4, dark);
	refuses_nonsense(rv, rv_stack(rv));
	listens(rv);
	tells_status(rv, v4, port);
	tells_status(rv, v6, port);
	is_a_socket(rv, v4, port);
	tells_of_waiting(rv);
	tells_cut_offs(rv);
	outlives_fork(rv, v4, port);
	outlives_closing(rv_stack(rv), v4, port);
	serves_threads(rv, name, port);
	outlives_fork_of_threads(rv);
	opens_without_standard(rv_stack(rv));
	is_nowhere(rv_stack(rv));
	leaks_nothing(descriptors);
	printf("every check passed on stack %s\n", rv_stack(rv));
	return 0;
}

int main(int argc, char **argv)
{
	struct rv_error why;
	struct rv *rv;
	int code;

	if (argc < 4 || (strcmp(argv[1], "try") == 0 && argc != 9)) {
		fprintf(stderr,
			"usage: api serve STACK PORT | try STACK PORT NAME HALF V4 V6 DARK\n");
		return 2;
	}
	CHECK_WORDS(rv_open(argv[2], NULL, &rv, &why) == 0, why.text);
	CHECK(strcmp(rv_stack(rv), argv[2]) == 0);
	if (strcmp(argv[1], "serve") == 0)
		serve(rv, argv[3]);
	code = try_all(rv, argv + 3);
	rv_close(rv);
	return code;
}
