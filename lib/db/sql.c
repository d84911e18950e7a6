/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "db/sql.h"

#include <string.h>

#include "db/sql_text.h"

/* A saveset is always read whole, in this order of columns (catalog.c: saveset_fill). */
#define SAVESET                                                                         \
	"SELECT s.id, s.series, s.seq, s.name, s.uid, s.status, s.relabelled,"          \
	" s.overwritten, s.created, s.finished, s.hash, s.entries, s.files, s.dirs,"    \
	" s.others, s.bytes, s.blocks, s.vanished, s.unhashed, s.metadata, s.digest,"   \
	" s.reason, s.rows_added, s.rows_closed, s.changed, s.removed, h.name, v.name," \
	" v.backup_host, v.root, v.uid FROM savesets s JOIN series r ON r.id = s.series"\
	" JOIN hosts h ON h.id = r.host JOIN volumes v ON v.id = r.volume "

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
#define GENERATIONS_COLUMNS "volume, n, id, made"

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
		" max(CASE WHEN s.status = 1 THEN s.created END), v.backup_host, v.name"
		" FROM hosts h LEFT JOIN series r ON r.host = h.id LEFT JOIN volumes v ON v.id = r.volume"
		" LEFT JOIN savesets s ON s.series = r.id AND s.seq IS NOT NULL"
		" GROUP BY h.id, h.name, h.created, v.backup_host, v.name"
		" ORDER BY h.name, v.backup_host, v.name",

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

	/* A volume that is gone for good, once it has no savesets any more; and hosts that were on it alone. */
	[SQL_VOLUME_FORGET] = "DELETE FROM volumes WHERE id = ?",
	[SQL_SERIES_FORGET] = "DELETE FROM series WHERE volume = ?",
	[SQL_HOSTS_FORGET] =
		"DELETE FROM hosts WHERE NOT EXISTS (SELECT 1 FROM series r WHERE r.host = hosts.id)",

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
	[SQL_ROWS_LOST] = ROWS_LOST(""),
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
	[SQL_SAVESET_LATEST_BEFORE] =
		SAVESET "WHERE s.series = ? AND s.seq < ? AND s.status = 1"
		" ORDER BY s.seq DESC LIMIT 1",
	[SQL_SAVESET_BY_ID] = SAVESET "WHERE s.id = ?",
	/* The newest before it that lies somewhere. */
	[SQL_SAVESET_PREDECESSOR] =
		SAVESET "WHERE s.series = ? AND s.seq < ? AND s.status IN (1, 2)"
		" ORDER BY s.seq DESC LIMIT 1",
	[SQL_SAVESETS] =
		SAVESET "WHERE s.status <> 0"
		" ORDER BY h.name, v.backup_host, v.name, s.created, s.seq, s.id",
	[SQL_SAVESETS_AT] =
		SAVESET "JOIN locations l ON l.saveset = s.id WHERE l.location = ? AND s.status <> 0"
		" ORDER BY h.name, v.backup_host, v.name, s.seq",
	[SQL_SAVESETS_COUNT] = "SELECT count(*) FROM savesets WHERE status <> 0",
	[SQL_SAVESET_PUBLISH] =
		"UPDATE savesets SET seq = ?, status = ?, finished = ?, entries = ?, files = ?,"
		" dirs = ?, others = ?, bytes = ?, blocks = ?, vanished = ?, unhashed = ?,"
		" metadata = ?, digest = ?, reason = ?, rows_added = ?, rows_closed = ?"
		" WHERE id = ?",
	[SQL_SAVESET_UNPUBLISH] = "UPDATE savesets SET seq = NULL, status = 0 WHERE id = ?",
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
	/* At which sequence number its rows hold; an attempt that failed has none. */
	[SQL_SAVESET_HOLDS_AT] =
		"SELECT COALESCE(s.seq, r.last_seq + 1) FROM savesets s"
		" JOIN series r ON r.id = s.series"
		" WHERE s.uid = ? AND (s.seq IS NOT NULL OR s.status = 0)",
	[SQL_SAVESET_DELETE] = "DELETE FROM savesets WHERE id = ?",
	[SQL_SAVESETS_DISPLACED] =
		"SELECT s.id FROM savesets s JOIN locations l ON l.saveset = s.id"
		" WHERE s.series = ? AND l.location = ? AND s.id <> ?",
	/* The newest saveset that still lies somewhere: older rows can be trusted to exist. */
	[SQL_SEQ_COVERED] =
		"SELECT max(s.seq) FROM savesets s JOIN locations l ON l.saveset = s.id"
		" WHERE s.series = ?",
	[SQL_SEQ_NEWEST] = "SELECT max(seq) FROM savesets WHERE series = ?",
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

	[SQL_ROWS_FROM] = ROW("") ROWS_FROM,
	[SQL_ROWS_REST] = ROW("") ROWS_REST,
	[SQL_ROW_ADD] =
		"INSERT INTO paths (series, dir, name, first, type, mode, uid, gid, ino, since,"
		" sub, mtime, mtime_ns, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_ROW_CLOSE] =
		"UPDATE paths SET last = ? WHERE series = ? AND dir = ? AND name = ? AND first = ?",
	[SQL_DIR_ADD] =
		"INSERT INTO dirs (series, id, parent, name, first) VALUES (?, ?, ?, ?, ?)",
	[SQL_DIR_GET] = "SELECT parent, name FROM dirs WHERE series = ? AND id = ?",

	[SQL_INODES_SEEN] = INODES_SEEN(""),
	[SQL_INODE_ADD] =
		"INSERT OR IGNORE INTO inodes (series, ino, since, btime, size, blocks, mtime, mtime_ns,"
		" shared, algo, room) VALUES (" Q9 ", ?, zeroblob(?))",
	[SQL_INODE_EXPECT] =
		"INSERT OR IGNORE INTO inodes (series, ino, since, btime, size, blocks, mtime, mtime_ns,"
		" shared, algo, digest, room) VALUES (" Q9 ", ?, ?, x'01')",
	[SQL_INODE_SHARED] =
		"UPDATE inodes SET shared = 1 WHERE series = ? AND ino = ? AND since = ?",
	[SQL_INODE_DIGEST] =
		"UPDATE inodes SET algo = ?, digest = ?, room = NULL WHERE series = ? AND ino = ?"
		" AND since = ? AND size = ? AND mtime = ? AND mtime_ns = ? AND digest IS NULL",
	[SQL_INODES_GET] = INODES_GET(""),
	[SQL_INODES_COVERED] = INODES_COVERED("", "JOIN"),
	[SQL_INODES_HELD] = INODES_HELD(""),
	[SQL_INODE_READ] =
		"UPDATE inodes SET room = NULL WHERE series = ? AND ino = ? AND since = ?",
	[SQL_INODE_VERDICT] =
		"UPDATE inodes SET verified = ?, verdict = ?, medium = ?, room = NULL"
		" WHERE series = ? AND ino = ? AND since = ?",
	[SQL_INODE_PATHS] = INODE_PATHS(""),

	/* Rows that came after a saveset, and rows that were closed since. */
	[SQL_UNDO_ROWS] = ROWS_OF("", "first > ?"),
	[SQL_UNDO_CLOSED] = ROWS_OF("", "last >= ?"),
	[SQL_UNDO_SAVESETS] = "DELETE FROM savesets WHERE series = ? AND status = 0",
	[SQL_SAVESETS_RUNNING] =
		"SELECT count(*) FROM savesets WHERE series = ? AND status = 0",

	[SQL_SAVESETS_UNPUBLISHED] =
		"SELECT s.uid, s.series, r.last_seq + 1, h.name FROM savesets s"
		" JOIN series r ON r.id = s.series JOIN hosts h ON h.id = r.host"
		" WHERE r.volume = ? AND s.status = 0",

	/* Rows that no saveset covers when those between two remaining ones are gone. */
	[SQL_PRUNE_ROWS] = ROWS_OF("", ROWS_BETWEEN),
	[SQL_PRUNE_ROW] = "DELETE FROM paths WHERE " PATH_KEY,
	[SQL_PRUNE_INODE] =
		"DELETE FROM inodes WHERE " INODE_KEY " AND NOT EXISTS (SELECT 1 FROM paths p"
		" WHERE p.series = inodes.series AND p.ino = inodes.ino AND p.since = inodes.since)",
	[SQL_PRUNE_DIR] =
		"DELETE FROM dirs WHERE " DIR_KEY " AND NOT EXISTS (SELECT 1 FROM paths p"
		" WHERE p.series = dirs.series AND p.dir = dirs.parent AND p.name = dirs.name"
		" AND p.sub = dirs.id)",

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
	[SQL_RUNS_SINCE] =
		"SELECT summary FROM runs WHERE backup_host = ? AND volume = ? AND ended >= ?"
		" AND summary IS NOT NULL ORDER BY id DESC LIMIT 20",

	[SQL_GENERATIONS] =
		"SELECT n, id, made FROM generations WHERE volume = ? ORDER BY n DESC LIMIT ?",
	[SQL_GENERATION_ADD] =
		"REPLACE INTO generations (volume, n, id, made) VALUES (?, ?, ?, ?)",
	/* The first one that is not kept. */
	[SQL_GENERATION_OLDEST] =
		"SELECT n FROM generations WHERE volume = ? ORDER BY n DESC LIMIT 1 OFFSET ?",
	[SQL_GENERATION_FORGET] = "DELETE FROM generations WHERE volume = ? AND n <= ?",
	/* The newest saveset of a disk that should lie there, whichever backup host made it. */
	[SQL_SAVESET_ON_DISK] =
		SAVESET "WHERE v.uid = ? AND s.status IN (1, 2) AND s.seq IS NOT NULL"
		" ORDER BY s.id DESC LIMIT 1",

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

	COPIED(DIRS, "dirs", DIRS_COLUMNS, Q5, DIR_KEY),
	[SQL_COPY_DIRS_SERIES] = BEHIND("dirs", DIRS_COLUMNS, "series = ? AND id > ?", "id"),
	[SQL_COPY_DIRS] = BEHIND("dirs", DIRS_COLUMNS, "series > ?", "series, id"),

	COPIED(PATHS, "paths", PATHS_COLUMNS, Q15, PATH_KEY),
	[SQL_COPY_PATHS_DIR] =
		BEHIND("paths", PATHS_COLUMNS, "series = ? AND dir = ? AND name >= ?"
		       " AND (name > ? OR first > ?)", "series, dir, name, first"),
	[SQL_COPY_PATHS_SERIES] =
		BEHIND("paths", PATHS_COLUMNS, "series = ? AND dir > ?", "series, dir, name, first"),
	[SQL_COPY_PATHS] =
		BEHIND("paths", PATHS_COLUMNS, "series > ?", "series, dir, name, first"),

	COPIED(INODES, "inodes", INODES_COLUMNS, Q15, INODE_KEY),
	[SQL_COPY_INODES_SERIES] =
		BEHIND("inodes", INODES_COLUMNS, "series = ? AND ino >= ?"
		       " AND (ino > ? OR since > ?)", "series, ino, since"),
	[SQL_COPY_INODES] =
		BEHIND("inodes", INODES_COLUMNS, "series > ?", "series, ino, since"),

	COPIED(RUNS, "runs", RUNS_COLUMNS, Q9, "id = ?"),
	[SQL_COPY_RUNS] = BEHIND("runs", RUNS_COLUMNS, "id > ?", "id"),

	COPIED(GENERATIONS, "generations", GENERATIONS_COLUMNS, Q4, "volume = ? AND n = ?"),
	[SQL_COPY_GENERATIONS_VOLUME] =
		BEHIND("generations", GENERATIONS_COLUMNS, "volume = ? AND n > ?", "n"),
	[SQL_COPY_GENERATIONS] =
		BEHIND("generations", GENERATIONS_COLUMNS, "volume > ?", "volume, n"),
};

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
	return dialect == SQL_MARIA && sql_maria[id] ? sql_maria[id] : text[id];
}

const char *sql_word(const char *word, size_t len, enum sql_dialect dialect)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i].word) == len && !memcmp(words[i].word, word, len))
			return words[i].text[dialect];
	return NULL;
}
