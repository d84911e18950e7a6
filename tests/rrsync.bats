#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# rrsync's own options: what they add to the stock script's, and what they say.
# shellcheck disable=SC2154,SC2206

load helpers
load rrsync/lib

export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-120}

setup_file() {
	requires root make "${CC:-cc}" rsync perl
	[[ -d $TESTS/../rrsync ]] || skip "needs the source of rrsync"
	HELPERS=$BATS_FILE_TMPDIR
	export HELPERS
	# In place of rsync: what it was started with.  Behind its end, names of options that it has.
	printf '#!/bin/bash\nprintf "<%%s>" "$@"\necho\nenv -u _ -u PWD -u SHLVL\nexit\n' >"$HELPERS/show"
	printf 'confine-root\0drop-D\0' >>"$HELPERS/show"
	chmod 0755 "$HELPERS/show"
	variant shown RSYNC="$HELPERS/show" SANDBOX=0
	syslog_start
}

teardown_file() {
	syslog_stop
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir dir
	printf 'file\n' >dir/file
	: >"$SYSLOG"
}

# ask RRSYNC OPTIONS COMMAND
ask() {
	local rrsync=$1 options=$2
	# shellcheck disable=SC2086
	SSH_ORIGINAL_COMMAND=$3 SSH_CONNECTION='192.0.2.9 4711 192.0.2.2 22' \
		timeout 20 $NS "$rrsync" $options "$BATS_TEST_TMPDIR/dir" </dev/null
}

shown() {
	run --separate-stderr ask "$HELPERS/shown.build/rrsync" "$@"
}

@test "-help and -h, wrong usage" {
	local option
	for option in -help -h; do
		run_ok "$RRSYNC" "$option"
		contains "$output" '^usage: rrsync .*-ro'
		[ -z "$stderr" ]
	done
	for option in -x --ro "-ro -wo" "-allow daemon" "-allow s" "-allow nonsense" "-deny nonsense" "-rate fast" \
		"-log nowhere" "dir dir" -log -rate -allow -deny; do
		# shellcheck disable=SC2086
		run_code 1 env SSH_ORIGINAL_COMMAND='rsync --server --sender . .' "$RRSYNC" $option dir </dev/null
		contains "$stderr" '^rrsync error: '
	done
	run_code 1 env SSH_ORIGINAL_COMMAND=true "$RRSYNC"
	run_code 1 env SSH_ORIGINAL_COMMAND=true "$RRSYNC" -ro missing
	contains "$stderr" 'does not exist: missing'
	run_code 1 env -u SSH_ORIGINAL_COMMAND "$RRSYNC" -ro dir
	contains "$stderr" 'Not invoked via sshd'
	run_ok env SSH_ORIGINAL_COMMAND=true "$RRSYNC" -ro dir
	[ -z "$output$stderr" ]
}

@test "rsync gets nothing of the caller's environment but how to read names" {
	export HOME=/nowhere RSYNC_RSH=x TZ=x FOO=bar LANG=C.UTF-8 LC_CTYPE=../x 2>/dev/null
	unset LC_ALL
	shown -ro 'rsync --server --sender -e.L . file'
	[ "$status" -eq 0 ]
	[ "$(sed 1d <<<"$output" | sort)" = "$(printf 'LANG=C.UTF-8\nPATH=/usr/bin:/bin')" ]
}

@test "-allow accepts what is refused otherwise, and -deny refuses what is accepted" {
	local S='rsync --server --sender'
	shown -ro "$S -Le.L . file"
	[ "$status" -eq 1 ]
	contains "$stderr" 'disabled on this server: -L'
	shown "-ro -allow copy-links -allow --debug" "$S -Le.L --debug=FLIST2 . file"
	[ "$status" -eq 0 ]
	contains "$output" '<-Le.L><--debug=FLIST2>'
	shown "-ro -allow L" "$S -ke.L . file"
	[ "$status" -eq 1 ]
	shown "-deny compress" "$S -vze.L . file"
	[ "$status" -eq 1 ]
	contains "$stderr" 'disabled on this server: -z'
	shown "-deny --delete -deny z" "rsync --server -re.L --delete . file"
	[ "$status" -eq 1 ]
	contains "$stderr" 'disabled on this server: --delete'
	shown "-deny --delete -deny z" "rsync --server -re.L --delete-after . file"
	[ "$status" -eq 0 ]
}

@test "-rate limits whatever the client wants" {
	shown "-rate 500k" "rsync --server --sender -e.L --bwlimit=0 . file"
	[ "$status" -eq 0 ]
	contains "$output" '<--bwlimit=0>.*<--bwlimit=500k><--><\.>'
	head -c 300000 /dev/urandom >dir/big
	local begin=${EPOCHREALTIME/./}
	timeout 30 rsync --bwlimit=0 -e "$(near "$RRSYNC" -ro -rate 100k "$PWD/dir")" source:/big .
	cmp big dir/big
	# 300 kB at 100 kB a second; what was saved up at the start goes at once.
	[ $((${EPOCHREALTIME/./} - begin)) -gt 1000000 ]
}

@test "-log: one line on who asked for what, escaped" {
	shown "-ro -log local3" "$(printf 'rsync --server --sender -e.L . file\e[31m\nx')"
	logged '^<156>.*rrsync\[[0-9]*\]: refused, .*: from 192\.0\.2\.9 4711 .*, uid 0, dir .*/dir: rsync .* file\\x1b\[31m\\x0ax$'
	: >"$SYSLOG"
	shown "-ro -log local3" "rsync --server --sender -e.L . file"
	[ "$status" -eq 0 ]
	logged '^<158>.*rrsync\[[0-9]*\]: accepted: from 192\.0\.2\.9 .*: rsync --server --sender -e\.L \. file$'
	[ "$(wc -l <"$SYSLOG")" -eq 1 ]
	: >"$SYSLOG"
	shown "-ro -log local3" "rsync --server --sender -e.L $(printf 'x%.0s' {1..5000})"
	logged 'xxx\.\.\.$'
	[ "$(wc -l <"$SYSLOG")" -eq 1 ]
	: >"$SYSLOG"
	shown -ro "rsync --server --sender -e.L . file"
	[ ! -s "$SYSLOG" ]
}

@test "-check says what is enforced, and starts rsync in the sandbox" {
	run_ok $NS "$RRSYNC" -check -ro "$PWD/dir"
	contains "$output" "^directory  $PWD/dir \(read only\)"
	contains "$output" '^identity   uid 0'
	contains "$output" '^kernel     Linux .* Landlock ABI [0-9]'
	contains "$output" '^rsync      /usr/bin/rsync'
	contains "$output" '^missing    '
	contains "$output" 'restrict,command=".*/rrsync -ro /.*/dir" ssh-ed25519'
	contains "$output" '^rsync  version '
	run_ok $NS "$RRSYNC" -check /
	contains "$output" 'read and write'
}

@test "a static binary does the same" {
	local tree=$TESTS/..
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$tree" rrsync-static BUILD="$HELPERS/static" \
		CC="${CC:-cc}" >&2
	run ldd "$HELPERS/static/rrsync-static"
	[ "$status" -eq 0 ] || [[ $output == *"not a dynamic"* ]]
	lacks "$output" libc
	mkdir dir/sub
	ln dir/file dir/sub/hard
	timeout 30 rsync -aH -e "$(near "$HELPERS/static/rrsync-static" -ro "$PWD/dir")" source:/ copy/
	diff -r dir copy
	[ copy/file -ef copy/sub/hard ]
	timeout 30 rsync -aH -e "$(near "$HELPERS/static/rrsync-static" "$PWD/dir")" copy/ source:/back/
	diff -r copy dir/back
}
