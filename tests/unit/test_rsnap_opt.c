/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_rsnap_opt.c - sources, ssh's and rsync's words, and what writes into older savesets. */
#include <string.h>

#include "base/mem.h"
#include "base/msg.h"
#include "rsnap/rsnap_opt.h"
#include "unit.h"

static void test_sources(void)
{
	static const struct { const char *src, *login; enum source_kind is; } s[] = {
		{ "/etc/", NULL, SOURCE_LOCAL }, { "/odd:/path/", NULL, SOURCE_LOCAL },
		{ "root@alpha:/etc/", "root@alpha", SOURCE_SSH }, { "alpha:/", "alpha", SOURCE_SSH },
		{ "alpha:~/mail/", "alpha", SOURCE_SSH }, { "alpha:./mail/", "alpha", SOURCE_SSH },
		{ "root@[fe80::1]:/etc/", "root@fe80::1", SOURCE_SSH }, { "[::1]:/", "::1", SOURCE_SSH },
		{ "rsync://alpha/module/", "alpha", SOURCE_DAEMON }, { "rsync://u@alpha:8873/m/", "u@alpha:8873", SOURCE_DAEMON },
		{ "alpha::module/", "alpha", SOURCE_DAEMON }, { "lvm://vg/home/", NULL, SOURCE_OTHER },
		{ "nonsense", NULL, SOURCE_OTHER }, { NULL, NULL, SOURCE_OTHER },
	};
	size_t i;

	for (i = 0; i < sizeof(s) / sizeof(s[0]); i++) {
		char *login = s[i].login != NULL ? rsnap_opt_login(s[i].src) : NULL;

		ok(rsnap_opt_source(s[i].src) == s[i].is && (!login || strcmp(login, s[i].login) == 0),
		   "%s: %s", s[i].src ? s[i].src : "a script", login ? login : "no login");
		free(login);
	}
}

static char *ssh(const char *cmd, const char *args, const char *opts)
{
	char *cmd_ssh = cmd ? mem_strdup(cmd) : NULL, *ssh_args = args ? mem_strdup(args) : NULL;
	char *own = opts ? mem_strdup(opts) : NULL;
	struct rsnap r = { .cmd_ssh = cmd_ssh, .ssh_args = ssh_args };
	struct rsnap_point p = { .opts = own };
	char **word = rsnap_opt_ssh(&r, &p);
	struct buf b = { 0 };
	size_t i;

	buf_str(&b, "");
	for (i = 0; word[i] != NULL; i++)
		buf_printf(&b, "[%s]", word[i]);
	rsnap_opt_free(word);
	free(cmd_ssh);
	free(ssh_args);
	free(own);
	return b.p;
}

static void ssh_is(const char *cmd, const char *args, const char *opts, const char *want)
{
	char *got = ssh(cmd, args, opts);

	ok(strcmp(got, want) == 0, "ssh: %s", got);
	free(got);
}

static void test_ssh(void)
{
	ssh_is(NULL, NULL, NULL, "[/usr/bin/ssh]");
	ssh_is("/bin/ssh", "-p 22  -i /key", NULL, "[/bin/ssh][-p][22][-i][/key]");
	ssh_is("/bin/ssh", "-p 22", "one_fs=1,ssh_args=-p 23", "[/bin/ssh][-p][23]");
	ssh_is("/bin/ssh", "-p 22", "+ssh_args=-4,+rsync_long_args=--x", "[/bin/ssh][-p][22][-4]");
	ssh_is("/bin/ssh", "-o 'ProxyCommand a b' -o \"it's\" '' 'don''t'", NULL,
	       "[/bin/ssh][-o][ProxyCommand a b][-o][it's][][don't]");
	ssh_is("/bin/ssh", "'open", NULL, "[/bin/ssh][open]");
}

static const char *rewrites(const char *args, const char *opts)
{
	static char global[200], own[200], src[] = "/etc/", file[] = "conf";
	static struct rsnap_point p = { .src = src };
	struct rsnap r = { .file = file, .rsync_long_args = global, .point = &p, .npoint = 1 };
	const char *found;

	snprintf(global, sizeof(global), "%s", args);
	snprintf(own, sizeof(own), "%s", opts);
	p.opts = own;
	found = rsnap_opt_rewrites(&r);
	ok((rsnap_opt_safe(&r) == 0) == (found == NULL), "%s, %s: %s", args, opts, found ? found : "safe");
	r.link_dest = 1;
	need(rsnap_opt_safe(&r) == 0);
	return found ? found : "";
}

static void test_rewrites(void)
{
	ok(strcmp(rewrites("--delete --numeric-ids", ""), "") == 0, "nothing");
	ok(strcmp(rewrites("--delete --inplace", ""), "--inplace") == 0, "--inplace");
	ok(strcmp(rewrites("--append-verify", ""), "--append-verify") == 0, "--append-verify");
	ok(strcmp(rewrites("--delete", "+rsync_long_args=--append"), "--append") == 0, "of one point");
	ok(strcmp(rewrites("--inplace", "rsync_long_args=--delete"), "") == 0, "replaced for it");
	ok(strcmp(rewrites("--inplace --no-inplace", ""), "") == 0, "undone");
	ok(strcmp(rewrites("--exclude=--inplace", ""), "") == 0, "part of a word");
}

/* The arguments of a configuration of lines, each ended by a newline, for a point with opts. */
static void rsync_is(const char *lines, const char *opts, const char *want)
{
	static char text[400], own[200], src[] = "/etc/", dest[] = "alpha";
	char *few = NULL, *many = NULL, *end, *line = text;
	struct rsnap_line list[8];
	struct rsnap r = { .line = list };
	struct rsnap_point p = { .src = src, .dest = dest, .opts = opts != NULL ? own : NULL };
	struct buf b = { 0 };
	char **word;
	size_t i;

	buf_str(&b, "");
	snprintf(own, sizeof(own), "%s", opts != NULL ? opts : "");
	snprintf(text, sizeof(text), "%s", lines);
	for (; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		list[r.nline++] = (struct rsnap_line){ line, -1 };
		if (strncmp(line, "rsync_short_args\t", 17) == 0)
			few = line + 17;
		if (strncmp(line, "rsync_long_args\t", 16) == 0)
			many = line + 16;
	}
	r.rsync_short_args = few;
	r.rsync_long_args = many;
	word = rsnap_opt_rsync(&r, &p);
	for (i = 0; word[i] != NULL; i++)
		buf_printf(&b, "[%s]", word[i]);
	ok(strcmp(b.p, want) == 0, "rsync: %s", b.p);
	rsnap_opt_free(word);
	buf_free(&b);
}

static void dry_is(const char *args, const char *want)
{
	static char many[200], src[] = "/etc/", dest[] = "alpha";
	struct rsnap r = { .rsync_long_args = many };
	struct rsnap_point p = { .src = src, .dest = dest };
	struct buf b = { 0 };
	char **word;
	size_t i;

	snprintf(many, sizeof(many), "%s", args);
	word = rsnap_opt_dry(&r, &p);
	buf_str(&b, "");
	for (i = 0; word[i] != NULL; i++)
		buf_printf(&b, "[%s]", word[i]);
	ok(strcmp(b.p, want) == 0, "dry: %s", b.p);
	rsnap_opt_free(word);
	buf_free(&b);
}

static const char *idle(const char *few, const char *args)
{
	static char small[100], many[200], src[] = "/etc/", dest[] = "alpha";
	struct rsnap r = { .rsync_short_args = small, .rsync_long_args = many };
	struct rsnap_point p = { .src = src, .dest = dest };
	const char *why;

	snprintf(small, sizeof(small), "%s", few);
	snprintf(many, sizeof(many), "%s", args);
	why = rsnap_opt_idle(&r, &p);
	return why == NULL ? "" : strstr(why, "dry-run") != NULL ? "dry" : "flat";
}

static void test_idle(void)
{
	ok(strcmp(idle("-aHS", "--delete --exclude=-n"), "") == 0, "the usual options copy");
	ok(strcmp(idle("-an", ""), "dry") == 0 && strcmp(idle("-a", "--dry-run"), "dry") == 0, "a dry run");
	ok(strcmp(idle("-a", "-e nothing -fn --no-inc-recursive"), "") == 0 && strcmp(idle("-an", "--no-n"), "") == 0,
	   "the value of an option; undone");
	ok(strcmp(idle("-lptgo", "--delete"), "flat") == 0 && strcmp(idle("-rlpt", ""), "") == 0, "no directories");
	ok(strcmp(idle("-a", "--no-recursive"), "flat") == 0 && strcmp(idle("-l", "--files-from=/x"), "") == 0, "no recursion");
}

static void test_rsync(void)
{
	rsync_is("", NULL, "[rsync][-a][--delete][--numeric-ids][--relative][--delete-excluded][/etc/][alpha]");
	rsync_is("rsync_short_args\t-aHS\nrsync_long_args\t--delete\n", NULL, "[rsync][-aHS][--delete][/etc/][alpha]");
	rsync_is("rsync_long_args\t--a\nexclude_file\t/f\nexclude\t/x\none_fs\t1\ninclude\ty\n", NULL,
		 "[rsync][-a][-x][--a][--exclude=/x][--include=y][--exclude-from=/f][/etc/][alpha]");
	rsync_is("rsync_long_args\t--a\none_fs\t1\nexcluded\t/x\n", "one_fs=0", "[rsync][-a][--a][/etc/][alpha]");
	/* Filters of its own, and none of the others. */
	rsync_is("rsync_long_args\t--a\nexclude\t/x\n", "exclude=/z,one_fs=1", "[rsync][-a][-x][--a][--exclude=/z][/etc/][alpha]");
	rsync_is("rsync_long_args\t--a\nexclude\t/x\n", "rsync_long_args=--b", "[rsync][-a][--b][/etc/][alpha]");
	rsync_is("rsync_long_args\t--a\nexclude\t/x\n", "+rsync_long_args=--b", "[rsync][-a][--a][--exclude=/x][--b][/etc/][alpha]");
	dry_is("--a --log-file=/x --temp-dir /t --log-file-format=y --b --partial-dir=.p", "[-a][--a][--log-file-format=y][--b]");
	dry_is("--log-file", "[-a]");
	dry_is("", "[-a]");
}

int main(void)
{
	msg_level(MSG_NONE);
	test_sources();
	test_ssh();
	test_rewrites();
	test_rsync();
	test_idle();
	return done();
}
