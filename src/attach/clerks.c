/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/clerks.h"

#include "attach/stand_in.h"
#include "base/cleanup.h"
#include "base/clock.h"

#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define CLERKS_MAX   8        /* in a crowd each sleeps until its asker's turn has come */
#define CLERKS_LEAST 2        /* from the beginning */
#define WAITING_MAX  2        /* the kernel wakes all of them up for each question */
#define WAKE         SIGRTMAX /* gets a clerk out of its waiting for questions */
#define AGAIN        (2 * NS_PER_MS)

struct word {
	union {
		struct attached done;
		struct seccomp_notif question;
	};
	STAILQ_ENTRY(word) link;
};

/* A list of words, and the descriptor that polls readable while there are any. */
struct tray {
	STAILQ_HEAD(, word) words;
	int fd; /* owned */
};

struct clerk {
	struct clerks *clerks;
	struct notify notify;
	pthread_t thread;
	bool waits; /* for a question: it may be interrupted */
};

struct clerks {
	int listener;
	const struct home *home;
	pthread_mutex_t lock; /* of what follows, as of each clerk's @waits */
	struct tray done, questions;
	unsigned waiting; /* for a question */
	unsigned idle;    /* until one more is wanted who waits */
	pthread_cond_t wanted;
	bool stop;
	atomic_uint_least64_t open_until;
	struct clerk all[CLERKS_MAX];
	unsigned count;
};

static int open_tray(struct tray *tray)
{
	STAILQ_INIT(&tray->words);
	tray->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return tray->fd < 0 ? -errno : 0;
}

/* False: there is no memory. */
static bool put(struct clerks *clerks, struct tray *tray, const struct word *what)
{
	struct word *word = malloc(sizeof(*word));

	if (!word)
		return false;
	*word = *what;
	pthread_mutex_lock(&clerks->lock);
	if (STAILQ_EMPTY(&tray->words))
		eventfd_write(tray->fd, 1);
	STAILQ_INSERT_TAIL(&tray->words, word, link);
	pthread_mutex_unlock(&clerks->lock);
	return true;
}

/* The caller frees what it gets; NULL: there is none. */
static struct word *take(struct clerks *clerks, struct tray *tray)
{
	struct word *word;
	eventfd_t count;

	pthread_mutex_lock(&clerks->lock);
	word = STAILQ_FIRST(&tray->words);
	if (word)
		STAILQ_REMOVE_HEAD(&tray->words, link);
	if (word && STAILQ_EMPTY(&tray->words))
		eventfd_read(tray->fd, &count);
	pthread_mutex_unlock(&clerks->lock);
	return word;
}

static void tell(struct clerks *clerks, struct attached done)
{
	/* Without memory the ledger has a connection less. */
	put(clerks, &clerks->done, &(struct word){.done = done});
}

static void make(struct clerk *clerk, const struct stand_in *wanted)
{
	const struct seccomp_notif *request = clerk->notify.request;
	uint32_t inode;
	_cleanup_close_ int fd = stand_in_make(clerk->clerks->home, request, wanted, &inode);
	int err;

	if (fd < 0) {
		tell(clerk->clerks, (struct attached){.error = fd});
		notify_let_go(&clerk->notify, request->id);
		return;
	}
	tell(clerk->clerks, (struct attached){.inode = inode});
	err = stand_in_give(&clerk->notify, fd, wanted);
	if (err < 0)
		tell(clerk->clerks, (struct attached){.led_away = inode});
	if (err < 0 && err != -ENOENT)
		tell(clerk->clerks, (struct attached){.error = err});
}

/* A socket that nothing is to be remembered of. */
static bool is_plain(const struct seccomp_data *data)
{
	return data->arch == seccomp_arch_native() && data->nr == SYS_socket &&
	       (int)data->args[2] != IPPROTO_MPTCP;
}

static void serve(struct clerk *clerk)
{
	struct clerks *clerks = clerk->clerks;
	const struct seccomp_notif *request = clerk->notify.request;
	struct stand_in wanted;

	if (!is_plain(&request->data) || clock_now() >= atomic_load(&clerks->open_until)) {
		if (!put(clerks, &clerks->questions, &(struct word){.question = *request}))
			notify_let_go(&clerk->notify, request->id);
	} else if (stand_in_wanted(request, &wanted)) {
		make(clerk, &wanted);
	} else {
		notify_let_go(&clerk->notify, request->id);
	}
}

static void *work(void *data);

/* One more, under the lock; of the process's signals it gets none but its own. */
static int start(struct clerks *clerks)
{
	struct clerk *clerk = &clerks->all[clerks->count];
	sigset_t all, before;
	int err = notify_open(&clerk->notify, clerks->listener);

	if (err < 0)
		return err;
	clerk->clerks = clerks;
	sigfillset(&all);
	sigdelset(&all, WAKE);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	err = -pthread_create(&clerk->thread, NULL, work, clerk);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err < 0)
		notify_close(&clerk->notify);
	else
		clerks->count++;
	return err;
}

/* False: it is to stop. Otherwise a signal may come until it has stopped waiting. */
static bool begin_to_wait(struct clerk *clerk)
{
	struct clerks *clerks = clerk->clerks;

	pthread_mutex_lock(&clerks->lock);
	clerks->idle++;
	while (clerks->waiting == WAITING_MAX && !clerks->stop)
		pthread_cond_wait(&clerks->wanted, &clerks->lock);
	clerks->idle--;
	clerk->waits = !clerks->stop;
	clerks->waiting += clerk->waits;
	pthread_mutex_unlock(&clerks->lock);
	return clerk->waits;
}

/* False: it is to stop, and no signal comes through any more. */
static bool end_to_wait(struct clerk *clerk)
{
	struct clerks *clerks = clerk->clerks;
	sigset_t all;
	bool stop;

	pthread_mutex_lock(&clerks->lock);
	clerk->waits = false;
	stop = clerks->stop;
	if (--clerks->waiting == 0 && clerks->idle > 0)
		pthread_cond_signal(&clerks->wanted);
	else if (clerks->waiting == 0 && !stop && clerks->count < CLERKS_MAX)
		start(clerks); /* where there is no room for one more the others do */
	pthread_mutex_unlock(&clerks->lock);
	sigfillset(&all);
	if (stop)
		pthread_sigmask(SIG_BLOCK, &all, NULL);
	return !stop;
}

/* A signal that interrupted the handing over would make the program's call return 0. So who does not wait gets none, and who was
 * sent one hands out nothing more. */
static int receive(struct clerk *clerk)
{
	int got;

	if (!begin_to_wait(clerk))
		return -ECANCELED;
	got = notify_receive(&clerk->notify);
	if (!end_to_wait(clerk)) {
		if (got > 0)
			notify_let_go(&clerk->notify, clerk->notify.request->id);
		return -ECANCELED;
	}
	if (got == 0 && !attachment_in_use(clerk->clerks->listener))
		return -ENOENT;
	return got;
}

static void *work(void *data)
{
	const struct sched_param none = {0};
	struct clerk *clerk = data;
	int got;

	/* It sleeps until the program has taken its socket, and need not interrupt what the program does next. */
	pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
	while ((got = receive(clerk)) >= 0)
		if (got > 0)
			serve(clerk);
	return NULL;
}

static void wake_up(int signal)
{
}

int clerks_open(struct clerks **ret, int listener, const struct home *home)
{
	const struct sigaction action = {.sa_handler = wake_up};
	struct clerks *clerks = calloc(1, sizeof(*clerks));
	bool any;
	int err;

	if (!clerks)
		return -ENOMEM;
	clerks->listener = listener;
	clerks->home = home;
	clerks->questions.fd = -1;
	pthread_mutex_init(&clerks->lock, NULL);
	pthread_cond_init(&clerks->wanted, NULL);
	sigaction(WAKE, &action, NULL);
	err = open_tray(&clerks->done);
	if (err == 0)
		err = open_tray(&clerks->questions);
	pthread_mutex_lock(&clerks->lock);
	while (err == 0 && clerks->count < CLERKS_LEAST)
		err = start(clerks);
	any = clerks->count > 0;
	pthread_mutex_unlock(&clerks->lock);
	if (!any) {
		clerks_close(clerks);
		return err;
	}
	*ret = clerks;
	return 0;
}

/* One that was about to wait when the signal came is told again. */
static void end(struct clerk *clerk)
{
	int err;

	do {
		struct timespec until;

		pthread_mutex_lock(&clerk->clerks->lock);
		if (clerk->waits)
			pthread_kill(clerk->thread, WAKE);
		pthread_mutex_unlock(&clerk->clerks->lock);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += AGAIN;
		if (until.tv_nsec >= (long)NS_PER_S) {
			until.tv_nsec -= (long)NS_PER_S;
			until.tv_sec++;
		}
		err = pthread_timedjoin_np(clerk->thread, NULL, &until);
	} while (err == ETIMEDOUT);
}

static void close_tray(struct clerks *clerks, struct tray *tray)
{
	struct word *word;

	while (tray->fd >= 0 && (word = take(clerks, tray)))
		free(word);
	tray->fd = close_fd(tray->fd);
}

void clerks_close(struct clerks *clerks)
{
	struct word *word;

	if (!clerks)
		return;
	pthread_mutex_lock(&clerks->lock);
	clerks->stop = true;
	pthread_cond_broadcast(&clerks->wanted);
	pthread_mutex_unlock(&clerks->lock);
	for (unsigned i = 0; i < clerks->count; i++)
		end(&clerks->all[i]);
	while (clerks->count && (word = take(clerks, &clerks->questions))) {
		notify_let_go(&clerks->all[0].notify, word->question.id);
		free(word);
	}
	for (unsigned i = 0; i < clerks->count; i++)
		notify_close(&clerks->all[i].notify);
	close_tray(clerks, &clerks->done);
	close_tray(clerks, &clerks->questions);
	pthread_cond_destroy(&clerks->wanted);
	pthread_mutex_destroy(&clerks->lock);
	free(clerks);
}

void clerks_stand_open(struct clerks *clerks, uint64_t until)
{
	atomic_store(&clerks->open_until, until);
}

bool clerks_done(struct clerks *clerks, struct attached *ret)
{
	_cleanup_free_ struct word *word = take(clerks, &clerks->done);

	if (word)
		*ret = word->done;
	return word != NULL;
}

bool clerks_question(struct clerks *clerks, struct seccomp_notif *ret)
{
	_cleanup_free_ struct word *word = take(clerks, &clerks->questions);

	if (word)
		*ret = word->question;
	return word != NULL;
}

int clerks_done_fd(const struct clerks *clerks)
{
	return clerks->done.fd;
}

int clerks_question_fd(const struct clerks *clerks)
{
	return clerks->questions.fd;
}
