/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets that other descriptors, processes and programs have as well. */
#include "conform.h"

#include <sys/wait.h>

/* Reads from @fd what was sent back. */
static const char *back(int fd, int size)
{
	static char text[16];

	memset(text, 0, sizeof(text));
	if (recv(fd, text, (size_t)size, MSG_WAITALL) != size)
		return errno_name(errno);
	return text;
}

static int wait_for(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void duplicates(void)
{
	char link[64] = "", path[64];
	int fd = scripted("e"), other = dup(fd), third;

	close(fd);
	third = fcntl(other, F_DUPFD_CLOEXEC, 100);
	tell("dup.send", send(third, "dup", 3, 0));
	say("dup.recv", "%s", back(other, 3));
	tell("dup.dup2", dup2(third, 200) == 200);
	close(other);
	close(third);
	send(200, "two", 3, 0);
	say("dup.dup2, recv", "%s", back(200, 3));
	snprintf(path, sizeof(path), "/proc/self/fd/200");
	if (readlink(path, link, sizeof(link) - 1) > 0)
		say("link", "%.7s", link);
	close(200);
}

static void forked(void)
{
	int fd = scripted("e");
	pid_t pid = fork();

	if (pid == 0)
		_exit(send(fd, "child", 5, 0) != 5);
	tell("fork.child", wait_for(pid));
	say("fork.recv", "%s", back(fd, 5));
	tell("fork.send", send(fd, "parent", 6, 0));
	say("fork.recv of both", "%s", back(fd, 6));
	close(fd);
	/* A connection that is made after fork(), by whoever does it. */
	fd = tcp(0);
	pid = fork();
	if (pid == 0)
		_exit(connect_to(fd, PORT_SCRIPT) != 0 || send(fd, "e\n", 2, 0) != 2);
	tell("fork.connect", wait_for(pid));
	tell("fork.connect again", connect_to(fd, PORT_SCRIPT));
	tell("fork.send after connect", send(fd, "late", 4, MSG_NOSIGNAL));
	say("fork.recv after connect", "%s", back(fd, 4));
	close(fd);
}

static void executed(bool closes)
{
	char number[16];
	int fd = scripted("e");
	pid_t pid;

	fcntl(fd, F_SETFD, closes ? FD_CLOEXEC : 0);
	snprintf(number, sizeof(number), "%d", fd);
	pid = fork();
	if (pid == 0) {
		execl("/proc/self/exe", "conform", "holds", number, NULL);
		_exit(99);
	}
	tell(closes ? "exec.FD_CLOEXEC" : "exec", wait_for(pid));
	if (!closes)
		say("exec.recv", "%s", back(fd, 4));
	close(fd);
}

static void send_fd(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = "";
	char mark = 'f';
	struct iovec byte = {&mark, 1};
	struct msghdr message = {.msg_iov = &byte,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (sendmsg(socket, &message, 0) != 1)
		tell("pass.sendmsg", -1);
}

static int receive_fd(int socket)
{
	char control[CMSG_SPACE(sizeof(int))] = "", byte;
	struct iovec into = {&byte, 1};
	struct msghdr message = {.msg_iov = &into,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	int fd = -1;

	if (recvmsg(socket, &message, 0) == 1 && CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* A process that gets a socket which it did not inherit: connected, listening, and one that it connects itself. */
static void passed(void)
{
	int pair[2], fd;
	pid_t pid;

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	pid = fork();
	if (pid == 0) {
		int a = receive_fd(pair[1]), b, c;

		if (send(a, "heir", 4, 0) != 4)
			_exit(1);
		a = receive_fd(pair[1]);
		b = accept(a, NULL, NULL);
		if (b < 0 || send(b, "x", 1, 0) != 1)
			_exit(2);
		c = receive_fd(pair[1]);
		if (connect_to(c, PORT_SCRIPT) < 0 || send(c, "s3 h\n", 5, 0) != 5)
			_exit(3);
		_exit(0);
	}
	fd = scripted("e");
	send_fd(pair[0], fd);
	say("pass.connected", "%s", back(fd, 4));
	close(fd);
	fd = server(PORT_OWN, 0);
	send_fd(pair[0], fd);
	close(fd); /* the other one has it */
	say("pass.listening", "%s", errno_name(called_back(PORT_OWN, "g")));
	fd = tcp(0);
	send_fd(pair[0], fd);
	say("pass.connects", "%d", UNTIL(inq(fd) == 3));
	tell("pass.child", wait_for(pid));
	close(fd);
	close(pair[0]);
	close(pair[1]);
}

/* Sockets that are not TCP's are as they were. */
static void others(void)
{
	const struct sockaddr_in own = at("127.0.0.1", PORT_OWN + 9);
	struct sockaddr_in from = {0};
	socklen_t size = sizeof(from);
	char text[8] = "";
	int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0), pair[2];

	tell("UDP.bind", bind(a, (const struct sockaddr *)&own, sizeof(own)));
	tell("UDP.sendto", sendto(b, "datagram", 8, 0, (const struct sockaddr *)&own, sizeof(own)));
	tell("UDP.recvfrom", recvfrom(a, text, 3, MSG_TRUNC, (struct sockaddr *)&from, &size));
	say("UDP.address", "%u", size);
	tell("UDP.connect", connect(b, (const struct sockaddr *)&own, sizeof(own)));
	tell("UDP.shutdown", shutdown(b, SHUT_WR));
	tell_option("UDP.SO_TYPE", a, SOL_SOCKET, SO_TYPE);
	close(a);
	close(b);
	tell("UNIX.socketpair", socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	tell_option("UNIX.SO_DOMAIN", pair[0], SOL_SOCKET, SO_DOMAIN);
	tell("UNIX.shutdown", shutdown(pair[0], SHUT_WR));
	tell_poll("UNIX.poll", pair[1]);
	if (pipe(pair) < 0)
		exit(2);
	tell("pipe.getsockopt", getsockopt(pair[0], SOL_SOCKET, SO_TYPE, text, &size));
	tell("pipe.connect", connect(pair[0], (const struct sockaddr *)&own, sizeof(own)));
	tell("none.connect", connect(999, (const struct sockaddr *)&own, sizeof(own)));
	tell("socket.SOCK_RAW", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	tell("socket.odd flags", socket(AF_INET, SOCK_STREAM | 0x100, 0));
}

void passing(void)
{
	duplicates();
	forked();
	executed(false);
	executed(true);
	passed();
	others();
}
