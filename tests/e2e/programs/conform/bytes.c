/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways to send and to receive. */
#include "conform.h"

#include <linux/sockios.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define MUCH (8 << 20)

static int with_data(int size)
{
	char script[16];
	int fd;

	snprintf(script, sizeof(script), "s%d h", size);
	fd = scripted(script);
	UNTIL(inq(fd) == size);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void receiving(void)
{
	char text[16] = "----------";
	int fd = with_data(10);

	tell("MSG_PEEK", recv(fd, text, 4, MSG_PEEK));
	say("FIONREAD after MSG_PEEK", "%d", inq(fd));
	tell("recv", recv(fd, text, 4, 0));
	tell("recv.the rest", recv(fd, text, sizeof(text), 0));
	tell("recv.nothing", recv(fd, text, sizeof(text), 0));
	tell("recv.wild", recv(fd, (void *)8, 1, 0));
	tell("recv.no room", recv(fd, text, 0, 0));
	tell("MSG_ERRQUEUE", recv(fd, text, 1, MSG_ERRQUEUE));
	close(fd);
	fd = with_data(4);
	tell("recv.wild, with data", recv(fd, (void *)8, 1, 0));
	say("FIONREAD after recv.wild", "%d", inq(fd));
	close(fd);
	fd = with_data(4);
	tell("MSG_ERRQUEUE.with data", recv(fd, text, 1, MSG_ERRQUEUE));
	close(fd);
	fd = with_data(10);
	memset(text, '-', sizeof(text));
	tell("MSG_TRUNC", recv(fd, text, 2, MSG_TRUNC));
	say("MSG_TRUNC.wrote", "%.3s", text);
	say("FIONREAD after MSG_TRUNC", "%d", inq(fd));
	tell("MSG_TRUNC.no room", recv(fd, NULL, 2, MSG_TRUNC));
	close(fd);
	fd = scripted("s4 g s6 h");
	go(fd);
	tell("MSG_WAITALL", recv(fd, text, 10, MSG_WAITALL));
	close(fd);
}

static void sending(void)
{
	struct sockaddr_in other = peer_at(PORT_CLOSED);
	char text[8] = "";
	int fd = scripted("e");

	tell("send nothing", send(fd, text, 0, 0));
	tell("send wild", send(fd, (void *)8, 1, 0));
	tell("sendto", sendto(fd, "abc", 3, 0, (struct sockaddr *)&other, sizeof(other)));
	tell("MSG_MORE", send(fd, "de", 2, MSG_MORE));
	tell("send", send(fd, "f", 1, MSG_EOR));
	shutdown(fd, SHUT_WR);
	recv(fd, text, 6, MSG_WAITALL);
	say("sent back", "%s", text);
	close(fd);
	fd = tcp(0);
	other = peer_at(PORT_SCRIPT);
	tell("MSG_FASTOPEN",
	     sendto(fd, "c\n", 2, MSG_FASTOPEN, (struct sockaddr *)&other, sizeof(other)));
	close(fd);
	fd = scripted("x");
	tell("MSG_OOB", send(fd, "u", 1, MSG_OOB));
	tell("MSG_ZEROCOPY", send(fd, "z", 1, MSG_ZEROCOPY));
	close(fd);
}

static void queued(void)
{
	static char block[4096];
	int fd = scripted("h"), in = 0;
	ssize_t done, sum = 0;

	UNTIL(ioctl(fd, SIOCOUTQ, &in) == 0 && in == 0);
	say("SIOCOUTQ of what has arrived", "%d", in);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	do { /* until the peer takes no more */
		while ((done = send(fd, block, sizeof(block), 0)) > 0)
			sum += done;
		usleep(100000);
		done = send(fd, block, sizeof(block), 0);
		sum += done > 0 ? done : 0;
	} while (done > 0);
	say("full.send", "%s", errno_name(errno));
	tell_poll("full.poll", fd);
	ioctl(fd, SIOCOUTQ, &in);
	say("full.SIOCOUTQ", "%s", in <= 0 ? "nothing" : in <= sum ? "some" : "more than was sent");
	tell_ioctl("full.FIONREAD", fd, FIONREAD);
	abandon(fd);
}

static int file_of(size_t size)
{
	int fd = memfd_create("conform", 0);
	uint8_t *bytes;

	if (ftruncate(fd, (off_t)size) < 0)
		exit(2);
	bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 251);
	munmap(bytes, size);
	return fd;
}

/* Reads @size bytes back and compares them with what was written. */
static bool comes_back(int fd, const uint8_t *bytes, size_t size)
{
	uint8_t block[65536];
	size_t at = 0;
	ssize_t got;

	while (at < size && (got = recv(fd, block, sizeof(block), 0)) > 0) {
		if ((size_t)got > size - at || memcmp(block, bytes + at, (size_t)got) != 0)
			return false;
		at += (size_t)got;
	}
	return at == size && recv(fd, block, 1, 0) == 0;
}

static void much(void)
{
	int file = file_of(MUCH), fd = scripted("e"), sender;
	const uint8_t *bytes = mmap(NULL, MUCH, PROT_READ, MAP_SHARED, file, 0);
	off_t offset = 0;

	sender = fork();
	if (sender == 0) {
		tell("much.send", send(fd, bytes, MUCH, 0));
		shutdown(fd, SHUT_WR);
		_exit(0);
	}
	say("much.comes back", "%d", comes_back(fd, bytes, MUCH));
	close(fd);
	fd = scripted("e");
	sender = fork();
	if (sender == 0) {
		long sum = 0, done;

		while ((done = sendfile(fd, file, &offset, MUCH)) > 0)
			sum += done;
		say("sendfile", "%ld, %s", sum, done < 0 ? errno_name(errno) : "0");
		shutdown(fd, SHUT_WR);
		_exit(0);
	}
	say("sendfile.comes back", "%d", comes_back(fd, bytes, MUCH));
	close(fd);
	close(file);
}

static void spliced(void)
{
	char text[8] = "";
	int fd = scripted("e"), ends[2];

	if (pipe(ends) < 0 || write(ends[1], "spliced", 7) != 7)
		exit(2);
	tell("splice.to it", splice(ends[0], NULL, fd, NULL, 7, 0));
	UNTIL(inq(fd) == 7);
	tell("splice.from it", splice(fd, NULL, ends[1], NULL, 100, 0));
	say("splice.text", "%zd %s", read(ends[0], text, 7), text);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	tell("splice.nothing", splice(fd, NULL, ends[1], NULL, 100, SPLICE_F_NONBLOCK));
	fcntl(fd, F_SETFL, 0);
	shutdown(fd, SHUT_WR);
	tell("splice.at the end", splice(fd, NULL, ends[1], NULL, 100, 0));
	close(fd);
}

static void urgent(void)
{
	struct pollfd pri = {.events = POLLPRI};
	const int yes = 1;
	char text[16] = "";
	int fd = pri.fd = scripted("s3 u s2 h"), mark = -1;

	tell("urgent.poll", poll(&pri, 1, 500));
	usleep(50000); /* for all that comes after it */
	tell("urgent.recv MSG_OOB", recv(fd, text, 1, MSG_OOB | MSG_DONTWAIT));
	tell("urgent.recv", recv(fd, text, sizeof(text), MSG_DONTWAIT));
	tell("urgent.SIOCATMARK", ioctl(fd, SIOCATMARK, &mark));
	say("urgent.at the mark", "%d", mark);
	tell("urgent.recv the rest", recv(fd, text, sizeof(text), MSG_DONTWAIT));
	close(fd);
	fd = scripted("g s3 u s2 c");
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &yes, sizeof(yes));
	go(fd);
	for (int sum = 0, got;; sum += got) {
		got = (int)recv(fd, text, sizeof(text), 0);
		if (got > 0)
			continue;
		say("urgent.in line", "%d", sum);
		break;
	}
	close(fd);
}

void bytes(void)
{
	receiving();
	sending();
	queued();
	much();
	spliced();
	urgent();
}

/* What sendmsg(2) and recvmsg(2) say besides. */
void messages(void)
{
	char parts[2][4] = {"ab", "cd"}, control[256] = "", text[16];
	struct sockaddr_storage from = {.ss_family = 99};
	struct iovec vector[2] = {{parts[0], 2}, {parts[1], 2}}, into = {text, sizeof(text)};
	struct msghdr message = {.msg_iov = vector, .msg_iovlen = 2};
	struct mmsghdr several[3] = {{message, 0}, {message, 0}, {message, 0}};
	struct cmsghdr *header = (struct cmsghdr *)control;
	socklen_t size = sizeof(from);
	const int yes = 1;
	int fd = scripted("e");

	tell("sendmsg", sendmsg(fd, &message, 0));
	tell("sendmmsg", sendmmsg(fd, several, 3, 0));
	say("sendmmsg.lengths", "%u %u %u", several[0].msg_len, several[1].msg_len,
	    several[2].msg_len);
	UNTIL(inq(fd) == 16);
	tell("recvfrom", recvfrom(fd, text, 4, 0, (struct sockaddr *)&from, &size));
	say("recvfrom.address", "%s", size > 0 ? "some" : "none");
	message = (struct msghdr){.msg_name = &from,
				  .msg_namelen = sizeof(from),
				  .msg_iov = &into,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control)};
	tell("recvmsg", recvmsg(fd, &message, MSG_DONTWAIT));
	say("recvmsg.said", "%s name, control %zu, flags %#x",
	    message.msg_namelen > 0 ? "some" : "no", message.msg_controllen, message.msg_flags);
	several[0].msg_hdr = several[1].msg_hdr =
		(struct msghdr){.msg_iov = &into, .msg_iovlen = 1};
	send(fd, "12345", 5, 0);
	UNTIL(inq(fd) == 5);
	tell("recvmmsg", recvmmsg(fd, several, 2, MSG_DONTWAIT, NULL));
	/* A descriptor means nothing to TCP. */
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	message = (struct msghdr){.msg_iov = vector,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = CMSG_SPACE(sizeof(int))};
	tell("SCM_RIGHTS", sendmsg(fd, &message, 0));
	message.msg_name = &from;
	message.msg_namelen = sizeof(struct sockaddr_in);
	message.msg_controllen = 0;
	tell("sendmsg with a name", sendmsg(fd, &message, 0));
	tell("SO_TIMESTAMP", setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &yes, sizeof(yes)));
	tell("SO_PASSCRED", setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)));
	close(fd);
}
