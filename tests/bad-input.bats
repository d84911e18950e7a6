#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Bad input gets a message that names the thing and the reason, exit 2, and
# nothing is lost.

# shellcheck disable=SC2034,SC2154
load helpers
load catalog

# What most tests look at and none of these changes; the others begin with own.
setup_file() {
	share own
}

teardown_file() {
	catalog_forget "$BATS_FILE_TMPDIR"
}

setup() {
	shared
}

# own: a root and a catalog that this test may spoil.
own() {
	stage db-timeout=1
	take
}

# Everything that may write to the catalog or conclude from absence.
all_exit_2() {
	local before
	before=$(catalog_sum)
	run_code 2 ss-catalog add alpha
	contains "$stderr" "$1"
	run_code 2 ss-catalog pending "$S"
	contains "$stderr" "$1"
	run_code 2 ss-catalog reconcile
	contains "$stderr" "$1"
	run_code 2 ss-catalog check
	contains "$stderr" "$1"
	run_code 2 ss-verify "$S"
	contains "$stderr" "$1"
	run_code 2 ss-verify --all
	run_code 2 ss-verify --structure alpha@.sync
	run_code 2 ss-prune
	contains "$stderr" "$1"
	run_code 2 ss-prune "$S"
	run_code 2 ss-catalog store <"$BATS_TEST_TMPDIR/stream"
	contains "$stderr" "$1"
	[ "$(catalog_sum)" = "$before" ]
}

# other_id: the disk is another one.
other_id() {
	local id
	id=$(<"$ROOT/.secondshot/volume")
	[[ $id =~ id\ (.) ]]
	sed -i "s/^id ./id $([[ ${BASH_REMATCH[1]} == f ]] && echo 0 || echo f)/" "$ROOT/.secondshot/volume"
	[ "$id" != "$(<"$ROOT/.secondshot/volume")" ]
}

@test "an unmounted disk, another disk: nothing is written and nothing concluded" {
	own
	ss-catalog files "$S" --format stream >"$BATS_TEST_TMPDIR/stream"
	mv "$ROOT" "$ROOT.away"
	mkdir "$ROOT"
	all_exit_2 'volume offline'
	rmdir "$ROOT"
	mv "$ROOT.away" "$ROOT"
	cp "$ROOT/.secondshot/volume" "$BATS_TEST_TMPDIR/volume"
	other_id
	all_exit_2 'volume offline'
	cp "$BATS_TEST_TMPDIR/volume" "$ROOT/.secondshot/volume"
	run_ok ss-catalog check
	run_ok ss-verify --all
	# Nor does init give an old volume a new id, or a catalog another volume.
	run_ok ss-catalog init
	cmp "$ROOT/.secondshot/volume" "$BATS_TEST_TMPDIR/volume"
	rm "$ROOT/.secondshot/volume"
	run_code 2 ss-catalog init
	contains "$stderr" 'volume offline'
	contains "$stderr" "a new disk gets a name of its own, 'ss-catalog init --volume=NAME'"
	[ "$(sql 'SELECT count(*) FROM volumes')" = 1 ]
}

# bats test_tags=more
@test "no root, a file in its place; an id that is none, a FIFO, a link" {
	own
	ss-catalog files "$S" --format stream >"$BATS_TEST_TMPDIR/stream"
	mv "$ROOT" "$ROOT.away"
	all_exit_2 'volume offline'
	: >"$ROOT"
	all_exit_2 'volume offline'
	rm "$ROOT"
	mv "$ROOT.away" "$ROOT"
	cp "$ROOT/.secondshot/volume" "$BATS_TEST_TMPDIR/volume"
	printf 'secondshot-volume 1\nid 1234\n' >"$ROOT/.secondshot/volume"
	all_exit_2 'volume offline'
	rm "$ROOT/.secondshot/volume"
	mkfifo "$ROOT/.secondshot/volume"
	all_exit_2 'volume offline'
	rm "$ROOT/.secondshot/volume"
	ln -s "$BATS_TEST_TMPDIR/volume" "$ROOT/.secondshot/volume"
	all_exit_2 'volume offline'
	rm "$ROOT/.secondshot/volume"
	cp "$BATS_TEST_TMPDIR/volume" "$ROOT/.secondshot/volume"
	run_ok ss-catalog check
	run_ok ss-verify --all
}

# is_none PATTERN: what lies in the catalog's place is none, and stays as it is.
is_none() {
	local before
	before=$(sum_of "$CATALOG" 2>&1 || :)
	run_code 2 ss-catalog savesets
	contains "$stderr" "$1"
	[ -z "$output" ]
	run_code 2 ss-catalog add alpha
	run_code 2 ss-verify --all
	run_code 2 ss-prune
	[ "$(sum_of "$CATALOG" 2>&1 || :)" = "$before" ]
	[ -z "$output" ]
}

@test "a file that is no catalog" {
	requires_sqlite "about its file"
	stage
	rm "$CATALOG"
	is_none 'there is no catalog'
	echo 'this is a text and no database at all' >"$CATALOG"
	is_none 'not a secondshot catalog'
	rm "$CATALOG"
	sql 'CREATE TABLE savesets (id INTEGER)'
	is_none 'not a secondshot catalog'
	run_code 2 ss-catalog init
	contains "$stderr" 'something else'
}

# bats test_tags=more
@test "an empty, random or cut file, a directory, a FIFO are no catalog" {
	requires_sqlite "about its file"
	own
	mv "$CATALOG" "$CATALOG.good"
	: >"$CATALOG"
	is_none empty
	head -c 100000 /dev/urandom >"$CATALOG"
	is_none 'not a secondshot catalog'
	rm "$CATALOG"
	mkdir "$CATALOG"
	run_code 2 ss-catalog savesets
	rmdir "$CATALOG"
	mkfifo "$CATALOG"
	run_code 2 ss-catalog savesets
	rm "$CATALOG"
	head -c 20000 "$CATALOG.good" >"$CATALOG"
	run_code 2 ss-catalog add alpha
	mv "$CATALOG.good" "$CATALOG"
	still_lists "$S"
}

@test "init makes no tables beside those of another program" {
	requires_mariadb "a file tells what it is"
	own
	catalog_drop
	# Such as the one whose variables (DBNAME, DBUSER) are understood.
	sql 'CREATE TABLE config (keyword VARCHAR(64), value VARCHAR(255))'
	sql 'CREATE TABLE hosts (hostname VARCHAR(64), created BIGINT)'
	sql 'CREATE TABLE files (path VARCHAR(200), filename VARCHAR(200))'
	sql "INSERT INTO hosts VALUES ('alpha', 1)"
	run_code 2 ss-catalog init
	contains "$stderr" 'a table hosts already, of another program; the catalog needs a database of its own'
	[ "$(sql 'SELECT hostname FROM hosts')" = alpha ]
	[ -z "$(sql 'SELECT count(*) FROM paths' 2>/dev/null)" ]
	[ -z "$(sql 'SELECT count(*) FROM meta' 2>/dev/null)" ]
	# Without it there is room.
	sql 'DROP TABLE hosts'
	run_ok ss-catalog init
	run_ok ss-catalog hosts
}

@test "a database that is no catalog" {
	requires_mariadb "about its databases"
	own
	catalog_save good
	try() {
		local before
		before=$(catalog_sum 2>&1)
		run_code 2 ss-catalog savesets
		contains "$stderr" "$1"
		[ -z "$output" ]
		run_code 2 ss-catalog add alpha
		run_code 2 ss-verify --all
		run_code 2 ss-prune
		[ "$(catalog_sum 2>&1)" = "$before" ]
	}
	client mariadb -e "DROP DATABASE $CATALOG_DB"
	try "$CATALOG_DB"
	run_code 2 ss-catalog init
	contains "$stderr" "$CATALOG_DB"
	client mariadb -e "CREATE DATABASE $CATALOG_DB"
	try 'there is no catalog'
	# A table of somebody else's has a name that we need.
	sql 'CREATE TABLE savesets (id INTEGER)'
	try "$CATALOG_DB.* (there is no|not a secondshot) catalog"
	run_code 2 ss-catalog init
	contains "$stderr" "$CATALOG_DB"
	[ "$(sql 'SELECT count(*) FROM savesets')" = 0 ]
	[ "$(client mariadb -N -e 'SHOW TABLES' "$CATALOG_DB")" = savesets ]
	# One of its tables is not there any more.
	catalog_drop
	run_ok ss-catalog init
	catalog_restore good
	still_lists "$S"
	sql 'DROP TABLE paths'
	run_code 2 ss-catalog files "$S"
	contains "$stderr" 'paths'
	run_code 2 ss-catalog add alpha
	run_code 2 ss-catalog check
}

@test "a catalog is made for its owner alone; one that others can write is refused" {
	requires_sqlite "about its file"
	local mode
	stage
	rm "$CATALOG"
	(umask 0 && ss-catalog init)
	[ "$(stat -c %a "$CATALOG")" = 600 ]
	requires root
	for mode in 0602 0620 0666; do
		chmod "$mode" "$CATALOG"
		run_code 2 ss-catalog savesets
		contains "$stderr" 'others than root'
	done
	chmod 0600 "$CATALOG"
	chown 12345 "$CATALOG"
	run_code 2 ss-verify --all
	contains "$stderr" 'others than root'
}

@test "a catalog that somebody else has locked" {
	requires_sqlite "locks the whole catalog"
	local pid
	own
	coproc sqlite3 "$CATALOG"
	pid=$COPROC_PID
	echo "BEGIN EXCLUSIVE; SELECT 'held';" >&"${COPROC[1]}"
	read -r -u "${COPROC[0]}"
	for command in "ss-catalog savesets" "ss-catalog add alpha" "ss-verify --all" ss-prune "ss-catalog check"; do
		# shellcheck disable=SC2086
		run_code 2 $command
		contains "$stderr" 'locked by another process'
	done
	kill "$pid"
	wait "$pid" || :
	run_ok ss-catalog check
	take
	still_lists "$S"
}

@test "rows that somebody else has locked: readers go on, writers wait, not for ever" {
	requires_mariadb "locks rows"
	local pid in
	own
	coproc client mariadb -N -B --unbuffered "$CATALOG_DB"
	pid=$COPROC_PID in=${COPROC[1]}
	echo "BEGIN; SELECT count(*) FROM series FOR UPDATE; SELECT count(*) FROM savesets FOR UPDATE;
		SELECT 'held';" >&"$in"
	until read -r -u "${COPROC[0]}" && [ "$REPLY" = held ]; do :; done
	run_ok ss-catalog savesets
	run_ok ss-catalog check
	still_lists "$S"
	run_code 2 ss-catalog add alpha
	contains "$stderr" "$CATALOG_DB.*Lock wait timeout"
	exec {in}>&-
	wait "$pid"
	take
	still_lists "$S"
	run_ok ss-catalog check
	no_orphans
}

@test "a newer schema is refused, and not touched" {
	local before
	own
	sql "UPDATE meta SET value = '99' WHERE keyword = $(bytes schema)"
	before=$(catalog_sum)
	run_code 2 ss-catalog savesets
	contains "$stderr" 'schema 99'
	run_code 2 ss-catalog init
	run_code 2 ss-catalog add alpha
	[ "$(catalog_sum)" = "$before" ]
}

# bats test_tags=more
@test "a schema that is no number, or not told" {
	local word
	stage
	for word in 0 -1 x ''; do
		sql "UPDATE meta SET value = '$word' WHERE keyword = $(bytes schema)"
		run_code 2 ss-catalog savesets
		[ -n "$stderr" ]
	done
	sql "DELETE FROM meta"
	run_code 2 ss-catalog savesets
	contains "$stderr" 'schema|there is no catalog'
}

@test "unknown hosts and savesets, wrong arguments" {
	local before
	before=$(catalog_sum)
	run_code 2 ss-catalog add nobody
	contains "$stderr" nobody
	run_code 2 ss-catalog savesets nobody
	contains "$stderr" 'no such host'
	run_code 2 ss-catalog savesets --volume=nowhere
	contains "$stderr" 'nowhere: no such volume'
	run_code 2 ss-catalog savesets --json --backup-host=nobody
	contains "$stderr" 'nobody: no such backup host'
	run_code 2 ss-catalog runs --volume=nowhere
	contains "$stderr" 'nowhere: no such volume'
	run_ok ss-catalog runs --volume=backup
	run_code 2 ss-catalog files nobody
	run_code 2 ss-catalog files alpha@hourly.9
	contains "$stderr" 'no such saveset'
	run_code 2 ss-verify "$S" no-such-saveset
	run_code 2 ss-verify
	run_code 2 ss-verify --all "$S"
	run_code 2 ss-verify --read=tape "$S"
	run_code 2 ss-prune no-such-saveset
	run_code 2 ss-catalog
	run_code 2 ss-catalog nonsense
	run_code 2 ss-catalog add
	run_code 2 ss-catalog add alpha beta
	run_code 2 ss-catalog --no-such-option check
	contains "$stderr" no-such-option
	run_code 2 ss-catalog files "$S" --format xml
	run_code 2 ss-catalog add alpha --location=../root
	run_code 2 ss-catalog add alpha --location=hourly.9
	[ "$(catalog_sum)" = "$before" ]
}

@test "a host's tree that is a link or a file is no tree" {
	own
	ln -s /etc "$ROOT/.sync/beta"
	run_code 2 ss-catalog add beta
	contains "$stderr" beta
	: >"$ROOT/.sync/gamma"
	run_code 2 ss-catalog add gamma
	ln -s .sync "$ROOT/hourly.0"
	run_code 2 ss-catalog add alpha --location=hourly.0
	[ "$(names)" = "$S" ]
	run_ok ss-catalog check
}

@test "another run holds the lock" {
	hold_lock
	run_code 11 ss-catalog add alpha
	contains "$stderr" "a-test.*$$"
	run_code 11 ss-catalog reconcile
	run_code 11 ss-prune
	exec {LOCK}>&-
	run_ok ss-prune
}

@test "a full disk behind stdout is an error; a reader that is gone ends the program by SIGPIPE" {
	local command
	own
	for command in "ss-catalog savesets" "ss-catalog savesets --json" "ss-catalog hosts" \
		"ss-catalog files $S" "ss-catalog files $S -0" "ss-catalog files $S --format stream" \
		"ss-catalog pending $S" "ss-catalog add alpha" "ss-verify --help"; do
		run_code 2 bash -c "$command >/dev/full"
		[ -n "$stderr" ]
		# Its reader is gone before it starts.
		run_code 141 bash -c "exec 9> >(:); wait \$!; exec $command >&9"
		lacks "$stderr" 'standard output'
	done
	rm "$TREE/one"
	run_code 2 bash -c "ss-verify alpha@.sync >/dev/full"
	run_code 2 bash -c "ss-catalog savesets >&-"
}

@test "an old catalog is upgraded after a copy was made" {
	requires_sqlite "upgrades a copy of a file"
	local before
	stage
	[ -e "$TESTS/schemas/v1.sql" ]
	rm "$CATALOG"
	sqlite3 "$CATALOG" <"$TESTS/schemas/v1.sql"
	chmod 600 "$CATALOG"
	before=$(sqlite3 "$CATALOG" .dump | sum_of)
	run_ok ss-catalog savesets --json
	contains "$stderr" 'schema 1 is upgraded'
	[ "$(jq -r .name <<<"$output")" = old-backup-20200101-000000Z ]
	[ "$(jq -r .rows_added <<<"$output")" = 0 ]
	[ "$(sqlite3 "$CATALOG.schema-1" .dump | sum_of)" = "$before" ]
	[ "$(stat -c %a "$CATALOG.schema-1")" = 600 ]
	run_ok ss-catalog files old-backup-20200101-000000Z -0
	[ "$(ss-catalog files old-backup-20200101-000000Z -0 | tr '\0' ' ')" = '. dir dir/file ' ]
	# The copy of an earlier upgrade is not overwritten.
	before=$(sum_of "$CATALOG.schema-1")
	rm "$CATALOG"
	sqlite3 "$CATALOG" <"$TESTS/schemas/v1.sql"
	run_ok ss-catalog hosts
	[ "$(sum_of "$CATALOG.schema-1")" = "$before" ]
	[ -e "$CATALOG.schema-1.1" ]
}

# tables: each column of each table, and each index, of the catalog.
tables() {
	sql "SELECT m.name, i.name, i.type, i.\"notnull\", i.dflt_value, i.pk FROM sqlite_master m
		JOIN pragma_table_info(m.name) i ORDER BY 1, 2"
	sql "SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' ORDER BY 1"
}

# bats test_tags=more
@test "a catalog of each older schema becomes the same as a new one, with its rows" {
	requires_sqlite "upgrades a copy of a file"
	local new v now kept name=old-backup-20200101-000000Z
	stage
	rm "$ROOT/.secondshot/volume"
	new=$(tables)
	now=$(sql "SELECT value FROM meta WHERE keyword = $(bytes schema)")
	[ "$now" -ge 5 ]
	for ((v = 1; v < now; v++)); do
		rm -f "$CATALOG"*
		sqlite3 "$CATALOG" <"$TESTS/schemas/v$v.sql"
		chmod 600 "$CATALOG"
		run_ok ss-catalog savesets --json
		contains "$stderr" "schema $v is upgraded to $now"
		[ "$(jq -r .name <<<"$output")" = "$name" ]
		case $v in
		1) kept='[0,null,null]' ;;
		2 | 3) kept="[$((v + 1)),null,null]" ;;
		*) kept="[$((v + 1)),7,2]" ;;
		esac
		[ "$(jq -c '[.rows_added, .changed, .removed]' <<<"$output")" = "$kept" ]
		[ "$(tables)" = "$new" ]
		run_ok ss-catalog files "$name" -0
		[ "$(ss-catalog files "$name" -0 | tr '\0' ' ')" = \
			"$([[ $v -lt 3 ]] && echo '. dir dir/file ' || echo '. dir dir/file dir/new ')" ]
		[ "$(sql 'SELECT count(*) FROM runs')" = $((v >= 4)) ]
		[ "$(sql 'SELECT count(*) FROM generations')" = 0 ]
		run_ok ss-catalog hosts
		[ -z "$stderr" ]
	done
}

# aged V: the catalog on a server as schema V left it.
aged() {
	sql "DROP TABLE generations"
	(($1 >= 4)) || sql "DROP TABLE runs; ALTER TABLE savesets DROP COLUMN changed, DROP COLUMN removed"
	(($1 >= 3)) || sql "DROP TABLE commits; ALTER TABLE inodes DROP COLUMN room"
	(($1 >= 2)) || sql "ALTER TABLE series DROP COLUMN fs;
		ALTER TABLE savesets DROP COLUMN rows_added, DROP COLUMN rows_closed"
	sql "UPDATE meta SET value = '$1' WHERE keyword = 'schema'"
}

@test "an old catalog on a server is upgraded by init alone" {
	requires_mariadb "a file is upgraded by every tool"
	local new v before
	own
	take
	new=$(catalog_columns)
	before=$(ss-catalog files "$S" | sum_of)
	for v in 4 3 2 1; do
		aged $v
		run_code 2 ss-catalog hosts
		contains "$stderr" "has schema $v"
		run_ok ss-catalog init
		[ "$(catalog_columns)" = "$new" ]
		[ "$(ss-catalog files "$S" | sum_of)" = "$before" ]
		((v == 4)) || [ "$(field "$S" changed)" = null ]
		# And the disk has a stamp that the new table does not have.
		run_ok ss-catalog reconcile
		[ "$(sql 'SELECT count(*) FROM generations')" = "$(grep -c '^[0-9]' "$ROOT/.secondshot/generation")" ]
	done
	fresh "$TREE/one" "after the upgrade"
	turn
	take
	still_lists "$S"
}

# bats test_tags=more
@test "an upgrade that is killed leaves the old catalog or the new one" {
	requires_sqlite "upgrades a copy of a file"
	local n
	stage
	for n in 1 2 3 4 6 8 10 12 14 16; do
		rm -f "$CATALOG"*
		sqlite3 "$CATALOG" <"$TESTS/schemas/v$((n % 4 + 1)).sql"
		chmod 600 "$CATALOG"
		strace -f -qq -o /dev/null -e inject=pwrite64,fdatasync,fsync,unlink:signal=KILL:when="$n" \
			ss-catalog hosts >/dev/null 2>&1 || :
		run_ok ss-catalog savesets --json
		[ "$(jq -r .name <<<"$output")" = old-backup-20200101-000000Z ]
		run_ok sqlite3 "$CATALOG" 'pragma integrity_check'
		[ "$output" = ok ]
	done
}
