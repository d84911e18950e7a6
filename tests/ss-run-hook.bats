#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hooks: when each is called, with what, and what its failure means.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	HOOKS=$BATS_TEST_TMPDIR/hooks
	CALLS=$BATS_TEST_TMPDIR/calls
	mkdir "$HOOKS"
	: >"$CALLS"
}

teardown() {
	# What a test has left in the background, should it have failed.
	[[ ! -s $BATS_TEST_TMPDIR/pids ]] || xargs kill -KILL <"$BATS_TEST_TMPDIR/pids" 2>/dev/null || :
	test_end
}

# hook NAME: a program from stdin, which may note its call: an "event host result".
hook() {
	{
		printf '#!/bin/sh\ncalls=%q\npids=%q\n' "$CALLS" "$BATS_TEST_TMPDIR/pids"
		cat <<-'EOF'
			note() {
				echo "$SECONDSHOT_EVENT${SECONDSHOT_HOST+ $SECONDSHOT_HOST}${SECONDSHOT_STATUS+ $SECONDSHOT_STATUS}${SECONDSHOT_RESULT+ $SECONDSHOT_RESULT}" >>"$calls"
			}
		EOF
		cat
	} >"$HOOKS/$1"
	chmod 0755 "$HOOKS/$1"
}

# all [KEY=VALUE...]: configuration in which every hook notes its call, but for those
# that are given, and a catalog.
all() {
	local key
	local -a keys=()
	echo note | hook note
	for key in pre post host-pre host-post failure; do
		[[ " $*" == *" hook.$key="* ]] || keys+=("hook.$key=$HOOKS/note")
	done
	conf "${keys[@]}" "$@"
	ss-catalog init
}

calls() {
	paste -sd, "$CALLS"
}

# fails HOST: from now on its transfers break off.
fails() {
	wrap_rsync <<-EOF
		#!/bin/sh
		case "\$*" in *"$SRC/$1/"*) exit 12 ;; esac
		exec $(type -p rsync) "\$@"
	EOF
}

# gone PID: it has ended; what nobody waits for is gone, too.
gone() {
	! { [[ -e /proc/$1 ]] && ! grep -qs '^State:.*zombie' "/proc/$1/status"; }
}

@test "each is called in its turn: once a run, or once a host" {
	HOSTS="alpha beta" all
	run_ok ss-run
	# While one is catalogued the next one's transfer begins.
	[ "$(calls)" = "pre,host-pre alpha,host-pre beta,host-post alpha complete,host-post beta complete,post 0" ]
	: >"$CALLS"
	run_ok ss-run beta
	[ "$(calls)" = "pre,host-pre beta,host-post beta complete,post 0" ]
	: >"$CALLS"
	run_ok ss-run --due
	run_code 2 ss-run nobody
	[ "$(calls)" = "failure 2" ]
}

# bats test_tags=more
@test "hosts that are synced at once have a hook each" {
	HOSTS="alpha beta gamma" all jobs.hosts=3
	run_ok ss-run
	[ "$(sort "$CALLS" | paste -sd,)" = "host-post alpha complete,host-post beta complete,host-post gamma complete,host-pre alpha,host-pre beta,host-pre gamma,post 0,pre" ]
}

@test "the facts are in the environment, and little else" {
	local log=$BATS_TEST_TMPDIR/environment
	HOSTS="alpha beta" all "hook.host-post=$HOOKS/tell" "hook.post=$HOOKS/tell"
	hook tell <<<"env -0 | sort -z | tr '\\n\\0' ' \\n' | sed 's/^/'\$SECONDSHOT_EVENT' /' >>$log"
	fails beta
	# (With a server DBPASS is refused.)
	on_mariadb || export DBPASS=geheim
	run_code 2 env SOME_SECRET=geheim SECONDSHOT_NOW=1790000000 ss-run
	local name
	name=$(ss-catalog savesets --json alpha | jq -r .name)
	run_code 1 grep geheim "$log"
	for line in EVENT=host-post HOST=alpha STATUS=complete "SAVESET=$name" LOCATION=.sync \
		"TREE=$ROOT/.sync/alpha" VOLUME=backup "ROOT=$ROOT" BACKUP_HOST=keeper \
		"CONF=$SECONDSHOT_CONF" STARTED=2026-09-21T14:13:20Z; do
		grep -qxF "host-post SECONDSHOT_$line" "$log" || { echo "no $line"; cat "$log"; return 1; }
	done
	grep -qxF 'host-post SECONDSHOT_STATUS=failed' "$log"
	grep -qE '^host-post SECONDSHOT_REASON=.' "$log"
	for line in EVENT=post RESULT=2 HOSTS_GOOD=alpha HOSTS_FAILED=beta; do
		grep -qxF "post SECONDSHOT_$line" "$log"
	done
	run_ok grep -vE '^(host-)?post (SECONDSHOT_[A-Z_]+|HOME|LOGNAME|USER|SHELL|LANG|LC_ALL|TZ|TMPDIR|PWD|OLDPWD|_|SHLVL)=' "$log"
	[ "$(sort -u <<<"$output")" = "host-post PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
post PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" ]
	run_code 1 grep LOCK_FD "$log"
}

@test "hook.pre fails: nothing is written, and the run has failed" {
	all "hook.pre=$HOOKS/no"
	hook no <<<'note; echo the disk is on fire >&2; exit 7'
	mkdir "$ROOT/_delete.1"
	run_code 2 ss-run
	contains "$stderr" 'hook.pre: exit 7: the disk is on fire; nothing is backed up'
	[ "$(calls)" = "pre,failure 2,post 2" ]
	[ ! -e "$ROOT/.sync" ]
	[ -d "$ROOT/_delete.1" ]
	[ -z "$(ss-catalog savesets --json)" ]
	[ "$(ss-catalog runs --json | jq -r .result)" = 2 ]
}

@test "hook.host-pre fails: that host has failed, the others are backed up" {
	HOSTS="alpha beta" all "hook.host-pre=$HOOKS/no"
	hook no <<<'note; [ "$SECONDSHOT_HOST" = beta ] || { echo no dump; exit 1; }'
	run_code 2 ss-run
	contains "$stderr" 'alpha: failed, hook.host-pre: exit 1: no dump'
	contains "$stderr" 'beta: complete'
	contains "$stderr" 'rotated hourly'
	[ "$(calls)" = "pre,host-pre alpha,host-post alpha failed,host-pre beta,host-post beta complete,failure 2,post 2" ]
	[ ! -e "$ROOT/hourly.0/alpha" ]
	[ -e "$ROOT/hourly.0/beta" ]
	[ "$(ss-catalog savesets --json alpha | jq -r '.status, .reason' | paste -sd,)" = "failed,hook.host-pre: exit 1: no dump" ]
}

# bats test_tags=more
@test "a hook after the fact fails: a warning, and 3" {
	local key
	echo 'note; exit 1' | hook no
	for key in host-post post; do
		rm -rf "$ROOT" && catalog_drop
		all "hook.$key=$HOOKS/no"
		run_code 3 ss-run
		contains "$stderr" "warning: .*hook.$key: exit 1"
	done
}

@test "a hook after a failure fails: what failed stays what it is" {
	echo 'note; exit 1' | hook no
	all "hook.host-pre=$HOOKS/no" "hook.failure=$HOOKS/no" "hook.post=$HOOKS/no"
	run_code 2 ss-run
	contains "$stderr" 'warning: hook.failure: exit 1'
	contains "$stderr" 'warning: hook.post: exit 1'
	[ "$(calls)" = "pre,host-pre alpha,host-post alpha failed,failure 2,post 2" ]
}

# bats test_tags=more
@test "hook.failure is called for findings, not for what is merely partial" {
	all
	run_ok ss-run --quiet
	: >"$CALLS"
	wrap_rsync <<-'EOF'
		#!/bin/sh
		rsync "$@" || exit
		exit 23
	EOF
	run_code 3 ss-run
	[ "$(calls)" = "pre,host-pre alpha,host-post alpha partial,post 3" ]
	wrap_rsync <<<'#!/bin/sh
		exec rsync "$@"'
	printf damaged >"$ROOT/hourly.0/.secondshot/alpha"
	: >"$CALLS"
	run_code 1 ss-run
	contains "$(calls)" 'failure 1,post 1$'
}

@test "a hook that takes too long is ended, with all that it started" {
	all hook.timeout=3s "hook.pre=$HOOKS/slow"
	hook slow <<-'EOF'
		(trap '' TERM; while :; do sleep 0.2; done) &
		echo $! >>"$pids"
		echo $$ >>"$pids"
		trap '' TERM
		while :; do sleep 0.2; done
	EOF
	run_code 2 ss-run
	contains "$stderr" 'hook.pre: ended after 3 s, hook.timeout; nothing is backed up'
	[ "$(calls)" = "failure 2,post 2" ]
	local pid
	[ "$(wc -l <"$BATS_TEST_TMPDIR/pids")" = 2 ]
	while read -r pid; do
		until_true gone "$pid"
	done <"$BATS_TEST_TMPDIR/pids"
}

@test "so is what has left its group and its parent; a daemon of an earlier hook is left alone" {
	local pid
	hook leaves <<-'EOF'
		setsid bash -c 'echo $$ >"$daemon"; exec sleep 600' >/dev/null 2>&1 </dev/null &
	EOF
	hook slow <<-'EOF'
		setsid bash -c '(trap "" TERM; echo $BASHPID >>"$pids"; while :; do sleep 0.2; done) & exit' >/dev/null 2>&1 </dev/null
		setsid bash -c 'echo $$ >>"$pids"; exec sleep 600' >/dev/null 2>&1 </dev/null &
		echo $$ >>"$pids"
		sleep 600
	EOF
	sed -i "1a daemon=$BATS_TEST_TMPDIR/daemon pids=$BATS_TEST_TMPDIR/pids; export daemon pids" "$HOOKS/leaves" "$HOOKS/slow"
	all hook.timeout=3s "hook.pre=$HOOKS/leaves" "hook.host-pre=$HOOKS/slow"
	run_code 2 ss-run
	contains "$stderr" 'hook.host-pre: ended after 3 s'
	[ "$(wc -l <"$BATS_TEST_TMPDIR/pids")" -ge 3 ]
	while read -r pid; do
		until_true gone "$pid"
	done <"$BATS_TEST_TMPDIR/pids"
	kill "$(<"$BATS_TEST_TMPDIR/daemon")"
}

@test "a hook that cannot be run is told before anything else is done" {
	requires root
	local command
	echo note | hook note
	echo note | hook theirs
	chown 12345 "$HOOKS/theirs"
	echo note | hook loose
	chmod 0757 "$HOOKS/loose"
	mkdir "$HOOKS/open"
	cp "$HOOKS/note" "$HOOKS/open/"
	chmod 0777 "$HOOKS/open"
	: >"$HOOKS/text"
	all "hook.post=none"
	for command in "$HOOKS/theirs" "$HOOKS/loose" "$HOOKS/open/note" "$HOOKS/text" "$HOOKS" \
		"$HOOKS/none" "note" "'$HOOKS/note"; do
		: >"$CALLS"
		sed -i "s|^hook.post = .*|hook.post = $command|" "$SECONDSHOT_CONF"
		run_code 2 ss-run
		contains "$stderr" "refused|hook.post = "
		[ "$(calls)" = "failure 2" ]
	done
	[ ! -e "$ROOT/.sync" ]
	sed -i "s|^hook.post = .*|hook.post = $HOOKS/note|" "$SECONDSHOT_CONF"
	run_ok ss-run --dry-run
}

@test "--check tells whether they can be run" {
	all
	run_ok ss-run --check
	[ "$(grep -cE '^hook\.[a-z-]+ +ok ' <<<"$output")" -eq 5 ]
	chmod 0644 "$HOOKS/note"
	run_code 1 ss-run --check
	contains "$output" "^hook.pre +mend .*Permission denied"
	[ "$(calls)" = "" ]
}

@test "a hook's arguments are words without a shell; what it prints is told, harmless and not for ever" {
	all "hook.pre=$HOOKS/talk one 'two three' \"it's\" \$HOME *;x"
	hook talk <<-'EOF'
		for arg; do echo "$arg" >>"$calls"; done
		echo to stdout
		printf 'esc \033[2J \377 event=host\n' >&2
		yes | head -n 5000
		exit 1
	EOF
	run_code 2 ss-run
	[ "$(head -n 5 "$CALLS")" = "one
two three
it's
\$HOME
*;x" ]
	contains "$stderr" 'hook.pre: to stdout$'
	contains "$stderr" 'hook.pre: esc .x1b\[2J .xff event=host$'
	[ "$(grep -c 'hook.pre: y$' <<<"$stderr")" -lt 300 ]
	contains "$stderr" 'hook.pre: .[0-9]+ more lines, [0-9]+ bytes, are left out.$'
	[ "$output" = "" ]
	grep -q 'msg="hook.pre: to stdout"' "$LOG"
	run_code 1 grep -P '[\x00-\x08\x0b-\x1f\x7f-\xff]' "$LOG"
}

@test "a daemon that a hook leaves has nothing of ours" {
	all "hook.pre=$HOOKS/daemon" "hook.host-pre=/bin/false"
	hook daemon <<-'EOF'
		sleep 300 &
		echo $! >>"$pids"
	EOF
	# It is left by a hook that was well; no transfer is needed for that.
	run_code 2 ss-run
	contains "$stderr" 'alpha: failed, hook.host-pre: exit 1'
	local pid
	pid=$(<"$BATS_TEST_TMPDIR/pids")
	[ "$(find "/proc/$pid/fd" -mindepth 1 -printf '%f\n' | sort -n | paste -sd' ')" = "0 1 2" ]
	lacks "$(readlink "/proc/$pid/fd/"*)" "$BATS_TEST_TMPDIR"
	# It lives, and the next run has the lock at once.
	run_code 2 ss-run
	lacks "$stderr" 'lock|waiting'
	kill -0 "$pid"
}

@test "a run that is stopped ends its hook, and calls the last ones" {
	all "hook.pre=$HOOKS/slow"
	hook slow <<-'EOF'
		sleep 300 &
		echo $! >>"$pids"
		wait "$!"
	EOF
	ss-run 2>said 3>&- &
	local run=$! code=0
	until_true test -s "$BATS_TEST_TMPDIR/pids"
	kill -TERM "$run"
	wait "$run" || code=$?
	cat said
	[ "$code" = 143 ]
	[ "$(calls)" = "failure 143,post 143" ]
	until_true gone "$(<"$BATS_TEST_TMPDIR/pids")"
	[ ! -e "$ROOT/.sync" ]
}

@test "a run that finds the lock taken calls none" {
	all
	hold_lock
	run_code 11 ss-run
	contains "$stderr" "a-test.*$$"
	exec {LOCK}>&-
	[ "$(calls)" = "" ]
}

@test "a dry run prints them" {
	all "hook.host-pre=$HOOKS/note 'two words'"
	run_ok ss-run -n
	[ "$(calls)" = "" ]
	contains "$output" "^$HOOKS/note 'two words'\$"
	[ "$(grep -c "^$HOOKS/note" <<<"$output")" = 4 ]
	[ "$(grep -n . <<<"$output" | grep "$HOOKS/note" | head -n1 | cut -d: -f1)" = 1 ]
	run_ok ss-run -n --json
	jq -e '.type' <<<"$output" >/dev/null
	[ "$(jq -r 'select(.type == "command").command' <<<"$output" | grep -c "$HOOKS/note")" = 4 ]
	[ "$(jq -r 'select(.type == "run").dry_run' <<<"$output")" = true ]
}

# sample NAME: the one that is delivered, where it can find programs of $BATS_TEST_TMPDIR/bin.
sample() {
	local from=$TESTS/../etc/hooks/$1
	[[ ${SS_INSTALLED:-0} != 1 ]] || from=/usr/share/doc/secondshot/examples/hooks/$1
	sed "s|^set -eu\$|&; PATH=$BATS_TEST_TMPDIR/bin:\$PATH|" "$from" >"$HOOKS/$1"
	chmod 0755 "$HOOKS/$1"
	grep -q "$BATS_TEST_TMPDIR/bin" "$HOOKS/$1"
}

# stub NAME: a program from stdin.
stub() {
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	{ echo '#!/bin/sh' && cat; } >"$BATS_TEST_TMPDIR/bin/$1"
	chmod 0755 "$BATS_TEST_TMPDIR/bin/$1"
}

# dumps NAME PROGRAM END: the sample keeps what the program says, if it says END.
dumps() {
	local file=$BATS_TEST_TMPDIR/dump/all.sql before
	local -a hook=(env SECONDSHOT_HOST=alpha "$HOOKS/$1" alpha "${file%/*}")
	sample "$1"
	stub "$2" <<<"echo one >>$CALLS; echo 'CREATE TABLE t;'; echo '$3'"
	run_ok env SECONDSHOT_HOST=beta "${hook[@]:2}"
	[ ! -e "${file%/*}" ]
	run_ok "${hook[@]}"
	[ "$(<"$file")" = "CREATE TABLE t;"$'\n'"$3" ]
	[ "$(stat -c %a "$file")" = 600 ]
	[ "$(wc -l <"$CALLS")" = 1 ]
	# What did not change is shared.
	before=$(stat -c '%i %y' "$file")
	run_ok "${hook[@]}"
	[ "$(stat -c '%i %y' "$file")" = "$before" ]
	# A dump that fails, or has no end, is none; the last one stays.
	before=$(sha256sum "$file")
	stub "$2" <<<'echo torn; exit 1'
	run_code 1 "${hook[@]}"
	stub "$2" <<<'echo torn'
	run_code 1 "${hook[@]}"
	[ "$stderr" = 'the dump has no end' ]
	[ "$(sha256sum "$file")" = "$before" ]
	[ "$(ls -A "${file%/*}")" = all.sql ]
}

@test "the sample that dumps MariaDB" {
	dumps dump-mariadb mariadb-dump '-- Dump completed'
}

@test "the sample that dumps PostgreSQL" {
	# It becomes the server's user.
	stub runuser <<-'EOF'
		[ "$1 $2 $3" = "-u postgres --" ] || exit 9
		shift 3
		exec "$@"
	EOF
	dumps dump-postgresql pg_dumpall '-- PostgreSQL database cluster dump complete'
}

# bats test_tags=more
@test "a dump is part of what is backed up, and a host without one has failed" {
	sample dump-mariadb
	HOSTS="alpha beta" conf "hook.host-pre=$HOOKS/dump-mariadb alpha $BATS_TEST_TMPDIR/src/alpha/dump"
	ss-catalog init
	stub mariadb-dump <<<"echo one >>$CALLS; echo '-- Dump completed'"
	run_ok ss-run
	local file=$SRC/alpha/dump/all.sql
	cmp "$file" "$ROOT/hourly.0/alpha/dump/all.sql"
	[ ! -e "$SRC/beta/dump" ]
	[ "$(wc -l <"$CALLS")" = 1 ]
	run_ok ss-run alpha
	[ "$(stat -c %i "$ROOT/hourly.0/alpha/dump/all.sql")" = "$(stat -c %i "$ROOT/hourly.1/alpha/dump/all.sql")" ]
	stub mariadb-dump <<<'echo torn; exit 1'
	run_code 2 ss-run alpha
	contains "$stderr" 'alpha: failed, hook.host-pre: exit 1'
	stub mariadb-dump <<<'echo torn'
	run_code 2 ss-run alpha
	contains "$stderr" 'the dump has no end'
}

# bats test_tags=more
@test "the sample of a health check's ping" {
	sample ping
	HOSTS="alpha beta" conf "hook.post=$HOOKS/ping $BATS_TEST_TMPDIR/health" "volume=usb disk/1"
	ss-catalog init
	run_ok ss-run
	local file=$BATS_TEST_TMPDIR/health/usb_disk_1
	contains "$(<"$file")" '^[0-9]+ 0 2 0$'
	[ "$(stat -c %a "$file")" = 644 ]
	fails beta
	run_code 2 ss-run
	contains "$(<"$file")" '^[0-9]+ 2 1 1$'
	[ "$(ls -A "$BATS_TEST_TMPDIR/health")" = usb_disk_1 ]
}
