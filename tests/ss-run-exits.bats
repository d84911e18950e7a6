#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-run: what the results of rsync and rsnapshot make of a saveset.  Each host of a night
# ends in its own way, so that one run answers for many; all codes are in test_rsnap.c.
# The real rsnapshot always, the real rsync where it can be made to end so.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# begin [KEY=VALUE...]: an rsync that does what "for_source WORD" said.
begin() {
	conf "$@"
	ss-catalog init
	export SECONDSHOT_NOW=1800000000
	wrap_rsync <<-END
		#!/bin/bash
		from=\${*: -2:1} do=''
		from=\${from#*/src/}
		from=\${from#points/}
		from=\${from%/}
		from=$PWD/do.\${from/\/.\//.}
		[ ! -e "\$from" ] || do=\$(<"\$from")
		eval "\${do:-exec /usr/bin/rsync \"\\\$@\"}"
	END
}

# for_source WORD SCRIPT: what rsync does for $SRC/WORD; HOST.DIR is $SRC/HOST/./DIR.
for_source() {
	printf '%s\n' "$2" >"do.$1"
}

# ends WORD CODE [LINE]: it copies all, says the line and ends so.
ends() {
	for_source "$1" "/usr/bin/rsync \"\$@\"; ${3:+echo '$3' >&2;} exit $2"
}

# torn WORD CODE: it copies some.
torn() {
	for_source "$1" "/usr/bin/rsync \"\$@\" --exclude=/dir; exit $2"
}

well() {
	rm -f do.*
}

# also DIR DEST [OPTIONS]: a further backup line of what lies in $SRC/DIR, below which there is a file.
also() {
	mkdir -p "$SRC/$1"
	echo 1 >"$SRC/$1/file"
	printf 'backup\t%s/%s/\t%s/%s\n' "$SRC" "$1" "$2" "${3:+	$3}" >>"$RSNAPSHOT_CONF"
}

# night WANT [HOST...]: ss-run, an hour later, with new content at each host that is told by
# name in NIGHTLY; exits with WANT.  What the catalog has is in list then.
night() {
	local host
	nights=$((${nights:-0} + 1))
	SECONDSHOT_NOW=$((SECONDSHOT_NOW + 3600))
	for host in $NIGHTLY; do
		printf '%*s\n' "$nights" x >"$SRC/$host/night"
	done
	run_code "$1" ss-run "${@:2}"
	ss-catalog savesets --json | jq -rs 'group_by(.host) | .[] | last | "\(.host) \(.status) \(.location) \(.vanished) \(.reason)"' >list
}

# was HOST STATUS [LOCATION [VANISHED]]: its newest saveset.
was() {
	grep -qE "^$1 $2 ${3:-[^ ]*} ${4:-[^ ]*} " list || { grep "^$1 " list; return 1; }
}

# failed HOST WHY STATUS: its night came to nothing, and nothing looks as if it had not:
# the first night's is where it was.
failed() {
	contains "$stderr" "$1: failed, $2"
	was "$1" "$3"
	[ ! -e "$ROOT/.sync/.secondshot/$1" ] || { echo "$1: a marker in .sync"; return 1; }
	[ ! -e "$ROOT/hourly.1/$1" ] || { echo "$1: in hourly.1"; return 1; }
	[ -e "$ROOT/hourly.0/$1" ] || { echo "$1: not in hourly.0"; return 1; }
}

# cleared HOST...: no tree of it is left in .sync, and the first night's in hourly.0.
cleared() {
	local host
	for host; do
		[ ! -e "$ROOT/.sync/$host" ] || { echo "$host: in .sync"; return 1; }
		[ "$(cat "$ROOT/hourly.0/$host/night")" = x ] || { echo "$host: another in hourly.0"; return 1; }
	done
}

# again HOST...: all is well with them again.
again() {
	local host
	well
	night 0 "$@"
	for host; do
		was "$host" complete hourly.0
		diff -r "$SRC/$host" "$ROOT/hourly.0/$host"
	done
}

# bats test_tags=slow
@test "rsync and rsnapshot end in every way, each at a host of its own" {
	local host
	NIGHTLY='good named pair unnamed unread torn usage misused killed crashed parent refused pipe reset closed'
	HOSTS="$NIGHTLY" RSNAPSHOT_MORE="du_args\t -csh" begin
	# Two that have no saveset yet.
	also first first
	torn first 12
	also unborn unborn
	for_source unborn 'kill -KILL $$'
	night 2
	# rsnapshot has warnings of its own: complete.
	contains "$stderr" 'extra space found'
	contains "$stderr" 'first: failed, rsync exit 12'
	contains "$stderr" 'unborn: failed, rsync signal 9'
	for host in $NIGHTLY; do was "$host" complete hourly.0 0; done
	for host in first unborn; do
		was "$host" failed
		[ ! -e "$ROOT/.sync/$host" ]
		[ ! -e "$ROOT/hourly.0/$host" ]
	done
	sed -i '/first\/$\|unborn\/$/d' "$RSNAPSHOT_CONF"

	cp "$RSNAPSHOT_CONF" conf
	ends named 24 'file has vanished: "/x"'
	for_source pair '/usr/bin/rsync "$@"; printf "file has vanished: \"%s\"\n" a b >&2; exit 24'
	ends unnamed 24
	ends unread 23
	torn torn 12
	ends misused 1
	sed -i "s|\tusage/$|&\t+rsync_long_args=--frobnicate|; s|\trefused/$|&\tfrobnicate=1|" "$RSNAPSHOT_CONF"
	for_source killed 'kill -KILL $$'
	for_source crashed '/usr/bin/rsync "$@"; kill -SEGV $$'
	# rsnapshot, which started ss-rsync, which started us.
	for_source parent 'kill -KILL "$(awk "{ print \$4 }" /proc/$PPID/stat)"; exec sleep 60'
	# The reason is what ssh said, whatever rsync says of the pipe to it.
	for_source pipe "echo no route to it >&2; echo 'rsync: [Receiver] safe_write failed to write 4 bytes to socket: Broken pipe (32)' >&2
		echo 'rsync error: unexplained error' >&2; exit 255"
	for_source reset "echo no route to it >&2; echo 'rsync: [generator] write error: Connection reset by peer (104)' >&2
		echo 'rsync error: unexplained error' >&2; exit 255"
	for_source closed "echo no route to it >&2
		echo 'rsync: [Receiver] connection unexpectedly closed (0 bytes received so far)' >&2
		echo 'rsync error: unexplained error' >&2; exit 255"
	night 2
	was good complete hourly.0 0
	was named complete hourly.0 1
	was pair complete hourly.0 2
	# Nothing was named.
	was unnamed complete hourly.0 1
	contains "$stderr" 'unread: partial'
	was unread partial .sync
	[ "$(cat "$ROOT/hourly.0/unread/night")" = x ]
	# rsnapshot rolled back: an old copy that looks fresh.
	failed torn 'rsync exit 12' stale
	failed killed 'rsync signal 9 \(Killed\)' stale
	failed crashed 'rsync signal 11' stale
	failed parent 'rsnapshot signal 9' failed
	# Not rolled back.
	failed usage 'rsync exit 1: .*frobnicate: unknown option' failed
	failed misused 'rsync exit 1' failed
	failed refused 'rsnapshot exit 1' failed
	for host in pipe reset closed; do failed "$host" 'rsync exit 255: no route to it$' stale; done
	cleared torn killed crashed parent usage misused refused pipe reset closed

	cp conf "$RSNAPSHOT_CONF"
	again unread torn killed parent refused
	run_ok ss-verify --all
}

# bats test_tags=slow
@test "sources, points and scripts fail in every way, each at a host of its own" {
	local host relative='rsync_long_args=--relative'
	NIGHTLY='good missing empty'
	HOSTS=$NIGHTLY begin
	# Several points with one destination: the worst counts.
	for host in worst vanished line1 line2 half; do
		also "$host/./one" "$host" "$relative"
		also "$host/./two" "$host" "$relative"
	done
	# Several destinations.
	also points/one points/one
	also points/two points/two
	# A source into which another one is copied.
	also outer outer
	also inner outer/in
	# A directory that became a file.
	mkdir -p "$SRC/thing"
	echo 1 >"$SRC/thing/1"
	printf 'backup\t%s/thing\tthing/\n' "$SRC" >>"$RSNAPSHOT_CONF"
	echo 1 >dump
	for host in failing gone idle; do
		printf '#!/bin/bash\ncat %q/dump >dump\n' "$PWD" >"script-$host"
		chmod +x "script-$host"
		printf 'backup_script\t%s/script-%s now\t%s/\n' "$PWD" "$host" "$host" >>"$RSNAPSHOT_CONF"
	done
	night 0
	[ "$(cat "$ROOT/hourly.0/failing/dump")" = 1 ]

	mv "$SRC/missing" kept
	NIGHTLY='good'
	rm -r "${SRC:?}/empty"
	mkdir "$SRC/empty"
	ends worst.one 24
	ends worst.two 23
	ends vanished.one 24
	torn line1.one 12
	torn line2.two 12
	rm "$SRC/half/two/file" "$SRC/outer/file"
	ends two 12
	rm -r "$SRC/thing"
	echo 1 >"$SRC/thing"
	echo 'exit 3' >>script-failing
	chmod -x script-gone
	printf '#!/bin/bash\n' >script-idle
	night 2
	was good complete hourly.0 0
	failed missing "$SRC/missing/: No such file or directory" failed
	cleared missing
	failed empty "$SRC/empty/: source is empty; is it mounted\?" failed
	[ -e "$ROOT/hourly.0/empty/one" ]
	was worst partial .sync
	was vanished complete hourly.0 1
	# What rsnapshot rolls back is the whole destination; the second line is not tried.
	failed line1 'rsync exit 12' stale
	failed line2 'rsync exit 12' stale
	failed half "$SRC/half/./two/: source is empty" failed
	failed points 'points/two: rsync exit 12' stale
	for host in line1 line2 points; do
		[ ! -e "$ROOT/.sync/$host" ]
	done
	[ -e "$ROOT/hourly.0/points/one/file" ]
	[ -e "$ROOT/hourly.0/points/two/file" ]
	[ -e "$ROOT/hourly.0/half/two/file" ]
	failed outer "$SRC/outer/: source is empty" failed
	lacks "$stderr" 'thing.*source is empty'
	failed failing 'rsnapshot exit 1' stale
	[ ! -e "$ROOT/.sync/failing" ]
	failed gone "backup_script $PWD/script-gone now: cannot be executed" failed
	failed idle 'idle: backup_script left nothing' failed
	[ -e "$ROOT/hourly.0/idle/dump" ]

	mv kept "$SRC/missing"
	echo 2 >"$SRC/half/two/file"
	cp -a "$SRC/good/." "$SRC/empty"
	again missing empty line1 half points
	[ -e "$ROOT/hourly.0/line1/one/file" ]
	[ -e "$ROOT/hourly.0/line1/two/file" ]
	run_ok ss-verify --all
}

# bats test_tags=slow
@test "another failure with link_dest 0: failed, what is torn bears no marker" {
	NIGHTLY='alpha beta first'
	HOSTS=$NIGHTLY LINK_DEST=0 begin
	torn first 30
	night 2
	was first failed
	[ ! -e "$ROOT/hourly.0/first" ]
	well
	# Once .sync is gone rsnapshot begins with a copy of hourly.0, markers and all.
	rm -r "$ROOT/.sync"
	torn alpha 11
	night 2
	contains "$stderr" 'alpha: failed, rsync exit 11'
	was alpha failed
	was beta complete hourly.0
	was first complete
	[ ! -e "$ROOT/.sync/.secondshot/alpha" ]
	[ "$(cat "$ROOT/hourly.0/alpha/night")" = x ]
	well
	night 0
	diff -r "$SRC/alpha" "$ROOT/hourly.0/alpha"
}

@test "the real rsync: a file vanishes, another cannot be read, and partial ones are rotated where that is wanted" {
	requires strace
	NIGHTLY='gone unread'
	HOSTS=$NIGHTLY begin rotate-partial=yes
	# It is gone when it is opened.
	for_source gone 'exec strace -f -qq -o /dev/null -P dir/two -P two -e inject=openat:error=ENOENT \
		/usr/bin/rsync "$@"'
	for_source unread 'exec strace -f -qq -o /dev/null -P dir/two -P two -e inject=openat:error=EACCES \
		/usr/bin/rsync "$@"'
	night 3
	was gone complete hourly.0 1
	was unread partial hourly.0
	contains "$(<list)" '^unread .* rsync exit 23: .*failed to open'
}

# bats test_tags=slow
@test "rsync is tried again, and the last time counts" {
	NIGHTLY=alpha
	HOSTS=alpha RSNAPSHOT_MORE="rsync_numtries\t2" begin
	for_source alpha "[ -e $PWD/tried ] || { touch $PWD/tried; exit 12; }; exec /usr/bin/rsync \"\$@\""
	night 0
	was alpha complete hourly.0
}

@test "where nothing new could be catalogued, what was in .sync before is not taken for it" {
	NIGHTLY=''
	HOSTS=alpha begin
	ends alpha 23
	night 3
	was alpha partial .sync
	# It ends well and leaves nothing.
	for_source alpha 'rm -rf "${@: -1}"'
	night 2
	contains "$stderr" 'alpha: failed, no new saveset in .sync'
	lacks "$stderr" 'alpha: partial'
	[ ! -e "$ROOT/hourly.0" ]
}

# bats test_tags=slow
@test "an empty source may be accepted" {
	NIGHTLY=''
	HOSTS=alpha begin
	night 0
	rm -r "$SRC"/alpha/*
	night 2
	was alpha failed
	[ -e "$ROOT/hourly.0/alpha/one" ]
	ss-catalog add --accept alpha | ss-hash | ss-catalog store
	# It is rotated, and the next one finds that the source was empty before.
	night 0
	was alpha complete hourly.0
	[ -z "$(ls "$ROOT/hourly.0/alpha")" ]
	source_tree "$SRC/alpha"
	again alpha
}

@test "a source is not mounted" {
	requires root mountns
	NIGHTLY=''
	HOSTS=alpha begin
	night 0
	export SRC
	run_code 2 unshare -m bash -c 'mount -t tmpfs none "$SRC/alpha" && exec ss-run'
	contains "$stderr" 'alpha: failed, .*is it mounted'
	again alpha
}

# remote SCRIPT: hosts behind this instead of ssh; its first argument is the host.
remote() {
	printf '#!/bin/bash\n%s\n' "$1" >ssh
	chmod +x ssh
	sed -i "0,/^backup/s|^backup|cmd_ssh\t$PWD/ssh\n&|; s|^backup\t$SRC/\(far[a-z]*\)/|backup\t\1:$SRC/\1/|" "$RSNAPSHOT_CONF"
}

# bats test_tags=slow
@test "a host is away, or does not answer, or dies in mid-transfer while its ssh stays behind" {
	NIGHTLY=''
	HOSTS='near faraway farmute fardead' begin host-timeout=3s jobs.hosts=4
	remote "case \$1 in
		faraway) echo no route to it >&2; exit 255 ;;
		farmute) exec sleep 60 ;;
	esac
	shift
	(sleep 300 & echo \$! >$PWD/left) >/dev/null </dev/null
	bash -c \"\$*\" | { head -c 600; sleep 60; }"
	head -c 100000 /dev/urandom >"$SRC/fardead/large"
	night 2
	kill "$(cat left)"
	contains "$stderr" 'faraway: failed, rsync exit [0-9]+: no route to it$'
	contains "$stderr" 'farmute: failed, rsync exit 30'
	contains "$stderr" 'fardead: failed, rsync exit 30'
	was faraway failed
	was near complete hourly.0
	[ ! -e "$ROOT/.sync/fardead" ]
}

# bats test_tags=slow
@test "the timeout is a command's own, where it has one, and none of a local source's" {
	local host
	NIGHTLY=''
	HOSTS='near far farown' begin host-timeout=100s
	remote 'shift; exec bash -c "$*"'
	sed -i "s|\tfarown/$|&\t+rsync_long_args=--timeout=77|" "$RSNAPSHOT_CONF"
	for host in near far farown; do
		for_source "$host" "printf '%s\n' \"\$@\" >$PWD/args.$host; exec /usr/bin/rsync \"\$@\""
	done
	night 0
	grep -qx -- --timeout=100 args.far
	[ "$(grep -- --timeout args.farown)" = --timeout=77 ]
	run_code 1 grep timeout args.near
	night 0 --host-timeout=0 far
	run_code 1 grep timeout args.far
}
