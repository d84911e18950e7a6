#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-verify: each way a stored tree can differ from what was recorded of it.

# shellcheck disable=SC2034,SC2154
load helpers
load catalog

setup() {
	stage
}

teardown() {
	# Nothing of a test that failed goes on.
	[[ -z ${HALTED:-}${WRITER:-} ]] || kill -KILL ${HALTED:-} ${WRITER:-} 2>/dev/null || :
	test_end
}

# found CLASS PATH [SAVESET]: the output has that finding.
found() {
	grep -qF "$1	${3:-$S}	$2" <<<"$output" || {
		printf 'no %s of %s in:\n%s\n' "$1" "$2" "$output"
		return 1
	}
}

@test "a sound tree: exit 0, nothing on stdout; without digests it is told; rot is found right after" {
	ss-catalog add alpha >"$BATS_TEST_TMPDIR/stream"
	S=$(newest)
	run_code 1 ss-verify "$S"
	found unhashed dir/two
	[ "$(grep -c '^unhashed' <<<"$output")" = 5 ]
	ss-hash <"$BATS_TEST_TMPDIR/stream" | ss-catalog store
	run_ok ss-verify "$S"
	[ -z "$output" ]
	run_ok ss-verify --json alpha@latest
	[ "$(jq -c '[.type, .verified, .findings]' <<<"$output")" = '["summary",1,0]' ]
	run_ok ss-verify alpha
	run_ok ss-verify alpha@.sync alpha@sync
	run_ok ss-verify --all --read=cache
	[ "$(sql 'SELECT count(*) FROM inodes WHERE verified IS NULL OR verdict <> 1')" = 0 ]
	# In the same second, too.
	run_ok ss-verify "$S"
	rot "$TREE/dir/two"
	run_code 1 ss-verify "$S"
	found corrupt dir/two
}

# bats test_tags=more
@test "a clock that stands still, or that was wrong when a file was verified, hides no rot" {
	local when
	take
	for when in 4000000000 1; do
		SECONDSHOT_NOW=$when run_ok ss-verify "$S"
		rot "$TREE/dir/two"
		SECONDSHOT_NOW=$when run_code 1 ss-verify "$S"
		found corrupt dir/two
		rot "$TREE/dir/two"
		# The clock is right again: what it said then is no reason not to read.
		SECONDSHOT_NOW=$when run_ok ss-verify "$S"
		rot "$TREE/dir/two"
		run_code 1 ss-verify "$S"
		found corrupt dir/two
		rot "$TREE/dir/two"
	done
	# Nor to report it, when it is well again.
	SECONDSHOT_NOW=4000000000 run_ok ss-verify "$S"
	rot "$TREE/dir/two"
	SECONDSHOT_NOW=4000000000 run_code 1 ss-verify "$S"
	rot "$TREE/dir/two"
	run_ok ss-verify "$S"
	[ -z "$output" ]
}

@test "each class by its name, exit 1" {
	echo link >"$TREE/target"
	ln -s target "$TREE/alink"
	mkfifo "$TREE/fifo"
	take
	rot "$TREE/dir/two"
	echo longer >>"$TREE/nothing"
	rm "$TREE/dir/sub/three"
	echo extra >"$TREE/unasked"
	chmod 0400 "$TREE/target"
	ln -sfn elsewhere "$TREE/alink"
	rm "$TREE/fifo"
	mkdir "$TREE/fifo"
	touch -d 2001-01-01 "$TREE/empty"
	run_code 1 ss-verify "$S"
	found corrupt dir/two
	found changed 'nothing	(size 7, was 0'
	found missing dir/sub/three
	found extra unasked
	found changed 'target	(mode 0400, was 0644)'
	found changed alink
	contains "$output" 'alink.*target elsewhere, was target'
	found changed 'fifo	(type d, was p)'
	found changed 'empty	(mtime'
	run_code 1 ss-verify --json "$S"
	[ "$(jq -r 'select(.type == "finding") | .class' <<<"$output" | sort -u | xargs)" = 'changed corrupt extra missing' ]
	jq -es 'map(select(.type == "finding")) | all(.saveset and .path and .host)' <<<"$output" >/dev/null
	# The contents are not read for the structure.
	run_code 1 ss-verify --structure "$S"
	lacks "$output" corrupt
	found missing dir/sub/three
}

@test "rot is named in each saveset that shares the inode, and only there" {
	local s=()
	take; s+=("$S")
	turn
	take; s+=("$S")
	turn
	fresh "$TREE/dir/two" 'a new one'
	take; s+=("$S")
	rot "$ROOT/hourly.0/alpha/dir/two"
	run_code 1 ss-verify "${s[0]}"
	found corrupt dir/two "${s[0]}"
	found corrupt dir/two "${s[1]}"
	[ "$(grep -c corrupt <<<"$output")" = 2 ]
	run_code 1 ss-verify --all
	[ "$(grep -c corrupt <<<"$output")" = 2 ]
	lacks "$output" "${s[2]}"
	run_code 1 ss-verify "${s[1]}" "${s[0]}" "${s[2]}"
	[ "$(grep -c corrupt <<<"$output")" = 2 ]
	run_ok ss-verify "${s[2]}"
	[ "$(sql 'SELECT count(*) FROM inodes WHERE verdict = 2')" = 1 ]
	# The first name of a hard link stands for all of them.
	rot "$TREE/one"
	run_code 1 ss-verify "${s[2]}"
	found corrupt one "${s[2]}"
	found corrupt dir/one-again "${s[2]}"
	found corrupt one "${s[0]}"
	[ "$(grep -c corrupt <<<"$output")" = 6 ]
}

@test "--new reads what was never verified or was corrupt, and compares the whole structure" {
	take
	run_ok ss-verify --new "$S"
	rot "$TREE/dir/two"
	echo extra >"$TREE/extra"
	run_code 1 ss-verify --new "$S"
	found extra extra
	lacks "$output" corrupt
	run_code 1 ss-verify "$S"
	found corrupt dir/two
	run_code 1 ss-verify --new "$S"
	found corrupt dir/two
	run_code 2 ss-verify --new --structure "$S"
	contains "$stderr" 'one of them'
}

# copy_in_place FILE: another inode with the same content and times.
copy_in_place() {
	local when
	when=$(stat -c %y "${1%/*}")
	cp -a "$1" "$1.copy"
	mv -f "$1.copy" "$1"
	touch -d "$when" "${1%/*}"
}

# bats test_tags=more
@test "what is found in a copy is not said of the catalog's inode, nor the other way round" {
	local first
	take
	first=$S
	turn
	take
	# Verified: but not this one.
	run_ok ss-verify --all
	copy_in_place "$TREE/dir/two"
	rot "$TREE/dir/two"
	run_code 1 ss-verify --new "$S"
	[ "$output" = "corrupt	$S	dir/two" ]
	run_code 1 ss-verify "$S"
	[ "$output" = "corrupt	$S	dir/two" ]
	[ "$(sql 'SELECT count(*) FROM inodes WHERE verdict <> 1')" = 0 ]
	run_ok ss-verify "$first"
	# Its inode rots; the copy is well, and does not make it well.
	rot "$TREE/dir/two"
	rot "$ROOT/hourly.0/alpha/dir/two"
	run_code 1 ss-verify "$first"
	found corrupt dir/two "$first"
	run_ok ss-verify "$S"
	[ "$(sql 'SELECT count(*) FROM inodes WHERE verdict = 2')" = 1 ]
	run_code 1 ss-verify --new "$first"
	found corrupt dir/two "$first"
}

# bats test_tags=more
@test "an inode of several savesets is read once in a run, a copy of it as well" {
	# So slow that the clock moves on after the first saveset: it tells runs apart.
	head -c 100000 /dev/urandom >"$TREE/big"
	take; turn; take; turn; take
	copy_in_place "$TREE/dir/two"
	rot "$TREE/dir/two"
	run_code 1 strace -f -qq -y -o "$BATS_TEST_TMPDIR/log" -e trace=openat,openat2 \
		-e inject=openat2:delay_enter=600000 ss-verify --all
	[ "$(grep -c "\"big\"" "$BATS_TEST_TMPDIR/log")" = 1 ] || { grep big "$BATS_TEST_TMPDIR/log"; false; }
	[ "$output" = "corrupt	$S	dir/two" ]
}

# fails_to_read PATH CALL: ss-verify cannot do that with it: exit 1, nothing missing or corrupt.
fails_to_read() {
	run_code 1 strace -f -qq -o "$BATS_TEST_TMPDIR/log" -P "$1" -e "trace=$2" -e "inject=$2:error=EIO" ss-verify "$S"
	contains "$(<"$BATS_TEST_TMPDIR/log")" INJECTED
	lacks "$output" 'corrupt|missing'
}

@test "what cannot be read is unreadable, not missing, not passed over" {
	local name
	take
	fails_to_read "$TREE/dir/two" read,pread64
	found unreadable 'dir/two	(Input/output error)'
	# A directory.
	fails_to_read "$TREE/dir" getdents64
	for name in dir/two dir/sub dir/sub/three dir/one-again; do
		found unreadable "$name"
	done
	# One that was empty, and may hold something now: nothing of the catalog's is missed.
	fails_to_read "$TREE/empty" getdents64
	[ -z "$output" ]
	contains "$stderr" 'empty.*Input/output error'
	contains "$stderr" ' 1 findings'
	# The top.
	fails_to_read "$TREE" getdents64
	found unreadable one
}

# bats test_tags=more
@test "another file system in a stored tree is not entered" {
	requires root mountns
	take
	mounted() {
		unshare -m sh -ec 'mount -t tmpfs none "$0"; echo x >"$0/foreign"; exec "$@"' "$TREE/dir/sub" "$@"
	}
	run_code 1 mounted ss-verify "$S"
	contains "$stderr" 'dir/sub: another file system is mounted here'
	found unreadable dir/sub/three
	lacks "$output$stderr" 'foreign|missing'
	run_code 3 mounted ss-catalog add alpha
	contains "$stderr" 'dir/sub: another file system is mounted here'
	run_ok ss-catalog files "$(newest)"
	contains "$output" dir/sub
	lacks "$output" foreign
}

@test "all findings count, over all savesets named; a tree that is not in its place is told" {
	local first old
	take
	first=$S
	turn
	fresh "$TREE/one" 2
	take
	rm "$ROOT/hourly.0/alpha/one"
	run_ok ss-verify "$S"
	run_code 1 ss-verify "$S" "$first"
	run_code 1 ss-verify "$first" "$S"
	found missing one "$first"
	# Another saveset's tree is in its place: nothing is compared.
	old=$S
	fresh "$TREE/one" 3
	take
	run_code 2 ss-verify "$old"
	contains "$stderr" 'is not where the catalog has it'
	[ -z "$output" ]
	# What could not be done weighs more than what was found.
	rm -rf "$ROOT/.sync"
	run_code 2 ss-verify "$first" "$S"
	found missing one "$first"
}

# bats test_tags=more
@test "what a prune took away, or is gone, is not reported by a shared inode" {
	local first
	take
	first=$S
	turn
	take
	turn
	take
	run_ok ss-prune "$first"
	rm -r "$ROOT/hourly.0"
	run_ok ss-catalog reconcile
	rot "$TREE/dir/two"
	run_code 1 ss-verify "$S"
	[ "$output" = "corrupt	$S	dir/two" ]
}

# halt_at DIR COMMAND...: start it, and halt it when it has just opened the directory of that name.
halt_at() {
	local dir=$1 log=$BATS_TEST_TMPDIR/trace
	shift
	: >"$log"
	strace -f -qq -o "$log" -P "$dir" -e trace=openat -e inject=openat:signal=STOP:when=1 \
		"$@" >"$BATS_TEST_TMPDIR/halted.out" 2>"$BATS_TEST_TMPDIR/halted.err" 3>&- &
	TRACER=$!
	until_true halted_or_gone
	read -r HALTED _ <"$log"
}

halted_or_gone() {
	grep -q 'stopped by SIGSTOP' "$BATS_TEST_TMPDIR/trace" || ! kill -0 "$TRACER" 2>/dev/null
}

# goes_on: the end of what was halted, for run_code.
goes_on() {
	local rc=0
	kill -CONT "$HALTED"
	wait "$TRACER" || rc=$?
	HALTED=''
	cat "$BATS_TEST_TMPDIR/halted.out"
	cat "$BATS_TEST_TMPDIR/halted.err" >&2
	return "$rc"
}

# A file is there that was not: what may be said of it?
# bats test_tags=more
@test "a tree that is renamed meanwhile is followed, one that is on its way out gives no finding" {
	local when location=$ROOT/.sync
	take
	halt_at dir ss-verify "$S"
	mv "$ROOT/.sync" "$ROOT/hourly.0"
	run_code 0 goes_on
	[ -z "$output" ]
	mv "$ROOT/hourly.0" "$ROOT/.sync"
	when=$(stat -c %y "$TREE/dir")
	back() {
		rm "$TREE/dir/extra"
		touch -d "$when" "$TREE/dir"
	}
	halt_at dir ss-verify "$S"
	echo >"$TREE/dir/extra"
	run_code 1 goes_on
	[ "$output" = "extra	$S	dir/extra" ]
	back
	# rsnapshot deletes a location under another name.
	halt_at dir ss-verify "$S"
	echo >"$TREE/dir/extra"
	mv "$location" "$ROOT/_delete.77"
	run_code 2 goes_on
	[ -z "$output" ]
	contains "$stderr" "$S: went away"
	mv "$ROOT/_delete.77" "$location"
	back
	# ss-prune takes the marker away first.
	halt_at dir ss-verify "$S"
	echo >"$TREE/dir/extra"
	mv "$location/.secondshot/alpha" "$BATS_TEST_TMPDIR/marker"
	run_code 2 goes_on
	[ -z "$output" ]
	contains "$stderr" "$S: went away"
	mv "$BATS_TEST_TMPDIR/marker" "$location/.secondshot/alpha"
	back
	# It is given up in the catalog.
	halt_at dir ss-verify "$S"
	echo >"$TREE/dir/extra"
	sql 'UPDATE savesets SET status = 5'
	[ "$(field "$S" status)" = gone ]
	run_code 2 goes_on
	[ -z "$output" ]
	contains "$stderr" "$S: went away"
}

# bats test_tags=more
@test "a directory that is replaced or moved while it is walked is told" {
	local deep
	# It comes after its neighbour was looked at, and before that is opened.
	mkdir "$TREE/dir-"
	deep=$(printf '%s/' {1..60})
	mkdir -p "$TREE/$deep"
	take
	halt_at dir- ss-verify "$S"
	mv "$TREE/dir" "$BATS_TEST_TMPDIR/dir"
	cp -a "$BATS_TEST_TMPDIR/dir" "$TREE/dir"
	run_code 1 goes_on
	contains "$stderr" 'dir: was replaced while it was being walked'
	found unreadable dir/sub/three
	run_ok ss-verify "$S"
	# More levels than are held open: back by "..", which is another directory now.
	halt_at 60 ss-verify "$S"
	mv "$TREE/1/2/3/4/5/6/7/8/9/10" "$TREE/10"
	run_code 2 goes_on
	contains "$stderr" 'was moved while it was being walked'
}

# bats test_tags=more
@test "a file that is being written is changed, never corrupt" {
	head -c 300000 /dev/zero >"$TREE/busy"
	take
	(while printf x >>"$TREE/busy"; do :; done) 2>/dev/null 3>&- &
	WRITER=$!
	for _ in 1 2 3 4 5; do
		run_code 1 ss-verify "$S"
		found changed busy
		lacks "$output" corrupt
	done
	kill "$WRITER"
	wait "$WRITER" || :
	WRITER=
	# The same bytes over and over: it is what it was.
	truncate -s 300000 "$TREE/busy"
	take
	(while printf '\0' | dd of="$TREE/busy" conv=notrunc status=none; do :; done) 2>/dev/null 3>&- &
	WRITER=$!
	for _ in 1 2 3; do
		run --separate-stderr ss-verify "$S"
		((status == 0)) || [[ $status == 1 && $output == "changed	$S	busy	("* && $output != *$'\n'* ]]
	done
	kill "$WRITER"
	wait "$WRITER" || :
	WRITER=
}

# bats test_tags=more
@test "a location that is rotated, renamed or thrown away meanwhile gives no false finding" {
	local pid i
	(cd "$TREE" && for i in $(seq 400); do echo "$i" >"file-$i"; done)
	take
	(
		until [ -e "$BATS_TEST_TMPDIR/stop" ]; do
			mv -T "$ROOT/.sync" "$ROOT/hourly.0"
			mv -T "$ROOT/hourly.0" "$ROOT/.sync"
		done
	) 3>&- &
	WRITER=$!
	for _ in 1 2 3 4 5 6; do
		run --separate-stderr ss-verify "$S"
		[ -z "$output" ] || { echo "$output"; false; }
		((status == 0)) || [ "$status" = 2 ]
		((status == 0)) || contains "$stderr" 'went away|is not where|was moved|no such saveset'
	done
	touch "$BATS_TEST_TMPDIR/stop"
	wait "$WRITER"
	WRITER=
	run_ok ss-verify "$S"

	turn
	for i in 1 2 3; do
		local old=$S
		fresh "$TREE/one" "$i"
		take
		ss-prune "$old" 2>/dev/null &
		pid=$!
		run --separate-stderr ss-verify "$old"
		[ -z "$output" ] || { echo "$output"; false; }
		((status == 0)) || [ "$status" = 2 ]
		((status == 0)) || contains "$stderr" 'went away|is not where|was moved|no such saveset'
		wait "$pid"
		turn
	done
}

# bats test_tags=more
@test "names that would harm a terminal come out escaped, in JSON valid" {
	hostile_tree "$TREE/hostile"
	take
	find "$TREE/hostile" -type f -delete
	run_code 1 ss-verify "$S"
	run ! grep -qP '[\x00-\x08\x0b-\x1f\x7f]' <<<"$output"
	ss-verify --json "$S" >"$BATS_TEST_TMPDIR/json" 2>/dev/null || :
	run_ok jq -e '.type == "finding" or .type == "summary"' "$BATS_TEST_TMPDIR/json"
	iconv -f UTF-8 -t UTF-8 "$BATS_TEST_TMPDIR/json" >/dev/null
	run ! grep -qP '[\x00-\x08\x0b-\x1f\x7f]' "$BATS_TEST_TMPDIR/json"
	[ "$(jq -r 'select(.path_b64) | .path_b64' "$BATS_TEST_TMPDIR/json" | wc -l)" -gt 50 ]
}
