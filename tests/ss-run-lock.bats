#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-run: one run a volume; who has the lock, and how long another one waits for it.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers
load catalog
load rrsync/lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	conf
	ss-catalog init
}

teardown() {
	# Of a test that failed half way.
	local pid
	for pid in ${RUN:-} ${FAKE:-} ${ORPHAN:-}; do
		kill -KILL "$pid" 2>/dev/null || true
	done
	[[ -z ${SSHD:-} ]] || "$SSH" -S "$BATS_TEST_TMPDIR/master" -O exit source 2>/dev/null || true
	sshd_stop
	test_end
}

# slow_rsync: rsync waits until there is a file "go", and says by "syncing" that it does.
slow_rsync() {
	wrap_rsync <<-END
		#!/bin/bash
		touch $PWD/syncing
		while [ ! -e $PWD/go ]; do sleep 0.1; done
		exec /usr/bin/rsync "\$@"
	END
}

said() {
	grep -qE -- "$2" "$1"
}

# reaches FILE PID: it is there, or who should make it has ended.
reaches() {
	[ -e "$1" ] || ! kill -0 "$2" 2>/dev/null
}

# begin_run: a run in the background that waits in rsync; sets RUN.
begin_run() {
	slow_rsync
	ss-run >run.out 2>run.err 3>&- &
	RUN=$!
	until_true reaches syncing "$RUN"
	[ -e syncing ]
}

# fake_rsnapshot: a process that looks like one; sets FAKE.
fake_rsnapshot() {
	mkdir -p bin
	printf '#!/bin/bash\nwhile [ ! -e %q ]; do sleep 0.1; done\n' "$PWD/go" >bin/rsnapshot
	chmod +x bin/rsnapshot
	bin/rsnapshot 3>&- &
	FAKE=$!
	# Between fork and exec it has our command line, in which the test's name may tell of one.
	until_true grep -qsz "^bin/rsnapshot\$" "/proc/$FAKE/cmdline"
}

@test "who holds it, and since when; --wait waits that long, and a signal ends that" {
	local second code=0
	begin_run
	run_code 11 ss-run
	contains "$stderr" "locked by ss-run, process $RUN, since 20[0-9-]+T[0-9:]+Z"
	lacks "$stderr" 'waiting'
	run_code 11 ss-catalog reconcile
	contains "$stderr" "process $RUN"
	run_code 11 ss-run --wait=1s
	[ "$(grep -c "waiting for ss-run, process $RUN, since 20" <<<"$stderr")" = 1 ]
	contains "$stderr" "locked by ss-run, process $RUN"
	echo 'wait = 1h' >>"$SECONDSHOT_CONF"
	ss-run 2>second.err 3>&- &
	second=$!
	until_true said second.err waiting
	kill -TERM "$second"
	wait "$second" || code=$?
	[ "$code" = 143 ]
	# And one that waits long enough: it says so once.
	ss-run 2>third.err 3>&- &
	second=$!
	until_true said third.err "waiting for ss-run, process $RUN, since 20"
	kill -0 "$second"
	[ "$(<rsnapshot.pid)" = "$RUN" ]
	touch go
	wait "$RUN"
	wait "$second"
	[ "$(grep -c waiting third.err)" = 1 ]
	[ -d "$ROOT/hourly.1" ]
	# What it held is free again.
	[ ! -e rsnapshot.pid ]
	flock -n "$ROOT/.secondshot/lock" true
}

# bats test_tags=more
@test "the next one in line is named, too" {
	local second third
	begin_run
	ss-run --wait=1m 2>second.err 3>&- &
	second=$!
	until_true said second.err waiting
	ss-run --wait=1m 2>third.err 3>&- &
	third=$!
	until_true said third.err "waiting for ss-run, process $RUN"
	touch go
	wait "$RUN" "$second" "$third"
	[ -d "$ROOT/hourly.2" ]
	# Both for the first, and whichever of them came last for the other.
	[ "$(cat second.err third.err | grep -c waiting)" = 3 ]
	contains "$(cat second.err third.err)" "waiting for ss-run, process ($second|$third)"
}

# locked_out COMMAND...: it finds that we, a process of another kind, hold the lock.
locked_out() {
	run_code 11 "$@"
	contains "$stderr" "locked by a-test, process $$,"
}

@test "while another process holds it nothing looks at locations, moves or deletes them" {
	local before
	stage
	take
	before=$(catalog_sum)
	hold_lock
	locked_out ss-catalog add alpha
	locked_out ss-catalog check
	locked_out ss-catalog reconcile
	locked_out ss-prune
	locked_out ss-prune "$S"
	locked_out ss-run
	[ "$(catalog_sum)" = "$before" ]
	exec {LOCK}>&-
	run_ok ss-catalog check
	contains "$stderr" '1 savesets checked, 0 findings'
}

@test "a descriptor that is handed on is believed only if it is the lock, and holds it" {
	local forged
	stage
	take
	hold_lock
	# Another open file of the same lock: it is none.
	exec {forged}<>"$ROOT/.secondshot/lock"
	SECONDSHOT_LOCK_FD=$forged locked_out ss-catalog check
	SECONDSHOT_LOCK_FD=$forged locked_out ss-catalog reconcile
	exec {forged}>&-
	# Another file, which nobody holds; no file; no number of one.
	exec {forged}<"$RSNAPSHOT_CONF"
	SECONDSHOT_LOCK_FD=$forged locked_out ss-catalog check
	exec {forged}>&-
	SECONDSHOT_LOCK_FD=$forged locked_out ss-catalog check
	SECONDSHOT_LOCK_FD=${LOCK}x locked_out ss-catalog check
	SECONDSHOT_LOCK_FD=-1 locked_out ss-catalog check
	# It itself; who has borrowed it does not give it back.
	SECONDSHOT_LOCK_FD=$LOCK run_ok ss-catalog check
	SECONDSHOT_LOCK_FD=$LOCK run_ok ss-catalog reconcile
	SECONDSHOT_LOCK_FD=$LOCK run_ok ss-prune
	locked_out ss-catalog check
	contains "$(<"$ROOT/.secondshot/lock")" "^$$ .* a-test"
}

# bats test_tags=more
@test "an orphaned transfer holds it, and is waited for" {
	local tree second
	begin_run
	# What cannot die at once, as one that waits for a disk: the shell before rsync.
	ORPHAN=$(pgrep -o -f "^/bin/bash $PWD/rsync")
	kill -STOP "$ORPHAN"
	tree=$(pgrep -d' ' -P "$RUN")
	kill -KILL "$RUN"
	wait "$RUN" || true
	# rsnapshot and what it started have been told to end; the stopped one has not heard it.
	# shellcheck disable=SC2086
	kill -KILL $tree 2>/dev/null || true
	ss-run --log-level=debug 2>second.err 3>&- &
	second=$!
	until_true said second.err "ss-run \(process $RUN\) died; waiting for the programs it started to end"
	[ ! -e "$ROOT/hourly.0" ]
	kill -0 "$ORPHAN"
	touch go
	kill -KILL "$ORPHAN"
	wait "$second"
	[ -d "$ROOT/hourly.0" ]
}

@test "a service that a backup_script started does not hold it" {
	local code=0
	printf 'backup_script\t%s/dump\tdumped/\n' "$PWD" >>"$RSNAPSHOT_CONF"
	cat >dump <<-END
		#!/bin/bash
		echo rows >rows
		setsid sleep 1000 </dev/null >/dev/null 2>&1 &
		echo \$! >$PWD/service
		if [ -e $PWD/kill ]; then kill -KILL \$PPID; fi
	END
	chmod 755 dump
	run_ok ss-run
	ORPHAN=$(<service)
	kill -0 "$ORPHAN"
	[ -e "$ROOT/hourly.0/dumped/rows" ]
	flock -n "$ROOT/.secondshot/lock" true
	kill -KILL "$ORPHAN"
	# Not so where rsnapshot itself was killed: what it started may still write.
	touch kill
	ss-run 2>killed.err || code=$?
	[ "$code" = 2 ]
	ORPHAN=$(<service)
	run_code 1 flock -n "$ROOT/.secondshot/lock" true
	# Who waits for it in vain is told whom it is that he waits for.
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0 run_code 11 faketime -f "+0 x100" ss-run
	contains "$stderr" "still locked by sleep, process $ORPHAN, which ss-run \(process [0-9]+, gone\) started"
}

# bats test_tags=more
@test "a lasting ssh master does not hold it" {
	requires root rsync ssh /usr/sbin/sshd unshare nsenter ip
	unshare -n -m -p --fork true 2>/dev/null || skip "needs network, mount and process namespaces"
	sshd_start
	gate
	sed -i '/^backup/d' "$RSNAPSHOT_CONF"
	printf 'cmd_ssh\t%s\nssh_args\t-o ControlMaster=auto -o ControlPersist=600 -o ControlPath=%s\nbackup\troot@source:%s/\talpha/\n' \
		"$SSH" "$PWD/master" "$SRC/alpha" >>"$RSNAPSHOT_CONF"
	run_ok timeout $HANGS ss-run
	run_ok "$SSH" -S "$PWD/master" -O check source
	# It is there, and the next run has the lock at once.
	run_ok timeout $HANGS ss-run
	lacks "$stderr" 'waiting'
	[ -e "$ROOT/hourly.1/alpha/one" ]
	run_ok "$SSH" -S "$PWD/master" -O check source
	flock -n "$ROOT/.secondshot/lock" true
}

# bats test_tags=more
@test "different volumes side by side" {
	begin_run
	(
		export BATS_TEST_TMPDIR=$PWD/other
		mkdir other
		cp -r .database other/ 2>/dev/null || true
		conf volume=other
		ss-catalog init
		ss-run
		[ -d "$ROOT/hourly.0" ]
	)
	kill -0 "$RUN"
	[ ! -e "$ROOT/hourly.0" ]
	touch go
	wait "$RUN"
	[ -d "$ROOT/hourly.0" ]
}

@test "an rsnapshot that runs by itself is honoured, and waited for" {
	local second
	fake_rsnapshot
	echo "$FAKE" >rsnapshot.pid
	run_code 11 ss-run
	contains "$stderr" "rsnapshot is running by itself: process $FAKE"
	lacks "$stderr" waiting
	run_code 11 ss-run --wait=1
	[ "$(grep -c "waiting for rsnapshot, process $FAKE" <<<"$stderr")" = 1 ]
	[ "$(<rsnapshot.pid)" = "$FAKE" ]
	ss-run --wait=1m 2>second.err 3>&- &
	second=$!
	until_true said second.err waiting
	rm rsnapshot.pid
	touch go
	wait "$second"
	wait "$FAKE"
	[ -d "$ROOT/hourly.0" ]
}

@test "stale lock files of rsnapshot are told by evidence" {
	# One that was made and never written, for a second; a number of nobody; one that
	# another program has by now.  What the run itself does then plays no part.
	: >rsnapshot.pid
	run_code 2 ss-run --rotate=hourly
	contains "$stderr" 'removed the stale lock file .*names no process'
	echo 4194305 >rsnapshot.pid
	run_code 2 ss-run --rotate=hourly
	contains "$stderr" 'removed the stale lock file'
	echo $$ >rsnapshot.pid
	run_ok ss-run
	contains "$stderr" "removed the stale lock file .*process $$ is no rsnapshot"
	[ -d "$ROOT/hourly.0" ]
	[ ! -e rsnapshot.pid ]
}

@test "another user's process is no rsnapshot, whatever it is called" {
	local pid
	requires root setpriv
	setpriv --reuid=65534 --regid=65534 --clear-groups bash -c 'exec -a /usr/bin/rsnapshot sleep infinity' 3>&- &
	pid=$! FAKE=$!
	until_true grep -qz '^/usr/bin/rsnapshot$' "/proc/$pid/cmdline"
	mkdir "$ROOT/_delete.$pid"
	printf %s "$pid" >rsnapshot.pid
	run_code 2 ss-run --rotate=hourly
	contains "$stderr" "removed the stale lock file .*rsnapshot.pid \(process $pid"
	[ ! -e "$ROOT/_delete.$pid" ]
}

# bats test_tags=more
@test "a lock file that rsnapshot has made and not written yet is no stale one" {
	requires strace
	local second code=0
	fake_rsnapshot
	: >rsnapshot.pid
	strace -f -qq -o trace -e inject=clock_nanosleep:delay_exit=2000000 ss-run 2>second.err 3>&- &
	second=$!
	until_true grep -qs clock_nanosleep trace
	echo "$FAKE" >rsnapshot.pid
	wait "$second" || code=$?
	[ "$code" = 11 ]
	contains "$(<second.err)" "running by itself: process $FAKE"
	touch go
	wait "$FAKE"
}

# bats test_tags=more
@test "of several runs that find one stale lock file only one goes on" {
	local n run runs=() code
	slow_rsync
	echo 4194305 >rsnapshot.pid
	# The lock of the volume would sort them out before: each has a volume of its own.
	for n in 1 2 3; do
		mkdir "root$n"
		cp -a "$ROOT/.secondshot" "root$n/"
		sed "s|^snapshot_root.*|snapshot_root\t$PWD/root$n/|" "$RSNAPSHOT_CONF" >"etc/conf$n"
		ss-run --rsnapshot-conf="$PWD/etc/conf$n" 2>"err$n" 3>&- &
		runs+=($!)
	done
	until_true test -e syncing
	n=0
	for run in "${runs[@]}"; do
		if [ "$(<rsnapshot.pid)" != "$run" ]; then
			code=0
			wait "$run" || code=$?
			[ "$code" = 11 ]
			n=$((n + 1))
		fi
	done
	[ "$n" = 2 ]
	touch go
	wait "$(<rsnapshot.pid)" || true
	[ "$(ls -d root?/hourly.0 | wc -l)" = 1 ]
}

# judged: somebody has rsnapshot's lock file for itself, to remove it.
judged() {
	grep -q ":$(stat -c %i rsnapshot.pid) 0 EOF$" /proc/locks
}

# bats test_tags=more
@test "two runs that remove one stale lock file: the slower one does not remove the other's" {
	requires strace
	local second code=0
	echo 4194305 >rsnapshot.pid
	mkdir other
	cp -a "$ROOT/.secondshot" other/
	sed "s|^snapshot_root.*|snapshot_root\t$PWD/other/|" "$RSNAPSHOT_CONF" >etc/other.conf
	slow_rsync
	# The first waits when it has seen that nobody has the file, and is about to remove it: for
	# longer than the second one takes on a slow machine.
	strace -f -qq -o trace -P "$PWD/rsnapshot.pid" -e trace=unlink -e inject=unlink:delay_enter=60000000:when=1 ss-run 2>first.err 3>&- &
	FAKE=$!
	until_true judged
	ss-run --rsnapshot-conf="$PWD/etc/other.conf" 2>second.err 3>&- &
	second=$!
	wait "$second" || code=$?
	touch go
	wait "$FAKE"
	[ "$code" = 11 ]
	contains "$(<first.err)" 'removed the stale lock file'
	lacks "$(<second.err)" 'removed'
}
