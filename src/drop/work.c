/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a node's tasks need of the node: rows, messages, and a turn. And what it says of itself to others. */
#include "drop/work.h"

#include "drop/cloud.h"
#include "drop/confine.h"
#include "drop/files.h"
#include "drop/sandbox.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define ANNOUNCE_EACH     (5 * NS_PER_S)
#define ANNOUNCE_LIFETIME (120 * 1000ULL) /* ms */
#define FORGET_EACH       60              /* ticks */
#define RESULTS_KEPT      2000            /* for owners that ask again */
#define NEAR_DELAY        2               /* ms */

static const char *const schema[] = {
	"CREATE TABLE IF NOT EXISTS tasks (id BLOB PRIMARY KEY, grp BLOB, task BLOB, copies "
	"INTEGER,"
	" agree INTEGER, deadline INTEGER, paths TEXT, mode INTEGER, label TEXT, state INTEGER,"
	" submitted INTEGER, expires INTEGER, finished INTEGER, why TEXT, answer BLOB, node TEXT,"
	" ended INTEGER, code INTEGER, run INTEGER)",
	"CREATE INDEX IF NOT EXISTS tasks_group ON tasks (grp)",
	"CREATE TABLE IF NOT EXISTS runs (task BLOB, node TEXT, given INTEGER, state INTEGER,"
	" result BLOB, PRIMARY KEY (task, node)) WITHOUT ROWID",
	"CREATE TRIGGER IF NOT EXISTS tasks_gone AFTER DELETE ON tasks"
	" BEGIN DELETE FROM runs WHERE task = old.id; END",
	"CREATE TABLE IF NOT EXISTS devices (node TEXT PRIMARY KEY, good INTEGER, bad INTEGER,"
	" pace INTEGER) WITHOUT ROWID",
	"CREATE TABLE IF NOT EXISTS caught (node TEXT PRIMARY KEY, at INTEGER, redeemed INTEGER)"
	" WITHOUT ROWID",
	"CREATE TABLE IF NOT EXISTS pushed (node TEXT, object BLOB, expires INTEGER,"
	" PRIMARY KEY (node, object)) WITHOUT ROWID",
	"CREATE TABLE IF NOT EXISTS clouds (task BLOB PRIMARY KEY, kind TEXT, name TEXT,"
	" began INTEGER) WITHOUT ROWID",
	"CREATE TABLE IF NOT EXISTS jobs (owner TEXT, id BLOB, task BLOB, came INTEGER,"
	" expires INTEGER, state INTEGER, result BLOB, PRIMARY KEY (owner, id)) WITHOUT ROWID",
};

void work_path(const struct work *work, const char *what, char ret[static PATH_MAX])
{
	/* One that is too long was refused at the start (work_open()). */
	node_path(work->node->options.state, what, ret, PATH_MAX, NULL);
}

int work_send(struct work *work, const char *node, const struct bytes *message, uint64_t lifetime)
{
	_cleanup_bytes_ struct bytes envelope = {0};
	struct eid to = eid_make(node, SERVICE_TASKS);
	int code = task_sign(&envelope, work->node->identity, message);

	if (code == 0)
		code = carry_send(work->node, node[0] ? to.text : TASKS_ALL, &envelope,
				  &(struct carry_options){.lifetime = lifetime});
	if (code < 0)
		node_say(work->node, "task", "a message about tasks cannot be sent: %s",
			 strerror(-code));
	return code;
}

int work_adopt(struct work *work, const char *folder, const struct sandbox_report *report,
	       struct task_result *result)
{
	struct store *store = work->node->store;
	int code = 0;

	result->outputs = calloc(report->output_count + 1, sizeof(*result->outputs));
	if (!result->outputs)
		return -ENOMEM;
	for (unsigned i = 0; i < report->output_count && code == 0; i++) {
		const struct sandbox_output *made = &report->outputs[i];
		struct task_file *output = &result->outputs[result->output_count++];
		char path[PATH_MAX];

		if (snprintf(path, sizeof(path), "%s/%u", folder, i) >= (int)sizeof(path))
			return -ENAMETOOLONG;
		snprintf(output->name, sizeof(output->name), "%s", made->name);
		output->size = made->size;
		code = store_make_room(store, made->size, node_wall());
		if (code == 0)
			code = store_object_adopt(store, path, made->size, made->hashes,
						  node_wall(), output->object);
	}
	return code;
}

/* Tells all what others may ask of this device, if that has changed, or it is time. */
static void announce(struct work *work, bool now)
{
	_cleanup_bytes_ struct bytes message = {0};
	uint64_t load = jobs_own_load(work), time = clock_now();
	struct task_device device = {.time = node_wall(), .slots = work->lent, .load = load};

	if (work->lent == 0 && work->announced_slots == 0)
		return; /* it was said already */
	if (!now && work->lent == work->announced_slots && (load > 0) == work->announced_busy &&
	    time - work->announced < ANNOUNCE_EACH)
		return;
	work->announced = time;
	work->announced_slots = work->lent;
	work->announced_busy = load > 0;
	task_put_device(&message, &device);
	if (!message.failed)
		work_send(work, "", &message, ANNOUNCE_LIFETIME);
}

static void look_at_self(struct work *work)
{
	const struct node_options *options = &work->node->options;
	struct plan_limits limits = {.slots = work->inside && options->take ? options->slots : 0,
				     .battery_least = options->battery_least,
				     .load_most = options->load_most};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct plan_state state;
	char battery[32] = "";
	unsigned lent;

	sensors_read(options->sensors, &state);
	/* What we do ourselves is in nobody's way. */
	state.load -= (double)work->running / (double)(cpus > 0 ? cpus : 1);
	lent = plan_slots(&limits, &state);
	if (state.battery >= 0)
		snprintf(battery, sizeof(battery), "battery %d %%, ", state.battery);
	if (limits.slots && (lent == 0) != (work->lent == 0 && work->open))
		node_say(work->node, NULL,
			 lent ? "runs others' tasks"
			      : "runs nobody else's tasks for now: %sload %.2f",
			 battery, state.load);
	work->lent = lent;
	if (work->self)
		plan_heard(work->self, true, options->slots, 0, node_wall());
}

static void step(uv_timer_t *timer)
{
	struct work *work = timer->data;

	tasks_step(work);
	jobs_step(work);
	announce(work, false);
}

void work_soon(struct work *work)
{
	if (work->open)
		uv_timer_start(&work->soon, step, 0, 0);
}

void work_tick(struct node *node)
{
	struct work *work = node->work;
	uint64_t now = node_wall();

	look_at_self(work);
	tasks_tick(work);
	if (node->ticks % FORGET_EACH == 1 && store_begin(node->store) == 0) {
		sql_run(node->store->db, "DELETE FROM jobs WHERE expires <= ? AND state = 1", "i",
			now);
		sql_run(node->store->db,
			"DELETE FROM jobs WHERE state = 1 AND came < (SELECT came FROM jobs WHERE "
			"state = 1 ORDER BY came DESC LIMIT 1 OFFSET ?)",
			"i", (uint64_t)RESULTS_KEPT);
		sql_run(node->store->db, "DELETE FROM tasks WHERE expires <= ? AND state > 1", "i",
			now);
		sql_run(node->store->db, "DELETE FROM pushed WHERE expires <= ?", "i", now);
	}
	work_soon(work);
}

void work_contact(struct node *node, const char *peer)
{
	announce(node->work, true);
}

/* Is every link metered where this neighbour is? */
static bool is_costly(const struct node *node, const struct neighbour *neighbour)
{
	for (unsigned i = 0; i < neighbour->link_count; i++)
		if (!node->options.metered(neighbour->links[i].name, node->options.data))
			return false;
	return neighbour->link_count > 0;
}

/* Does it cost money to send something there? What is for one that is not near goes to those who are. */
static bool is_metered(const struct node *node, const char *name, bool near)
{
	if (!node->options.metered)
		return false;
	for (const struct neighbour *at = node->neighbours; at; at = at->next)
		if ((!near || strcmp(at->node, name) == 0) && is_costly(node, at))
			return true;
	return false;
}

static void heard(struct work *work, const char *from, const struct bundle *bundle,
		  const uint8_t *message, size_t size)
{
	struct task_device said;
	struct plan_device *device;
	bool near = node_contact(work->node, from);

	if (task_read_device(message, size, &said) < 0)
		return;
	device = plan_device(&work->plan, from);
	/* What went over others may be older; what comes from itself counts, for its clock may have been set back. */
	if (!device || (said.time <= device->said && bundle->hop_count > 1))
		return;
	device->said = said.time;
	device->delay = near ? NEAR_DELAY : bundle->age + NEAR_DELAY;
	device->rate = near ? node_contact(work->node, from)->rate : 0;
	device->metered = is_metered(work->node, from, near);
	plan_heard(device, near, (unsigned)said.slots, said.load, node_wall());
	work_soon(work);
}

void work_arrived(struct node *node, const struct bundle *bundle)
{
	struct work *work = node->work;
	uint8_t id[TASK_ID_SIZE];
	const uint8_t *message;
	char from[NODE_MAX];
	struct err err;
	size_t size;

	if (task_open(node->identity, bundle->payload.data, bundle->payload.size, from, &message,
		      &size, &err) < 0) {
		node_say(node, bundle->source.text, "a message of %s is refused: %s",
			 bundle->source.text, err.text);
		return;
	}
	if (strcmp(from, node->identity->node) == 0)
		return;
	if (task_type(message, size) == TASK_DEVICE) {
		heard(work, from, bundle, message, size);
		return;
	}
	if (eid_is_group(&bundle->destination))
		return; /* nothing else is for everybody */
	if (task_type(message, size) == TASK_TASK)
		jobs_take(work, from, message, size);
	else if (task_type(message, size) == TASK_RESULT)
		results_take(work, from, message, size);
	else if (task_read_recall(message, size, id) == 0)
		jobs_recall(work, from, id);
	work_soon(work);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	remove(path);
	return 0;
}

/* What tasks have left that were cut off. */
static int clean_folder(struct work *work, struct err *err)
{
	char folder[PATH_MAX];
	int code = node_path(work->node->options.state, "tasks", folder, sizeof(folder), err);

	if (code < 0)
		return code;
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	code = files_make_folder(folder);
	return code < 0 ? err_set(err, code, "cannot make the folder '%s': %s", folder,
				  strerror(-code))
			: 0;
}

/* Can there be a sandbox? One is tried, with a program that every system has. */
static bool try_sandbox(struct work *work)
{
	char program[] = "true";
	struct task task = {.arguments = {program},
			    .argument_count = 1,
			    .limits = {10000, 256u << 20, 1u << 20, 64}};
	_cleanup_bytes_ struct bytes text = {0};
	struct sandbox_report report = {0};
	char folder[PATH_MAX], objects[PATH_MAX], self[16], report_text[4096];
	_cleanup_close_ int fd = -1;
	bool good = false;
	ssize_t size = 0;
	pid_t pid;

	work_path(work, "tasks/first", folder);
	snprintf(objects, sizeof(objects), "%s/objects", work->node->store->folder);
	snprintf(self, sizeof(self), "%d", (int)getpid());
	task_put(&text, &task);
	if (files_make_folder(folder) < 0 ||
	    files_write(folder, SANDBOX_COMMAND, text.data, text.size) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		execl("/proc/self/exe", "rivulet", SANDBOX_COMMAND, folder, objects, "inside", self,
		      (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	work_path(work, "tasks/first/report", folder);
	fd = open(folder, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		size = read(fd, report_text, sizeof(report_text));
	if (size > 0 && sandbox_read_report(report_text, (size_t)size, &report) == 0) {
		good = report.end == TASK_EXITED && report.code == 0;
		snprintf(work->why_not, sizeof(work->why_not), "%.*s", (int)report.error_size,
			 report.error);
		work->why_not[strcspn(work->why_not, "\n")] = '\0';
	}
	free(report.outputs);
	return good;
}

int work_open(struct node *node, struct err *err)
{
	struct work *work = calloc(1, sizeof(*work));
	const char *missing;
	int code;

	if (!work)
		return err_set(err, -ENOMEM, "out of memory");
	work->node = node;
	work->announced_slots = UINT_MAX; /* of before this start others may think what they like */
	node->work = work;
	plan_init(&work->plan);
	code = clean_folder(work, err);
	for (unsigned i = 0; i < ARRAY_SIZE(schema) && code >= 0; i++) {
		code = sql_run(node->store->db, schema[i], "");
		if (code < 0)
			err_set(err, code, "the store cannot be used: %s", strerror(-code));
	}
	if (code < 0)
		return code;
	confine_prepare();
	work->inside = try_sandbox(work);
	code = clean_folder(work, err);
	if (code < 0)
		return code;
	if (!work->inside && node->options.take)
		node_say(node, NULL,
			 "runs nobody else's tasks, for there can be no sandbox here: %s",
			 work->why_not[0] ? work->why_not : "it does not start");
	missing = confine_missing();
	if (missing)
		node_say(node, NULL,
			 "no control group limits the %s of a task as a whole, only what each of "
			 "its processes may have: %s",
			 missing,
			 geteuid() ? "start the node by systemd (rivulet-node(1))"
				   : "none can be made in " CGROUP_ROOT);
	work->self = plan_device(&work->plan, node->identity->node);
	if (!work->self)
		return err_set(err, -ENOMEM, "out of memory");
	work->self->self = true;
	work->plan.cloud.there = node->options.cloud;
	work->plan.cloud.delay = node->options.cloud_delay;
	look_at_self(work);
	uv_timer_init(&node->loop, &work->soon);
	work->soon.data = work;
	work->open = true;
	tasks_load(work);
	jobs_load(work);
	cloud_load(work);
	work_soon(work);
	return 0;
}

void work_close(struct node *node)
{
	struct work *work = node->work;

	if (!work)
		return;
	if (work->open)
		uv_close((uv_handle_t *)&work->soon, NULL);
	work->open = false;
	jobs_close(work);
	tasks_close(work);
	cloud_close(work);
}

void work_free(struct node *node)
{
	if (node->work)
		plan_free(&node->work->plan);
	free(node->work);
}
