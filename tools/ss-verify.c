/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ss-verify - are stored trees still what was recorded of them?
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/exits.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/sandbox.h"
#include "catalog/asked.h"
#include "catalog/away.h"
#include "catalog/findings.h"
#include "catalog/unclaimed.h"
#include "catalog/verify.h"
#include "conf/opt.h"
#include "tree/keys.h"

static int all, structure, fresh;
static char *read_word;

static const struct poptOption table[] = {
	{ "all", 'a', POPT_ARG_NONE, &all, 0, "every saveset that lies on disk", NULL },
	{ "structure", 's', POPT_ARG_NONE, &structure, 0, "do not read the files' contents", NULL },
	{ "new", 0, POPT_ARG_NONE, &fresh, 0, "read only contents not verified before", NULL },
	{ "read", 0, POPT_ARG_STRING, &read_word, 0, "media (default) or cache", "WORD" },
	POPT_TABLEEND
};

/* What cannot be verified of all that lie on disk. */
struct left_out {
	struct away away;
	struct unclaimed_list unclaimed;
};

/*
 * Fill *list with all that lie on disk (on the volume that was named, if one was), but for those of
 * volumes that are away.  An exit code.
 */
static int choose_all(struct catalog *cat, const struct conf *c, struct saveset **list, size_t *n,
		      struct left_out *left)
{
	size_t kept = 0;

	if (asked_exists(cat, c) <= 0 || catalog_list(cat, NULL, list, n) < 0)
		return SS_FAIL;
	for (size_t i = 0; i < *n; i++) {
		struct saveset *s = &(*list)[i];
		int wanted = s->seq && s->status != SV_GONE && !strcmp(s->backup_host, c->backup_host) &&
			     asked_for(c, s->volume, s->backup_host);

		if (wanted && !away_look(&left->away, cat, s))
			(*list)[kept++] = *s;
		else
			saveset_free(s);
	}
	*n = kept;
	return unclaimed_look(cat, c, &left->away, &left->unclaimed) < 0 ? SS_FAIL : SS_OK;
}

/* Fill *list with what was asked for.  An exit code. */
static int choose(struct catalog *cat, const struct conf *c, const char *const *names,
		  struct saveset **list, size_t *n, struct left_out *left)
{
	*list = NULL;
	*n = 0;
	if (all)
		return choose_all(cat, c, list, n, left);
	for (; *names; names++) {
		*list = mem_array(*list, *n + 1, sizeof(**list));
		if (catalog_find(cat, c, *names, &(*list)[*n]))
			return SS_FAIL;
		++*n;
	}
	return SS_OK;
}

/* What a second connection to a server reads; the certificates are links. */
static const char *const resolver[] = {
	"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/ssl",
	"/run/systemd/resolve", "/run/NetworkManager", "/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
};
#define PORTS 17		/* of the servers, and that of the name service */
#define DOMAIN 53

/* Add path to what may be read, if it is there. */
static void allow(int *fd, size_t *n, const char *path)
{
	fd[*n] = open(path, O_PATH | O_CLOEXEC);
	*n += fd[*n] >= 0;	/* a root that is not there is told of later */
}

/* Read the savesets' volumes, write the catalog, no more; the keys are read before.  0 or -1. */
static int confine(struct catalog *cat, const struct conf *c, const struct saveset *list, size_t n)
{
	const char *file = db_file(cat->db);
	/* The journal lies beside the file itself, wherever a link leads from. */
	char *dir = file ? realpath(file, NULL) : NULL, *slash = dir ? strrchr(dir, '/') : NULL;
	size_t nresolver = sizeof(resolver) / sizeof(*resolver), nfd = 0, nport;
	int *fd = mem_array(NULL, n + nresolver + 1, sizeof(*fd)), rc;
	uint16_t port[PORTS];

	if (slash)
		slash[slash == dir] = 0;
	const char *const rw[] = { slash ? dir : "." };
	nport = db_ports(cat->db, port, PORTS - 1);
	if (nport)
		port[nport++] = DOMAIN;
	for (size_t i = 0; i < n; i++)
		if (!i || strcmp(list[i].root, list[i - 1].root))
			allow(fd, &nfd, list[i].root);
	for (size_t i = 0; !file && i < nresolver; i++)
		allow(fd, &nfd, resolver[i]);
	if (!file && c->db_ca)
		allow(fd, &nfd, c->db_ca);
	keys_load();
	rc = sandbox_reader(fd, nfd, rw, file != NULL, port, nport);
	while (nfd > 0)
		close(fd[--nfd]);
	free(fd);
	free(dir);
	return rc;
}

static int verify(struct catalog *cat, const struct conf *c, const struct saveset *list, size_t n,
		  const struct left_out *left)
{
	const struct away *away = &left->away;
	struct verify_options o = { .how = HASH_MEDIA, .structure = structure, .fresh = fresh,
				    .json = c->json, .quiet = c->quiet, .threads = (unsigned)c->threads };
	size_t done = 0;
	int code = SS_OK;

	if (read_word && !strcmp(read_word, "cache"))
		o.how = HASH_CACHED;
	struct verify *v = verify_new(cat, &o);
	for (size_t i = 0; i < n; i++)
		verify_expect(v, &list[i]);
	for (size_t i = 0; i < n; i++) {
		if (verify_saveset(v, &list[i]) < 0)
			code = SS_FAIL;
		else
			done++;
	}
	if (verify_finish(v) < 0)
		code = SS_FAIL;
	size_t findings = verify_findings(v);
	away_tell(away, "verified", c->json);
	unclaimed_tell(&left->unclaimed, "verified", c->json);
	msg_info("%zu of %zu savesets verified, %zu findings%s", done, n + away->savesets, findings,
		 findings ? "; see ROT in secondshot(7)" : "");
	if (c->json)
		findings_summary(done, n + away->savesets, findings);
	if (away->failed || (away->n && !n))
		code = SS_FAIL;
	else if (code == SS_OK)
		code = findings ? SS_FINDINGS : away->n || left->unclaimed.n ? SS_INCOMPLETE : SS_OK;
	verify_free(v);
	return code;
}

static int run(const struct conf *c, const char *const *names)
{
	struct catalog cat = { 0 };
	struct saveset *list = NULL;
	struct left_out left = { 0 };
	size_t n = 0;

	if (all == !!*names) {
		msg_error(all ? "--all or names of savesets, not both"
			      : "which savesets? Name them, or HOST@LOCATION, HOST@latest, or --all");
		return SS_FAIL;
	}
	if (structure && fresh) {
		msg_error("--structure reads no contents, --new reads some: one of them");
		return SS_FAIL;
	}
	if (read_word && strcmp(read_word, "media") && strcmp(read_word, "cache")) {
		msg_error("--read=%s: it must be media or cache", escape_name(read_word));
		return SS_FAIL;
	}
	if (catalog_open(&cat, c, DB_WRITE) < 0)
		return SS_FAIL;
	int code = choose(&cat, c, names, &list, &n, &left);
	if (code == SS_OK && n == 0 && left.away.n == 0 && left.unclaimed.n == 0) {
		msg_error("there is nothing to verify of backup host %s", escape_name(c->backup_host));
		code = SS_FAIL;
	}
	if (code == SS_OK)
		code = confine(&cat, c, list, n) < 0 ? SS_FAIL : verify(&cat, c, list, n, &left);
	away_free(&left.away);
	unclaimed_free(&left.unclaimed);
	catalog_list_free(list, n);
	catalog_close(&cat);
	return code;
}

int main(int argc, const char **argv)
{
	static const struct opt_tool tool = {
		"ss-verify", "[OPTION...] SAVESET... | HOST@LOCATION | HOST@latest | --all",
		"Compare stored trees with the catalog: structure and contents.", table,
		OPT_CATALOG | OPT_THREADS | OPT_JSON,
	};
	struct conf conf = { 0 };
	int code = SS_FAIL;
	const char **args = opt_start(&tool, argc, argv, &conf, &code);

	if (args)
		code = run(&conf, args);
	conf_free(&conf);
	return opt_finish(code);
}
