/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rss - run a command and append its name and peak memory in KiB to a file.
 *
 *	rss FILE COMMAND [ARGUMENT...]
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rusage ru;
	int status;
	FILE *out;
	pid_t pid;

	if (argc < 3) {
		fputs("usage: rss FILE COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	pid = fork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &ru) != pid) {
		perror("rss");
		return 2;
	}
	/* One write in append mode: several of us share the file. */
	out = fopen(argv[1], "ae");
	if (!out || fprintf(out, "%s %s %ld\n", argv[2], argc > 3 ? argv[3] : "-", ru.ru_maxrss) < 0 ||
	    fclose(out)) {
		perror(argv[1]);
		return 2;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
