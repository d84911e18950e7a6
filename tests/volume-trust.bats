#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# volume-trust.bats - a volume where others could write what root believes is offline; and
# what rsnapshot executes lies where nobody else can be.
# shellcheck disable=SC2154

load helpers

setup() {
	requires root
	conf
	cd "$BATS_TEST_TMPDIR" || return
}

# refused PATH WHY: by what writes there and by what only reads.
refused() {
	local tool
	for tool in "ss-run" "ss-catalog reconcile" "ss-verify --all" "${3:-ss-prune}"; do
		# shellcheck disable=SC2086
		run_code 2 $tool
		contains "$stderr" "$1 is refused: $2"
	done
	run_code 1 ss-run --check
	contains "$output" "volume +mend .*$1 is refused: $2"
}

@test "the root, .secondshot, each location and what is ours in them must be root's alone" {
	requires rsnapshot
	local path more
	ss-catalog init
	ss-run
	ss-run
	mkdir -p "$ROOT/.secondshot/held/hourly.7/.secondshot" "$ROOT/.secondshot/runs"
	: >"$ROOT/.secondshot/runs/one"
	: >"$ROOT/.secondshot/held/hourly.7/.secondshot/alpha"
	# The hosts' trees are theirs.
	chown -R 65534 "$ROOT/hourly.1/alpha"
	chmod 777 "$ROOT/hourly.1/alpha"
	for path in "" /.secondshot /hourly.1/.secondshot; do
		chown 65534 "$ROOT$path"
		refused "root$path" "it belongs to somebody else"
		chown 0 "$ROOT$path"
		chmod o+w "$ROOT$path"
		refused "root$path" "others than its owner"
		chmod o-w "$ROOT$path"
	done
	for path in /.secondshot/volume /.secondshot/runs /.secondshot/runs/one /.secondshot/held \
		/.secondshot/held/hourly.7 \
		/hourly.0 /hourly.0/.secondshot; do
		chown 65534 "$ROOT$path"
		run_code 2 ss-catalog reconcile
		contains "$stderr" "root$path is refused: it belongs to somebody else"
		chown 0 "$ROOT$path"
		chmod g+w "$ROOT$path"
		run_code 2 ss-catalog reconcile
		contains "$stderr" "root$path is refused: others than its owner"
		chmod g-w "$ROOT$path"
	done
	ln -s /etc/passwd "$ROOT/.secondshot/promoted.link"
	run_code 2 ss-catalog reconcile
	contains "$stderr" "promoted.link is refused: it is neither a file nor a directory"
	rm "$ROOT/.secondshot/promoted.link"
	rm -r "$ROOT/.secondshot/held" "$ROOT/.secondshot/runs/one"
	# Nothing was concluded from all that.
	run_ok ss-catalog savesets --json
	contains "$output" '"status":"complete"'
	lacks "$output" '"status":"gone"'
	chown -R 0 "$ROOT/hourly.1/alpha"
	run_ok ss-run
}

# bats test_tags=more
@test "nor may others exchange a directory above the root; a sticky one is good, a link of theirs in it is not" {
	mkdir -m 1777 sticky
	mkdir sticky/ours sticky/ours/root
	sed -i "s|^snapshot_root.*|snapshot_root\t$PWD/sticky/ours/root/|" "$RSNAPSHOT_CONF"
	run_ok ss-catalog init
	chmod 777 sticky/ours
	run_code 2 ss-catalog reconcile
	contains "$stderr" "root is refused for the directory .*sticky/ours: others than its owner"
	chmod 755 sticky/ours
	chown 65534 sticky
	run_code 2 ss-catalog reconcile
	contains "$stderr" "root is refused for the directory .*sticky: it belongs to somebody else"
	chown 0 sticky
	ln -s ours sticky/link
	sed -i "s|^snapshot_root.*|snapshot_root\t$PWD/sticky/link/root/|" "$RSNAPSHOT_CONF"
	run_ok ss-catalog reconcile
	chown -h 65534 sticky/link
	run_code 2 ss-catalog reconcile
	contains "$stderr" "sticky/link is a symbolic link of somebody else's"
	# The same for a file that root believes.
	ln -s "$RSNAPSHOT_CONF" etc/link
	chown -h 65534 etc/link
	run_code 2 ss-run --rsnapshot-conf="$PWD/etc/link"
	contains "$stderr" "etc/link is a symbolic link of somebody else's"
}

# bats test_tags=more
@test "a root that others can write is not prepared, unless it is empty: then it is closed to them" {
	chmod 1777 "$ROOT"
	mkdir "$ROOT/theirs"
	run_code 2 ss-catalog init
	contains "$stderr" "root is refused: others than its owner may write it"
	[ ! -e "$ROOT/.secondshot" ]
	[ "$(stat -c %a "$ROOT")" = 1777 ]
	rmdir "$ROOT/theirs"
	chown 65534 "$ROOT"
	run_code 2 ss-catalog init
	chown 0 "$ROOT"
	run_ok ss-catalog init
	contains "$stderr" "root: an empty root that others could write: its mode is 0755 now, not 1777"
	[ "$(stat -c %a "$ROOT")" = 755 ]
}

# private COMMAND...: in a mount namespace with a /run and a /var/lib of its own.
private() {
	unshare -m bash -euc 'mount -t tmpfs -o mode=755 none /run && mount -t tmpfs -o mode=755 none /var/lib
		"$@"' - "$@"
}

@test "what rsnapshot executes: in a directory of the run's own, by its descriptor, and gone afterwards" {
	requires rsnapshot mountns
	export ROOT
	ss-catalog init
	wrap_rsync <<-END
		#!/bin/bash
		{
			stat -c '%a %u' /run/secondshot /run/secondshot/run-*
			tr '\\0' ' ' </proc/\$(ps -o ppid= -p \$PPID | tr -d ' ')/cmdline
			ls /run/secondshot | wc -l
			ls -l /proc/self/fd
		} >$PWD/seen
		exec rsync "\$@"
	END
	# What a killed run has left goes; what one that lives has, stays.
	# shellcheck disable=SC2016
	run_ok private bash -euc 'mkdir -m 700 /run/secondshot /run/secondshot/run-old /run/secondshot/run-live; : >/run/secondshot/run-old/0.conf
		exec 8</run/secondshot/run-live; flock 8
		mkdir -p "$ROOT/.secondshot/run"; : >"$ROOT/.secondshot/run/0.conf"
		ss-run 8<&-; ls /run/secondshot'
	[ "$output" = run-live ]
	[ ! -e "$ROOT/.secondshot/run" ]
	[ "$(head -3 seen | xargs)" = "700 0 700 0 700 0" ]
	contains "$(<seen)" 'rsnapshot -c /proc/self/fd/[0-9]+/0.conf sync'
	# Neither rsync nor what it starts has that descriptor.
	lacks "$(<seen)" '-> /run/secondshot/run'
	# Not to be written, or not to be believed.
	run_code 2 private bash -euc 'mount -o remount,ro /run; ss-run'
	contains "$stderr" 'no private directory can be made for this run, in /run/secondshot or /var/lib/secondshot/run: No such'
	run_ok private bash -euc 'mkdir /var/lib/secondshot; mount -o remount,ro /run; ss-run; ls -A /var/lib/secondshot/run'
	[ "$output" = "" ]
	run_code 2 private bash -euc 'mkdir -m 777 /run/secondshot; ss-run'
	contains "$stderr" '/run/secondshot is refused: others than its owner'
}
