# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# database.bash - the same tests on both databases; helpers loads it.
#
# SS_TEST_DB is sqlite (default) or mariadb; with mariadb, SS_TEST_SOCKET is the
# socket of a server on which we may do everything (see tests/mariadb).  On
# SQLite each test has its own file, $CATALOG; on MariaDB its own database,
# $CATALOG_DB, which goes with the test.

SS_TEST_DB=${SS_TEST_DB:-sqlite}
# System calls by which a client's changes leave it, for strace.
case $SS_TEST_DB in
sqlite) CATALOG_CALLS=pwrite64,fsync,fdatasync,ftruncate,unlink ;;
mariadb) CATALOG_CALLS=sendto ;;
*) echo "SS_TEST_DB: $SS_TEST_DB: neither sqlite nor mariadb" >&2; exit 2 ;;
esac

on_mariadb() {
	[[ $SS_TEST_DB == mariadb ]]
}

# requires_sqlite REASON, requires_mariadb REASON: skip on the other database.
requires_sqlite() {
	! on_mariadb || skip "SQLite only: $1"
}

requires_mariadb() {
	on_mariadb || skip "MariaDB only: $1"
}

# once REASON: skip on the second database what is not about the catalog and takes long.
once() {
	! on_mariadb || skip "ran with SQLite: $1"
}

export SS_TEST_USER=${SS_TEST_USER-$(id -un 2>/dev/null)}

# client PROGRAM [ARGUMENT...]: one of MariaDB's own, as the administrator.
client() {
	local program=$1
	shift
	command "$program" --no-defaults --socket="$SS_TEST_SOCKET" --user="$SS_TEST_USER" "$@"
}

# catalog_make: sets CATALOG and CATALOG_URL; once a test, a MariaDB database for it.
catalog_make() {
	CATALOG=$BATS_TEST_TMPDIR/catalog.db
	CATALOG_URL=sqlite:///$CATALOG
	on_mariadb || return 0
	if [[ ! -e $BATS_TEST_TMPDIR/.database ]]; then
		printf -v CATALOG_DB 'ss_%08x%08x' "$SRANDOM" "$SRANDOM"
		echo "$CATALOG_DB" >"$BATS_TEST_TMPDIR/.database"
		client mariadb -e "CREATE DATABASE $CATALOG_DB"
	fi
	CATALOG_URL="mysql://$SS_TEST_USER@localhost/$CATALOG_DB?unix_socket=$SS_TEST_SOCKET"
}

# catalog_drop: as if ss-catalog init had never been called.
catalog_drop() {
	[[ -n ${CATALOG:-} ]] || return 0
	if on_mariadb; then
		client mariadb -e "DROP DATABASE $CATALOG_DB; CREATE DATABASE $CATALOG_DB"
	else
		rm -f "$CATALOG" "$CATALOG-journal"
	fi
}

# test_end: after each test; a file with a teardown of its own calls it from there.
test_end() {
	catalog_forget "$BATS_TEST_TMPDIR"
	[[ -z ${SS_TIMES:-} ]] || test_cost
}

catalog_forget() {
	[[ ! -e $1/.database ]] ||
		client mariadb -e "SET lock_wait_timeout = 10; DROP DATABASE IF EXISTS $(<"$1/.database")"
}

# test_cost: a line in $SS_TIMES: what the test and its processes took of the processors, in ms.
test_cost() {
	local line ms=0
	times >"$BATS_TEST_TMPDIR/.times"
	while read -r line; do
		while [[ $line =~ ^([0-9]+)m([0-9]+)\.([0-9]{3})s\ ?(.*) ]]; do
			ms=$((ms + BASH_REMATCH[1] * 60000 + BASH_REMATCH[2] * 1000 + 10#${BASH_REMATCH[3]}))
			line=${BASH_REMATCH[4]}
		done
	done <"$BATS_TEST_TMPDIR/.times"
	printf '%s\t%s\t%s\n' "$ms" "${BATS_TEST_FILENAME##*/}" "$BATS_TEST_DESCRIPTION" >>"$SS_TIMES"
}

teardown() {
	test_end
}

teardown_file() {
	catalog_forget "$BATS_FILE_TMPDIR"
}

# sql STATEMENT: ask the catalog directly; rows as sqlite3 prints them, a|b|c, NULL empty.
sql() {
	if on_mariadb; then
		client mariadb -N -B "$CATALOG_DB" -e "$1" |
			awk -F'\t' -v OFS='|' '{ for (i = 1; i <= NF; i++) if ($i == "NULL") $i = ""; $1 = $1; print }'
		return "${PIPESTATUS[0]}"
	fi
	sqlite3 "$CATALOG" "$1"
}

# sql_unchecked STATEMENT: foreign keys do not hinder it; fails quietly if a key does.
sql_unchecked() {
	if on_mariadb; then
		sql "SET foreign_key_checks = 0; $1"
	else
		sql "PRAGMA foreign_keys = off; $1"
	fi 2>/dev/null
}

# catalog_columns: TABLE|COLUMN|TYPE of each, as lines.
catalog_columns() {
	if on_mariadb; then
		sql "SELECT table_name, column_name, lower(data_type) FROM information_schema.columns
			WHERE table_schema = database() ORDER BY 1, 2"
	else
		sql "SELECT m.name, i.name, lower(i.type) FROM sqlite_master m
			JOIN pragma_table_info(m.name) i WHERE m.type = 'table' ORDER BY 1, 2"
	fi
}

# bytes TEXT: as a literal for sql, of the type that names have.
bytes() {
	printf "x'%s'" "$(printf %s "$1" | od -An -v -tx1 | tr -d ' \n')"
}

# zeros N: a literal of as many bytes.
zeros() {
	printf "x'%0*d'" "$((2 * $1))" 0
}

# catalog_dump: all rows of all tables as SQL.
catalog_dump() {
	client mariadb-dump --compact --no-create-info --complete-insert --hex-blob \
		--order-by-primary --single-transaction "$CATALOG_DB"
}

# catalog_sum: to see that nothing was changed; on SQLite not even a byte of the file.
catalog_sum() {
	if on_mariadb; then
		catalog_dump | sha256sum
	else
		sha256sum "$CATALOG"
	fi
}

# catalog_save NAME: keep the catalog as it is, for catalog_restore NAME.
catalog_save() {
	if on_mariadb; then
		{
			echo 'SET foreign_key_checks = 0; START TRANSACTION;'
			sql 'SHOW TABLES' | sed 's/.*/DELETE FROM `&`;/'
			catalog_dump
			echo 'COMMIT;'
		} >"$BATS_TEST_TMPDIR/.saved-$1"
	else
		cp "$CATALOG" "$BATS_TEST_TMPDIR/.saved-$1"
	fi
}

# A journal that a killed process left belongs to the file that is replaced.
catalog_restore() {
	if on_mariadb; then
		client mariadb "$CATALOG_DB" <"$BATS_TEST_TMPDIR/.saved-$1"
	else
		rm -f "$CATALOG-journal"
		cp "$BATS_TEST_TMPDIR/.saved-$1" "$CATALOG"
	fi
}

# catalog_sound: the database itself finds no fault with its file or tables.
catalog_sound() {
	local faults
	if on_mariadb; then
		faults=$(client mariadb-check --check "$CATALOG_DB" 2>&1 | awk '$2 != "OK"') || :
		[[ -n $(sql 'SHOW TABLES') && -z $faults ]]
	else
		faults=$(sqlite3 "$CATALOG" 'PRAGMA integrity_check' 2>&1) || :
		[[ $faults == ok ]]
	fi || { printf '%s\n' "$faults"; return 1; }
}
