/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Without these, tasks and measurements would have no limits on devices whose control groups are of the other version than the
 * developers'. The trees are folders of plain files, in which what the kernel would be told stands.
 */
#include "base/cgroup.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ALL                                                                                \
	(CGROUP_BIT(CGROUP_CPU) | CGROUP_BIT(CGROUP_ACCOUNT) | CGROUP_BIT(CGROUP_MEMORY) | \
	 CGROUP_BIT(CGROUP_PIDS))
#define FIRST  "5:memory:/ours\n4:pids:/ours\n3:cpu,cpuacct:/ours\n1:name=systemd:/x\n0::/\n"
#define SECOND "0::/ours\n"

static char root[] = "/tmp/rivulet-unit-cgroup.XXXXXX";
static struct cgroup_tree tree;
static struct cgroup group;
static const struct cgroup_limits limits = {
	.cpu_time = 1000000, .cpu_period = 5000000, .memory = 64u << 20, .processes = 30};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

static int set_up(void **state)
{
	memcpy(root + strlen(root) - 6, "XXXXXX", 6);
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *in_root(const char *path)
{
	static char ret[PATH_MAX];

	snprintf(ret, sizeof(ret), "%s/%s", root, path);
	return ret;
}

/* A file with @text, and the folders that it is in. */
static void put(const char *path, const char *text)
{
	char whole[PATH_MAX];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s", in_root(path));
	for (char *slash = strchr(whole + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(whole, 0755);
		*slash = '/';
	}
	file = fopen(whole, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void expect(const char *path, const char *text)
{
	char got[256] = "";
	FILE *file = fopen(in_root(path), "r");

	assert_non_null(file);
	got[fread(got, 1, sizeof(got) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(got, text);
}

static bool is_there(const char *path)
{
	return access(in_root(path), F_OK) == 0;
}

/* That of a group of this process. */
static const char *ours(void)
{
	static char name[64];
	struct stat st;

	assert_int_equal(stat("/proc/self/ns/pid", &st), 0);
	snprintf(name, sizeof(name), "task-%d-%llu", (int)getpid(), (unsigned long long)st.st_ino);
	return name;
}

/* What the kernel has in a new group of version 1, or 2. */
static void put_first(const char *top, const char *name)
{
	static const char *const files[] = {
		"cpu/cpu.cfs_period_us", "cpu/cpu.cfs_quota_us",
		"cpu/cgroup.procs",      "cpuacct/cpuacct.usage",
		"cpuacct/cgroup.procs",  "memory/memory.limit_in_bytes",
		"memory/cgroup.procs",   "memory/memory.oom_control",
		"pids/pids.max",         "pids/pids.events",
		"pids/cgroup.procs",
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[256];
		size_t size = strcspn(files[i], "/");

		snprintf(path, sizeof(path), "%.*s%s/%s%s", (int)size, files[i], top, name,
			 files[i] + size);
		put(path, "");
	}
}

static void put_second(const char *at)
{
	static const char *const files[] = {"cpu.max",      "cpu.stat",     "memory.max",
					    "pids.max",     "pids.events",  "memory.swap.max",
					    "cgroup.procs", "memory.events"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[256];

		snprintf(path, sizeof(path), "%s%s/%s", at, ours(), files[i]);
		put(path, "");
	}
}

/* The name of the group stands between. */
static void expect_in(const char *before, const char *after, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s%s", before, ours(), after);
	expect(path, text);
}

static void put_in(const char *before, const char *after, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s%s", before, ours(), after);
	put(path, text);
}

static void limit_all(void)
{
	assert_int_equal(cgroup_limit(&group, CGROUP_CPU, &limits), 0);
	assert_int_equal(cgroup_limit(&group, CGROUP_MEMORY, &limits), 0);
	assert_int_equal(cgroup_limit(&group, CGROUP_PIDS, &limits), 0);
	assert_int_equal(cgroup_join(&group), 0);
}

static void test_path(void **state)
{
	char path[64];

	assert_int_equal(cgroup_path("0::/user.slice/a.scope\n", "memory", path, sizeof(path)), 2);
	assert_string_equal(path, "/user.slice/a.scope");
	/* Both are mounted: the controller is in version 1, others are not. */
	const char *both = "5:memory:/small\n3:cpu,cpuacct:/half\n1:name=systemd:/x\n0::/y";

	assert_int_equal(cgroup_path(both, "memory", path, sizeof(path)), 1);
	assert_string_equal(path, "/small");
	assert_int_equal(cgroup_path(both, "cpu", path, sizeof(path)), 1);
	assert_string_equal(path, "/half");
	assert_int_equal(cgroup_path(both, "pids", path, sizeof(path)), 2);
	assert_string_equal(path, "/y");
	assert_int_equal(cgroup_path("", "cpu", path, sizeof(path)), 0);
	assert_int_equal(cgroup_path("::\n:\n0:\nnonsense", "cpu", path, sizeof(path)), 2);
	assert_string_equal(path, "");
}

static void test_first(void **state)
{
	put_first("/ours", ours());
	cgroup_find(&tree, root, FIRST, ALL);
	assert_int_equal(cgroup_make(&tree, "task-", &group), 0);
	assert_int_equal(group.count, 4);
	limit_all();
	expect_in("cpu/ours/", "/cpu.cfs_period_us", "5000");
	expect_in("cpu/ours/", "/cpu.cfs_quota_us", "1000");
	expect_in("memory/ours/", "/memory.limit_in_bytes", "67108864");
	expect_in("pids/ours/", "/pids.max", "30");
	expect_in("cpu/ours/", "/cgroup.procs", "0");
	expect_in("memory/ours/", "/cgroup.procs", "0");
	assert_false(cgroup_out_of_memory(&group));
	assert_false(cgroup_out_of_processes(&group));
	put_in("memory/ours/", "/memory.oom_control",
	       "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
	put_in("pids/ours/", "/pids.events", "max 7\n");
	put_in("cpuacct/ours/", "/cpuacct.usage", "1500000000\n");
	assert_true(cgroup_out_of_memory(&group));
	assert_true(cgroup_out_of_processes(&group));
	assert_true(cgroup_cpu(&group) == 1.5);
}

/* In a container the path is that of outside, and what there is is the top. */
static void test_first_top(void **state)
{
	put_first("", ours());
	cgroup_find(&tree, root, FIRST, CGROUP_BIT(CGROUP_MEMORY));
	assert_int_equal(cgroup_make(&tree, "task-", &group), 0);
	assert_int_equal(cgroup_limit(&group, CGROUP_MEMORY, &limits), 0);
	assert_int_equal(cgroup_limit(&group, CGROUP_PIDS, &limits), -EOPNOTSUPP);
	expect_in("memory/", "/memory.limit_in_bytes", "67108864");
}

/* Two controllers in one tree with two names, as some distributions had them. */
static void test_first_joined(void **state)
{
	char path[128];

	mkdir(in_root("cpu,cpuacct"), 0755);
	assert_int_equal(symlink("cpu,cpuacct", in_root("cpu")), 0);
	assert_int_equal(symlink("cpu,cpuacct", in_root("cpuacct")), 0);
	cgroup_find(&tree, root, "3:cpu,cpuacct:/\n",
		    CGROUP_BIT(CGROUP_CPU) | CGROUP_BIT(CGROUP_ACCOUNT));
	assert_int_equal(cgroup_make(&tree, "task-", &group), 0);
	cgroup_remove(&group);
	snprintf(path, sizeof(path), "cpu,cpuacct/%s", ours());
	assert_false(is_there(path));
}

static void test_second(void **state)
{
	put("cgroup.controllers", "cpuset cpu io memory pids\n");
	put("cgroup.subtree_control", "memory pids\n");
	put("ours/cgroup.controllers", "cpu memory pids\n");
	put("ours/cgroup.subtree_control", "cpu memory pids\n");
	put_second("ours/");
	/* This process is in the leaf beside its groups. */
	cgroup_find(&tree, root, "0::/ours/rivulet-self\n", ALL);
	assert_int_equal(cgroup_make(&tree, "task-", &group), 0);
	assert_int_equal(group.count, 1);
	limit_all();
	expect_in("ours/", "/cpu.max", "1000 5000");
	expect_in("ours/", "/memory.max", "67108864");
	expect_in("ours/", "/memory.swap.max", "0");
	expect_in("ours/", "/pids.max", "30");
	expect_in("ours/", "/cgroup.procs", "0");
	assert_false(cgroup_out_of_memory(&group));
	put_in("ours/", "/memory.events", "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\n");
	put_in("ours/", "/pids.events", "max 1\n");
	put_in("ours/", "/cpu.stat", "usage_usec 2500000\nuser_usec 1\n");
	assert_true(cgroup_out_of_memory(&group));
	assert_true(cgroup_out_of_processes(&group));
	assert_true(cgroup_cpu(&group) == 2.5);
}

/* What is not handed down to us is missing, and the rest is not. */
static void test_second_some(void **state)
{
	put("cgroup.controllers", "cpu memory pids\n");
	put("cgroup.subtree_control", "\n");
	put("ours/cgroup.controllers", "pids\n");
	put("ours/cgroup.subtree_control", "pids\n");
	put_second("ours/");
	cgroup_find(&tree, root, SECOND, ALL);
	assert_int_equal(cgroup_make(&tree, "task-", &group), 0);
	assert_int_equal(cgroup_limit(&group, CGROUP_MEMORY, &limits), -EOPNOTSUPP);
	assert_int_equal(cgroup_limit(&group, CGROUP_PIDS, &limits), 0);
	/* Nor is there a group where there is nothing for it. */
	put("ours/cgroup.subtree_control", "\n");
	cgroup_find(&tree, root, SECOND, CGROUP_BIT(CGROUP_MEMORY));
	assert_int_equal(cgroup_make(&tree, "task-", &group), -EOPNOTSUPP);
	cgroup_find(&tree, root, "", ALL);
	assert_int_equal(cgroup_make(&tree, "task-", &group), -EOPNOTSUPP);
}

/* Where the group is shared with others, the top of the tree is what root has. */
static void test_second_top(void **state)
{
	put("cgroup.controllers", "cpu memory pids\n");
	put("cgroup.subtree_control", "cpu memory pids\n");
	put("ours/cgroup.controllers", "cpu memory pids\n");
	put("ours/cgroup.subtree_control", "\n");
	put_second("");
	cgroup_find(&tree, root, SECOND, ALL);
	assert_int_equal(cgroup_make(&tree, "task-", &group), 0);
	limit_all();
	expect_in("", "/memory.max", "67108864");
}

static void test_prepare(void **state)
{
	put("cgroup.controllers", "cpu memory pids\n");
	put("cgroup.subtree_control", "");
	put("ours/cgroup.controllers", "memory pids\n");
	put("ours/cgroup.subtree_control", "");
	put("ours/cgroup.procs", "");
	cgroup_prepare(root, SECOND, CGROUP_BIT(CGROUP_MEMORY) | CGROUP_BIT(CGROUP_PIDS));
	expect("ours/cgroup.subtree_control", "+memory +pids");
	expect("cgroup.subtree_control", "");
	/* More than was handed to us is asked of the top. */
	cgroup_prepare(root, SECOND, ALL);
	expect("cgroup.subtree_control", "+cpu +memory +pids");
}

/* Some controllers are in one version, some in the other. */
static void test_both(void **state)
{
	const char *own = "4:memory:/\n0::/ours\n";

	put_first("", ours());
	put("unified/cgroup.controllers", "pids\n");
	put("unified/cgroup.subtree_control", "pids\n");
	put("unified/ours/cgroup.controllers", "pids\n");
	put("unified/ours/cgroup.subtree_control", "pids\n");
	put_second("unified/ours/");
	cgroup_find(&tree, root, own, CGROUP_BIT(CGROUP_MEMORY) | CGROUP_BIT(CGROUP_PIDS));
	assert_int_equal(cgroup_make(&tree, "task-", &group), 0);
	assert_int_equal(group.count, 2);
	assert_int_equal(cgroup_limit(&group, CGROUP_MEMORY, &limits), 0);
	assert_int_equal(cgroup_limit(&group, CGROUP_PIDS, &limits), 0);
	expect_in("memory/", "/memory.limit_in_bytes", "67108864");
	expect_in("unified/ours/", "/pids.max", "30");
}

/* Groups of processes that are no more are removed; those of others are not. */
static void test_sweep(void **state)
{
	char alive[128], gone[128], other[128], strange[128];
	pid_t pid = fork();
	struct stat st;

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	assert_int_equal(stat("/proc/self/ns/pid", &st), 0);
	put("cgroup.controllers", "memory\n");
	snprintf(alive, sizeof(alive), "ours/%s", ours());
	snprintf(gone, sizeof(gone), "ours/task-%d-%llu", (int)pid, (unsigned long long)st.st_ino);
	snprintf(strange, sizeof(strange), "ours/task-%d-1", (int)pid);
	snprintf(other, sizeof(other), "ours/other-%d", (int)pid);
	mkdir(in_root("ours"), 0755);
	mkdir(in_root(alive), 0755);
	mkdir(in_root(gone), 0755);
	mkdir(in_root(strange), 0755);
	mkdir(in_root(other), 0755);
	cgroup_sweep(root, SECOND, CGROUP_BIT(CGROUP_MEMORY), "task-");
	assert_true(is_there(alive));
	assert_false(is_there(gone));
	assert_true(is_there(strange));
	assert_true(is_there(other));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),
		TEST(test_first),
		TEST(test_first_top),
		TEST(test_first_joined),
		TEST(test_second),
		TEST(test_second_some),
		TEST(test_second_top),
		TEST(test_prepare),
		TEST(test_both),
		TEST(test_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
