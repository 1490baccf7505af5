/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/node_parts.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/signals.h"
#include "drop/files.h"
#include "drop/work.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TICK_MS     1000
#define EXPIRE_EACH 60 /* ticks */
#define TOLD_EACH   30 /* the same */
#define SAY_AGAIN   (10 * NS_PER_S)
#define SAY_LINES   5
#define BACKLOG     32

uint64_t node_wall(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / NS_PER_MS;
}

/* What others have said neither begins a line here nor steers a terminal. */
static void make_one_line(char *text)
{
	size_t size = strlen(text);

	while (size > 0 && text[size - 1] == '\n')
		text[--size] = '\0';
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

/* True: not now. What was left out is told with the next line. */
static bool said_lately(struct node *node, const char *about, const char *fmt,
			unsigned *ret_left_out)
{
	uint32_t hash = 2166136261u;
	uint64_t now = clock_now();
	struct said *said;

	for (; *about; about++)
		hash = (hash ^ (uint8_t)*about) * 16777619u;
	for (; *fmt; fmt++) /* one kind of line does not hide another */
		hash = (hash ^ (uint8_t)*fmt) * 16777619u;
	said = &node->said[hash % SAID_MAX];
	if (said->at && now - said->at < SAY_AGAIN) {
		if (said->count++ < SAY_LINES)
			return false;
		said->left_out++;
		return true;
	}
	*ret_left_out = said->left_out;
	*said = (struct said){.at = now, .count = 1};
	return false;
}

void node_say(struct node *node, const char *about, const char *fmt, ...)
{
	char line[1200];
	unsigned left_out = 0;
	va_list args;
	int size;

	if (!node->options.log || (about && said_lately(node, about, fmt, &left_out)))
		return;
	va_start(args, fmt);
	size = vsnprintf(line, sizeof(line) - 64, fmt, args);
	va_end(args);
	if (size >= 0)
		make_one_line(line);
	if (left_out && size >= 0)
		snprintf(line + strlen(line), 64, " (and %u more of that kind)", left_out);
	node->options.log(line, node->options.data);
}

struct contact *node_contact(const struct node *node, const char *peer)
{
	for (struct contact *at = node->contacts; at; at = at->next)
		if (at->phase == CONTACT_SESSION && strcmp(at->peer, peer) == 0)
			return at;
	return NULL;
}

void node_wake_contacts(struct node *node)
{
	node->wake = true;
}

/* Of the other end; of no family where it has gone. */
static struct sockaddr_storage address_of(const struct node *node, int fd)
{
	struct stack *stack = node->options.stack;
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);

	if (stack->ops->calls->peer(stack, fd, (struct sockaddr *)&address, &size) < 0)
		address.ss_family = AF_UNSPEC;
	return address;
}

void node_add_contact(struct node *node, int fd, const char *wanted)
{
	struct stack *stack = node->options.stack;
	struct sockaddr_storage from = address_of(node, fd);
	const int one = 1;
	struct contact *contact;

	if (node->options.made)
		node->options.made(fd, node->options.data);
	/* Whole messages are written at once, and their answers are waited for. */
	stack->ops->calls->set(stack, fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	contact = contact_new(&node->loop, fd, wanted, &from, node->identity, &meeting_owner, node);
	if (!contact)
		return;
	contact->next = node->contacts;
	node->contacts = contact;
	node->contact_count++;
}

/* Contacts with nodes that are trusted no more end, and the others are told. */
void node_revoked(struct node *node)
{
	struct contact *next;

	discovery_forget(node->discovery);
	for (struct contact *at = node->contacts; at; at = next) {
		char peer[NODE_MAX];
		struct err err;

		next = at->next;
		if (at->phase != CONTACT_SESSION)
			continue;
		if (identity_check_peer(node->identity, at->tls, peer, &err) < 0) {
			node_say(node, NULL, "%s", err.text);
			neighbours_drop(node, at->peer);
			at->doomed = true; /* may be the one that is being read from */
		} else {
			carry_send_revoked(node, at);
		}
	}
	node->wake = true;
}

static void on_turn(uv_prepare_t *prepare)
{
	struct node *node = prepare->data;

	for (unsigned i = 0;
	     i < 4 && (store_is_dirty(node->store) || node->unsettled_count || node->wake); i++) {
		int code = store_commit(node->store);
		struct contact *next;

		if (code < 0) {
			/* Rows and files are as they were: a new start finds them so. */
			node->failed = code;
			uv_stop(&node->loop);
			return;
		}
		for (size_t j = 0; j < node->unsettled_count; j++)
			tcpcl_accept(node->unsettled[j].contact->session, node->unsettled[j].id);
		node->unsettled_count = 0;
		node->wake = false;
		for (struct contact *at = node->contacts; at; at = next) {
			next = at->next;
			if (at->doomed)
				contact_close(at, "it is trusted no more");
			else
				contact_wake(at);
		}
	}
}

static unsigned unproven(const struct node *node, const struct sockaddr_storage *from)
{
	struct address address = address_from_sockaddr((const struct sockaddr *)from);
	unsigned count = 0;

	for (const struct contact *at = node->contacts; at; at = at->next) {
		struct address other = address_from_sockaddr((const struct sockaddr *)&at->address);

		count += !at->peer[0] && address_equal(&address, &other);
	}
	return count;
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
	struct node *node = poll->data;

	for (unsigned i = 0; i < BACKLOG; i++) {
		struct sockaddr_storage from;
		int fd = node->options.stack->ops->calls->accept(node->options.stack,
								 node->listener);

		if (fd < 0)
			return;
		from = address_of(node, fd);
		if (node->contact_count >= CONTACTS_MAX || unproven(node, &from) >= CONTACTS_ONE) {
			node_say(node, "crowded", "too many connections: one is refused");
			close_fd(fd);
			continue;
		}
		node_add_contact(node, fd, NULL);
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct node *node = timer->data;
	uint64_t now = clock_now();

	neighbours_tick(node, now);
	wants_tick(node, now);
	work_tick(node);
	if (++node->ticks % EXPIRE_EACH == 0)
		store_expire(node->store, node_wall());
	if (node->ticks % TOLD_EACH == 0)
		told_begin(node);
}

static void on_crowd_change(uv_fs_event_t *event, const char *name, int events, int status)
{
	struct node *node = event->data;

	if (identity_reload(node->identity))
		node_revoked(node);
}

/* Nothing more: what is under way goes on when there is a contact again. */
static void on_signal(uv_signal_t *signal, int number)
{
	struct node *node = signal->data;

	node->stopping = true;
	uv_stop(&node->loop);
}

static int open_listener(struct node *node, struct err *err)
{
	char service[8];
	const struct stack_listen listen = {
		.service = service, .backlog = BACKLOG, .flags = RV_NONBLOCK};

	snprintf(service, sizeof(service), "%u", node->options.port);
	node->listener = node->options.stack->ops->listen(node->options.stack, &listen, err);
	if (node->listener < 0)
		return node->listener;
	if (node->options.made)
		node->options.made(node->listener, node->options.data);
	return 0;
}

static int open_loop(struct node *node, struct err *err)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	char crowd[PATH_MAX];
	int code = uv_loop_init(&node->loop);

	if (code < 0)
		return err_set(err, code, "no event loop: %s", uv_strerror(code));
	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
		uv_signal_init(&node->loop, &node->signals[i]);
		node->signals[i].data = node;
		if (!signal_is_ignored(numbers[i]))
			uv_signal_start(&node->signals[i], on_signal, numbers[i]);
	}
	uv_timer_init(&node->loop, &node->tick);
	uv_prepare_init(&node->loop, &node->turn);
	uv_fs_event_init(&node->loop, &node->crowd_changes);
	uv_poll_init(&node->loop, &node->accepting, node->listener);
	node->tick.data = node->turn.data = node->crowd_changes.data = node->accepting.data = node;
	uv_timer_start(&node->tick, on_tick, TICK_MS, TICK_MS);
	uv_prepare_start(&node->turn, on_turn);
	uv_poll_start(&node->accepting, UV_READABLE, on_connection);
	node_path(node->options.state, "crowd", crowd, sizeof(crowd), NULL);
	uv_fs_event_start(&node->crowd_changes, on_crowd_change, crowd, 0);
	node->loop_open = true;
	return 0;
}

int node_open(const struct node_options *options, struct node **ret, struct err *err)
{
	struct node *node = calloc(1, sizeof(*node));
	char crowd[PATH_MAX], place[PATH_MAX];
	int code;

	if (!node)
		return err_set(err, -ENOMEM, "out of memory");
	node->options = *options;
	node->decisions = &decisions_spread;
	node->listener = -1;
	node->began = clock_now();
	signal(SIGPIPE, SIG_IGN);
	gnutls_rnd(GNUTLS_RND_NONCE, &node->sequence, sizeof(node->sequence));
	node->sequence &= 0xffffffffff; /* with room to count */
	code = node_path(options->state, "crowd", crowd, sizeof(crowd), err);
	if (code == 0)
		code = node_path(options->state, "store", place, sizeof(place), err);
	if (code == 0)
		code = identity_open(crowd, &node->identity, err);
	if (code == 0)
		code = store_open(place, options->quota, &node->store, err);
	if (code == 0)
		code = open_listener(node, err);
	if (code == 0)
		code = open_loop(node, err);
	if (code == 0)
		code = discovery_open(&node->loop, node->identity, options->port, &neighbours_owner,
				      node, &node->discovery, err);
	if (code == 0)
		code = work_open(node, err);
	if (code == 0)
		code = api_open(node, err);
	if (code < 0) {
		node_close(node);
		return code;
	}
	told_begin(node);
	*ret = node;
	return 0;
}

int node_run(struct node *node, struct err *err)
{
	node_say(node, NULL, "node '%s' of crowd '%s', port %u, stack %s", node->identity->node,
		 node->identity->crowd_name, node->options.port, node->options.stack->ops->name);
	uv_run(&node->loop, UV_RUN_DEFAULT);
	if (node->failed < 0)
		return err_set(err, node->failed, "the store cannot be written: %s",
			       strerror(-node->failed));
	return 0;
}

void node_close(struct node *node)
{
	if (!node)
		return;
	api_stop(node);
	while (node->contacts)
		contact_end(node->contacts, "this node ends");
	told_end(node);
	neighbours_close(node);
	work_close(node);
	wants_close(node);
	discovery_close(node->discovery);
	if (node->loop_open) {
		for (unsigned i = 0; i < ARRAY_SIZE(node->signals); i++)
			uv_close((uv_handle_t *)&node->signals[i], NULL);
		uv_close((uv_handle_t *)&node->tick, NULL);
		uv_close((uv_handle_t *)&node->turn, NULL);
		uv_close((uv_handle_t *)&node->crowd_changes, NULL);
		uv_close((uv_handle_t *)&node->accepting, NULL);
		uv_run(&node->loop, UV_RUN_DEFAULT);
		uv_loop_close(&node->loop);
	}
	api_close(node);
	work_free(node);
	close_fd(node->listener);
	store_close(node->store);
	identity_close(node->identity);
	free(node->unsettled);
	free(node->url_asks);
	free(node);
}

int node_path(const char *state, const char *what, char *ret, size_t size, struct err *err)
{
	if ((size_t)snprintf(ret, size, "%s/%s", state, what) < size)
		return 0;
	return err_set(err, -ENAMETOOLONG, "'%s' is too long a name", state);
}

int node_find_state(char *state, size_t size, struct err *err)
{
	const char *told = getenv("RIVULET_NODE"), *data = getenv("XDG_DATA_HOME"),
		   *home = getenv("HOME");

	if (state[0])
		return 0;
	if (told && told[0])
		return (size_t)snprintf(state, size, "%s", told) < size
			       ? 0
			       : err_set(err, -ENAMETOOLONG, "'%s' is too long a name", told);
	if (geteuid() == 0)
		return node_path("/var/lib", "rivulet", state, size, err);
	if (data && data[0] == '/')
		return node_path(data, "rivulet", state, size, err);
	if (home && home[0] == '/')
		return node_path(home, ".local/share/rivulet", state, size, err);
	return err_set(err, -ENOENT, "where is this node's folder? Name it by --state");
}
