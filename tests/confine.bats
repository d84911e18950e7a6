#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# confine.bats - where a transfer may write: through no link that a host has sent, and, with
# Landlock, to the tree of its host alone.  The remote shell stays as it was.
# shellcheck disable=SC2154

load helpers
load rrsync/lib

setup() {
	requires rsnapshot rsync
	cd "$BATS_TEST_TMPDIR" || return
}

# landlock: after conf: skip where this kernel cannot confine.
landlock() {
	! ss-run --check --quiet 2>/dev/null | grep -q 'confinement.*no Landlock' || skip "needs Landlock, ABI 2"
}

# second LINE: a further line, its destination below alpha's.
second() {
	printf '%b\n' "$1" >>"$RSNAPSHOT_CONF"
}

# script: a backup_script that makes a file.
script() {
	printf '#!/bin/sh\necho dumped >dump.sql\n' >dump
	chmod 755 dump
}

# spared DIR: nothing was written or removed there.
spared() {
	[ "$(ls -A "$1")" = precious ] || { ls -lA "$1"; return 1; }
	[ "$(stat -c '%a %h' "$1/precious")" = "644 1" ]
}

# bats test_tags=more
@test "a destination below another's is not reached through a link that the host sent" {
	local line link place
	script
	mkdir other outside
	echo planted >other/planted
	for line in "backup\t$PWD/other/\talpha/db/" "backup_script\t$PWD/dump\talpha/db/" \
		"backup\t$PWD/other/\talpha/db/deep/er/"; do
		for place in "$PWD/outside" ../../hourly.0/beta; do
			afresh
			rm -rf outside
			mkdir outside
			HOSTS="beta alpha" conf
			ss-catalog init
			rm -rf "$SRC/beta"
			mkdir "$SRC/beta"
			echo precious | tee outside/precious >"$SRC/beta/precious"
			ss-run beta
			ln -s "$place" "$SRC/alpha/db"
			second "$line"
			run_code 2 ss-run alpha
			contains "$stderr" "alpha: .*/\.sync/alpha/db is a symbolic link, and is not followed"
			spared outside
			[ "$(ls "$ROOT/hourly.0/beta")" = precious ]
			[ ! -e "$ROOT/hourly.0/alpha" ]
		done
	done
}

# bats test_tags=more
@test "nor is the newest generation, from which rsnapshot links and rolls back" {
	local line
	script
	mkdir outside other
	echo precious >outside/precious
	conf
	ss-catalog init
	ln -s "$PWD/outside" "$SRC/alpha/db"
	ss-run
	rm "$SRC/alpha/db"
	cp "$RSNAPSHOT_CONF" one
	for line in "backup\t$PWD/other/\talpha/db/" "backup_script\t$PWD/dump\talpha/db/"; do
		cp one "$RSNAPSHOT_CONF"
		second "$line"
		run_code 2 ss-run
		contains "$stderr" "hourly.0/alpha/db is a symbolic link, and is not followed"
		spared outside
	done
	# What the message asks for helps.
	rm "$ROOT/hourly.0/alpha/db"
	run_code 0 ss-run
	[ "$(<"$ROOT/hourly.0/alpha/db/dump.sql")" = dumped ]
	# Where rsnapshot has its scripts at work, a link leads root's rm -rf.
	ln -s "$PWD/outside" "$ROOT/tmp"
	run_code 2 ss-run
	contains "$stderr" "/tmp is a symbolic link, and is not followed"
	spared outside
}

# evil: rsnapshot's rsync does what a host might make it do: it writes what it could do to "said"
# in its own tree, and copies as ever.
evil() {
	mkdir -p bin
	cat >bin/rsync
	chmod 755 bin/rsync
	sed -i "s|^cmd_rsync.*|cmd_rsync\t$PWD/bin/rsync|" "$RSNAPSHOT_CONF"
}

@test "an rsync that was taken over: it can write to its host's tree alone, and remove nothing older" {
	requires root
	mkdir outside
	echo precious >outside/precious
	HOSTS="alpha beta" conf
	landlock
	ss-catalog init
	ss-run
	evil <<-END
		#!/bin/bash
		rsync "\$@" || exit
		try() { "\$@" 2>/dev/null && echo "could: \$*" >>"$ROOT/.sync/alpha/said"; }
		for dir in "$PWD/outside" "$ROOT/hourly.0/beta" "$ROOT/hourly.0" "$ROOT" "$ROOT/.secondshot" \
			"$ROOT/.sync" "$ROOT/.sync/.secondshot" "$ROOT/hourly.0/alpha" /run/secondshot /tmp; do
			try mkdir "\$dir/made"
			try sh -c ': >"\$1/new"' - "\$dir"
			try mknod "\$dir/fifo" p
			try ln -s x "\$dir/link"
			try ln "$ROOT/.sync/alpha/one" "\$dir/hard"
			try mv "$ROOT/.sync/alpha/one" "\$dir/moved"
		done
		try rm "$PWD/outside/precious" "$ROOT/hourly.0/beta/one"
		try rm "$ROOT/hourly.0/alpha/one"
		try rmdir "$ROOT/hourly.0/alpha/empty"
		try mv "$ROOT/hourly.0/alpha/one" "$ROOT/.sync/alpha/taken"
		try ln "$ROOT/hourly.0/beta/one" "$ROOT/.sync/alpha/linked"
		try sh -c ': >>"$PWD/outside/precious"'
		try sh -c ': >>"$ROOT/hourly.0/beta/one"'
		try sh -c ': >/dev/null && cat /etc/passwd >/dev/null && echo >"$ROOT/.sync/alpha/mine"'
		exit 0
	END
	run_ok ss-run --no-rotate alpha
	[ "$(grep -c could: "$ROOT/.sync/alpha/said")" = 1 ] || { cat "$ROOT/.sync/alpha/said"; false; }
	[ -e "$ROOT/.sync/alpha/mine" ]
	spared outside
	[ ! "$ROOT/.sync/alpha/one" -ef "$ROOT/hourly.0/beta/one" ]
	[ "$ROOT/.sync/alpha/one" -ef "$ROOT/hourly.0/alpha/one" ]
}

# bats test_tags=more
@test "every file is still linked to the generation before, and to its other names" {
	requires root mknod setfacl setfattr
	local link_dest name
	for link_dest in 1 0; do
		afresh
		LINK_DEST=$link_dest conf
		ss-catalog init
		sed -i 's/-aHS$/-aHAX/' "$RSNAPSHOT_CONF"
		(
			cd "$SRC/alpha"
			mknod null c 1 3
			mknod loop b 7 0
			mkfifo pipe
			ln null dir/null-again
			ln pipe dir/pipe-again
			ln -P link dir/link-again
			setfattr -n user.note -v x one
			setfacl -m u:daemon:r dir/two
			python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("sock")' 2>/dev/null || :
		)
		ss-run
		ss-run
		(
			cd "$ROOT/hourly.0/alpha"
			while read -r name; do
				[ "$(stat -c %i "$name")" = "$(stat -c %i "$ROOT/hourly.1/alpha/$name")" ] ||
					{ echo "$link_dest: $name is another inode"; exit 1; }
			done < <(find . ! -type d)
			[ "$(stat -c %h one null pipe link dir/two | xargs)" = '4 4 4 4 2' ] ||
				[ "$(stat -c %h one null pipe link dir/two | xargs)" = '6 6 6 6 3' ]
			getfattr -n user.note one | grep -q 'x'
			getfacl -p dir/two 2>/dev/null | grep -q daemon:r
		)
	done
}

# shell: a remote shell that forgets its host, and notes what it was called with, outside of
# all that an rsync may write.
shell() {
	mkdir -p outside
	cat >ssh <<-END
		#!/bin/bash
		printf '%s|' "\$@" >>"$PWD/outside/called"
		${1:-}
		while [[ \$1 != rsync ]]; do shift; done
		exec "\$@"
	END
	chmod 755 ssh
	sed -i '/^backup/d; /^cmd_ssh/d; /^ssh_args/d' "$RSNAPSHOT_CONF"
	printf 'cmd_ssh\t%s\nssh_args\t-p 22 -o "A b"\nbackup\troot@alpha:%s/\talpha/\n' "$PWD/ssh" "$SRC/alpha" \
		>>"$RSNAPSHOT_CONF"
}

@test "the remote shell is not confined, gets what it always got, and its end is told" {
	conf
	ss-catalog init
	shell
	run_ok ss-run
	[ "$(<"$ROOT/hourly.0/alpha/dir/two")" = two ]
	contains "$(<outside/called)" '^-p|22|-o|A b|-l|root|alpha|rsync|--server|--sender|'
	# As without a domain: exit status, signal, complaint.
	shell 'echo no route >&2; exit 255'
	run_code 2 ss-run
	contains "$stderr" 'alpha: failed, rsync exit (12|255): no route'
	shell 'kill -9 $$'
	run_code 2 ss-run
	contains "$stderr" 'alpha: failed, rsync exit (12|137|9|255)'
	shell 'sleep 300 & echo $! >"'"$PWD"'/outside/pid"; wait'
	echo 'host-timeout = 1s' >>"$SECONDSHOT_CONF"
	run_code 2 ss-run
	contains "$stderr" '(nothing came for|timeout after) 1 seconds'
	kill "$(<outside/pid)" || :
}

# bats test_tags=more
@test "what the remote shell leaves running has none of our descriptors: it does not hold the lock" {
	conf
	landlock
	ss-catalog init
	# As a shared connection that persists, of a shell that closes nothing.
	shell "setsid sh -c 'ls -l /proc/self/fd >$PWD/outside/open; exec sleep 300' \\
			</dev/null >/dev/null 2>&1 & echo \$! >$PWD/outside/pid"
	run_ok ss-run
	run_ok ss-run --wait=1
	kill "$(<outside/pid)"
	lacks "$(<outside/open)" "$PWD/root|socket:"
}

# bats test_tags=more
@test "the remote shell of a daemon's module, and a daemon reached without one" {
	conf
	ss-catalog init
	shell
	sed -i '/^backup/d' "$RSNAPSHOT_CONF"
	printf '[mod]\npath = %s\nuse chroot = no\nread only = yes\nuid = %s\ngid = %s\n' "$SRC/alpha" "$(id -u)" "$(id -g)" >rsyncd.conf
	printf 'backup\talpha::mod/\talpha/\t+rsync_long_args=--rsh=%s\n' "$PWD/daemon" >>"$RSNAPSHOT_CONF"
	printf '#!/bin/sh\necho "$@" >%s/outside/daemon\nexec rsync --config=%s --server --daemon .\n' "$PWD" "$PWD/rsyncd.conf" >daemon
	chmod 755 daemon
	run_ok ss-run
	[ "$(<"$ROOT/hourly.0/alpha/one")" = one ]
	[ "$(<outside/daemon)" = 'alpha rsync --server --daemon .' ]
	sed -i '/^backup/d' "$RSNAPSHOT_CONF"
	printf 'backup\trsync://localhost/mod/\talpha/\n' >>"$RSNAPSHOT_CONF"
	export RSYNC_CONNECT_PROG="rsync --config=$PWD/rsyncd.conf --daemon"
	run_ok ss-run
	[ "$ROOT/hourly.0/alpha/one" -ef "$ROOT/hourly.1/alpha/one" ]
}

# bats test_tags=more
@test "an rsync that was taken over can ask for no other command, and for none a second time" {
	conf
	landlock
	ss-catalog init
	shell
	evil <<-END
		#!/bin/bash
		for arg; do [[ \$arg != --rsh=* ]] || rsh=\${arg#--rsh=}; done
		eval "rsh=(\$rsh)"
		printf '%s\n' "\$RSYNC_RSH" "\${rsh[0]}" >"$ROOT/.sync/alpha/rsh"
		case \$(<"$PWD/how") in
		other) "\${rsh[@]}" -o "ProxyCommand=touch $PWD/outside/hole" -l root alpha rsync --server . ;;
		twice)
			"\${rsh[@]}" -l root alpha rsync --server --sender . / </dev/null >/dev/null
			rsync "\$@"
			exit
			;;
		closed) "\${rsh[@]}" -l root alpha rsync --server <&- >&- 2>&- ;;
		long) "\${rsh[@]}" -l root alpha rsync --server \$(seq 20000) ;;
		esac
		exit 5
	END
	echo other >how
	run_code 2 ss-run
	contains "$stderr" 'remote shell that its command line does not lead to: another host'
	[ ! -e outside/called ]
	[ ! -e outside/hole ]
	echo twice >how
	run_code 2 ss-run
	[ "$(tr '|' '\n' <outside/called | grep -c '^alpha$')" = 1 ]
	for how in closed long; do
		echo $how >how
		run_code 2 ss-run
		contains "$stderr" 'alpha: failed, rsync exit 5'
	done
}

# bats test_tags=more
@test "paths of rsync's own options are allowed; --check names them, and what is not" {
	conf
	ss-catalog init
	mkdir outside outside/tmp
	sed -i "s|--numeric-ids|& --temp-dir=$PWD/outside/tmp --log-file=$PWD/outside/log -b --backup-dir=$PWD/outside/gone|" "$RSNAPSHOT_CONF"
	run_ok ss-run
	grep -q 'one' outside/log
	printf 'other\n' >"$SRC/alpha/dir/two"
	touch -d 2021-01-01 "$SRC/alpha/dir/two"
	run_ok ss-run
	[ "$(<"$ROOT/hourly.0/alpha/dir/two")" = other ]
	[ "$ROOT/hourly.0/alpha/one" -ef "$ROOT/hourly.1/alpha/one" ]
	unmet landlock && return 0
	run ss-run --check
	contains "$output" "confinement +ok .*outside/tmp \(--temp-dir\), .*outside/gone \(--backup-dir\), .*outside/log \(--log-file\)"
	sed -i "s|--numeric-ids|& --write-batch=$PWD/outside/batch|" "$RSNAPSHOT_CONF"
	run_code 1 ss-run --check
	contains "$output" "confinement +mend .*outside/batch \(--write-batch\)"
	run_code 2 ss-run
	[ ! -e outside/batch ]
	echo "rsync-writes = /nowhere:$PWD/outside" >>"$SECONDSHOT_CONF"
	run_ok ss-run
	[ -e outside/batch ]
	run ss-run --check
	contains "$output" "confinement +ok .*:$PWD/outside \(rsync-writes\)"
}

# bats test_tags=more
@test "a program in rsync's place: --check says what it may write; links below the root are not followed for it either" {
	conf
	landlock
	ss-catalog init
	mkdir outside
	evil <<-END
		#!/bin/sh
		echo x >"$PWD/outside/log"
		exec rsync "\$@"
	END
	mv bin/rsync bin/wrapped
	sed -i "s|bin/rsync|bin/wrapped|" "$RSNAPSHOT_CONF"
	run_ok ss-run
	[ ! -e outside/log ]
	run ss-run --check
	contains "$output" "confinement +warning .*bin/wrapped: .*rsync-writes"
	echo "rsync-writes = $PWD/outside/log" >>"$SECONDSHOT_CONF"
	: >outside/log
	run_ok ss-run
	[ -s outside/log ]
	# An old copy to compare with, behind a link of the host's.
	ln -s "$PWD/outside" "$ROOT/hourly.0/alpha/away"
	sed -i "s|--numeric-ids|& --compare-dest=$ROOT/hourly.0/alpha/away/|" "$RSNAPSHOT_CONF"
	run_code 2 ss-run
	contains "$stderr" "hourly.0/alpha/away is a symbolic link, and is not followed"
}

# bats test_tags=slow
@test "kernels without Landlock, and with its first version: all is copied, and it is said" {
	requires "${CC:-cc}"
	helper enosys
	mkdir outside
	echo precious >outside/precious
	local how
	for how in "landlock_create_ruleset landlock_add_rule landlock_restrict_self" "-p landlock_create_ruleset" "-a 1"; do
		afresh
		conf
		ss-catalog init
		# shellcheck disable=SC2086
		run_ok "$HELPERS/enosys" $how -- ss-run
		# shellcheck disable=SC2086
		run_ok "$HELPERS/enosys" $how -- ss-run
		[ "$ROOT/hourly.0/alpha/one" -ef "$ROOT/hourly.1/alpha/one" ]
		contains "$(<"$LOG")" 'rsync is not confined'
		# shellcheck disable=SC2086
		run "$HELPERS/enosys" $how -- ss-run --check
		contains "$output" 'confinement +warning .*Landlock'
		ln -s "$PWD/outside" "$SRC/alpha/db"
		second "backup\t$SRC/alpha/dir/\talpha/db/"
		# shellcheck disable=SC2086
		run_code 2 "$HELPERS/enosys" $how -- ss-run
		spared outside
	done
}
