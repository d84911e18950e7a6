/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* probe.c - can the file system of a volume do what a run needs of it? */
#include "tree/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define PROBE_DIR FILE_NEW "probe"
#define OTHER (-1)		/* of a trial: it worked, and did something else */
#define HOLE (1 << 20)
#define AFTER_2038 4102444800	/* the year 2100 */
#define NANOSECONDS 123456700	/* the finest that NTFS keeps */
#define SOMEBODY 65534

/* Make the file name.  A descriptor, or -1 with errno. */
static int make(int dir, const char *name)
{
	return openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* The same, closed.  0 or errno. */
static int touch(int dir, const char *name)
{
	int fd = make(dir, name);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* Every trial: 0, an errno, or OTHER; dir is empty before, and is emptied afterwards. */

static int try_links(int dir)
{
	struct stat st;
	int error = touch(dir, "a");

	if (error != 0)
		return error;
	if (linkat(dir, "a", dir, "b", 0) != 0 || fstatat(dir, "b", &st, 0) != 0)
		return errno;
	return st.st_nlink == 2 ? 0 : OTHER;
}

static int try_long_name(int dir)
{
	char name[256];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	return touch(dir, name);
}

/* What other systems forbid, what is no UTF-8, a line's end, a last blank. */
static int try_bytes(int dir)
{
	static const char name[] = "\\:*?\"<>|\x80\xff\n ";
	int error = touch(dir, name);
	struct stat st;

	if (error != 0)
		return error;
	/* It may have been changed on its way. */
	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(dir, "\\:*?\"<>|\x80\xff\n", &st, AT_SYMLINK_NOFOLLOW) != 0 ? 0 : OTHER;
}

static int try_case(int dir)
{
	int error = touch(dir, "a");

	if (error != 0)
		return error;
	error = touch(dir, "A");
	return error == EEXIST ? OTHER : error;
}

static int try_rename(int dir)
{
	if (mkdirat(dir, "a", 0700) != 0 || renameat(dir, "a", dir, "b") != 0)
		return errno;
	return 0;
}

static int try_exclusive_rename(int dir)
{
	if (mkdirat(dir, "a", 0700) != 0 || renameat2(dir, "a", dir, "b", RENAME_NOREPLACE) != 0)
		return errno;
	return 0;
}

/* Set a time and read it back. */
static int keeps_time(int dir, struct timespec t)
{
	const struct timespec both[] = { t, t };
	struct stat st;
	int error = touch(dir, "a");

	if (error != 0)
		return error;
	if (utimensat(dir, "a", both, AT_SYMLINK_NOFOLLOW) != 0 || fstatat(dir, "a", &st, 0) != 0)
		return errno;
	return st.st_mtim.tv_sec == t.tv_sec && st.st_mtim.tv_nsec == t.tv_nsec ? 0 : OTHER;
}

static int try_times(int dir)
{
	return keeps_time(dir, (struct timespec){ .tv_sec = 1000000001, .tv_nsec = NANOSECONDS });
}

static int try_late_times(int dir)
{
	return keeps_time(dir, (struct timespec){ .tv_sec = AFTER_2038 });
}

static int try_modes(int dir)
{
	const mode_t mode = 04751;
	struct stat st;
	int error = touch(dir, "a");

	if (error != 0)
		return error;
	if (fchmodat(dir, "a", mode, 0) != 0 || fstatat(dir, "a", &st, 0) != 0)
		return errno;
	return (st.st_mode & 07777) == mode ? 0 : OTHER;
}

static int try_owners(int dir)
{
	struct stat st;
	int error = touch(dir, "a");

	if (error != 0 || geteuid() != 0)
		return error;
	if (fchownat(dir, "a", SOMEBODY, SOMEBODY, AT_SYMLINK_NOFOLLOW) != 0 ||
	    fstatat(dir, "a", &st, 0) != 0)
		return errno;
	return st.st_uid == SOMEBODY && st.st_gid == SOMEBODY ? 0 : OTHER;
}

static int try_symlinks(int dir)
{
	return symlinkat("target", dir, "a") == 0 ? 0 : errno;
}

static int try_fifos(int dir)
{
	return mkfifoat(dir, "a", 0600) == 0 ? 0 : errno;
}

static int try_holes(int dir)
{
	int fd = make(dir, "a"), error = 0;
	struct stat st;

	if (fd < 0)
		return errno;
	if (ftruncate(fd, HOLE) != 0 || fsync(fd) != 0 || fstat(fd, &st) != 0)
		error = errno;
	else if ((int64_t)st.st_blocks * 512 >= HOLE)
		error = OTHER;
	close(fd);
	return error;
}

/* A second open file must not get what the first one has. */
static int try_locks(int dir)
{
	int one = make(dir, "a"), two, error = 0;

	if (one < 0)
		return errno;
	two = openat(dir, "a", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (two < 0 || flock(one, LOCK_EX | LOCK_NB) != 0)
		error = errno;
	else if (flock(two, LOCK_EX | LOCK_NB) == 0)
		error = OTHER;
	if (two >= 0)
		close(two);
	close(one);
	return error;
}

static int try_flush(int dir)
{
	return fsync(dir) == 0 ? 0 : errno;
}

static const struct trial {
	const char *what;
	int (*fn)(int dir);
	enum probe_cost cost;
	const char *means;
} trials[] = {
	{ "hard links", try_links, PROBE_ALL, "unchanged files cannot be shared between savesets" },
	{ "renaming directories", try_rename, PROBE_ALL, "nothing can be rotated" },
	{ "locks (flock)", try_locks, PROBE_ALL, "two runs could be at work at once" },
	{ "flushing a directory", try_flush, PROBE_ALL, "nothing could be claimed to be stored" },
	{ "owners", try_owners, PROBE_SOME, "who owned a file is lost" },
	{ "modes", try_modes, PROBE_SOME, "who might read a file is lost" },
	{ "symbolic links", try_symlinks, PROBE_SOME, "they are not backed up, and hosts are partial" },
	{ "named pipes", try_fifos, PROBE_SOME, "they are not backed up, and hosts are partial" },
	{ "names of 255 bytes", try_long_name, PROBE_SOME, "files with long names are not backed up" },
	{ "names of any bytes", try_bytes, PROBE_SOME,
	  "files with such names are not backed up, or get others" },
	{ "upper and lower case in names", try_case, PROBE_SOME,
	  "of two names that differ in nothing else one is lost" },
	{ "times with fractions of seconds", try_times, PROBE_SOME,
	  "files may be copied again each time; see --modify-window in rsync(1)" },
	{ "times after 2038", try_late_times, PROBE_SOME, "such times are changed" },
	{ "holes in files", try_holes, PROBE_SOME, "sparse files take the room of their whole size" },
	{ "renames that replace nothing", try_exclusive_rename, PROBE_NOTHING,
	  "ss-run looks first whether a name is free" },
};

/* Remove whatever a trial made; their names are few. */
static void clear(int dir)
{
	static const char *const names[] = { "a", "A", "b", "\\:*?\"<>|\x80\xff\n ", "\\:*?\"<>|\x80\xff\n" };
	char name[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (unlinkat(dir, names[i], 0) != 0)
			unlinkat(dir, names[i], AT_REMOVEDIR);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	unlinkat(dir, name, 0);
}

int probe_volume(const struct volume *v, probe_lack_fn *lack, void *arg)
{
	int dir = file_make_dir(v->own, PROBE_DIR, 0700), n = 0, error;

	/* One at a time: they have the same names. */
	if (dir < 0 || (flock(dir, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)) {
		if (dir >= 0)
			close(dir);
		return -1;
	}
	clear(dir);		/* of what was killed */
	for (const struct trial *t = trials; t < trials + sizeof(trials) / sizeof(*trials); t++) {
		error = t->fn(dir);
		clear(dir);
		if (error == 0)
			continue;
		n++;
		lack(t->what, error == OTHER ? 0 : error, t->means, t->cost, arg);
	}
	unlinkat(v->own, PROBE_DIR, AT_REMOVEDIR);
	close(dir);
	return n;
}
