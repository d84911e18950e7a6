#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# bats file_tags=slow
# rrsync where a part is missing: an older kernel, an older rsync, no privileges.  It
# works with the rest and logs which part is missing; -strict refuses.
# NS is a command and its arguments.
# shellcheck disable=SC2154,SC2206

load helpers
load rrsync/lib


setup_file() {
	unmet source_needs mountns nsenter && return 0
	helper enosys peer
	older_rsync "$HELPERS/rsync"
	variant old RSYNC="$HELPERS/rsync"
	variant peer RSYNC="$HELPERS/peer"
	syslog_start
	chmod 0755 "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR"
}

teardown_file() {
	syslog_stop
}

setup() {
	met
	cd "$BATS_TEST_TMPDIR" || return
	mkdir out dir
	source_tree dir/tree
	printf 'CANARY\n' >out/secret
	WITHOUT=($NS)
}

# without ARGUMENT...: enosys, before each rrsync from now on.
without() {
	WITHOUT=($NS "$HELPERS/enosys" "$@")
}

# fetch RRSYNC OPTIONS: pull the tree; what was said is in "said" and in the log.
fetch() {
	local rrsync=$1 options=$2
	rm -rf result
	: >"$SYSLOG"
	# shellcheck disable=SC2086
	rsync -aH -e "$(near "${WITHOUT[@]}" "$rrsync" $options "$PWD/dir")" \
		source:/tree/ result/ >said 2>&1
}

# silent: nothing was said, and nothing logged.
silent() {
	[[ ! -s said ]] || { cat said; return 1; }
	[[ ! -s $SYSLOG ]] || { cat "$SYSLOG"; return 1; }
}

# bring RRSYNC OPTIONS: push one to a directory of its own.
bring() {
	local rrsync=$1 options=$2
	rm -rf there
	mkdir there
	: >"$SYSLOG"
	# shellcheck disable=SC2086
	rsync -aH -e "$(near "${WITHOUT[@]}" "$rrsync" $options "$PWD/there")" \
		dir/tree/ source:/ >said 2>&1
}

# works_lacking RRSYNC PATTERN...: in both directions, and logs what is missing; -strict
# refuses and says it.
works_lacking() {
	local rrsync=$1 part
	shift
	fetch "$rrsync" -ro
	equal dir/tree result
	[ ! -s said ]
	for part; do logged "not confined by: .*$part"; done
	bring "$rrsync" ""
	equal dir/tree there
	[ ! -s said ]
	for part; do logged "not confined by: .*$part"; done
	not fetch "$rrsync" "-ro -strict"
	for part; do contains "$(<said)" "error: .*$part"; done
	[ ! -e result/one ]
	SSH_ORIGINAL_COMMAND=true run_code 1 "${WITHOUT[@]}" "$rrsync" -ro -strict "$PWD/dir"
	for part; do contains "$stderr" "error: .*$part"; done
	SSH_ORIGINAL_COMMAND=true run_ok "${WITHOUT[@]}" "$rrsync" -ro "$PWD/dir"
	not bring "$rrsync" -strict
	for part; do contains "$(<said)" "error: .*$part"; done
	[ ! -e there/one ]
}

equal() {
	run_ok rsync -aHnic --delete "$1/" "$2/"
	[ "$output" = "" ]
}

# content_is_safe: what a hostile rsync cannot read or write outside, with the rest.
content_is_safe() {
	SSH_ORIGINAL_COMMAND='rsync --server -e.LsfxCIvu . /' \
		"${WITHOUT[@]}" "$HELPERS/peer.build/rrsync" -no-lock "$PWD/dir" >answers 2>said <<-END
		read $PWD/out/secret
		write $PWD/out/secret
		create $PWD/out/new
		list $PWD/out
		unlink $PWD/out/secret
		mkdir $PWD/out/made
		rename $PWD/out/secret $PWD/dir/secret
		exec /bin/sh -n
	END
	[ "$(grep -c ': E' answers)" == 8 ]
	[ "$(<out/secret)" == CANARY ]
	[ ! -e out/new ]
}

@test "with all parts it is silent, and -strict is content" {
	fetch "$RRSYNC" -ro
	silent
	fetch "$RRSYNC" "-ro -strict"
	silent
	equal dir/tree result
	bring "$RRSYNC" -strict
	silent
	equal dir/tree there
	content_is_safe
	SSH_ORIGINAL_COMMAND=true run_ok "$RRSYNC" -strict "$PWD/dir"
	[ "$output$stderr" = "" ]
}

@test "a kernel without Landlock" {
	without landlock_create_ruleset landlock_add_rule landlock_restrict_self --
	works_lacking "$RRSYNC" Landlock
	content_is_safe
}

@test "a kernel where Landlock is switched off, and one that forbids it" {
	without -p landlock_create_ruleset --
	works_lacking "$RRSYNC" Landlock
	without landlock_restrict_self --
	works_lacking "$RRSYNC" Landlock
	content_is_safe
}

@test "older Landlocks, of which Debian 12 has the second" {
	local abi
	for abi in 2 3 4 5 6; do
		without -a $abi --
		fetch "$RRSYNC" -ro
		equal dir/tree result
		[ ! -s said ]
		bring "$RRSYNC" ""
		equal dir/tree there
		content_is_safe
	done
}

@test "the first Landlock cannot allow hard links: it is left out where rrsync writes" {
	without -a 1 --
	fetch "$RRSYNC" -ro
	equal dir/tree result
	bring "$RRSYNC" ""
	equal dir/tree there
	logged Landlock
	content_is_safe
}

@test "no mount namespace" {
	without -p unshare mount --
	works_lacking "$RRSYNC" 'mount namespace'
	content_is_safe
}

# refused_all, done_all: what a hostile rsync was told.
told() {
	SSH_ORIGINAL_COMMAND='rsync --server -e.LsfxCIvu . /' \
		"${WITHOUT[@]}" "$HELPERS/peer.build/rrsync" -no-lock "$PWD/dir" >answers 2>said
	grep -q ': ' answers
}

teardown() {
	unkept
	test_end
}

@test "no pid namespace, or no ipc namespace, or neither: the filter refuses the calls all the same" {
	local part
	requires ipcmk taskset ionice
	kept
	kept_state >before
	for part in pidns ipcns unshare; do
		without -p $part --
		case $part in
		pidns) works_lacking "$RRSYNC" 'pid namespace' ;;
		ipcns) works_lacking "$RRSYNC" 'ipc namespace' ;;
		unshare) works_lacking "$RRSYNC" 'ipc namespace, pid namespace, mount namespace' ;;
		esac
		content_is_safe
		told < <(by_number; by_name; by_id; doors_by_name; echo 'kill -1 28')
		not grep -v ': EPERM$' answers
		told <<<$'limits 0\nown 12'
		not grep -v ': ok$' answers
		# Signals: Landlock's scope stands in for the namespace.
		told < <(by_signal)
		not grep -vE ': E(PERM|SRCH)$' answers
	done
	kept_state >after
	diff before after
}

@test "no pid namespace, and a Landlock that does not know signals: -check and -strict name it" {
	local abi
	kept
	for abi in 2 5; do
		without -p -a $abi pidns --
		works_lacking "$RRSYNC" 'pid namespace' 'signal scope'
		run_code 0 "${WITHOUT[@]}" "$RRSYNC" -check -ro "$PWD/dir"
		contains "$output" 'missing .*pid namespace.*signal scope'
		# What it names is so: this is all that gets through.
		told < <(by_signal)
		not grep -v ': ok$' answers
		told < <(by_number; by_name; by_id)
		not grep -v ': EPERM$' answers
	done
	# With the namespace it is not needed.
	without -a 2 --
	fetch "$RRSYNC" "-ro -strict"
	silent
	run_code 0 "${WITHOUT[@]}" "$RRSYNC" -check -ro "$PWD/dir"
	contains "$output" 'missing +nothing'
	told < <(by_signal)
	not grep -v ': ESRCH$' answers
}

@test "the namespaces alone: no other process is there, and nothing by an id" {
	requires ipcmk taskset ionice
	kept
	kept_state >before
	without landlock_create_ruleset seccomp --
	told < <(by_signal; by_number; by_id)
	# A pipe's owner that is not there is none; all others say so.
	not grep -vE ': E(SRCH|INVAL|PERM)$|^owner' answers
	grep -q 'prlimit.*: ESRCH' answers
	grep -q 'shm at.*: EINVAL' answers
	kept_state >after
	diff before after
}

@test "a container whose /proc is covered in part: that one stays, and is named" {
	unshare -Urmpf --mount-proc true 2>/dev/null || skip "needs user namespaces"
	# shellcheck disable=SC2016
	WITHOUT=(unshare -Urmpf --mount-proc sh -c 'mount -t tmpfs none /proc/sys && exec unshare -Urm "$@"' covered)
	run_code 0 "${WITHOUT[@]}" "$RRSYNC" -check -ro "$PWD/dir"
	contains "$output" 'missing +/proc of its own'
	run_code 1 "${WITHOUT[@]}" "$RRSYNC" -check -strict -ro "$PWD/dir"
	contains "$stderr" 'error: -strict, and this host lacks: /proc of its own'
	content_is_safe
	told < <(echo 'prlimit 1'; echo 'vmread 1 1000'; echo "read /proc/1/environ")
	not grep -v ': E' answers
}

@test "a kernel without the calls that make a view, and without openat2" {
	without fsopen open_tree move_mount mount_setattr openat2 statx close_range --
	works_lacking "$RRSYNC" 'mount namespace'
	content_is_safe
}

@test "a kernel without seccomp" {
	without seccomp --
	works_lacking "$RRSYNC" seccomp
	content_is_safe
}

@test "capabilities that cannot be dropped" {
	without -p capset --
	works_lacking "$RRSYNC" capabilities
	content_is_safe
}

# changes_nothing ORDER...: what a hostile rsync tries with -ro in a DIR of its own user.
changes_nothing() {
	SSH_ORIGINAL_COMMAND='rsync --server --sender -e.LsfxCIvu . /' \
		"${WITHOUT[@]}" "$HELPERS/peer.build/rrsync" -ro "$PWD/dir" >answers 2>said \
		< <(printf '%s\n' "$@")
	[[ $(grep -c ': E' answers) == "$#" && $(<dir/tree/one) == one ]] || { cat answers; return 1; }
}

@test "-ro: each of three parts keeps files from being changed, whichever others are missing" {
	local landlock=(landlock_create_ruleset landlock_add_rule landlock_restrict_self)
	local view=(unshare fsopen open_tree move_mount mount_setattr)
	local calls=("mkdir $PWD/dir/made" "unlink $PWD/dir/tree/one" "rename $PWD/dir/tree/one $PWD/dir/moved")
	local opens=("write $PWD/dir/tree/one" "create $PWD/dir/new")
	without "${landlock[@]}" seccomp --
	changes_nothing "${calls[@]}" "${opens[@]}"
	logged 'not confined by: .*Landlock.*seccomp'
	: >"$SYSLOG"
	without "${view[@]}" seccomp --
	changes_nothing "${calls[@]}" "${opens[@]}"
	logged 'not confined by: .*mount namespace.*seccomp'
	: >"$SYSLOG"
	# The filter of system calls knows the calls, not how a file is opened.
	without "${landlock[@]}" "${view[@]}" --
	changes_nothing "${calls[@]}"
	logged 'not confined by: .*mount namespace.*Landlock'
}

@test "an rsync that cannot confine itself" {
	works_lacking "$HELPERS/old.build/rrsync" confine-root
}

@test "nothing of it: the arguments are judged all the same" {
	without landlock_create_ruleset unshare fsopen open_tree move_mount mount_setattr openat2 seccomp capset --
	works_lacking "$HELPERS/old.build/rrsync" Landlock 'mount namespace' seccomp capabilities confine-root
	run env SSH_ORIGINAL_COMMAND="rsync --server --sender -e.L . ../out/secret" \
		"${WITHOUT[@]}" "$RRSYNC" -ro "$PWD/dir"
	[ "$status" -ne 0 ]
	contains "$output" '\.\.'
	ln -s ../out dir/link
	run env SSH_ORIGINAL_COMMAND="rsync --server --sender -e.L . link/secret" \
		"${WITHOUT[@]}" "$RRSYNC" -ro "$PWD/dir"
	[ "$status" -ne 0 ]
	lacks "$output" CANARY
}

# An ordinary user, whose own files these are.
as_user() {
	WITHOUT=($NS setpriv --reuid 65534 --regid 65534 --clear-groups "$@")
	chmod 0755 "$BATS_TEST_TMPDIR" "${BATS_TEST_TMPDIR%/*}"
	mkdir there
	chown -R 65534:65534 dir
}

@test "an ordinary user, who has no mount namespace but the rest" {
	requires setpriv
	[[ -x $RRSYNC ]] && setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$RRSYNC" ||
		skip "the build is not for everybody"
	as_user
	fetch "$RRSYNC" -ro
	equal dir/tree result
	mkdir dir/there
	chown 65534:65534 dir/there
	chmod 0600 out/secret
	rsync -rltH -e "$(near "${WITHOUT[@]}" "$RRSYNC" "$PWD/dir")" dir/tree/ source:/there/ >said 2>&1
	[ "$(<dir/there/dir/two)" == two ]
	content_is_safe
}

@test "an ordinary user without Landlock" {
	requires setpriv
	setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$RRSYNC" || skip "the build is not for everybody"
	as_user "$HELPERS/enosys" landlock_create_ruleset --
	fetch "$RRSYNC" -ro
	equal dir/tree result
	logged Landlock
	not fetch "$RRSYNC" "-ro -strict"
}
