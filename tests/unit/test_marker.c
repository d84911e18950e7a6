/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_marker.c - markers and ids of volumes: what is one, what is none, what could not be read. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/mem.h"
#include "tree/marker.h"
#include "tree/volume.h"
#include "unit.h"

#define ID "0123456789abcdef0123456789abcdef"
#define BEGIN "secondshot-marker 1\nsaveset s\nid " ID "\n"
#define GOOD BEGIN "status complete\nfiles 5\nend\n"

static char root[] = "/tmp/ss-marker.XXXXXX";
static int at, own;		/* the root, which serves as a location, too; its .secondshot */

static void put_bytes(const char *name, const char *text, size_t len)
{
	unlinkat(own, name, 0);
	int fd = openat(own, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	need(fd >= 0 && write(fd, text, len) == (ssize_t)len && close(fd) == 0);
}

/* Make the trees that the markers speak of, or remove them. */
static void trees(int location, int make)
{
	static const char *const host[] = { "host", "copy" };

	for (int i = 0; i < 2; i++)
		need((make ? mkdirat(location, host[i], 0700) : unlinkat(location, host[i], AT_REMOVEDIR)) == 0);
}

static void put(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

/* What marker_read makes of the host's marker; *why = errno. */
static int got(int *why)
{
	struct marker m;
	int rc;

	errno = 0;
	rc = marker_read(at, "host", &m);
	*why = errno;
	return rc;
}

static int is_none(const char *text)
{
	int why;

	put("host", text);
	return got(&why) == -1 && why == EINVAL;
}

static void texts(void)
{
	char nul[] = BEGIN "status complete\nend\n\0more", *big = mem_alloc(1000000);
	char long_name[500];
	struct marker m;
	int why;

	ok(got(&why) == 0, "no marker");
	put("host", GOOD);
	ok(marker_read(at, "host", &m) == 1 && !strcmp(m.saveset, "s") && !strcmp(m.id, ID) &&
	   !strcmp(m.status, "complete") && m.files == 5 && !m.full[0], "a whole one");
	ok(marker_has_id(at, "host", ID) == 1 && !marker_has_id(at, "host", "0") &&
	   !marker_has_id(at, "other", ID), "with its id");
	put("host", BEGIN "status complete\ncolour green\nend\n");
	ok(got(&why) == 1, "keys of a later version do no harm");
	ok(is_none(""), "empty");
	ok(is_none("something else\n"), "something else");
	ok(is_none("secondshot-marker 2\nsaveset s\nid " ID "\nstatus complete\nend\n"), "a later version");
	ok(is_none("secondshot-marker 11\nsaveset s\nid " ID "\nstatus complete\nend\n"), "version 11");
	ok(is_none(BEGIN "status complete\n"), "torn: no end");
	ok(is_none(BEGIN "end\n"), "no status");
	ok(is_none("secondshot-marker 1\nid " ID "\nstatus complete\nend\n"), "no name");
	ok(is_none("secondshot-marker 1\nsaveset s\nstatus complete\nend\n"), "no id");
	ok(is_none("secondshot-marker 1\nsaveset s\nid short\nstatus complete\nend\n"), "a short id");
	ok(is_none("secondshot-marker 1\nsaveset s\nid " ID "0\nstatus complete\nend\n"), "an id with a tail");
	ok(is_none(BEGIN "status complete\nmetadata " ID ID ID "\nend\n"), "a digest with a tail");
	ok(is_none("secondshot-marker 1\nsaveset s\x1b[2J\nid " ID "\nstatus complete\nend\n"),
	   "a name with a control character");
	ok(is_none("secondshot-marker 1\nsaveset s\nid /../../../../../../../etc/passwd\nstatus complete\nend\n"),
	   "an id that is none");
	ok(is_none(BEGIN "volume x\nstatus complete\nend\n"), "a volume's id that is none");
	ok(is_none(BEGIN "status com\tplete\nend\n"), "a status that is no word");
	ok(is_none(BEGIN "status complete\nfull yes\nend\n"), "a digest that is none");
	ok(is_none(BEGIN "status complete\nfiles many\nend\n"), "a number that is none");
	ok(is_none(BEGIN "status complete\nfiles 5x\nend\n"), "a number with a tail");
	ok(is_none(BEGIN "status complete\nfiles 99999999999999999999\nend\n"), "a number too large");
	ok(is_none(BEGIN "status complete\nword\nend\n"), "a line of one word");
	snprintf(long_name, sizeof(long_name), "secondshot-marker 1\nsaveset %0350d\nid " ID
		 "\nstatus complete\nend\n", 0);
	ok(is_none(long_name), "a name too long");
	put_bytes("host", nul, sizeof(nul) - 1);
	ok(got(&why) == -1 && why == EINVAL, "a NUL");
	put_bytes("host", big, 1000000);
	ok(got(&why) == -1 && why == EFBIG, "too large");
	free(big);
}

static void kinds(void)
{
	struct marker m;
	int why, fd;

	put("else", GOOD);
	need(unlinkat(own, "host", 0) == 0 && symlinkat("else", own, "host") == 0);
	ok(got(&why) == -1 && why == ELOOP && !marker_has_id(at, "host", ID), "a link to one");
	need(unlinkat(own, "host", 0) == 0 && mkfifoat(own, "host", 0600) == 0);
	ok(got(&why) == -1 && why == EINVAL, "a fifo is not waited for");
	need(unlinkat(own, "host", 0) == 0 && mkdirat(own, "host", 0700) == 0);
	ok(got(&why) == -1 && why == EINVAL, "a directory");
	need(unlinkat(own, "host", AT_REMOVEDIR) == 0);

	/* It may be hard-linked into other locations: those stay. */
	put("host", GOOD);
	need(linkat(own, "host", own, "copy", 0) == 0 && marker_read(at, "host", &m) == 1);
	memset(m.full, 'f', 64);
	ok(marker_write(at, "host", &m) == 0 && marker_read(at, "copy", &m) == 1 && !m.full[0] &&
	   marker_read(at, "host", &m) == 1 && strlen(m.full) == 64, "written anew, not in place");
	ok(marker_drop(at, "host") == 0 && marker_drop(at, "host") == 0 && got(&why) == 0 &&
	   marker_read(at, "copy", &m) == 1, "dropped, once and again, but not its copy");

	need(mkdirat(at, "place", 0700) == 0 && (fd = openat(at, "place", O_RDONLY)) >= 0);
	trees(fd, 1);
	ok(marker_read(fd, "host", &m) == 0, "no directory of markers");
	need(symlinkat("../.secondshot", fd, ".secondshot") == 0);
	memset(m.full, 'e', 64);
	ok(marker_read(fd, "copy", &m) == 0 && marker_drop(fd, "copy") == 0 &&
	   faccessat(own, "copy", F_OK, 0) == 0, "a link to one is not followed");
	ok(marker_dir_usable(fd) == 0, "nor is it of use");
	ok(marker_read(at, "copy", &m) == 1 && marker_write(fd, "host", &m) == 0 &&
	   faccessat(own, "host", F_OK, 0) != 0 && marker_read(fd, "host", &m) == 1 && marker_dir_usable(fd),
	   "it gives way to one");
	ok(faccessat(fd, ".secondshot.bad", F_OK, AT_SYMLINK_NOFOLLOW) == 0, "and is kept");
	/* One name is spoilt: the others' are taken over. */
	need(mkdirat(fd, ".secondshot/copy", 0700) == 0 && mkdirat(fd, ".secondshot/copy/in", 0700) == 0);
	ok(marker_drop(fd, "copy") == 0 && marker_read(fd, "host", &m) == 1 &&
	   faccessat(fd, ".secondshot.bad1/copy/in", F_OK, 0) == 0 && marker_read(fd, "copy", &m) == 0,
	   "a directory in a marker's place goes aside, the other markers stay");
	need(unlinkat(fd, ".secondshot.bad", 0) == 0 && unlinkat(fd, ".secondshot.bad1/copy/in", AT_REMOVEDIR) == 0 &&
	     unlinkat(fd, ".secondshot.bad1/copy", AT_REMOVEDIR) == 0 &&
	     unlinkat(fd, ".secondshot.bad1", AT_REMOVEDIR) == 0 && unlinkat(fd, ".secondshot/host", 0) == 0 &&
	     unlinkat(fd, ".secondshot", AT_REMOVEDIR) == 0);
	int file = openat(fd, ".secondshot", O_WRONLY | O_CREAT, 0600);
	ok(marker_read(fd, "host", &m) == 0 && !marker_dir_usable(fd), "a file in place of the directory");
	need(close(file) == 0 && unlinkat(fd, ".secondshot", 0) == 0);
	trees(fd, 0);
	need(close(fd) == 0 && unlinkat(at, "place", AT_REMOVEDIR) == 0);
}

/* Does volume_open take this for a volume's id? */
static int is_id(const char *text, size_t len)
{
	struct volume v;
	int rc;

	put_bytes("volume", text, len);
	rc = volume_open(&v, root);
	if (rc == 0 && strcmp(v.id, ID) != 0)
		rc = -2;
	volume_close(&v);
	return rc == 0;
}

#define IS_ID(text) is_id(text, sizeof(text) - 1)

static void ids(void)
{
	struct volume v;
	struct stat sb;
	char path[sizeof(root) + 20];
	int fresh;

	ok(IS_ID("secondshot-volume 1\nid " ID "\n"), "a volume's id");
	ok(!volume_away(root), "is there");
	ok(!IS_ID("secondshot-volume 1\nid " ID "0\n"), "a digit more");
	ok(!IS_ID("secondshot-volume 1\nid " ID "\nmore\n"), "a line more");
	ok(!IS_ID("secondshot-volume 1\nid " ID "\n\0"), "a NUL more");
	ok(!IS_ID("secondshot-volume 1\nid " ID), "no end of the line");
	ok(!IS_ID("secondshot-volume 1\nid 0123456789abcdef0123456789abcde\n"), "a digit less");
	ok(!IS_ID("secondshot-volume 1\nid 0123456789ABCDEF0123456789abcdef\n"), "other digits");
	ok(!IS_ID("secondshot-volume 2\nid " ID "\n"), "another version");
	ok(!IS_ID(""), "empty");
	ok(volume_create(&v, root, &fresh) == -1 && fstatat(own, "volume", &sb, 0) == 0 && !sb.st_size,
	   "what is no id is not replaced by a new one");
	volume_close(&v);

	/* It is there, and could not be read: neither absent nor anything to make anew. */
	need(unlinkat(own, "volume", 0) == 0 && symlinkat("volume", own, "volume") == 0);
	ok(volume_create(&v, root, &fresh) == -1 && !fresh &&
	   fstatat(own, "volume", &sb, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(sb.st_mode),
	   "what cannot be read is not made anew");
	volume_close(&v);
	need(unlinkat(own, "volume", 0) == 0);
	ok(volume_away(root) == 1, "absent");
	snprintf(path, sizeof(path), "%s/.secondshot/copy", root);
	ok(volume_away(path) == 0, "what cannot be looked at is not absent");
	snprintf(path, sizeof(path), "%s/nowhere", root);
	ok(volume_away(path) == 1, "no root at all");
	ok(volume_create(&v, root, &fresh) == 0 && fresh && strlen(v.id) == ID_LEN, "a new one");
	volume_close(&v);
	ok(volume_create(&v, root, &fresh) == 0 && !fresh, "is made once");
	ok(volume_is(&v, v.id) == 0 && volume_is(&v, ID) == -1, "and is no other");
	volume_close(&v);
}

/* What may be the name of a host or a location. */
static void names(void)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "/", ".secondshot", ".new-1.a", "a\nb", "a\x7f" };
	char name[300];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!volume_name_ok(bad[i]), "no name: %zu", i);
	snprintf(name, sizeof(name), "%0255d", 0);
	ok(volume_name_ok(name) && volume_name_ok("...") && volume_name_ok("a b") && volume_name_ok("\xff"), "names");
	snprintf(name, sizeof(name), "%0256d", 0);
	ok(!volume_name_ok(name), "longer than a file system takes");
}

int main(void)
{
	msg_level(MSG_NONE);
	need(mkdtemp(root) && (at = open(root, O_RDONLY)) >= 0);
	need(mkdirat(at, ".secondshot", 0700) == 0 && (own = openat(at, ".secondshot", O_RDONLY)) >= 0);
	put("host", GOOD);
	ok(!marker_has_id(at, "host", ID), "a marker without its tree is none");
	trees(at, 1);
	ok(marker_has_id(at, "host", ID), "with it, it is one");
	need(unlinkat(own, "host", 0) == 0);
	names();
	texts();
	kinds();
	ids();
	trees(at, 0);
	need(unlinkat(own, "volume", 0) == 0 && unlinkat(own, "copy", 0) == 0 &&
	     unlinkat(own, "else", 0) == 0 && unlinkat(at, ".secondshot", AT_REMOVEDIR) == 0 && rmdir(root) == 0);
	return done();
}
