#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-run: what changed or lost so much that somebody should look at it first.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# begin [KEY=VALUE...]: alpha, which has 50 files of 100 bytes, rotated once.  Before it may be
# set: LIMITS, and HOSTS, alpha and others.
begin() {
	local n
	# shellcheck disable=SC2086
	HOSTS=${HOSTS:-alpha} conf ${LIMITS:-max-change=40% max-shrink=20%} "$@"
	rm -r "$SRC/alpha"
	mkdir -p "$SRC/alpha/docs/old" "$SRC/alpha/mail"
	for n in {1..20}; do
		printf '%0100d' "$n" >"$SRC/alpha/docs/$n"
		printf '%0100d' "$n" >"$SRC/alpha/docs/old/$n"
	done
	for n in {1..10}; do printf '%0100d' "$n" >"$SRC/alpha/mail/$n"; done
	ss-catalog init
	run_ok ss-run
	cp -a "$SRC/alpha" good
}

# encrypt: each file of alpha becomes another one of the same size.
encrypt() {
	find "$SRC/alpha" -type f -exec perl -i -pe 'tr/0-9/k-t/' {} +
	find "$SRC/alpha" -type f -exec touch -d '2021-01-01 01:01:01 UTC' {} +
}

# restore: alpha's source is as it was.
restore() {
	rm -rf "$SRC/alpha"
	cp -a good "$SRC/alpha"
}

# locations HOST: of its savesets that lie somewhere, oldest first.
locations() {
	ss-catalog savesets --json "$1" | jq -r 'select(.location != null) | .location' | xargs
}

equal() {
	run rsync -aHnic --delete "$1/" "$2/"
	[ "$status" -eq 0 ]
	[ "$output" = "" ]
}

# held_and_kept: what was good is where it was; what looks wrong waits.
held_and_kept() {
	equal good "$ROOT/hourly.0/alpha"
	[ "$(locations alpha)" = "hourly.0 .sync" ]
	[ ! -e "$ROOT/hourly.1/alpha" ]
	run_ok ss-catalog check
}

encrypted() {
	HOSTS="alpha beta" begin
	encrypt
	run_code 1 ss-run
	contains "$stderr" 'alpha: alpha-backup-.* is held back in .sync: 50 of 50 files are changed or gone \(100.0%\), max-change is 40%$'
	contains "$stderr" 'alpha: against alpha-backup-.*: 50 files changed, 0 removed, 0 added; 50 files of 5000 bytes before, 50 of 5000 now$'
	contains "$stderr" 'alpha: in docs: 20 changed, 0 removed, 0 added: 1, 10, 11, \.\.\.$'
	contains "$stderr" 'alpha: in docs/old: 20 changed'
	contains "$stderr" 'alpha: in mail: 10 changed'
	contains "$stderr" "alpha: 'ss-run --accept alpha' takes it; 'ss-prune alpha@.sync' gives it up"
	# Also in the log as it can be pasted.
	grep -qF "'ss-run --accept alpha' takes it" "$LOG"
	contains "$stderr" 'rotated hourly'
	held_and_kept
	[ "$(locations beta)" = "hourly.1 hourly.0" ]
	cp -a "$ROOT/.sync/alpha" bad

	# The next night it is not synced over, and said in short.
	echo more >"$SRC/alpha/more"
	run_code 1 ss-run
	contains "$stderr" 'is held back in .sync, and the host not copied: 50 of 50'
	lacks "$stderr" 'alpha: (against|in)'
	held_and_kept
	equal bad "$ROOT/.sync/alpha"
	[ "$(locations beta)" = "hourly.2 hourly.1 hourly.0" ]
	run_code 1 ss-run alpha
	equal bad "$ROOT/.sync/alpha"

	# Accepted, it is rotated, and the run goes on.
	run_ok ss-run --accept alpha
	equal bad "$ROOT/hourly.1/alpha"
	equal "$SRC/alpha" "$ROOT/hourly.0/alpha"
	[ "$(locations alpha)" = "hourly.2 hourly.1 hourly.0" ]
	run_ok ss-verify --all
	run_ok ss-catalog check
}

@test "all files rewritten: held back, reported, kept, until it is accepted" {
	encrypted
}

# is_held NAME: whatever is asked about alpha says that it is held back, and picks what was good.
is_held() {
	local held=$1 good verb where why='50 of 50 files are changed or gone \(100.0%\), max-change is 40%'
	good=$(ss-catalog savesets --json alpha | jq -r 'select(.location == "hourly.0") | .name')
	run_ok ss-catalog savesets
	contains "$output" "^$held +complete +\\.sync .* held back: $why$"
	[ "$(grep -c 'held back' <<<"$output")" = 1 ]
	run_ok jq -rs 'map(select(.held) | .name, .held_reason), map(select(.held == false) | .held_reason) | unique | @csv' \
		<(ss-catalog savesets --json)
	contains "$output" "^\"$why\",\"$held\"$"
	run_ok ss-catalog hosts
	contains "${lines[0]}" ' +HELD-BACK$'
	contains "${lines[1]}" "^alpha .* $held$"
	contains "${lines[2]}" '^beta .* -$'
	run_ok jq -rs 'map(.held) | @csv' <(ss-catalog hosts --json)
	[ "$output" = "\"$held\"," ]
	run_code 1 ss-run --check
	contains "$output" "^held back +mend +alpha: $held is not rotated.*: $why; 'ss-run --accept alpha' takes it, 'ss-prune alpha@.sync' gives"
	lacks "$output" 'held back.*beta'
	for where in alpha alpha@latest; do
		run_ok ss-catalog files --format=stream "$where"
		contains "${lines[1]}" "$good"
		contains "$stderr" "alpha: $held is held back: $why; $good, the newest before it, is taken \\(alpha@.sync means"
		run_code 2 ss-prune "$where"
	done
	contains "$stderr" "$good: is the newest saveset of alpha besides $held, which is held back .*; it stays"
	run_code 2 ss-prune alpha@hourly.0
	run_code 2 ss-prune alpha@hourly.0 alpha@.sync
	[ -e "$ROOT/hourly.0/alpha/docs/1" ]
	[ -e "$ROOT/.sync/alpha/docs/1" ]
	# Who names it, means it.
	for where in alpha@.sync "$held"; do
		run_ok ss-catalog files --format=stream "$where"
		contains "${lines[1]}" "$held"
		lacks "$stderr" 'held back'
	done
}

@test "what is held back is told wherever one looks, and no selector takes it in silence" {
	local held
	HOSTS="alpha beta" begin
	encrypt
	run_code 1 ss-run
	contains "$stderr" '1 of 2 hosts have a new saveset, held back until somebody accepts it or gives it up: alpha: '
	held=$(ss-catalog savesets --json alpha | jq -r 'select(.location == ".sync") | .name')
	is_held "$held"
	run_code 1 ss-run --json
	[ "$(jq -c '[.hosts[] | [.host, .status, .saveset == "'"$held"'"]], .hosts_held' <<<"$output")" = \
		$'[["alpha","held",true],["beta","complete",false]]\n1' ]
	run_ok ss-catalog runs
	contains "${lines[0]}" ' HOSTS +FAILED +HELD$'
	contains "${lines[1]}" ' 2/2 +- +-$'
	contains "${lines[2]}" ' 1/2 +- +alpha$'
	contains "${lines[3]}" ' 1/2 +- +alpha$'
	is_held "$held"
	# The limits were another run's: what it said counts as long as it waits.
	sed -i 's/^max-change.*/max-change = 0/' "$SECONDSHOT_CONF"
	is_held "$held"
	# It was accepted.
	run_ok ss-run --accept=alpha
	run_ok ss-catalog savesets
	lacks "$output" 'held'
	[ "$(ss-catalog hosts --json | jq -s 'map(.held) | unique == [null]')" = true ]
	run_ok ss-verify alpha
	lacks "$stderr" 'held'
	run_ok ss-run --check
}

# bats test_tags=more
@test "what a run has said of a host whose name is escaped counts as well" {
	HOSTS='a\b' conf max-change=40%
	ss-catalog init
	run_ok ss-run
	printf 'other\n' | tee "$SRC/a\b/one" "$SRC/a\b/dir/two" "$SRC/a\b/dir/sub/three" >"$SRC/a\b/nothing"
	run_code 1 ss-run
	# The limits were that run's alone.
	sed -i 's/^max-change.*/max-change = 0/' "$SECONDSHOT_CONF"
	run_ok ss-catalog hosts --json
	[ "$(jq -r .held <<<"$output")" = "$(ss-catalog savesets --json | jq -r 'select(.location == ".sync") | .name')" ]
	lacks "$(jq -r .held_reason <<<"$output")" 'held back'
	run_code 2 ss-prune 'a\b@hourly.0'
	run_code 1 ss-run --check 'a\\b'
	contains "$output" 'host a.*b +ok'
}

# bats test_tags=more
@test "what is held back before a run saw it, and where nothing good is before it" {
	HOSTS="alpha beta" begin rotate-partial=yes
	ss-prune "alpha@hourly.0" 2>/dev/null || :
	wrap_rsync <<-END
		#!/bin/bash
		/usr/bin/rsync "\$@" || exit
		[[ ! -e $PWD/partial || \${*: -1} != *alpha* ]] || exit 23
	END
	# A partial one is all that there is: the first one is gone.
	touch partial
	echo more >"$SRC/alpha/more"
	run_code 3 ss-run
	rm -rf partial "$ROOT/hourly.1/alpha" "$ROOT/hourly.1/.secondshot/alpha"
	run_ok ss-catalog reconcile
	encrypt
	run_ok ss-run --no-rotate alpha
	run_code 2 ss-catalog files alpha
	contains "$stderr" 'alpha: its only complete saveset, alpha-.*, is held back: 51 of 51 files .*; alpha@.sync means it$'
	run_ok ss-catalog files alpha@.sync
	run_ok ss-catalog savesets alpha
	contains "$output" 'held back: 51 of 51'
	# Another backup host's limits are not ours.
	sed -i 's/^backup-host.*/backup-host = other/' "$SECONDSHOT_CONF"
	run_ok ss-catalog savesets alpha
	lacks "$output" 'held back'
}

@test "one large file of few or many that is deleted holds no host; a host has limits of its own" {
	HOSTS="alpha beta" LIMITS="max-change=40% max-shrink=20% min-change=10" begin max-change.beta=100% min-change.beta=1 \
		max-shrink-bytes.beta=50%
	truncate -s 300M "$SRC/alpha/docs/image" "$SRC/beta/image"
	run_ok ss-run
	rm "$SRC"/{alpha/docs,beta}/image
	run_code 1 ss-run
	contains "$stderr" 'beta: .* is held back in .sync: [0-9]+ bytes instead of 3145[0-9]+ \(100.0% less\), max-shrink-bytes is 50%$'
	lacks "$stderr" 'alpha: .*held'
	equal "$SRC/alpha" "$ROOT/hourly.0/alpha"
	run_ok ss-run --accept beta
	# What is given on the command line is for all.
	encrypt
	find "$SRC/beta" -type f -exec touch -d '2021-01-01 01:01:01 UTC' {} +
	run_code 2 ss-run --max-change=200%
	run_code 0 ss-run --max-change=0
	lacks "$stderr" 'held'
	# A limit of a host that is not there, or no limit.
	echo 'max-change.gamma = 3%' >>"$SECONDSHOT_CONF"
	run_ok ss-run --check
	contains "$output" '^limits +warning +max-change.gamma: there is no such host in .*rsnapshot.conf$'
	echo 'min-change.alpha = 3%' >>"$SECONDSHOT_CONF"
	run_code 2 ss-run
	contains "$stderr" 'min-change.alpha = 3%: it must be a number'
}

# bats test_tags=slow
@test "the same with link_dest 0" {
	LINK_DEST=0 encrypted
}

# bats test_tags=slow
@test "malware that renames, another disk at the source; given up, the host is copied anew" {
	local n
	begin
	encrypt
	find "$SRC/alpha" -type f -exec perl -e 'rename $_, "$_.locked" for @ARGV' {} +
	run_code 1 ss-run
	contains "$stderr" '50 of 50 files are changed or gone'
	contains "$stderr" '0 files changed, 50 removed, 50 added;'
	contains "$stderr" 'in docs: 0 changed, 20 removed, 20 added: 1, 1.locked, 10, \.\.\.$'
	held_and_kept
	run_ok ss-prune alpha@.sync
	[ ! -e "$ROOT/.sync/alpha" ]
	rm -r "$SRC/alpha"
	mkdir -p "$SRC/alpha/other"
	cp -a good/docs "$SRC/alpha/other/"
	for n in {1..30}; do echo "$n, and something" >"$SRC/alpha/other/$n"; done
	run_code 1 ss-run
	contains "$stderr" '50 of 50 files are changed or gone'
	held_and_kept
	run_ok ss-prune alpha@.sync
	restore
	run_ok ss-run
	equal good "$ROOT/hourly.0/alpha"
	equal good "$ROOT/hourly.1/alpha"
	[ "$(stat -c %i "$ROOT/hourly.0/alpha/docs/1")" = "$(stat -c %i "$ROOT/hourly.1/alpha/docs/1")" ]
	[ "$(locations alpha)" = "hourly.1 hourly.0" ]
	run_ok ss-verify --all
	run_ok ss-catalog check
}

# bats test_tags=slow
@test "fewer files, or fewer bytes" {
	LIMITS="max-change=0 max-shrink=20" begin
	rm "$SRC/alpha/docs"/1[0-9]
	run_ok ss-run
	rm -r good
	cp -a "$SRC/alpha" good
	rm -r "$SRC/alpha/mail"
	run_code 1 ss-run
	contains "$stderr" '30 files instead of 40 \(25.0% less\), max-shrink is 20%; 3000 bytes instead of 4000'
	run_ok ss-prune alpha@.sync
	restore
	for n in {1..10}; do : >"$SRC/alpha/mail/$n"; done
	run_code 1 ss-run
	contains "$stderr" 'held back in .sync: 3000 bytes instead of 4000 \(25.0% less\)'
	lacks "$stderr" 'files instead of'
	equal good "$ROOT/hourly.0/alpha"
}

# bats test_tags=slow
@test "small changes pass, and a chmod of everything, and without limits anything" {
	begin
	for n in {1..20}; do echo "changed $n" >>"$SRC/alpha/docs/$n"; done
	chmod -R go-rwx "$SRC/alpha"
	run_ok ss-run
	equal "$SRC/alpha" "$ROOT/hourly.0/alpha"
	lacks "$stderr" 'held'
	# 10 of 50 fewer are just what is allowed; growth is nobody's business.
	rm -r "$SRC/alpha/mail"
	for n in {1..300}; do echo "$n" >"$SRC/alpha/new$n"; done
	run_ok ss-run
	[ "$(locations alpha)" = "hourly.2 hourly.1 hourly.0" ]
	# Without limits nothing is held back.
	encrypt
	rm -r "$SRC/alpha/docs"
	sed -i 's/^max-.*/#&/' "$SECONDSHOT_CONF"
	printf 'max-change = 0\nmax-shrink = 0%%\n' >>"$SECONDSHOT_CONF"
	run_ok ss-run
	equal "$SRC/alpha" "$ROOT/hourly.0/alpha"
}

# bats test_tags=slow
@test "killed between cataloguing and rotating: it is held back all the same" {
	requires strace
	HOSTS="alpha beta" begin
	local when
	encrypt
	run_code 0 ss-run --no-rotate alpha
	lacks "$stderr" 'held'
	# The first time that somebody could rotate it tells all.
	run_code 1 ss-run
	contains "$stderr" 'alpha: against'
	held_and_kept
	for when in 1 2 3; do
		run_ok ss-prune alpha@.sync
		run_code 137 strace -qq -o trace -e trace=renameat,renameat2 \
			-e inject=renameat,renameat2:signal=KILL:when=$when ss-run
		grep -q KILL trace
		run_code 1 ss-run
		contains "$stderr" 'held back in .sync'
		held_and_kept
	done
}

# A partial saveset in .sync is no predecessor: it is gone once the next one is there.
# bats test_tags=slow
@test "judged by what was rotated, whatever lay in .sync since" {
	begin
	wrap_rsync <<-END
		#!/bin/bash
		/usr/bin/rsync "\$@" || exit
		[[ ! -e $PWD/partial || \${*: -1} != *alpha* ]] || exit 23
	END
	# Little arrived, then everything: nothing has changed.
	touch partial
	rm -r "$SRC/alpha/docs"
	run_code 3 ss-run
	rm partial
	restore
	run_ok ss-run
	[ "$(ss-catalog savesets --json alpha | jq -s '.[-1].changed + .[-1].removed')" = 0 ]
	[ "$(locations alpha)" = "hourly.1 hourly.0" ]
	# Encrypted twice: the second one changed nothing.
	touch partial
	encrypt
	run_code 3 ss-run
	rm partial
	run_code 1 ss-run
	[ "$(ss-catalog savesets --json alpha | jq -s '.[-1].changed + .[-1].removed')" = 0 ]
	contains "$stderr" '50 of 50 files are changed'
	equal good "$ROOT/hourly.0/alpha"
}

# bats test_tags=slow
@test "held back also where several intervals are asked for" {
	HOSTS="alpha beta" RETAIN="hourly:2 daysago:2" begin
	run_ok ss-run
	encrypt
	run_ok ss-run --no-rotate
	# The larger one takes over what was rotated before, of alpha, too.
	run_code 1 ss-run --rotate=daysago --rotate=hourly
	contains "$stderr" 'alpha: alpha-backup-.* is held back in .sync'
	[ "$(locations alpha)" = "daysago.0 hourly.0 .sync" ]
	[ "$(locations beta)" = "daysago.0 hourly.1 hourly.0" ]
	equal good "$ROOT/hourly.0/alpha"
}

# bats test_tags=slow
@test "a partial saveset that may be rotated is judged as well" {
	begin rotate-partial=yes
	wrap_rsync <<-END
		#!/bin/bash
		/usr/bin/rsync "\$@" || exit
		[[ \${*: -1} != *alpha* ]] || exit 23
	END
	encrypt
	run_code 1 ss-run
	contains "$stderr" '50 of 50 files are changed'
	equal good "$ROOT/hourly.0/alpha"
	cp -a "$ROOT/.sync/alpha" bad
	restore
	run_code 1 ss-run
	equal bad "$ROOT/.sync/alpha"
	run_code 1 ss-run --accept=alpha
	equal bad "$ROOT/hourly.0/alpha"
	# What was bad was changed back again.
	contains "$stderr" '50 of 50 files are changed'
	run_code 3 ss-run --accept=alpha
	equal good "$ROOT/hourly.0/alpha"
}

# bats test_tags=slow
@test "a waiting saveset of which nobody counted what changed, as an old catalog has it" {
	begin
	encrypt
	run_ok ss-run --no-rotate alpha
	sql 'UPDATE savesets SET changed = NULL, removed = NULL'
	run_code 1 ss-run
	contains "$stderr" '50 of 50 files are changed'
	held_and_kept
}

# bats test_tags=slow
@test "an empty tree that was taken by ss-catalog is accepted here, too" {
	begin
	rm -r "$SRC/alpha"/*
	run_code 2 ss-run
	equal good "$ROOT/hourly.0/alpha"
	mkdir -p "$ROOT/.sync/alpha"
	pipeline alpha --accept
	run_code 1 ss-run
	contains "$stderr" '0 files instead of 50'
	run_ok ss-run --accept=alpha
	[ "$(locations alpha)" = "hourly.2 hourly.1 hourly.0" ]
	equal good "$ROOT/hourly.2/alpha"
}

# bats test_tags=slow
@test "--accept: a host that is not there, one that waits for nothing, twice" {
	HOSTS="alpha beta" begin
	run_code 2 ss-run --accept=nobody
	contains "$stderr" '--accept=nobody: no such host'
	[ ! -e "$ROOT/hourly.1" ]
	# It is for what waits: what this very run copies is judged.
	encrypt
	run_code 1 ss-run --accept=alpha --accept=beta
	held_and_kept
	# What an interval that was asked for made of it is said once.
	run_ok ss-run --no-rotate beta
	run_code 1 ss-run --rotate=hourly alpha
	[ "$(grep -c 'is held back' <<<"$stderr")" -eq 1 ]
	held_and_kept
	# Also when other hosts are named.
	run_ok ss-run --accept=alpha beta
	[ "$(locations alpha)" = "hourly.1 hourly.0" ]
}

# bats test_tags=slow
@test "the report tells no raw name, and the ten directories with most" {
	begin
	local n dir
	for n in {10..29}; do
		dir=$SRC/alpha/$'\e[31m'$n
		mkdir "$dir"
		for m in $(seq "$n"); do echo >"$dir/$m"; done
	done
	echo x >"$SRC/alpha/"$'\e]0;owned\a\n'
	run_ok ss-run
	rm -r "$SRC/alpha/"$'\e'*
	run_code 1 ss-run
	# shellcheck disable=SC2016
	contains "$stderr" 'in \\x1b\[31m29: 0 changed, 29 removed'
	[ "$(grep -c 'alpha: in ' <<<"$stderr")" -eq 10 ]
	lacks "$stderr" 'in docs'
	lacks "$stderr" $'[\001-\010\013-\037]'
	lacks "$(cat "$LOG")" $'[\001-\010\013-\037]'
}

# bats test_tags=slow
@test "while the catalog's server is away the files are counted" {
	requires_mariadb "a file is never away"
	HOSTS="alpha beta" begin
	local server=$BATS_TEST_TMPDIR/server
	ln -s "$SS_TEST_SOCKET" "$server"
	sed -i "s|unix_socket=.*|unix_socket=$server|" "$SECONDSHOT_CONF"
	run_ok ss-run
	rm "$server"
	rm -r "$SRC/alpha/docs"
	run_code 1 ss-run
	contains "$stderr" 'alpha: its saveset is held back in .sync: 10 files instead of 50 \(80.0% less\)'
	lacks "$stderr" 'beta.*held'
	equal good "$ROOT/hourly.0/alpha"
	[ -e "$ROOT/hourly.2/beta" ]
	run_code 1 ss-run
	equal good "$ROOT/hourly.0/alpha"
	# Catalogued, it is judged by all that is known.
	ln -s "$SS_TEST_SOCKET" "$server"
	run_code 1 ss-run
	contains "$stderr" 'alpha: against'
	equal good "$ROOT/hourly.0/alpha"
	run_ok ss-run --accept=alpha
	run_ok ss-catalog check
}
