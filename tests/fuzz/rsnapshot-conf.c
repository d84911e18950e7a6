/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnapshot-conf.c - rsnapshot's configuration (rsnap/rsnap.h).
 *
 * The linker puts the input in place of rsnap_text(), so no command of an include_conf line is
 * ever run; what an include_conf line includes stands behind a line with a form feed alone.
 */
#include <string.h>

#include "base/mem.h"
#include "base/msg.h"
#include "frame.h"
#include "rsnap/rsnap.h"
#include "rsnap/rsnap_opt.h"
#include "rsnap/rsnap_text.h"
#include "world.h"

static const char *given;	/* what is to be read */

void fuzz_begin(void)
{
}

int __wrap_rsnap_text(const char *name, struct buf *text);
int __wrap_rsnap_text(const char *name, struct buf *text)
{
	const char *second = strstr(given, "\n\f\n"), *end = second ? second + 1 : strchr(given, '\0');

	buf_str(text, "");
	if (strcmp(name, "main") == 0) {
		buf_add(text, given, (size_t)(end - given));
		return 0;
	}
	if (second) {
		/* Once: it must not include itself. */
		buf_str(text, strstr(second + 3, "include_conf") ? "" : second + 3);
		return 0;
	}
	msg_error("there is no such file");
	return -1;
}

static struct rsnap *read_text(const char *text)
{
	struct rsnap *r;

	given = text;
	r = rsnap_read("main");
	CHECK(world_said() == (r == NULL));
	return r;
}

static void check_points(const struct rsnap *r)
{
	const struct rsnap_point *p;
	size_t len;

	for (p = r->point; p < r->point + r->npoint; p++) {
		len = strlen(p->host);
		CHECK(fuzz_is_name(p->host) && strcmp(p->host, ".sync") != 0 && strcmp(p->host, ".secondshot") != 0);
		CHECK(!strncmp(p->dest, p->host, len) && (p->dest[len] == '/' || !p->dest[len]));
		CHECK(!strstr(p->dest, "/../") && !strstr(p->dest, "//"));
		CHECK(strlen(p->dest) < 3 || strcmp(strchr(p->dest, '\0') - 3, "/..") != 0);
		CHECK(!p->src != !p->script);
		rsnap_opt_free(rsnap_opt_ssh(r, p));
		if (p->src && rsnap_opt_source(p->src) != SOURCE_OTHER && rsnap_opt_source(p->src) != SOURCE_LOCAL) {
			char *login = rsnap_opt_login(p->src);

			CHECK(login && !strchr(login, '/'));
			free(login);
		}
	}
}

static int same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* What rsnapshot gets to see of it means the same. */
static void check_again(const struct rsnap *r)
{
	struct buf b = { 0 };
	struct rsnap *again;
	size_t i;

	for (i = 0; i < r->nline; i++)
		buf_printf(&b, "%s\n", r->line[i].text);
	again = read_text(b.p);
	CHECK(again && !strcmp(again->root, r->root) && again->nretain == r->nretain);
	CHECK(again->npoint == r->npoint && again->nhost == r->nhost && again->nline == r->nline);
	CHECK(same_text(again->cmd_rsync, r->cmd_rsync) && same_text(again->ssh_args, r->ssh_args) &&
	      same_text(again->rsync_long_args, r->rsync_long_args) && again->link_dest == r->link_dest);
	for (i = 0; i < r->nretain; i++)
		CHECK(!strcmp(again->retain[i].name, r->retain[i].name) && fuzz_is_name(r->retain[i].name) &&
		      again->retain[i].count == r->retain[i].count && r->retain[i].count > 0);
	for (i = 0; i < r->npoint; i++)
		CHECK(!strcmp(again->point[i].dest, r->point[i].dest) && same_text(again->point[i].src, r->point[i].src) &&
		      same_text(again->point[i].opts, r->point[i].opts));
	for (i = 0; i < r->nline; i++)
		CHECK(!strcmp(again->line[i].text, r->line[i].text) && again->line[i].point == r->line[i].point);
	rsnap_free(again);
	buf_free(&b);
}

int fuzz_one(char *text, size_t len)
{
	struct rsnap *r = strlen(text) == len ? read_text(text) : NULL;

	if (!r)
		return 0;
	check_points(r);
	(void)rsnap_opt_safe(r);
	(void)world_said();
	check_again(r);
	rsnap_free(r);
	return 1;
}
