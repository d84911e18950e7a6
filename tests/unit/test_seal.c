/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_seal.c - keys and the seals of markers: who wrote this? */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/msg.h"
#include "tree/keys.h"
#include "tree/marker.h"
#include "tree/volume.h"
#include "unit.h"

#define ID "0123456789abcdef0123456789abcdef"
#define OTHER "f123456789abcdef0123456789abcdef"
#define KNOWN_MAC "cc62d5ed24a601ddd4aff1269b8f72ba4cd8c52248d917be150c96f7bf00a280"

static char top[] = "/tmp/ss-seal.XXXXXX";
static int at;			/* top, which serves as a location and as a root */

/* Keys of known answers: RFC 4231's test cases have other lengths of keys, so these were made with openssl(1). */
static void pure(void)
{
	struct seal_key k, l;
	char text[SEAL_FILE], mac[SEAL_MAC + 1], zero[] = "secondshot-key 1\nkey "
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\nend\n";
	size_t len = strlen(zero);

	ok(seal_parse(&k, zero, len) == 0 && strlen(k.id) == SEAL_ID, "a key's file");
	ok(seal_text(&k, text) == len && !strcmp(text, zero), "and back");
	/* printf 'host\0text' | openssl dgst -sha256 -mac hmac -macopt hexkey:0001...1f */
	ok(seal_mac(&k, "host", "text", 4, mac) == 0 && !strcmp(mac, KNOWN_MAC), "HMAC-SHA256 of host, NUL, text");
	ok(seal_fits(&k, "host", "text", 4, mac), "fits");
	ok(!seal_fits(&k, "hos", "text", 4, mac) && !seal_fits(&k, "hostt", "ext", 3, mac) &&
	   !seal_fits(&k, "host", "tex", 3, mac), "but no other host or text");
	mac[SEAL_MAC - 1] = '\0';
	ok(!seal_fits(&k, "host", "text", 4, mac) && !seal_fits(&k, "host", "text", 4, ""), "nor a part of it");
	ok(seal_new(&l) == 0 && strcmp(l.id, k.id) != 0, "each key has a name of its own");
	ok(!strstr(zero, k.id), "which does not give it away");
	for (size_t i = 0; i < len; i++) {
		char c = zero[i];

		zero[i] = c == 'x' ? 'y' : 'x';
		if (seal_parse(&l, zero, len) == 0)
			break;
		zero[i] = c;
		if (i == len - 1)
			ok(1, "no byte of a key's file may be another");
	}
	ok(seal_parse(&l, zero, len - 1) < 0 && seal_parse(&l, zero, 0) < 0, "a torn one");
	seal_wipe(&k);
	ok(!k.id[0] && !k.secret[31], "wiped");
}

static char *dir_of(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

/* Exchange one text for another of the same length in the host's marker. */
static void forge(const char *from, const char *to)
{
	int own = openat(at, ".secondshot", O_RDONLY);
	size_t len;
	char *text = file_read(own, "host", &len), *p = strstr(text, from);

	need(p && strlen(from) == strlen(to));
	memcpy(p, to, strlen(to));
	need(file_replace(own, "host", text, len, 0600) == 0);
	free(text);
	close(own);
}

static void put(int dir, const char *name, const char *text)
{
	need(file_replace(dir, name, text, strlen(text), 0600) == 0);
}

static int is_sealed(const char *host)
{
	struct marker m;

	return marker_read(at, host, &m) == 1 && m.sealed;
}

static void markers(void)
{
	struct marker m = { .saveset = "s", .id = ID, .volume = OTHER, .status = "partial", .files = 5 }, got;
	struct volume v = { .id = OTHER }, w = { .id = ID };
	int own;

	keys_in(NULL);
	ok(marker_write(at, "host", &m) == 0 && marker_read(at, "host", &got) == 1 && !got.sealed && !got.key[0],
	   "without a key: written, and not sealed");
	keys_in(dir_of("state"));
	ok(!keys_own(), "to read makes no key");
	ok(!is_sealed("host") && faccessat(at, "state", F_OK, 0) < 0, "nor a directory");
	ok(marker_write(at, "host", &m) == 0 && marker_read(at, "host", &got) == 1 && got.sealed &&
	   !strcmp(got.key, keys_own()->id), "to write makes it, and seals");
	ok(volume_attests(&v, &got) && !volume_attests(&w, &got), "for this volume alone");
	keys_in(dir_of("state"));
	ok(is_sealed("host"), "another process knows it");
	forge("status partial", "status waiting");
	ok(!is_sealed("host"), "another status");
	forge("status waiting", "status partial");
	ok(is_sealed("host"), "as it was");
	forge("files 5", "files 6");
	ok(!is_sealed("host"), "another number");
	forge("files 6", "files 5");
	need((own = openat(at, ".secondshot", O_RDONLY)) >= 0 && linkat(own, "host", own, "other", 0) == 0);
	ok(!is_sealed("other"), "another host's");
	forge("end\n", "eno\n");
	ok(!is_sealed("host"), "torn");
	put(own, "host", "secondshot-marker 1\nsaveset s\nid " ID "\nstatus complete\nend\n");
	ok(!is_sealed("host"), "none at all");
	put(own, "host", "secondshot-marker 1\nsaveset s\nid " ID "\nstatus complete\nkey 00\nmac 00\nend\n");
	ok(!is_sealed("host"), "short ones");
	close(own);
}

/* What lies behind the seal is not covered by it. */
static void tail(void)
{
	int own = openat(at, ".secondshot", O_RDONLY);
	struct marker m = { .saveset = "s", .id = ID, .volume = OTHER, .status = "partial" };
	size_t len;
	char *text, *more;

	need(own >= 0 && marker_write(at, "host", &m) == 0 && (text = file_read(own, "host", &len)));
	text[len - strlen("end\n")] = '\0';
	more = mem_printf("%sstatus waiting\nend\n", text);
	put(own, "host", more);
	ok(!is_sealed("host"), "a line behind the seal");
	free(more);
	more = mem_printf("%send\nstatus waiting\nend\n", text);
	put(own, "host", more);
	ok(!is_sealed("host"), "lines behind the end");
	free(more);
	free(text);
	close(own);
}

static void several(void)
{
	struct marker m = { .saveset = "s", .id = ID, .volume = OTHER, .status = "partial" };
	int state, own;

	need(marker_write(at, "host", &m) == 0);
	keys_in(dir_of("second"));
	ok(!is_sealed("host"), "another machine does not accept it");
	need(keys_need() && (state = openat(at, "second", O_RDONLY)) >= 0);
	need(mkdirat(state, KEYS_OTHERS, 0700) == 0 && (own = openat(state, KEYS_OTHERS, O_RDONLY)) >= 0);
	need(linkat(at, "state/" KEYS_OWN, own, "first", 0) == 0);
	put(own, "broken", "no key");
	keys_in(dir_of("second"));
	ok(is_sealed("host"), "until it has its key, whatever lies beside that");
	need(fchmodat(own, "first", 0640, 0) == 0);
	keys_in(dir_of("second"));
	ok(!is_sealed("host"), "which nobody else may read");
	need(fchmodat(own, "first", 0600, 0) == 0);

	put(state, KEYS_OWN, "no key");
	keys_in(dir_of("second"));
	ok(!keys_need() && marker_write(at, "host", &m) == 0 && !is_sealed("host"),
	   "a damaged own key is not made anew: written, and not sealed");
	need(unlinkat(state, KEYS_OWN, 0) == 0 && fchmodat(at, "second", 0777, 0) == 0);
	keys_in(dir_of("second"));
	ok(!keys_need() && faccessat(state, KEYS_OWN, F_OK, 0) < 0, "none in a directory of everybody");
	need(fchmodat(at, "second", 0700, 0) == 0);
	close(own);
	close(state);
}

/* Several that begin at once have one key. */
static void at_once(void)
{
	enum { N = 8 };
	int ends[2], same = 1, failed = 0, status;
	char id[SEAL_ID + 1], first[SEAL_ID + 1] = "";

	need(pipe(ends) == 0);
	for (int i = 0; i < N; i++) {
		pid_t pid = fork();

		need(pid >= 0);
		if (pid == 0) {
			keys_in(dir_of("third"));
			_exit(keys_need() && write(ends[1], keys_own()->id, SEAL_ID) == SEAL_ID ? 0 : 1);
		}
	}
	for (int i = 0; i < N; i++) {
		need(wait(&status) > 0);
		failed += status != 0;
	}
	for (int i = 0; i < N && !failed; i++) {
		need(read(ends[0], id, SEAL_ID) == SEAL_ID);
		id[SEAL_ID] = '\0';
		if (i == 0)
			memcpy(first, id, sizeof(first));
		same &= !strcmp(first, id);
	}
	ok(!failed && same, "several that start at once agree on one key");
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	msg_level(MSG_NONE);
	need(mkdtemp(top) && (at = open(top, O_RDONLY)) >= 0);
	need(mkdirat(at, "host", 0700) == 0 && mkdirat(at, "other", 0700) == 0);
	pure();
	markers();
	tail();
	several();
	at_once();
	keys_in(NULL);
	close(at);
	char *rm = mem_printf("rm -rf %s", top);
	need(system(rm) == 0);
	free(rm);
	return done();
}
