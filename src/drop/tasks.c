/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our own tasks: what the plan decides is done here, and what comes of it is told to the plan. A result is believed when its
 * outputs are home, and only from whom the task was given to.
 */
#include "drop/cloud.h"
#include "drop/work.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR (3600 * 1000ULL) /* ms */

/* Numbers are random. */
static unsigned place_of(const uint8_t *id)
{
	return (id[0] | (unsigned)id[1] << 8) % TASKS_FOUND;
}

struct own_task *tasks_find(const struct work *work, const uint8_t id[static TASK_ID_SIZE])
{
	for (struct own_task *at = work->found[place_of(id)]; at; at = at->alike)
		if (memcmp(at->task.id, id, TASK_ID_SIZE) == 0)
			return at;
	return NULL;
}

static struct own_kind *kind_of(struct work *work, const uint8_t *group)
{
	struct own_kind *kind;

	for (kind = work->kinds; kind; kind = kind->next)
		if (memcmp(kind->group, group, GROUP_SIZE) == 0)
			break;
	if (!kind) {
		kind = calloc(1, sizeof(*kind));
		if (!kind)
			return NULL;
		memcpy(kind->group, group, GROUP_SIZE);
		kind->next = work->kinds;
		work->kinds = kind;
	}
	kind->plan.users++;
	return kind;
}

static void release_kind(struct work *work, struct own_kind *kind)
{
	if (--kind->plan.users > 0)
		return;
	for (struct own_kind **at = &work->kinds; *at; at = &(*at)->next)
		if (*at == kind) {
			*at = kind->next;
			break;
		}
	free(kind);
}

static void forget_touched(struct own_task *task);

static void tasks_remove(struct own_task *task)
{
	struct work *work = task->work;

	*(task->before ? &task->before->next : &work->tasks) = task->next;
	*(task->next ? &task->next->before : &work->last_task) = task->before;
	for (struct own_task **at = &work->found[place_of(task->task.id)]; *at; at = &(*at)->alike)
		if (*at == task) {
			*at = task->alike;
			break;
		}
	forget_touched(task);
	outputs_forget(task);
	cloud_forget(task);
	results_drop(task);
	gather_end(&task->gather);
	if (task->plan)
		plan_remove(task->plan);
	if (task->kind)
		release_kind(work, task->kind);
	json_decref(task->paths);
	bytes_free(&task->answer);
	task_free(&task->task);
	free(task);
}

struct own_task *tasks_make(struct work *work, const uint8_t *group, struct task *spec,
			    unsigned copies, unsigned agree, uint64_t deadline, uint64_t submitted,
			    json_t *paths, unsigned mode)
{
	struct own_task *task = calloc(1, sizeof(*task)), **alike;

	if (!task) {
		task_free(spec);
		json_decref(paths);
		return NULL;
	}
	task->work = work;
	task->task = *spec;
	task->paths = paths;
	task->mode = mode;
	memcpy(task->group, group, GROUP_SIZE);
	task->before = work->last_task;
	*(work->last_task ? &work->last_task->next : &work->tasks) = task;
	work->last_task = task;
	alike = &work->found[place_of(task->task.id)];
	task->alike = *alike;
	*alike = task;
	task->kind = kind_of(work, group);
	if (task->kind)
		task->plan = plan_add(&work->plan, &task->kind->plan, copies, agree, deadline,
				      submitted);
	if (!task->plan) {
		tasks_remove(task);
		return NULL;
	}
	task->plan->owner = task;
	for (unsigned i = 0; i < task->task.input_count; i++) {
		const struct store_object *object =
			store_object(work->node->store, task->task.inputs[i].object);

		task->plan->bytes += object ? object->size : 0;
	}
	return task;
}

int tasks_add(struct work *work, const uint8_t group[static GROUP_SIZE], struct task *spec,
	      unsigned copies, unsigned agree, uint64_t deadline, json_t *paths, unsigned mode,
	      const char *label)
{
	struct store *store = work->node->store;
	_cleanup_bytes_ struct bytes message = {0};
	_cleanup_free_ char *text = json_dumps(paths, JSON_COMPACT);
	uint64_t now = node_wall();
	int code = store_begin(store);

	task_put(&message, spec);
	if (code == 0 && (message.failed || !text))
		code = -ENOMEM;
	if (code == 0)
		code = sql_run(store->db,
			       "INSERT INTO tasks (id, grp, task, copies, agree, deadline, paths, "
			       "mode, label, state, submitted, expires) VALUES "
			       "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			       "bbbiiititiii", spec->id, (size_t)TASK_ID_SIZE, group,
			       (size_t)GROUP_SIZE, message.data, message.size, (uint64_t)copies,
			       (uint64_t)agree, deadline, text, (uint64_t)mode, label,
			       (uint64_t)STATE_OPEN, now, spec->expires);
	if (code < 0) {
		task_free(spec);
		json_decref(paths);
		return code;
	}
	if (!tasks_make(work, group, spec, copies, agree, deadline, now, paths, mode))
		return -ENOMEM;
	work_soon(work);
	return 0;
}

/* Inputs that @node was not given before go with the task. */
static void give_inputs(struct own_task *task, const char *node, uint64_t lifetime)
{
	struct store *store = task->work->node->store;

	for (unsigned i = 0; i < task->task.input_count; i++) {
		const uint8_t *id = task->task.inputs[i].object;
		struct store_object *object = store_object(store, id);

		if (!object || store_begin(store) < 0 ||
		    sql_run(store->db, "INSERT OR IGNORE INTO pushed VALUES (?, ?, ?)", "tbi", node,
			    id, (size_t)OBJECT_ID_SIZE, task->task.expires) != 1)
			continue;
		objects_give(task->work->node, object, node, lifetime);
	}
}

static void give(struct own_task *task, struct plan_device *device)
{
	_cleanup_bytes_ struct bytes message = {0};
	uint64_t now = node_wall(), expires = task->task.expires;
	uint64_t left = expires > now ? expires - now : 1;

	task_put(&message, &task->task);
	if (message.failed)
		return;
	rows_save_run(task, device->name, PLAN_GIVEN, NULL);
	if (device->self) {
		jobs_take(task->work, device->name, message.data, message.size);
		return;
	}
	give_inputs(task, device->name, left);
	work_send(task->work, device->name, &message, left);
}

static void recall(struct own_task *task, struct plan_device *device)
{
	_cleanup_bytes_ struct bytes message = {0};

	if (device->self) {
		jobs_recall(task->work, device->name, task->task.id);
		return;
	}
	task_put_recall(&message, task->task.id);
	work_send(task->work, device->name, &message, 3600 * 1000);
}

static void on_outputs(void *data)
{
	tasks_touch(data);
}

void tasks_bring_home(struct own_task *task)
{
	struct task_result result;

	if (task_read_result(task->answer.data, task->answer.size, &result) < 0 ||
	    gather_begin(&task->gather, task->work->node, result.outputs, result.output_count,
			 on_outputs, task) < 0)
		rows_save_state(task, STATE_FAILED, "out of memory");
	task_result_free(&result);
	tasks_touch(task);
}

static void believe(struct own_task *task, const struct plan_device *device)
{
	for (struct arrival *at = task->arrivals; at; at = at->next)
		if (strcmp(at->node, device->name) == 0) {
			bytes_put(&task->answer, at->message.data, at->message.size);
			break;
		}
	for (unsigned i = 0; i < task->plan->run_count; i++)
		rows_save_device(task->work, task->plan->runs[i].device);
	snprintf(task->by, sizeof(task->by), "%s", device->name);
	rows_save_state(task, STATE_HOME, NULL);
	cloud_forget(task);
	tasks_bring_home(task);
}

static void act(struct work *work, const struct plan_action *action)
{
	struct own_task *task = action->task->owner;

	switch (action->what) {
	case PLAN_GIVE:
		give(task, action->device);
		break;
	case PLAN_RECALL:
		recall(task, action->device);
		break;
	case PLAN_CLOUD:
		cloud_begin(task);
		break;
	case PLAN_BELIEVE:
		believe(task, action->device);
		break;
	case PLAN_CAUGHT:
		node_say(work->node, NULL,
			 "'%s' gave another result than others: it is not asked again for %u hours",
			 action->device->name, (unsigned)(plan_ban(action->device) / HOUR));
		rows_save_device(work, action->device);
		break;
	}
}

static void expire(struct own_task *task)
{
	plan_end(task->plan);
	rows_save_state(task, STATE_EXPIRED, "nobody did it in time");
}

/* Only when it is on the disk which answer is believed: else another could be, after a crash, and its outputs come in the place of
 * those that were seen already. */
static void write_outputs(struct own_task *task)
{
	struct node *node = task->work->node;
	int code = store_commit(node->store);

	if (code < 0) {
		node->failed = code;
		uv_stop(&node->loop);
	} else if (outputs_write(task) < 0) {
		tasks_written(task, "out of memory");
	}
}

void tasks_touch(struct own_task *task)
{
	struct work *work = task->work;

	if (!task->touched) {
		task->touched = true;
		task->touched_next = NULL;
		*(work->last_touched ? &work->last_touched->touched_next : &work->touched) = task;
		work->last_touched = task;
	}
	work_soon(work);
}

static void forget_touched(struct own_task *task)
{
	struct work *work = task->work;
	struct own_task *before = NULL;

	for (struct own_task *at = work->touched; at && task->touched; at = at->touched_next) {
		if (at == task) {
			*(before ? &before->touched_next : &work->touched) = at->touched_next;
			if (work->last_touched == at)
				work->last_touched = before;
			task->touched = false;
		}
		before = at;
	}
}

/* Tells the plan of results that are home. */
static void tell(struct own_task *task)
{
	for (struct arrival *at = task->arrivals; at; at = at->next) {
		struct plan_device *device = plan_device(&task->work->plan, at->node);
		uint8_t digest[HASH_SIZE];

		if (at->here || !gather_is_done(&at->gather))
			continue;
		at->here = true;
		task_digest(&at->result, digest);
		if (device)
			plan_back(task->plan, device, digest, at->result.run);
	}
}

void tasks_tick(struct work *work)
{
	uint64_t now = node_wall();

	for (struct own_task *task = work->tasks; task; task = task->next)
		if (task->state == STATE_OPEN && task->task.expires <= now)
			expire(task);
}

void tasks_step(struct work *work)
{
	uint64_t now = node_wall(), when;
	struct plan_action action;

	for (struct own_task *task = work->touched; task; task = task->touched_next)
		tell(task);
	while (plan_next(&work->plan, now, &action, &when))
		act(work, &action);
	while (work->touched) {
		struct own_task *task = work->touched;

		forget_touched(task);
		if (task->state == STATE_HOME && !task->writing && gather_is_done(&task->gather))
			write_outputs(task);
		if (task->state >= STATE_DONE)
			tasks_remove(task);
	}
}

void tasks_written(struct own_task *task, const char *why)
{
	char text[300];

	if (why)
		node_say(task->work->node, "write", "%s", why);
	snprintf(text, sizeof(text), "%s", why ? why : "");
	rows_save_state(task, why ? STATE_FAILED : STATE_DONE, why ? text : NULL);
}

int tasks_cancel(struct work *work, const uint8_t id[static TASK_ID_SIZE])
{
	struct own_task *task = tasks_find(work, id);

	if (!task || task->state != STATE_OPEN)
		return -ENOENT;
	plan_end(task->plan);
	cloud_forget(task);
	rows_save_state(task, STATE_CANCELLED, "cancelled");
	return 0;
}

void tasks_cloud_done(struct own_task *task, const struct bytes *result)
{
	if (task->state != STATE_OPEN)
		return;
	bytes_put(&task->answer, result->data, result->size);
	snprintf(task->by, sizeof(task->by), "the cloud");
	plan_end(task->plan);
	rows_save_state(task, STATE_HOME, NULL);
	tasks_bring_home(task);
}

void tasks_cloud_failed(struct own_task *task, const char *why)
{
	node_say(task->work->node, "cloud", "the cloud does not do a task: %s", why);
}

void tasks_close(struct work *work)
{
	while (work->tasks)
		tasks_remove(work->tasks);
}
