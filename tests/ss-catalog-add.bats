#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-catalog add: what a tree becomes, and what a change of it costs.

# shellcheck disable=SC2034,SC2154
load helpers
load catalog

setup() {
	stage
}

rows() {
	sql 'SELECT count(*) FROM paths'
}

@test "counts and sizes are those of find and du" {
	truncate -s 3M "$TREE/sparse"
	take
	[ "$(field "$S" entries)" = "$(find "$TREE" -printf x | wc -c)" ]
	[ "$(field "$S" files)" = "$(find "$TREE" -type f -printf x | wc -c)" ]
	[ "$(field "$S" directories)" = "$(find "$TREE" -type d -printf x | wc -c)" ]
	[ "$(field "$S" others)" = "$(find "$TREE" ! -type f ! -type d -printf x | wc -c)" ]
	[ "$(field "$S" size)" = "$(find "$TREE" -type f -printf '%i %s\n' | sort -u | awk '{ n += $2 } END { print n }')" ]
	[ "$(field "$S" allocated)" = "$(find "$TREE" -type f -printf '%i %b\n' | sort -u | awk '{ n += $2 * 512 } END { print n }')" ]
}

@test "an unchanged tree writes no rows and asks for no digest" {
	local before
	take
	before=$(rows)
	turn
	run_ok ss-catalog add alpha
	[ "$(rows)" = "$before" ]
	[ "$(grep -c '^-' <<<"$output")" = 0 ]
	contains "$output" '^#end 0$'
	[ "$(names | wc -l)" = 2 ]
	S=$(newest)
	[ "$(field "$S" rows_added) $(field "$S" rows_closed) $(field "$S" unhashed)" = '0 0 0' ]
	[ "$(field "$S" full_digest)" = "$(field "$(names | head -n1)" full_digest)" ]
	run_ok ss-catalog check
}

@test "each kind of change is seen, and nothing else" {
	local first second
	mkdir "$TREE/goes" "$TREE/becomes-file"
	echo x >"$TREE/goes/with"
	echo y >"$TREE/becomes-file/inside"
	echo z >"$TREE/becomes-link"
	echo moved >"$TREE/old-name"
	take
	first=$S
	turn
	fresh "$TREE/dir/sub/three" 'three, changed'
	echo new >"$TREE/added"
	rm -r "$TREE/goes" "$TREE/becomes-file"
	echo now a file >"$TREE/becomes-file"
	rm "$TREE/becomes-link"
	ln -s one "$TREE/becomes-link"
	mv "$TREE/old-name" "$TREE/new-name"
	take
	second=$S
	still_lists "$first" "$second"
	run_ok ss-catalog check
	run_ok ss-verify --all
	# becomes-file and becomes-link, dir/sub and three, new-name, added.
	[ "$(field "$second" rows_added)" = 6 ]
	# The same but new-name and added; goes and with, inside, old-name.
	[ "$(field "$second" rows_closed)" = 8 ]
	no_orphans
}

@test "what changed and what was removed is counted as rsync would" {
	echo x >"$TREE/becomes-dir"
	echo y >"$TREE/becomes-link"
	echo moved >"$TREE/old-name"
	touch -d '2020-02-02 02:02:02.1 UTC' "$TREE/dir/two"
	take
	# A first one has nothing to compare with.
	[ "$(field "$S" changed) $(field "$S" removed)" = 'null null' ]
	turn
	chmod 0600 "$TREE/nothing"
	cp -p "$TREE/dir/sub/three" "$TREE/dir/sub/three.new"
	mv "$TREE/dir/sub/three.new" "$TREE/dir/sub/three"
	take
	[ "$(field "$S" changed) $(field "$S" removed)" = '0 0' ]
	turn
	fresh "$TREE/dir/sub/three" 'another size'
	cp "$TREE/dir/two" "$TREE/two.new"
	touch -d '2020-02-02 02:02:02.2 UTC' "$TREE/two.new"
	mv "$TREE/two.new" "$TREE/dir/two"
	rm "$TREE/becomes-dir" "$TREE/becomes-link" "$TREE/link"
	mkdir "$TREE/becomes-dir"
	ln -s one "$TREE/becomes-link"
	mv "$TREE/old-name" "$TREE/new-name"
	echo new >"$TREE/added"
	take
	# three and two; becomes-dir, becomes-link and old-name.
	[ "$(field "$S" changed) $(field "$S" removed)" = '2 3' ]
	run_ok ss-catalog check
}

@test "a directory becomes a file and a directory again, with other contents" {
	local all=()
	for step in 1 2 3 4; do
		rm -rf "$TREE/x"
		if ((step % 2)); then
			mkdir -p "$TREE/x/deep/er"
			echo "$step" >"$TREE/x/deep/er/$step"
			echo "$step" >"$TREE/x/same"
		else
			echo "$step" >"$TREE/x"
		fi
		take
		all+=("$S")
		turn
	done
	still_lists "${all[@]}"
	run_ok ss-catalog check
	run_ok ss-verify --all
	no_orphans
}

@test "paths are in the order of their bytes, whatever stands beside the slash" {
	local i byte
	mkdir "$TREE/order"
	cd "$TREE/order"
	mkdir a
	: >a/c
	: >a-b
	for ((i = 1; i < 0x30; i++)); do
		# shellcheck disable=SC2059
		printf -v byte "\\x$(printf %02x "$i")"
		[[ $byte == / ]] || {
			mkdir "a$byte" "a${byte}a"
			: >"a$byte/f"
			: >"a${byte}a/f"
			mkdir "a$byte$byte"
			: >"a$byte$byte/g"
			: >"a/$byte$byte$byte"
		}
	done
	cd "$BATS_TEST_TMPDIR"
	take
	still_lists "$S"
	turn
	take
	still_lists "$S"
	[ "$(field "$S" rows_added)" = 0 ]
	rm -r "$TREE/order/a-a" "$TREE/order/a" "$TREE"/order/a$'\x01'
	: >"$TREE/order/a"
	turn
	take
	still_lists "$S"
	run_ok ss-catalog check
}

@test "more entries in a directory, and more directories, than one read brings" {
	mkdir "$TREE/many" "$TREE/wide"
	(cd "$TREE/many" && seq 9000 | xargs touch)
	(cd "$TREE/wide" && seq -f 'd%g/x' 1500 | xargs mkdir -p)
	take
	still_lists "$S"
	turn
	rm "$TREE/many/4096" "$TREE/many/4097" "$TREE/many/9"
	rmdir "$TREE/wide/d64/x"
	take
	still_lists "$S" "$(names | head -n1)"
	[ "$(field "$S" rows_added)" = 2 ]
	[ "$(field "$S" rows_closed)" = 6 ]
	run_ok ss-catalog check
}

@test "a replaced deep file of the same size and time is found by its inode alone" {
	requires btime
	take
	turn
	cp -p "$TREE/dir/sub/three" "$BATS_TEST_TMPDIR/three"
	echo THREE >"$TREE/dir/sub/three.new"
	touch -r "$TREE/dir/sub/three" "$TREE/dir/sub/three.new"
	local when
	when=$(stat -c %y "$TREE/dir/sub")
	mv "$TREE/dir/sub/three.new" "$TREE/dir/sub/three"
	touch -d "$when" "$TREE/dir/sub"
	run_ok ss-catalog add alpha
	run_ok ss-catalog pending alpha@.sync
	[ "$(grep -v '^#' <<<"$output" | cut -f14)" = dir/sub/three ]
	ss-catalog pending alpha@.sync | ss-hash | ss-catalog store
	run_ok ss-catalog pending alpha@.sync
	[ "$(grep -vc '^#' <<<"$output")" = 0 ]
	run_ok ss-verify --all
}

@test "a file of several names is hashed once and counted once" {
	echo linked >"$TREE/link-1"
	for i in 2 3 4; do ln "$TREE/link-1" "$TREE/link-$i"; done
	run_ok ss-catalog add alpha
	[ "$(grep -c '	link-[1-4]$' <<<"$output")" = 1 ]
	ss-catalog pending alpha@.sync | ss-hash | ss-catalog store
	S=$(newest)
	listing "$TREE" >"$KEPT/$S"
	ss-catalog files "$S" --format sha256sum >"$BATS_TEST_TMPDIR/sums"
	[ "$(grep -c 'link-[1-4]$' "$BATS_TEST_TMPDIR/sums")" = 4 ]
	(cd "$TREE" && sha256sum -c --quiet "$BATS_TEST_TMPDIR/sums")
	# A further name of a known inode in a later saveset needs no reading either.
	turn
	ln "$TREE/link-1" "$TREE/dir/link-5"
	run_ok ss-catalog add alpha
	contains "$output" '^#end 0$'
	run_ok ss-catalog check
	run_ok ss-verify --all
}

@test "a further name of a known inode that has no digest yet is asked for" {
	echo linked >"$TREE/link-1"
	ss-catalog add alpha >/dev/null
	turn
	mv "$TREE/link-1" "$TREE/link-2"
	ss-catalog add alpha >"$BATS_TEST_TMPDIR/stream"
	contains "$(cat "$BATS_TEST_TMPDIR/stream")" '	link-2$'
	ss-hash <"$BATS_TEST_TMPDIR/stream" | ss-catalog store
	[ "$(field "$(newest)" unhashed)" = 0 ]
	run_ok ss-catalog check
}

# name_too DIR FILE...: each gets a further name there, with "-too".
name_too() {
	perl -e '$d = shift; for (@ARGV) { m{([^/]*)$}; link $_, "$d/$1-too" or die "$_: $!" }' "$@"
}

@test "names of files, near and far apart, more than one look-up brings" {
	local shared
	ss-catalog add alpha >/dev/null
	shared=$(sql 'SELECT count(*) FROM inodes WHERE shared = 1')
	turn
	mkdir "$TREE/a" "$TREE/m" "$TREE/z"
	for i in {1..150}; do echo "$i" >"$TREE/a/$i"; done
	cp -l "$TREE"/a/{1..150} "$TREE/z"
	name_too "$TREE/a" "$TREE"/a/{1..150}
	(cd "$TREE/m" && seq 4500 | xargs touch)
	run_ok ss-catalog add alpha
	[ "$(grep -c '	a/[0-9]*$' <<<"$output")" = 150 ]
	[ "$(grep -cE '	(a/.*too|z/.*)$' <<<"$output")" = 0 ]
	[ "$(sql 'SELECT count(*) FROM inodes WHERE shared = 1')" = $((shared + 150)) ]
	# Two more names each, of which the catalog knows the inode, and no digest yet.
	turn
	mkdir "$TREE/more"
	cp -l "$TREE"/a/{1..150} "$TREE/more"
	name_too "$TREE/more" "$TREE"/a/{1..150}
	rm "$TREE"/a/{1..150}{,-too} "$TREE"/z/{1..150}
	ss-catalog add alpha >"$BATS_TEST_TMPDIR/stream"
	[ "$(grep -c '	more/[0-9]*$' "$BATS_TEST_TMPDIR/stream")" = 150 ]
	[ "$(grep -c '	more/.*too$' "$BATS_TEST_TMPDIR/stream")" = 0 ]
	ss-hash <"$BATS_TEST_TMPDIR/stream" | ss-catalog store
	S=$(newest)
	listing "$TREE" >"$KEPT/$S"
	still_lists "$S"
	[ "$(field "$S" unhashed)" = 0 ]
	[ "$(sql 'SELECT count(*) FROM inodes WHERE shared = 1')" = $((shared + 150)) ]
	no_orphans
	run_ok ss-catalog check
	run_ok ss-verify "$S"
}

@test "a file system that counts no links: names of one file are found all the same" {
	requires cc
	cat >"$BATS_TEST_TMPDIR/uncounted.c" <<-'END'
		#include <dlfcn.h>
		#include <sys/stat.h>
		int statx(int dir, const char *restrict path, int flags, unsigned mask,
			  struct statx *restrict sx)
		{
			int (*real)(int, const char *, int, unsigned, struct statx *) =
				(int (*)(int, const char *, int, unsigned, struct statx *))
					dlsym(RTLD_NEXT, "statx");
			int rc = real(dir, path, flags, mask, sx);
			sx->stx_nlink = 0;
			return rc;
		}
	END
	cc -D_GNU_SOURCE -shared -fPIC -o "$BATS_TEST_TMPDIR/uncounted.so" "$BATS_TEST_TMPDIR/uncounted.c" -ldl
	uncounted() {
		LD_PRELOAD=$BATS_TEST_TMPDIR/uncounted.so \
			ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0 ss-catalog add alpha
	}
	run_ok uncounted
	lacks "$stderr" 'while it was walked'
	[ "$(field "$(newest)" size)" = "$(find "$TREE" -type f -printf '%i %s\n' | sort -u | awk '{ n += $2 } END { print n }')" ]
	run_ok ss-catalog check
	turn
	ln "$TREE/one" "$TREE/dir/another"
	run_ok uncounted
	run_ok ss-catalog check
}

@test "an attribute changed through a hard link marks the older savesets" {
	local old
	take
	old=$S
	turn
	chmod 0600 "$TREE/dir/two"
	run_ok ss-catalog add alpha
	contains "$output" '^#end 0$'
	[ "$(field "$old" relabelled) $(field "$old" overwritten)" = 'true false' ]
	[ "$(field "$(newest)" relabelled)" = false ]
	run_ok ss-catalog check
	run_code 1 ss-verify "$old"
	contains "$output" 'changed.*dir/two.*mode'
	run_ok ss-verify alpha@.sync
}

@test "content written through a hard link marks the older savesets" {
	local old
	take
	old=$S
	turn
	echo more >>"$TREE/dir/two"
	run_ok ss-catalog add alpha
	[ "$(grep -v '^#' <<<"$output" | cut -f14)" = dir/two ]
	[ "$(field "$old" relabelled) $(field "$old" overwritten)" = 'false true' ]
	ss-catalog pending alpha@.sync | ss-hash | ss-catalog store
	run_ok ss-catalog check
	run_ok ss-verify alpha@.sync
	run_code 1 ss-verify "$old"
	contains "$output" 'changed.*dir/two'
	lacks "$output" corrupt
}

@test "a tree that lost all its files is not taken, unless --accept" {
	take
	turn
	rm -rf "${TREE:?}"/*
	run_code 1 ss-catalog add alpha
	contains "$stderr" 'no files'
	[ "$(names | wc -l)" = 1 ]
	grep -qx "status running" "$ROOT/.sync/.secondshot/alpha"
	run_ok ss-catalog check
	take alpha --accept
	still_lists "$S"
	[ "$(field "$S" files)" = 0 ]
}

@test "an attempt is recorded, and is no backup" {
	take
	run_ok ss-catalog add alpha --status=failed --reason='rsync 12'
	run_ok ss-catalog add alpha --status=stale
	[ -z "$output" ]
	run_ok ss-catalog savesets
	contains "$output" 'failed.*rsync 12'
	contains "$output" stale
	[ "$(names)" = "$S" ]
	run_ok ss-catalog files alpha@latest -0
	run_ok ss-verify "$S"
	run_code 2 ss-verify "$(ss-catalog savesets --json | jq -r 'select(.status == "failed").name')"
	run_code 2 ss-catalog add alpha --status=gone
	run_code 2 ss-catalog add alpha --status=nonsense
}

@test "a partial saveset is no complete one" {
	take
	turn
	take alpha --status=partial --reason='rsync 23' --vanished=3
	[ "$(field "$S" status) $(field "$S" vanished)" = 'partial 3' ]
	[ "$(ss-catalog files alpha@latest --json | jq -r .saveset | sort -u)" = "$(names | head -n1)" ]
	contains "$(cat "$ROOT/.sync/.secondshot/alpha")" '^status partial$'
	run_ok ss-catalog check
}

@test "a second saveset in the same location makes the first gone" {
	take
	fresh "$TREE/one" 1
	take
	[ "$(ss-catalog savesets --json | jq -r .status | xargs)" = 'gone complete' ]
	run_ok ss-prune
	still_lists "$S"
	run_ok ss-catalog check
	no_orphans
}

@test "hosts do not disturb each other" {
	HOSTS='alpha beta'
	conf
	ss-catalog init
	cp -a "$SRC/beta" "$ROOT/.sync/"
	take alpha
	local a=$S
	take beta
	still_lists "$a" "$S"
	[ "$(ss-catalog hosts --json | jq -r .name | xargs)" = 'alpha beta' ]
	[ "$(ss-catalog savesets beta --json | jq -r .host)" = beta ]
	[ "$(ss-catalog hosts --json --volume=backup | jq -r '[.name, .savesets] | @tsv' | xargs)" = 'alpha 1 beta 1' ]
	run_code 2 ss-catalog hosts --volume=other
	contains "$stderr" 'no such volume'
	run_code 2 ss-catalog volumes --backup-host=another
	contains "$stderr" 'no such backup host'
	turn
	fresh "$ROOT/.sync/alpha/one" changed
	take alpha
	take beta
	run_ok ss-catalog check
	run_ok ss-verify --all
}

@test "a host's name may hold what selectors use" {
	cp -a "$TREE" "$ROOT/.sync/root@alpha"
	take root@alpha
	run_ok ss-verify "$S"
	run_ok ss-verify root@alpha@.sync
	run_ok ss-verify root@alpha@latest
	run_code 2 ss-catalog add ../alpha
	run_code 2 ss-catalog add .secondshot
	run_code 2 ss-catalog add ''
}
