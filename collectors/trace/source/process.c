/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FILES_LIMIT 4096

static FILE *proc_fopen(pid_t pid, const char *name)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return fopen(path, "re");
}

static int no_such(struct source_error *error, pid_t pid)
{
	return source_error_set(error, SOURCE_NO_TARGET, -ESRCH, "no process %d; see `ps -e` for the pids there are",
				pid);
}

/* The thread group's leader, and the last (innermost) of its names. */
static int read_status(struct process *process, pid_t pid)
{
	FILE *file = proc_fopen(pid, "status");
	if (!file)
		return -ESRCH;
	char line[512];
	process->pid = 0;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "Tgid:", 5) == 0)
			process->pid = (pid_t)strtol(line + 5, NULL, 10);
		if (strncmp(line, "NStgid:", 7) == 0)
			process->ns_pid = (pid_t)strtol(strrchr(line, '\t'), NULL, 10);
	}
	fclose(file);
	return process->pid > 0 ? 0 : -ESRCH;
}

static void read_comm(struct process *process)
{
	FILE *file = proc_fopen(process->pid, "comm");
	if (!file)
		return;
	if (fgets(process->comm, sizeof(process->comm), file))
		process->comm[strcspn(process->comm, "\n")] = 0;
	fclose(file);
}

static int read_exe(struct process *process)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/exe", process->pid);
	ssize_t length = readlink(path, process->exe, sizeof(process->exe) - 1);
	if (length < 0)
		return -errno;
	process->exe[length] = 0;
	return 0;
}

static bool file_known(const struct process *process, const struct process_file *file)
{
	for (size_t f = 0; f < process->file_count; f++)
		if (process->files[f].inode == file->inode && process->files[f].device == file->device)
			return true;
	return false;
}

static int file_add(struct process *process, const struct process_file *file)
{
	if (process->file_count >= FILES_LIMIT || file_known(process, file))
		return 0;
	size_t bytes = (process->file_count + 1) * sizeof(*file);
	struct process_file *files = realloc(process->files, bytes);
	if (!files)
		return -ENOMEM;
	process->files = files;
	process->files[process->file_count++] = *file;
	return 0;
}

/* One line of /proc/PID/maps; false: not a file's executable mapping. */
static bool parse_mapping(const struct process *process, const char *line, struct process_file *file)
{
	uint64_t start, end, offset;
	unsigned int major, minor;
	char rights[5];
	int name = 0;
	uint64_t inode;
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &start, &end, rights, &offset,
		   &major, &minor, &inode, &name) < 7)
		return false;
	if (rights[2] != 'x' || inode == 0)
		return false;
	*file = (struct process_file){.start = start, .offset = offset, .inode = inode};
	file->device = makedev(major, minor);
	snprintf(file->path, sizeof(file->path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, process->pid, start, end);
	snprintf(file->name, sizeof(file->name), "%.*s", (int)strcspn(line + name, "\n"), line + name);
	return true;
}

/* Moves the executable to the front; /proc/PID/exe opens it with fewer rights than map_files. */
static void executable_first(struct process *process)
{
	for (size_t f = 0; f < process->file_count; f++) {
		if (strcmp(process->files[f].name, process->exe) != 0)
			continue;
		struct process_file executable = process->files[f];
		process->files[f] = process->files[0];
		snprintf(executable.path, sizeof(executable.path), "/proc/%d/exe", process->pid);
		process->files[0] = executable;
		return;
	}
}

static int read_files(struct process *process)
{
	FILE *maps = proc_fopen(process->pid, "maps");
	if (!maps)
		return -errno;
	char *line = NULL;
	size_t size = 0;
	int result = 0;
	while (!result && getline(&line, &size, maps) > 0) {
		struct process_file file;
		if (parse_mapping(process, line, &file))
			result = file_add(process, &file);
	}
	free(line);
	fclose(maps);
	executable_first(process);
	return result;
}

static int proc_open_memory(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int process_look(struct process *process, struct source_error *error)
{
	read_comm(process);
	int result = read_exe(process);
	if (!result)
		result = read_files(process);
	if (result == -ENOENT && process_alive(process))
		return source_error_set(error, SOURCE_NO_TARGET, -ENOENT,
					"process %d (%s) is a kernel thread or has ended; name a running program",
					process->pid, process->comm);
	if (result == -ENOENT || result == -ESRCH)
		return no_such(error, process->pid);
	if (result)
		return source_error_set(error, SOURCE_NO_PERMISSION, result,
					"cannot look into process %d: %s; run memlab-trace as root", process->pid,
					strerror(-result));
	process->memory = proc_open_memory(process->pid);
	return 0;
}

int process_open(struct process *process, pid_t pid, struct source_error *error)
{
	*process = (struct process){.pidfd = -1, .memory = -1};
	if (pid <= 0 || read_status(process, pid))
		return no_such(error, pid);
	process->pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	if (process->pidfd < 0)
		return no_such(error, pid);
	int result = process_look(process, error);
	if (result)
		process_close(process);
	return result;
}

void process_close(struct process *process)
{
	if (process->pidfd >= 0)
		close(process->pidfd);
	if (process->memory >= 0)
		close(process->memory);
	free(process->files);
	*process = (struct process){.pidfd = -1, .memory = -1};
}

bool process_alive(const struct process *process)
{
	struct pollfd end = {.fd = process->pidfd, .events = POLLIN};
	return poll(&end, 1, 0) == 0;
}

int process_read(const struct process *process, uint64_t address, void *bytes, size_t size)
{
	return pread(process->memory, bytes, size, (off_t)address) == (ssize_t)size ? 0 : -EIO;
}
