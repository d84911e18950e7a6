/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_source.c - where a source lies, in every form that rsync(1) and rsnapshot take. */
#include <string.h>

#include "rsnap/source.h"
#include "unit.h"

int main(void)
{
	static const struct { const char *src; enum source_kind kind; const char *login, *path; } is[] = {
		{ "/etc/", SOURCE_LOCAL, NULL, "/etc/" },
		{ "etc/", SOURCE_LOCAL, NULL, "etc/" },
		{ "", SOURCE_LOCAL, NULL, "" },
		{ "/a:b/", SOURCE_LOCAL, NULL, "/a:b/" },
		{ "./a:b", SOURCE_LOCAL, NULL, "./a:b" },
		{ "a/b@c:/d", SOURCE_LOCAL, NULL, "a/b@c:/d" },
		{ "alpha:/etc/", SOURCE_SSH, "alpha", "/etc/" },
		{ "root@alpha:/etc/", SOURCE_SSH, "root@alpha", "/etc/" },
		{ "root@alpha:etc/", SOURCE_SSH, "root@alpha", "etc/" },
		{ "root@alpha:", SOURCE_SSH, "root@alpha", "" },
		{ "alpha:~/mail/", SOURCE_SSH, "alpha", "~/mail/" },
		{ "alpha:a:/b", SOURCE_SSH, "alpha", "a:/b" },
		{ "192.0.2.1:/x", SOURCE_SSH, "192.0.2.1", "/x" },
		{ "[::1]:/etc/", SOURCE_SSH, "[::1]", "/etc/" },
		{ "[2001:db8::1]:/", SOURCE_SSH, "[2001:db8::1]", "/" },
		{ "user@[fe80::1%eth0]:/home/", SOURCE_SSH, "user@[fe80::1%eth0]", "/home/" },
		{ "a@b@[::1]:/", SOURCE_SSH, "a@b@[::1]", "/" },
		{ "[::1]", SOURCE_LOCAL, NULL, "[::1]" },
		{ "[]:/x", SOURCE_LOCAL, NULL, "[]:/x" },
		{ "[::1]x:/y", SOURCE_LOCAL, NULL, "[::1]x:/y" },
		{ "[a/b]:/x", SOURCE_LOCAL, NULL, "[a/b]:/x" },
		{ "x[1]:/y", SOURCE_LOCAL, NULL, "x[1]:/y" },
		{ "alpha::module", SOURCE_DAEMON, "alpha", "" },
		{ "alpha::module/a/b/", SOURCE_DAEMON, "alpha", "/a/b/" },
		{ "u@[::1]::module/a", SOURCE_DAEMON, "u@[::1]", "/a" },
		{ "rsync://alpha/module", SOURCE_DAEMON, "alpha", "" },
		{ "rsync://alpha", SOURCE_DAEMON, "alpha", "" },
		{ "RSYNC://u@alpha:8873/module/a:b/", SOURCE_DAEMON, "u@alpha:8873", "/a:b/" },
		{ "rsync://[::1]:8873/module/", SOURCE_DAEMON, "[::1]:8873", "/" },
		{ "lvm://group/volume/home/", SOURCE_OTHER, NULL, "lvm://group/volume/home/" },
		{ "://x", SOURCE_LOCAL, NULL, "://x" },
	};
	struct source s;
	size_t i;

	for (i = 0; i < sizeof(is) / sizeof(*is); i++) {
		source_parse(&s, is[i].src);
		ok(s.kind == is[i].kind && strcmp(s.path, is[i].path) == 0 &&
		   s.login_len == (is[i].login != NULL ? strlen(is[i].login) : 0) &&
		   (is[i].login == NULL || strncmp(s.login, is[i].login, s.login_len) == 0),
		   "%s", is[i].src);
	}
	return done();
}
