/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_rsnap.c - rsnapshot's configuration, and what its transfers amount to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "rsnap/rsnap.h"
#include "rsnap/rsnap_job.h"
#include "unit.h"

#define PLAIN "snapshot_root\t/backups//\nsync_first\t1\nretain\thourly\t6\n"

static char dir[] = "/tmp/test_rsnap.XXXXXX";

static char *path_of(const char *name)
{
	static char path[2][256];
	static int i;

	i = !i;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		exit(2);
}

static struct rsnap *read_text(const char *text)
{
	write_file("conf", text);
	return rsnap_read(path_of("conf"));
}

static void test_read(void)
{
	struct rsnap *r;

	r = read_text("# comment\n" PLAIN
		      "interval\tdaysago\t\t7\n\n"
		      "cmd_rsync\t/usr/bin/rsync  \n"
		      "link_dest\t1\n"
		      "unknown\tword\n"
		      "backup\troot@alpha:/etc/\talpha/etc//\n"
		      "backup\t/home/\tbeta/\t+rsync_long_args=--bwlimit=1\n"
		      "backup_script\t/bin/true\talpha/./db/\n"
		      "backup\n"
		      "\t/usr/\n"
		      "   gamma/a.\n");
	ok(r != NULL, "a configuration");
	if (r == NULL)
		return;
	ok(strcmp(r->root, "/backups") == 0, "the root without slashes at its end");
	ok(r->nretain == 2 && strcmp(r->retain[1].name, "daysago") == 0 && r->retain[1].count == 7,
	   "retain and interval");
	ok(rsnap_interval(r, "daysago") == 1 && rsnap_interval(r, "days") == -1, "intervals by name");
	ok(strcmp(r->cmd_rsync, "/usr/bin/rsync") == 0 && r->link_dest && r->sync_first, "settings");
	ok(r->nhost == 3 && strcmp(r->host[0], "alpha") == 0 && strcmp(r->host[2], "gamma") == 0,
	   "hosts, each once, in their order");
	ok(r->npoint == 4 && strcmp(r->point[0].dest, "alpha/etc") == 0 &&
	   strcmp(r->point[1].dest, "beta") == 0, "destinations without trailing slashes");
	ok(r->point[2].src == NULL && strcmp(r->point[2].dest, "alpha/db") == 0, "a backup_script");
	ok(strcmp(r->point[3].src, "/usr/") == 0 && strcmp(r->point[3].dest, "gamma/a") == 0,
	   "continued lines, and rsnapshot's way with dots");
	rsnap_free(r);
}

static void test_include(void)
{
	char text[512];
	struct rsnap *r;

	write_file("more", "backup\t/home/\tbeta/\n");
	snprintf(text, sizeof(text), PLAIN "backup\t/etc/\talpha/\ninclude_conf\t%s\n"
		 "include_conf\t`/usr/bin/printf 'link_dest\\t1\\n'`\n", path_of("more"));
	r = read_text(text);
	ok(r != NULL && r->nhost == 2 && r->link_dest == 1, "included files and commands");
	rsnap_free(r);

	snprintf(text, sizeof(text), PLAIN "backup\t/etc/\talpha/\ninclude_conf\t%s\n", path_of("conf"));
	ok(read_text(text) == NULL, "a file that includes itself");
	ok(read_text(PLAIN "backup\t/etc/\talpha/\ninclude_conf\t`/bin/false`\n") == NULL,
	   "a command that fails");
	chmod(path_of("more"), 0666);
	snprintf(text, sizeof(text), PLAIN "backup\t/etc/\talpha/\ninclude_conf\t%s\n", path_of("more"));
	ok(read_text(text) == NULL, "a file that others can write is not included");
	unlink(path_of("more"));
}

static void test_refuse(void)
{
	static const struct {
		const char *text, *what;
	} bad[] = {
		{ "sync_first\t1\nretain\thourly\t6\nbackup\t/etc/\talpha/\n", "no snapshot_root" },
		{ "snapshot_root\tbackups\nsync_first\t1\nretain\thourly\t6\nbackup\t/etc/\talpha/\n",
		  "a snapshot_root that is not absolute" },
		{ "snapshot_root\t/b\nsync_first\t1\nbackup\t/etc/\talpha/\n", "no retain" },
		{ "snapshot_root\t/b\nretain\thourly\t6\nbackup\t/etc/\talpha/\n", "no sync_first" },
		{ PLAIN "sync_first\t0\nbackup\t/etc/\talpha/\n", "sync_first 0" },
		{ PLAIN, "no backup" },
		{ PLAIN "backup\t/etc/\t.sync/\n", ".sync as a host" },
		{ PLAIN "backup\t/etc/\t.sync.old/\n", ".sync.old as a host" },
		{ PLAIN "backup\t/etc/\t.secondshot/\n", ".secondshot as a host" },
		{ PLAIN "backup\t/etc/\t../x/\n", ".. as a host" },
		{ PLAIN "backup\t/etc/\talpha/x/../../beta/\n", "a destination that goes up" },
		{ PLAIN "backup\t/etc/\talpha/..\n", "one that ends so" },
		{ PLAIN "backup\t/etc/\talpha/x/...\n", "one that ends so without its last dot, which counts as a slash" },
		{ PLAIN "backup\t/etc/\t./alpha/\n", ". as a host" },
		{ PLAIN "backup\t/etc/\t/alpha/\n", "an absolute destination" },
		{ PLAIN "backup\t/etc/\t\n", "an empty destination" },
		{ PLAIN "backup\t/etc/\n", "no destination" },
		{ PLAIN "backup /etc/ alpha/\n", "blanks instead of tabs" },
		{ PLAIN "retain\tdaysago\t0\nbackup\t/etc/\talpha/\n", "retain 0" },
		{ PLAIN "retain\tdays ago\t3\nbackup\t/etc/\talpha/\n", "an interval with a blank" },
		{ PLAIN "retain\t../x\t3\nbackup\t/etc/\talpha/\n", "an interval with slashes" },
		{ PLAIN "retain\thourly\t3\nbackup\t/etc/\talpha/\n", "an interval twice" },
		{ PLAIN "link_dest\tyes\nbackup\t/etc/\talpha/\n", "link_dest yes" },
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(read_text(bad[i].text) == NULL, "refused: %s", bad[i].what);
	ok(rsnap_read(path_of("nothing")) == NULL, "refused: a file that is not there");
	ok(rsnap_read(dir) == NULL, "refused: a directory");
	write_file("conf", PLAIN "backup\t/etc/\talpha/\n");
	chmod(path_of("conf"), 0620);
	ok(rsnap_read(path_of("conf")) == NULL, "refused: a file that a group can write");
	chmod(path_of("conf"), 0600);
	chmod(dir, 0777);
	ok(rsnap_read(path_of("conf")) == NULL, "refused: in a directory that others can write");
	chmod(dir, 0700);
}

static enum rsnap_judged judge(int status, struct rsnap_result *res, size_t n)
{
	unsigned long vanished = 0;

	return rsnap_job_judge(status, res, n, &vanished);
}

static void test_judge(void)
{
	char a[] = "a", b[] = "b", d[] = "d";
	struct rsnap_result one[] = { { a, d, NULL, NULL, 0, 0 } }, two[] = { { a, d, NULL, NULL, 0, 0 }, { b, d, NULL, NULL, 0, 0 } };
	struct rsnap_result again[] = { { a, d, NULL, NULL, 12, 1 }, { a, d, NULL, NULL, 0, 0 } };
	unsigned long vanished = 0;
	int status;

	ok(judge(0, one, 1) == RSNAP_COMPLETE, "rsync 0");
	for (status = 1; status < 256; status++) {
		one[0].status = status;
		if (judge(2, one, 1) != (status == 24 ? RSNAP_COMPLETE :
					 status == 23 ? RSNAP_PARTIAL : RSNAP_FAILED))
			break;
	}
	ok(status == 256, "rsync 24 complete, 23 partial, all else failed (%d)", status);
	one[0].status = 24;
	ok(rsnap_job_judge(2, one, 1, &vanished) == RSNAP_COMPLETE && vanished == 1,
	   "24 stands for one vanished file at least");
	one[0].vanished = 7;
	rsnap_job_judge(2, one, 1, &vanished);
	ok(vanished == 8, "vanished files are added");
	one[0].status = 0;
	ok(judge(1, one, 1) == RSNAP_FAILED, "rsnapshot itself failed");
	ok(judge(137, one, 1) == RSNAP_FAILED, "rsnapshot was killed");
	ok(judge(-1, one, 1) == RSNAP_FAILED, "rsnapshot was not run");
	ok(judge(2, one, 1) == RSNAP_COMPLETE, "rsnapshot had warnings of its own");
	ok(judge(0, NULL, 0) == RSNAP_COMPLETE, "a backup_script starts no rsync");
	ok(judge(2, NULL, 0) == RSNAP_FAILED, "no rsync, and rsnapshot not content");
	ok(judge(0, again, 2) == RSNAP_COMPLETE && rsnap_job_culprit(again, 2) == NULL,
	   "the last try counts");
	two[0].status = 23;
	ok(judge(2, two, 2) == RSNAP_PARTIAL, "another source of the same destination is no retry");
	two[0].status = 12;
	ok(judge(2, two, 2) == RSNAP_FAILED && rsnap_job_culprit(two, 2) == &two[0], "the culprit");
	two[1].status = 23;
	ok(judge(2, two, 2) == RSNAP_FAILED, "failed is worse than partial");
}

static void test_results(void)
{
	struct rsnap_result *res;
	struct rsnap_said said;
	char text[] = "two\tlines\nof it\\";
	size_t n;

	ok(rsnap_job_results(path_of("results"), &res, &n, &said) == 0 && n == 0, "no results yet");
	rsnap_job_free(res, n);
	write_file("results", "24\t3\tsrc\\t/\td\\\\e\\xffst\t.\n137\t0\ta\tb\tc\\n/d\tno\\trout\\\\e\n");
	ok(rsnap_job_results(path_of("results"), &res, &n, &said) == 0 && n == 2, "two results");
	if (n == 2)
		ok(res[0].status == 24 && res[0].vanished == 3 && strcmp(res[0].src, "src\t/") == 0 &&
		   strcmp(res[0].dest, "d\\e\xffst") == 0 && res[1].status == 137 &&
		   strcmp(res[1].below, "c\n/d") == 0 &&
		   res[0].said == NULL && strcmp(res[1].said, "no\trout\\e") == 0, "what they say");
	rsnap_job_free(res, n);
	write_file("results", "12\t0\ta\tb\t.\tone\n");
	ok(rsnap_job_say(path_of("results"), &(struct rsnap_said){ text, 1 }) == 0 &&
	   rsnap_job_results(path_of("results"), &res, &n, &said) == 0 && n == 1 && said.refused &&
	   strcmp(said.text, text) == 0, "what rsnapshot itself says");
	rsnap_job_free(res, n);
	free(said.text);
	write_file("results", "24\t3\tsrc\tdest\n");
	ok(rsnap_job_results(path_of("results"), &res, &n, &said) == -1, "a torn line");
	rsnap_job_free(res, n);
	ok(rsnap_job_forget(path_of("results")) == 0 && rsnap_job_results(path_of("results"), &res, &n, &said) == 0 && n == 0, "forgotten");
	rsnap_job_free(res, n);
	ok(rsnap_job_forget(path_of("results")) == 0, "nothing to forget");
}

int main(void)
{
	if (mkdtemp(dir) == NULL)
		return 2;
	msg_level(MSG_NONE);
	test_read();
	test_include();
	test_refuse();
	test_judge();
	test_results();
	unlink(path_of("conf"));
	unlink(path_of("results"));
	rmdir(dir);
	return done();
}
