/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration files, the links' part (via/config.h has the rest): YAML such as
 *
 *   links:
 *     - {name: wwan0, policy: backup}
 *     - {kind: bluetooth, policy: never}
 *
 * A key that is not known is an error, as it would be ignored otherwise and its writer never know.
 */
#pragma once

#include "link/policy.h"

#include <stddef.h>

#define POLICY_SYSTEM_PATH "/etc/rivulet/config.yaml"

/* Adds what the document says; @path is for messages. Pure. -EINVAL: "FILE:LINE: what is wrong".
 * One with nothing but comments is fine. */
int policy_parse_file(struct policy *policy, enum policy_source source, const char *path,
		      const char *text, size_t size, struct err *err);

/* The user's file, "" if there can be none. Returns @path. */
const char *policy_user_path(char *path, size_t size);
/* Nothing but comments: a file that was made to be filled in later. */
bool policy_says_nothing(const char *text, size_t size);

/* Adds the files that are there: the user's ($XDG_CONFIG_HOME/rivulet/config.yaml, or below
 * ~/.config), and the system's. One that is there and cannot be read is an error. */
int policy_read_files(struct policy *policy, struct err *err);
