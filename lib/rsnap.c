/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnap.c - rsnapshot's configuration, read as rsnapshot 1.4 reads it.
 *
 * What is not wanted here is left to rsnapshot, which refuses a file it does
 * not understand; so unknown words are passed over.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "mem.h"
#include "msg.h"
#include "rsnap.h"
#include "rsnap_text.h"
#include "volume.h"

#define WORDS 4			/* rsnapshot leaves the tabs of the fourth word alone */
#define INCLUDE_DEPTH 16

struct reader {
	struct rsnap *r;
	const char *file;	/* being read */
	size_t line;
	unsigned depth;
};

static int read_file(struct reader *rd, const char *file);

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
	r->host = mem_array(r->host, r->nhost + 1, sizeof(*r->host));
	r->host[r->nhost++] = mem_strdup(host);
}

static int add_point(struct reader *rd, const char *src, const char *to, const char *opts)
{
	char *dest = normal_dest(to);
	char *host = mem_dup(dest, strcspn(dest, "/"));
	struct rsnap *r = rd->r;

	/* These are ours or rsnapshot's; and a dot is no name. */
	if (strncmp(host, ".sync", 5) == 0 || strncmp(host, ".secondshot", 11) == 0 ||
	    !volume_name_ok(host)) {
		free(dest);
		free(host);
		return bad(rd, "does not begin with the name of a host", to);
	}
	r->point = mem_array(r->point, r->npoint + 1, sizeof(*r->point));
	r->point[r->npoint++] = (struct rsnap_point){
		.src = src != NULL ? mem_strdup(src) : NULL, .dest = dest, .host = host,
		.opts = opts != NULL ? mem_strdup(opts) : NULL,
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
		return bad(rd, "not the name of an interval", name);
	count = strtoul(number, &end, 10);
	if (!isdigit((unsigned char)*number) || *end != '\0' || count < 1 || count > 1000000)
		return bad(rd, "not a number of snapshots to keep", number);
	if (rsnap_interval(r, name) >= 0)
		return bad(rd, "interval given twice", name);
	r->retain = mem_array(r->retain, r->nretain + 1, sizeof(*r->retain));
	r->retain[r->nretain++] = (struct rsnap_retain){ mem_strdup(name), (unsigned)count };
	return 0;
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

/* word[0] is the key, the others those that are there, else NULL. */
static int take(struct reader *rd, char *const word[])
{
	struct rsnap *r = rd->r;
	const struct { const char *key; char **text; int *flag; } plain[] = {
		{ "snapshot_root", &r->root, NULL }, { "cmd_rsync", &r->cmd_rsync, NULL },
		{ "cmd_cp", &r->cmd_cp, NULL }, { "cmd_ssh", &r->cmd_ssh, NULL },
		{ "ssh_args", &r->ssh_args, NULL },
		{ "lockfile", &r->lockfile, NULL }, { "logfile", &r->logfile, NULL },
		{ "rsync_short_args", &r->rsync_short_args, NULL },
		{ "rsync_long_args", &r->rsync_long_args, NULL },
		{ "sync_first", NULL, &r->sync_first }, { "link_dest", NULL, &r->link_dest },
		{ "no_create_root", NULL, &r->no_create_root },
	};
	const char *key = word[0], *value = word[1];
	size_t i;

	if (value == NULL)
		return bad(rd, "no value (words are separated by tabs)", key);
	if (strcmp(key, "include_conf") == 0)
		return include(rd, value);
	if (strcmp(key, "retain") == 0 || strcmp(key, "interval") == 0)
		return add_retain(rd, value, word[2] != NULL ? word[2] : "");
	if (strcmp(key, "backup") == 0)
		return add_point(rd, value, word[2] != NULL ? word[2] : "", word[3]);
	if (strcmp(key, "backup_script") == 0)
		return add_point(rd, NULL, word[2] != NULL ? word[2] : "", NULL);
	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (strcmp(key, plain[i].key) != 0)
			continue;
		if (plain[i].flag != NULL)
			return take_flag(rd, plain[i].flag, value);
		set(plain[i].text, value);
	}
	return 0;
}

static int take_line(struct reader *rd, char *line)
{
	char *word[WORDS] = { line };
	size_t n;

	for (n = 1; n < WORDS; n++) {
		line += strcspn(line, "\t");
		if (*line == '\0')
			break;
		*line++ = '\0';
		line += strspn(line, "\t");
		word[n] = line;
	}
	return take(rd, word);
}

/* Does the line continue the one before: indented, and not blank? */
static int continues(const char *line)
{
	size_t indent = strspn(line, " \t");

	return indent > 0 && line[indent] != '\0' && !isspace((unsigned char)line[indent]);
}

/* Cut the next line off *text, without its newline; NULL at the end. */
static char *next_line(char **text)
{
	char *line = *text, *end;

	if (*line == '\0')
		return NULL;
	end = strchrnul(line, '\n');
	*text = *end == '\0' ? end : end + 1;
	*end = '\0';
	return line;
}

static int take_text(struct reader *rd, char *text)
{
	struct buf whole = { 0 };
	size_t extra;
	char *line;
	int ret = 0;

	while (ret == 0 && (line = next_line(&text)) != NULL) {
		rd->line++;
		if (*line == '#' || line[strspn(line, " \t\r\f\v")] == '\0')
			continue;
		buf_reset(&whole);
		buf_str(&whole, line);
		for (extra = 0; continues(text); extra++) {
			line = next_line(&text);
			line += strspn(line, " \t\r\f\v");
			strip(line, " \t\r\f\v");
			buf_char(&whole, '\t');
			buf_str(&whole, line);
		}
		ret = take_line(rd, whole.p);
		rd->line += extra;
	}
	buf_free(&whole);
	return ret;
}

static int read_file(struct reader *rd, const char *file)
{
	struct buf text = { 0 };
	int ret = -1;

	rd->file = file;
	if (rsnap_text(file, &text) == 0)
		ret = take_text(rd, text.p);
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
		free(r->point[i].dest);
		free(r->point[i].host);
		free(r->point[i].opts);
	}
	for (i = 0; i < r->nhost; i++)
		free(r->host[i]);
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

int rsnap_interval(const struct rsnap *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->nretain; i++)
		if (strcmp(r->retain[i].name, name) == 0)
			return (int)i;
	return -1;
}
