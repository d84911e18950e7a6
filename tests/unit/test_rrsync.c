/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_rrsync.c - the restricted rsync's words and options: what is split, accepted, refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "unit.h"
#include "words.h"

/* What the program does not come back from: here it does, with the words. */
static jmp_buf refused;
static char why[500];

void refuse(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	vsnprintf(why, sizeof(why), format, values);
	va_end(values);
	longjmp(refused, 1);
}

/* Do the words of text, without their backslashes, read like this, joined by "|"? */
static int splits(const char *text, const char *want)
{
	char got[256] = "", *copy = strdup(text), *rest = copy, *word;

	need(copy != NULL);
	while ((word = words_next(&rest))) {
		words_unescape(word);
		strcat(strcat(got, *got ? "|" : ""), word);
	}
	free(copy);
	return strcmp(got, want) == 0;
}

static void test_words(void)
{
	ok(splits("--server --sender -e.L . /a", "--server|--sender|-e.L|.|/a"), "words end at blanks");
	ok(splits("  a \t b\v\f\r\nc\x1c" "d ", "a|b|c|d"), "of all kinds and any number");
	ok(splits("a\\ b c\\\\ d\\\te", "a b|c\\|d\te"), "a backslash protects one character");
	ok(splits("a\\\nb c\\", "a|b|c"), "but not a newline, nor nothing");
	ok(splits("\"a b\" '$x' `id`;id", "\"a|b\"|'$x'|`id`;id"), "nothing else is special");
	ok(splits("a\xc2\xa0" "b\xe3\x80\x80" "c\\\xe3\x80\x80" "d\xe2\x80\x83" "e", "a|b|c\xe3\x80\x80" "d|e"),
	   "Unicode's blanks, too");
	ok(splits("\xc2 \xe3\x80 \xff\xe2\x80", "\xc2|\xe3\x80|\xff\xe2\x80"), "what is cut off is no blank");
	ok(splits("", "") && splits(" ", "") && splits("\\", "") && splits("\\ ", " "), "nothing at all");
}

static void test_escape(void)
{
	char out[16];

	ok(strcmp(words_escape(out, sizeof(out), "a b"), "a b") == 0, "plain text stays");
	ok(strcmp(words_escape(out, sizeof(out), "\x1b\\"), "\\x1b\\x5c") == 0, "control characters do not");
	ok(strcmp(words_escape(out, sizeof(out), "\xc3\xa4"), "\\xc3\\xa4") == 0, "nor bytes above ASCII");
	ok(strcmp(words_escape(out, sizeof(out), "0123456789"), "01234567...") == 0, "what is too long is cut");
	ok(strlen(words_escape(out, sizeof(out), "1234567\x1b\x1b\x1b")) < sizeof(out), "and never too long");
}

static struct rules rules = { .dir = "/srv" };

enum verdict {
	GOOD,
	OFF,	/* known, and refused here */
	BAD,	/* nothing that a server is asked for */
};

static enum verdict judge_as(const char *word, bool sender, struct option *o)
{
	if (setjmp(refused))
		return strstr(why, " has been disabled on this server.") != NULL ? OFF : BAD;
	policy_option(&rules, word, sender, o);
	return GOOD;
}

static enum verdict judge(const char *word)
{
	struct option o;

	return judge_as(word, true, &o);
}

/* May -allow or -deny name it?  Nothing is kept. */
static bool may_name(const char *name, bool deny)
{
	struct rules r = rules;

	if (setjmp(refused))
		return false;
	policy_name(&r, name, deny);
	return true;
}

static int all(enum verdict want, const char *const *words)
{
	for (; *words; words++)
		if (judge(*words) != want)
			return 0;
	return 1;
}

static void test_options(void)
{
	static const char *const good[] = { "-logDtpre.iLsfxCIvu", "-e7.i", "-B700", "-@2", "--delete", "--server",
					    "--suffix=~", "--suffix", "--link-dest=x", "--sender", NULL };
	static const char *const bad[] = { "", "-", "--", "-e", "-e7", "-e.a;b", "-ea.b", "-e.\xc3\xa4", "-eL.x", "-B",
					   "-B7v", "-vB7", "-i", "-T", "-M--x", "-f", "-4", "sub", "./", "--delet",
					   "--deletes", "--config=x", "--rsh=x", "--delete=1", "-v ", "--del ete",
					   "--confine-root=/", "--no-drop-D", "--insecure-links", NULL };
	static const char *const off[] = { "-s", "-vse.L", "-L", "-vK", "-k", "--daemon", "--daemon=1", "--debug=ALL",
					   "--copy-devices", "--write-devices", "--no-munge-links",
					   "--copy-unsafe-links", NULL };
	struct option o;

	ok(all(GOOD, good), "what a client sends");
	ok(all(BAD, bad), "what none sends");
	ok(all(OFF, off), "what is refused by name");
	ok(judge("-vse.L") == OFF && strstr(why, "option -s has"), "the letter is named");
	ok(judge("--debug=ALL") == OFF && strstr(why, "option --debug has"), "the long option, too");
	ok(judge_as("--sender", false, &o) == OFF, "--sender is no option of its own");
	ok(judge_as("--log-file=a=b", false, &o) == GOOD && o.kind == POLICY_FILE && o.value == 11,
	   "a value begins behind the first =");
	ok(judge_as("-vRX", false, &o) == GOOD && o.relative && o.xattrs, "-R and -X are seen");
	ok(judge_as("-ve.RX", false, &o) == GOOD && !o.relative && !o.xattrs, "but not behind -e");
}

static void test_modes(void)
{
	static const char *const deletes[] = { "--delete", "--delete-excluded", "--remove-source-files",
					       "--remove-sent-files", NULL };
	static const char *const replaces[] = { "-b", "-vb", "--backup-dir=x", "--partial-dir=x", "--delay-updates",
						"--log-file=x", NULL };
	struct rules r = rules;

	rules.no_del = true;
	ok(all(OFF, deletes) && judge("--log-file=x") == GOOD, "-no-del");
	rules = r;
	rules.ro = true;
	ok(all(OFF, deletes) && judge("--log-file=x") == OFF && judge("-b") == GOOD, "-ro");
	rules = r;
	rules.no_overwrite = true;
	ok(all(OFF, replaces) && judge("--delete") == GOOD, "-no-overwrite");
	rules = r;
	rules.dir = "/";
	ok(judge("-LKk") == GOOD && judge("--copy-unsafe-links") == GOOD && judge("-s") == OFF,
	   "below / links may be followed");
	rules = r;
}

static void test_names(void)
{
	static const char *const deny[] = { "z", "delete", "hard-links", "--copy-links" };
	struct rules r = rules;
	size_t n = 0;

	policy_name(&rules, "--copy-links", false);
	policy_name(&rules, "write-devices", false);
	ok(judge("-L") == GOOD && judge("-k") == OFF && judge("--write-devices") == GOOD,
	   "-allow by the long name of a letter");
	rules.ro = true;
	ok(judge("--delete") == OFF, "and no mode is weakened");
	rules.ro = false;
	for (size_t i = 0; i < LEN(deny); i++)
		policy_name(&rules, deny[i], true);
	ok(judge("-vz") == OFF && judge("--delete") == OFF && judge("--delete-after") == GOOD,
	   "-deny takes exact names");
	ok(judge("-H") == OFF && judge("--hard-links") == OFF, "both of an option's two");
	ok(judge("-L") == OFF, "-deny is stronger than -allow");
	rules = r;
	ok(may_name("L", false) && may_name("--debug", false) && may_name("-compress", true),
	   "names with and without dashes");
	ok(!may_name("daemon", false) && !may_name("s", false) && !may_name("secluded-args", false) &&
	   !may_name("config", false) && !may_name("", false) && !may_name("delete", false),
	   "what -allow is not for");
	ok(!may_name("server", true) && !may_name("nonsense", true) && may_name("delete", true),
	   "what -deny is not for");
	while (may_name("L", false) && n < 2 * POLICY_NAMES) {
		policy_name(&rules, "L", false);
		n++;
	}
	ok(n == POLICY_NAMES - 1 && !rules.allow[n], "and there is an end to them");
	rules = r;
}

int main(void)
{
	test_words();
	test_escape();
	test_options();
	test_modes();
	test_names();
	return done();
}
