#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-run: what is rotated when, and what waits.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# ss-run ...: an hour later than the last time.
ss-run() {
	echo $(($(cat clock) + 3600)) >clock
	SECONDSHOT_NOW=$(cat clock) command ss-run "$@"
}

begin() {
	echo 1795000000 >clock
	conf
	ss-catalog init
	# A host fails while the file of its name below fail/ holds a code.
	mkdir fail
	wrap_rsync <<-END
		#!/bin/bash
		# By ss-rsync, which rsnapshot has started, which ss-rsnapshot has, which ss-run has.
		if [[ -e $PWD/stop ]]; then
			rm $PWD/stop
			up=\$(awk '{ print \$4 }' /proc/\$PPID/stat)
			up=\$(awk '{ print \$4 }' /proc/\$up/stat)
			kill -TERM "\$(awk '{ print \$4 }' "/proc/\$up/stat")"
			exec sleep 60
		fi
		for host in $PWD/fail/*; do
			[[ -e \$host && \${*: -1} == */.sync/\${host##*/}/* ]] || continue
			[[ \$(cat "\$host") != 23 ]] || /usr/bin/rsync "\$@"
			exit "\$(cat "\$host")"
		done
		exec /usr/bin/rsync "\$@"
	END
}

# killed: ss-run, ended when its first transfer begins.
killed() {
	touch stop
	ss-run --quiet 3>&- &
	wait $!
}

# locations HOST: of its complete savesets, oldest first.
locations() {
	ss-catalog savesets --json "$1" | jq -r 'select(.status == "complete") | .location' | xargs
}

# is TEXT WANTED
is() {
	[ "$1" = "$2" ] || {
		printf 'is:     %s\nwanted: %s\n' "$1" "$2"
		return 1
	}
}

# where HOST FILE: its content in each location that has the host, newest location first.
where() {
	local at
	for at in .sync hourly.{0..9} daysago.{0..9} weeksago.{0..9}; do
		[ ! -e "$ROOT/$at/$1/$2" ] || echo "$at=$(cat "$ROOT/$at/$1/$2")"
	done | xargs
}

# night TEXT [HOST...]: the hosts' sources change, each in its own way.
night() {
	local host
	for host in "${@:2}"; do
		echo "$1" >"$SRC/$host/generation"
	done
}

month() {
	local n
	HOSTS="alpha beta" RETAIN="hourly:3 daysago:2" begin
	for n in a bb ccc dddd; do
		night "$n" alpha beta
		run_ok ss-run
	done
	# The first promotion was due as soon as there was something to take over.
	run_ok ss-run --rotate=daysago
	night eeeee alpha beta
	run_ok ss-run
	# Once more, for the generation that is new since.
	run_ok ss-run --rotate=daysago
	is "$(where beta generation)" "${1}hourly.0=eeeee hourly.1=dddd daysago.0=ccc daysago.1=a"
	echo 12 >fail/beta
	for n in 6 7 8 9; do
		printf "%${n}s" x | tr ' ' x >"$SRC/alpha/generation"
		run_code 2 ss-run
		contains "$stderr" 'beta: failed, rsync exit 12'
		contains "$stderr" 'held out of the rotation.*: beta'
		((n % 2)) || run_ok ss-run --rotate=daysago
	done
	is "$(where beta generation)" "${1}hourly.0=eeeee hourly.1=dddd daysago.0=ccc daysago.1=a"
	[ "$(locations beta)" = "daysago.1 daysago.0 hourly.1 hourly.0" ]
	[ "$(where alpha generation | wc -w)" -ge 4 ]
	[ "$(cat "$ROOT/hourly.0/alpha/generation")" = xxxxxxxxx ]
	[ ! -e "$ROOT/.secondshot/held" ]
	rm fail/beta
	night back beta
	run_ok ss-run
	[ "$(locations beta)" = "daysago.1 daysago.0 hourly.2 hourly.1 hourly.0" ]
	[[ $(where beta generation) == *"hourly.0=back hourly.1=eeeee hourly.2=dddd daysago.0=ccc daysago.1=a" ]]
	run_ok ss-verify --all
	run_ok ss-catalog check
}

# bats test_tags=slow
@test "a host that fails for many nights loses no generation" {
	month ""
}

# bats test_tags=slow
@test "the same with link_dest 0" {
	LINK_DEST=0 month ".sync=eeeee "
}

# bats test_tags=slow
@test "a failed host is held out, and only that one; where every host fails nothing is rotated" {
	HOSTS="alpha beta" begin
	run_ok ss-run
	touch -d 2020-01-02 "$ROOT/hourly.0"
	echo 12 >fail/beta
	run_code 2 ss-run
	contains "$stderr" 'beta: failed, rsync exit 12'
	contains "$stderr" 'rotated hourly'
	[ "$(locations alpha)" = "hourly.1 hourly.0" ]
	[ "$(locations beta)" = "hourly.0" ]
	[ ! -e "$ROOT/hourly.1/beta" ]
	ss-catalog savesets --json beta | jq -e -s 'any(.status == "stale")'
	# A location keeps its time, whatever is held out of it.
	[ "$(stat -c %y "$ROOT/hourly.1" | cut -c1-10)" = 2020-01-02 ]
	echo 12 >fail/alpha
	run_code 2 ss-run
	contains "$stderr" 'not rotated: no host has a new complete saveset'
	[ ! -e "$ROOT/hourly.2" ]
}

# bats test_tags=slow
@test "what nobody backs up any more stays where it is, also in a single slot" {
	HOSTS="alpha beta" RETAIN="hourly:1" begin
	run_ok ss-run
	sed -i '/beta\/$/d' "$RSNAPSHOT_CONF"
	mkdir "$ROOT/hourly.0/by hand"
	run_ok ss-run
	run_ok ss-run
	[ "$(locations beta)" = "hourly.0" ]
	[ -d "$ROOT/hourly.0/by hand" ]
	[ -d "$ROOT/hourly.0/alpha" ]
	run_ok ss-verify --all
}

# bats test_tags=slow
@test "a partial saveset stays in .sync, and with rotate-partial it is rotated" {
	HOSTS="alpha beta" begin
	echo 23 >fail/beta
	run_code 3 ss-run
	contains "$stderr" 'beta: partial'
	[ "$(locations alpha)" = "hourly.0" ]
	[ -d "$ROOT/.sync/beta" ]
	[ "$(ss-catalog savesets --json beta | jq -r '.status + .location')" = partial.sync ]
	run_code 3 ss-run --rotate-partial=yes
	# The one that lay there is rotated, too, and not synced over.
	is "$(ss-catalog savesets --json beta | jq -r 'select(.location != null) | .status + .location' | xargs)" \
		"partialhourly.1 partialhourly.0"
	run_code 3 ss-run --rotate-partial=yes --no-rotate beta
	echo 12 >fail/beta
	run_code 2 ss-run --rotate-partial=yes
	is "$(ss-catalog savesets --json beta | jq -r 'select(.location != null) | .status + .location' | xargs)" \
		"partialhourly.2 partialhourly.1 partialhourly.0"
	rm fail/beta
	run_ok ss-run
	is "$(locations alpha)" "daysago.0 hourly.2 hourly.1 hourly.0"
	run_ok ss-verify --all
}

@test "a saveset that waits in .sync is rotated first, the others held out" {
	HOSTS="alpha beta" begin
	run_ok ss-run
	night second alpha
	run_ok ss-run --no-rotate alpha
	night third alpha
	run_code 2 ss-run --no-rotate alpha
	contains "$stderr" 'alpha: saveset alpha-backup-.* waits in .sync and is not synced over; rotate first'
	[ "$(cat "$ROOT/.sync/alpha/generation")" = second ]
	run_ok ss-run
	contains "$stderr" '1 of 2 hosts have a saveset that waits in .sync'
	[ "$(grep -c 'rotated hourly' <<<"$stderr")" -eq 2 ]
	[ "$(where alpha generation)" = "hourly.0=third hourly.1=second" ]
	[ "$(locations alpha)" = "hourly.2 hourly.1 hourly.0" ]
	[ "$(locations beta)" = "hourly.1 hourly.0" ]
	run_ok ss-verify --all
}

# bats test_tags=slow
@test "larger intervals by --rotate, and only when there is something to take over" {
	RETAIN="hourly:2 daysago:2 weeksago:2" begin
	run_code 2 ss-run --rotate=daysago
	contains "$stderr" 'daysago: not rotated: it is fed by hourly.1'
	run_ok ss-run
	run_ok ss-run
	run_ok ss-run --rotate=daysago
	contains "$stderr" 'rotated daysago: asked for'
	[ "$(locations alpha)" = "daysago.0 hourly.0" ]
	run_ok ss-run
	run_ok ss-run --rotate=daysago
	[ "$(locations alpha)" = "daysago.1 daysago.0 hourly.0" ]
	# Nothing new since: what alpha has stays.
	run_code 2 ss-run --rotate=daysago
	run_ok ss-run
	[ "$(locations alpha)" = "weeksago.0 daysago.0 hourly.1 hourly.0" ]
	run_ok ss-run --rotate=daysago
	# The larger one first; .sync is not looked at.
	[ "$(locations alpha)" = "weeksago.0 daysago.1 daysago.0 hourly.0" ]
	run_ok ss-run
	run_ok ss-run --rotate=weeksago --rotate=daysago
	[ "$(locations alpha)" = "weeksago.1 weeksago.0 daysago.1 daysago.0 hourly.0" ]
	run_ok ss-verify --all
}

# bats test_tags=slow
@test "savesets that wait night after night are promoted all the same" {
	local n
	HOSTS="alpha beta" RETAIN="hourly:2 daysago:3" begin
	for n in a bb; do
		echo $(($(cat clock) + 86400)) >clock
		night "$n" alpha beta
		# Killed before the rotation, so to speak.
		run_ok ss-run --no-rotate
		run_ok ss-run --rotate=hourly
		night "$n" alpha beta
	done
	echo $(($(cat clock) + 86400)) >clock
	night ccc alpha beta
	run_ok ss-run --no-rotate
	night dddd alpha beta
	run_ok ss-run
	contains "$stderr" 'rotated daysago: '
	[ "$(where beta generation)" = "hourly.0=dddd hourly.1=ccc daysago.0=a" ]
	run_ok ss-verify --all
}

# day: the clock goes on to the next one.
day() {
	echo $(($(cat clock) + 86400)) >clock
}

away_for_a_night() {
	HOSTS="alpha beta" RETAIN="hourly:2 daysago:3 weeksago:2" begin
	night a alpha beta
	run_ok ss-run
	night bb alpha beta
	run_ok ss-run
	# daysago is due, and beta is away.
	day
	echo 12 >fail/beta
	night ccc alpha
	run_code 2 ss-run
	contains "$stderr" 'rotated daysago: never before'
	is "$(where alpha generation)" "${1}hourly.0=ccc hourly.1=bb daysago.0=a"
	grep -qx 'daysago beta' "$ROOT/.secondshot/missed"
	# Beta has its turn when it is back: a would be gone.
	rm fail/beta
	night dddd alpha beta
	run_ok ss-run
	contains "$stderr" 'rotated daysago: hosts had missed the last time'
	is "$(where beta generation)" "${1//ccc/dddd}hourly.0=dddd hourly.1=bb daysago.0=a"
	is "$(where alpha generation)" "${1//ccc/dddd}hourly.0=dddd hourly.1=ccc daysago.0=a"
	run_code 1 grep -q beta "$ROOT/.secondshot/missed"
	# Once.
	night eeeee alpha beta
	run_ok ss-run
	lacks "$stderr" 'rotated daysago'
	day
	night ffffff alpha beta
	run_ok ss-run
	contains "$stderr" 'rotated daysago: 1d has passed'
	is "$(where beta generation)" "${1//ccc/ffffff}hourly.0=ffffff hourly.1=eeeee daysago.0=dddd daysago.1=a"
	run_ok ss-verify --all
	run_ok ss-catalog check
}

# bats test_tags=slow
@test "a host that is away on the night of a promotion has its turn when it is back" {
	away_for_a_night
}

# bats test_tags=long
@test "the same with link_dest 0 and a promotion" {
	LINK_DEST=0 away_for_a_night ".sync=ccc "
}

# bats test_tags=slow
@test "hosts that are only ever run by name have their days, too" {
	local n host
	HOSTS="alpha beta" RETAIN="hourly:2 daysago:3" begin
	for n in a bb ccc; do
		day
		night "$n" alpha beta
		for host in alpha beta; do run_ok ss-run "$host"; done
	done
	for host in alpha beta; do
		is "$(where "$host" generation)" "hourly.0=ccc hourly.1=bb daysago.0=a"
	done
}

# bats test_tags=slow
@test "where some hosts wait and every run is killed, days are promoted all the same" {
	local n
	HOSTS="alpha beta" RETAIN="hourly:2 daysago:3" begin
	for n in a bb ccc; do
		day
		night "$n" alpha beta
		# Killed after alpha, so to speak; the next one makes way, and is killed, too.
		run_ok ss-run --no-rotate alpha
		run_code 143 killed
	done
	is "$(where alpha generation)" "hourly.0=ccc hourly.1=bb daysago.0=a"
}

# bats test_tags=slow
@test "--rotate of the lowest takes the hosts that have a new saveset" {
	HOSTS="alpha beta" begin
	run_code 2 ss-run --rotate=hourly
	contains "$stderr" 'hourly: not rotated: no host has a new complete saveset in .sync'
	run_ok ss-run --no-rotate alpha
	run_ok ss-run --rotate=hourly
	[ -d "$ROOT/hourly.0/alpha" ]
	[ ! -e "$ROOT/hourly.0/beta" ]
	run_ok ss-run --no-rotate beta
	# rsnapshot ends with warnings, of the blank behind the tab, but it rotates.
	cp "$RSNAPSHOT_CONF" conf
	printf 'exclude\t core\n' >>"$RSNAPSHOT_CONF"
	run_ok ss-run --rotate=hourly
	cp conf "$RSNAPSHOT_CONF"
	[ -d "$ROOT/hourly.0/alpha" ]
	[ -d "$ROOT/hourly.0/beta" ]
	run_code 2 ss-run --json --rotate=hourly
	[ "$(jq -c '.rotations[] | [.interval, .result]' <<<"$output")" = '["hourly","nothing to move"]' ]
	run_ok ss-run --dry-run --rotate=hourly alpha
	contains "$output" 'sync alpha/$'
}

# bats test_tags=slow
@test "the oldest generation goes, with link_dest 1 and 0" {
	local link
	for link in 1 0; do
		catalog_drop
		rm -rf root fail
		RETAIN="hourly:2" LINK_DEST=$link begin
		for generation in 1 2 3; do
			echo "$generation$generation" >"$SRC/alpha/generation"
			touch -d "2020-01-0$generation" "$SRC/alpha/generation"
			run_ok ss-run
		done
		[ "$(cat root/hourly.0/alpha/generation)" = 33 ]
		[ "$(cat root/hourly.1/alpha/generation)" = 22 ]
		run_code 1 compgen -G 'root/_delete.*'
		[ "$(locations alpha)" = "hourly.1 hourly.0" ]
	done
}
