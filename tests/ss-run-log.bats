#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a run leaves of itself: the log, the system's log, the record, the summary.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers
load rrsync/lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	syslog_stop
	test_end
}

# begin [KEY=VALUE...]: configuration as conf, and a catalog.
begin() {
	conf "$@"
	ss-catalog init
}

# What secondshot(7) gives for taking lines apart; at each END-less line: key, tab, value.
take_apart() {
	local script
	script=$(awk '/^This takes lines apart/ { getline; on = 1; next } /^\.Ed/ { on = 0 } on' \
		"$TESTS/../tools/secondshot.7")
	awk "$script"' { for (key in value) print NR "\t" key "\t" value[key]; delete value }' "$@"
}

# wellformed FILE: each line is what secondshot(7) says.
wellformed() {
	run_code 1 grep -anvE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z [a-z-]+\[[0-9]+\]: level=(error|warn|info|debug)( [a-z][a-z0-9_]*=([A-Za-z0-9._:/@%+,-]+|"[^"=]*"))+$' "$1"
	run_code 1 grep -anP '[\x00-\x08\x0b-\x1f\x7f]' "$1"
}

@test "the log is taken apart by what the page gives for it" {
	begin
	cat >lines <<-'EOF'
		2026-11-22T02:00:13Z ss-run[812]: level=info event=host host="a \x22 event\x3dx" files=12 msg="two words"
		2026-11-22T02:00:14Z ss-run[812]: level=warn msg=""
	EOF
	wellformed lines
	run_ok take_apart lines
	contains "$output" $'^1\tlevel\tinfo$'
	contains "$output" $'^1\tevent\thost$'
	contains "$output" $'^1\thost\t"a ..22 event..3dx"$'
	contains "$output" $'^1\tfiles\t12$'
	contains "$output" $'^1\tmsg\t"two words"$'
	contains "$output" $'^2\tmsg\t""$'
	[ "${#lines[@]}" = 7 ]
}

@test "a name that looks like a line of the log is none" {
	local name=$'x\n2026-11-22T02:00:13Z ss-run[1]: level=info event=host host=beta "'
	begin
	: >"$LOG"
	run_code 2 ss-run "$name"
	run_code 2 ss-catalog add "$name"
	wellformed "$LOG"
	[ "$(wc -l <"$LOG")" = 2 ]
	run_code 1 grep ' event=host ' "$LOG"
	run_ok take_apart "$LOG"
	lacks "$output" $'\tevent\t'
}

# bats test_tags=more
@test "--log-level says what goes into the log" {
	local level
	begin
	for level in none error warn info; do
		: >"$LOG"
		run_code 2 ss-run --log-level="$level" "no such host"
		# A reason to tell something: a lock file of nobody.
		echo 4194305 >rsnapshot.pid
		run_code 2 ss-run --log-level="$level" --rotate=hourly
		wellformed "$LOG"
		run_ok sed 's/.* level=\([a-z]*\) .*/\1/' "$LOG"
		case $level in
		none) [ "$output" = "" ] ;;
		error | warn) [ "$(sort -u <<<"$output")" = error ] ;;
		info) contains "$output" info; contains "$output" error ;;
		esac
	done
	run_code 2 ss-run --log-level=loud
}

@test "a message of any length is one line" {
	local long
	begin
	printf -v long '%05000d' 0
	run_code 2 ss-run "$long\"="
	wellformed "$LOG"
	contains "$(cat "$LOG")" '0{5000}\\x22\\x3d: no such host'
}

@test "the system's log gets the same lines, from ss-run alone" {
	requires root mountns nsenter
	requires_sqlite "a server's socket may lie in /dev/shm"
	begin syslog=local3
	syslog_start
	# shellcheck disable=SC2086
	run_ok $NS ss-run
	logged '^<158>.*ss-run\[[0-9]+\]: level=info .*msg="alpha: complete'
	[ "$(grep -c 'ss-run\[' "$LOG")" = "$(grep -c ']: level=' "$SYSLOG")" ]
	lacks "$(cat "$SYSLOG")" 'ss-(catalog|hash|verify)\['
	: >"$SYSLOG"
	# shellcheck disable=SC2086
	run_code 2 $NS ss-run --syslog=none nobody
	# shellcheck disable=SC2086
	run_code 2 $NS ss-run --syslog=user nobody
	logged '^<11>.*level=error'
	[ "$(wc -l <"$SYSLOG")" = 1 ]
	# A configuration that cannot be read names no log.
	echo 'no-such-key = 1' >>"$SECONDSHOT_CONF"
	# shellcheck disable=SC2086
	run_code 2 $NS ss-run
	logged '^<139>.*level=error .*no-such-key'
}

# bats test_tags=more
@test "a machine without a system's log is backed up as well" {
	requires root mountns
	begin syslog=local1
	run_ok unshare -m --propagation private bash -c \
		'[ ! -e /dev/log ] || mount --bind /dev/null /dev/log; exec ss-run'
	contains "$stderr" 'alpha: complete'
}

# fails HOST: from now on its transfers break off.
fails() {
	wrap_rsync <<-EOF
		#!/bin/sh
		case "\$*" in *"$SRC/$1/"*) exit 12 ;; esac
		exec $(type -p rsync) "\$@"
	EOF
}

# two_runs: a state that the tests which ask for it only look at: the first run was clean,
# beta's transfer failed in the second.  FIRST and SECOND are what each printed, SAID what
# the second said; $LOG.1 and $LOG.2 are their logs.
two_runs() {
	local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	if [[ ! -e $BATS_FILE_TMPDIR/two-runs ]]; then
		HOSTS="alpha beta" begin autoverify=yes
		run_ok ss-catalog runs
		[ "${#lines[@]}" = 1 ]
		SECONDSHOT_NOW=1790000000 run_ok ss-run --json
		mv "$LOG" "$LOG.1"
		FIRST=$output
		fails beta
		run_code 2 ss-run --json
		mv "$LOG" "$LOG.2"
		SECOND=$output SAID=$stderr
		declare -p FIRST SECOND SAID ROOT SRC LOG CATALOG CATALOG_URL CATALOG_DB RSNAPSHOT_CONF SECONDSHOT_CONF \
			2>/dev/null | sed 's/^declare /declare -g /' >"$BATS_FILE_TMPDIR/two-runs"
	fi
	# shellcheck disable=SC1091
	. "$BATS_FILE_TMPDIR/two-runs"
}

# fact EVENT N KEY: of the N-th line of the log with that event.
fact() {
	grep -E " event=$1 " "$LOG" | sed -n "$2p" | grep -oE " $3=(\"[^\"]*\"|[^ ]*)" | cut -d= -f2-
}

@test "each line of the log is of pairs; what became of each host, each rotation and the run is an event" {
	two_runs
	[ "$(wc -l <"$LOG.1")" -gt 4 ]
	wellformed "$LOG.1"
	contains "$(cat "$LOG.1")" 'level=info .*msg="alpha: complete, '
	LOG=$LOG.2
	wellformed "$LOG"
	grep -q ' level=error ' "$LOG"
	[ "$(grep -c ' event=host ' "$LOG")" = 2 ]
	[ "$(fact host 1 host) $(fact host 1 status) $(fact host 1 files)" = "alpha complete 5" ]
	[ "$(fact host 1 saveset)" = "$(ss-catalog savesets --json alpha | jq -rs 'last.name')" ]
	[ "$(fact host 1 level),$(grep -c 'level=error event=host host=beta ' "$LOG")" = "info,1" ]
	[ "$(fact host 2 status)" = stale ]
	contains "$(fact host 2 reason)" 'rsync exit 12'
	[ "$(grep -c ' event=rotation ' "$LOG")" = 1 ]
	[ "$(fact rotation 1 interval) $(fact rotation 1 moved) $(fact rotation 1 stayed)" = "hourly 1 1" ]
	[ "$(fact run 1 result) $(fact run 1 good) $(fact run 1 failed)" = "2 1 1" ]
	[ "$(fact run 1 run)" = "$(ss-catalog runs --json | jq -rs 'last.id')" ]
	local key
	for key in sync_ms catalogue_ms rows_added vanished size; do
		contains "$(fact host 1 $key)" '^[0-9]+$'
	done
	contains "$SAID" '1 of 2 hosts have a new saveset, not beta: '
}

@test "--json prints the run as one object" {
	two_runs
	[ "$(wc -l <<<"$FIRST")" = 1 ]
	local id
	id=$(ss-catalog volumes --json | jq -r .id)
	run_ok jq -c '[.type, .result, .dry_run, .volume, .backup_host, .interrupted, .catalog_away],
		(.hosts | map([.host, .status, .files, .reason])),
		(.rotations | map([.interval, .result, .moved, .stayed, .reason])),
		([.ms, (.hosts[] | .sync_ms, .catalogue_ms, .verify_ms)] | all(. >= 0)),
		(.hosts[0] | .sync_ms > 0 and .catalogue_ms > 0 and .verify_ms > 0),
		.ms >= (.hosts | map(.sync_ms) | max), .volume_id' <<<"$FIRST"
	[ "$output" = '["run",0,false,"backup","keeper",false,false]
[["alpha","complete",5,null],["beta","complete",5,null]]
[["hourly","rotated",2,0,"new savesets"]]
true
true
true
"'"$id"'"' ]
	[ "$(jq -c '(.hosts | map([.host, .status])), [.hosts_good, .hosts_failed, .hosts_held, .hosts_all]' <<<"$SECOND")" = \
		$'[["alpha","complete"],["beta","stale"]]\n[1,1,0,2]' ]
	run_code 2 ss-run --json alpha nobody
	[ "$(jq -c '[.type, .result]' <<<"$output")" = '["run",2]' ]
}

# bats test_tags=more
@test "--json of a run that did not sync, or did not rotate" {
	HOSTS="alpha beta" begin
	run_ok ss-run --json --no-rotate alpha
	[ "$(jq -c '[.result, .rotations]' <<<"$output")" = '[0,[]]' ]
	run_ok ss-run --json --rotate=hourly
	[ "$(jq -c '.hosts | map(.status)' <<<"$output")" = '["not tried","not tried"]' ]
	[ "$(jq -r '.rotations[0].reason' <<<"$output")" = 'asked for' ]
	# Daysago is due, and only the other host has a tree to give: that is no rotation.
	run_ok ss-run alpha
	run_ok ss-run alpha
	[ -d "$ROOT/hourly.2/alpha" ]
	: >"$LOG"
	SECONDSHOT_NOW=$(($(date +%s) + 200000)) run_ok ss-run --json beta
	[ "$(jq -c '[.rotations[] | [.interval, .result]]' <<<"$output")" = '[["daysago","nothing to move"],["hourly","rotated"]]' ]
	[ "$(fact run 1 rotations),$(grep -c ' event=rotation ' "$LOG")" = 1,1 ]
}

@test "each run has its record in the catalog" {
	two_runs
	run_ok ss-catalog runs --json
	[ "${#lines[@]}" = 2 ]
	[ "$(jq -S . <<<"${lines[0]}")" = "$(jq -S . <<<"$FIRST")" ]
	run_ok ss-catalog runs
	contains "${lines[0]}" '^STARTED +BACKUP-HOST +VOLUME +TOOK +RESULT +HOSTS +FAILED +HELD$'
	contains "${lines[1]}" '^2026-09-21T14:13:20Z +keeper +backup +0s +0 +2/2 +- +-$'
	contains "${lines[2]}" '^20.* +2 +1/2 +beta +-$'
	# A dry run leaves none, nor does one that could not begin.
	run_ok ss-run -n
	run_code 2 ss-run nobody
	[ "$(ss-catalog runs --json | wc -l)" = 2 ]
	[ ! -e "$ROOT/.secondshot/runs" ]
	run_code 2 ss-catalog runs --volume=other
	[ "${#lines[@]}" = 1 ]
	run_ok ss-catalog runs --volume=backup --backup-host=keeper --json
	[ "${#lines[@]}" = 2 ]
	run_code 2 ss-catalog runs alpha
}

# slow_run: one in the background whose transfer lasts; RUN is its process.
slow_run() {
	wrap_rsync <<-EOF
		#!/bin/sh
		echo \$\$ >"$BATS_TEST_TMPDIR/transfer"
		exec sleep $HANGS
	EOF
	ss-run 2>/dev/null 3>&- &
	RUN=$!
	until_true test -s "$BATS_TEST_TMPDIR/transfer"
	sed -i "s|^cmd_rsync.*|cmd_rsync\t$(type -p rsync)|" "$RSNAPSHOT_CONF"
}

# bats test_tags=more
@test "a run that is under way, that was stopped, that was killed" {
	begin
	slow_run
	run_ok ss-catalog runs
	contains "${lines[1]}" ' - +running +- +- +-$'
	[ "$(ss-catalog runs --json | jq -c '[.ended, .result, .interrupted]')" = '[null,null,false]' ]
	local code=0
	kill -TERM "$RUN"
	wait "$RUN" || code=$?
	[ "$code" = 143 ]
	[ "$(ss-catalog runs --json | jq -c '[.result, .interrupted, .hosts[0].status]')" = '[143,false,"interrupted"]' ]
	rm "$BATS_TEST_TMPDIR/transfer"
	slow_run
	kill -KILL "$RUN"
	wait "$RUN" || :
	kill "$(<"$BATS_TEST_TMPDIR/transfer")" || :
	[ "$(ss-catalog runs --json | jq -sc 'last | [.ended, .result, .interrupted]')" = '[null,null,false]' ]
	run_ok ss-run
	[ "$(ss-catalog runs --json | jq -sc 'map([.result, .interrupted])')" = '[[143,false],[null,true],[0,false]]' ]
	run_ok ss-catalog runs
	contains "${lines[2]}" ' - +interrupted +- +- +-$'
}

# bats test_tags=more
@test "a record that is damaged costs itself, not the run" {
	begin
	mkdir "$ROOT/.secondshot/runs"
	local dir=$ROOT/.secondshot/runs
	echo nonsense >"$dir/0123"
	printf 'secondshot-run 1\nstarted 5\nended 6\n' >"$dir/4567"
	printf 'secondshot-run 1\nstarted five\nend\n' >"$dir/89ab"
	printf 'secondshot-run 1\nstarted 5\nended 6\nresult 0\nsummary {"type":"other"}\nlater key\nend\n' \
		>"$dir/0123456789abcdef0123456789abcdef"
	# A run's id has one form: others the catalog could not take.
	cp "$dir/0123456789abcdef0123456789abcdef" "$dir/0123456789abcdef0123456789abcdef0"
	: >"$dir/.new-1.x"
	run_ok ss-run
	[ "$(grep -c 'is damaged: removed' <<<"$stderr")" = 4 ]
	[ -z "$(ls -A "$dir")" ]
	[ "$(ss-catalog runs --json | jq -sc 'map([.started, .result])[0]')" = '["1970-01-01T00:00:05Z",0]' ]
	run_ok ss-catalog runs
	[ "${#lines[@]}" = 3 ]
	contains "${lines[1]}" '^1970-01-01T00:00:05Z +keeper +backup +1s +0 +- +- +-$'
	# Where the others cannot be read the backup is made all the same.
	rmdir "$dir"
	: >"$dir"
	run_code 3 ss-run
	contains "$stderr" 'alpha: complete'
}

# bats test_tags=more
@test "old records go, a volume's newest stay" {
	begin
	local numbers="WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10020)"
	local rows
	rows="SELECT i, i, $(bytes keeper), $(bytes backup), i, i, 0 FROM n"
	local columns="id, uid, backup_host, volume, started, ended, result"
	if on_mariadb; then
		sql "SET max_recursive_iterations = 20000; INSERT INTO runs ($columns) $numbers $rows"
	else
		sql "$numbers INSERT INTO runs ($columns) $rows"
	fi
	sql "INSERT INTO runs (id, uid, backup_host, volume, started, ended, result)
		VALUES (20000, $(bytes other), $(bytes keeper), $(bytes other), 1, 1, 0)"
	run_ok ss-run
	[ "$(sql "SELECT min(id) FROM runs")" = 21 ]
	[ "$(sql "SELECT count(*) FROM runs")" = 10002 ]
}

@test "a run while the server is away is recorded by the next one that finds it" {
	requires_mariadb "a file is never away"
	local server=$BATS_TEST_TMPDIR/server
	conf
	ln -s "$SS_TEST_SOCKET" "$server"
	sed -i "s|unix_socket=.*|unix_socket=$server|" "$SECONDSHOT_CONF"
	ss-catalog init
	rm "$server"
	run_code 3 ss-run --json
	local away=$output
	[ "$(jq -c '[.catalog_away, .hosts[0].status]' <<<"$away")" = '[true,"complete"]' ]
	[ "$(ls "$ROOT/.secondshot/runs" | wc -l)" = 1 ]
	ln -s "$SS_TEST_SOCKET" "$server"
	run_ok ss-run
	[ -z "$(ls "$ROOT/.secondshot/runs")" ]
	run_ok ss-catalog runs --json
	[ "${#lines[@]}" = 2 ]
	[ "$(jq -S . <<<"${lines[0]}")" = "$(jq -S . <<<"$away")" ]
}
