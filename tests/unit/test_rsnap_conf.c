/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_rsnap_conf.c - the configurations that rsnapshot gets to see, and its lock file.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exits.h"
#include "base/msg.h"
#include "rsnap/rsnap.h"
#include "rsnap/rsnap_conf.h"
#include "rsnap/rsnap_lock.h"
#include "unit.h"

#define GLOBAL "config_version\t1.2\nsnapshot_root\t/backups/\nsync_first\t1\nretain\thourly\t6\n" \
	       "cmd_rsync\t/usr/bin/rsync\nverbose\t1\n"

static char dir[] = "/tmp/test_rsnap_conf.XXXXXX";
static char rsnapshot[sizeof(dir) + 16];

static char *path_of(const char *name)
{
	static char path[4][256];
	static int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		exit(2);
}

/* What a file of that path holds, "" = nothing. */
static const char *text_of(const char *path)
{
	static char text[4096];
	FILE *f = fopen(path, "r");
	size_t n = f == NULL ? 0 : fread(text, 1, sizeof(text) - 1, f);

	text[n] = '\0';
	if (f != NULL)
		fclose(f);
	return text;
}

static struct rsnap *read_text(const char *text)
{
	write_file("conf", text);
	return rsnap_read(path_of("conf"));
}

static void test_lines(void)
{
	struct rsnap *r;
	char text[1024];

	write_file("more", "# nothing\nverbose\n\t2\nbackup\t/home/\tbeta/\n");
	snprintf(text, sizeof(text), GLOBAL
		 "cmd_preexec\t/bin/sh -c true\ncmd_postexec\t/bin/true\nlockfile\t/run/x.pid\n"
		 "backup_exec\t/bin/date \"+ %%s\"\nbackup\t/etc/\talpha/etc/\t+rsync_long_args=-x,one_fs=1\n"
		 "include_conf\t%s\nbackup_exec\tfalse\trequired\nbackup_script\t/bin/a b\talpha/db/\n"
		 "backup_exec\tlast\toptional\n", path_of("more"));
	r = read_text(text);
	ok(r != NULL, "commands, and points of two hosts");
	if (r == NULL)
		return;
	ok(r->nline == 10 && r->line[0].point == -1 && strcmp(r->line[6].text,
	   "backup\t/etc/\talpha/etc/\t+rsync_long_args=-x,one_fs=1") == 0 && r->line[6].point == 0,
	   "a line as it stands");
	ok(strcmp(r->line[7].text, "verbose\t2") == 0 && r->line[8].point == 1 && r->line[9].point == 2,
	   "included ones in their place, continued ones in one");
	ok(strcmp(r->cmd_preexec, "/bin/sh -c true") == 0 && strcmp(r->cmd_postexec, "/bin/true") == 0 &&
	   strcmp(r->lockfile, "/run/x.pid") == 0, "what ss-run does itself");
	ok(r->nexec == 3 && r->exec[0].place == 0 && r->exec[1].place == 2 && r->exec[2].place == 3,
	   "places of backup_exec");
	ok(strcmp(r->exec[0].command, "/bin/date \"+ %s\"") == 0 && !r->exec[0].required &&
	   r->exec[1].required && !r->exec[2].required, "commands, required or not");
	rsnap_free(r);
	unlink(path_of("more"));
}

static void test_refuse(void)
{
	static const struct {
		const char *text, *what;
	} bad[] = {
		{ GLOBAL "backup\t/etc/\ta/\nbackup_exec\t/bin/x\tmaybe\n", "backup_exec maybe" },
		{ GLOBAL "backup\t/etc/\ta/\nbackup_exec\n", "backup_exec without command" },
		{ GLOBAL "backup\t/etc/\ta/\ncmd_preexec\t/nowhere/at/all\n", "cmd_preexec not there" },
		{ GLOBAL "backup\t/etc/\ta/\ncmd_preexec\ttrue\n", "a relative cmd_preexec" },
		{ GLOBAL "backup\t/etc/\ta/\ncmd_postexec\t/etc/passwd x\n", "cmd_postexec no program" },
		{ GLOBAL "backup\t/etc/\ta/\nlockfile\tx.pid\n", "a relative lockfile" },
		{ "\tbackup\t/etc/\ta/\n" GLOBAL, "an indented line that continues none" },
	};
	struct rsnap *r;
	size_t i;
	FILE *f;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		r = read_text(bad[i].text);
		ok(r == NULL, "refused: %s", bad[i].what);
		rsnap_free(r);
	}
	write_file("conf", GLOBAL "backup\t/etc/\ta/\n");
	f = fopen(path_of("conf"), "a");
	need(f != NULL && fwrite("\0backup\t/home/\tb/\n", 1, 17, f) == 17 && fclose(f) == 0);
	ok(rsnap_read(path_of("conf")) == NULL, "refused: a NUL byte");
}

static void test_write(void)
{
	struct rsnap_conf_how how = { .dir = dir, .wrapper = "/lib/ss-rsync", .timeout = 7, .fd = 9, .writes = "/srv:/x" };
	struct rsnap_conf c = { 0 };
	struct rsnap *r = read_text(GLOBAL "backup\t/etc/\talpha/\nbackup\t/gone/\tbeta/\nlink_dest\t1\n"
				    "backup_exec\t/bin/true\nlockfile\t/run/x.pid\ncmd_preexec\t/bin/true\n");
	char want[1024];
	const char *text;
	struct stat st;

	need(r != NULL);
	ok(rsnap_conf_write(&c, r, "beta", &how) == 0 && strcmp(c.file, path_of("1.conf")) == 0,
	   "one host's");
	snprintf(want, sizeof(want), "# Written by ss-run for one run; it will be removed.\n" GLOBAL
		 "backup\t/gone/\tbeta/\nlink_dest\t1\ncmd_rsync\t/lib/ss-rsync\nuse_lazy_deletes\t1\n"
		 "lockfile\t%s\ncmd_cp\t/bin/cp\n", path_of("1.pid"));
	text = text_of(c.file);
	ok(strcmp(text, want) == 0, "its lines and those that concern all");
	ok(stat(c.file, &st) == 0 && (st.st_mode & 0777) == 0600, "for nobody else to read");
	ok(strcmp(c.env[1], "SECONDSHOT_RSYNC=/usr/bin/rsync") == 0 && strstr(c.env[2], "/1.results") &&
	   strcmp(c.env[3], "SECONDSHOT_TIMEOUT=7") == 0 && strcmp(c.env[4], "SECONDSHOT_ROOT=/backups") == 0 &&
	   strcmp(c.env[5], "SECONDSHOT_DIR_FD=9") == 0 && strcmp(c.env[6], "SECONDSHOT_WRITES=/srv:/x") == 0 &&
	   c.env[7] == NULL, "its environment");
	unlink(c.file);
	rsnap_conf_free(&c);
	ok(rsnap_conf_write(&c, r, NULL, &how) == 0, "one without hosts");
	text = text_of(c.file);
	ok(strstr(text, "backup\t") == NULL && strstr(text, "backup_exec\ttrue\n") != NULL &&
	   strstr(text, "/bin/true") == NULL, "no point of anybody's in it");
	unlink(c.file);
	rsnap_conf_free(&c);
	how.wrapper = "/a\tb";
	ok(rsnap_conf_write(&c, r, NULL, &how) == -1, "a path that rsnapshot would take for two");
	rsnap_conf_free(&c);
	how.wrapper = NULL;
	ok(rsnap_conf_write(&c, r, "alpha", &how) == 0 && access(c.file, F_OK) != 0, "only its name");
	rsnap_conf_free(&c);
	rsnap_free(r);
}

/* A process whose command line says that it is name; its id is left in the file. */
static pid_t pretend(const char *name, const char *file)
{
	pid_t pid = fork();
	char text[32];
	int i;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("/bin/sleep", name, "60", (char *)NULL);
		_exit(127);
	}
	snprintf(text, sizeof(text), "%ld", (long)pid);
	write_file(file, text);
	/* Until it is no copy of us any more. */
	snprintf(rsnapshot, sizeof(rsnapshot), "/proc/%ld/cmdline", (long)pid);
	for (i = 0; i < 1000 && strcmp(text_of(rsnapshot), name) != 0; i++)
		usleep(10000);
	return pid;
}

static void test_lock(void)
{
	struct rsnap r = { 0 };
	siginfo_t info;
	char text[32];
	pid_t pid;

	ok(rsnap_lock_take(&r, 0) == SS_OK, "no lock file configured");
	rsnap_lock_release(&r);
	r.lockfile = strdup(path_of("pid"));
	need(r.lockfile != NULL);
	snprintf(text, sizeof(text), "%ld", (long)getpid());
	ok(rsnap_lock_take(&r, 0) == SS_OK && strcmp(text_of(r.lockfile), text) == 0, "taken");
	rsnap_lock_release(&r);
	ok(access(r.lockfile, F_OK) != 0, "and released");
	write_file("pid", "");
	ok(rsnap_lock_take(&r, 0) == SS_OK, "an empty one is stale");
	ok(rsnap_lock_take(&r, 0) == SS_OK, "so is one with our own id, which an earlier process had");
	write_file("pid", "1");
	ok(rsnap_lock_take(&r, 0) == SS_OK, "and one whose process is no rsnapshot");
	write_file("pid", "1");
	rsnap_lock_release(&r);
	ok(access(r.lockfile, F_OK) == 0, "one that is not ours is not removed");
	pid = pretend("/usr/bin/rsnapshot", "pid");
	ok(rsnap_lock_take(&r, 0) == SS_LOCKED && access(r.lockfile, F_OK) == 0, "a running rsnapshot's");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(rsnap_lock_take(&r, 0) == SS_OK, "a dead one's");
	pid = pretend("ss-run", "pid");
	ok(rsnap_lock_take(&r, 1) == SS_LOCKED, "a running ss-run's, waited for");
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	ok(rsnap_lock_take(&r, 0) == SS_OK, "a killed one's, whom nobody has waited for yet");
	waitpid(pid, NULL, 0);
	rsnap_lock_release(&r);
	need(mkdir(r.lockfile, 0700) == 0);
	ok(rsnap_lock_take(&r, 0) == SS_FAIL, "a directory");
	rmdir(r.lockfile);
	need(symlink("nowhere", r.lockfile) == 0);
	ok(rsnap_lock_take(&r, 0) == SS_FAIL, "a link");
	unlink(r.lockfile);
	free(r.lockfile);
}

int main(void)
{
	if (mkdtemp(dir) == NULL)
		return 2;
	msg_level(MSG_NONE);
	test_lines();
	test_refuse();
	test_write();
	test_lock();
	unlink(path_of("conf"));
	rmdir(dir);
	return done();
}
