#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Kills, full disks, failing reads: the old state or the new one, never a false ok.

# shellcheck disable=SC2034,SC2154
load helpers
load catalog

setup() {
	stage
}

# killed STEP: add is killed at each such call that changes something, from the first on.
killed() {
	local n=1 step=$1 first
	take
	first=$S
	turn
	fresh "$TREE/dir/two" 22
	rm -r "$TREE/dir/sub"
	echo new >"$TREE/new"
	catalog_save kept
	cp -a "$ROOT" "$ROOT.kept"
	while :; do
		rm -rf "$ROOT"
		cp -a "$ROOT.kept" "$ROOT"
		catalog_restore kept
		run strace -f -qq -o /dev/null \
			-e inject="$CATALOG_CALLS",write,fsync,rename,renameat,unlink,unlinkat,mkdirat:signal=KILL:when="$n" \
			ss-catalog add alpha
		((status != 0)) || break
		[ "$(ss-catalog savesets --json | jq -r .status | sort -u)" = complete ]
		still_lists "$first"
		take
		still_lists "$first" "$S"
		[ "$(sql 'SELECT count(*) FROM savesets WHERE status = 0')" = 0 ]
		run_ok ss-catalog check
		no_orphans
		n=$((n + step))
	done
	[ "$n" -gt 20 ]
}

@test "add killed shows nothing, and the next one converges" {
	killed 23
}

# bats test_tags=more
@test "add killed at any moment shows nothing, and the next one converges" {
	if [[ ${SS_LONG:-} ]]; then killed 1; else killed 9; fi
}

@test "add that cannot read or look says so: partial and 3, or 2" {
	local call
	for call in getdents64 statx openat readlinkat; do
		run strace -f -qq -o "$BATS_TEST_TMPDIR/log" -P "$TREE/dir" -P "$TREE/link" -P dir -P link \
			-e trace="$call" -e inject="$call":error=EIO ss-catalog add alpha
		contains "$(cat "$BATS_TEST_TMPDIR/log")" INJECTED
		[ "$status" = 3 ] || { echo "$call: $status $output"; false; }
		[ "$(field "$(newest)" status)" = partial ]
		take
		[ "$(field "$S" status)" = complete ]
		still_lists "$S"
	done
	run_ok ss-catalog check
}

# bats test_tags=more
@test "a full disk under the catalog or the markers: an error, and nothing lost" {
	requires_sqlite "about the file system that its file lies on"
	requires root mountns
	local dir=$BATS_TEST_TMPDIR/small
	mkdir "$dir"
	take
	run_ok unshare -m bash -c '
		set -e
		mount -t tmpfs -o size=400k,mode=755 none "$1"
		cp "$2" "$1/catalog.db"
		export SECONDSHOT_CONF=$1.conf
		sed "s|^db-url.*|db-url = sqlite:///$1/catalog.db|" "$3" >"$SECONDSHOT_CONF"
		perl -e "chdir shift; link q(one), sprintf q(%0200d), \$_ or die for 1 .. 1500" "$4"
		if ss-catalog add alpha >/dev/null 2>"$1.err"; then exit 21; fi
		grep -qiE "full|space" "$1.err" || { cat "$1.err"; exit 22; }
		mount -o remount,size=20m "$1"
		ss-catalog add alpha 2>/dev/null | ss-hash | ss-catalog store
		ss-catalog check >/dev/null
	' - "$dir" "$CATALOG" "$SECONDSHOT_CONF" "$TREE"
}

# bats test_tags=more
@test "3000 levels under a small stack and few descriptors" {
	perl -e 'chdir shift or die; for (1 .. 3000) { mkdir "d" or die; chdir "d" or die } open F, ">end"; close F' "$TREE"
	small() {
		bash -c 'ulimit -s 256; exec prlimit --nofile=24 "$@"' - "$@"
	}
	small ss-catalog add alpha >"$BATS_TEST_TMPDIR/stream"
	small ss-hash <"$BATS_TEST_TMPDIR/stream" | small ss-catalog store
	S=$(newest)
	[ "$(field "$S" directories)" = 3004 ]
	run_ok small ss-verify "$S"
	[ "$(ss-catalog files "$S" -0 | grep -zc 'd/d/end$')" = 1 ]
	run_ok ss-catalog check
	run_ok small ss-catalog add alpha
	[ "$(field "$(newest)" rows_added)" = 0 ]
}

# bats test_tags=more
@test "random histories: every saveset lists what its tree was" {
	# Directories that their owner may not enter are among them.
	requires root
	local rounds=8 seed=${SEED:-$RANDOM} round kind path all
	[[ -z ${SS_LONG:-} ]] || rounds=60
	echo "SEED=$seed"
	RANDOM=$seed
	edit() {
		path=$TREE/p$((RANDOM % 4))
		((RANDOM % 2)) || { [ -d "$path" ] && [ ! -L "$path" ] && path+=/q$((RANDOM % 4)); }
		kind=$((RANDOM % 9))
		case $kind in
		0 | 1) rm -rf "$path"; echo "$RANDOM" >"$path" ;;
		2) rm -rf "$path"; mkdir "$path"; echo "$RANDOM" >"$path/r" ;;
		3) rm -rf "$path"; ln -s "$RANDOM" "$path" ;;
		4) rm -rf "$path" ;;
		5) rm -rf "$path"; ln "$TREE/one" "$path" ;;
		6) [ ! -e "$path" ] || chmod "0$((RANDOM % 8))44" "$path" ;;
		7) [ ! -e "$path" ] || mv "$path" "$TREE/p$RANDOM" ;;
		8) rm -rf "$path"; mkdir -p "$path/q1/q2"; echo x >"$path/q1/q2/-$RANDOM" ;;
		esac
	}
	for ((round = 0; round < rounds; round++)); do
		for _ in 1 2 3 4 5 6; do edit; done
		take
		((RANDOM % 4)) || rm -rf "$ROOT/hourly.$((RANDOM % 4))"
		((RANDOM % 3)) || run_ok ss-prune
		((RANDOM % 5)) || [ ! -e "$ROOT/hourly.1" ] || mv "$ROOT/hourly.1" "$ROOT/weekly.$round"
		((RANDOM % 4 == 0)) || turn
		run_ok ss-catalog reconcile
		mapfile -t all < <(names)
		still_lists "${all[@]}"
		run_ok ss-catalog check
	done
	run_ok ss-prune
	no_orphans
}
