/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_jobs.c - what cron and timers start: lines, files below a root of our own, configurations. */
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/msg.h"
#include "rsnap/job_conf.h"
#include "rsnap/job_line.h"
#include "rsnap/jobs.h"
#include "unit.h"

static char dir[] = "/var/tmp/test_jobs.XXXXXX";

/* The calls in a line as "VERB(CONFIG) ...". */
static void line_is(enum job_form form, const char *line, const char *want)
{
	const char *text = job_line_command(form, line);
	struct job_call c;
	struct buf b = { 0 };

	buf_str(&b, "");
	while (text != NULL && job_line_call(&text, &c)) {
		buf_printf(&b, "%s%s(%s)", b.len > 0 ? " " : "", c.ours ? "ours" : c.verb, c.config ? c.config : "");
		job_line_free(&c);
	}
	ok(strcmp(b.p, want) == 0, "%s: %s", line, b.p);
	buf_free(&b);
}

static void test_lines(void)
{
	line_is(JOB_SYSTEM, "0 */4 * * *\t\troot\t/usr/bin/rsnapshot alpha", "alpha()");
	line_is(JOB_SYSTEM, "# 0 */4 * * *\t\troot\t/usr/bin/rsnapshot alpha", "");
	line_is(JOB_SYSTEM, "30 3 * * * rsnapshot /usr/bin/true daily", "");
	line_is(JOB_SYSTEM, "30 3 * * * rsnapshot daily", "");
	line_is(JOB_USER, "30 3 * * * rsnapshot daily", "daily()");
	line_is(JOB_USER, "@daily nice -n 19 ionice -c3 /usr/bin/rsnapshot -q -c /etc/a.conf daily >/dev/null", "daily(/etc/a.conf)");
	line_is(JOB_USER, "  @daily rsnapshot -qc/etc/a.conf -v daily", "daily(/etc/a.conf)");
	line_is(JOB_USER, "@weekly [ -x /usr/bin/rsnapshot ] && /usr/bin/rsnapshot sync && /usr/bin/rsnapshot weekly", "sync() weekly()");
	line_is(JOB_USER, "@weekly sh -c 'rsnapshot sync; rsnapshot \"hourly\"'", "sync() hourly()");
	line_is(JOB_USER, "@weekly X=`rsnapshot hourly`", "hourly()");
	line_is(JOB_USER, "@weekly rsnapshot -t hourly; rsnapshot -h; rsnapshot -c; rsnapshot", "");
	line_is(JOB_USER, "@weekly rsnapshot-diff a b; cat /etc/rsnapshot.conf; test -e /usr/bin/rsnapshot x", "");
	line_is(JOB_USER, "MAILTO=rsnapshot daily", "");
	line_is(JOB_USER, "MAILTO = a b c d e rsnapshot daily", "");
	line_is(JOB_ANACRON, "1 5 backup rsnapshot daily", "daily()");
	line_is(JOB_ANACRON, "START_HOURS_RANGE=3-22", "");
	line_is(JOB_SCRIPT, "  exec rsnapshot \"$1\" # rsnapshot daily", "$1()");
	line_is(JOB_SCRIPT, "#rsnapshot daily", "");
	line_is(JOB_SYSTEM, "30 0,8 * * *\troot\t[ ! -x /usr/bin/ss-run ] || ss-run --quiet", "ours()");
	line_is(JOB_SYSTEM, "#30 0,8 * * *\troot\t[ ! -x /usr/bin/ss-run ] || ss-run --quiet", "");
	line_is(JOB_USER, "@daily /usr/bin/ss-run --config=/x; ss-run --check; ss-run --config /y -n; /usr/bin/ss-run --config /z", "ours(/x) ours(/z)");
	line_is(JOB_USER, "@daily", "");
	line_is(JOB_USER, "* * *", "");
	line_is(JOB_SCRIPT, "rsnapshot -c", "");
}

static const char *path_of(const char *name)
{
	static char path[2][300];
	static int i;

	i = !i;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

/* Make a file with its directories. */
static void put(const char *name, mode_t mode, const char *text)
{
	char path[300], *p;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	for (p = path + strlen(dir) + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
		*p = '\0';
		mkdir(path, 0755);
	}
	f = fopen(path, "w");
	need(f != NULL);
	fputs(text, f);
	need(fclose(f) == 0 && chmod(path, mode) == 0);
}

static void link_to(const char *target, const char *name)
{
	put(name, 0644, "");
	need(unlink(path_of(name)) == 0 && symlink(target, path_of(name)) == 0);
}

/* All that is found, "FILE:LINE VERB" each. */
static char *found(void)
{
	int root = open(dir, O_PATH | O_DIRECTORY);
	struct buf b = { 0 };
	struct jobs j;
	size_t i;

	need(root >= 0);
	jobs_find(root, &j);
	close(root);
	buf_str(&b, "");
	for (i = 0; i < j.n; i++)
		buf_printf(&b, "%s:%zu %s\n", j.job[i].file, j.job[i].line, j.job[i].call.ours ? "ours" : j.job[i].call.verb);
	jobs_free(&j);
	return b.p;
}

static void is_found(const char *want, const char *what)
{
	char *got = found();

	ok(strcmp(got, want) == 0, "%s", what);
	if (strcmp(got, want) != 0)
		printf("# %s\n", got);
	free(got);
}

static void test_cron(void)
{
	is_found("", "nothing is there");
	put("etc/crontab", 0644, "SHELL=/bin/sh\n# x\n1 * * * * root rsnapshot hourly\n");
	put("etc/anacrontab", 0644, "7 5 week rsnapshot weekly\n");
	put("etc/cron.d/rsnapshot", 0644, "# 0 */4 * * *\troot\trsnapshot off\n\n0 1 * * *\troot\trsnapshot daily");
	put("etc/cron.d/rsnapshot.dpkg-old", 0644, "0 1 * * *\troot\trsnapshot old\n");
	put("etc/cron.d/anybodys", 0666, "0 1 * * *\troot\trsnapshot refused\n");
	put("var/spool/cron/crontabs/root", 0600, "@daily ss-run\n");
	put("etc/cron.daily/run", 0755, "#!/bin/sh\nnice \\\n\trsnapshot sync &&\n\trsnapshot beta\n");
	put("etc/cron.weekly/off", 0644, "rsnapshot off\n");
	is_found("/etc/crontab:3 hourly\n/etc/anacrontab:1 weekly\n/etc/cron.d/rsnapshot:3 daily\n"
		 "/var/spool/cron/crontabs/root:1 ours\n/etc/cron.daily/run:2 sync\n/etc/cron.daily/run:4 beta\n", "cron's files");
}

/* Links lead nowhere outside, and in a user's crontab not at all; what is no file is not waited for. */
static void test_strange(void)
{
	char big[70000];

	memset(big, '\n', sizeof(big));
	snprintf(big + 65000, 100, "1 * * * * root rsnapshot in\n");
	big[65028] = '\n';
	snprintf(big + 69000, 100, "1 * * * * root rsnapshot beyond\n");
	put("etc/cron.d/big", 0644, big);
	put("secret", 0644, "@daily rsnapshot secret\n");
	link_to("/secret", "var/spool/cron/crontabs/joe");
	link_to("/secret", "etc/cron.daily/notrun");
	link_to("../../secret", "var/spool/cron/crontabs/jim");
	put("etc/script", 0755, "rsnapshot linked\n");
	link_to("../script", "etc/cron.hourly/linked");
	link_to("../../../../../../../etc/passwd", "etc/cron.d/up");
	need(mkfifo(path_of("etc/cron.d/fifo"), 0644) == 0);
	need(mkdir(path_of("etc/cron.d/directory"), 0755) == 0);
	need(unlink(path_of("etc/crontab")) == 0 && unlink(path_of("etc/anacrontab")) == 0);
	need(unlink(path_of("etc/cron.daily/run")) == 0 && unlink(path_of("var/spool/cron/crontabs/root")) == 0);
	is_found("/etc/cron.d/big:65001 in\n/etc/cron.d/rsnapshot:3 daily\n/etc/cron.hourly/linked:1 linked\n", "links, a FIFO, and what is too long");
}

static void test_timers(void)
{
	need(unlink(path_of("etc/cron.d/big")) == 0 && unlink(path_of("etc/cron.d/rsnapshot")) == 0);
	need(unlink(path_of("etc/cron.hourly/linked")) == 0);
	put("usr/lib/systemd/system/rsnapshot@.timer", 0644, "[Timer]\nOnCalendar=daily\nUnit=rsnapshot@%i.service\n");
	put("usr/lib/systemd/system/rsnapshot@.service", 0644, "[Service]\nExecStart=/usr/bin/rsnapshot %I\n");
	put("usr/lib/systemd/system/secondshot.timer", 0644, "[Timer]\nOnCalendar=daily\n");
	put("usr/lib/systemd/system/secondshot.service", 0644, "[Service]\nExecStart=/usr/bin/ss-run --quiet\n");
	is_found("", "timers that nothing wants");
	link_to("/usr/lib/systemd/system/rsnapshot@.timer", "etc/systemd/system/timers.target.wants/rsnapshot@daily.timer");
	link_to("/lib/systemd/system/secondshot.timer", "etc/systemd/system/timers.target.wants/secondshot.timer");
	is_found("/usr/lib/systemd/system/rsnapshot@.service:2 daily\n/usr/lib/systemd/system/secondshot.service:2 ours\n",
		 "timers that are on");
	put("etc/systemd/system/secondshot.service.d/nice.conf", 0644, "[Service]\nNice=5\n");
	put("etc/systemd/system/rsnapshot@.service.d/other.conf", 0644, "[Service]\nExecStart=\nExecStart=-/bin/sh -c \\\n \"rsnapshot sync\"\n");
	is_found("/etc/systemd/system/rsnapshot@.service.d/other.conf:3 sync\n/usr/lib/systemd/system/secondshot.service:2 ours\n",
		 "a drop-in takes the place of what was there");
	link_to("/dev/null", "etc/systemd/system/secondshot.timer");
	put("etc/systemd/system/rsnapshot@daily.service", 0644, "[Service]\nExecStart=/usr/bin/rsnapshot own\nExecStopPost=ss-run --due\n");
	need(unlink(path_of("etc/systemd/system/rsnapshot@.service.d/other.conf")) == 0);
	is_found("/etc/systemd/system/rsnapshot@daily.service:2 own\n", "one that is masked; a unit of its own for an instance");
}

static int touches(const char *verb, const char *config, int roots)
{
	static char file[300], root[300], hourly[] = "hourly";
	static struct rsnap_retain retain[] = { { hourly, 6 } };
	struct rsnap r = { .file = file, .root = root, .retain = retain, .nretain = 1 };
	struct job job = { .roots = roots };
	int ret;

	snprintf(file, sizeof(file), "%s/etc/ours.conf", dir);
	snprintf(root, sizeof(root), "%s/root", dir);
	job.call.verb = mem_strdup(verb);
	job.call.config = mem_strdup(*config == '/' || strchr(config, '$') != NULL || *config == '\0' ? config : path_of(config));
	ret = job_conf_touches(&job, &r);
	job_line_free(&job.call);
	return ret;
}

static void test_conf(void)
{
	char text[800];

	need(mkdir(path_of("root"), 0700) == 0);
	put("etc/ours.conf", 0644, "snapshot_root\t/elsewhere\n");
	snprintf(text, sizeof(text), "snapshot_root\t/a\n#snapshot_root\t/b\nretain\tdaily\t7\ninterval\tweekly\t7\nsnapshot_root\t\t%s//\n", path_of("root"));
	put("etc/same.conf", 0644, text);
	snprintf(text, sizeof(text), "snapshot_root\t/a\ninclude_conf\t%s\ninclude_conf\t%s\n", path_of("etc/round.conf"), path_of("etc/same.conf"));
	put("etc/round.conf", 0644, text);
	snprintf(text, sizeof(text), "retain\tdaily\t7\ninclude_conf\t`touch %s`\n", path_of("touched"));
	put("etc/command.conf", 0644, text);
	put("etc/other.conf", 0644, "snapshot_root\t/a\nretain\thourly\t7\n");
	ok(touches("hourly", "etc/ours.conf", 1) == 1 && touches("hourly", "etc/ours.conf", 0) == 1, "our own configuration");
	ok(touches("sync", "etc/ours.conf", 1) == 1 && touches("$1", "etc/ours.conf", 1) == 1, "a sync, and what is not known yet");
	ok(touches("configtest", "etc/ours.conf", 1) == 0 && touches("du", "etc/same.conf", 1) == 0, "no interval");
	ok(touches("daily", "etc/same.conf", 1) == 1 && touches("weekly", "etc/same.conf", 1) == 1, "another configuration, the same root");
	ok(touches("daily", "etc/round.conf", 1) == 1, "by what it includes, also in a circle");
	ok(touches("daily", "etc/same.conf", 0) == 0, "what a stranger names is not opened");
	ok(touches("hourly", "etc/other.conf", 1) == 0 && touches("hourly", "etc/none.conf", 1) == 0, "another root, no file");
	ok(touches("hourly", "etc/command.conf", 1) == -1 && access(path_of("touched"), F_OK) != 0, "a command is not run");
	ok(touches("hourly", "$CONF", 1) == -1 && touches("hourly", "$CONF", 0) == 0, "a file that is known only when it runs");
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void clean(void)
{
	need(nftw(dir, drop, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

int main(void)
{
	msg_level(MSG_NONE);
	umask(022);
	need(mkdtemp(dir) != NULL);
	test_lines();
	test_cron();
	test_strange();
	test_timers();
	test_conf();
	clean();
	return done();
}
