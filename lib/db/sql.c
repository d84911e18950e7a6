/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "db/sql.h"

#include <string.h>

/* A saveset is always read whole, in this order of columns (catalog.c: saveset_fill). */
#define SAVESET                                                                         \
	"SELECT s.id, s.series, s.seq, s.name, s.uid, s.status, s.relabelled,"          \
	" s.overwritten, s.created, s.finished, s.hash, s.entries, s.files, s.dirs,"    \
	" s.others, s.bytes, s.blocks, s.vanished, s.unhashed, s.metadata, s.digest,"   \
	" s.reason, s.rows_added, s.rows_closed, s.changed, s.removed, h.name, v.name," \
	" v.backup_host, v.root, v.uid FROM savesets s JOIN series r ON r.id = s.series"\
	" JOIN hosts h ON h.id = r.host JOIN volumes v ON v.id = r.volume "

/* A row with its inode, in this order of columns (rows.c: decode). */
#define ROW                                                                             \
	"SELECT p.dir, p.name, p.first, p.last, p.type, p.mode, p.uid, p.gid, p.ino,"   \
	" p.since, p.sub, COALESCE(p.mtime, i.mtime), COALESCE(p.mtime_ns, i.mtime_ns),"\
	" p.data, i.size, i.blocks, i.btime, i.shared, i.algo, i.digest, i.verified,"   \
	" i.verdict FROM paths p LEFT JOIN inodes i"                                    \
	" ON i.series = p.series AND i.ino = p.ino AND i.since = p.since "

#define Q8 "?, ?, ?, ?, ?, ?, ?, ?"
#define Q64 Q8 ", " Q8 ", " Q8 ", " Q8 ", " Q8 ", " Q8 ", " Q8 ", " Q8

#define MEMBER " AND p.first <= ? AND (p.last IS NULL OR p.last >= ?) "

/* Every column of each table, for a copy. */
#define META_COLUMNS "keyword, value"
#define HOSTS_COLUMNS "id, name, created"
#define VOLUMES_COLUMNS "id, uid, name, backup_host, root, fs, created"
#define SERIES_COLUMNS "id, host, volume, last_seq, next_dir, fs"
#define SAVESETS_COLUMNS \
	"id, series, seq, name, uid, status, relabelled, overwritten, " \
	"created, finished, hash, entries, files, dirs, others, bytes, " \
	"blocks, vanished, unhashed, metadata, digest, reason, rows_added, " \
	"rows_closed, changed, removed"
#define LOCATIONS_COLUMNS "saveset, location"
#define DIRS_COLUMNS "series, id, parent, name, first"
#define PATHS_COLUMNS \
	"series, dir, name, first, last, type, mode, uid, gid, ino, since, " \
	"sub, mtime, mtime_ns, data"
#define INODES_COLUMNS \
	"series, ino, since, btime, size, blocks, mtime, mtime_ns, shared, " \
	"algo, digest, verified, verdict, medium, room"
#define RUNS_COLUMNS \
	"id, uid, backup_host, volume, volume_uid, started, ended, result, summary"

#define Q2 "?, ?"
#define Q3 Q2 ", ?"
#define Q5 Q3 ", " Q2
#define Q6 Q3 ", " Q3
#define Q7 Q6 ", ?"
#define Q9 Q8 ", ?"
#define Q15 Q8 ", " Q7
#define Q26 Q8 ", " Q8 ", " Q8 ", " Q2

/* Some rows behind one, in the order of the primary key. */
#define BEHIND(table, columns, where, key)                                              \
	"SELECT " columns " FROM " table " WHERE " where " ORDER BY " key " LIMIT ?"
#define COPIED(NAME, table, columns, values, is_key)                                    \
	[SQL_COPY_##NAME##_COUNT] = "SELECT count(*) FROM " table,                      \
	[SQL_COPY_##NAME##_ADD] =                                                       \
		"INSERT INTO " table " (" columns ") VALUES (" values ")",              \
	[SQL_COPY_##NAME##_DELETE] = "DELETE FROM " table " WHERE " is_key
/* What belongs to the database itself: schema, copying; bytes, since a word would be text. */
#define NO_STATE "keyword NOT IN (x'736368656d61', x'636f7079696e67')"

static const char *const text[SQL_COUNT] = {
	[SQL_META_EXISTS] = "SELECT count(*) FROM sqlite_master WHERE name = 'meta'",
	[SQL_META_GET] = "SELECT value FROM meta WHERE keyword = ?",
	[SQL_META_SET] = "REPLACE INTO meta (keyword, value) VALUES (?, ?)",

	[SQL_HOST_ID] = "SELECT id FROM hosts WHERE name = ?",
	[SQL_HOST_ADD] = "INSERT INTO hosts (name, created) VALUES (?, ?)",
	[SQL_HOSTS] =
		"SELECT h.name, h.created, count(s.seq), min(s.created), max(s.created),"
		" max(CASE WHEN s.status = 1 THEN s.created END)"
		" FROM hosts h LEFT JOIN series r ON r.host = h.id"
		" LEFT JOIN savesets s ON s.series = r.id AND s.seq IS NOT NULL"
		" GROUP BY h.id, h.name, h.created ORDER BY h.name",

	[SQL_VOLUME_GET] =
		"SELECT id, uid, root, fs FROM volumes WHERE backup_host = ? AND name = ?",
	[SQL_VOLUME_BY_UID] = "SELECT id, name FROM volumes WHERE backup_host = ? AND uid = ?",
	/* The one with the newest saveset. */
	[SQL_VOLUME_OF_OTHERS] =
		"SELECT v.name, v.backup_host FROM volumes v WHERE v.uid = ? AND v.backup_host <> ?"
		" ORDER BY (SELECT MAX(s.id) FROM savesets s JOIN series r ON s.series = r.id"
		" WHERE r.volume = v.id) DESC LIMIT 1",
	[SQL_VOLUME_ADD] =
		"INSERT INTO volumes (uid, name, backup_host, root, fs, created)"
		" VALUES (?, ?, ?, ?, ?, ?)",
	[SQL_VOLUME_UPDATE] = "UPDATE volumes SET root = ?, fs = ? WHERE id = ?",
	[SQL_VOLUMES] =
		"SELECT name, uid, root, backup_host, created FROM volumes"
		" ORDER BY backup_host, name",

	/* Each of a backup host's at one root, with the time of its newest complete saveset (1). */
	[SQL_VOLUMES_AGE] =
		"SELECT v.name, v.uid, v.created, MAX(s.created) FROM volumes v"
		" LEFT JOIN series r ON r.volume = v.id"
		" LEFT JOIN savesets s ON s.series = r.id AND s.status = 1 AND s.seq IS NOT NULL"
		" WHERE v.backup_host = ? AND v.root = ?"
		" GROUP BY v.id, v.name, v.uid, v.created ORDER BY v.name",

	[SQL_SERIES_GET] =
		"SELECT r.id, r.last_seq, r.next_dir FROM series r JOIN hosts h ON h.id = r.host"
		" WHERE h.name = ? AND r.volume = ?",
	[SQL_SERIES_LIST] = "SELECT id, last_seq, next_dir FROM series WHERE volume = ?",
	[SQL_SERIES_ADD] =
		"INSERT INTO series (host, volume, last_seq, next_dir) VALUES (?, ?, 0, 2)",
	[SQL_SERIES_NEXT_DIR] = "UPDATE series SET next_dir = ? WHERE id = ?",
	[SQL_SERIES_LAST_SEQ] = "UPDATE series SET last_seq = ?, fs = ? WHERE id = ?",
	/* Numbers that were given out must be below those to come. */
	[SQL_SERIES_WRONG] =
		"SELECT count(*) FROM series r WHERE r.last_seq <"
		" (SELECT COALESCE(max(s.seq), 0) FROM savesets s WHERE s.series = r.id)"
		" OR r.next_dir <= (SELECT COALESCE(max(d.id), 1) FROM dirs d WHERE d.series = r.id)",
	/* Rows in directories that no row leads to. */
	[SQL_ROWS_LOST] =
		"SELECT count(*) FROM paths p WHERE p.dir > 1 AND NOT EXISTS"
		" (SELECT 1 FROM dirs d JOIN paths q ON q.series = d.series AND q.dir = d.parent"
		" AND q.name = d.name AND q.sub = d.id WHERE d.series = p.series AND d.id = p.dir)",
	[SQL_SERIES_FS] = "SELECT fs FROM series WHERE id = ?",

	[SQL_SAVESET_NEW] =
		"INSERT INTO savesets (series, name, uid, status, created, hash)"
		" VALUES (?, ?, ?, 0, ?, ?)",
	[SQL_SAVESET_NAME_TAKEN] = "SELECT 1 FROM savesets WHERE name = ?",
	[SQL_SAVESET_BY_NAME] = SAVESET "WHERE s.name = ?",
	[SQL_SAVESET_BY_UID] = SAVESET "WHERE s.uid = ?",
	[SQL_SAVESET_AT] =
		SAVESET "JOIN locations l ON l.saveset = s.id WHERE h.name = ? AND v.name = ?"
		" AND v.backup_host = ? AND l.location = ? ORDER BY s.seq DESC LIMIT 1",
	[SQL_SAVESET_LATEST] =
		SAVESET "WHERE h.name = ? AND v.name = ? AND v.backup_host = ?"
		" AND s.status = 1 ORDER BY s.seq DESC LIMIT 1",
	[SQL_SAVESET_BY_ID] = SAVESET "WHERE s.id = ?",
	/* The newest before it that lies somewhere. */
	[SQL_SAVESET_PREDECESSOR] =
		SAVESET "WHERE s.series = ? AND s.seq < ? AND s.status IN (1, 2)"
		" ORDER BY s.seq DESC LIMIT 1",
	[SQL_SAVESETS] =
		SAVESET "WHERE s.status <> 0"
		" ORDER BY h.name, v.backup_host, v.name, s.created, s.seq, s.id",
	[SQL_SAVESET_PUBLISH] =
		"UPDATE savesets SET seq = ?, status = ?, finished = ?, entries = ?, files = ?,"
		" dirs = ?, others = ?, bytes = ?, blocks = ?, vanished = ?, unhashed = ?,"
		" metadata = ?, digest = ?, reason = ?, rows_added = ?, rows_closed = ?"
		" WHERE id = ?",
	[SQL_SAVESET_CHANGED] = "UPDATE savesets SET changed = ?, removed = ? WHERE id = ?",
	[SQL_SAVESET_STATUS] = "UPDATE savesets SET status = ? WHERE id = ?",
	[SQL_SAVESET_FAIL] =
		"UPDATE savesets SET status = ?, reason = ?, finished = ? WHERE id = ?",
	[SQL_SAVESET_HASHED] =
		"UPDATE savesets SET digest = ?, finished = ?, unhashed = 0 WHERE id = ?",
	[SQL_SAVESET_UNHASHED] = "UPDATE savesets SET unhashed = ? WHERE id = ?",
	[SQL_SAVESET_RELABELLED] =
		"UPDATE savesets SET relabelled = 1 WHERE series = ? AND seq >= ? AND seq <= ?",
	[SQL_SAVESET_OVERWRITTEN] =
		"UPDATE savesets SET overwritten = 1 WHERE series = ? AND seq >= ? AND seq <= ?",
	[SQL_SAVESET_DELETE] = "DELETE FROM savesets WHERE id = ?",
	[SQL_SAVESETS_DISPLACED] =
		"SELECT s.id FROM savesets s JOIN locations l ON l.saveset = s.id"
		" WHERE s.series = ? AND l.location = ? AND s.id <> ?",
	/* The newest saveset that still lies somewhere: older rows can be trusted to exist. */
	[SQL_SEQ_COVERED] =
		"SELECT max(s.seq) FROM savesets s JOIN locations l ON l.saveset = s.id"
		" WHERE s.series = ?",
	[SQL_SEQ_BEFORE] = "SELECT max(seq) FROM savesets WHERE series = ? AND seq < ?",
	[SQL_SEQ_AFTER] = "SELECT min(seq) FROM savesets WHERE series = ? AND seq > ?",

	[SQL_LOCATION_ADD] = "REPLACE INTO locations (saveset, location) VALUES (?, ?)",
	[SQL_LOCATION_DELETE] = "DELETE FROM locations WHERE saveset = ? AND location = ?",
	[SQL_LOCATIONS_DELETE] = "DELETE FROM locations WHERE saveset = ?",
	[SQL_LOCATION_COUNT] = "SELECT count(*) FROM locations WHERE saveset = ?",
	/* A numbered location wins over .sync, so it comes first. */
	[SQL_LOCATIONS] =
		"SELECT location FROM locations WHERE saveset = ?"
		" ORDER BY location = ? , location",

	[SQL_ROWS_FROM] =
		ROW "WHERE p.series = ? AND p.dir >= ?" MEMBER
		"ORDER BY p.series, p.dir, p.name LIMIT ?",
	[SQL_ROWS_REST] =
		ROW "WHERE p.series = ? AND p.dir = ? AND p.name > ?" MEMBER
		"ORDER BY p.name LIMIT ?",
	[SQL_ROW_ADD] =
		"INSERT INTO paths (series, dir, name, first, type, mode, uid, gid, ino, since,"
		" sub, mtime, mtime_ns, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_ROW_CLOSE] =
		"UPDATE paths SET last = ? WHERE series = ? AND dir = ? AND name = ? AND first = ?",
	[SQL_DIR_ADD] =
		"INSERT INTO dirs (series, id, parent, name, first) VALUES (?, ?, ?, ?, ?)",
	[SQL_DIR_GET] = "SELECT parent, name FROM dirs WHERE series = ? AND id = ?",

	[SQL_INODE_FIND] =
		"SELECT since, shared FROM inodes WHERE series = ? AND ino = ? AND btime = ?"
		" AND size = ? AND mtime = ? AND mtime_ns = ? AND since >= ?"
		" ORDER BY since DESC LIMIT 1",
	[SQL_INODE_ADD] =
		"INSERT OR IGNORE INTO inodes (series, ino, since, btime, size, blocks, mtime, mtime_ns,"
		" shared, algo, room) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, zeroblob(?))",
	[SQL_INODE_SHARED] =
		"UPDATE inodes SET shared = 1 WHERE series = ? AND ino = ? AND since = ?",
	[SQL_INODE_DIGEST] =
		"UPDATE inodes SET algo = ?, digest = ?, room = NULL WHERE series = ? AND ino = ?"
		" AND since = ? AND size = ? AND mtime = ? AND mtime_ns = ? AND digest IS NULL",
	[SQL_INODE_GET] =
		"SELECT length(digest) FROM inodes WHERE series = ? AND ino = ? AND since = ?",
	[SQL_INODES_GET] =
		"SELECT ino, since, algo, digest FROM inodes WHERE series = ? AND ino IN (" Q64 ")"
		" ORDER BY ino, since",
	[SQL_INODE_VERDICT] =
		"UPDATE inodes SET verified = ?, verdict = ?, medium = ?"
		" WHERE series = ? AND ino = ? AND since = ?",
	[SQL_INODE_PATHS] =
		"SELECT dir, name, first, last FROM paths"
		" WHERE series = ? AND ino = ? AND since = ? ORDER BY first, dir, name",

	[SQL_UNDO_ROWS] = "DELETE FROM paths WHERE series = ? AND first > ?",
	[SQL_UNDO_CLOSE] = "UPDATE paths SET last = NULL WHERE series = ? AND last >= ?",
	[SQL_UNDO_INODES] = "DELETE FROM inodes WHERE series = ? AND since > ?",
	[SQL_UNDO_DIRS] = "DELETE FROM dirs WHERE series = ? AND first > ?",
	[SQL_UNDO_SAVESETS] = "DELETE FROM savesets WHERE series = ? AND status = 0",
	[SQL_SAVESETS_RUNNING] =
		"SELECT count(*) FROM savesets WHERE series = ? AND status = 0",

	/* Rows that no saveset covers when those between two remaining ones are gone. */
	[SQL_PRUNE_ROWS] =
		"SELECT dir, name, first, ino, since, sub FROM paths WHERE series = ?"
		" AND first > ? AND first <= ? AND last < ? LIMIT ?",
	[SQL_PRUNE_ROW] =
		"DELETE FROM paths WHERE series = ? AND dir = ? AND name = ? AND first = ?",
	[SQL_PRUNE_INODE] =
		"DELETE FROM inodes WHERE series = ? AND ino = ? AND since = ? AND NOT EXISTS"
		" (SELECT 1 FROM paths p WHERE p.series = inodes.series AND p.ino = inodes.ino"
		" AND p.since = inodes.since)",
	[SQL_PRUNE_DIR] =
		"DELETE FROM dirs WHERE series = ? AND id = ? AND NOT EXISTS"
		" (SELECT 1 FROM paths p WHERE p.series = dirs.series AND p.dir = dirs.parent"
		" AND p.name = dirs.name AND p.sub = dirs.id)",

	[SQL_RUN_ID] = "SELECT id FROM runs WHERE uid = ?",
	[SQL_RUN_ADD] =
		"INSERT INTO runs (uid, backup_host, volume, volume_uid, started)"
		" VALUES (?, ?, ?, ?, ?)",
	[SQL_RUN_END] = "UPDATE runs SET ended = ?, result = ?, summary = ? WHERE id = ?",
	/* Those of which nobody will ever say how they ended. */
	[SQL_RUN_CLOSE] =
		"UPDATE runs SET ended = ? WHERE backup_host = ? AND volume_uid = ?"
		" AND ended IS NULL AND uid <> ?",
	[SQL_RUN_OLDEST] =
		"SELECT id FROM runs WHERE backup_host = ? AND volume = ?"
		" ORDER BY id DESC LIMIT 1 OFFSET 10000",
	[SQL_RUN_FORGET] = "DELETE FROM runs WHERE backup_host = ? AND volume = ? AND id <= ?",
	[SQL_RUNS] =
		"SELECT uid, backup_host, volume, volume_uid, started, ended, result, summary"
		" FROM runs ORDER BY started, id",

	/* What a copy's target says in meta, and leaves out when it reads. */
	[SQL_COPY_HOLD] = "UPDATE meta SET value = ? WHERE keyword = ? AND value = ?",
	[SQL_COPY_END] = "DELETE FROM meta WHERE keyword = ? AND value = ?",

	[SQL_COPY_META_COUNT] = "SELECT count(*) FROM meta WHERE " NO_STATE,
	[SQL_COPY_META] = BEHIND("meta", META_COLUMNS, NO_STATE " AND keyword > ?", "keyword"),
	[SQL_COPY_META_ADD] = "INSERT INTO meta (" META_COLUMNS ") VALUES (" Q2 ")",
	[SQL_COPY_META_DELETE] = "DELETE FROM meta WHERE keyword = ?",

	COPIED(HOSTS, "hosts", HOSTS_COLUMNS, Q3, "id = ?"),
	[SQL_COPY_HOSTS] = BEHIND("hosts", HOSTS_COLUMNS, "id > ?", "id"),
	COPIED(VOLUMES, "volumes", VOLUMES_COLUMNS, Q7, "id = ?"),
	[SQL_COPY_VOLUMES] = BEHIND("volumes", VOLUMES_COLUMNS, "id > ?", "id"),
	COPIED(SERIES, "series", SERIES_COLUMNS, Q6, "id = ?"),
	[SQL_COPY_SERIES] = BEHIND("series", SERIES_COLUMNS, "id > ?", "id"),
	COPIED(SAVESETS, "savesets", SAVESETS_COLUMNS, Q26, "id = ?"),
	[SQL_COPY_SAVESETS] = BEHIND("savesets", SAVESETS_COLUMNS, "id > ?", "id"),

	COPIED(LOCATIONS, "locations", LOCATIONS_COLUMNS, Q2, "saveset = ? AND location = ?"),
	[SQL_COPY_LOCATIONS_SAVESET] =
		BEHIND("locations", LOCATIONS_COLUMNS, "saveset = ? AND location > ?", "location"),
	[SQL_COPY_LOCATIONS] =
		BEHIND("locations", LOCATIONS_COLUMNS, "saveset > ?", "saveset, location"),

	COPIED(DIRS, "dirs", DIRS_COLUMNS, Q5, "series = ? AND id = ?"),
	[SQL_COPY_DIRS_SERIES] = BEHIND("dirs", DIRS_COLUMNS, "series = ? AND id > ?", "id"),
	[SQL_COPY_DIRS] = BEHIND("dirs", DIRS_COLUMNS, "series > ?", "series, id"),

	COPIED(PATHS, "paths", PATHS_COLUMNS, Q15,
	       "series = ? AND dir = ? AND name = ? AND first = ?"),
	[SQL_COPY_PATHS_DIR] =
		BEHIND("paths", PATHS_COLUMNS, "series = ? AND dir = ? AND name >= ?"
		       " AND (name > ? OR first > ?)", "series, dir, name, first"),
	[SQL_COPY_PATHS_SERIES] =
		BEHIND("paths", PATHS_COLUMNS, "series = ? AND dir > ?", "series, dir, name, first"),
	[SQL_COPY_PATHS] =
		BEHIND("paths", PATHS_COLUMNS, "series > ?", "series, dir, name, first"),

	COPIED(INODES, "inodes", INODES_COLUMNS, Q15, "series = ? AND ino = ? AND since = ?"),
	[SQL_COPY_INODES_SERIES] =
		BEHIND("inodes", INODES_COLUMNS, "series = ? AND ino >= ?"
		       " AND (ino > ? OR since > ?)", "series, ino, since"),
	[SQL_COPY_INODES] =
		BEHIND("inodes", INODES_COLUMNS, "series > ?", "series, ino, since"),

	COPIED(RUNS, "runs", RUNS_COLUMNS, Q9, "id = ?"),
	[SQL_COPY_RUNS] = BEHIND("runs", RUNS_COLUMNS, "id > ?", "id"),
};

/* What MariaDB says in its own way. */
/* NOLINTBEGIN(bugprone-suspicious-missing-comma): every element is named */
static const char *const maria[SQL_COUNT] = {
	/* By an index, also in a small table: a scan waits for the rows that other hosts have in work. */
	[SQL_UNDO_SAVESETS] =
		"DELETE s FROM savesets s FORCE INDEX (series) WHERE s.series = ? AND s.status = 0",
	[SQL_UNDO_ROWS] =
		"DELETE p FROM paths p FORCE INDEX (PRIMARY) WHERE p.series = ? AND p.first > ?",
	[SQL_UNDO_INODES] =
		"DELETE i FROM inodes i FORCE INDEX (PRIMARY) WHERE i.series = ? AND i.since > ?",
	[SQL_UNDO_DIRS] =
		"DELETE d FROM dirs d FORCE INDEX (PRIMARY) WHERE d.series = ? AND d.first > ?",
	[SQL_META_EXISTS] =
		"SELECT count(*) FROM information_schema.tables"
		" WHERE table_schema = DATABASE() AND table_name = 'meta'",
	/* With what it is given there is nothing to ignore but a row that exists. */
	[SQL_INODE_ADD] =
		"INSERT IGNORE INTO inodes (series, ino, since, btime, size, blocks, mtime, mtime_ns,"
		" shared, algo, room) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, REPEAT(x'00', ?))",
	/*
	 * Row by row an update costs it five times an insert: they are joined.  What is
	 * never selected says how large a number may be.
	 */
	[SQL_INODE_DIGEST] =
		"UPDATE (SELECT CAST(NULL AS BINARY(16)) algo, CAST(NULL AS BINARY(64)) digest,"
		" -9223372036854775807 series, -9223372036854775807 ino, -9223372036854775807 since,"
		" -9223372036854775807 size, -9223372036854775807 mtime, -9223372036854775807 mtime_ns"
		" FROM DUAL WHERE FALSE UNION ALL VALUES $(" Q8 ")$) d"
		" STRAIGHT_JOIN inodes i ON i.series = d.series AND i.ino = d.ino"
		" AND i.since = d.since SET i.algo = d.algo, i.digest = d.digest, i.room = NULL"
		" WHERE i.size = d.size AND i.mtime = d.mtime AND i.mtime_ns = d.mtime_ns"
		" AND i.digest IS NULL",
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */

/* Words of the schema, in each dialect. */
static const struct {
	const char *word, *text[SQL_DIALECTS];
} words[] = {
	{ "$ID", { "INTEGER PRIMARY KEY", "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY" } },
	{ "$CLUSTERED", { " WITHOUT ROWID", " ENGINE=InnoDB" } },
	{ "$TABLE", { "", " ENGINE=InnoDB" } },
	{ "$NEW", { "", "IF NOT EXISTS " } },
};

const char *sql_text(enum sql_id id, enum sql_dialect dialect)
{
	return dialect == SQL_MARIA && maria[id] ? maria[id] : text[id];
}

const char *sql_word(const char *word, size_t len, enum sql_dialect dialect)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i].word) == len && !memcmp(words[i].word, word, len))
			return words[i].text[dialect];
	return NULL;
}
