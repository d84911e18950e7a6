#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-run: killed at any moment, the next one makes it good.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers
load stored

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	RETAIN=hourly:3
}

teardown() {
	# What a failed test left running.
	[[ -z ${LIVE:-} ]] || kill -KILL "$LIVE" 2>/dev/null || true
	test_end
}

# after N [WAITING [HOST...]]: a root with the generations 1 to N, as many runs took
# them, and one that waits in .sync; HOSTS and LINK_DEST as for conf.
after() {
	local name=${HOSTS:-alpha}-${LINK_DEST:-1}-$*
	given "${name// /_}" generations "$@"
}

# generations N [WAITING [HOST...]]: that, by one more run than there was before; the file
# "generation" tells which one it was.
generations() {
	if [[ -n ${2:-} ]]; then
		after "$1"
		generation "$2"
		ss-run --quiet --no-rotate "${@:3}"
	elif (($1 > 0)); then
		after $(($1 - 1))
		generation "$1"
		ss-run --quiet
	fi
}

generation() {
	echo "generation $1" >"$SRC/alpha/generation"
	touch -d "2020-01-0$1" "$SRC/alpha/generation"
}

# kept: which generations lie where.
kept() {
	(cd "$ROOT" && grep -H . */alpha/generation .sync/alpha/generation 2>/dev/null) |
		sed 's|/alpha/generation:generation||' | xargs
}

# journal COPY|RENAME: what ss-run notes before it lets rsnapshot rotate hourly.
journal() {
	local dir
	{
		printf 'secondshot-rotation 1\ninterval hourly .sync %s\n' "$1"
		for dir in .sync hourly.0 hourly.1 hourly.2; do
			[[ ! -d $ROOT/$dir ]] || printf 'at %s %s %s\n' "$dir" "$(stat -c %i "$ROOT/$dir")" "$(birth "$ROOT/$dir")"
		done
		echo end
	} >"$ROOT/.secondshot/rotation"
}

# birth FILE: in nanoseconds, 0 where there is none.
birth() {
	local when
	when=$(stat -c %.9W "$1")
	when=${when/./}
	[[ $when =~ ^0+$ ]] && when=0
	echo "$when"
}

converges() {
	generation 5
	run_ok ss-run
	contains "$stderr" "$1"
	[ ! -e "$ROOT/.secondshot/rotation" ]
	run_code 1 compgen -G "$ROOT/_delete.*"
	[ -z "$(ls "$ROOT/.secondshot/trash")" ]
	run_ok ss-verify --all
	run_ok ss-catalog check
}

# bats test_tags=more
@test "killed when the slots were shifted half way" {
	after 3 4
	journal rename
	mv "$ROOT/hourly.2" "$ROOT/_delete.4711"
	mv "$ROOT/hourly.1" "$ROOT/hourly.2"
	converges 'rotation of hourly .* was interrupted, and has been undone'
	[ "$(kept)" = "hourly.0 5 hourly.1 4 hourly.2 3" ]
}

@test "undone, nothing is lost: the one to be deleted comes back" {
	after 3
	journal rename
	mv "$ROOT/hourly.2" "$ROOT/_delete.4711"
	mv "$ROOT/hourly.1" "$ROOT/hourly.2"
	mv "$ROOT/hourly.0" "$ROOT/hourly.1"
	run_code 2 ss-run --rotate=hourly
	contains "$stderr" 'has been undone'
	[ "$(kept)" = "hourly.0 3 hourly.1 2 hourly.2 1" ]
	run_ok ss-verify --all
}

# bats test_tags=more
@test "killed when all was renamed" {
	after 3 4
	journal rename
	mv "$ROOT/hourly.2" "$ROOT/_delete.4711"
	mv "$ROOT/hourly.1" "$ROOT/hourly.2"
	mv "$ROOT/hourly.0" "$ROOT/hourly.1"
	mv "$ROOT/.sync" "$ROOT/hourly.0"
	converges 'was finished'
	[ "$(kept)" = "hourly.0 5 hourly.1 4 hourly.2 3" ]
}

# bats test_tags=more
@test "killed before anything was renamed" {
	after 2 4
	journal rename
	converges 'had not begun'
	[ "$(kept)" = "hourly.0 5 hourly.1 4 hourly.2 2" ]
}

# bats test_tags=more
@test "link_dest 0: killed while .sync was copied" {
	LINK_DEST=0
	after 3 4
	journal copy
	mv "$ROOT/hourly.2" "$ROOT/_delete.4711"
	mv "$ROOT/hourly.1" "$ROOT/hourly.2"
	mv "$ROOT/hourly.0" "$ROOT/hourly.1"
	cp -al "$ROOT/.sync" "$ROOT/hourly.0"
	rm -r "$ROOT/hourly.0/alpha/dir"
	converges 'has been undone'
	[ "$(kept)" = "hourly.0 5 hourly.1 4 hourly.2 3 .sync 5" ]
	[ -e "$ROOT/hourly.1/alpha/dir/two" ]
}

# bats test_tags=more
@test "link_dest 0: killed before .sync was copied" {
	LINK_DEST=0
	after 3 4
	journal copy
	mv "$ROOT/hourly.2" "$ROOT/_delete.4711"
	mv "$ROOT/hourly.1" "$ROOT/hourly.2"
	mv "$ROOT/hourly.0" "$ROOT/hourly.1"
	converges 'has been undone'
	[ "$(kept)" = "hourly.0 5 hourly.1 4 hourly.2 3 .sync 5" ]
}

# bats test_tags=more
@test "link_dest 0: the copy is on the disk before the journal goes" {
	requires strace
	LINK_DEST=0
	after 1 2
	strace -f -qq -o trace -e trace=syncfs,unlinkat,/^rename ss-run --quiet --rotate=hourly
	# After rsnapshot's renames, before the journal.
	sed -n '/hourly.0.*hourly.1/,/unlinkat(.*"rotation"/p' trace >between
	grep -q syncfs between
	[ "$(kept)" = "hourly.0 2 hourly.1 1 .sync 2" ]
	# It cannot be: then it is none, and what waits goes on waiting.
	generation 3
	ss-run --quiet
	generation 4
	ss-run --no-rotate
	run_code 2 strace -f -qq -o trace -e trace=syncfs -e inject=syncfs:error=EIO ss-run --rotate=hourly
	contains "$stderr" 'cannot be flushed: Input/output error'
	run_ok ss-catalog reconcile
	contains "$stderr" 'has been undone'
	[ "$(kept)" = "hourly.0 3 hourly.1 2 hourly.2 1 .sync 4" ]
}

# hold LOCATION...: beta's tree and marker are taken out, as before a rotation.
hold() {
	local at held=$ROOT/.secondshot/held
	for at; do
		mkdir -p "$held/$at/.secondshot"
		mv "$ROOT/$at/beta" "$held/$at/"
		mv "$ROOT/$at/.secondshot/beta" "$held/$at/.secondshot/"
	done
}

# Three generations of both hosts, a fourth of alpha waits in .sync.
beta_away() {
	HOSTS="alpha beta"
	after 3 4 alpha
	journal rename
}

beta_is_back() {
	[ ! -e "$ROOT/.secondshot/held" ]
	[ "$(ss-catalog savesets --json beta | jq -r '.location // empty' | xargs)" = "$1" ]
	run_ok ss-verify --all
	run_ok ss-catalog check
}

# bats test_tags=more
@test "killed while trees were taken out of a rotation" {
	beta_away
	hold hourly.0 hourly.1
	# Of this one the tree only.
	mkdir -p "$ROOT/.secondshot/held/hourly.2"
	mv "$ROOT/hourly.2/beta" "$ROOT/.secondshot/held/hourly.2/"
	run_ok ss-catalog reconcile
	contains "$stderr" 'had not begun'
	contains "$stderr" 'put back 3 trees'
	beta_is_back "hourly.2 hourly.1 hourly.0"
	run_ok ss-run --rotate=hourly
	[ "$(kept)" = "hourly.0 4 hourly.1 3 hourly.2 2" ]
	beta_is_back "hourly.2 hourly.1 hourly.0"
}

# bats test_tags=more
@test "killed when all was renamed, with trees held out" {
	beta_away
	hold hourly.0 hourly.1 hourly.2
	mv "$ROOT/hourly.2" "$ROOT/_delete.4711"
	mv "$ROOT/hourly.1" "$ROOT/hourly.2"
	mv "$ROOT/hourly.0" "$ROOT/hourly.1"
	mv "$ROOT/.sync" "$ROOT/hourly.0"
	run_ok ss-catalog reconcile
	contains "$stderr" 'was finished'
	beta_is_back "hourly.2 hourly.1 hourly.0"
	converges "removing _delete.4711"
	[ "$(kept)" = "hourly.0 5 hourly.1 4 hourly.2 3" ]
}

# bats test_tags=more
@test "a rotation that can be neither finished nor undone is left to the next run" {
	local code=0
	requires strace
	beta_away
	rm "$ROOT/.secondshot/rotation"
	# rsnapshot's renames fail, and ours that would undo the first, which was ours: beta's three
	# come before that.
	strace -f -qq -o trace -e trace=rename,renameat2 -e inject=rename:error=EIO:when=1+ \
		-e inject=renameat2:error=EIO:when=5 ss-run --rotate=hourly 2>err || code=$?
	[ "$code" -eq 2 ]
	[ "$(grep -c INJECTED trace)" -ge 2 ]
	contains "$(cat err)" '_delete\.[0-9]+: cannot be renamed back to hourly.2'
	[ -d "$ROOT/.secondshot/held/hourly.2/beta" ]
	run_ok ss-catalog reconcile
	contains "$stderr" 'has been undone'
	[ "$(kept)" = "hourly.0 3 hourly.1 2 hourly.2 1 .sync 4" ]
	beta_is_back "hourly.2 hourly.1 hourly.0"
}

# bats test_tags=more
@test "ss-prune forgets nothing that a killed rotation has held out" {
	local before
	beta_away
	before=$(ss-catalog savesets --json beta)
	hold hourly.0 hourly.1 hourly.2
	run_code 2 ss-prune --dry-run
	contains "$stderr" "ss-catalog reconcile"
	[ -d "$ROOT/.secondshot/held" ]
	run_ok ss-prune
	contains "$stderr" 'put back 3 trees'
	diff <(echo "$before") <(ss-catalog savesets --json beta)
	beta_is_back "hourly.2 hourly.1 hourly.0"
	# And what rsnapshot was about to delete comes back first.
	journal rename
	mv "$ROOT/hourly.2" "$ROOT/_delete.4711"
	run_ok ss-prune
	diff <(echo "$before") <(ss-catalog savesets --json beta)
}

# bats test_tags=more
@test "killed when a larger interval was rotated: who missed that is on record" {
	local dir
	HOSTS="alpha beta"
	RETAIN="hourly:2 daysago:2"
	after 2
	{
		printf 'secondshot-rotation 1\ninterval daysago hourly.1 rename 1800000000\nmissed beta\n'
		printf 'at hourly.1 %s %s\nend\n' "$(stat -c %i "$ROOT/hourly.1")" "$(birth "$ROOT/hourly.1")"
	} >"$ROOT/.secondshot/rotation"
	hold hourly.1
	mv "$ROOT/hourly.1" "$ROOT/daysago.0"
	run_ok ss-catalog reconcile
	contains "$stderr" 'was finished'
	[ "$(xargs <"$ROOT/.secondshot/missed")" = "secondshot-missed 1 daysago beta end" ]
	grep -qx 'daysago 1800000000' "$ROOT/.secondshot/promoted"
	beta_is_back "hourly.1 hourly.0"
	# Beta's turn, killed as well: no promotion of all.
	{
		printf 'secondshot-rotation 1\ninterval daysago hourly.1 rename 1800009999\nlate\n'
		for dir in hourly.1 daysago.0; do
			printf 'at %s %s %s\n' "$dir" "$(stat -c %i "$ROOT/$dir")" "$(birth "$ROOT/$dir")"
		done
		echo end
	} >"$ROOT/.secondshot/rotation"
	mv "$ROOT/daysago.0" "$ROOT/daysago.1"
	mv "$ROOT/hourly.1" "$ROOT/daysago.0"
	run_ok ss-catalog reconcile
	[ "$(xargs <"$ROOT/.secondshot/missed")" = "secondshot-missed 1 end" ]
	grep -qx 'daysago 1800000000' "$ROOT/.secondshot/promoted"
	# One that is damaged costs itself.
	echo nonsense >"$ROOT/.secondshot/missed"
	run_ok ss-run
	contains "$stderr" 'missed: damaged'
	beta_is_back "daysago.0 hourly.1 hourly.0"
}

# bats test_tags=more
@test "a journal of thousands of slots is read" {
	local n
	RETAIN=hourly:2000
	after 1
	journal rename
	for n in {3..1999}; do printf 'at hourly.%s 99%s 4611686018427387904\n' "$n" "$n"; done >slots
	sed -i '/^end$/d' "$ROOT/.secondshot/rotation"
	cat slots <(echo end) >>"$ROOT/.secondshot/rotation"
	run_ok ss-catalog reconcile
	contains "$stderr" 'had not begun'
}

# bats test_tags=more
@test "killed while trees were put back, into locations that have gone, too" {
	beta_away
	hold hourly.0 hourly.1 hourly.2
	mv "$ROOT/hourly.2" "$ROOT/_delete.4711"
	mv "$ROOT/hourly.1" "$ROOT/hourly.2"
	mv "$ROOT/hourly.0" "$ROOT/hourly.1"
	mv "$ROOT/.sync" "$ROOT/hourly.0"
	rm "$ROOT/.secondshot/rotation"
	mv "$ROOT/.secondshot/held/hourly.1/.secondshot/beta" "$ROOT/hourly.1/.secondshot/"
	mv "$ROOT/hourly.2" "$ROOT/elsewhere"
	run_ok ss-catalog reconcile
	contains "$stderr" 'put back 3 trees'
	beta_is_back "hourly.2 hourly.1 hourly.0"
	[ "$(ls -A "$ROOT/hourly.2")" = ".secondshot"$'\n'"beta" ]
}

# bats test_tags=more
@test "rsnapshot by hand after a kill: a tree whose place is taken gets its own, and nothing is lost" {
	local before
	beta_away
	before=$(ss-catalog savesets --json beta | jq -r .name | xargs)
	hold hourly.0 hourly.1 hourly.2
	mv "$ROOT/hourly.2" "$ROOT/_delete.4711"
	mv "$ROOT/hourly.1" "$ROOT/hourly.2"
	run_ok ss-run --check
	contains "$output" 'rotation +warning +.*one was killed while it rotated: the next run, or .ss-catalog reconcile.,'
	# Somebody goes on: what was half shifted is shifted on, and both hosts are copied.
	sync_host
	rotate
	sync_host
	rotate
	[ -e "$ROOT/hourly.0/beta/one" ]
	[ -e "$ROOT/hourly.1/beta/one" ]
	run_ok ss-catalog reconcile
	contains "$stderr" 'hourly.0/beta: another tree lies there by now: was rsnapshot run by hand after a run was killed'
	[ "$(grep -c 'another tree lies there' <<<"$stderr")" = 2 ]
	# Each of them is where it was, or in a place of its own, and no other's is in the way.
	[ ! -e "$ROOT/.secondshot/held" ]
	[ -e "$ROOT/rescued.0/beta/one" ]
	[ -e "$ROOT/rescued.1/beta/one" ]
	[ "$(ss-catalog savesets --json beta | jq -r 'select(.status == "complete").name' | xargs)" = "$before" ]
	run_ok ss-run --check
	contains "$output" 'rescued +warning '
	# What was copied by hand is no saveset's.
	run_code 3 ss-verify --all
	run_ok ss-run
	run_ok ss-run
	run_code 3 ss-catalog check
	contains "$stderr" 'that no saveset of the catalog claims'
	# shellcheck disable=SC2086
	run_ok ss-prune beta@rescued.0 beta@rescued.1
	[ ! -e "$ROOT/rescued.0/beta" ]
	rm -r "$ROOT"/rescued.[01]
	run_ok ss-run --check
	lacks "$output" 'rescued|rotation'
}

# bats test_tags=more
@test "an empty directory takes no tree's place" {
	beta_away
	rm "$ROOT/.secondshot/rotation"
	hold hourly.0
	mkdir "$ROOT/hourly.0/beta"
	run_ok ss-run
	beta_is_back "hourly.2 hourly.1 hourly.0"
}

# bats test_tags=more
@test "a journal that is none stops the run" {
	after 1
	echo nonsense >"$ROOT/.secondshot/rotation"
	run_code 2 ss-run
	contains "$stderr" 'rotation: not the journal of a rotation'
	[ "$(kept)" = "hourly.0 1" ]
}

# bats test_tags=more
@test "a sync that was killed: its tree is not taken for a saveset" {
	for LINK_DEST in 1 0; do
		rm -rf root
		after 1
		mkdir -p "$ROOT/.sync/alpha"
		echo torn >"$ROOT/.sync/alpha/torn"
		generation 2
		run_ok ss-run
		[ ! -e "$ROOT/hourly.0/alpha/torn" ]
		run_ok ss-verify --all
	done
}

# bats test_tags=more
@test "a tree left in .sync does not drag older savesets along (link_dest 1)" {
	after 1
	cp -al "$ROOT/hourly.0" "$ROOT/.sync"
	chmod 0600 "$SRC/alpha/dir/two"
	run_ok ss-run
	[ "$(stat -c %a "$ROOT/hourly.1/alpha/dir/two")" = 640 ]
	[ "$(stat -c %a "$ROOT/hourly.0/alpha/dir/two")" = 600 ]
}

# bats test_tags=more
@test "files that were not hashed are hashed by the next run" {
	after 0
	sync_host alpha
	ss-catalog add alpha >/dev/null
	run_ok ss-run
	contains "$stderr" 'hashing what an earlier run did not'
	[ "$(ss-catalog savesets --json alpha | jq -s 'map(.unhashed) | add')" -eq 0 ]
	[ -d "$ROOT/hourly.1" ]
}

@test "leftovers are collected, but only those of rsnapshot, and not while that lives" {
	after 1
	mkdir bin
	printf '#!/bin/bash\nwhile :; do sleep 0.1; done\n' >bin/rsnapshot
	chmod +x bin/rsnapshot
	bin/rsnapshot 3>&- &
	LIVE=$!
	until_true grep -qsz '^bin/rsnapshot$' "/proc/$LIVE/cmdline"
	mkdir -p "$ROOT/_delete.123/alpha/deep" "$ROOT/_delete.$LIVE/alpha" "$ROOT/_delete.mine" "$ROOT/.secondshot/trash/x/y"
	mkdir "$ROOT/.secondshot/run"
	touch "$ROOT/.secondshot/run/old"
	# Nothing waits to be rotated: that comes afterwards.
	run_code 2 ss-run --rotate=hourly
	contains "$stderr" 'removing _delete.123'
	lacks "$stderr" "_delete.$LIVE"
	[ ! -e "$ROOT/_delete.123" ]
	[ -d "$ROOT/_delete.mine" ]
	[ -d "$ROOT/_delete.$LIVE/alpha" ]
	[ -z "$(ls "$ROOT/.secondshot/trash")" ]
	[ ! -e "$ROOT/.secondshot/run/old" ]
	kill "$LIVE"
	wait "$LIVE" || true
	run_code 2 ss-run --rotate=hourly
	contains "$stderr" "removing _delete.$LIVE"
	[ ! -e "$ROOT/_delete.$LIVE" ]
}

@test "what another backup host has not hashed is left to that one" {
	after 0
	mkdir "$ROOT/.sync"
	cp -a "$SRC/alpha" "$ROOT/.sync/"
	ss-catalog add alpha >/dev/null
	run_ok ss-run --dry-run
	contains "$output" '/ss-catalog pending .*alpha-backup-'
	# It keeps its savesets on the same disk, in the same catalog.
	ss-catalog init --backup-host=other
	run_ok ss-run --dry-run --backup-host=other
	contains "$output" '/ss-catalog add '
	lacks "$output" 'pending'
}

# bats test_tags=more
@test "an old saveset in .sync is not taken for the one that could not be catalogued" {
	local tool
	after 0
	# A partial one is not rotated: it lies there when the next transfer begins.
	wrap_rsync <<-'EOF'
		#!/bin/bash
		/usr/bin/rsync "$@" || exit
		exit 23
	EOF
	run_code 3 ss-run
	contains "$stderr" 'alpha: partial'
	mkdir bin
	# ss-run starts what lies beside it.
	cp "$(type -p ss-run)" bin/
	for tool in "$(dirname "$(type -p ss-run)")"/ss-*; do
		[ -e "bin/${tool##*/}" ] || ln -s "$tool" bin/
	done
	rm bin/ss-catalog
	printf '#!/bin/bash\n[[ " $* " != *" add "* ]] || exit 3\nexec %q "$@"\n' "$(type -p ss-catalog)" >bin/ss-catalog
	chmod +x bin/ss-catalog
	generation 2
	run_code 2 bin/ss-run
	# Nothing is said by an add that ended badly: the tree is catalogued by a later run.
	contains "$stderr" 'alpha: partial, not catalogued yet'
	contains "$stderr" 'not rotated'
	[ ! -e "$ROOT/hourly.0" ]
	run_code 3 ss-run --no-rotate
	contains "$stderr" 'was taken while the catalog could not be reached; catalogued in .sync'
}

# bats test_tags=more
@test "a signal while rsnapshot rotates: what it leaves is put right by the next one, not beside it" {
	local code=0 run
	LINK_DEST=0
	after 3 4
	printf '#!/bin/bash\ntrap "" TERM\ntouch %q\nwhile [ ! -e %q ]; do sleep 0.1; done\nexit 1\n' \
		"$PWD/copying" "$PWD/go" >slow-cp
	chmod +x slow-cp
	printf 'cmd_cp\t%s\n' "$PWD/slow-cp" >>"$RSNAPSHOT_CONF"
	ss-run --rotate=hourly 2>err 3>&- &
	run=$!
	until_true test -e copying
	kill -TERM "$run"
	touch go
	wait "$run" || code=$?
	[ "$code" = 143 ]
	[ -e "$ROOT/.secondshot/rotation" ]
	run_ok ss-catalog reconcile
	contains "$stderr" 'has been undone'
	[ "$(kept)" = "hourly.0 3 hourly.1 2 hourly.2 1 .sync 4" ]
}

# slow_rsync: it says that it runs, and goes on when it may.
slow_rsync() {
	wrap_rsync <<-END
		#!/bin/bash
		touch $PWD/syncing
		while [ ! -e $PWD/go ]; do sleep 0.1; done
		exec /usr/bin/rsync "\$@"
	END
}

@test "kill -9 of ss-run alone ends what it started, and the next run waits for that" {
	after 0
	slow_rsync
	ss-run 3>&- &
	until_true test -e syncing
	kill -9 $!
	wait $! || true
	touch go
	run_ok ss-run
	[ -d "$ROOT/hourly.0/alpha" ]
	run_ok ss-verify --all
}

@test "SIGTERM and SIGHUP end the run, and it dies of them" {
	local sig sigs=TERM
	after 0
	slow_rsync
	# Who started us with nohup wants that ignored.
	((0x$(awk '/^SigIgn/ { print $2 }' "/proc/$$/status") & 1)) || sigs+=" HUP"
	for sig in $sigs; do
		rm -f syncing go
		ss-run 3>&- &
		until_true test -e syncing
		kill -$sig $!
		code=0
		wait $! || code=$?
		[ "$code" -eq $((128 + $(kill -l $sig))) ]
	done
	touch go
	run_ok ss-run
	[ ! -e rsnapshot.pid ]
	# Nobody recorded a failure: it was stopped from outside.
	[ "$(ss-catalog savesets --json alpha | jq -r .status)" = complete ]
}
