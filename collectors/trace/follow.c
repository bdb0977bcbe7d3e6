/* SPDX-License-Identifier: Apache-2.0 */
#include "follow.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "source/rights.h"
#include "trace.h"

#define LOOK_EVERY_NS 100000000

static volatile sig_atomic_t interrupted;
static volatile sig_atomic_t watcher; /* the child's pid; 0: none */

/* From a terminal the child is told too; from elsewhere only we are. */
static void on_interrupt(int signal_number)
{
	interrupted = 1;
	if (watcher > 0)
		kill(watcher, signal_number);
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_interrupt};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* The path of the file it runs, also when another lies there by now; false: there is no such process. */
static bool exe_of(int pid, char path[PATH_MAX])
{
	char link[64];
	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	ssize_t length = readlink(link, path, PATH_MAX - 1);
	if (length <= 0)
		return false;
	path[length] = '\0';
	static const char deleted[] = " (deleted)";
	size_t cut = strlen(deleted);
	if ((size_t)length > cut && strcmp(path + length - cut, deleted) == 0)
		path[length - cut] = '\0';
	return true;
}

/* A process that runs the file; of several the one with the highest number. 0: none. */
static int find_exe(const char *wanted)
{
	char path[PATH_MAX];
	int found = 0;
	DIR *processes = opendir("/proc");
	for (const struct dirent *entry; processes && (entry = readdir(processes));) {
		int pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
		if (pid > found && exe_of(pid, path) && strcmp(path, wanted) == 0)
			found = pid;
	}
	if (processes)
		closedir(processes);
	return found;
}

static int wait_for_exe(const char *wanted)
{
	const struct timespec pause = {.tv_nsec = LOOK_EVERY_NS};
	int pid = 0;
	while (!interrupted && (pid = find_exe(wanted)) == 0)
		nanosleep(&pause, NULL);
	return pid;
}

/* Watches one life in a process of its own; its exit status. */
static int watch_life(const struct trace_options *options)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0)
		exit(trace_live(options));
	watcher = pid;
	if (pid < 0) {
		trace_say("cannot start a process: %s", strerror(errno));
		return EXIT_ERROR;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	watcher = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_ERROR;
}

int trace_follow(const struct trace_options *options)
{
	struct trace_options life = *options;
	char exe[PATH_MAX];
	if (!exe_of(life.pid, exe))
		return trace_live(options); /* which says what is wrong */
	catch_signals();
	if (rights_keep_to_load())
		trace_say("cannot give up the rights that attaching does not take; going on with them");
	trace_say("--follow: process %d stays behind to attach again to %s; it keeps the rights for that", (int)getpid(), exe);
	for (;;) {
		int status = watch_life(&life);
		char now[PATH_MAX];
		bool ended = status == EXIT_OK || status == EXIT_TARGET_LEFT || status == EXIT_FAIL_IF;
		if (interrupted || !ended || (exe_of(life.pid, now) && strcmp(now, exe) == 0))
			return status;
		trace_say("process %d has ended; waiting for the next %s", life.pid, exe);
		life.pid = wait_for_exe(exe);
		if (interrupted)
			return status;
	}
}
