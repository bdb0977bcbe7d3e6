/* SPDX-License-Identifier: Apache-2.0 */
/* A pipe that exec closes says when the command has become its program; what is written into it says why it has not. */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void become(char *const *command, int told)
{
	execvp(command[0], command);
	int error = errno;
	ssize_t written = write(told, &error, sizeof(error));
	_exit(written == sizeof(error) ? 127 : 126);
}

pid_t launch(char *const *command)
{
	int ends[2], error = 0;
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid_t pid = fork();
	if (pid == 0)
		become(command, ends[1]);
	if (pid < 0)
		error = errno;
	close(ends[1]);
	ssize_t got = pid > 0 ? read(ends[0], &error, sizeof(error)) : 0;
	close(ends[0]);
	if (pid > 0 && got > 0)
		waitpid(pid, NULL, 0);
	return error ? -error : pid;
}

void launch_end(pid_t pid)
{
	if (pid <= 0 || waitpid(pid, NULL, WNOHANG) == pid)
		return;
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}
