/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_rrsync.c - the restricted rsync's words and options: what is split, accepted, refused. */
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "unit.h"
#include "words.h"

/* Do the words of text, without their backslashes, read like this, joined by "|"? */
static int splits(const char *text, const char *want)
{
	char got[256] = "";
	struct words w = { 0 };

	need(words_parse(&w, text, strlen(text)) == 0);
	for (size_t i = 0; i < w.n; i++) {
		words_unescape(w.v[i]);
		strcat(strcat(got, i ? "|" : ""), w.v[i]);
	}
	words_free(&w);
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

static char *no[] = { NULL };
static struct rules rules = { .dir = "/srv", .allow = no, .deny = no };

static enum policy_verdict judge(const char *word)
{
	struct option o;

	return policy_option(&rules, word, true, &o);
}

static int all(enum policy_verdict want, const char *const *words)
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

	ok(all(POLICY_OK, good), "what a client sends");
	ok(all(POLICY_BAD, bad), "what none sends");
	ok(all(POLICY_OFF, off), "what is refused by name");
	policy_option(&rules, "-vse.L", true, &o);
	ok(strcmp(o.name, "-s") == 0, "the letter is named");
	ok(policy_option(&rules, "--sender", false, &o) == POLICY_OFF, "--sender is no option of its own");
	ok(policy_option(&rules, "--log-file=a=b", false, &o) == POLICY_OK && o.kind == POLICY_FILE &&
	   strcmp(o.value, "a=b") == 0, "a value begins behind the first =");
	ok(policy_option(&rules, "-vRX", false, &o) == POLICY_OK && o.relative && o.xattrs, "-R and -X are seen");
	ok(policy_option(&rules, "-ve.RX", false, &o) == POLICY_OK && !o.relative && !o.xattrs, "but not behind -e");
}

static void test_modes(void)
{
	static const char *const deletes[] = { "--delete", "--delete-excluded", "--remove-source-files",
					       "--remove-sent-files", NULL };
	static const char *const replaces[] = { "-b", "-vb", "--backup-dir=x", "--partial-dir=x", "--delay-updates",
						"--log-file=x", NULL };
	struct rules r = rules;

	rules.no_del = true;
	ok(all(POLICY_OFF, deletes) && judge("--log-file=x") == POLICY_OK, "-no-del");
	rules = r;
	rules.ro = true;
	ok(all(POLICY_OFF, deletes) && judge("--log-file=x") == POLICY_OFF && judge("-b") == POLICY_OK, "-ro");
	rules = r;
	rules.no_overwrite = true;
	ok(all(POLICY_OFF, replaces) && judge("--delete") == POLICY_OK, "-no-overwrite");
	rules = r;
	rules.dir = "/";
	ok(judge("-LKk") == POLICY_OK && judge("--copy-unsafe-links") == POLICY_OK && judge("-s") == POLICY_OFF,
	   "below / links may be followed");
	rules = r;
}

static void test_names(void)
{
	char links[] = "--copy-links", letter[] = "z", word[] = "delete", both[] = "hard-links", devices[] = "write-devices";
	char *allow[] = { links, devices, NULL }, *deny[] = { letter, word, both, links, NULL };
	struct rules r = rules;

	rules.allow = allow;
	ok(judge("-L") == POLICY_OK && judge("-k") == POLICY_OFF && judge("--write-devices") == POLICY_OK,
	   "-allow by the long name of a letter");
	rules.ro = true;
	ok(judge("--delete") == POLICY_OFF, "and no mode is weakened");
	rules.ro = false;
	rules.deny = deny;
	ok(judge("-vz") == POLICY_OFF && judge("--delete") == POLICY_OFF && judge("--delete-after") == POLICY_OK,
	   "-deny takes exact names");
	ok(judge("-H") == POLICY_OFF && judge("--hard-links") == POLICY_OFF, "both of an option's two");
	ok(judge("-L") == POLICY_OFF, "-deny is stronger than -allow");
	rules = r;
	ok(policy_may_name("L", false) && policy_may_name("--debug", false) && policy_may_name("-compress", true),
	   "names with and without dashes");
	ok(!policy_may_name("daemon", false) && !policy_may_name("s", false) && !policy_may_name("secluded-args", false) &&
	   !policy_may_name("config", false) && !policy_may_name("", false) && !policy_may_name("delete", false),
	   "what -allow is not for");
	ok(!policy_may_name("server", true) && !policy_may_name("nonsense", true) && policy_may_name("delete", true),
	   "what -deny is not for");
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
