#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-run: cmd_preexec, backup_exec and cmd_postexec of rsnapshot's configuration.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# begin: alpha and beta, or HOSTS; "say WORD" and each rsync leave a line in trace.
begin() {
	HOSTS=${HOSTS:-alpha beta} conf
	ss-catalog init
	printf '#!/bin/bash\necho "$@" >>%q/trace\n' "$PWD" >say
	chmod +x say
	wrap_rsync <<-END
		#!/bin/bash
		for tree; do :; done
		echo "rsync \${tree##*.sync/}" >>$PWD/trace
		exec /usr/bin/rsync "\$@"
	END
}

# before HOST LINE: a line of rsnapshot's configuration before that host's.
before() {
	sed -i "s|^backup\t.*\t$1/|$2\n&|" "$RSNAPSHOT_CONF"
}

# last LINE
last() {
	printf '%b\n' "$1" >>"$RSNAPSHOT_CONF"
}

# traced LINE...: that is what happened, in this order.
traced() {
	printf '%s\n' "$@" | diff - trace
	: >trace
}

@test "each once a run, in its place, and an optional one that fails is said" {
	begin
	last "cmd_postexec\t$PWD/say post"
	last "cmd_preexec\t$PWD/say pre"
	before alpha "backup_exec\t$PWD/say one"
	before beta "backup_exec\t$PWD/say two\trequired"
	last "backup_exec\t$PWD/say three\toptional"
	run_ok ss-run
	traced pre one "rsync alpha/" two "rsync beta/" three post
	before beta "backup_exec\texit 4"
	run_code 3 ss-run beta
	traced pre one two "rsync beta/" three post
	contains "$stderr" 'backup_exec: exit 4: exit 4'
	contains "$stderr" 'beta: complete'
	[ "$(ls "$ROOT")" = $'hourly.0\nhourly.1' ]
	[ -d "$ROOT/hourly.1/beta" ]
	[ ! -e rsnapshot.pid ]
	# No transfer: no line among the backup lines.
	run_code 2 ss-run --rotate=daysago
	traced pre post
}

# bats test_tags=more
@test "between the points of one host, by the shell, from the home directory, with nothing of ours" {
	begin
	mkdir -p src/more
	echo x >src/more/x
	sed -i "s|\talpha/$|\talpha/one/|" "$RSNAPSHOT_CONF"
	last "backup_exec\t$PWD/say made\nbackup\t$PWD/src/more/\talpha/two/"
	before beta "backup_exec\t$PWD/say beta"
	last "backup_exec\tpwd >$PWD/where; ls /proc/self/fd | wc -l >$PWD/fds && env >$PWD/env"
	last "backup_exec\techo out; echo err >&2"
	# It may fail itself.
	last "cmd_postexec\t/bin/false"
	mkdir home
	HOME=$PWD/home MYSQL_PWD=secret MARK=mine run_code 2 ss-run
	traced "rsync alpha/one/" beta made "rsync alpha/two/" "rsync beta/"
	contains "$stderr" '^backup_exec: out$'
	contains "$stderr" '^backup_exec: err$'
	[ "$output" = "" ]
	contains "$stderr" 'cmd_postexec: /bin/false: exit 1'
	contains "$stderr" 'beta: complete'
	[ "$(cat where)" = "$PWD/home" ]
	# 0, 1, 2, and what ls reads.
	[ "$(cat fds)" -eq 4 ]
	contains "$(cat env)" '^MARK=mine$'
	contains "$(cat env)" '^PATH=/usr/local/sbin:'
	lacks "$(cat env)" 'secret|LOCK_FD'
}

@test "cmd_preexec fails: nothing is done" {
	begin
	printf '#!/bin/bash\nexit 5\n' >fail
	chmod +x fail
	last "cmd_preexec\t$PWD/fail now\ncmd_postexec\t$PWD/say post"
	run_code 2 ss-run
	contains "$stderr" "cmd_preexec: $PWD/fail now: exit 5"
	[ ! -e trace ]
	[ ! -e "$ROOT/.sync" ]
	[ ! -e rsnapshot.pid ]
}

@test "a required backup_exec fails: what stands behind it, too" {
	begin
	before beta "backup_exec\tkill \$\$\trequired"
	last "backup_exec\t$PWD/say three\ncmd_postexec\t$PWD/say post"
	run_code 2 ss-run
	contains "$stderr" 'alpha: complete'
	contains "$stderr" 'beta: failed, backup_exec: kill \$\$: signal 15'
	traced "rsync alpha/" post
	run_ok ss-catalog savesets --json beta
	[ "$(jq -r .status <<<"$output")" = failed ]
}

@test "a required one behind all hosts: they are complete, and it is said" {
	HOSTS=beta begin
	last "backup_exec\tfalse\trequired"
	run_code 2 ss-run
	contains "$stderr" 'backup_exec: false: exit 1'
	contains "$stderr" 'beta: complete'
	[ -d "$ROOT/hourly.0/beta" ]
}

@test "cmd_postexec comes after a run that failed, and where the disk is away" {
	HOSTS=beta begin
	last "cmd_postexec\t$PWD/say post"
	rm -r "$SRC/beta"
	run_code 2 ss-run
	traced post
	rm "$ROOT/.secondshot/volume"
	last "cmd_preexec\t$PWD/say pre"
	run_code 2 ss-run
	traced pre post
}

@test "and after a cmd_preexec that a signal ended: what it had mounted is there" {
	HOSTS=beta begin
	printf '#!/bin/bash\necho pre >>%q/trace\ntouch %q/mounting\nexec sleep 60\n' "$PWD" "$PWD" >slow
	chmod +x slow
	last "cmd_preexec\t$PWD/slow\ncmd_postexec\t$PWD/say post"
	ss-run 3>&- &
	until_true test -e mounting
	kill -TERM $!
	run_code 143 wait $!
	traced pre post
	[ ! -e rsnapshot.pid ]
	[ ! -e "$ROOT/.sync" ]
	# By somebody else, and one that says itself that it has failed.
	printf '#!/bin/bash\necho pre >>%q/trace\nkill -KILL $$\n' "$PWD" >slow
	run_code 2 ss-run
	contains "$stderr" "cmd_preexec: $PWD/slow: signal 9"
	traced pre post
	printf '#!/bin/bash\necho pre >>%q/trace\nexit 3\n' "$PWD" >slow
	run_code 2 ss-run
	traced pre
}

@test "one that takes too long is ended with all that it started, and fails" {
	begin
	echo 'exec-limit = 2s' >>"$SECONDSHOT_CONF"
	printf '#!/bin/bash\nsetsid sleep 600 >/dev/null 2>&1 & echo $! >>%q/pids\nsleep 600\n' "$PWD" >hang
	chmod +x hang
	last "cmd_preexec\t$PWD/hang"
	last "cmd_postexec\t$PWD/say post"
	run_code 2 ss-run
	contains "$stderr" "cmd_preexec: $PWD/hang: ended, it took longer than exec-limit"
	# What it may have mounted is there.
	traced post
	sed -i '/^cmd_preexec/d; /^cmd_postexec/d' "$RSNAPSHOT_CONF"
	before beta "backup_exec\t$PWD/hang"
	last "cmd_postexec\t$PWD/hang"
	run_code 2 ss-run
	contains "$stderr" "warning: backup_exec: $PWD/hang: ended, it took longer than exec-limit"
	contains "$stderr" "cmd_postexec: $PWD/hang: ended, it took longer than exec-limit"
	contains "$stderr" '2 of 2 hosts have a new saveset'
	traced 'rsync alpha/' 'rsync beta/'
	[ "$(wc -l <pids)" = 3 ]
	while read -r pid; do
		until_true gone "$pid"
	done <pids
	# An exit status of its own that looks like it.
	sed -i '/^backup_exec/d; /^cmd_postexec/d' "$RSNAPSHOT_CONF"
	last 'backup_exec\texit 124'
	run_code 3 ss-run
	contains "$stderr" 'backup_exec: exit 124: exit 124'
}

gone() {
	! kill -0 "$1" 2>/dev/null || [[ $(ps -o stat= -p "$1") == Z* ]]
}

@test "a dry run prints them" {
	begin
	last "cmd_preexec\t$PWD/say pre\ncmd_postexec\t$PWD/say post"
	before beta "backup_exec\t$PWD/say 'two'"
	run_ok ss-run --dry-run
	[ ! -e trace ]
	[ "${lines[0]}" = "/bin/sh -c '$PWD/say pre'" ]
	contains "$(grep -A1 -Fx "/bin/sh -c '$PWD/say '\\''two'\\'''" <<<"$output")" 'sync beta/$'
	[ "${lines[-1]}" = "/bin/sh -c '$PWD/say post'" ]
}

@test "another run is at work: nothing is run; cmd_postexec comes after one that was stopped" {
	HOSTS=beta begin
	last "cmd_preexec\t$PWD/say pre\ncmd_postexec\t$PWD/say post"
	wrap_rsync <<-END
		#!/bin/bash
		touch $PWD/syncing
		exec sleep 60
	END
	ss-run 3>&- &
	until_true test -e syncing
	traced pre
	run_code 11 ss-run
	contains "$stderr" "locked by ss-run, process $!"
	[ ! -s trace ]
	kill -TERM $!
	run_code 143 wait $!
	traced post
	[ ! -e rsnapshot.pid ]
}
