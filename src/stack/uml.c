/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stack "uml": MPTCP of a kernel that runs as a process, User Mode Linux (kernel/uml.config). It traces the programs that run
 * in it, so it needs ptrace; and it maps its memory from a file, which must be on something that lets code be run.
 */
#include "base/boot.h"
#include "base/cleanup.h"
#include "base/code_folder.h"
#include "base/installed.h"
#include "stack/machine.h"
#include "stack/stack.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#define KERNEL "rivulet-uml"

/* Loops for each 1/100 s, which the kernel would take a quarter of a second to find out. It waits by it for no hardware. */
#define LOOPS "lpj=4000000"

static int trace_once(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? 1 : 0);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

/* Of a child whose end is ignored nobody is told how it was. */
static int try_trace(void)
{
	void (*before)(int) = signal(SIGCHLD, SIG_DFL);
	int code = trace_once();

	signal(SIGCHLD, before);
	return code;
}

static int probe_uml(struct err *why)
{
	char kernel[PATH_MAX];
	const char *memory;

#if defined(__SANITIZE_ADDRESS__)
	/* The first process inside is this very program, and a small machine has no room for its shadow memory. */
	return err_set(why, -ENOTSUP, "this rivulet is built with AddressSanitizer");
#endif
	if (installed_find(KERNEL, kernel) < 0)
		return err_set(why, -ENOENT,
			       "its kernel, %s, is not installed: `make kernels`, then build and "
			       "install again",
			       KERNEL);
	if (access(kernel, X_OK) < 0)
		return err_set(why, -errno, "its kernel %s cannot be run: %s", kernel,
			       strerror(errno));
	if (try_trace() < 0)
		return err_set(why, -EPERM,
			       "it traces the programs that run in it, and the sandbox around "
			       "this process forbids that");
	return code_folder_find(&memory, why);
}

struct arguments {
	char *all[18 + MACHINE_PIPES_MAX];
	unsigned count;
};

__attribute__((format(printf, 2, 3))) static void add(struct arguments *arguments,
						      const char *format, ...)
{
	va_list list;

	va_start(list, format);
	if (vasprintf(&arguments->all[arguments->count], format, list) >= 0)
		arguments->count++;
	va_end(list);
}

static int become_uml(const struct machine_setup *setup, struct err *err)
{
	const char *memory;
	struct arguments a = {0};
	char kernel[PATH_MAX], boot[BOOT_ID_DIGITS + 1];

	if (installed_find(KERNEL, kernel) < 0 || code_folder_find(&memory, NULL) < 0)
		return err_set(err, -ENOENT, "the kernel or a place for its memory is gone");
	add(&a, "%s", "rivulet-uml");
	add(&a, "mem=%lluM", (unsigned long long)(setup->memory >> 20));
	add(&a, "uml_dir=%s", setup->folder);
	add(&a, "%s", "root=/dev/root");
	add(&a, "%s", "rootfstype=hostfs");
	add(&a, "%s", "rootflags=/");
	add(&a, "%s", "rw");
	add(&a, "%s", "con=null");
	add(&a, "%s", "con0=null,fd:1");
	add(&a, "%s", "panic=-1");
	add(&a, "%s", LOOPS);
	if (!setup->verbose)
		add(&a, "%s", "quiet");
	if (boot_id(boot) == 0)
		add(&a, "rvstamps=%s", boot);
	add(&a, "rvports=%d", setup->ports);
	for (unsigned i = 0; i < setup->pipe_count; i++)
		add(&a, "rvpipe=%d", setup->pipes[i]);
	add(&a, "init=%s", setup->init);
	add(&a, "%s", "--");
	add(&a, "%s", setup->argument);
	/* Else its heap may lie far from its code, and all between counts as memory, with a description of each page. */
	personality(ADDR_NO_RANDOMIZE);
	setenv("TMPDIR", memory, 1);
	execv(kernel, a.all);
	return err_set(err, -errno, "cannot run the kernel %s: %s", kernel, strerror(errno));
}

static const struct stack_machine machine = {
	.memory = 128 << 20, .memory_min = 24 << 20, .become = become_uml};

const struct stack_ops stack_uml = {
	.name = "uml",
	.summary =
		"Multipath TCP of User Mode Linux, a kernel that is a process: programs run inside",
	.machine = &machine,
	.probe = probe_uml,
};
