/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sql_text.h - pieces of statements that sql.c and sql_maria.c share.
 *
 * by_key: "", or how MariaDB is told which index to go by.  Its own guess is of a
 * table's size some seconds ago: a scan of what was empty then may be long by now, and
 * it waits for the rows that other hosts have in work.
 */
#ifndef SS_SQL_TEXT_H
#define SS_SQL_TEXT_H

#include "db/sql.h"

/* What MariaDB says in its own way; NULL: as all do. */
extern const char *const sql_maria[SQL_COUNT];

#define Q2 "?, ?"
#define Q3 Q2 ", ?"
#define Q4 Q2 ", " Q2
#define Q5 Q3 ", " Q2
#define Q6 Q3 ", " Q3
#define Q7 Q6 ", ?"
#define Q8 "?, ?, ?, ?, ?, ?, ?, ?"
#define Q9 Q8 ", ?"
#define Q15 Q8 ", " Q7
#define Q26 Q8 ", " Q8 ", " Q8 ", " Q2
#define Q64 Q8 ", " Q8 ", " Q8 ", " Q8 ", " Q8 ", " Q8 ", " Q8 ", " Q8

/* A row with its inode, in this order of columns (chunk.c: decode). */
#define ROW(by_key)                                                                     \
	"SELECT p.dir, p.name, p.first, p.last, p.type, p.mode, p.uid, p.gid, p.ino,"   \
	" p.since, p.sub, COALESCE(p.mtime, i.mtime), COALESCE(p.mtime_ns, i.mtime_ns),"\
	" p.data, i.size, i.blocks, i.btime, i.shared, i.algo, i.digest, i.verified,"   \
	" i.verdict, i.room IS NOT NULL FROM paths p" by_key " LEFT JOIN inodes i" by_key                   \
	" ON i.series = p.series AND i.ino = p.ino AND i.since = p.since "

#define MEMBER " AND p.first <= ? AND (p.last IS NULL OR p.last >= ?) "

#define ROWS_FROM                                                                       \
	"WHERE p.series = ? AND p.dir >= ?" MEMBER                                      \
	"ORDER BY p.series, p.dir, p.name LIMIT ?"
#define ROWS_REST                                                                       \
	"WHERE p.series = ? AND p.dir = ? AND p.name > ?" MEMBER                        \
	"ORDER BY p.name LIMIT ?"

#define ROWS_LOST(by_key)                                                               \
	"SELECT count(*) FROM paths p WHERE p.dir > 1 AND NOT EXISTS"                   \
	" (SELECT 1 FROM dirs d" by_key " JOIN paths q" by_key " ON q.series = d.series"\
	" AND q.dir = d.parent AND q.name = d.name AND q.sub = d.id"                    \
	" WHERE d.series = p.series AND d.id = p.dir)"
#define INODES_SEEN(by_key)                                                             \
	"SELECT ino, since, btime, size, mtime, mtime_ns, shared,"                      \
	" digest IS NOT NULL AND room IS NULL"                                          \
	" FROM inodes" by_key " WHERE series = ? AND since >= ?"                        \
	" AND ino IN (" Q64 ") ORDER BY ino, since"
#define INODES_GET(by_key)                                                              \
	"SELECT ino, since, algo, digest, size, mtime, mtime_ns, room IS NOT NULL"      \
	" FROM inodes" by_key                                                           \
	" WHERE series = ? AND ino IN (" Q64 ") ORDER BY ino, since"
/* Those that a saveset holds which lies somewhere. */
#define INODES_COVERED(by_key, join)                                                    \
	"SELECT DISTINCT p.ino, p.since FROM paths p" by_key " " join " savesets s"     \
	" ON s.series = p.series AND s.seq >= p.first"                                  \
	" AND (p.last IS NULL OR s.seq <= p.last)"                                      \
	" " join " locations l ON l.saveset = s.id"                                     \
	" WHERE p.series = ? AND p.ino IN (" Q64 ")"
#define INODES_HELD(by_key)                                                             \
	"SELECT DISTINCT ino, since FROM paths" by_key                                  \
	" WHERE series = ? AND first <= ? AND (last IS NULL OR last >= ?)"              \
	" AND ino IN (" Q64 ") ORDER BY ino, since"
#define INODE_PATHS(by_key)                                                             \
	"SELECT dir, name, first, last FROM paths" by_key                               \
	" WHERE series = ? AND ino = ? AND since = ? ORDER BY first, dir, name"
/* Those of a kind in directories up to one, some at a time, the last first. */
#define ROWS_OF(by_key, kind)                                                           \
	"SELECT dir, name, first, ino, since, sub FROM paths" by_key                    \
	" WHERE series = ? AND dir <= ? AND " kind                                      \
	" ORDER BY dir DESC, name DESC, first DESC LIMIT ?"
#define ROWS_BETWEEN "first > ? AND first <= ? AND last < ?"

#define PATH_KEY "series = ? AND dir = ? AND name = ? AND first = ?"
#define INODE_KEY "series = ? AND ino = ? AND since = ?"
#define DIR_KEY "series = ? AND id = ?"

#endif
