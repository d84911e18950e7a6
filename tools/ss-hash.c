/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ss-hash - a filter: paths or stream records in, digests out.
 *
 *	ss-catalog add alpha | ss-hash | ss-catalog store
 *	find . -type f -print0 | ss-hash -0 --format sha256sum
 *
 * Whatever is read, this process can only read: see sandbox.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/exits.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/sandbox.h"
#include "conf/opt.h"
#include "tree/filter.h"
#include "tree/marker.h"

static struct {
	char *format, *read, *files0;
	int null;
} opts;

static const struct poptOption table[] = {
	{ "null", '0', POPT_ARG_NONE, &opts.null, 0, "Names in, and records out, end with NUL", NULL },
	{ "files0-from", '\0', POPT_ARG_STRING, &opts.files0, 0, "Names, NUL-ended, from FILE", "FILE" },
	{ "format", '\0', POPT_ARG_STRING, &opts.format, 0, "stream, sha256sum or json", "FORMAT" },
	{ "read", '\0', POPT_ARG_STRING, &opts.read, 0, "cache (faster) or media", "FROM" },
	POPT_TABLEEND
};

static const struct opt_tool tool = {
	"ss-hash", "[OPTION...] [FILE...]",
	"Digests of the files named by a stream, a list of names, or the command line.", table,
	OPT_HASHTYPE | OPT_THREADS | OPT_JSON,
};

/* What the command line asks for, beside the names. */
struct request {
	enum hash_read how;
	unsigned threads;
	int format;		/* enum filter_format, -1 = as suits the input */
};

static int request_parse(struct request *q, const struct conf *c)
{
	static const char *const formats[] = { "stream", "sha256sum", "json" };
	const char *format = c->json ? "json" : opts.format;

	*q = (struct request){ .how = HASH_CACHED, .threads = (unsigned)c->threads, .format = -1 };
	if (c->json && opts.format && strcmp(opts.format, "json") != 0) {
		msg_error("--json and --format=%s contradict each other", escape_name(opts.format));
		return -1;
	}
	if (format) {
		for (q->format = 2; q->format >= 0 && strcmp(formats[q->format], format) != 0; q->format--)
			;
		if (q->format < 0) {
			msg_error("--format=%s: it must be stream, sha256sum or json", escape_name(format));
			return -1;
		}
	}
	if (opts.read && strcmp(opts.read, "media") == 0) {
		q->how = HASH_MEDIA;
	} else if (opts.read && strcmp(opts.read, "cache") != 0) {
		msg_error("--read=%s: it must be media or cache", escape_name(opts.read));
		return -1;
	}
	return 0;
}

/* Give up all power but to read beneath root (AT_FDCWD: anywhere), then start the threads. */
static int start_pool(struct filter *f, const struct request *q, int root)
{
	unsigned threads = q->threads ? q->threads : hash_threads(root);
	int top = root, rc;

	if (root == AT_FDCWD)
		top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	rc = sandbox_reader(&top, top >= 0, NULL, 0, NULL, 0);
	if (root == AT_FDCWD && top >= 0)
		close(top);
	if (rc == 0)
		f->pool = hash_pool_new(root, threads, q->how);
	return f->pool ? 0 : -1;
}

/* The directory that holds root, opened; *name is root's last component. */
static int open_parent(const char *root, char **copy, const char **name)
{
	char *slash = *copy = mem_strdup(root);
	size_t len = strlen(root);

	while (len > 1 && slash[len - 1] == '/')
		slash[--len] = '\0';
	slash = strrchr(*copy, '/');
	*name = slash + 1;
	if (slash == *copy)
		return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	*slash = '\0';
	return open(*copy, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Is the tree still the one that the stream was made from?  ST_TODO if so. */
static enum stream_state check_marker(int location, const char *host, const struct stream_head *h)
{
	struct marker m;
	int rc;

	if (!h->marker)
		return ST_TODO;
	rc = marker_read(location, host, &m);
	if (rc == 0)
		msg_error("%s: no marker lies beside it: it is another tree by now", escape_name(h->root));
	else if (rc > 0 && strcmp(m.id, h->marker) != 0)
		msg_error("%s: it is another saveset by now (%s)", escape_name(h->root), escape_name(m.saveset));
	else if (rc > 0)
		return ST_TODO;
	return ST_MOVED;
}

/* Open the stream's root, once.  The descriptor, or -1 with what becomes of the records. */
static int open_root(const struct stream_head *h, enum stream_state *refused)
{
	char *copy = NULL;
	const char *name = NULL;
	int location = open_parent(h->root, &copy, &name), root = -1;

	if (location >= 0)
		root = openat(location, *name ? name : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	*refused = ST_MISSING;
	if (root < 0) {
		msg_error("%s: %m", escape_name(h->root));
		goto out;
	}
	*refused = check_marker(location, name, h);
	if (*refused != ST_TODO) {
		close(root);
		root = -1;
	}
out:
	if (location >= 0)
		close(location);
	free(copy);
	return root;
}

/* The algorithm: the command line's, else the stream's, else the configuration's. */
static const struct hash_algo *pick_algo(const struct conf *c, const struct stream_head *h)
{
	const char *name = h->hash && !conf_named(c, "hashtype") ? h->hash : c->hashtype;
	const struct hash_algo *a = hash_algo_find(name);

	if (!a)
		msg_error("stream: the algorithm %s is not known", escape_name(name));
	return a;
}

static int run_stream(struct filter *f, const struct request *q, const struct conf *c, struct lines *in)
{
	const struct stream_head *h;
	struct stream_head out;
	int root = -1, code = SS_FAIL;

	f->stream = stream_over(in);
	if (stream_head(f->stream, &h) != STREAM_REC)
		goto out;
	if (!h->root || h->root[0] != '/') {
		msg_error("stream: its header names no root");
		goto out;
	}
	f->algo = pick_algo(c, h);
	if (!f->algo)
		goto out;
	f->format = q->format < 0 ? FILTER_STREAM : (enum filter_format)q->format;
	f->zero = opts.null || stream_is_zero(f->stream);
	/*
	 * ss-catalog add at the other end of the pipe has work that only it can do:
	 * let it have the CPU first.  Being refused does no harm.
	 */
	(void)!nice(10);
	root = open_root(h, &f->refused);
	if (root >= 0 && start_pool(f, q, root))
		goto out;
	out = *h;
	out.hash = mem_strdup(hash_algo_name(f->algo));
	if (f->format == FILTER_STREAM)
		stream_put_head(f->out, &out, f->zero);
	free(out.hash);
	code = filter_run(f);
out:
	hash_pool_free(f->pool);
	if (root >= 0)
		close(root);
	stream_close(f->stream);
	return code;
}

static int run_names(struct filter *f, const struct request *q, const struct conf *c)
{
	struct stream_head h = { .hash = c->hashtype };
	int code;

	f->algo = hash_algo_find(c->hashtype);
	f->format = q->format < 0 ? FILTER_SUMS : (enum filter_format)q->format;
	f->zero = opts.null;
	if (start_pool(f, q, AT_FDCWD))
		return SS_FAIL;
	if (f->format == FILTER_STREAM)
		stream_put_head(f->out, &h, f->zero);
	code = filter_run(f);
	hash_pool_free(f->pool);
	return code;
}

/* Names or a stream from in; which, and whether there is anything at all, its first bytes tell. */
static int run_input(struct filter *f, const struct request *q, const struct conf *c, FILE *in)
{
	struct lines *l = lines_open(in);
	int code = SS_FAIL;

	f->delim = opts.null || opts.files0 ? '\0' : '\n';
	if (stream_sniff(l)) {
		code = run_stream(f, q, c, l);
	} else if (f->delim && lines_empty(l)) {
		msg_error("no input: neither a stream nor names");
	} else {
		f->lines = l;
		code = run_names(f, q, c);
	}
	lines_close(l);
	return code;
}

static int run(const struct conf *c, const char **args)
{
	struct filter f = { .out = stdout, .quiet = c->quiet };
	struct request q;
	FILE *in = stdin;
	int code;

	if (request_parse(&q, c))
		return SS_FAIL;
	if (*args && opts.files0) {
		msg_error("--files0-from leaves no room for names as arguments");
		return SS_FAIL;
	}
	if (*args) {
		f.args = args;
		return run_names(&f, &q, c);
	}
	if (opts.files0 && strcmp(opts.files0, "-") != 0)
		in = fopen(opts.files0, "re");
	if (!in) {
		msg_error("%s: %m", escape_name(opts.files0));
		return SS_FAIL;
	}
	code = run_input(&f, &q, c, in);
	if (in != stdin)
		fclose(in);
	return code;
}

int main(int argc, const char **argv)
{
	static char buffer[65536];
	struct conf conf;
	int code;
	const char **args = opt_start(&tool, argc, argv, &conf, &code);

	opt_only_reads();
	if (args) {
		setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
		code = run(&conf, args);
	}
	conf_free(&conf);
	return opt_finish(code);
}
