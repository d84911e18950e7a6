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
	catalog_forget
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
	run grep -anvE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z [a-z-]+\[[0-9]+\]: level=(error|warn|info|debug)( [a-z][a-z0-9_]*=([A-Za-z0-9._:/@%+,-]+|"[^"=]*"))+$' "$1"
	[ "$output" = "" ]
	run grep -anP '[\x00-\x08\x0b-\x1f\x7f]' "$1"
	[ "$output" = "" ]
}

@test "each line of the log is of pairs" {
	HOSTS="alpha beta" begin
	run_ok ss-run
	rm -r "$SRC/beta"
	run_code 2 ss-run
	[ "$(wc -l <"$LOG")" -gt 4 ]
	wellformed "$LOG"
	grep -q ' level=error ' "$LOG"
	contains "$(cat "$LOG")" 'level=info .*msg="alpha: complete, '
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
	run grep -c ' event=host ' "$LOG"
	[ "$output" = 0 ]
	run_ok take_apart "$LOG"
	lacks "$output" $'\tevent\t'
}

@test "--log-level says what goes into the log" {
	local level
	begin
	for level in none error warn info; do
		: >"$LOG"
		ss-run --log-level="$level" "no such host" || :
		ss-run --log-level="$level" || :
		wellformed "$LOG"
		run sed 's/.* level=\([a-z]*\) .*/\1/' "$LOG"
		case $level in
		none) [ "$output" = "" ] ;;
		error | warn) [ "$output" = error ] ;;
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
	begin syslog=local3
	syslog_start
	# shellcheck disable=SC2086
	run_ok $NS ss-run
	logged '^<158>.*ss-run\[[0-9]+\]: level=info .*msg="alpha: complete'
	[ "$(grep -c 'ss-run\[' "$LOG")" = "$(grep -c ']: level=' "$SYSLOG")" ]
	lacks "$(cat "$SYSLOG")" 'ss-(catalog|hash|verify)\['
	: >"$SYSLOG"
	# shellcheck disable=SC2086
	run_ok $NS ss-run --syslog=none
	# shellcheck disable=SC2086
	run_code 2 $NS ss-run --syslog=user nobody
	logged '^<11>.*level=error'
	[ "$(wc -l <"$SYSLOG")" = 1 ]
}

@test "a machine without a system's log is backed up as well" {
	requires root mountns
	begin syslog=local1
	run_ok unshare -m --propagation private bash -c \
		'[ ! -e /dev/log ] || mount --bind /dev/null /dev/log; exec ss-run'
	contains "$stderr" 'alpha: complete'
}
