#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-catalog copy: another database, the same catalog.

load helpers
load catalog

# The source, which most tests only read: some savesets that share much, names that nobody
# would like to meet, rot, rotations, a file that is not hashed yet, and runs.
setup_file() {
	share source_made
	shared
	said "$CATALOG_URL" >"$BATS_FILE_TMPDIR/said"
	rows_of "$CATALOG_URL" >"$BATS_FILE_TMPDIR/rows"
}

source_made() {
	stage
	history hostile
	turn
	fresh "$TREE/one" "not hashed yet"
	ss-catalog add alpha >/dev/null 2>&1
	some_runs
}

setup() {
	shared
	targets
}

# targets: a file, and on MariaDB a second database as well.
targets() {
	FILE=sqlite:///$BATS_TEST_TMPDIR/copy.db
	TARGET=$FILE
	TARGET_CALLS=pwrite64,fsync,fdatasync,ftruncate,unlink
	if on_mariadb; then
		printf -v OTHER_DB 'ss_%08x%08x_b' "$SRANDOM" "$SRANDOM"
		client mariadb -e "CREATE DATABASE $OTHER_DB"
		TARGET=${CATALOG_URL/"$CATALOG_DB"/"$OTHER_DB"}
		TARGET_CALLS=$CATALOG_CALLS
	fi
}

teardown() {
	[[ -z ${OTHER_DB:-} ]] || client mariadb -e "DROP DATABASE IF EXISTS $OTHER_DB"
	test_end
}

# own_source: the same catalog, for a test that changes it; no tree belongs to it.
own_source() {
	catalog_save shared
	catalog_make
	! on_mariadb || ss-catalog init --db-url="$CATALOG_URL" 2>/dev/null
	catalog_restore shared
}

# own_tree: a tree and a small catalog, for a test that goes on with them.
own_tree() {
	stage
	history
}

# some_runs: records of runs, one of which has not ended, and counts of changes.
some_runs() {
	sql "INSERT INTO runs (uid, backup_host, volume, volume_uid, started, ended, result, summary)
		VALUES ($(bytes one), $(bytes keeper), $(bytes backup), $(bytes 0123), 10, 20, 3, $(bytes '{}'))"
	sql "INSERT INTO runs (uid, backup_host, volume, started)
		VALUES ($(bytes two), $(bytes keeper), $(bytes other), 30)"
	sql 'UPDATE savesets SET changed = 0, removed = 1 WHERE id = 2'
}

# history [hostile]: three savesets.
history() {
	[[ $# == 0 ]] || hostile_tree "$TREE/hostile"
	take
	turn
	fresh "$TREE/one" "one, once more"
	rm -r "$TREE/dir/sub"
	chmod 0600 "$TREE/dir/two"
	take
	rot "$TREE/dir/two"
	run_code 1 ss-verify alpha@.sync
	turn
	take
}

# said URL: all that the look-ups say of a catalog.
said() {
	local name form
	local -a LINES
	ss-catalog hosts --json --db-url="$1"
	ss-catalog volumes --json --db-url="$1"
	ss-catalog savesets --json --db-url="$1"
	ss-catalog savesets --db-url="$1"
	ss-catalog runs --json --db-url="$1"
	for name in $(names --db-url="$1"); do
		for form in --json -0 --format=stream; do
			ss-catalog files "$name" "$form" --db-url="$1" || echo "exit $?"
		done
	done
}

# says_the_same URL: what the source does.
says_the_same() {
	said "$1" | cmp - "$BATS_FILE_TMPDIR/said"
}

# rows_of URL: each row of a catalog, but those that are the driver's own.
rows_of() {
	local CATALOG_DB=$CATALOG_DB
	case $1 in
	sqlite:*) sqlite3 "${1#sqlite://}" .dump | grep -v '^INSERT INTO commits' ;;
	*)
		CATALOG_DB=${1%%\?*}
		CATALOG_DB=${CATALOG_DB##*/}
		client mariadb-dump --compact --no-create-info --complete-insert --hex-blob \
			--order-by-primary --ignore-table="$CATALOG_DB.commits" "$CATALOG_DB"
		;;
	esac
}

# same_rows: the target has each row of the source as it is in the shared one, and none besides.
same_rows() {
	rows_of "$TARGET" | cmp - "$BATS_FILE_TMPDIR/rows"
}

# same_as_own: as in this test's own source.
same_as_own() {
	rows_of "$CATALOG_URL" >"$BATS_TEST_TMPDIR/rows"
	rows_of "$TARGET" | cmp - "$BATS_TEST_TMPDIR/rows"
	grep -q INSERT "$BATS_TEST_TMPDIR/rows"
}

# slow_copy [MICROSECONDS]: begin one in the background, so slow that there is time to
# meddle; returns when the target is taken.  Sets COPY to its process; what it says goes to the file first.
slow_copy() {
	strace -f -qq -o /dev/null -e "inject=$TARGET_CALLS:delay_enter=${1:-15000}:when=20+" \
		ss-catalog copy "$CATALOG_URL" "$TARGET" >"$BATS_TEST_TMPDIR/first" 2>&1 3>&- &
	COPY=$!
	until_true begun
}

# begun: the copy holds the target, or has ended.
begun() {
	[[ $(ss-catalog hosts --db-url="$TARGET" 2>&1) == *'copy into'* ]] ||
		[[ $(jobs -pr) != *"$COPY"* ]]
}

# target_sql STATEMENT
target_sql() {
	if on_mariadb; then
		CATALOG_DB=$OTHER_DB sql "$1"
	else
		CATALOG=$BATS_TEST_TMPDIR/copy.db sql "$1"
	fi
}

@test "a copy says the same, in whatever database, and a copy of the copy too" {
	run_ok ss-catalog copy "$CATALOG_URL" "$TARGET"
	local first=$output
	contains "$stderr" 'copied and verified'
	[ "$(awk '/^(paths|savesets|runs|inodes)\t/ { print $2 }' <<<"$first" | xargs)" = \
		"$(sql 'SELECT (SELECT count(*) FROM savesets), (SELECT count(*) FROM paths),
			(SELECT count(*) FROM inodes), (SELECT count(*) FROM runs)' | tr '|' ' ')" ]
	contains "$first" '^savesets	4	'
	contains "$first" '^runs	2	'
	says_the_same "$TARGET"
	# Also of what is not hashed yet, and what no look-up shows.
	[ "$(sql 'SELECT count(*) FROM inodes WHERE digest IS NULL')" = 1 ]
	[ "$(grep -o INSERT "$BATS_FILE_TMPDIR/rows" | wc -l)" -gt 5 ]
	same_rows
	if on_mariadb; then
		run_ok ss-catalog copy "$TARGET" "$FILE"
		[ "$output" = "$first" ]
		says_the_same "$FILE"
	fi
	run_ok ss-catalog copy "$TARGET" "$BATS_TEST_TMPDIR/third.db"
	[ "$output" = "$first" ]
	says_the_same "$BATS_TEST_TMPDIR/third.db"
	if on_mariadb; then
		client mariadb -e "DROP DATABASE $OTHER_DB; CREATE DATABASE $OTHER_DB"
		run_ok ss-catalog copy --json "$FILE" "$TARGET"
		[ "$(jq -r '[.name, .rows, .sha256] | @tsv' <<<"$output")" = "$first" ]
		[ "$(jq -r .type <<<"$output" | sort -u)" = table ]
		same_rows
	fi
}

@test "what was left by ss-catalog init makes room, and work goes on in the copy" {
	own_tree
	run_ok ss-catalog init --db-url="$TARGET"
	run_ok ss-catalog copy "$CATALOG_URL" "$TARGET"
	same_as_own
	export DB_URL=$TARGET
	run_ok ss-catalog check
	turn
	fresh "$TREE/one" "after the move"
	take
	run_ok ss-catalog check
	run_ok ss-catalog savesets --json
	[ "$(jq -s 'map(.sequence) | sort' -c <<<"$output")" = '[1,2,3,4]' ]
}

# alias_of URL: the same catalog, with another driver's or path's eyes another.
alias_of() {
	if on_mariadb; then
		ALIAS=${1/mysql:/mariadb:}
	else
		ln -s "${1#sqlite://}" "$BATS_TEST_TMPDIR/alias-${1##*/}"
		ALIAS=$BATS_TEST_TMPDIR/alias-${1##*/}
	fi
}

@test "there must be a source, and two urls; none is copied into one with savesets, or into itself" {
	run_code 2 ss-catalog copy "$BATS_TEST_TMPDIR/nothing.db" "$TARGET"
	contains "$stderr" 'there is no catalog'
	[ ! -e "$BATS_TEST_TMPDIR/copy.db" ]
	run_code 2 ss-catalog copy "$CATALOG_URL"
	contains "$stderr" 'usage: .*copy FROM-URL TO-URL'
	run_code 2 ss-catalog copy "$CATALOG_URL" 'mysql://root:secret@localhost/x'
	lacks "$stderr" 'secret@'
	run_code 2 ss-catalog copy "$CATALOG_URL" 'oracle://x/y'
	contains "$stderr" 'no such kind of database'
	run_ok ss-catalog init --db-url="$TARGET"
	alias_of "$TARGET"
	run_code 2 ss-catalog copy "$TARGET" "$ALIAS"
	contains "$stderr" 'the same catalog'
	alias_of "$CATALOG_URL"
	run_code 2 ss-catalog copy "$CATALOG_URL" "$ALIAS"
	contains "$stderr" 'holds 4 savesets'
	run_ok ss-catalog copy "$CATALOG_URL" "$TARGET"
	run_code 2 ss-catalog copy "$CATALOG_URL" "$TARGET"
	contains "$stderr" 'holds 4 savesets'
	same_rows
	run_ok ss-catalog check
}

# bats test_tags=more
@test "a copy that was killed is no catalog, and is begun anew" {
	requires strace
	local n killed=0 code
	for n in 2 12 14 16 20 26 40 60 90 130; do
		code=0
		strace -f -qq -o /dev/null -e "inject=$TARGET_CALLS:signal=KILL:when=$n" \
			ss-catalog copy "$CATALOG_URL" "$TARGET" >/dev/null 2>&1 || code=$?
		[[ $code != 0 ]] || break
		[ "$code" = 137 ]
		run ss-catalog savesets --db-url="$TARGET"
		if [[ $status == 0 ]]; then
			# Not begun, and so without savesets.
			[ "$(ss-catalog savesets --json --db-url="$TARGET")" = "" ]
		else
			[ "$status" = 2 ]
		fi
		if [[ $output == *'copy into this catalog'* ]]; then
			killed=$((killed + 1))
		fi
	done
	echo "killed in the midst of it: $killed"
	[ "$killed" -ge 3 ]
	if [[ $code != 0 ]]; then
		run_ok ss-catalog copy "$CATALOG_URL" "$TARGET"
	fi
	same_rows
	[ "$(target_sql 'SELECT count(*) FROM meta')" = 1 ]
}

@test "every tool refuses what is half copied" {
	run_ok ss-catalog copy "$CATALOG_URL" "$TARGET"
	target_sql "INSERT INTO meta (keyword, value) VALUES ($(bytes copying), $(bytes 0123456789abcdef))"
	export DB_URL=$TARGET
	local -a call
	for call in 'ss-catalog hosts' 'ss-catalog init' 'ss-catalog add alpha' 'ss-catalog check' \
		'ss-catalog reconcile' 'ss-verify alpha@.sync' 'ss-prune' \
		"ss-catalog copy $TARGET $BATS_TEST_TMPDIR/third.db"; do
		# shellcheck disable=SC2086
		run_code 2 ${call}
		contains "$stderr" "copy into this catalog is under way or was cut off"
	done
	run_ok ss-catalog copy "$CATALOG_URL" "$TARGET"
	same_rows
	run_ok ss-catalog check
}

# bats test_tags=more
@test "of two copies into one target one gives up" {
	requires strace
	slow_copy
	local first=0 second=0
	ss-catalog copy "$CATALOG_URL" "$TARGET" >"$BATS_TEST_TMPDIR/second" 2>&1 || second=$?
	wait "$COPY" || first=$?
	cat "$BATS_TEST_TMPDIR/first" "$BATS_TEST_TMPDIR/second"
	[ "$((first + second))" = 2 ]
	if [[ $first == 2 ]]; then
		grep -q 'another copy into this catalog has begun' "$BATS_TEST_TMPDIR/first"
	else
		grep -q 'holds 4 savesets' "$BATS_TEST_TMPDIR/second"
	fi
	same_rows
}

# bats test_tags=more
@test "a server that hangs up is called again, and what else fails is told once" {
	requires_mariadb "it has connections"
	requires strace
	slow_copy 60000
	# The copy's; what looked whether it has begun may not have gone yet.
	local ids="SELECT min(id) FROM information_schema.processlist WHERE db = '$OTHER_DB' AND id <> connection_id()"
	local id code=0
	id=$(target_sql "$ids")
	target_sql "KILL $id"
	called_again() {
		[[ $(target_sql "$ids") =~ ^[0-9]+$ && ${BASH_REMATCH[0]} != "$id" ]]
	}
	until_true called_again
	target_sql "UPDATE meta SET value = 'another' WHERE keyword = 'copying'"
	wait "$COPY" || code=$?
	cat "$BATS_TEST_TMPDIR/first"
	[ "$code" = 2 ]
	[ "$(grep -c 'has begun' "$BATS_TEST_TMPDIR/first")" = 1 ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/first")" = 1 ]
	run_ok ss-catalog copy "$CATALOG_URL" "$TARGET"
	same_rows
}

# bats test_tags=more
@test "a source that hangs up ends the copy: its state is lost" {
	requires_mariadb "it has connections"
	requires strace
	slow_copy 60000
	local code=0
	# Before it has begun to read it may connect anew; what it reads first it writes first.
	reads() {
		[[ $(target_sql 'SELECT count(*) FROM hosts') != 0 ]]
	}
	until_true reads
	sql "KILL $(sql "SELECT id FROM information_schema.processlist WHERE db = '$CATALOG_DB' AND id <> connection_id()")"
	wait "$COPY" || code=$?
	cat "$BATS_TEST_TMPDIR/first"
	[ "$(target_sql 'SELECT count(*) FROM inodes')" = 0 ]
	[ "$code" = 2 ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/first")" = 1 ]
	run_code 2 ss-catalog hosts --db-url="$TARGET"
	contains "$stderr" 'copy into this catalog'
	run_ok ss-catalog copy "$CATALOG_URL" "$TARGET"
	same_rows
}

# bats test_tags=more
@test "a full disk ends the copy" {
	requires_sqlite "the disk is the server's"
	requires strace
	local n
	for n in 30 70 120; do
		run_code 2 strace -f -qq -o /dev/null -e "inject=pwrite64:error=ENOSPC:when=$n+" \
			ss-catalog copy "$CATALOG_URL" "$TARGET"
		contains "$stderr" 'full'
		[ -z "$(ss-catalog savesets --json --db-url="$TARGET" 2>/dev/null)" ]
	done
	run_ok ss-catalog copy "$CATALOG_URL" "$TARGET"
	same_rows
}

@test "a target that keeps something else than it was given is found out" {
	run_ok ss-catalog init --db-url="$TARGET"
	if on_mariadb; then
		target_sql "CREATE TRIGGER wrong BEFORE INSERT ON paths FOR EACH ROW
			SET NEW.mode = CASE WHEN NEW.name = $(bytes one) THEN 420 + 1 ELSE NEW.mode END"
	else
		target_sql "CREATE TRIGGER wrong AFTER INSERT ON paths WHEN NEW.name = $(bytes one) BEGIN
			UPDATE paths SET mode = 420 + 1 WHERE name = NEW.name; END"
	fi
	run_code 2 ss-catalog copy "$CATALOG_URL" "$TARGET"
	contains "$stderr" 'table paths differs'
	run_code 2 ss-catalog hosts --db-url="$TARGET"
	contains "$stderr" 'copy into this catalog'
	target_sql 'DROP TRIGGER wrong'
	run_ok ss-catalog copy "$CATALOG_URL" "$TARGET"
	same_rows
}

@test "what is wrong in the source is told, and copied as it is; a name that is text is no name" {
	own_source
	sql "UPDATE paths SET uid = uid + 1 WHERE name = $(bytes dir)"
	run_code 1 ss-catalog copy "$CATALOG_URL" "$TARGET"
	contains "$stderr" 'the source has them as well'
	contains "$output" 'metadata digest of its rows'
	same_as_own
	# A server's columns have one type.
	on_mariadb || {
		rm "$BATS_TEST_TMPDIR/copy.db"
		sql "UPDATE paths SET name = CAST(name AS TEXT) WHERE name = $(bytes one)"
		run_code 2 ss-catalog copy "$CATALOG_URL" "$TARGET"
		contains "$stderr" 'table paths (differs|has .* rows, and .* could be read in order)'
		run_code 2 ss-catalog hosts --db-url="$TARGET"
	}
}

# bats test_tags=more
@test "a backup that runs meanwhile is copied whole or not at all, and ends well" {
	requires strace
	own_tree
	turn
	fresh "$TREE/one" "written while it is copied"
	slow_copy
	take
	local code=0
	wait "$COPY" || code=$?
	cat "$BATS_TEST_TMPDIR/first"
	[ "$code" = 0 ]
	run_ok ss-catalog savesets --json --db-url="$TARGET"
	contains "$(jq -s 'length' <<<"$output")" '^[34]$'
	[ "$(jq -s 'map(select(.status == "running")) | length' <<<"$output")" = 0 ]
	run_ok ss-catalog check
}

# bats test_tags=more
@test "memory does not grow with the catalog" {
	requires prlimit
	! grep -q __asan_init "$(type -p ss-catalog)" || skip "the sanitizer takes its own"
	stage
	mkdir "$TREE/many"
	# Names of one file: an inode each takes the kernel long to find.
	perl -e 'chdir shift; link "../one", "a file with some name $_" for 1 .. 15000' "$TREE/many"
	ss-catalog add alpha >/dev/null 2>&1
	run_ok prlimit --as=$((96 * 1024 * 1024)) ss-catalog copy "$CATALOG_URL" "$TARGET"
	[ "$(awk '$1 == "paths" { print ($2 > 15000) }' <<<"$output")" = 1 ]
}
