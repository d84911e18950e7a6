#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-run: what the results of rsync and rsnapshot make of a saveset, a test for each.
# The real rsnapshot always, the real rsync where it can be made to end so.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# begin [KEY=VALUE...]: alpha and beta, and an rsync that does what "for WORD" said.
begin() {
	HOSTS=${HOSTS:-alpha beta} conf "$@"
	ss-catalog init
	export SECONDSHOT_NOW=1800000000
	cat >rsync <<-END
		#!/bin/bash
		do=\$(cat $PWD/do.*.\$(basename "\${@: -2:1}") 2>/dev/null)
		eval "\${do:-exec /usr/bin/rsync \"\\\$@\"}"
	END
	chmod +x rsync
	sed -i "s|^cmd_rsync.*|cmd_rsync\t$PWD/rsync|" "$RSNAPSHOT_CONF"
}

# for WORD SCRIPT: what rsync does for the source whose last component that is.
for_source() {
	printf '%s\n' "$2" >"do.x.$1"
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
	rm -f do.x.*
}

# newest HOST: STATUS LOCATION of the newest saveset of it.
newest() {
	ss-catalog savesets --json "$1" | tail -n1 | jq -r '"\(.status) \(.location)"'
}

# night WANT: ss-run with new content at alpha and beta; exits with WANT.
night() {
	local host
	nights=$((${nights:-0} + 1))
	SECONDSHOT_NOW=$((SECONDSHOT_NOW + 3600))
	for host in alpha beta; do
		[ ! -d "$SRC/$host" ] || printf '%*s\n' "$nights" x >"$SRC/$host/night"
	done
	run_code "$1" ss-run
}

# failed WHY [STATUS]: the second night of alpha came to nothing, and nothing looks as if
# it had not; the third one is good again.
failed() {
	night 2
	contains "$stderr" "alpha: failed, $1"
	contains "$stderr" 'beta: complete'
	[[ $(newest alpha) == "${2:-failed} "* ]]
	[[ $(newest beta) == "complete hourly.0" ]]
	[ ! -e "$ROOT/.sync/alpha" ]
	# The first night's is where it was.
	[ "$(cat "$ROOT/hourly.0/alpha/night")" = x ]
	again
}

# again: all is well again, and complete.
again() {
	well
	night 0
	[[ $(newest alpha) == "complete hourly.0" ]]
	diff -r "$SRC/alpha" "$ROOT/hourly.0/alpha"
	run_ok ss-verify --all
}

@test "rsync 0: complete" {
	begin
	night 0
	[[ $(newest alpha) == "complete hourly.0" ]]
}

@test "rsync 24: complete, with the number of vanished files" {
	begin
	ends alpha 24 'file has vanished: "/x"'
	night 0
	[[ $(newest alpha) == "complete hourly.0" ]]
	[ "$(ss-catalog savesets --json alpha | jq .vanished)" -eq 1 ]
	for_source alpha '/usr/bin/rsync "$@"; printf "file has vanished: \"%s\"\n" a b >&2; exit 24'
	night 0
	[ "$(ss-catalog savesets --json alpha | tail -n1 | jq .vanished)" -eq 2 ]
	# Nothing was named.
	ends alpha 24
	night 0
	[ "$(ss-catalog savesets --json alpha | tail -n1 | jq .vanished)" -eq 1 ]
}

@test "rsync 24, the real one" {
	requires strace
	begin
	# It is gone when it is opened.
	for_source alpha 'exec strace -f -qq -o /dev/null -P dir/two -P two -e inject=openat:error=ENOENT \
		/usr/bin/rsync "$@"'
	night 0
	[[ $(newest alpha) == "complete hourly.0" ]]
	[ "$(ss-catalog savesets --json alpha | jq .vanished)" -eq 1 ]
}

@test "rsync 23: partial, not rotated" {
	begin
	night 0
	ends alpha 23
	night 3
	contains "$stderr" 'alpha: partial'
	[[ $(newest alpha) == "partial .sync" ]]
	[[ $(newest beta) == "complete hourly.0" ]]
	again
}

@test "rsync 23: partial, rotated where that is wanted" {
	begin rotate-partial=yes
	ends alpha 23
	night 3
	[[ $(newest alpha) == "partial hourly.0" ]]
}

@test "rsync 23, the real one: a file that cannot be read" {
	requires strace
	begin
	for_source alpha 'exec strace -f -qq -o /dev/null -P dir/two -P two -e inject=openat:error=EACCES \
		/usr/bin/rsync "$@"'
	night 3
	[[ $(newest alpha) == "partial .sync" ]]
	contains "$(ss-catalog savesets --json alpha | jq -r .reason)" 'exit 23: .*failed to open'
}

@test "another failure, link_dest 1, with a predecessor: rolled back, stale" {
	begin
	night 0
	torn alpha 12
	failed 'rsync exit 12' stale
}

@test "another failure, link_dest 1, the first one: failed" {
	begin
	torn alpha 12
	night 2
	contains "$stderr" 'alpha: failed, rsync exit 12'
	[[ $(newest alpha) == "failed "* ]]
	[ ! -e "$ROOT/.sync/alpha" ]
	[ ! -e "$ROOT/hourly.0/alpha" ]
	again
}

@test "another failure, link_dest 0: failed, what is torn bears no marker" {
	LINK_DEST=0 begin
	night 0
	torn alpha 11
	night 2
	contains "$stderr" 'alpha: failed, rsync exit 11'
	[[ $(newest alpha) == "failed "* ]]
	[ ! -e "$ROOT/.sync/.secondshot/alpha" ]
	[ "$(cat "$ROOT/hourly.0/alpha/night")" = x ]
	well
	night 0
	diff -r "$SRC/alpha" "$ROOT/hourly.0/alpha"
}

@test "another failure, link_dest 0, the first one" {
	LINK_DEST=0 begin
	torn alpha 30
	night 2
	[[ $(newest alpha) == "failed "* ]]
	[ ! -e "$ROOT/hourly.0/alpha" ]
	well
	night 0
	[[ $(newest alpha) == "complete "* ]]
}

@test "rsync 1, wrong usage: not rolled back, failed" {
	begin
	night 0
	sed -i "s|\talpha/$|&\t+rsync_long_args=--frobnicate|" "$RSNAPSHOT_CONF"
	night 2
	contains "$stderr" 'alpha: failed, rsync exit 1: .*frobnicate: unknown option'
	[[ $(newest alpha) == "failed "* ]]
	[ ! -e "$ROOT/.sync/alpha" ]
}

@test "rsync dies of a signal" {
	begin
	night 0
	for_source alpha 'kill -KILL $$'
	failed 'rsync signal 9 \(Killed\)' stale
	for_source alpha '/usr/bin/rsync "$@"; kill -SEGV $$'
	night 2
	contains "$stderr" 'alpha: failed, rsync signal 11'
}

@test "rsnapshot dies of a signal" {
	begin
	night 0
	# rsnapshot, which started ss-rsync, which started us.
	for_source alpha 'kill -KILL "$(awk "{ print \$4 }" /proc/$PPID/stat)"; exec sleep 60'
	failed 'rsnapshot signal 9'
}

@test "rsnapshot refuses a host: that host fails" {
	begin
	night 0
	cp "$RSNAPSHOT_CONF" conf
	sed -i "s|\talpha/$|&\tfrobnicate=1|" "$RSNAPSHOT_CONF"
	night 2
	contains "$stderr" 'alpha: failed, rsnapshot exit 1'
	[[ $(newest beta) == "complete hourly.0" ]]
	cp conf "$RSNAPSHOT_CONF"
	again
}

@test "rsnapshot has warnings of its own: complete" {
	RSNAPSHOT_MORE="du_args\t -csh" begin
	night 0
	contains "$stderr" 'extra space found'
	[[ $(newest alpha) == "complete hourly.0" ]]
}

@test "rsync is tried again, and the last time counts" {
	RSNAPSHOT_MORE="rsync_numtries\t2" begin
	for_source alpha "[ -e $PWD/tried ] || { touch $PWD/tried; exit 12; }; exec /usr/bin/rsync \"\$@\""
	night 0
	[[ $(newest alpha) == "complete hourly.0" ]]
}

# two_lines: alpha has two lines with one destination.
two_lines() {
	mkdir -p src/one src/two
	echo 1 >src/one/1
	echo 2 >src/two/2
	RSNAPSHOT_MORE="rsync_long_args\t--relative\nbackup\t$PWD/src/./one/\talpha/\nbackup\t$PWD/src/./two/\talpha/" \
		HOSTS=beta begin
}

@test "several points with one destination: the worst counts" {
	two_lines
	ends one 24
	ends two 23
	night 3
	[[ $(newest alpha) == "partial "* ]]
	well
	ends one 24
	night 0
	[[ $(newest alpha) == "complete hourly.0" ]]
	well
	# What rsnapshot rolls back is the whole destination; the second line is not tried.
	torn one 12
	night 2
	contains "$stderr" 'alpha: failed, rsync exit 12'
	[[ $(newest alpha) == "stale "* ]]
	[ ! -e "$ROOT/.sync/alpha" ]
	well
	torn two 12
	night 2
	[[ $(newest alpha) == "stale "* ]]
	[ ! -e "$ROOT/.sync/alpha" ]
	well
	night 0
	[[ -e $ROOT/hourly.0/alpha/one/1 && -e $ROOT/hourly.0/alpha/two/2 ]]
}

@test "several destinations: one that fails fails the host" {
	mkdir -p src/one src/two
	echo 1 >src/one/1
	echo 2 >src/two/2
	RSNAPSHOT_MORE="backup\t$PWD/src/one/\talpha/one/\nbackup\t$PWD/src/two/\talpha/two/" HOSTS=beta begin
	night 0
	ends two 12
	night 2
	contains "$stderr" 'alpha: failed, alpha/two: rsync exit 12'
	[ ! -e "$ROOT/.sync/alpha" ]
	[[ -e $ROOT/hourly.0/alpha/one/1 && -e $ROOT/hourly.0/alpha/two/2 ]]
}

@test "an empty source: failed, and what is there may be accepted" {
	begin
	night 0
	mv "$SRC/alpha" kept
	mkdir "$SRC/alpha"
	SECONDSHOT_NOW=$((SECONDSHOT_NOW + 3600))
	run_code 2 ss-run
	contains "$stderr" "alpha: failed, $SRC/alpha/: source is empty; is it mounted\?"
	[[ $(newest alpha) == "failed "* ]]
	[ -e "$ROOT/hourly.0/alpha/one" ]
	[[ $(newest beta) == "complete hourly.0" ]]
	[ ! -e "$ROOT/.sync/.secondshot/alpha" ]
	ss-catalog add --accept alpha | ss-hash | ss-catalog store
	run_ok ss-run
	[ -z "$(ls "$ROOT/hourly.0/alpha")" ]
	# It was empty before.
	run_ok ss-run
	rmdir "$SRC/alpha"
	mv kept "$SRC/alpha"
	again
}

@test "one of several sources is empty" {
	two_lines
	night 0
	rm src/two/2
	night 2
	contains "$stderr" "alpha: failed, $PWD/src/./two/: source is empty"
	[ -e "$ROOT/hourly.0/alpha/two/2" ]
	echo 2 >src/two/2
	night 0
}

@test "a source is empty into which another one is copied" {
	mkdir -p src/out src/in
	echo 1 >src/out/1
	echo 2 >src/in/2
	RSNAPSHOT_MORE="backup\t$PWD/src/out/\talpha/\nbackup\t$PWD/src/in/\talpha/in/" HOSTS=beta begin
	night 0
	rm src/out/1
	night 2
	contains "$stderr" "alpha: failed, $PWD/src/out/: source is empty"
}

@test "a source is not mounted" {
	requires root mountns
	begin
	mkdir disk
	cp -a "$SRC/alpha" disk/
	night 0
	export SRC
	run --separate-stderr unshare -m bash -c 'mount -t tmpfs none "$SRC/alpha" && exec ss-run'
	[ "$status" -eq 2 ]
	contains "$stderr" 'alpha: failed, .*is it mounted'
	again
}

@test "a directory that became a file is no empty source" {
	mkdir -p src/thing
	echo 1 >src/thing/1
	RSNAPSHOT_MORE="backup\t$PWD/src/thing\talpha/" HOSTS=beta begin
	night 0
	rm -r src/thing
	echo 1 >src/thing
	run ss-run
	lacks "$output" 'source is empty'
}

@test "a local source is missing: that host fails, and the others rotate" {
	begin
	night 0
	mv "$SRC/alpha" kept
	night 2
	contains "$stderr" "alpha: failed, $SRC/alpha/: No such file or directory"
	[[ $(newest alpha) == "failed "* ]]
	[[ $(newest beta) == "complete hourly.0" ]]
	[ -e "$ROOT/hourly.0/alpha/one" ]
	mv kept "$SRC/alpha"
	again
}

# scripted: alpha is made by a backup_script.
scripted() {
	printf '#!/bin/bash\ncat %q/dump >dump\n' "$PWD" >script
	chmod +x script
	echo 1 >dump
	RSNAPSHOT_MORE="backup_script\t$PWD/script now\talpha/" HOSTS=beta begin
	night 0
	[ "$(cat "$ROOT/hourly.0/alpha/dump")" = 1 ]
}

@test "a backup_script fails: what rsnapshot puts back is stale" {
	scripted
	echo 'exit 3' >>script
	night 2
	contains "$stderr" 'alpha: failed, rsnapshot exit 1'
	[[ $(newest alpha) == "stale "* ]]
	[ ! -e "$ROOT/.sync/alpha" ]
	[[ $(newest beta) == "complete hourly.0" ]]
}

@test "a backup_script is missing, or leaves nothing" {
	scripted
	chmod -x script
	night 2
	contains "$stderr" "alpha: failed, backup_script $PWD/script now: cannot be executed"
	[[ $(newest beta) == "complete hourly.0" ]]
	printf '#!/bin/bash\n' >script
	chmod +x script
	night 2
	contains "$stderr" 'alpha: failed, alpha: backup_script left nothing'
	[ -e "$ROOT/hourly.0/alpha/dump" ]
}

# remote SCRIPT [TIMEOUT]: alpha lies on another machine, reached by this instead of ssh.
remote() {
	printf '#!/bin/bash\n%s\n' "$1" >ssh
	chmod +x ssh
	RSNAPSHOT_MORE="cmd_ssh\t$PWD/ssh\nbackup\tfar:$PWD/src/alpha/\talpha/" HOSTS=beta begin host-timeout="${2:-100s}"
	source_tree "$SRC/alpha"
}

@test "a host is away" {
	remote 'echo no route to it >&2; exit 255'
	night 2
	contains "$stderr" 'alpha: failed, rsync exit [0-9]+: no route to it$'
	[[ $(newest alpha) == "failed "* ]]
	[[ $(newest beta) == "complete hourly.0" ]]
}

@test "the reason is what ssh said, whatever rsync says of the pipe to it" {
	begin
	local line
	for line in 'rsync: [Receiver] safe_write failed to write 4 bytes to socket: Broken pipe (32)' \
		'rsync: [generator] write error: Connection reset by peer (104)' \
		'rsync: [Receiver] connection unexpectedly closed (0 bytes received so far)'; do
		for_source alpha "printf '%s\n' 'no route to it' '$line' 'rsync error: unexplained error' >&2; exit 255"
		night 2
		contains "$stderr" 'alpha: failed, rsync exit 255: no route to it$'
	done
}

@test "a host does not answer" {
	remote 'exec sleep 60' 1s
	night 2
	contains "$stderr" 'alpha: failed, rsync exit 30'
}

@test "a host dies in mid-transfer, and its ssh stays behind" {
	remote "shift; (sleep 300 & echo \$! >$PWD/left) >/dev/null </dev/null
		bash -c \"\$*\" | { head -c 600; sleep 60; }" 5s
	head -c 100000 /dev/urandom >src/alpha/large 2>/dev/null || true
	night 2
	kill "$(cat left)"
	contains "$stderr" 'alpha: failed, rsync exit 30'
	[ ! -e "$ROOT/.sync/alpha" ]
}

@test "the timeout is a command's own, where it has one, and none of a local source's" {
	remote 'shift; exec bash -c "$*"'
	for_source alpha "printf '%s\n' \"\$@\" >$PWD/args; exec /usr/bin/rsync \"\$@\""
	for_source beta "printf '%s\n' \"\$@\" >$PWD/args.beta; exec /usr/bin/rsync \"\$@\""
	night 0
	grep -qx -- --timeout=100 args
	run_code 1 grep timeout args.beta
	sed -i "s|\talpha/$|&\t+rsync_long_args=--timeout=77|" "$RSNAPSHOT_CONF"
	night 0
	[ "$(grep -- --timeout args)" = --timeout=77 ]
	sed -i "s|\t+rsync_long.*||" "$RSNAPSHOT_CONF"
	run_ok ss-run --host-timeout=0
	run_code 1 grep timeout args
}
