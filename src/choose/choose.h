/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which stack fits a device and an application: each stack and protocol with what it would give (model.h), the best first.
 * Measurements of this device's own (`rivulet assess`) count before those that came with Rivulet.
 */
#pragma once

#include "choose/application.h"
#include "choose/measurements.h"
#include "stack/stack.h"

#define CHOICES_SOURCE 1024
#define CHOICES_MAX    16

/* All borrowed. */
struct choose_query {
	const struct application *application;
	const char *scenario; /* that the network is like; NULL: any */
	const char *
		measured; /* this device's own: a summary.json, or the folder of one; NULL: OUT of assess, if there is one */
	double cpus;   /* processors' time that it may take; 0: what there is */
	double memory; /* bytes that it may take; 0: what there is */
};

struct choice {
	const struct stack_ops *stack;
	bool mptcp;
	bool bare;      /* the program by itself, without us */
	bool can_run;   /* here */
	bool fits;      /* into the memory */
	struct err why; /* it cannot run */
	bool own;       /* known from measurements of this device */
	/* What it would give; 0: not known. */
	double score, goodput, delay, stall, cpu_per_gb, memory;
	double cpu; /* processors' time that it takes meanwhile */
};

struct choices {
	struct choice all
		[CHOICES_MAX]; /* the one to take first, then the best, what cannot be had last */
	unsigned count;
	char profile
		[32]; /* that this device was taken to be like, in the measurements that came with us; "" */
	char sources[2][CHOICES_SOURCE]; /* files that were used; "" */
};

/* -ENOENT: there are no measurements at all; -EINVAL: a file is none. */
int choose(const struct choose_query *query, struct choices *ret, struct err *err);

/* The best that `rivulet run` can give a program; NULL: nothing is known of any. */
const struct choice *choose_stack(const struct choices *choices);
