#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# rrsync's own options: what it logs, allows, denies, how fast it sends, what it says
# about this host.
# NS is a command and its arguments.
# shellcheck disable=SC2154,SC2086

load helpers
load rrsync/lib


setup_file() {
	unmet requires root rsync mountns nsenter perl && return 0
	syslog_start
}

teardown_file() {
	syslog_stop
}

setup() {
	met
	cd "$BATS_TEST_TMPDIR" || return
	DIR=$PWD/dir
	mkdir dir
	printf 'one\n' >dir/one
	: >"$SYSLOG"
}

PULL='rsync --server --sender -logDtpre.iLsfxCIvu . /'

# asked COMMAND OPTION...: what rrsync answers; its log is in $SYSLOG.
asked() {
	local command=$1
	shift
	status=0
	SSH_ORIGINAL_COMMAND=$command SSH_CONNECTION='192.0.2.1 40000 192.0.2.2 22' \
		$NS env -C "$PWD" "$RRSYNC" "$@" </dev/null >answer 2>answer.err || status=$?
	output=$(tr '\0' ' ' <answer)
	stderr=$(<answer.err)
}

# refused COMMAND PATTERN OPTION...
refused() {
	local pattern=$2
	asked "$1" "${@:3}"
	[ "$status" -eq 1 ]
	[ "$output" = "" ]
	contains "$stderr" "rrsync error: .*$pattern"
}

# accepted COMMAND OPTION...: it comes to rsync, which then misses its other side.
accepted() {
	asked "$@"
	[ "$status" -eq 12 ]
	lacks "$stderr" 'rrsync error'
}

@test "wrong usage is refused with a reason, -help is not" {
	refused "$PULL" 'DIR' -ro
	refused "$PULL" 'two' -ro "$DIR" two
	refused "$PULL" 'no-such-option' -no-such-option "$DIR"
	refused "$PULL" 'wo.*ro' -ro -wo "$DIR"
	refused "$PULL" 'directory' -ro "$DIR/not-there"
	refused "$PULL" 'directory' -ro "$DIR/one"
	refused "$PULL" 'argument' "$DIR" -log
	refused "$PULL" 'facility' -log nonsense "$DIR"
	refused "$PULL" 'rate' -rate fast "$DIR"
	# The stock script's words, also where nothing follows.
	refused 'rsyncs --server . /' 'does not run rsync' "$DIR"
	refused rsync 'server option is not the first arg' "$DIR"
	refused 'rsync --servers . /' 'server option is not the first arg' "$DIR"
	refused 'rsync --server' 'invalid rsync-command syntax or options' "$DIR"
	refused 'rsync --server' 'sending to read-only' -ro "$DIR"
	run_code 1 env -u SSH_ORIGINAL_COMMAND "$RRSYNC" -ro "$DIR"
	contains "$stderr" 'sshd'
	run_ok "$RRSYNC" -help
	contains "$output" '^usage: rrsync '
	run_ok "$RRSYNC" -h
}

@test "true is answered, for all who want to know whether the host is there" {
	asked true -ro "$DIR"
	[ "$status" -eq 0 ]
	[ "$output$stderr" = "" ]
	refused 'true ' 'rsync' -ro "$DIR"
	refused 'false' 'rsync' -ro "$DIR"
	refused 'true; id' 'rsync' -ro "$DIR"
}

@test "-log tells who asked for what, in the facility it is told" {
	accepted "$PULL" -ro -log local3 "$DIR"
	logged "^<158>.* rrsync\[[0-9]+\]: .*accepted.*192\.0\.2\.1.*uid 0.*$DIR.*--sender"
	[ "$(grep -c . "$SYSLOG")" == 1 ]
	: >"$SYSLOG"
	accepted "$PULL" -ro -log auth "$DIR"
	logged '^<38>'
}

@test "-log tells what was refused and why" {
	refused "rsync --server --sender --daemon . /" daemon -ro -log auth "$DIR"
	logged '^<3[0-7]>.*refused.*daemon.*192\.0\.2\.1'
	: >"$SYSLOG"
	refused "rsync --server -e.L . /" read-only -ro -log auth "$DIR"
	logged 'refused.*read-only'
	: >"$SYSLOG"
	refused "rm -rf /" 'does not run rsync' -ro -log auth "$DIR"
	logged 'refused.*rm -rf /'
	[ "$(grep -c . "$SYSLOG")" == 1 ]
}

@test "the log has one line a request, and nothing raw in it" {
	local evil
	evil=$'rsync --server --sender -e.L . a\nb\e[31m\x7f\xc2\x9b\xff\xe2\x80\xae%s%n \t\r'
	asked "$evil" -ro -log auth "$DIR"
	logged 'rrsync'
	[ "$(grep -c . "$SYSLOG")" == 1 ]
	not grep -qP '[^\x20-\x7e]' "$SYSLOG"
	logged '%s%n'
	lacks "$stderr" $'\e'
}

# bats test_tags=more
@test "a very long request is cut in the log, and says so" {
	refused "rsync --server --sender $(printf 'x%.0s' {1..50000}) . /" '' -ro -log auth "$DIR"
	logged '\.\.\.'
	(($(wc -c <"$SYSLOG") < 4000))
}

# bats test_tags=more
@test "without -log nothing is logged" {
	accepted "$PULL" -ro "$DIR"
	refused "rsync --server -e.L . /" read-only -ro "$DIR"
	[ ! -s "$SYSLOG" ]
}

@test "-allow accepts an option that is refused otherwise, under each of its names" {
	local name
	refused "rsync --server --sender -Le.L . /" '-L' -ro "$DIR"
	for name in L -L copy-links --copy-links; do
		accepted "rsync --server --sender -Le.L . /" -ro -allow "$name" "$DIR"
	done
	refused "rsync --server --sender -ke.L . /" '-k' -ro -allow L "$DIR"
	accepted "rsync --server --sender -kLe.L . /" -ro -allow L -allow k "$DIR"
	accepted "rsync --server --sender -e.L --copy-unsafe-links . /" -ro -allow copy-unsafe-links "$DIR"
}

# bats test_tags=more
@test "-allow cannot take the checks away" {
	local name
	for name in s daemon server sender config rsh nonsense e log-file delete ''; do
		refused "$PULL" 'allow' -ro -allow "$name" "$DIR"
	done
}

@test "-allow copy-links: a link within DIR is followed, one out of it is not" {
	printf 'CANARY\n' >secret
	ln -s one dir/inner
	ln -s ../secret dir/outer
	mkdir result
	run_code 23 rsync -rL -e "$(near "$RRSYNC" -ro -allow copy-links "$DIR")" source:/ result/
	[ "$(<result/inner)" == one ]
	[ ! -e result/outer ]
}

# bats test_tags=more
@test "-deny refuses an option under each of its names" {
	local name
	accepted "rsync --server -rze.L --delete . /" -no-lock "$DIR"
	for name in delete --delete; do
		refused "rsync --server -re.L --delete . /" 'delete' -deny "$name" "$DIR"
	done
	for name in z -z compress --compress; do
		refused "rsync --server -rze.L . /" '-z' -deny "$name" "$DIR"
	done
	accepted "rsync --server --sender -re.L . /" -ro -deny z -deny delete "$DIR"
	refused "rsync --server --sender -Le.L . /" '-L' -ro -allow L -deny L "$DIR"
	refused "$PULL" 'deny' -deny nonsense "$DIR"
}

# tenths COMMAND...: how long it took, in tenths of a second, in TENTHS.
tenths() {
	local begin=${EPOCHREALTIME/./}
	"$@"
	TENTHS=$(((${EPOCHREALTIME/./} - begin) / 100000))
}

# fetch RATE RSYNC-OPTION...
fetch() {
	rm -rf result
	rsync -a -e "$(near "$RRSYNC" -ro -rate "$1" "$DIR")" "${@:2}" source:/random result
	cmp dir/random result
}

# bats test_tags=more
@test "-rate bounds how fast it sends, whatever the client wants" {
	head -c 600000 /dev/urandom >dir/random
	tenths fetch 300
	((TENTHS >= 12))
	tenths fetch 300 --bwlimit=100000
	((TENTHS >= 12))
	tenths fetch 300 --bwlimit=0
	((TENTHS >= 12))
	# And no less: see rrsync.bats for what rsync is told.
}

# bats test_tags=more
@test "-rate: a lower limit of the client stays" {
	head -c 600000 /dev/urandom >dir/random
	tenths fetch 100m --bwlimit=300
	((TENTHS >= 12))
}

@test "-check says what is enforced here, and gives a line for authorized_keys" {
	run_ok "$RRSYNC" -check -ro -log auth "$DIR"
	contains "$output" "$DIR"
	contains "$output" 'read only'
	contains "$output" 'uid 0'
	contains "$output" "Linux $(uname -r)"
	contains "$output" 'Landlock ABI [0-9]'
	contains "$output" "$(rsync --version | grep -o 'version [0-9.]*')"
	contains "$output" "restrict,command=\".*rrsync -ro -log auth $DIR\""
	contains "$output" 'missing +nothing'
	if rsync --help | grep -q confine-root; then contains "$output" '--confine-root'; fi
}

# bats test_tags=more
@test "-check names what is missing" {
	helper enosys
	run "$HELPERS/enosys" landlock_create_ruleset unshare -- "$RRSYNC" -check "$DIR"
	contains "$output" 'missing .*Landlock'
	contains "$output" 'missing .*mount namespace'
	contains "$output" 'Landlock ABI 0'
	contains "$output" 'read and write'
}

# bats test_tags=more
@test "-check changes nothing in DIR, and what it names works" {
	local line
	listing dir >before
	line=$("$RRSYNC" -check -ro "$DIR" | sed -n 's/.*command="\([^"]*\)".*/\1/p')
	listing dir >after
	diff before after
	rsync -a -e "$(near $line)" source:/one got
	cmp dir/one got
}

# bats test_tags=more
@test "a relative DIR, a link to DIR, a DIR with spaces" {
	ln -s dir link
	mkdir 'a dir'
	printf 'two\n' >'a dir/two'
	accepted "rsync --server --sender -e.L . /two" -ro "a dir"
	accepted "rsync --server --sender -e.L . /one" -ro link
	rsync -a -e "$(near "$RRSYNC" -ro "$PWD/link")" source:/one got
	cmp dir/one got
}

@test "-absolute: names below DIR's own path are understood" {
	rsync -a -e "$(near "$RRSYNC" -ro -absolute "$DIR")" "source:$DIR/one" got
	cmp dir/one got
	refused "rsync --server --sender -e.L . $DIR/../secret" '\.\.' -ro -absolute "$DIR"
	not rsync -a -e "$(near "$RRSYNC" -ro "$DIR")" "source:$DIR/one" got2
}

# bats test_tags=more
@test "-no-del refuses to delete, -no-overwrite what could replace" {
	local option
	for option in delete delete-before delete-during delete-after delete-delay delete-excluded \
		delete-missing-args remove-source-files; do
		refused "rsync --server -re.L --$option . /" "$option" -no-del "$DIR"
	done
	for option in --log-file=/x --partial-dir=/x --delay-updates --backup-dir=/x; do
		refused "rsync --server -re.L $option . /" "${option%=*}" -no-overwrite "$DIR"
	done
	[ "$(ls dir)" == one ]
}

@test "two writers: the second is told so as long as the first one's rsync lives" {
	local first hold push='rsync --server -re.LsfxCIvu . /'
	mkfifo hold
	SSH_ORIGINAL_COMMAND=$push "$RRSYNC" "$DIR" <hold >first 2>&1 3>&- &
	first=$!
	exec {hold}>hold
	# It has become rsync, which tells its version and waits for ours.
	until_true test -s first
	refused "$push" 'Another' "$DIR"
	refused "$push" 'Another' -wo "$DIR"
	accepted "$PULL" -ro "$DIR"
	accepted "$push" -no-lock "$DIR"
	kill -0 "$first"
	exec {hold}>&-
	wait "$first" || :
	accepted "$push" "$DIR"
}

# waiting: an rrsync whose rsync waits for its client, in OUTER; INNER is that rsync.
waiting() {
	local first
	rm -f hold greeting
	mkfifo hold
	SSH_ORIGINAL_COMMAND='rsync --server -re.LsfxCIvu . /' "$RRSYNC" -no-lock "$DIR" <hold >greeting 2>ended 3>&- &
	OUTER=$!
	exec {HOLD}>hold
	until_true test -s greeting
	first=$(pgrep -P "$OUTER")
	INNER=$(pgrep -P "$first")
	[[ $(<"/proc/$INNER/comm") == rsync ]]
}

@test "rsync is in a pid namespace: signals come to it, its end is rrsync's, and with rrsync all ends" {
	local code=0
	unshare -p true 2>/dev/null || skip "needs a pid namespace"
	# rsync cleans up and says so.
	waiting
	[[ $(readlink "/proc/$INNER/ns/pid") != "$(readlink /proc/self/ns/pid)" ]]
	[[ $(readlink "/proc/$INNER/ns/ipc") != "$(readlink /proc/self/ns/ipc)" ]]
	# The process outside holds nothing, and is in nobody's reach but its own group's.
	[[ -z $(ls "/proc/$OUTER/fd") ]]
	[[ $(ps -o sid= -p "$INNER") != "$(ps -o sid= -p "$OUTER")" ]]
	kill -TERM "$OUTER"
	wait "$OUTER" || code=$?
	[ "$code" -eq 20 ]
	contains "$(<ended)" 'rsync error: received SIGINT, SIGTERM, or SIGHUP'
	# Killed, it takes the others with it.
	waiting
	kill -KILL "$OUTER"
	wait "$OUTER" || code=$?
	[ "$code" -eq 137 ]
	until_true test ! -e "/proc/$INNER"
	# An rsync that is killed: so is rrsync.
	waiting
	kill -KILL "$INNER"
	wait "$OUTER" || code=$?
	[ "$code" -eq 137 ]
	[ ! -e "/proc/$INNER" ]
}

@test "a name that leads to a sibling, or only begins as DIR's does, is not below it" {
	local option
	mkdir dirty
	printf 'CANARY\n' >dirty/secret
	ln -s ../dirty dir/link
	refused 'rsync --server --sender -re.LsfxCIvu . link/secret' 'unsafe|below' -ro "$DIR"
	refused 'rsync --server --sender -re.LsfxCIvu . /link/' 'unsafe|below' -ro "$DIR"
	refused 'rsync --server -re.LsfxCIvu . /link/' 'unsafe|below' "$DIR"
	for option in link-dest backup-dir temp-dir; do
		refused "rsync --server -re.LsfxCIvu --$option=/link . /" 'unsafe|below' "$DIR"
	done
	refused "rsync --server --sender -re.LsfxCIvu . ${DIR}ty/secret" '' -ro -absolute "$DIR"
	[ "$(ls dirty)" = secret ]
}
