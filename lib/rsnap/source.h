/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source.h - where a source lies, as rsync(1) and rsnapshot take it apart.  Pure.
 *
 *	/PATH, relative/path			LOCAL
 *	[USER@]HOST:PATH			SSH	also [USER@][2001:db8::1]:PATH
 *	[USER@]HOST::MODULE[/PATH]		DAEMON
 *	rsync://[USER@]HOST[:PORT]/MODULE[/PATH]	DAEMON
 *	lvm://GROUP/VOLUME/PATH			OTHER	rsnapshot's own
 *
 * A name of a host ends at the first colon before any slash; one that begins with a
 * square bracket, at the colon behind the closing one.  (rsync 3.5.0: parse_hostspec().)
 */
#ifndef SS_SOURCE_H
#define SS_SOURCE_H

#include <stddef.h>

enum source_kind { SOURCE_LOCAL, SOURCE_SSH, SOURCE_DAEMON, SOURCE_OTHER };

/* All pointers lead into the text that was parsed. */
struct source {
	enum source_kind kind;
	const char *login;	/* [USER@]HOST, of a url with :PORT; NULL where there is none */
	size_t login_len;
	const char *path;	/* on that host; a daemon's: "/PATH" in the module, or "" for its root */
};

/* Take src apart. */
void source_parse(struct source *s, const char *src);

#endif
