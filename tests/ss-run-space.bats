#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-run: a volume that is full, nearly full, or another one.
# run_code leaves $stderr.
# shellcheck disable=SC2016,SC2154

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	HOSTS="alpha beta" conf
	export ROOT SRC RSNAPSHOT_CONF
}

# mounted MOUNT-COMMAND SCRIPT: with the snapshot root so mounted.
mounted() {
	requires root mountns
	export -f contains lacks stops
	run_ok unshare -m bash -euc "$1 \"\$ROOT\"; ss-catalog init; $2"
}

# stops PATTERN [OPTION...]: the run ends for want of room, in these words, with nothing copied.
stops() {
	local code=0
	find "$ROOT" ! -path '*/.secondshot/*' >before
	ss-run "${@:2}" 2>err || code=$?
	[[ $code == 2 ]] || { echo "exit $code, not 2"; return 1; }
	contains "$(cat err)" "not enough room: $1" || return 1
	contains "$(cat err)" 'Nothing was copied' || return 1
	find "$ROOT" ! -path '*/.secondshot/*' | cmp - before
}

# bats test_tags=more
@test "few inodes are left" {
	mounted 'mount -t tmpfs -o size=20m,nr_inodes=400,mode=755 none' '
		ss-run --min-free=10
		mkdir "$ROOT/more"
		for ((i = 0; i < 400; i++)); do : >"$ROOT/more/$i" || break; done 2>/dev/null
		stops "0 of 400 inodes are free .0.0%.; min-free is 1%"
		stops "0 of 400 inodes" alpha
		# Nothing is copied by these.
		ss-run --dry-run >/dev/null
		rm "$ROOT/more"/[0-9]
		stops "10 of 400 inodes are free .2.5%.; min-free is 3%" --min-free=3%
		rm -r "$ROOT/more"
		ss-run'
}

# until_full FILE SPARE: fill the volume but for some bytes.
until_full() {
	dd if=/dev/zero of="$1" bs=4k 2>/dev/null || :
	truncate -s "-$2" "$1"
}

@test "few bytes are left, or none: what a killed run left behind is collected first" {
	export -f until_full
	mounted 'mount -t tmpfs -o size=8m,mode=755 none' '
		ss-run
		until_full "$ROOT/more" 64k
		stops "[0-9.]+ KiB of 8.0 MiB are free .0..%.; min-free is 1%"
		until_full "$ROOT/more" 0
		stops "0 B of 8.0 MiB are free .0.0%."
		mkdir "$ROOT/_delete.99999999"
		mv "$ROOT/more" "$ROOT/_delete.99999999"
		ss-run
		[ ! -e "$ROOT/_delete.99999999" ]'
}

# bats test_tags=more
@test "a real disk" {
	requires root mountns mkfs.ext4 losetup
	losetup -f >/dev/null 2>&1 || skip "needs a loop device"
	truncate -s 32M image
	mkfs.ext4 -q image
	export -f until_full
	mounted 'mount -o loop image' '
		ss-run
		until_full "$ROOT/more" 0
		stops "0 B of "
		rm "$ROOT/more"
		ss-run
		ss-verify --all'
}

# bats test_tags=more
@test "a run must find what the last one took; neither a large one nor a new host stops all others" {
	export -f until_full
	printf 'backup\t%s/gamma/\tgamma/\n' "$SRC" >gamma
	mounted 'mount -t tmpfs -o size=32m,mode=755 none' '
		head -c 10M /dev/urandom >"$SRC/alpha/large"
		# A first copy tells nothing of the next one.
		ss-run
		[ ! -e "$ROOT/.secondshot/space" ]
		head -c 6M /dev/urandom >"$SRC/beta/large"
		ss-run
		grep -qE "^bytes 6[0-9]{6}$" "$ROOT/.secondshot/space"
		# Hosts that are named are no whole run.
		ss-run alpha
		grep -qE "^bytes 6[0-9]{6}$" "$ROOT/.secondshot/space"
		fallocate -l 11M "$ROOT/more"
		stops "4.[0-9] MiB of 32.0 MiB are free .[0-9.]+%., the last run took 6.[0-9] MiB; min-free is 1%"
		grep -qE "^bytes 3[0-9]{6}$" "$ROOT/.secondshot/space"
		ss-run
		grep -qE "^bytes [0-9]{1,6}$" "$ROOT/.secondshot/space"
		# A file that makes no sense says nothing, and is made anew.
		echo nonsense >"$ROOT/.secondshot/space"
		ss-run 2>err
		contains "$(cat err)" "space: damaged.* passed over"
		grep -qx end "$ROOT/.secondshot/space"
		rm "$ROOT/more"
		ss-run
		grep -qE "^bytes [0-9]{1,6}$" "$ROOT/.secondshot/space"
		# What a new host takes is no measure.
		mkdir "$SRC/gamma"
		head -c 4M /dev/urandom >"$SRC/gamma/large"
		cat gamma >>"$RSNAPSHOT_CONF"
		ss-run
		[ -e "$ROOT/hourly.0/gamma/large" ]
		grep -qE "^bytes [0-9]{1,6}$" "$ROOT/.secondshot/space"
		rm "$SRC/gamma/large"
		head -c 4M /dev/urandom >"$SRC/gamma/other"
		ss-run
		grep -qE "^bytes 4[0-9]{6}$" "$ROOT/.secondshot/space"
		until_full "$ROOT/more" 100k
		stops "[0-9]+ KiB of 32.0 MiB"
		ss-run --min-free=0'
}

# bats test_tags=more
@test "a file system that counts no inodes" {
	requires root mountns mkfs.btrfs losetup
	losetup -f >/dev/null 2>&1 || skip "needs a loop device"
	grep -qw btrfs /proc/filesystems || skip "needs btrfs"
	truncate -s 128M image
	mkfs.btrfs -q image
	mounted 'mount -o loop image' 'ss-run; ss-run'
}

# bats test_tags=more
@test "another volume under the same name: not a byte of it is touched" {
	local other=$BATS_TEST_TMPDIR/other
	ss-catalog init
	mv "$ROOT" "$other"
	mkdir "$ROOT"
	ss-catalog init --volume=second
	run_ok ss-run --volume=second
	# Left over by a run of the other volume's own.
	mkdir -p "$ROOT/_delete.99999999/alpha" "$ROOT/.secondshot/trash/1"
	find "$ROOT" -printf '%p %i %s %T@\n' | sort >before
	catalog_sum >catalog.before
	run_code 2 ss-run --volume=backup
	contains "$stderr" "another volume's id than backup has in the catalog"
	find "$ROOT" -printf '%p %i %s %T@\n' | grep -v '/lock ' | sort >after
	grep -v '/lock ' before | cmp - after
	catalog_sum | cmp - catalog.before
	run_code 2 ss-run --volume=third
	contains "$stderr" 'volume third of keeper is not in the catalog'
	grep -v '/lock ' before | cmp - <(find "$ROOT" -printf '%p %i %s %T@\n' | grep -v '/lock ' | sort)
	run_ok ss-run --volume=second
}
