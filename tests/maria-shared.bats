#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# bats file_tags=slow
# Several backup hosts with one catalog on one server: nothing mixes, nobody waits.

# shellcheck disable=SC2034,SC2154
load helpers
load catalog
load server

setup_file() {
	server_of_file "${CARELESS[@]}" --innodb-monitor-enable=lock_timeouts
}

teardown_file() {
	server_end "$BATS_FILE_TMPDIR/srv"
}

setup() {
	requires strace
	database
	KEPT=$BATS_TEST_TMPDIR/kept
	mkdir "$KEPT"
	LOCKS='' STOPPED=''
}

teardown() {
	[[ -z ${STOPPED:-} ]] || kill -KILL "$STOPPED" 2>/dev/null || :
	[[ -z ${LOCKS:-} ]] || unlock
	test_end
}

# keeper NAME [KEY=VALUE...]: a backup host of that name, which backs up a host called
# alpha, as they all do; its snapshot root is $BATS_TEST_TMPDIR/NAME/root.
keeper() {
	local name=$1 dir=$BATS_TEST_TMPDIR
	shift
	(
		BATS_TEST_TMPDIR=$dir/$name
		mkdir "$BATS_TEST_TMPDIR"
		conf "$@"
		sed -i "s|^backup-host.*|backup-host = $name|" "$SECONDSHOT_CONF"
		catalog_at "$(server_url "$SERVER" "$NAME")"
		mkdir "$ROOT/.sync"
		cp -a "$SRC/alpha" "$ROOT/.sync/"
		echo "$name" >"$ROOT/.sync/alpha/of-$name"
	)
	as "$name" ss-catalog init 2>/dev/null
}

# as NAME COMMAND...: on that backup host.
as() {
	SECONDSHOT_CONF=$BATS_TEST_TMPDIR/$1/etc/secondshot.conf "${@:2}"
}

# round NAME: catalogue its tree, keep what it holds.
round() {
	local tree=$BATS_TEST_TMPDIR/$1/root/.sync/alpha name
	as "$1" bash -c 'set -o pipefail; ss-catalog add alpha | ss-hash | ss-catalog store' || return
	name=$(as "$1" ss-catalog savesets --json | jq -r --arg h "$1" 'select(.backup_host == $h and .sequence > 0)
		| [.sequence, .name] | @tsv' | sort -n | tail -n 1 | cut -f 2)
	listing "$tree" >"$KEPT/$name"
}

change() {
	local tree=$BATS_TEST_TMPDIR/$1/root/.sync/alpha
	fresh "$tree/dir/two" "$1 $2"
	rm -rf "$tree/more"
	mkdir "$tree/more"
	(cd "$tree/more" && seq "$((50 + RANDOM % 50))" | xargs touch)
}

# of NAME: its published savesets that are not gone.
of() {
	as "$1" ss-catalog savesets --json |
		jq -r --arg h "$1" 'select(.backup_host == $h and .sequence > 0 and .status != "gone") | .name'
}

# lists NAME: each of its savesets lists what was kept aside when it was taken.
lists() {
	local all
	mapfile -t all < <(of "$1")
	as "$1" still_lists "${all[@]}"
}

lock() {
	coproc command mariadb --no-defaults --socket="$SERVER/socket" --user="$SERVER_USER" --skip-ssl \
		--skip-column-names --batch --unbuffered "$NAME" 2>&1 3>&- 4>&-
	LOCKS=$COPROC_PID
	local word
	printf '%s;\n' 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED' 'START TRANSACTION' "$@" \
		"SELECT 'ready'" >&"${COPROC[1]}"
	while read -rt "$HANGS" -u "${COPROC[0]}" word; do
		[[ $word != ERROR* ]] || { echo "$word"; return 1; }
		[[ $word != ready ]] || return 0
	done
	return 1
}

unlock() {
	eval "exec ${COPROC[1]}>&-"
	wait "$LOCKS" 2>/dev/null || :
	LOCKS=''
}

# everything NAME: what a backup host does in its life, none of it waits for a second.
everything() {
	local n left
	round "$1"
	change "$1" 1
	round "$1"
	change "$1" 2
	# One that dies leaves something to clear away.
	for ((n = 20; n < 80; n += 3)); do
		as "$1" strace -f -qq -o /dev/null -e inject=sendto:signal=KILL:when=$n ss-catalog add alpha >/dev/null 2>&1 || :
		left=$(ask "SELECT count(*) FROM savesets s JOIN series r ON r.id = s.series
			JOIN volumes v ON v.id = r.volume WHERE s.status = 0 AND v.backup_host = '$1'")
		[[ $left == 0 ]] || break
	done
	[ "$left" = 1 ]
	round "$1"
	as "$1" ss-verify --all
	as "$1" ss-catalog reconcile
	as "$1" ss-prune
	as "$1" ss-catalog init
	lists "$1"
}

@test "three backup hosts at once, all of a host of one name: ids, names and series do not mix" {
	local host n pids=()
	for host in ann bob cid; do keeper $host db-timeout=20; done
	for host in ann bob cid; do
		for n in 1 2 3 4 5; do
			change $host $n
			round $host || exit 1
		done 2>"$BATS_TEST_TMPDIR/$host.err" 3>&- 4>&- &
		pids+=($!)
	done
	for n in "${pids[@]}"; do wait "$n" || { cat "$BATS_TEST_TMPDIR"/*.err; false; }; done
	[ "$(ask 'SELECT count(*) FROM hosts')" = 1 ]
	[ "$(ask 'SELECT count(*), count(DISTINCT host), count(DISTINCT volume) FROM series')" = '3	1	3' ]
	[ "$(ask 'SELECT group_concat(n ORDER BY n) FROM (SELECT count(*) * 100 + max(seq) AS n FROM savesets
		WHERE seq IS NOT NULL GROUP BY series) x')" = 505,505,505 ]
	[ "$(ask 'SELECT count(*) FROM savesets WHERE status = 0 OR seq IS NULL')" = 0 ]
	run_ok as ann ss-catalog savesets
	[ "$(awk 'NR == 1 || !seen[$2]++ { print $2 }' <<<"$output" | sort | xargs)" = 'BACKUP-HOST ann bob cid' ]
	run_ok as ann ss-catalog savesets --backup-host=bob
	# One that has had no backup for long is not hidden behind the others.
	run_ok as ann ss-catalog hosts
	[ "$(awk '{ print $1, $2, $3 }' <<<"$output" | xargs)" = 'HOST BACKUP-HOST SAVESETS alpha ann 5 alpha bob 5 alpha cid 5' ]
	[ "$(as ann ss-catalog hosts --json | jq -r .backup_host | xargs)" = 'ann bob cid' ]
	run_ok as ann ss-catalog hosts --backup-host=bob
	[ "$(awk '{ print $1, $2 }' <<<"$output" | xargs)" = 'HOST SAVESETS alpha 5' ]
	[ "$(as ann ss-catalog volumes --backup-host=bob --json | jq -r .backup_host)" = bob ]
	for host in ann bob cid; do
		lists $host
		[ "$(of $host | wc -l)" = 1 ]
		run_ok as $host ss-catalog check
		run_ok as $host ss-verify --all
		# What one keeper has, no other lists.
		run_ok as $host ss-catalog files alpha@.sync
		contains "$output" "of-$host"
		[ "$(grep -c 'of-' <<<"$output")" = 1 ]
	done
	# Pruning by one leaves the others' rows alone.
	n=$(ask "SELECT count(*) FROM paths p JOIN series r ON r.id = p.series JOIN volumes v ON v.id = r.volume
		WHERE v.backup_host <> 'ann'")
	run_ok as ann ss-prune
	[ "$(ask "SELECT count(*) FROM paths p JOIN series r ON r.id = p.series JOIN volumes v ON v.id = r.volume
		WHERE v.backup_host <> 'ann'")" = "$n" ]
	run_ok as bob ss-catalog check
}

@test "a host that stops in mid-transaction keeps no other waiting" {
	keeper ann
	keeper bob db-timeout=2
	round ann
	change ann 1
	lock "SELECT * FROM paths WHERE name = 'dir' FOR UPDATE"
	SECONDSHOT_CONF=$BATS_TEST_TMPDIR/ann/etc/secondshot.conf ss-catalog add alpha \
		>"$BATS_TEST_TMPDIR/stream" 3>&- 4>&- &
	STOPPED=$!
	waits() {
		# The server brings this table up to date if nobody has asked for a tenth of a second.
		sleep 0.15
		[ -n "$(ask "SELECT 1 FROM information_schema.innodb_trx
			WHERE trx_state = 'LOCK WAIT' AND trx_rows_modified > 0")" ]
	}
	until_true waits
	kill -STOP "$STOPPED"
	unlock
	everything bob
	# It was in there all the time, with rows changed.
	[ "$(ask "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_rows_modified > 0")" = 1 ]
	kill -CONT "$STOPPED"
	wait "$STOPPED"
	STOPPED=''
	ss-hash <"$BATS_TEST_TMPDIR/stream" | as ann ss-catalog store
	as bob ss-catalog check
	as ann ss-catalog check
}

@test "all rows of a host are locked: no other waits, whatever it does" {
	local size timeouts before
	timeouts="SELECT count FROM information_schema.innodb_metrics WHERE name = 'lock_timeouts'"
	before=$(ask "$timeouts")
	for size in 0 3000; do
		keeper "ann$size"
		(cd "$BATS_TEST_TMPDIR/ann$size/root/.sync/alpha" && seq "$size" | xargs -r touch)
		round "ann$size"
		change "ann$size" 1
		round "ann$size"
		lock "UPDATE savesets SET status = status" "UPDATE series SET last_seq = last_seq" \
			"UPDATE volumes SET created = created" "UPDATE locations SET location = location" \
			"UPDATE paths SET last = last" "UPDATE inodes SET shared = shared" "UPDATE dirs SET first = first" \
			"SELECT * FROM hosts LOCK IN SHARE MODE" \
			"INSERT INTO commits (session, n, at) VALUES (repeat('f', 32), 1, 1)"
		keeper "bob$size" db-timeout=1
		everything "bob$size"
		as "bob$size" ss-catalog check
		unlock
	done
	[ "$(ask "$timeouts")" = "$before" ]
}

@test "a week-old row of commits goes; the others stay" {
	keeper ann
	ask "INSERT INTO commits (session, n, at) VALUES (repeat('a', 32), 5, unix_timestamp() - 8 * 86400),
		(repeat('b', 32), 5, unix_timestamp() - 3600)"
	round ann
	[ "$(ask 'SELECT session FROM commits')" = "$(printf 'b%.0s' {1..32})" ]
}
