/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* db_journal.c - does the journal beside a SQLite file belong to that file? */
#include "db/db_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"

#define COUNTER 24		/* where the change counter stands in the first page, and behind it ... */
#define PAGES 28		/* ... the number of pages */
#define HEADER 28		/* of a journal, in a sector of its own */
#define RECORDS_MAX 100000	/* so many pages are looked at for the first one */

static const unsigned char magic[8] = { 0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7 };

static uint32_t big_endian(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Is the database younger than its journal?  1, or 0 also where the file system does not tell. */
static int younger(int fd, int journal)
{
	struct statx d, j;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &d) < 0 || statx(journal, "", AT_EMPTY_PATH, STATX_BTIME, &j) < 0 ||
	    !(d.stx_mask & j.stx_mask & STATX_BTIME))
		return 0;
	return d.stx_btime.tv_sec != j.stx_btime.tv_sec ? d.stx_btime.tv_sec > j.stx_btime.tv_sec
		: d.stx_btime.tv_nsec > j.stx_btime.tv_nsec;
}

/* The change counter that the journal keeps: 1 found, 0 it has no copy of the first page. */
static int kept_counter(int journal, const unsigned char *header, uint32_t *counter)
{
	uint32_t sector = big_endian(header + 20), page = big_endian(header + 24);
	unsigned char four[4];
	off_t at = sector;

	for (int n = 0; n < RECORDS_MAX && pread(journal, four, 4, at) == 4; n++, at += 8 + (off_t)page) {
		if (big_endian(four) != 1)
			continue;
		if (pread(journal, four, 4, at + 4 + COUNTER) != 4)
			return 0;
		*counter = big_endian(four);
		return 1;
	}
	return 0;
}

/* Is it of another file?  1 or 0. */
static int is_strange(int fd, int journal)
{
	unsigned char header[HEADER], now[8];
	uint32_t before, counter;

	/* SQLite itself passes over what has no such header: it was ended in order, or never begun. */
	if (pread(journal, header, HEADER, 0) != HEADER || memcmp(header, magic, sizeof(magic)) != 0)
		return 0;
	if (pread(fd, now, 8, COUNTER) != 8)
		return younger(fd, journal);	/* it is empty: just made, or an init was killed */
	/* Without a copy of the first page, that page has not changed: the journal's header has its number of pages. */
	if (!kept_counter(journal, header, &before))
		return younger(fd, journal) || big_endian(now + (PAGES - COUNTER)) != big_endian(header + 16);
	counter = big_endian(now);
	return counter != before && counter != before + 1;
}

/* Look at the file whose name is the database's with suffix behind it.  0, or -1 after reporting that it is of another one. */
static int look(int fd, const char *path, const char *suffix)
{
	char *name = mem_printf("%s%s", path, suffix);
	int beside = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), strange = 0;
	struct stat st;

	/* A journal that has lost its name meanwhile was a running process's, which has committed. */
	if (beside >= 0)
		strange = (strcmp(suffix, "-journal") != 0 || is_strange(fd, beside)) &&
			  fstat(beside, &st) == 0 && st.st_nlink > 0;
	else if (errno != ENOENT)
		strange = 1;
	if (strange)
		msg_error("%s: %s belongs to another file, probably to the catalog that was here before; SQLite would "
			  "write its pages into this one. Remove %s, then put the copy here again",
			  escape_name(path), escape_name(name), escape_name(name));
	if (beside >= 0)
		close(beside);
	free(name);
	return strange ? -1 : 0;
}

int db_journal_belongs(int fd, const char *path)
{
	/* SQLite looks beside the file itself, not beside a link that leads to it. */
	char *real = realpath(path, NULL);
	const char *file = real ? real : path;
	/* We never make a -wal; a copy from elsewhere may have brought one. */
	int rc = look(fd, file, "-journal") < 0 || look(fd, file, "-wal") < 0 ? -1 : 0;

	free(real);
	return rc;
}
