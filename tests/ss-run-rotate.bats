#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-run: what is rotated when, and what waits.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

begin() {
	conf
	ss-catalog init
	# A host fails while the file of its name below fail/ holds a code.
	mkdir fail
	cat >rsync <<-END
		#!/bin/bash
		for host in $PWD/fail/*; do
			[[ -e \$host && \${*: -1} == */.sync/\${host##*/}/* ]] || continue
			[[ \$(cat "\$host") != 23 ]] || /usr/bin/rsync "\$@"
			exit "\$(cat "\$host")"
		done
		exec /usr/bin/rsync "\$@"
	END
	chmod +x rsync
	sed -i "s|^cmd_rsync.*|cmd_rsync\t$PWD/rsync|" "$RSNAPSHOT_CONF"
}

# locations HOST: of its complete savesets, oldest first.
locations() {
	ss-catalog savesets --json "$1" | jq -r 'select(.status == "complete") | .location' | xargs
}

@test "a host that fails keeps all hosts from being rotated" {
	HOSTS="alpha beta" begin
	run_ok ss-run
	echo 12 >fail/beta
	run_code 2 ss-run
	contains "$stderr" 'beta: failed, rsync exit 12'
	contains "$stderr" 'not rotated'
	[ ! -e "$ROOT/hourly.1" ]
	[ "$(locations alpha)" = "hourly.0 .sync" ]
	[ "$(locations beta)" = "hourly.0" ]
	ss-catalog savesets --json beta | jq -e -s 'any(.status == "stale")'
}

@test "a saveset that waits is not synced over, and rotated when the others have caught up" {
	HOSTS="alpha beta" begin
	run_ok ss-run
	echo 12 >fail/beta
	echo second >"$SRC/alpha/generation"
	run_code 2 ss-run
	echo third >"$SRC/alpha/generation"
	# Still failing: alpha's is not touched.
	run_code 2 ss-run
	contains "$stderr" 'alpha: saveset alpha-backup-.* waits in .sync and is not synced over; rotate first'
	[ "$(cat "$ROOT/.sync/alpha/generation")" = second ]
	rm fail/beta
	run_ok ss-run
	[ "$(grep -c 'rotated hourly' <<<"$stderr")" -eq 2 ]
	[ "$(cat "$ROOT/hourly.1/alpha/generation")" = second ]
	[ "$(cat "$ROOT/hourly.0/alpha/generation")" = third ]
	[ "$(locations alpha)" = "hourly.2 hourly.1 hourly.0" ]
	[ "$(locations beta)" = "hourly.2 hourly.1 hourly.0" ]
	run_ok ss-verify --all
}

@test "the same with link_dest 0" {
	HOSTS="alpha beta" LINK_DEST=0 begin
	run_ok ss-run
	echo 12 >fail/beta
	echo second >"$SRC/alpha/generation"
	run_code 2 ss-run
	ss-catalog savesets --json beta | jq -e -s 'any(.status == "failed")'
	echo third, longer >"$SRC/alpha/generation"
	run_code 2 ss-run
	[ "$(cat "$ROOT/.sync/alpha/generation")" = second ]
	rm fail/beta
	run_ok ss-run
	[ "$(cat "$ROOT/hourly.1/alpha/generation")" = second ]
	[ "$(cat "$ROOT/hourly.0/alpha/generation")" = "third, longer" ]
}

@test "a host that is only partial keeps the others waiting, with 3" {
	HOSTS="alpha beta" begin
	echo 23 >fail/beta
	run_code 3 ss-run
	contains "$stderr" 'beta: partial'
	run_code 3 ss-run
	contains "$stderr" 'alpha: saveset .* waits in .sync'
	[ ! -e "$ROOT/hourly.0" ]
	rm fail/beta
	run_ok ss-run
	[ "$(locations alpha)" = "hourly.1 hourly.0" ]
}

@test "a named host whose saveset waits is refused" {
	HOSTS="alpha beta" begin
	run_ok ss-run alpha
	run_code 2 ss-run alpha
	contains "$stderr" 'waits in .sync'
	run_code 2 ss-run --rotate=hourly alpha
	contains "$stderr" 'hourly: not rotated: not every host'
	run_ok ss-run beta
	run_ok ss-run --dry-run --rotate=hourly alpha
	contains "$output" 'sync alpha/$'
	run_ok ss-run --rotate=hourly alpha
	[ -d "$ROOT/hourly.0/beta" ]
	[ -d "$ROOT/.sync/alpha" ]
}

@test "one of several points that fails makes the host fail" {
	mkdir -p src
	RSNAPSHOT_MORE="backup\t$PWD/src/etc/\talpha/etc/\nbackup\t$PWD/src/home/\talpha/home/" HOSTS=" " begin
	source_tree "$SRC/etc"
	source_tree "$SRC/home"
	run_ok ss-run
	# rsync writes to .sync/alpha/home/.
	sed -i 's|/.sync/${host##\*/}/\*|*/home/|' rsync
	echo 30 >fail/home
	run_code 2 ss-run
	contains "$stderr" 'alpha: failed, alpha/home: rsync exit 30'
	[ ! -e "$ROOT/hourly.1" ]
	rm fail/home
	run_ok ss-run
	[ "$(locations alpha)" = "hourly.1 hourly.0" ]
	run_ok ss-verify --all
}

@test "a source that has no files after it had some is not rotated" {
	begin
	run_ok ss-run
	rm -r "$SRC"/alpha/*
	run_code 2 ss-run
	contains "$stderr" 'alpha: failed'
	[ ! -e "$ROOT/hourly.1" ]
	[ -e "$ROOT/hourly.0/alpha/one" ]
	source_tree "$SRC/alpha"
	run_ok ss-run
	[ -e "$ROOT/hourly.1/alpha/one" ]
}

@test "larger intervals by --rotate, and only when there is something to take over" {
	RETAIN="hourly:2 daysago:2 weeksago:2" begin
	run_code 2 ss-run --rotate=daysago
	contains "$stderr" 'daysago: not rotated: it is fed by hourly.1'
	run_ok ss-run
	run_ok ss-run
	run_ok ss-run --rotate=daysago
	contains "$stderr" 'rotated daysago'
	[ "$(locations alpha)" = "daysago.0 hourly.0" ]
	run_ok ss-run
	run_ok ss-run --rotate=daysago
	[ "$(locations alpha)" = "daysago.1 daysago.0 hourly.0" ]
	run_ok ss-run
	# The larger one first; .sync is not looked at.
	run_ok ss-run --rotate=weeksago --rotate=daysago
	[ "$(locations alpha)" = "weeksago.0 daysago.1 daysago.0 hourly.0" ]
	run_ok ss-verify --all
}

@test "--rotate of the lowest needs a new saveset of every host" {
	HOSTS="alpha beta" begin
	run_ok ss-run --no-rotate alpha
	run_code 2 ss-run --rotate=hourly
	[ ! -e "$ROOT/hourly.0" ]
	run_ok ss-run --no-rotate beta
	run_ok ss-run --rotate=hourly
	[ -d "$ROOT/hourly.0/alpha" ]
	run_code 2 ss-run --rotate=hourly
}

@test "the oldest generation goes, with link_dest 1 and 0" {
	local link
	for link in 1 0; do
		catalog_drop
		rm -rf root fail
		RETAIN="hourly:2" LINK_DEST=$link begin
		for generation in 1 2 3 4; do
			echo "$generation$generation" >"$SRC/alpha/generation"
			touch -d "2020-01-0$generation" "$SRC/alpha/generation"
			run_ok ss-run
		done
		[ "$(cat root/hourly.0/alpha/generation)" = 44 ]
		[ "$(cat root/hourly.1/alpha/generation)" = 33 ]
		run_code 1 compgen -G 'root/_delete.*'
		[ "$(locations alpha)" = "hourly.1 hourly.0" ]
	done
}

@test "a single slot" {
	RETAIN="hourly:1" begin
	run_ok ss-run
	run_ok ss-run
	run_ok ss-run
	[ -d "$ROOT/hourly.0/alpha" ]
	run_ok ss-verify --all
}

@test "rsnapshot ended with warnings, but it rotated" {
	begin
	run_ok ss-run --no-rotate
	# rsnapshot warns of the blank behind the tab.
	printf 'exclude\t core\n' >>"$RSNAPSHOT_CONF"
	run_ok ss-run --rotate=hourly
	[ -d "$ROOT/hourly.0/alpha" ]
}
