-- SPDX-License-Identifier: LGPL-2.1-or-later
-- A catalog of schema 1 with one saveset in it.
PRAGMA application_id = 1397965906;
CREATE TABLE meta (keyword VARBINARY(64) NOT NULL PRIMARY KEY,
	value VARBINARY(255));
CREATE TABLE hosts (id INTEGER PRIMARY KEY,
	name VARBINARY(255) NOT NULL UNIQUE,
	created BIGINT NOT NULL);
CREATE TABLE volumes (id INTEGER PRIMARY KEY,
	uid VARBINARY(32) NOT NULL,
	name VARBINARY(255) NOT NULL,
	backup_host VARBINARY(255) NOT NULL,
	root BLOB NOT NULL,
	fs VARBINARY(80) NOT NULL,
	created BIGINT NOT NULL,
	UNIQUE (backup_host,
	name),
	UNIQUE (backup_host,
	uid));
CREATE TABLE series (id INTEGER PRIMARY KEY,
	host BIGINT NOT NULL REFERENCES hosts(id),
	volume BIGINT NOT NULL REFERENCES volumes(id),
	last_seq BIGINT NOT NULL,
	next_dir BIGINT NOT NULL,
	UNIQUE (host,
	volume));
CREATE TABLE savesets (id INTEGER PRIMARY KEY,
	series BIGINT NOT NULL REFERENCES series(id),
	seq BIGINT,
	name VARBINARY(320) NOT NULL UNIQUE,
	uid VARBINARY(32) NOT NULL UNIQUE,
	status BIGINT NOT NULL,
	relabelled BIGINT NOT NULL DEFAULT 0,
	overwritten BIGINT NOT NULL DEFAULT 0,
	created BIGINT NOT NULL,
	finished BIGINT,
	hash VARBINARY(16) NOT NULL,
	entries BIGINT NOT NULL DEFAULT 0,
	files BIGINT NOT NULL DEFAULT 0,
	dirs BIGINT NOT NULL DEFAULT 0,
	others BIGINT NOT NULL DEFAULT 0,
	bytes BIGINT NOT NULL DEFAULT 0,
	blocks BIGINT NOT NULL DEFAULT 0,
	vanished BIGINT NOT NULL DEFAULT 0,
	unhashed BIGINT NOT NULL DEFAULT 0,
	metadata VARBINARY(64),
	digest VARBINARY(64),
	reason BLOB,
	UNIQUE (series,
	seq));
CREATE TABLE locations (saveset BIGINT NOT NULL REFERENCES savesets(id),
	location VARBINARY(255) NOT NULL,
	PRIMARY KEY (saveset,
	location)) WITHOUT ROWID;
CREATE TABLE dirs (series BIGINT NOT NULL,
	id BIGINT NOT NULL,
	parent BIGINT NOT NULL,
	name VARBINARY(255) NOT NULL,
	first BIGINT NOT NULL,
	PRIMARY KEY (series,
	id)) WITHOUT ROWID;
CREATE TABLE paths (series BIGINT NOT NULL,
	dir BIGINT NOT NULL,
	name VARBINARY(255) NOT NULL,
	first BIGINT NOT NULL,
	last BIGINT,
	type BIGINT NOT NULL,
	mode BIGINT NOT NULL,
	uid BIGINT NOT NULL,
	gid BIGINT NOT NULL,
	ino BIGINT,
	since BIGINT,
	sub BIGINT,
	mtime BIGINT,
	mtime_ns BIGINT,
	data BLOB,
	PRIMARY KEY (series,
	dir,
	name,
	first)) WITHOUT ROWID;
CREATE TABLE inodes (series BIGINT NOT NULL,
	ino BIGINT NOT NULL,
	since BIGINT NOT NULL,
	btime BIGINT NOT NULL,
	size BIGINT NOT NULL,
	blocks BIGINT NOT NULL,
	mtime BIGINT NOT NULL,
	mtime_ns BIGINT NOT NULL,
	shared BIGINT NOT NULL,
	algo VARBINARY(16),
	digest VARBINARY(64),
	verified BIGINT,
	verdict BIGINT,
	medium BIGINT,
	PRIMARY KEY (series,
	ino,
	since)) WITHOUT ROWID;
CREATE INDEX paths_inode ON paths (series,
	ino,
	since);
INSERT INTO meta VALUES (CAST('schema' AS BLOB), CAST('1' AS BLOB));
INSERT INTO hosts VALUES (1, CAST('old' AS BLOB), 1577836800);
INSERT INTO volumes VALUES (1, CAST('0123456789abcdef0123456789abcdef' AS BLOB), CAST('backup' AS BLOB),
	CAST('keeper' AS BLOB), CAST('/nowhere' AS BLOB), CAST('' AS BLOB), 1577836800);
INSERT INTO series VALUES (1, 1, 1, 1, 3);
INSERT INTO savesets (id, series, seq, name, uid, status, created, finished, hash, entries, files, dirs, bytes)
	VALUES (1, 1, 1, CAST('old-backup-20200101-000000Z' AS BLOB),
	CAST('fedcba9876543210fedcba9876543210' AS BLOB), 1, 1577836800, 1577836801,
	CAST('sha256' AS BLOB), 3, 1, 2, 5);
INSERT INTO locations VALUES (1, CAST('hourly.0' AS BLOB));
INSERT INTO dirs VALUES (1, 2, 1, CAST('dir' AS BLOB), 1);
INSERT INTO paths VALUES (1, 0, x'', 1, NULL, 100, 493, 0, 0, NULL, NULL, 1, 0, 0, x'');
INSERT INTO paths VALUES (1, 1, CAST('dir' AS BLOB), 1, NULL, 100, 493, 0, 0, NULL, NULL, 2, 1577836800, 0, x'');
INSERT INTO paths VALUES (1, 2, CAST('file' AS BLOB), 1, NULL, 102, 420, 0, 0, 11, 1, NULL, NULL, NULL, NULL);
INSERT INTO inodes VALUES (1, 11, 1, 1, 5, 8, 1577836800, 0, 0, CAST('sha256' AS BLOB), zeroblob(32),
	NULL, NULL, NULL);
