#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-catalog copy: another database, the same catalog.

load helpers
load catalog

# Targets: a file, and on MariaDB a second database as well.
setup() {
	stage
	FILE=sqlite:///$BATS_TEST_TMPDIR/copy.db
	TARGET=$FILE
	TARGET_CALLS=pwrite64,fsync,fdatasync,ftruncate,unlink
	if on_mariadb; then
		OTHER_DB=${CATALOG_DB}_b
		client mariadb -e "CREATE DATABASE $OTHER_DB"
		TARGET=${CATALOG_URL/"$CATALOG_DB"/"$OTHER_DB"}
		TARGET_CALLS=$CATALOG_CALLS
	fi
}

teardown() {
	[[ -z ${OTHER_DB:-} ]] || client mariadb -e "DROP DATABASE IF EXISTS $OTHER_DB"
	test_end
}

# some_runs: records of runs, one of which has not ended, and counts of changes.
some_runs() {
	sql "INSERT INTO runs (uid, backup_host, volume, volume_uid, started, ended, result, summary)
		VALUES ($(bytes one), $(bytes keeper), $(bytes backup), $(bytes 0123), 10, 20, 3, $(bytes '{}'))"
	sql "INSERT INTO runs (uid, backup_host, volume, started)
		VALUES ($(bytes two), $(bytes keeper), $(bytes other), 30)"
	sql 'UPDATE savesets SET changed = 0, removed = 1 WHERE id = 2'
}

# history [hostile]: some savesets that share much, with rot and rotations; with the
# names that nobody would like to meet.
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
	local name
	ss-catalog hosts --json --db-url="$1"
	ss-catalog volumes --json --db-url="$1"
	ss-catalog savesets --json --db-url="$1"
	ss-catalog savesets --db-url="$1"
	for name in $(ss-catalog savesets --json --db-url="$1" | jq -r .name); do
		ss-catalog files "$name" --json --db-url="$1"
		ss-catalog files "$name" -0 --db-url="$1"
		ss-catalog files "$name" --format=stream --db-url="$1"
	done
}

# same_as URL: it says what the first one does.
same_as() {
	cmp <(said "$CATALOG_URL") <(said "$1")
}

# slow_copy [MICROSECONDS]: begin one in the background, so slow that there is time to
# meddle; returns when the target is taken.  Sets COPY to its process; what it says goes to the file first.
slow_copy() {
	local n
	strace -f -qq -o /dev/null -e "inject=$TARGET_CALLS:delay_enter=${1:-15000}:when=20+" \
		ss-catalog copy "$CATALOG_URL" "$TARGET" >"$BATS_TEST_TMPDIR/first" 2>&1 3>&- &
	COPY=$!
	for ((n = 0; n < 100; n++)); do
		[[ $(ss-catalog hosts --db-url="$TARGET" 2>&1) != *'copy into'* ]] || return 0
		sleep 0.05
	done
	cat "$BATS_TEST_TMPDIR/first"
	return 1
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
	history hostile
	some_runs
	run_ok ss-catalog copy "$CATALOG_URL" "$TARGET"
	local first=$output
	contains "$stderr" 'copied and verified'
	[ "$(awk '$1 == "paths" { print $2 }' <<<"$first")" = "$(sql 'SELECT count(*) FROM paths')" ]
	[ "$(awk '$1 == "savesets" { print $2 }' <<<"$first")" = 3 ]
	[ "$(awk '$1 == "runs" { print $2 }' <<<"$first")" = 2 ]
	same_as "$TARGET"
	if on_mariadb; then
		run_ok ss-catalog copy "$TARGET" "$FILE"
		[ "$output" = "$first" ]
		same_as "$FILE"
	fi
	run_ok ss-catalog copy "$TARGET" "$BATS_TEST_TMPDIR/third.db"
	[ "$output" = "$first" ]
	same_as "$BATS_TEST_TMPDIR/third.db"
	if on_mariadb; then
		client mariadb -e "DROP DATABASE $OTHER_DB; CREATE DATABASE $OTHER_DB"
		run_ok ss-catalog copy --json "$FILE" "$TARGET"
		[ "$(jq -r '[.name, .rows, .sha256] | @tsv' <<<"$output")" = "$first" ]
		[ "$(jq -r .type <<<"$output" | sort -u)" = table ]
	fi
}

# all_of FILE: each row of a SQLite catalog, but those that are the driver's own.
all_of() {
	sqlite3 "$1" .dump | grep '^INSERT' | grep -v '^INSERT INTO commits' | sort
}

@test "each column of each row is copied, also of what is not hashed yet" {
	requires_sqlite "its files can be compared"
	history
	fresh "$TREE/one" "not hashed yet"
	turn
	ss-catalog add alpha >/dev/null
	[ "$(sql 'SELECT count(*) FROM inodes WHERE digest IS NULL')" = 1 ]
	some_runs
	run_ok ss-catalog copy "$CATALOG_URL" "$FILE"
	all_of "$CATALOG" >"$BATS_TEST_TMPDIR/all"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/all")" -gt 30 ]
	all_of "$BATS_TEST_TMPDIR/copy.db" | diff - "$BATS_TEST_TMPDIR/all"
}

@test "work goes on in the copy" {
	history
	run_ok ss-catalog copy "$CATALOG_URL" "$TARGET"
	export DB_URL=$TARGET
	run_ok ss-catalog check
	fresh "$TREE/one" "after the move"
	turn
	take
	run_ok ss-catalog check
	run_ok ss-catalog savesets --json
	[ "$(jq -s 'map(.sequence) | sort' -c <<<"$output")" = '[1,2,3,4]' ]
}

@test "what was left by ss-catalog init makes room" {
	history
	run_ok ss-catalog init --db-url="$TARGET"
	run_ok ss-catalog copy "$CATALOG_URL" "$TARGET"
	same_as "$TARGET"
}

@test "no catalog is copied into one with savesets, or into itself" {
	# With another driver's or path's eyes it is another catalog.
	local alias
	if on_mariadb; then
		alias=${CATALOG_URL/mysql:/mariadb:}
	else
		ln -s "$CATALOG" "$BATS_TEST_TMPDIR/alias"
		alias=$BATS_TEST_TMPDIR/alias
	fi
	run_code 2 ss-catalog copy "$CATALOG_URL" "$alias"
	contains "$stderr" 'the same catalog'
	take
	run_code 2 ss-catalog copy "$CATALOG_URL" "$alias"
	contains "$stderr" 'holds 1 savesets'
	run_ok ss-catalog copy "$CATALOG_URL" "$TARGET"
	run_code 2 ss-catalog copy "$CATALOG_URL" "$TARGET"
	contains "$stderr" 'holds 1 savesets'
	same_as "$TARGET"
	run_ok ss-catalog check
}

@test "there must be a source, and two urls" {
	run_code 2 ss-catalog copy "$BATS_TEST_TMPDIR/nothing.db" "$TARGET"
	contains "$stderr" 'there is no catalog'
	[ ! -e "$BATS_TEST_TMPDIR/copy.db" ]
	run_code 2 ss-catalog copy "$CATALOG_URL"
	contains "$stderr" 'usage: .*copy FROM-URL TO-URL'
	run_code 2 ss-catalog copy "$CATALOG_URL" 'mysql://root:secret@localhost/x'
	lacks "$stderr" 'secret@'
	run_code 2 ss-catalog copy "$CATALOG_URL" 'oracle://x/y'
	contains "$stderr" 'no such kind of database'
}

@test "a copy that was killed is no catalog, and is begun anew" {
	requires strace
	history
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
	same_as "$TARGET"
	[ "$(target_sql 'SELECT count(*) FROM meta')" = 1 ]
}

@test "every tool refuses what is half copied" {
	history
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
	run_ok ss-catalog check
}

@test "of two copies into one target one gives up" {
	requires strace
	history
	slow_copy
	local first=0 second=0
	ss-catalog copy "$CATALOG_URL" "$TARGET" >"$BATS_TEST_TMPDIR/second" 2>&1 || second=$?
	wait "$COPY" || first=$?
	cat "$BATS_TEST_TMPDIR/first" "$BATS_TEST_TMPDIR/second"
	[ "$((first + second))" = 2 ]
	if [[ $first == 2 ]]; then
		grep -q 'another copy into this catalog has begun' "$BATS_TEST_TMPDIR/first"
	else
		grep -q 'holds 3 savesets' "$BATS_TEST_TMPDIR/second"
	fi
	same_as "$TARGET"
}

@test "a server that hangs up is called again, and what else fails is told once" {
	requires_mariadb "it has connections"
	requires strace
	history
	slow_copy 60000
	# The copy's; what looked whether it has begun may not have gone yet.
	local ids="SELECT min(id) FROM information_schema.processlist WHERE db = '$OTHER_DB' AND id <> connection_id()"
	local id n code=0
	id=$(target_sql "$ids")
	target_sql "KILL $id"
	for ((n = 0; n < 100; n++)); do
		[[ $(target_sql "$ids") =~ ^[0-9]+$ ]] && [[ ${BASH_REMATCH[0]} != "$id" ]] && break
		sleep 0.05
	done
	target_sql "UPDATE meta SET value = 'another' WHERE keyword = 'copying'"
	wait "$COPY" || code=$?
	cat "$BATS_TEST_TMPDIR/first"
	[ "$code" = 2 ]
	[ "$n" -lt 100 ]
	[ "$(grep -c 'has begun' "$BATS_TEST_TMPDIR/first")" = 1 ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/first")" = 1 ]
	run_ok ss-catalog copy "$CATALOG_URL" "$TARGET"
	same_as "$TARGET"
}

@test "a source that hangs up ends the copy: its state is lost" {
	requires_mariadb "it has connections"
	requires strace
	history
	slow_copy 60000
	local code=0 n
	# Before it has begun to read it may connect anew; what it reads first it writes first.
	for ((n = 0; n < 200; n++)); do
		[[ $(target_sql 'SELECT count(*) FROM hosts') == 0 ]] || break
		sleep 0.05
	done
	sql "KILL $(sql "SELECT id FROM information_schema.processlist WHERE db = '$CATALOG_DB' AND id <> connection_id()")"
	wait "$COPY" || code=$?
	cat "$BATS_TEST_TMPDIR/first"
	[ "$n" -lt 200 ]
	[ "$(target_sql 'SELECT count(*) FROM inodes')" = 0 ]
	[ "$code" = 2 ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/first")" = 1 ]
	run_code 2 ss-catalog hosts --db-url="$TARGET"
	contains "$stderr" 'copy into this catalog'
	run_ok ss-catalog copy "$CATALOG_URL" "$TARGET"
	same_as "$TARGET"
}

@test "a full disk ends the copy" {
	requires_sqlite "the disk is the server's"
	requires strace
	history
	local n
	for n in 30 70 120; do
		run_code 2 strace -f -qq -o /dev/null -e "inject=pwrite64:error=ENOSPC:when=$n+" \
			ss-catalog copy "$CATALOG_URL" "$TARGET"
		contains "$stderr" 'full'
		[ -z "$(ss-catalog savesets --json --db-url="$TARGET" 2>/dev/null)" ]
	done
	run_ok ss-catalog copy "$CATALOG_URL" "$TARGET"
	same_as "$TARGET"
}

@test "a target that keeps something else than it was given is found out" {
	history
	run_ok ss-catalog init --db-url="$TARGET"
	local when
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
	same_as "$TARGET"
}

@test "what is wrong in the source is told, and copied as it is" {
	history
	sql "UPDATE paths SET uid = uid + 1 WHERE name = $(bytes dir)"
	run_code 1 ss-catalog copy "$CATALOG_URL" "$TARGET"
	contains "$stderr" 'the source has them as well'
	contains "$output" 'metadata digest of its rows'
	same_as "$TARGET"
}

@test "a name that is text is no name" {
	requires_sqlite "a server's columns have one type"
	history
	sql "UPDATE paths SET name = CAST(name AS TEXT) WHERE name = $(bytes one)"
	run_code 2 ss-catalog copy "$CATALOG_URL" "$TARGET"
	contains "$stderr" 'table paths (differs|has .* rows, and .* could be read in order)'
	run_code 2 ss-catalog hosts --db-url="$TARGET"
}

@test "a backup that runs meanwhile is copied whole or not at all, and ends well" {
	requires strace
	history
	fresh "$TREE/one" "written while it is copied"
	turn
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

@test "memory does not grow with the catalog" {
	requires prlimit
	! grep -q __asan_init "$(type -p ss-catalog)" || skip "the sanitizer takes its own"
	mkdir "$TREE/many"
	seq -f "$TREE/many/a file with some name %g" 15000 | xargs -d '\n' touch
	ss-catalog add alpha >/dev/null 2>&1
	run_ok prlimit --as=$((96 * 1024 * 1024)) ss-catalog copy "$CATALOG_URL" "$TARGET"
	[ "$(awk '$1 == "paths" { print ($2 > 15000) }' <<<"$output")" = 1 ]
}
