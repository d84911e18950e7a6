#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# bats file_tags=more
# A marker, or a directory of markers, that is none or cannot be read costs its saveset the
# name until it is mended, and nobody else anything.
# run_ok and run_code leave $stderr and $output.
# shellcheck disable=SC2154

load helpers
load stored
load catalog

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	HOSTS='alpha beta'
	given nights two_nights
}

teardown() {
	test_end
}

two_nights() {
	echo 1 >"$SRC/alpha/nightly"
	echo 1 >"$SRC/beta/nightly"
	ss-run
	night 2
}

# night N [CODE]: new content of every host, and a run; each host must have it in hourly.0.
night() {
	local host
	for host in $HOSTS; do
		echo "$1" >"$SRC/$host/nightly.new"
		mv "$SRC/$host/nightly.new" "$SRC/$host/nightly"
	done
	run_code "${2:-0}" ss-run
	for host in $HOSTS; do
		cmp "$SRC/$host/nightly" "$ROOT/hourly.0/$host/nightly"
	done
}

# bad KIND FILE: put something in its place.
bad() {
	rm -rf "$2"
	case $1 in
	empty) : >"$2" ;;
	garbage) head -c 5000 /dev/urandom >"$2" ;;
	huge) truncate -s 1T "$2" ;;
	fifo) mkfifo "$2" ;;
	loop) ln -s "${2##*/}" "$2" ;;
	link) ln -s /etc/passwd "$2" ;;
	directory) mkdir -p "$2/with/something" ;;
	esac
}

all_well() {
	run_ok ss-catalog reconcile
	run_ok ss-catalog check
	run_ok ss-verify --all
	run_ok ss-run --check
	# Each tree has its saveset.
	[ "$(names | wc -l)" = "$(find "$ROOT" -mindepth 2 -maxdepth 2 -name '[ab]*' -type d | wc -l)" ]
}

@test "whatever lies in a marker's place: every host is backed up, and it is mended" {
	local kind n=2
	for kind in empty garbage huge fifo loop link directory; do
		bad "$kind" "$ROOT/hourly.0/.secondshot/alpha"
		: $((n += 1))
		night "$n" 1
		contains "$stderr" 'alpha.*its marker in hourly.0 was damaged and is written anew'
		all_well
	done
	# What was in the way is kept, and told.
	[ -d "$ROOT/hourly.1/.secondshot.bad/alpha/with/something" ]
	# Of .sync, where nothing waits.
	for kind in garbage directory; do
		mkdir -p "$ROOT/.sync/.secondshot" "$ROOT/.sync/alpha/torn"
		bad "$kind" "$ROOT/.sync/.secondshot/alpha"
		: $((n += 1))
		night "$n" 1
		contains "$stderr" '.sync/alpha: whose damaged marker this is cannot be told'
		all_well
	done
}

@test "whatever lies in the place of a location's directory of markers: the same" {
	local kind n=2 where
	for kind in garbage fifo link loop; do
		for where in hourly.0 .sync; do
			mkdir -p "$ROOT/.sync/beta"
			bad "$kind" "$ROOT/$where/.secondshot"
			: $((n += 1))
			night "$n" "$([[ $where == .sync ]] && echo 0 || echo 1)"
			contains "$stderr" "$where: something there was no marker, .* lies in .secondshot.bad1? now"
			[[ $where == .sync ]] || contains "$stderr" 'beta.*its marker in hourly.0 was damaged and is written anew'
			all_well
		done
	done
	# Where nothing may be written it is told, and costs the others nothing.
	rm -rf "$ROOT/hourly.0/.secondshot"
	: >"$ROOT/hourly.0/.secondshot"
	run_code 1 ss-prune -n
	contains "$stderr" 'hourly.0/.secondshot: Not a directory: the markers in it are not read'
	lacks "$stderr" 'is gone from disk'
	run_code 1 ss-catalog check
	contains "$output" "marker"
}

# injected CALL PATH CODE COMMAND...: with EIO from the calls on that path.
injected() {
	local call=$1 path=$2 code=$3
	shift 3
	run_code "$code" strace -f -qq -o "$BATS_TEST_TMPDIR/log" -P "$path" -e trace="$call" -e inject="$call":error=EIO "$@"
	contains "$(<"$BATS_TEST_TMPDIR/log")" INJECTED
}

@test "a marker that the disk does not give is no reason to think its saveset gone" {
	requires strace
	local before
	before=$(names)
	# The tree shows whose it is; the marker is written anew.
	injected read "$ROOT/hourly.0/.secondshot/alpha" 1 ss-catalog reconcile
	contains "$stderr" 'marker of alpha in .*hourly.0/.secondshot: Input/output error'
	contains "$stderr" 'its marker in hourly.0 was damaged and is written anew'
	injected getdents64 "$ROOT/hourly.0/.secondshot" 1 ss-catalog reconcile
	contains "$stderr" 'hourly.0/.secondshot: Input/output error: the markers in it are not read'
	[ "$(names)" = "$before" ]
	run_ok ss-catalog check
	# A rotation by hand that nobody has seen yet, and the tree cannot be read either.
	mv "$ROOT/hourly.0" "$ROOT/hourly.7"
	bad garbage "$ROOT/hourly.7/.secondshot/alpha"
	injected getdents64 "$ROOT/hourly.7/alpha" 1 ss-prune
	contains "$stderr" 'alpha.*: was not found, and what lies on the disk cannot all be read'
	[ "$(names)" = "$before" ]
	run_code 1 ss-catalog reconcile
	all_well
	[ "$(names)" = "$before" ]
	# Nor where the tree does not tell: it is another by now.
	mv "$ROOT/hourly.7" "$ROOT/hourly.6"
	fresh "$ROOT/hourly.6/alpha/nightly" other
	injected read "$ROOT/hourly.6/.secondshot/alpha" 1 ss-prune
	contains "$stderr" 'alpha.*: was not found, and what lies on the disk cannot all be read'
	[ "$(names)" = "$before" ]
}

@test "markers and directories of markers that a spoilt file system refuses: the same" {
	requires root mountns mkfs.ext4 debugfs losetup
	in_namespace spoilt_disk night bad all_well names newest each_saveset value
}

# In a mount namespace of its own: a night, and then what its disk has lost.
spoilt_disk() {
	# Its inode is none any more, and nothing can be done with its name.
	lose() {
		local ino
		ino=$(stat -c %i "$ROOT/$1")
		umount "$ROOT"
		debugfs -w -R "clri <$ino>" image 2>/dev/null
		mount -o loop image "$ROOT"
		[[ $(stat "$ROOT/$1" 2>&1) == *'Structure needs cleaning'* ]]
	}
	cp -a "$ROOT" kept
	truncate -s 32M image
	mkfs.ext4 -q -F -b 1024 -O ^has_journal,^resize_inode -e continue image
	mount -o loop image "$ROOT" || exit 77
	rmdir "$ROOT/lost+found"
	cp -a kept/. "$ROOT/"
	ss-catalog reconcile --accept
	night 3
	lose hourly.0/.secondshot/alpha
	night 4 1
	contains "$stderr" 'alpha.*its marker in hourly.0 was damaged and is written anew'
	all_well
	# A host is held out of the rotation in the same night.
	lose hourly.0/.secondshot
	mv "$SRC/beta" "$SRC/away"
	echo 5 >"$SRC/alpha/nightly"
	run_code 2 ss-run
	cmp "$SRC/alpha/nightly" "$ROOT/hourly.0/alpha/nightly"
	contains "$stderr" 'beta.*its marker in hourly.0 was damaged and is written anew'
	mv "$SRC/away" "$SRC/beta"
	mkdir -p "$ROOT/.sync/.secondshot" "$ROOT/.sync/beta"
	: >"$ROOT/.sync/.secondshot/beta"
	lose .sync/.secondshot
	night 6 3
	# What nobody can remove waits in the trash for e2fsck.
	contains "$stderr" '.secondshot: cannot be removed: Structure needs cleaning'
	run_ok ss-catalog reconcile
	run_ok ss-catalog check
	run_ok ss-verify --all
	umount "$ROOT"
}
