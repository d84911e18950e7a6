/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sql_maria.c - what MariaDB is told in its own way. */
#include "db/sql_text.h"

#define BY_KEY " FORCE INDEX (PRIMARY)"
#define BY_INODE " FORCE INDEX (paths_inode)"

/*
 * Row by row an update costs it five times an insert, and a deletion looks for its row
 * as it likes: what is queued is joined, as table d.  What is never selected says how
 * large a number may be.
 */
#define TABLE(columns, row) \
	"(SELECT " columns " FROM DUAL WHERE FALSE UNION ALL VALUES $(" row ")$) d"
#define BIG " -9223372036854775807"
#define BYTES(n) " CAST(NULL AS BINARY(" n "))"

#define PATH_COLUMNS BIG " series," BIG " dir," BYTES("255") " name," BIG " first"
#define INODE_COLUMNS BIG " series," BIG " ino," BIG " since"
#define DIR_COLUMNS BIG " series," BIG " id"

#define PATH_OF_D                                                                       \
	" STRAIGHT_JOIN paths" BY_KEY " ON paths.series = d.series"                     \
	" AND paths.dir = d.dir AND paths.name = d.name AND paths.first = d.first"
#define INODE_OF_D                                                                      \
	" STRAIGHT_JOIN inodes" BY_KEY " ON inodes.series = d.series"                   \
	" AND inodes.ino = d.ino AND inodes.since = d.since"
#define DIR_OF_D                                                                        \
	" STRAIGHT_JOIN dirs" BY_KEY " ON dirs.series = d.series AND dirs.id = d.id"

#define DELETE_PATHS "DELETE paths FROM " TABLE(PATH_COLUMNS, Q4) PATH_OF_D
#define DELETE_INODES "DELETE inodes FROM " TABLE(INODE_COLUMNS, Q3) INODE_OF_D
#define DELETE_DIRS "DELETE dirs FROM " TABLE(DIR_COLUMNS, Q2) DIR_OF_D

/* Each table, and a column that no other program's table of that name is likely to have. */
#define OUR_TABLES                                                                      \
	"('meta', 'hosts', 'volumes', 'series', 'savesets', 'locations', 'dirs',"       \
	" 'paths', 'inodes', 'commits', 'runs', 'generations')"
#define OUR_COLUMN(table)                                                               \
	"CASE " table " WHEN 'meta' THEN 'keyword' WHEN 'hosts' THEN 'name'"            \
	" WHEN 'volumes' THEN 'backup_host' WHEN 'series' THEN 'last_seq'"              \
	" WHEN 'locations' THEN 'saveset' WHEN 'commits' THEN 'session'"                \
	" WHEN 'runs' THEN 'volume_uid' WHEN 'generations' THEN 'made' ELSE 'series' END"

/* NOLINTBEGIN(bugprone-suspicious-missing-comma): every element is named */
const char *const sql_maria[SQL_COUNT] = {
	[SQL_UNDO_SAVESETS] =
		"DELETE s FROM savesets s FORCE INDEX (series) WHERE s.series = ? AND s.status = 0",
	[SQL_UNDO_ROWS] = ROWS_OF(BY_KEY, "first > ?"),
	[SQL_UNDO_CLOSED] = ROWS_OF(BY_KEY, "last >= ?"),
	[SQL_ROWS_FROM] = ROW(BY_KEY) ROWS_FROM,
	[SQL_ROWS_REST] = ROW(BY_KEY) ROWS_REST,
	[SQL_ROWS_LOST] = ROWS_LOST(BY_KEY),
	[SQL_INODES_SEEN] = INODES_SEEN(BY_KEY),
	[SQL_INODES_GET] = INODES_GET(BY_KEY),
	[SQL_INODES_COVERED] = INODES_COVERED(BY_INODE, "STRAIGHT_JOIN"),
	[SQL_INODES_HELD] = INODES_HELD(BY_INODE),
	[SQL_INODE_PATHS] = INODE_PATHS(BY_INODE),
	[SQL_PRUNE_ROWS] = ROWS_OF(BY_KEY, ROWS_BETWEEN),
	[SQL_PRUNE_ROW] = DELETE_PATHS,
	/* Not as a subquery: it might be worked out first, over the rows of all hosts. */
	[SQL_PRUNE_INODE] =
		DELETE_INODES " LEFT JOIN paths p" BY_INODE " ON p.series = inodes.series"
		" AND p.ino = inodes.ino AND p.since = inodes.since WHERE p.series IS NULL",
	[SQL_PRUNE_DIR] =
		DELETE_DIRS " LEFT JOIN paths p" BY_KEY " ON p.series = dirs.series"
		" AND p.dir = dirs.parent AND p.name = dirs.name AND p.sub = dirs.id"
		" WHERE p.series IS NULL",
	[SQL_COPY_PATHS_DELETE] = DELETE_PATHS,
	[SQL_COPY_INODES_DELETE] = DELETE_INODES,
	[SQL_COPY_DIRS_DELETE] = DELETE_DIRS,
	[SQL_META_EXISTS] =
		"SELECT count(*) FROM information_schema.columns"
		" WHERE table_schema = DATABASE() AND table_name = 'meta'"
		" AND column_name = 'keyword'",
	/* Of our names, and not ours.  SQLite has the file's application_id for that. */
	[SQL_TABLES_FOREIGN] =
		"SELECT t.table_name FROM information_schema.tables t"
		" WHERE t.table_schema = DATABASE() AND t.table_name IN " OUR_TABLES
		" AND NOT EXISTS (SELECT 1 FROM information_schema.columns c"
		" WHERE c.table_schema = t.table_schema AND c.table_name = t.table_name"
		" AND c.column_name = " OUR_COLUMN("t.table_name") ") ORDER BY t.table_name LIMIT 1",
	/* With what it is given there is nothing to ignore but a row that exists. */
	[SQL_INODE_ADD] =
		"INSERT IGNORE INTO inodes (series, ino, since, btime, size, blocks, mtime, mtime_ns,"
		" shared, algo, room) VALUES (" Q9 ", ?, REPEAT(x'00', ?))",
	[SQL_INODE_EXPECT] =
		"INSERT IGNORE INTO inodes (series, ino, since, btime, size, blocks, mtime, mtime_ns,"
		" shared, algo, digest, room) VALUES (" Q9 ", ?, ?, x'01')",
	[SQL_ROW_CLOSE] =
		"UPDATE " TABLE(BIG " last," PATH_COLUMNS, Q5) PATH_OF_D
		" SET paths.last = d.last",
	[SQL_INODE_SHARED] =
		"UPDATE " TABLE(INODE_COLUMNS, Q3) INODE_OF_D " SET inodes.shared = 1",
	[SQL_INODE_DIGEST] =
		"UPDATE " TABLE(BYTES("16") " algo," BYTES("64") " digest," INODE_COLUMNS ","
				BIG " size," BIG " mtime," BIG " mtime_ns", Q8) INODE_OF_D
		" SET inodes.algo = d.algo, inodes.digest = d.digest, inodes.room = NULL"
		" WHERE inodes.size = d.size AND inodes.mtime = d.mtime"
		" AND inodes.mtime_ns = d.mtime_ns AND inodes.digest IS NULL",
	[SQL_INODE_READ] =
		"UPDATE " TABLE(INODE_COLUMNS, Q3) INODE_OF_D " SET inodes.room = NULL",
	[SQL_INODE_VERDICT] =
		"UPDATE " TABLE(BIG " verified," BIG " verdict," BIG " medium,"
				INODE_COLUMNS, Q6) INODE_OF_D
		" SET inodes.verified = d.verified, inodes.verdict = d.verdict,"
		" inodes.medium = d.medium, inodes.room = NULL",
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */
