/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_conf.c - settings: which wins, what is refused. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/msg.h"
#include "base/trust.h"
#include "conf/conf.h"
#include "conf/login.h"
#include "unit.h"

static char dir[64], *file;

static void put(const char *text)
{
	FILE *f = fopen(file, "w");

	need(f);
	fputs(text, f);
	need(fclose(f) == 0);
}

/* Does this file load? */
static int loads(const char *text)
{
	struct conf c;
	int rc;

	put(text);
	rc = conf_load(&c, file, NULL);
	conf_free(&c);
	return rc == 0;
}

static void test_strength(void)
{
	struct conf c;
	const struct conf_pair given[] = { { "db-url", "option" }, { "autoverify", "no" }, { NULL, NULL } };

	put("");
	ok(conf_load(&c, file, NULL) == 0 && strcmp(c.volume, "backup") == 0 && c.db_timeout == 60 && !c.autoverify &&
	   strcmp(c.hashtype, "sha256") == 0 && !c.logfile && c.threads == 0 && !conf_named(&c, "hashtype"), "defaults");
	conf_free(&c);
	put("# a comment\n; another\n\ndb-url = file ; and one more\nvolume=b\nautoverify = YES\nthreads = 3\n"
	    "hashtype = md5\nlog-level=debug\n");
	ok(conf_load(&c, file, NULL) == 0 && strcmp(c.db_url, "file") == 0 && strcmp(c.volume, "b") == 0 &&
	   c.autoverify == 1 && c.threads == 3 && strcmp(c.hashtype, "md5") == 0 && strcmp(c.config, file) == 0,
	   "the file over the defaults");
	conf_free(&c);
	setenv("DB_URL", "environment", 1);
	ok(conf_load(&c, file, NULL) == 0 && strcmp(c.db_url, "environment") == 0, "the environment over the file");
	conf_free(&c);
	ok(conf_load(&c, file, given) == 0 && strcmp(c.db_url, "option") == 0 && c.autoverify == 0 && c.threads == 3,
	   "options over all, where they are given");
	conf_free(&c);
	unsetenv("DB_URL");
}

/* A url and a type name the same thing: the stronger counts, and between equals the url. */
static void test_catalog(void)
{
	struct conf c;
	const struct conf_pair url[] = { { "db-url", "file2" }, { NULL, NULL } };
	const struct conf_pair type[] = { { "dbtype", "mariadb" }, { NULL, NULL } };

	put("db-url = file\ndbtype = mysql\ndbhost = h\n");
	ok(conf_load(&c, file, NULL) == 0 && strcmp(c.db_url, "file") == 0 && !c.dbtype, "of equals the url");
	conf_free(&c);
	setenv("DBTYPE", "mysql", 1);
	setenv("DBPORT", "3307", 1);
	setenv("DBPASS", "secret", 1);
	ok(conf_load(&c, file, NULL) == 0 && !c.db_url && strcmp(c.dbtype, "mysql") == 0 && c.dbport == 3307 &&
	   strcmp(c.dbhost, "h") == 0, "the environment's type over the file's url");
	ok(c.dbpass && !getenv("DBPASS"), "a password is taken out of the environment");
	conf_free(&c);
	ok(conf_load(&c, file, url) == 0 && strcmp(c.db_url, "file2") == 0 && !c.dbtype, "the option's url over that");
	conf_free(&c);
	ok(conf_load(&c, file, type) == 0 && !c.db_url && strcmp(c.dbtype, "mariadb") == 0, "the option's type too");
	conf_free(&c);
	setenv("DBPORT", "0x", 1);
	ok(conf_load(&c, file, NULL) != 0, "a port that is none");
	conf_free(&c);
	unsetenv("DBTYPE");
	unsetenv("DBPORT");
}

static void test_refused(void)
{
	struct conf c;
	const struct conf_pair given[] = { { "hashtype", "crc32" }, { NULL, NULL } };
	char line[400];

	ok(!loads("nonsense = 1\n"), "an unknown key");
	ok(!loads("volume\n") && !loads("volume =\n"), "a key without a value");
	ok(!loads("[section]\nvolume = a\n"), "a section");
	ok(!loads("volume = a\nvolume = b\n"), "a key given twice");
	ok(!loads("volume = a\n  threads = 2\n") && !loads("\tvolume = a\n"), "an indented line");
	snprintf(line, sizeof(line), "period.%060d = 1d\n  2d\n", 7);
	ok(!loads(line) && loads("volume = a\n  # a comment\n \n"), "also behind a long key; but a comment may be");
	ok(!loads("autoverify = perhaps\n") && !loads("threads = -1\n") && !loads("threads = 2x\n") &&
	   !loads("threads = 99999999999999999999\n") && !loads("db-timeout = soon\n"), "bad bools and numbers");
	ok(!loads("hashtype = crc32\n") && !loads("log-level = loud\n"), "unknown algorithm and level");
	ok(!loads("volume = a\tb\n") && !loads("backup-host = a\x1b[2J\n") && !loads("volume = a\x7f\n") &&
	   loads("volume = usb disk/1\n"), "a name with control characters");
	snprintf(line, sizeof(line), "volume = %0300d\n", 7);
	ok(!loads(line), "a line that is too long");
	put("volume = x\n");
	ok(conf_load(&c, file, given) != 0, "options face the same judgement");
	conf_free(&c);
	setenv("DBTYPE", "oracle", 1);
	ok(conf_load(&c, file, NULL) != 0, "another type of database");
	conf_free(&c);
	setenv("DBTYPE", "sqlite", 1);
	ok(conf_load(&c, file, NULL) == 0, "this one");
	conf_free(&c);
	unsetenv("DBTYPE");
}

/* What a nightly run is told. */
static void test_run(void)
{
	struct conf c;

	put("max-change = 40%\nmin-free = 0\nwait = 15m\nmax-age = 2w\nperiod.daily = 1d\non.x y = sunday\n");
	ok(conf_load(&c, file, NULL) == 0 && c.max_change == 40 && c.min_free == 0 && c.wait == 900 &&
	   c.max_age == 1209600 && c.jobs_hosts == 1 && c.hook_timeout == 600, "percentages and times");
	ok(strcmp(conf_value(&c, "period.", "daily"), "1d") == 0 && strcmp(conf_value(&c, "on.", "x y"), "sunday") == 0 &&
	   !conf_value(&c, "period.", "x y") && !conf_value(&c, "on.", "daily"), "families");
	conf_free(&c);
	ok(!loads("max-change = 101%\n") && !loads("max-change = %\n") && !loads("max-shrink = 5%%\n") &&
	   !loads("wait = 5x\n") && !loads("wait = -1m\n") && !loads("max-age = 9999999999w\n") && !loads("wait = m\n"),
	   "bad percentages and times");
	ok(!loads("period. = 1d\n") && !loads("period.a =\n") && !loads("period.a = 1d\nperiod.a = 2d\n") &&
	   !loads("periods.a = 1d\n"), "bad families");
	ok(!loads("max-change. = 1\n") && !loads("max-change.a =\n") && !loads("max-shrink.a = 101%\n") &&
	   !loads("min-change.a = 5%\n") && !loads("min-free.a = 5%\n") &&
	   !loads("max-change.a = 1\nmax-change.a = 2\n"), "bad limits of hosts");
	const struct conf_pair given[] = { { "max-change", "3" }, { NULL, NULL } };

	put("max-change = 40%\nmax-change.a.b = 60%\nmin-change.a.b = 7\n");
	ok(conf_load(&c, file, NULL) == 0 && conf_host_int(&c, "max-change", "a.b") == 60 &&
	   conf_host_int(&c, "max-change", "a") == 40 && conf_host_int(&c, "min-change", "a.b") == 7 &&
	   conf_host_int(&c, "min-change", "a") == 0, "a host's own values");
	conf_free(&c);
	ok(conf_load(&c, file, given) == 0 && conf_host_int(&c, "max-change", "a.b") == 3 &&
	   conf_host_int(&c, "min-change", "a.b") == 7, "the command line's beat them, key by key");
	conf_free(&c);
	ok(!loads("syslog = cron\n") && loads("syslog = none\n"), "facilities");
}

static int trusted(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC), rc;

	need(fd >= 0);
	rc = trust_file(fd, name);
	close(fd);
	return rc == 0;
}

/* dir is ours, dir/sub everybody's: what is named in one and lies in the other.  path: for names. */
static void test_trust_real(char *path, size_t size)
{
	char sub[80], deep[96], own[112];

	snprintf(sub, sizeof(sub), "%s/sub", dir);
	snprintf(deep, sizeof(deep), "%s/deep", sub);
	snprintf(own, sizeof(own), "%s/conf", deep);
	need(mkdir(deep, 0700) == 0 && link(file, own) == 0);
	ok(!trusted(own), "our own directory, in one that everybody may write");
	snprintf(path, size, "%s/link", dir);
	need(symlink("sub/deep/conf", path) == 0);
	ok(!trusted(path), "a link in a good directory to a file that lies below such a one");
	unlink(path);
	need(symlink("sub/deep", path) == 0);
	snprintf(path, size, "%s/link/conf", dir);
	ok(!trusted(path), "a link to a directory below such a one");
	need(chmod(sub, 0755) == 0);
	ok(trusted(path), "the same, once only we may write it");
	need(chmod(sub, 0775) == 0);
	ok(!trusted(path), "or its group may");
	need(chmod(sub, 01777) == 0);
	ok(trusted(path) == (geteuid() == 0), "what lies in root's own sticky one is its owner's");
	if (geteuid() == 0) {
		need(chown(sub, 12345, 0) == 0);
		ok(!trusted(path), "what lies in somebody's sticky one is his");
		need(chmod(sub, 0755) == 0);
		ok(!trusted(path), "and what lies below his directory");
		need(chown(sub, 0, 0) == 0);
	}
	need(chmod(sub, 0777) == 0);
	snprintf(path, size, "%s/link", dir);
	unlink(path);
	unlink(own);
	rmdir(deep);
}

static void test_trust(void)
{
	struct conf c;
	char link[128];

	put("volume = x\n");
	ok(trusted(file), "our own file");
	need(chmod(file, 0620) == 0);
	ok(!trusted(file), "a file that its group may write");
	need(chmod(file, 0602) == 0);
	ok(!trusted(file), "a file that everybody may write");
	need(chmod(file, 0600) == 0 && chmod(dir, 0777) == 0);
	ok(!trusted(file), "a directory that everybody may write");
	need(chmod(dir, 01777) == 0);
	ok(!trusted(file), "a sticky one");
	need(chmod(dir, 0700) == 0);
	snprintf(link, sizeof(link), "%s/sub", dir);
	need(mkdir(link, 0777) == 0 && chmod(link, 0777) == 0);
	snprintf(link, sizeof(link), "%s/sub/link", dir);
	need(symlink("../conf", link) == 0);
	ok(!trusted(link), "a link in such a directory to a good file");
	unlink(link);
	test_trust_real(link, sizeof(link));
	snprintf(link, sizeof(link), "%s/sub", dir);
	rmdir(link);
	ok(!trusted(dir), "a directory is no file");
	need(chmod(file, 0604) == 0);
	ok(conf_load(&c, file, NULL) == 0, "others may read it");
	conf_free(&c);
	need(chmod(file, 0602) == 0);
	ok(conf_load(&c, file, NULL) != 0, "what is not to be trusted is not loaded");
	conf_free(&c);
	need(chmod(file, 0600) == 0);
	if (geteuid() == 0) {
		need(chown(file, 12345, 0) == 0);
		ok(!trusted(file), "a file of somebody else");
	}
}

/* Does a server's password come out of the file? */
static int told(void)
{
	struct conf c;
	struct login l;
	int rc;

	c = (struct conf){ .db_password_file = file };
	rc = login_make(&l, &c, "mysql://user@host/name");
	rc = rc == 0 && strcmp(l.password, "secret") == 0;
	login_free(&l);
	return rc;
}

static void test_password(void)
{
	put("secret\n");
	need(chmod(file, 0600) == 0);
	ok(told(), "a password that its owner alone can read");
	need(chmod(file, 0640) == 0);
	ok(!told(), "its group can");
	need(chmod(file, 0604) == 0);
	ok(!told(), "everybody can");
	need(chmod(file, 0600) == 0 && chmod(dir, 0777) == 0);
	ok(!told(), "everybody can put another in its place");
	need(chmod(dir, 0700) == 0);
}

int main(void)
{
	const char *tmp = getenv("TMPDIR");

	msg_level(MSG_NONE);
	unsetenv("DB_URL");
	unsetenv("DBTYPE");
	unsetenv("SECONDSHOT_CONF");
	snprintf(dir, sizeof(dir), "%.40s/conf.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	need(mkdtemp(dir));
	file = mem_printf("%s/conf", dir);
	ok(conf_bool("yes") == 1 && conf_bool("OFF") == 0 && conf_bool("") == -1 && conf_bool("2") == -1, "yes and no");
	test_strength();
	test_catalog();
	test_refused();
	test_run();
	test_password();
	test_trust();
	unlink(file);
	rmdir(dir);
	free(file);
	return done();
}
