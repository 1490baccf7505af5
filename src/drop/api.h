/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the local interface share: api.c (the loop, and facts), api_objects.c (put and get), api_submit.c, api_tasks.c. */
#pragma once

#include <jansson.h>
#include <limits.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <uv.h>

#define API_OBJECTS "/v1/objects"
#define API_TASKS   "/v1/tasks"

struct node;
struct call;

/* What belongs to a request while it is dealt with; the first member of what each kind has. */
struct api_request {
	void (*end)(struct api_request *request);
};

struct api {
	struct node *node;
	struct MHD_Daemon *daemon; /* owned */
	char path[PATH_MAX];
	uv_poll_t poll;
	uv_timer_t timer;
	struct call *calls;
	unsigned uploads; /* so far: the numbers of their files */
	bool stopped;
};

/* @body is taken over. */
enum MHD_Result api_reply(struct MHD_Connection *connection, unsigned status, json_t *body);
enum MHD_Result api_refuse(struct MHD_Connection *connection, unsigned status, const char *why);
/* Lets libmicrohttpd do what is due; or does so when the caller has returned. */
void api_run(struct api *api);
void api_soon(struct api *api);

/* A request under API_OBJECTS; @name is what follows. */
enum MHD_Result api_object(struct api *api, struct MHD_Connection *connection, const char *name,
			   const char *method, const char *body, size_t *body_size,
			   struct api_request **request);
/* A request under API_TASKS. */
enum MHD_Result api_task(struct api *api, struct MHD_Connection *connection, const char *name,
			 const char *method, const char *body, size_t *body_size,
			 struct api_request **request);
/* Of those, the one that submits. */
enum MHD_Result api_submit(struct api *api, struct MHD_Connection *connection, const char *body,
			   size_t *body_size, struct api_request **request);
/* None waits any more: the node ends. */
void api_calls_resume(struct api *api);
