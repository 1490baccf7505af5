/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of an emulated device, as the kernel unpacks them into its memory at its start: a cpio archive ("newc": a header
 * of hexadecimal numbers, the name, the content, each padded to 4 bytes), compressed.
 */
#include "assess/emulated_parts.h"

#include "base/cleanup.h"
#include "base/installed.h"

#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define FOLDERS_MAX 64

struct image {
	FILE *out;
	unsigned number;            /* of the last entry */
	char *folders[FOLDERS_MAX]; /* that are in it; owned */
	unsigned folder_count;
	uint64_t bytes;     /* of all files */
	const char *failed; /* the file that could not be read */
};

static void pad(struct image *image, size_t size)
{
	for (; size % 4; size++)
		fputc(0, image->out);
}

static void add_entry(struct image *image, const char *name, unsigned mode, const void *data,
		      size_t size)
{
	size_t length = strlen(name) + 1;

	fprintf(image->out, "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X",
		++image->number, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, length, 0);
	fwrite(name, 1, length, image->out);
	pad(image, 110 + length);
	if (size)
		fwrite(data, 1, size, image->out);
	pad(image, size);
	image->bytes += size;
}

/* A folder and those above it, each once. */
static void add_folder(struct image *image, const char *path)
{
	char *above = strdup(path), *slash;

	for (unsigned i = 0; above && i < image->folder_count; i++)
		if (strcmp(image->folders[i], path) == 0) {
			free(above);
			return;
		}
	slash = above ? strrchr(above, '/') : NULL;
	if (!slash || image->folder_count == FOLDERS_MAX) {
		free(above);
		return;
	}
	if (slash > above) {
		*slash = 0;
		add_folder(image, above);
		*slash = '/';
	}
	if (image->folder_count == FOLDERS_MAX) {
		free(above);
		return;
	}
	image->folders[image->folder_count++] = above;
	add_entry(image, path + 1, S_IFDIR | 0755, NULL, 0);
}

/* The content of @from as the file @to. */
static void add_file(struct image *image, const char *from, const char *to)
{
	_cleanup_close_ int fd = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *data = NULL;
	_cleanup_free_ char *folder = strdup(to);
	struct stat is;

	if (fd < 0 || !folder || fstat(fd, &is) < 0 || !(data = malloc((size_t)is.st_size + 1)) ||
	    read(fd, data, (size_t)is.st_size) != is.st_size) {
		image->failed = from;
		return;
	}
	*strrchr(folder, '/') = 0;
	if (*folder)
		add_folder(image, folder);
	add_entry(image, to + 1, S_IFREG | 0755, data, (size_t)is.st_size);
}

/* What this program was linked with is what it has loaded. */
static int add_library(struct dl_phdr_info *info, size_t size, void *data)
{
	struct image *image = data;

	if (info->dlpi_name[0] == '/')
		add_file(image, info->dlpi_name, info->dlpi_name);
	return 0;
}

static void add_programs(struct image *image)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (length <= 0) {
		image->failed = "/proc/self/exe";
		return;
	}
	path[length] = 0;
	add_file(image, path, path);
	add_entry(image, "init", S_IFLNK | 0777, path,
		  (size_t)length); /* it is the first process */
	dl_iterate_phdr(add_library, image);
	if (installed_find("rivulet-lkl", path) == 0)
		add_file(image, path, path);
}

/* In about the order in which they need each other; what a kernel has built in it has no module of. */
static void add_modules(struct image *image, const struct emulated_kernel *kernel)
{
	static const char *const modules[] = {
		"drivers/virtio/virtio_ring",
		"drivers/virtio/virtio",
		"drivers/virtio/virtio_pci_legacy_dev",
		"drivers/virtio/virtio_pci_modern_dev",
		"drivers/virtio/virtio_pci",
		"lib/dim/dim",
		"net/core/failover",
		"drivers/net/net_failover",
		"drivers/net/virtio_net",
		"net/ipv4/inet_diag",
		"net/ipv4/tcp_diag",
		"net/mptcp/mptcp_diag",
	};
	static const char *const forms[] = {".ko", ".ko.xz", ".ko.zst"};

	for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
		for (size_t j = 0; j < ARRAY_SIZE(forms); j++) {
			char from[PATH_MAX + 64], to[64];

			snprintf(from, sizeof(from), "%s/%s%s", kernel->modules, modules[i],
				 forms[j]);
			snprintf(to, sizeof(to), EMULATED_MODULES "/%02zu%s", i, forms[j]);
			if (access(from, R_OK) == 0)
				add_file(image, from, to);
		}
}

/* The scenario is read again on the device. */
static void add_scenario(struct image *image, const struct scenario *scenario)
{
	char path[PATH_MAX];

	add_file(image, scenario->path, scenario->path);
	for (unsigned i = 0; i < scenario->trace_count; i++) {
		const char *slash = strrchr(scenario->path, '/');

		snprintf(path, sizeof(path), "%.*s%s",
			 scenario->trace_names[i][0] == '/' ? 0 : (int)(slash - scenario->path) + 1,
			 scenario->path, scenario->trace_names[i]);
		add_file(image, path, path);
	}
}

static void add_text(struct image *image, const char *folder, const char *name, const void *text,
		     size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	add_entry(image, path + 1, S_IFREG | 0644, text, size);
}

static void add_work(struct image *image, const struct emulated *what)
{
	_cleanup_fclose_ FILE *out = NULL;
	char *text = NULL;
	size_t size = 0;

	add_folder(image, what->folder);
	add_text(image, what->folder, EMULATED_SCENARIO, what->scenario->path,
		 strlen(what->scenario->path) + 1);
	out = open_memstream(&text, &size);
	for (char *const *word = what->command; out && *word; word++)
		fwrite(*word, 1, strlen(*word) + 1, out);
	if (out)
		fclose(steal_ptr(out));
	add_text(image, what->folder, EMULATED_COMMAND, text, size);
	free(text);
}

static void add_all(struct image *image, const struct emulated *what,
		    const struct emulated_kernel *kernel)
{
	static const char *const folders[] = {"/proc", "/sys", "/dev", "/tmp", "/run"};

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		add_folder(image, folders[i]);
	add_programs(image);
	add_modules(image, kernel);
	add_scenario(image, what->scenario);
	add_work(image, what);
	add_entry(image, "TRAILER!!!", 0, NULL, 0);
}

/* The end to write to of a gzip(1) that writes @path; a process of ours. */
static FILE *open_compressed(const char *path, pid_t *ret_pid)
{
	int ends[2], output;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return NULL;
	output = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	*ret_pid = output < 0 ? -1 : fork();
	if (*ret_pid == 0) {
		if (dup2(ends[0], 0) == 0 && dup2(output, 1) == 1)
			execlp("gzip", "gzip", "-1", (char *)NULL);
		_exit(127);
	}
	close_fd(ends[0]);
	close_fd(output);
	if (*ret_pid < 0) {
		close_fd(ends[1]);
		return NULL;
	}
	return fdopen(ends[1], "w");
}

int emulated_image(const struct emulated *what, const struct emulated_kernel *kernel,
		   uint64_t *ret_bytes, struct err *err)
{
	struct image image = {0};
	char path[PATH_MAX];
	int status = -1;
	bool whole;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/" EMULATED_IMAGE, what->folder);
	image.out = open_compressed(path, &pid);
	if (!image.out)
		return err_set(err, -errno, "%s cannot be written: %s", path, strerror(errno));
	add_all(&image, what, kernel);
	*ret_bytes = image.bytes;
	whole = !ferror(image.out);
	whole = fclose(image.out) == 0 && whole;
	for (unsigned i = 0; i < image.folder_count; i++)
		free(image.folders[i]);
	if (waitpid(pid, &status, 0) < 0 || status != 0 || !whole)
		return err_set(err, -EIO, "%s cannot be written", path);
	return image.failed ? err_set(err, -EIO, "%s cannot be read", image.failed) : 0;
}
