/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole life of `rivulet stack NAME`: a stack that has the host's links to itself, for one program that opens it through the
 * library (stack/own_wire.h). It gets the links' packets, follows the links, and ends when the stack does.
 */
#pragma once

#include "link/policy.h"
#include "stack/stack.h"

/* @control is the program's end of own_wire.h. The exit code. */
int serving_main(const struct stack_ops *ops, const struct policy *policy, int control);
