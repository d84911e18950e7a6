/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * flip A B COUNT - exchange two names again and again, COUNT times at least and until
 * stdin ends; then print how often.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int flip(const char *a, const char *b)
{
	/* A link in the place of a directory is removed by rsync before the directory is made. */
	for (int i = 0; i < 1000000; i++) {
		if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0)
			return 0;
		if (errno != ENOENT)
			break;
	}
	fprintf(stderr, "flip: %s, %s: %s\n", a, b, strerror(errno));
	return -1;
}

int main(int argc, char **argv)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	unsigned long count = 0, least;

	if (argc != 4) {
		fprintf(stderr, "usage: flip A B COUNT\n");
		return 2;
	}
	least = strtoul(argv[3], NULL, 10);
	do {
		if (flip(argv[1], argv[2]) < 0)
			return 1;
		count++;
	} while (count < least || (count % 64) || poll(&in, 1, 0) == 0);
	printf("%lu\n", count);
	return 0;
}
