/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The subcommands of `rivulet`: each gets what it is called by as argv[0], "rivulet run", and returns the exit code. */
#pragma once

int cmd_run(int argc, char **argv);
int cmd_proxy(int argc, char **argv);
int cmd_relay(int argc, char **argv);
int cmd_clean(int argc, char **argv);
int cmd_stack(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_links(int argc, char **argv);
int cmd_probe(int argc, char **argv);
int cmd_lab(int argc, char **argv);
int cmd_node(int argc, char **argv);
int cmd_crowd(int argc, char **argv);
int cmd_peers(int argc, char **argv);
int cmd_put(int argc, char **argv);
int cmd_get(int argc, char **argv);
int cmd_submit(int argc, char **argv);
int cmd_tasks(int argc, char **argv);
int cmd_choose(int argc, char **argv);
int cmd_assess(int argc, char **argv);
int cmd_load(int argc, char **argv);
