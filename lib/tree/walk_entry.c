/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* walk_entry.c - a file's status as an entry. */
#include "tree/walk.h"

#include <sys/stat.h>

static char type_of(unsigned mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return 'f';
	case S_IFDIR: return 'd';
	case S_IFLNK: return 'l';
	case S_IFIFO: return 'p';
	case S_IFSOCK: return 's';
	case S_IFBLK: return 'b';
	case S_IFCHR: return 'c';
	default: return '?';
	}
}

void walk_entry(struct entry *e, const struct statx *sx)
{
	*e = (struct entry){
		.path = "", .data = "", .type = type_of(sx->stx_mode),
		.mode = sx->stx_mode & 07777, .uid = sx->stx_uid, .gid = sx->stx_gid,
		.mtime = sx->stx_mtime.tv_sec, .mtime_ns = sx->stx_mtime.tv_nsec,
		.nlink = sx->stx_nlink,
	};
	if (e->type != 'f')
		return;
	e->size = sx->stx_size;
	e->blocks = sx->stx_blocks;
	e->ino = sx->stx_ino;
	e->btime = entry_btime(sx);
}
