#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# bats file_tags=more
# A host that cannot be rotated fails alone, with the reason.
# run_ok and run_code leave $stderr and $output.
# shellcheck disable=SC2154

load helpers
load catalog

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	LINK_DEST=0
}

teardown() {
	chattr -i "$BATS_TEST_TMPDIR"/root/hourly.0 2>/dev/null || true
	test_end
}

# copies: rsnapshot's cp is one that fails, with thousands of lines, where it finds one of the
# hosts in the file "bad" ("all": always).
copies() {
	cat >copy <<-END
		#!/bin/bash
		for host in \$(cat $PWD/bad); do
			[[ \$host == all || ( -e \${@: -2:1}/\$host && \${@: -2:1} == *.sync ) ]] || continue
			mkdir -p "\${@: -1}"
			for i in {1..3000}; do echo "cp: cannot create hard link '\$host/\$i': Too many links"; done >&2
			exit 1
		done
		exec /bin/cp "\$@"
	END
	chmod +x copy
	: >bad
	RSNAPSHOT_MORE="cmd_cp\t$PWD/copy"
}

# night CODE [HOST...]: new content, and a run; those hosts must have it in hourly.0.
night() {
	local host code=$1
	NIGHT=$((${NIGHT:-0} + 1))
	for host in $HOSTS; do
		# Of another size: rsync copies nothing that has the size and second of before.
		printf "$NIGHT%.0s" $(seq "$NIGHT") >"$SRC/$host/nightly.new"
		mv "$SRC/$host/nightly.new" "$SRC/$host/nightly"
	done
	shift
	run_code "$code" ss-run
	for host; do
		cmp "$SRC/$host/nightly" "$ROOT/hourly.0/$host/nightly"
	done
}

@test "two of seven: they fail alone, night after night, in few lines, and go on once they can" {
	copies
	HOSTS='a b c d e f g'
	conf
	run_ok ss-catalog init
	night 0 a b c d e f g
	echo 'c f' >bad
	night 2 a b d e g
	contains "$stderr" "c: failed, not rotated, its saveset waits in .sync: .*'c/1': Too many links \(and 300[0-9] more lines\)"
	contains "$stderr" "f: failed, not rotated"
	contains "$stderr" '5 of 7 hosts have a new saveset, not c, f: .* exit 2'
	[ "$(wc -l <<<"$stderr")" -lt 40 ]
	[ ! -e "$ROOT/hourly.0/c/nightly" ] || [ "$(<"$ROOT/hourly.0/c/nightly")" = 1 ]
	[ "$(field "$(newest c)" status location)" = 'complete .sync' ]
	# It waits, is not copied over, and no other host waits for it.
	night 2 a b d e g
	[ "$(<"$ROOT/.sync/c/nightly")" = 22 ]
	: >bad
	night 0 a b c d e f g
	[ "$(<"$ROOT/hourly.1/c/nightly")" = 22 ]
	run_ok ss-catalog check
	run_ok ss-verify --all
}

@test "where it is no host's fault there is an end of trying, and all are as they were" {
	copies
	HOSTS='a b c d e f g'
	conf
	run_ok ss-catalog init
	night 0 a b c d e f g
	echo all >bad
	night 2
	[ "$(grep -c ': failed, not rotated' <<<"$stderr")" = 7 ]
	[ "$(wc -l <<<"$stderr")" -lt 60 ]
	[ "$(<"$ROOT/hourly.0/a/nightly")" = 1 ]
	run_ok ss-catalog check
	: >bad
	night 0 a b c d e f g
	[ "$(<"$ROOT/hourly.1/g/nightly")" = 22 ]
}

@test "a location that nobody can rename: those that wait fail, and the others are copied" {
	requires root chattr
	LINK_DEST=1
	HOSTS='alpha beta'
	conf
	run_ok ss-catalog init
	night 0 alpha beta
	chattr +i "$ROOT/hourly.0" 2>/dev/null || skip "no immutable files here"
	run_code 2 ss-run alpha
	contains "$stderr" 'hourly: not rotated: rsnapshot: '
	run_code 2 ss-run
	chattr -i "$ROOT/hourly.0"
	contains "$stderr" 'alpha: failed, not copied: the rotation of what waited in .sync failed'
	contains "$stderr" 'beta: complete'
	night 0 alpha beta
	run_ok ss-catalog check
}

@test "too many links, and no room, on a real file system" {
	requires root mountns mkfs.ext4 losetup python3
	HOSTS='alpha beta gamma'
	conf
	in_namespace real night
}

real() {
	truncate -s 200M image
	mkfs.ext4 -q -F -b 1024 -N 800 -O ^has_journal,^resize_inode image
	mount -o loop image "$ROOT" || exit 77
	rmdir "$ROOT/lost+found"
	ss-catalog init
	night 0 alpha beta gamma
	mkdir "$ROOT/links"
	python3 -c 'import os, sys
for i in range(os.stat(sys.argv[1]).st_nlink, 65000):
    os.link(sys.argv[1], "%s/%d" % (sys.argv[2], i))' "$ROOT/.sync/beta/one" "$ROOT/links"
	night 2 alpha gamma
	contains "$stderr" 'beta: failed, not rotated, .*hourly.0/beta/.*: Too many links'
	rm -r "$ROOT/links"
	night 0 alpha beta gamma
	# Directories: there is room for them once, and not twice.
	mkdir "$SRC/beta"/{1..500}
	night 2 alpha gamma
	contains "$stderr" 'beta: failed, not rotated, .*: No space left on device'
	contains "$stderr" 'more lines\)'
	umount "$ROOT"
}

@test "the oldest generation cannot be removed: a single host is rotated all the same, with link_dest 0" {
	requires root chattr
	HOSTS=alpha
	RETAIN=hourly:2 conf
	run_ok ss-catalog init
	night 0 alpha
	night 0 alpha
	touch probe
	chattr +i probe 2>/dev/null || skip "no immutable files here"
	chattr -i probe
	chattr +i "$ROOT/hourly.1/alpha/nightly"
	night 3 alpha
	lacks "$stderr" 'alpha: failed'
	contains "$stderr" 'cannot be removed: Operation not permitted'
	chattr -R -i "$ROOT/.secondshot/trash"
	night 0 alpha
}
