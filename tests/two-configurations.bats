#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two configurations on one snapshot root, with a host each, as rsnapshot's documentation
# proposes: each host has its generations, whoever rotates.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# configurations [RETAIN OF THE SECOND]: one.conf for alpha, two.conf for beta; each has a lock file of its own.
configurations() {
	export SECONDSHOT_NOW=1800000000
	HOSTS=beta RETAIN=${1:-$RETAIN} conf
	keep two
	HOSTS=alpha conf
	keep one
	ss-catalog --config=one.conf init
}

# keep NAME: what conf wrote, as NAME.conf and NAME.rsnapshot.
keep() {
	sed "s|rsnapshot.pid|$1.pid|" "$RSNAPSHOT_CONF" >"$1.rsnapshot"
	sed "s|^rsnapshot-conf.*|rsnapshot-conf = $PWD/$1.rsnapshot|" "$SECONDSHOT_CONF" >"$1.conf"
}

# night CONFIGURATION...: each has a run; then it is a day later.
night() {
	local one host
	for one; do
		for host in alpha beta; do
			echo "$SECONDSHOT_NOW" >"$SRC/$host/night"
			touch -d "@$SECONDSHOT_NOW" "$SRC/$host/night"
		done
		run_ok ss-run --config="$one.conf" -q
		[ "$stderr" = "" ]
		SECONDSHOT_NOW=$((SECONDSHOT_NOW + 60))
	done
	SECONDSHOT_NOW=$((SECONDSHOT_NOW + 86400 - 60 * $#))
}

# generations HOST: the locations where it has a tree; the trees are of different nights.
generations() {
	local at
	at=$(cd "$ROOT" && printf '%s\n' */"$1"/night | sed 's|/.*||' | sort | xargs)
	echo "$at"
	[ "$(cat "$ROOT"/*/"$1"/night | sort | uniq -d)" = "" ]
}

# lie HOST LOCATION...
lie() {
	local host=$1
	shift
	[ "$(generations "$host")" = "$*" ] || { generations "$host"; return 1; }
}

# birth DIR: as a journal has it.
birth() {
	local when
	when=$(stat -c %.9W "$1")
	when=${when/./}
	[[ $when =~ ^0+$ ]] && when=0
	echo "$when"
}

both_have_all() {
	local host
	for host in alpha beta; do
		lie "$host" daysago.0 daysago.1 hourly.0 hourly.1
	done
	run_ok ss-catalog --config=one.conf check
	run_ok ss-verify --config=two.conf --all
}

@test "in one night, one after the other: both are promoted" {
	RETAIN='hourly:2 daysago:2' configurations
	night one two
	run_ok ss-run --config=two.conf --due
	contains "$output" 'daysago .* no +hourly.1, which feeds it, has no tree yet of a host whose turn it is'
	night one two
	night one two
	night one two
	night one two
	both_have_all
	# What a run takes is kept for each, too.
	[ "$(grep -c '^of ' "$ROOT/.secondshot/space")" = 2 ]
	[ "$(grep '^of ' "$ROOT/.secondshot/space" | sort -u | wc -l)" = 2 ]
	# An hour later it is nobody's turn.
	SECONDSHOT_NOW=$((SECONDSHOT_NOW - 86400 + 3600))
	for n in one two; do
		run_ok ss-run --config="$n.conf" --due
		contains "$output" 'daysago .* no +1d has not passed yet'
	done
}

# bats test_tags=more
@test "in nights that alternate, and where .sync is copied" {
	LINK_DEST=0 RETAIN='hourly:2 daysago:2' configurations
	for n in one two one two one two one two one two; do
		night "$n"
	done
	both_have_all
}

# bats test_tags=more
@test "the one keeps a single slot: it takes none of the other's" {
	RETAIN='hourly:1' configurations 'hourly:3 daysago:2'
	night one two
	night one two
	night one two
	lie beta hourly.0 hourly.1 hourly.2
	night one one
	lie beta hourly.0 hourly.1 hourly.2
	night two two
	lie beta daysago.0 hourly.0 hourly.1 hourly.2
	contains "$(generations alpha)" '^hourly.0( hourly.1)?$'
	run_ok ss-catalog --config=one.conf check
}

# bats test_tags=more
@test "a host that both have has one turn, and the record of an older version counts for both" {
	RETAIN='hourly:2 daysago:3' configurations
	printf 'backup\t%s/alpha/\talpha/\n' "$SRC" >>two.rsnapshot
	printf 'secondshot-promoted 1\ndaysago %s\nend\n' "$((SECONDSHOT_NOW - 3600))" >"$ROOT/.secondshot/promoted"
	night one two
	[ ! -e "$ROOT/daysago.0" ]
	SECONDSHOT_NOW=$((SECONDSHOT_NOW - 86400 + 3600))
	night one two
	# The day of the older version's promotion is not over.
	[ ! -e "$ROOT/daysago.0" ]
	night one two
	[ -d "$ROOT/daysago.0/alpha" ]
	[ -d "$ROOT/daysago.0/beta" ]
	[ ! -e "$ROOT/daysago.1/alpha" ]
	[ ! -e "$ROOT/daysago.1/beta" ]
}

# bats test_tags=more
@test "what the one was killed over the other puts right, and each has missed what it missed" {
	RETAIN='hourly:2 daysago:2' configurations
	night one two
	night one two
	# Alpha's rotation was done, and its record not yet made.
	printf 'secondshot-missed 1\ndaysago beta\nend\n' >"$ROOT/.secondshot/missed"
	{
		printf 'secondshot-rotation 1\ninterval daysago hourly.1 rename %s\nturn alpha\n' "$SECONDSHOT_NOW"
		printf 'at hourly.1 %s %s\nend\n' "$(stat -c %i "$ROOT/hourly.1")" \
			"$(birth "$ROOT/hourly.1")"
	} >"$ROOT/.secondshot/rotation"
	mkdir -p "$ROOT/.secondshot/held/hourly.1"
	mv "$ROOT/hourly.1/beta" "$ROOT/.secondshot/held/hourly.1/"
	mv "$ROOT/hourly.1" "$ROOT/daysago.0"
	run_ok ss-catalog --config=two.conf reconcile
	contains "$stderr" 'rotation of daysago that an earlier run began was finished'
	grep -qx "daysago $SECONDSHOT_NOW 0 alpha" "$ROOT/.secondshot/promoted"
	run_code 1 grep -q 'daysago.*beta' "$ROOT/.secondshot/promoted"
	grep -qx 'daysago beta' "$ROOT/.secondshot/missed"
	[ -d "$ROOT/hourly.1/beta" ]
	# Beta's own turn is due.
	run_ok ss-run --config=two.conf
	[ "$(xargs <"$ROOT/.secondshot/missed")" = "secondshot-missed 1 end" ]
	[ -d "$ROOT/daysago.0/beta" ]
	[ -d "$ROOT/daysago.0/alpha" ]
	[ ! -e "$ROOT/daysago.1/alpha" ]
}
