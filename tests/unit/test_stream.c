/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_stream.c - what is written is read again; what is wrong is seen, and where. */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/msg.h"
#include "tree/stream.h"
#include "unit.h"

#define HEAD "#secondshot-stream 1\n#root /r\n"
#define NUMBERS "0644\t0\t0\t5\t1.000000000\t7\t8\t9"
#define FILE_LINE "-\tf\t" NUMBERS "\t-\t-\t-\t"
#define MD5 "d41d8cd98f00b204e9800998ecf8427e"

static FILE *input(const void *p, size_t len)
{
	FILE *f = tmpfile();

	need(f && fwrite(p, 1, len, f) == len && fflush(f) == 0);
	need(lseek(fileno(f), 0, SEEK_SET) == 0);
	return f;
}

/* Read to the end of what is good; how it ended, *n records. */
static enum stream_got outcome_of(const void *p, size_t len, unsigned *n)
{
	FILE *f = input(p, len);
	struct stream *s = stream_open(f);
	const struct stream_head *h;
	struct stream_rec r;
	enum stream_got got = stream_head(s, &h);

	*n = 0;
	while (got == STREAM_REC) {
		got = stream_next(s, &r);
		*n += got == STREAM_REC;
	}
	stream_close(s);
	fclose(f);
	return got;
}

static int ends(const char *text, enum stream_got want, unsigned want_n)
{
	unsigned n;
	enum stream_got got = outcome_of(text, strlen(text), &n);

	return got == want && n == want_n;
}

static int bad_record(const char *line)
{
	char *text = mem_printf("%s%s\n#end 1\n", HEAD, line);
	int bad = ends(text, STREAM_BAD, 0);

	free(text);
	return bad;
}

static int good_record(const char *line)
{
	char *text = mem_printf("%s%s\n#end 1\n", HEAD, line);
	int good = ends(text, STREAM_END, 1);

	free(text);
	return good;
}

static struct stream_rec sample(const char *path, size_t len)
{
	struct stream_rec r = {
		.e = {
			.path = path, .path_len = len, .type = 'f', .mode = 07641, .uid = UINT32_MAX, .gid = 12,
			.size = INT64_MAX, .mtime = -3, .mtime_ns = 500000000, .ino = UINT64_MAX,
			.btime = INT64_MIN, .since = 17, .algo = "md5", .digest_len = 16,
		},
		.state = ST_OK, .medium = MEDIUM_MEDIA,
	};

	memset(r.e.digest, 0xa5, 16);
	return r;
}

static int same(const struct stream_rec *a, const struct stream_rec *b)
{
	return a->state == b->state && a->medium == b->medium && a->e.type == b->e.type &&
	       a->e.mode == b->e.mode && a->e.uid == b->e.uid && a->e.gid == b->e.gid &&
	       a->e.size == b->e.size && a->e.mtime == b->e.mtime && a->e.mtime_ns == b->e.mtime_ns &&
	       a->e.ino == b->e.ino && a->e.btime == b->e.btime && a->e.since == b->e.since &&
	       strcmp(a->e.algo, b->e.algo) == 0 && a->e.digest_len == b->e.digest_len &&
	       memcmp(a->e.digest, b->e.digest, a->e.digest_len) == 0 &&
	       a->e.path_len == b->e.path_len && memcmp(a->e.path, b->e.path, a->e.path_len) == 0;
}

static void test_round_trip(int zero)
{
	static const char path[] = "a\tb\nc\\d\377'#";
	char root[] = "/r\n\\x", marker[] = "0123", set[] = "a b", hash[] = "md5";
	struct stream_head h = { .saveset = set, .root = root, .marker = marker, .hash = hash };
	struct stream_rec in = sample(path, sizeof(path) - 1), out;
	const struct stream_head *got;
	FILE *f = tmpfile();
	struct stream *s;

	need(f);
	stream_put_head(f, &h, zero);
	stream_put(f, &in, zero);
	stream_put_end(f, 1, zero);
	need(fflush(f) == 0 && lseek(fileno(f), 0, SEEK_SET) == 0);
	s = stream_open(f);
	ok(stream_head(s, &got) == STREAM_REC && stream_is_zero(s) == zero, "a header");
	ok(strcmp(got->saveset, set) == 0 && strcmp(got->root, root) == 0 && strcmp(got->marker, marker) == 0 &&
	   strcmp(got->hash, hash) == 0, "its values");
	ok(stream_next(s, &out) == STREAM_REC && same(&in, &out), "a record of extremes");
	ok(stream_next(s, &out) == STREAM_END, "the end");
	stream_close(s);
	fclose(f);
}

static void test_ends(void)
{
	static const char zero[] = "#secondshot-stream 1\0#root /r\0" FILE_LINE "a\nb\0#end 1";
	unsigned n;

	ok(ends("", STREAM_EMPTY, 0), "nothing at all");
	ok(ends("hello\n", STREAM_BAD, 0) && ends("hello", STREAM_BAD, 0), "something else");
	ok(ends("#secondshot-stream 2\n", STREAM_BAD, 0) && ends("#secondshot-stream 11\n", STREAM_BAD, 0),
	   "an unknown version");
	ok(ends("#secondshot-stream 1", STREAM_CUT, 0) && ends("#second", STREAM_CUT, 0) &&
	   ends(HEAD, STREAM_CUT, 0) && ends(HEAD "#hash m", STREAM_CUT, 0), "a cut in the header");
	ok(ends(HEAD "#end 0\n", STREAM_END, 0), "no records");
	ok(ends(HEAD FILE_LINE "a\n", STREAM_CUT, 1), "a cut behind a record");
	ok(ends(HEAD FILE_LINE "a\n" FILE_LINE "b", STREAM_CUT, 1), "a cut within a record");
	ok(ends(HEAD FILE_LINE "a\n#end 1", STREAM_CUT, 1), "a cut within the end");
	ok(ends(HEAD FILE_LINE "a\n#end 0\n", STREAM_BAD, 1) && ends(HEAD FILE_LINE "a\n#end \n", STREAM_BAD, 1) &&
	   ends(HEAD FILE_LINE "a\n#end -1\n", STREAM_BAD, 1) && ends(HEAD FILE_LINE "a\n#end --\n", STREAM_BAD, 1),
	   "an end that miscounts");
	ok(ends(HEAD FILE_LINE "a\n#end 2\n", STREAM_END, 1) && ends(HEAD FILE_LINE "a\n#end -\n", STREAM_END, 1) &&
	   ends(HEAD "#end -\n", STREAM_END, 0), "a part of a stream");
	ok(ends(HEAD "#end 0\nx", STREAM_BAD, 0) && ends(HEAD "#end 0\n" FILE_LINE "a\n", STREAM_BAD, 0),
	   "something behind the end");
	ok(ends("#secondshot-stream 1\n#colour red\n#end 0\n", STREAM_BAD, 0) &&
	   ends(HEAD "#root /s\n#end 0\n", STREAM_BAD, 0) && ends("#secondshot-stream 1\n#root \\q\n", STREAM_BAD, 0),
	   "lines that have no place in a header");
	ok(ends(HEAD FILE_LINE "a\n#root /s\n", STREAM_BAD, 1), "a header's line among the records");
	ok(outcome_of(zero, sizeof(zero), &n) == STREAM_END && n == 1, "the NUL form");
	ok(outcome_of(zero, sizeof(zero) - 1, &n) == STREAM_CUT && n == 1, "the NUL form, cut");
}

static void test_records(void)
{
	ok(good_record(FILE_LINE "a") && good_record(FILE_LINE), "a record, and one with the empty path");
	ok(good_record("ok\tf\t" NUMBERS "\tcache\tmd5\t" MD5 "\ta"), "a record with its digest");
	ok(bad_record("") && bad_record("x") && bad_record("-\tf\t" NUMBERS "\t-\t-"), "too few fields");
	ok(bad_record("fine\tf\t" NUMBERS "\t-\t-\t-\ta") && bad_record("-\tx\t" NUMBERS "\t-\t-\t-\ta") &&
	   bad_record("-\tff\t" NUMBERS "\t-\t-\t-\ta") && bad_record("-\tf\t" NUMBERS "\ttape\t-\t-\ta"),
	   "unknown words");
	ok(bad_record("-\tf\t0648\t0\t0\t5\t1.000000000\t7\t8\t9\t-\t-\t-\ta") &&
	   bad_record("-\tf\t17777\t0\t0\t5\t1.000000000\t7\t8\t9\t-\t-\t-\ta"), "bad modes");
	ok(bad_record("-\tf\t0644\t4294967296\t0\t5\t1.000000000\t7\t8\t9\t-\t-\t-\ta") &&
	   bad_record("-\tf\t0644\t0\t0\t-5\t1.000000000\t7\t8\t9\t-\t-\t-\ta") &&
	   bad_record("-\tf\t0644\t0\t0\t9223372036854775808\t1.000000000\t7\t8\t9\t-\t-\t-\ta") &&
	   bad_record("-\tf\t0644\t0\t0\t5\t1.000000000\t18446744073709551616\t8\t9\t-\t-\t-\ta") &&
	   bad_record("-\tf\t0644\t0\t0\t+5\t1.000000000\t7\t8\t9\t-\t-\t-\ta") &&
	   bad_record("-\tf\t0644\t0\t0\t 5\t1.000000000\t7\t8\t9\t-\t-\t-\ta") &&
	   bad_record("-\tf\t0644\t\t0\t5\t1.000000000\t7\t8\t9\t-\t-\t-\ta"), "numbers out of range, or none");
	ok(bad_record("-\tf\t0644\t0\t0\t5\t1.00\t7\t8\t9\t-\t-\t-\ta") &&
	   bad_record("-\tf\t0644\t0\t0\t5\t1\t7\t8\t9\t-\t-\t-\ta") &&
	   bad_record("-\tf\t0644\t0\t0\t5\t1.00000000x\t7\t8\t9\t-\t-\t-\ta") &&
	   bad_record("-\tf\t0644\t0\t0\t5\t.000000000\t7\t8\t9\t-\t-\t-\ta"), "bad times");
	ok(bad_record("ok\tf\t" NUMBERS "\t-\t-\t-\ta") &&
	   bad_record("moved\tf\t" NUMBERS "\t-\tmd5\t" MD5 "\ta"), "a digest belongs to ok, and to nothing else");
	ok(bad_record("ok\tf\t" NUMBERS "\t-\tmd5\t-\ta") && bad_record("ok\tf\t" NUMBERS "\t-\t-\t" MD5 "\ta") &&
	   bad_record("ok\tf\t" NUMBERS "\t-\tcrc\t" MD5 "\ta") && bad_record("ok\tf\t" NUMBERS "\t-\tsha1\t" MD5 "\ta") &&
	   bad_record("ok\tf\t" NUMBERS "\t-\tmd5\tD41D8CD98F00B204E9800998ECF8427E\ta"), "bad digests");
	ok(bad_record(FILE_LINE "a\\q") && bad_record(FILE_LINE "a\\x00"), "bad paths");
}

/* Whatever one byte is changed to, it is read or refused, never more. */
static void test_flips(void)
{
	static const char text[] = HEAD FILE_LINE "a\\nb\nok\tf\t" NUMBERS "\tcache\tmd5\t" MD5 "\tc\n#end 2\n";
	char copy[sizeof(text)];
	unsigned n, most = 0;
	size_t i;
	int c;

	for (i = 0; i < sizeof(text) - 1; i++) {
		for (c = 0; c < 256; c += 5) {
			memcpy(copy, text, sizeof(text));
			copy[i] = (char)c;
			outcome_of(copy, sizeof(text) - 1, &n);
			most = n > most ? n : most;
		}
	}
	ok(most <= 3, "every byte changed, one at a time");
}

/* A pipe takes more than it did; whether as much as is asked for, the system says. */
static void test_pipe(void)
{
	const struct stream_head head = { 0 };
	int end[2];

	need(pipe2(end, O_CLOEXEC) == 0);
	FILE *out = fdopen(end[1], "w");
	need(out != NULL);
	int before = fcntl(end[1], F_GETPIPE_SZ);
	need(fcntl(end[1], F_SETPIPE_SZ, 1 << 20) >= 0 || fcntl(end[1], F_SETPIPE_SZ, before) >= 0);
	int most = fcntl(end[1], F_GETPIPE_SZ);
	need(fcntl(end[1], F_SETPIPE_SZ, before) >= 0);
	stream_put_head(out, &head, 0);
	ok(before > 0 && fcntl(end[1], F_GETPIPE_SZ) == most, "a pipe holds as much as it may");
	fclose(out);
	close(end[0]);
}

int main(void)
{
	msg_level(MSG_NONE);
	test_round_trip(0);
	test_round_trip(1);
	test_ends();
	test_records();
	test_flips();
	test_pipe();
	return done();
}
