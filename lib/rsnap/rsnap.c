/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnap.c - rsnapshot's configuration, read as rsnapshot 1.4 reads it.
 *
 * What is not wanted here is left to rsnapshot, which refuses a file it does
 * not understand; so unknown words are passed over.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "rsnap/rsnap.h"
#include "rsnap/rsnap_text.h"
#include "tree/volume.h"

#define WORDS 4			/* rsnapshot leaves the tabs of the fourth word alone */
#define INCLUDE_DEPTH 16

struct reader {
	struct rsnap *r;
	const char *file;	/* being read */
	size_t line;
	unsigned depth;
};

static int read_file(struct reader *rd, const char *file);

#define TABS "(words are separated by tabs)"

static int bad(const struct reader *rd, const char *what, const char *word)
{
	msg_error("%s:%zu: %s: %s", escape_name(rd->file), rd->line, escape_name(word), what);
	return -1;
}

static void strip(char *s, const char *set)
{
	size_t n = strlen(s);

	while (n > 0 && strchr(set, s[n - 1]) != NULL)
		s[--n] = '\0';
}

static void set(char **to, const char *value)
{
	free(*to);
	*to = mem_strdup(value);
}

/*
 * The name by which rsnapshot knows a destination: "./" at the start, "/./", and
 * a "." at the end each stand for a slash, and slashes for one.
 */
static char *normal_dest(const char *dest)
{
	struct buf b = { 0 };
	const char *p;
	size_t skip;

	buf_str(&b, "");
	for (p = dest; *p != '\0'; p += skip) {
		skip = 1;
		if (p == dest && strncmp(p, "./", 2) == 0)
			skip = 2;
		else if (strncmp(p, "/./", 3) == 0)
			skip = 3;
		if (skip == 1 && *p != '/' && strcmp(p, ".") != 0)
			buf_char(&b, *p);
		else if (b.len == 0 || b.p[b.len - 1] != '/')
			buf_char(&b, '/');
	}
	strip(b.p, "/");
	return b.p;
}

static void add_host(struct rsnap *r, const char *host)
{
	size_t i;

	for (i = 0; i < r->nhost; i++)
		if (strcmp(r->host[i], host) == 0)
			return;
	r->host = mem_more(r->host, r->nhost, sizeof(*r->host));
	r->host[r->nhost++] = mem_strdup(host);
}

/* Does a destination go up again?  As rsnapshot asks, but before we have believed the host's name. */
static int goes_up(const char *dest)
{
	return strstr(dest, "/..") != NULL || strstr(dest, "../") != NULL;
}

/* A backup or backup_script line. */
static int add_point(struct reader *rd, char *const word[])
{
	const char *to = word[2] != NULL ? word[2] : "";
	int script = strcmp(word[0], "backup_script") == 0;
	char *dest = normal_dest(to);
	char *host = mem_dup(dest, strcspn(dest, "/"));
	struct rsnap *r = rd->r;

	/* These are ours or rsnapshot's; and a dot is no name. */
	if (strncmp(host, ".sync", 5) == 0 || strncmp(host, ".secondshot", 11) == 0 ||
	    !volume_name_ok(host) || goes_up(to)) {
		free(dest);
		free(host);
		return *to == '\0' ? bad(rd, "no destination " TABS, word[1]) :
				    bad(rd, "does not begin with the name of a host, or has \"..\" in it", to);
	}
	r->point = mem_more(r->point, r->npoint, sizeof(*r->point));
	r->point[r->npoint++] = (struct rsnap_point){
		.src = script ? NULL : mem_strdup(word[1]),
		.script = script ? mem_strdup(word[1]) : NULL, .dest = dest, .host = host,
		.opts = !script && word[3] != NULL ? mem_strdup(word[3]) : NULL,
	};
	add_host(r, host);
	return 0;
}

static int add_retain(struct reader *rd, const char *name, const char *number)
{
	struct rsnap *r = rd->r;
	unsigned long count;
	const char *p;
	char *end;

	for (p = name; isalnum((unsigned char)*p) || *p == '_'; p++)
		;
	if (*name == '\0' || *p != '\0' || strlen(name) > 200)
		return bad(rd, strchr(name, ' ') != NULL ? "not the name of an interval " TABS :
						   "not the name of an interval", name);
	count = strtoul(number, &end, 10);
	if (!isdigit((unsigned char)*number) || *end != '\0' || count < 1 || count > 1000000)
		return bad(rd, "not a number of snapshots to keep", number);
	if (rsnap_interval(r, name) >= 0)
		return bad(rd, "interval given twice", name);
	r->retain = mem_more(r->retain, r->nretain, sizeof(*r->retain));
	r->retain[r->nretain++] = (struct rsnap_retain){ mem_strdup(name), (unsigned)count };
	return 0;
}

static int add_exec(struct reader *rd, const char *command, const char *importance)
{
	struct rsnap *r = rd->r;
	int required = importance != NULL && strcmp(importance, "required") == 0;

	if (importance != NULL && !required && strcmp(importance, "optional") != 0)
		return bad(rd, "neither required nor optional", importance);
	r->exec = mem_more(r->exec, r->nexec, sizeof(*r->exec));
	r->exec[r->nexec++] = (struct rsnap_exec){ mem_strdup(command), required, r->npoint };
	return 0;
}

int rsnap_program(const char *command)
{
	char *program = mem_dup(command, strcspn(command, " \t\r\f\v"));
	struct stat st;
	int ok = *program == '/' && stat(program, &st) == 0 && S_ISREG(st.st_mode) &&
		 access(program, X_OK) == 0;

	free(program);
	return ok;
}

static int take_program(struct reader *rd, char **to, const char *command)
{
	if (!rsnap_program(command))
		return bad(rd, "does not begin with the absolute path of a program", command);
	set(to, command);
	return 0;
}

static int take_lockfile(struct reader *rd, const char *file)
{
	if (*file != '/')
		return bad(rd, "not an absolute path", file);
	set(&rd->r->lockfile, file);
	return 0;
}

/* A line that rsnapshot shall see. */
static void keep_line(struct rsnap *r, const char *text, long point)
{
	r->line = mem_more(r->line, r->nline, sizeof(*r->line));
	r->line[r->nline++] = (struct rsnap_line){ mem_strdup(text), point };
}

static int include(struct reader *rd, const char *file)
{
	struct reader sub = { .r = rd->r, .depth = rd->depth + 1 };

	if (sub.depth > INCLUDE_DEPTH)
		return bad(rd, "included too deeply", file);
	return read_file(&sub, file);
}

static int take_flag(struct reader *rd, int *flag, const char *value)
{
	if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
		return bad(rd, "neither 0 nor 1", value);
	*flag = *value == '1';
	return 0;
}

/* What rsnapshot gets to see. */
static int take_common(struct reader *rd, char *const word[])
{
	struct rsnap *r = rd->r;
	const struct { const char *key; char **text; int *flag; } plain[] = {
		{ "snapshot_root", &r->root, NULL }, { "cmd_rsync", &r->cmd_rsync, NULL },
		{ "cmd_cp", &r->cmd_cp, NULL }, { "cmd_ssh", &r->cmd_ssh, NULL },
		{ "ssh_args", &r->ssh_args, NULL }, { "logfile", &r->logfile, NULL },
		{ "rsync_short_args", &r->rsync_short_args, NULL },
		{ "rsync_long_args", &r->rsync_long_args, NULL },
		{ "sync_first", NULL, &r->sync_first }, { "link_dest", NULL, &r->link_dest },
		{ "no_create_root", NULL, &r->no_create_root },
	};
	const char *key = word[0], *value = word[1];
	size_t i;

	if (strcmp(key, "retain") == 0 || strcmp(key, "interval") == 0)
		return add_retain(rd, value, word[2] != NULL ? word[2] : "");
	if (strcmp(key, "backup") == 0 || strcmp(key, "backup_script") == 0)
		return add_point(rd, word);
	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (strcmp(key, plain[i].key) != 0)
			continue;
		if (plain[i].flag != NULL)
			return take_flag(rd, plain[i].flag, value);
		set(plain[i].text, value);
	}
	return 0;
}

/* word[0] is the key, the others those that are there, else NULL; text is all of the line. */
static int take(struct reader *rd, char *const word[], const char *text)
{
	const char *key = word[0], *value = word[1];
	size_t points = rd->r->npoint;

	if (*key == '\0' || isspace((unsigned char)*key))
		return bad(rd, "begins with a blank and continues no line", text);
	if (value == NULL)
		return bad(rd, "no value " TABS, key);
	if (strcmp(key, "include_conf") == 0)
		return include(rd, value);
	if (strcmp(key, "backup_exec") == 0)
		return add_exec(rd, value, word[2]);
	if (strcmp(key, "cmd_preexec") == 0)
		return take_program(rd, &rd->r->cmd_preexec, value);
	if (strcmp(key, "cmd_postexec") == 0)
		return take_program(rd, &rd->r->cmd_postexec, value);
	if (strcmp(key, "lockfile") == 0)
		return take_lockfile(rd, value);
	if (take_common(rd, word) != 0)
		return -1;
	keep_line(rd->r, text, rd->r->npoint > points ? (long)points : -1);
	return 0;
}

static int take_line(struct reader *rd, char *line)
{
	char *word[WORDS] = { line }, *text = mem_strdup(line);
	size_t n;
	int ret;

	for (n = 1; n < WORDS; n++) {
		line += strcspn(line, "\t");
		if (*line == '\0')
			break;
		*line++ = '\0';
		line += strspn(line, "\t");
		word[n] = line;
	}
	ret = take(rd, word, text);
	free(text);
	return ret;
}

static int read_file(struct reader *rd, const char *file)
{
	struct buf text = { 0 }, line = { 0 };
	struct rsnap_text_at at = { 0 };
	int ret;

	rd->file = file;
	ret = rsnap_text(file, &text);
	at.rest = text.p;
	while (ret == 0 && rsnap_text_line(&at, &line)) {
		rd->line = at.line;
		ret = take_line(rd, line.p);
	}
	buf_free(&line);
	buf_free(&text);
	return ret;
}

/* What is missing or cannot be worked with. */
static int check(struct rsnap *r)
{
	const char *why = NULL;

	if (r->root == NULL && r->npoint == 0)
		why = "no snapshot_root and no backup line yet: edit it, to say where the backups"
		      " go to, and what is backed up";
	else if (r->root == NULL)
		why = "no snapshot_root: it names the directory that the backups go to";
	else if (r->root[0] != '/')
		why = "snapshot_root is not an absolute path";
	else if (r->nretain == 0)
		why = "no retain line: \"retain\", \"hourly\" and \"6\", with tabs between, keep six";
	else if (r->npoint == 0)
		why = "no backup line: \"backup\", \"/etc/\" and \"localhost/\", with tabs between,"
		      " back up /etc";
	else if (!r->sync_first)
		why = "sync_first must be 1: without it a failed backup ages out good ones";
	if (why != NULL) {
		msg_error("%s: %s", escape_name(r->file), why);
		return -1;
	}
	strip(r->root + 1, "/");
	if (r->cmd_rsync != NULL)
		strip(r->cmd_rsync, " \t\r\f\v");
	return 0;
}

struct rsnap *rsnap_read(const char *file)
{
	struct rsnap *r = mem_alloc(sizeof(*r));
	struct reader rd = { .r = r };

	r->file = mem_strdup(file);
	if (read_file(&rd, file) == 0 && check(r) == 0)
		return r;
	rsnap_free(r);
	return NULL;
}

void rsnap_free(struct rsnap *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->nretain; i++)
		free(r->retain[i].name);
	for (i = 0; i < r->npoint; i++) {
		free(r->point[i].src);
		free(r->point[i].script);
		free(r->point[i].dest);
		free(r->point[i].host);
		free(r->point[i].opts);
	}
	for (i = 0; i < r->nhost; i++)
		free(r->host[i]);
	for (i = 0; i < r->nline; i++)
		free(r->line[i].text);
	for (i = 0; i < r->nexec; i++)
		free(r->exec[i].command);
	free(r->line);
	free(r->exec);
	free(r->cmd_preexec);
	free(r->cmd_postexec);
	free(r->retain);
	free(r->point);
	free(r->host);
	free(r->file);
	free(r->root);
	free(r->cmd_rsync);
	free(r->cmd_cp);
	free(r->cmd_ssh);
	free(r->ssh_args);
	free(r->lockfile);
	free(r->logfile);
	free(r->rsync_short_args);
	free(r->rsync_long_args);
	free(r);
}

static const char *find_host(const struct rsnap *r, const char *name)
{
	for (size_t i = 0; i < r->nhost; i++)
		if (strcmp(r->host[i], name) == 0)
			return r->host[i];
	return NULL;
}

const char *rsnap_rsync(const struct rsnap *r)
{
	return r->cmd_rsync != NULL ? r->cmd_rsync : "/usr/bin/rsync";
}

const char *rsnap_host(const struct rsnap *r, const char *name)
{
	const char *host = find_host(r, name);
	char *meant = host == NULL ? escape_meant(name) : NULL;

	if (meant != NULL)
		host = find_host(r, meant);
	free(meant);
	return host;
}

int rsnap_named(const struct rsnap *r, const char *const *list, const char *host)
{
	const char *is;

	for (; list != NULL && *list != NULL; list++) {
		is = rsnap_host(r, *list);
		if (is != NULL && strcmp(is, host) == 0)
			return 1;
	}
	return 0;
}

int rsnap_interval(const struct rsnap *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->nretain; i++)
		if (strcmp(r->retain[i].name, name) == 0)
			return (int)i;
	return -1;
}

const char *rsnap_word(const struct rsnap *r, char to[RSNAP_WORD])
{
	uint64_t sum = 0;
	const char *p;
	size_t i;

	/* In whatever order: the sum of their FNV-1a hashes. */
	for (i = 0; i < r->nhost; i++) {
		uint64_t hash = 0xcbf29ce484222325;

		for (p = r->host[i]; *p != '\0'; p++)
			hash = (hash ^ (unsigned char)*p) * 0x100000001b3;
		sum += hash;
	}
	snprintf(to, RSNAP_WORD, "%016" PRIx64, sum);
	return to;
}
