/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_relay.c - which remote shell a confined rsync may ask for, and what it may write
 * besides.  The commands are those that rsync 3.5.0 was seen to start.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rsnap/confine.h"
#include "rsnap/relay.h"
#include "rsnap/rsnap_opt.h"
#include "tree/place.h"
#include "unit.h"

#define WORDS 32

/* Cut a line at "|" into words, the last one NULL.  Their number. */
static int cut(char *line, char *word[WORDS + 1])
{
	char *save, *w;
	int n = 0;

	for (w = strtok_r(line, "|", &save); w != NULL && n < WORDS; w = strtok_r(NULL, "|", &save))
		word[n++] = w;
	word[n] = NULL;
	return n;
}

/* What the remote shell of a command line leads to, against a command: NULL, or what is wrong; "none". */
static const char *judge(const char *rsync, const char *command)
{
	char line[512], asked[512], *word[WORDS + 1], *argv[WORDS + 1];
	struct relay_want w;
	const char *why;
	int n;

	snprintf(line, sizeof(line), "%s", rsync);
	n = cut(line, word);
	snprintf(asked, sizeof(asked), "%s", command);
	cut(asked, argv);
	if (!relay_wanted(&w, n, word))
		return "none";
	why = relay_wrong(&w, argv);
	relay_want_free(&w);
	return why;
}

static void test_commands(void)
{
	static const struct { const char *rsync, *asked, *why; } is[] = {
		{ "rsync|-a|--rsh=/usr/bin/ssh|h:/s/|d", "x|h|rsync|--server|--sender|.|/s/", NULL },
		{ "rsync|-a|--rsh=/usr/bin/ssh -p 22|u@h:/s/|d", "x|-p|22|-l|u|h|rsync|--server|--sender|.|/s/", NULL },
		{ "rsync|-a|--rsh=ssh -o \"a b\"|h:/s/|d", "x|-o|a b|h|rsync|--server", NULL },
		{ "rsync|-aHe|ssh -4|h:/s/|d", "x|-4|h|rsync|--server", NULL },
		{ "rsync|-e|ssh -4|--rsh=ssh -6|h:/s/|d", "x|-6|h|rsync|--server", NULL },
		{ "rsync|--rsync-path=sudo rsync|h:/s/|d", "x|h|sudo rsync|--server", NULL },
		{ "rsync|-a|root@[fe80::1%eth0]:/s/|d", "x|-l|root|fe80::1%eth0|rsync|--server", NULL },
		{ "rsync|-a|a@b@h:/s/|d", "x|-l|a@b|h|rsync|--server", NULL },
		{ "rsync|-e|ssh|u@h::m/s/|d", "x|-l|u|h|rsync|--server|--daemon|.", NULL },
		{ "rsync|-e|ssh -l r|u@h::m/s/|d", "x|-l|r|h|rsync|--server|--daemon|.", NULL },
		{ "rsync|-e|ssh|rsync://u@[::1]:873/m/|d", "x|-l|u|::1|rsync|--server|--daemon|.", NULL },
		{ "rsync|-e|ssh|rsync://h:873/m/|d", "x|h|rsync|--server|--daemon|.", NULL },
		/* No remote shell at all. */
		{ "rsync|-a|/s/|d", "x|h|rsync|--server", "none" },
		{ "rsync|-a|h::m/s/|d", "x|h|rsync|--server", "none" },
		{ "rsync|-a|rsync://h/m/|d", "x|h|rsync|--server", "none" },
		{ "rsync|-e||h:/s/|d", "x|h|rsync|--server", NULL },
		/* What an rsync that was taken over might ask for. */
		{ "rsync|--rsh=ssh|h:/s/|d", "x|-oProxyCommand=sh|h|rsync|--server", "another host" },
		{ "rsync|--rsh=ssh -4|h:/s/|d", "x|-oProxyCommand=sh|h|rsync|--server", "other options" },
		{ "rsync|--rsh=ssh -4|h:/s/|d", "x|-4|-oProxyCommand=sh|h|rsync|--server", "another host" },
		{ "rsync|--rsh=ssh -4|h:/s/|d", "x|h|rsync|--server", "other options" },
		{ "rsync|--rsh=ssh|h:/s/|d", "x|h|-oProxyCommand=sh|rsync|--server", "another program" },
		{ "rsync|--rsh=ssh|h:/s/|d", "x|h|rsync|-oProxyCommand=sh|--server", "another command" },
		{ "rsync|--rsh=ssh|h:/s/|d", "x|h|sh|--server", "another program" },
		{ "rsync|--rsh=ssh|h:/s/|d", "x|h|rsync", "another command" },
		{ "rsync|--rsh=ssh|h:/s/|d", "x|h", "another program" },
		{ "rsync|--rsh=ssh|h:/s/|d", "x|other|rsync|--server", "another host" },
		{ "rsync|--rsh=ssh|h:/s/|d", "x|-l|root|h|rsync|--server", "another host" },
		{ "rsync|--rsh=ssh|u@h:/s/|d", "x|-l|root|h|rsync|--server", "another user" },
		{ "rsync|--rsh=ssh|u@h:/s/|d", "x|-l", "another host" },
		{ "rsync|--rsh=ssh|h:/s/|d", "x", "another host" },
		{ "rsync|--rsh=ssh|h:/s/|d", "", "another host" },
		{ "rsync|--rsh=ssh -4 -6|h:/s/|d", "", "other options" },
	};
	const char *why;
	size_t i;

	for (i = 0; i < sizeof(is) / sizeof(is[0]); i++) {
		why = judge(is[i].rsync, is[i].asked);
		ok(is[i].why == NULL ? why == NULL : why != NULL && strstr(why, is[i].why) != NULL,
		   "%s: %s: %s", is[i].rsync, is[i].asked, why != NULL ? why : "wanted");
	}
}

/* What rsync is told leads, split by its rules, to the words of the remote shell. */
static void test_option(void)
{
	char line[] = "rsync|--rsh=ssh -o 'a \"b' \"\" -x \"it's\"|h:/s/|d", *word[WORDS + 1], *option, **words;
	struct relay_want w;
	size_t i, n = 0;

	need(relay_wanted(&w, cut(line, word), word));
	option = relay_option(&w, "/my \"lib\"/ss-rsync");
	words = rsnap_opt_words(option + strlen("--rsh="));
	ok(strcmp(words[0], "/my \"lib\"/ss-rsync") == 0, "the one inside: %s", words[0]);
	for (i = 1; words[i] != NULL; i++)
		n += w.shell[i] != NULL && strcmp(words[i], w.shell[i]) == 0;
	ok(n == 5 && i == 6 && w.shell[6] == NULL, "its options, each as it was: %s", option);
	rsnap_opt_free(words);
	free(option);
	relay_want_free(&w);
}

/* As long as can be, and no word in it has an end: nothing behind it is looked at. */
static void test_no_end(void)
{
	static char packet[65536];
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} control = { .room = { 0 } };
	const int fd[4] = { 2, 2, 2, 2 };
	char line[] = "rsync|h:/s/|d", *word[WORDS + 1];
	struct iovec part = { packet, sizeof(packet) };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct pollfd p[RELAY_POLL];
	struct relay_want w;
	struct relay r;

	memset(packet, 'x', sizeof(packet));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), fd, sizeof(fd));
	need(relay_wanted(&w, cut(line, word), word) && relay_open(&r, &w) == 0);
	need(sendmsg(r.inside, &m, 0) == (ssize_t)sizeof(packet));
	relay_poll(&r, p);
	need(poll(p, 1, 1000) == 1);
	p[1].revents = p[2].revents = 0;
	relay_work(&r, p);
	ok(r.why != NULL && strstr(r.why, "no sense") != NULL && r.ended < 0, "a command without an end");
	relay_close(&r);
}

static void add(const char *option, const char *path, void *arg)
{
	char *to = arg;

	snprintf(to + strlen(to), 256 - strlen(to), "%s=%s ", option, path);
}

static void test_paths(void)
{
	char line[] = "rsync|-aT|/tmp/x|--temp-dir=/a|--backup-dir|/b|--partial-dir=.p|--log-file=/l|"
		      "--write-batch=w|--log-file-format=%n|--temp-dirs=/no|h:/s/|d";
	char *word[WORDS + 1], good[256] = "";
	int n = cut(line, word);

	confine_each(n, word, add, add, good);
	ok(strcmp(good, "--temp-dir=/tmp/x --temp-dir=/a --backup-dir=/b --log-file=/l --write-batch=w ") == 0,
	   "what rsync is to write: %s", good);
}

static void test_places(void)
{
	char dir[] = "/tmp/test_relay.XXXXXX", *why;
	int root;

	need(mkdtemp(dir) != NULL && chdir(dir) == 0 && mkdir("l", 0700) == 0 && mkdir("l/h", 0700) == 0);
	need(symlink("/etc", "l/h/link") == 0 && symlink("nowhere", "l/h/dangling") == 0);
	need(close(open("l/h/file", O_CREAT | O_WRONLY, 0600)) == 0);
	root = open(dir, O_PATH | O_DIRECTORY);
	ok(place_wrong(root, "l/h") == NULL && place_wrong(root, "l//h/new/below/") == NULL, "there, or to be made");
	ok(place_wrong(root, "l/h/file") == NULL, "a file at the end");
	why = place_wrong(root, "l/h/link/db");
	ok(why != NULL && strcmp(why, "l/h/link is a symbolic link") == 0, "a link on the way: %s", why);
	free(why);
	why = place_wrong(root, "l/h/link/");
	ok(why != NULL, "a link at the end");
	free(why);
	why = place_wrong(root, "l/h/dangling");
	ok(why != NULL, "a link that leads nowhere yet");
	free(why);
	why = place_wrong(root, "l/h/file/db");
	ok(why != NULL, "a file on the way");
	free(why);
	why = place_wrong(root, "l/../l/h");
	ok(why != NULL, "upwards");
	free(why);
	ok(place_open(root, "l/h/link") == -1 && place_open(root, "l/h/..") == -1 && place_open(root, "l/h/file") == -1,
	   "no directory to open");
	ok(place_below("/r/a", "/r") != NULL && strcmp(place_below("/r//a/b", "/r/"), "a/b") == 0, "below");
	ok(strcmp(place_below("/a/b", "/"), "a/b") == 0, "below the root of all");
	ok(place_below("/root/a", "/r") == NULL && place_below("/r", "/r") == NULL && place_below("r/a", "/r") == NULL,
	   "not below");
	close(root);
	need(unlink("l/h/file") == 0 && unlink("l/h/link") == 0 && unlink("l/h/dangling") == 0);
	need(rmdir("l/h") == 0 && rmdir("l") == 0 && chdir("/") == 0 && rmdir(dir) == 0);
}

int main(void)
{
	unsetenv("RSYNC_RSH");
	test_commands();
	test_option();
	test_no_end();
	test_paths();
	test_places();
	return done();
}
