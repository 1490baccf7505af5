// SPDX-License-Identifier: GPL-2.0-only
/*
 * A character device on a pipe or stream socket of the host's, byte for byte, with the ends and errors of such: zero bytes
 * to read when the host has closed it, SIGPIPE and EPIPE when the host does not read any more. On the kernel's command line,
 * once for each device:
 *
 *	rvpipe=FD
 *
 * The devices are /dev/host0, /dev/host1, ... in that order. When the last one who had a device open closes it, the host's
 * descriptor is closed as well: a device can be opened once in its life, as one end of a pipe.
 */
#include <irq_kern.h>
#include <irq_user.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/uio.h>

#include "host_user.h"

#define PIPES_MAX 8
#define CHUNK     32768

/* What the host tells can be lost: the kernel's handler of SIGIO has one list of events, and an interrupt that comes while it
 * works at one overwrites the rest. Each is told once, so it is looked for again. */
#define LOOK_AGAIN msecs_to_jiffies(20)

enum { READING, WRITING, WAYS };

struct pipe {
	int fd;              /* -1: closed */
	unsigned long turns; /* how often the host has told of something */
	wait_queue_head_t wait;
	struct way {
		struct pipe *pipe;
		struct mutex
			lock; /* one at a time, so that what is written in one piece stays so */
		int irq;
		char *buffer; /* between the host and the guest's user */
	} ways[WAYS];
};

static struct pipe pipes[PIPES_MAX];
static int pipe_count;

static irqreturn_t on_ready(int irq, void *data)
{
	struct pipe *pipe = ((struct way *)data)->pipe;

	WRITE_ONCE(pipe->turns, pipe->turns + 1);
	wake_up_all(&pipe->wait);
	return IRQ_HANDLED;
}

/* One transfer between the buffer and the host, waiting for it unless @nowait. */
static long transfer(struct pipe *pipe, int way, long size, bool nowait)
{
	struct iovec iov = {pipe->ways[way].buffer, size};

	for (;;) {
		unsigned long turn = READ_ONCE(pipe->turns);
		long done = way == READING ? host_readv(pipe->fd, &iov, 1)
					   : host_writev(pipe->fd, &iov, 1);

		if (done != -EAGAIN)
			return done;
		if (nowait)
			return -EAGAIN;
		if (wait_event_interruptible_timeout(pipe->wait, READ_ONCE(pipe->turns) != turn,
						     LOOK_AGAIN) < 0)
			return -ERESTARTSYS;
	}
}

static bool waits_not(const struct kiocb *iocb)
{
	return (iocb->ki_filp->f_flags & O_NONBLOCK) || (iocb->ki_flags & IOCB_NOWAIT);
}

static int enter(struct way *way, bool nowait)
{
	if (nowait)
		return mutex_trylock(&way->lock) ? 0 : -EAGAIN;
	return mutex_lock_interruptible(&way->lock) ? -ERESTARTSYS : 0;
}

static ssize_t read_pipe(struct kiocb *iocb, struct iov_iter *to)
{
	struct pipe *pipe = iocb->ki_filp->private_data;
	struct way *way = &pipe->ways[READING];
	long done = enter(way, waits_not(iocb));

	if (done < 0)
		return done;
	done = min_t(size_t, iov_iter_count(to), CHUNK);
	if (done > 0)
		done = transfer(pipe, READING, done, waits_not(iocb));
	if (done > 0 && copy_to_iter(way->buffer, done, to) != done)
		done = -EFAULT;
	mutex_unlock(&way->lock);
	return done;
}

static ssize_t write_pipe(struct kiocb *iocb, struct iov_iter *from)
{
	struct pipe *pipe = iocb->ki_filp->private_data;
	struct way *way = &pipe->ways[WRITING];
	long done = enter(way, waits_not(iocb));
	ssize_t all = 0;

	if (done < 0)
		return done;
	while (iov_iter_count(from) > 0) {
		size_t size = min_t(size_t, iov_iter_count(from), CHUNK);
		size_t copied = copy_from_iter(way->buffer, size, from);

		done = copied > 0 ? transfer(pipe, WRITING, copied, waits_not(iocb)) : -EFAULT;
		if (done < (long)copied)
			iov_iter_revert(from, copied - (done > 0 ? done : 0));
		if (done < 0)
			break;
		all += done;
	}
	mutex_unlock(&way->lock);
	if (done == -EPIPE)
		send_sig(SIGPIPE, current, 0);
	return all > 0 ? all : done;
}

static __poll_t poll_pipe(struct file *file, poll_table *table)
{
	struct pipe *pipe = file->private_data;

	poll_wait(file, &pipe->wait, table);
	return mangle_poll(host_poll(pipe->fd));
}

static int open_pipe(struct inode *inode, struct file *file)
{
	struct pipe *pipe = &pipes[iminor(inode)];

	if (pipe->fd < 0 || file->private_data == pipe)
		return -ENXIO;
	file->private_data = pipe;
	return stream_open(inode, file);
}

static int release_pipe(struct inode *inode, struct file *file)
{
	struct pipe *pipe = file->private_data;
	int i;

	for (i = 0; i < WAYS; i++) {
		um_free_irq(pipe->ways[i].irq, &pipe->ways[i]);
		kfree(pipe->ways[i].buffer);
	}
	host_close(pipe->fd);
	pipe->fd = -1;
	return 0;
}

static const struct file_operations pipe_operations = {
	.owner = THIS_MODULE,
	.open = open_pipe,
	.release = release_pipe,
	.read_iter = read_pipe,
	.write_iter = write_pipe,
	.poll = poll_pipe,
	.splice_read = copy_splice_read,
	.splice_write = iter_file_splice_write,
};

static int __init make_pipe(struct pipe *pipe)
{
	static const enum um_irq_type types[WAYS] = {IRQ_READ, IRQ_WRITE};
	int i;

	init_waitqueue_head(&pipe->wait);
	for (i = 0; i < WAYS; i++) {
		struct way *way = &pipe->ways[i];

		way->pipe = pipe;
		mutex_init(&way->lock);
		way->buffer = kmalloc(CHUNK, GFP_KERNEL);
		if (!way->buffer)
			return -ENOMEM;
		way->irq =
			um_request_irq(UM_IRQ_ALLOC, pipe->fd, types[i], on_ready, 0, "host", way);
		if (way->irq < 0)
			return way->irq;
	}
	return 0;
}

static int __init make_pipes(void)
{
	static const struct class class = {.name = "host"};
	int major = register_chrdev(0, "host", &pipe_operations), i, err;

	if (major < 0 || class_register(&class) < 0)
		return -ENODEV;
	for (i = 0; i < pipe_count; i++) {
		err = make_pipe(&pipes[i]);
		if (err < 0)
			pr_err("rvpipe: descriptor %d: error %d\n", pipes[i].fd, err);
		else
			device_create(&class, NULL, MKDEV(major, i), NULL, "host%d", i);
	}
	return 0;
}
late_initcall(make_pipes);

static int __init ask_for_pipe(char *text)
{
	if (pipe_count == PIPES_MAX || kstrtoint(text, 10, &pipes[pipe_count].fd) < 0)
		return 0;
	pipe_count++;
	return 1;
}
__setup("rvpipe=", ask_for_pipe);
