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

@test "counts and sizes are those of find and du; an unchanged tree writes no rows and asks for no digest" {
	local before first
	truncate -s 3M "$TREE/sparse"
	take
	first=$S
	[ "$(field "$S" entries files directories others size allocated)" = "$(find "$TREE" -printf '%y %i %s %b\n' | awk '
		{ entries++ }
		$1 == "f" { files++ }
		$1 == "f" && !seen[$2]++ { size += $3; blocks += $4 }
		$1 == "d" { dirs++ }
		$1 !~ /[fd]/ { others++ }
		END { print entries, files, dirs, others, size, blocks * 512 }')" ]
	before=$(rows)
	turn
	run_ok ss-catalog add alpha
	[ "$(rows)" = "$before" ]
	lacks "$output" '^-'
	contains "$output" '^#end 0$'
	[ "$(names | wc -l)" = 2 ]
	S=$(newest)
	[ "$S" != "$first" ]
	[ "$(field "$S" rows_added rows_closed unhashed full_digest)" = "0 0 0 $(field "$first" full_digest)" ]
	run_ok ss-catalog check
}

@test "each kind of change is seen and counted as rsync would, and nothing else" {
	local -a all
	mkdir -p "$TREE/goes" "$TREE/becomes-file" "$TREE/x/deep/er"
	for name in goes/with becomes-file/inside becomes-link becomes-dir old-name x/deep/er/1 x/same; do
		echo "$name" >"$TREE/$name"
	done
	touch -d '2020-02-02 02:02:02.1 UTC' "$TREE/dir/two"
	take
	all=("$S")
	# A first one has nothing to compare with.
	[ "$(field "$S" changed removed)" = 'null null' ]
	turn
	fresh "$TREE/dir/sub/three" 'another size'
	cp "$TREE/dir/two" "$TREE/two.new"
	touch -d '2020-02-02 02:02:02.2 UTC' "$TREE/two.new"
	mv "$TREE/two.new" "$TREE/dir/two"
	echo new >"$TREE/added"
	rm -r "$TREE/goes" "$TREE/becomes-file" "$TREE/becomes-link" "$TREE/becomes-dir" "$TREE/link" "$TREE/x"
	mkdir "$TREE/becomes-dir"
	echo now a file >"$TREE/becomes-file"
	ln -s one "$TREE/becomes-link"
	mv "$TREE/old-name" "$TREE/new-name"
	echo 2 >"$TREE/x"
	take
	all+=("$S")
	# Changed: three, two.  Removed: with, inside, becomes-link, becomes-dir, old-name, x/deep/er/1, x/same.
	# Rows added: those two and the directories dir and sub; becomes-file, becomes-link, becomes-dir, x,
	# new-name, added.  Closed: the same but the last two; goes and with, inside, old-name, link, deep, er, 1, same.
	[ "$(field "$S" changed removed rows_added rows_closed)" = '2 7 10 17' ]
	run_ok ss-verify --all
	no_orphans
	# Attributes are no change, nor is another inode with the same size and time.
	turn
	chmod 0600 "$TREE/nothing"
	cp -p "$TREE/dir/sub/three" "$TREE/dir/sub/three.new"
	mv "$TREE/dir/sub/three.new" "$TREE/dir/sub/three"
	rm "$TREE/x"
	mkdir -p "$TREE/x/deep/er"
	echo 3 >"$TREE/x/deep/er/3"
	echo 3 >"$TREE/x/same"
	take
	all+=("$S")
	[ "$(field "$S" changed removed)" = '0 1' ]
	turn
	rm -r "$TREE/x"
	echo 4 >"$TREE/x"
	take
	all+=("$S")
	still_lists "${all[@]}"
	run_ok ss-catalog check
	run_ok ss-verify alpha@.sync
	no_orphans
}

# beside_slash BYTE...: names with these bytes where other names have a slash stay in order.
beside_slash() {
	mkdir "$TREE/order"
	perl -e '
		chdir shift;
		sub file { link "../one", shift or die }
		mkdir "a"; file("a/c"); file("a-b");
		for (@ARGV) {
			$b = chr;
			mkdir $_ or die for "a$b", "a${b}a", "a$b$b";
			file($_) for "a$b/f", "a${b}a/f", "a$b$b/g", "a/$b$b$b";
		}' "$TREE/order" "$@"
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
	# It was changed after it was catalogued.
	rm -r "$ROOT/hourly.0/alpha"
	run_ok ss-catalog check
}

@test "paths are in the order of their bytes, also beside the slash" {
	beside_slash 1 45 46
}

# bats test_tags=more
@test "paths are in the order of their bytes, whatever stands beside the slash" {
	beside_slash {1..46}
}

# bats test_tags=more
@test "more entries in a directory, and more directories, than one read brings" {
	mkdir "$TREE/many" "$TREE/wide"
	# Names of one file: an inode each takes the kernel long to find.
	perl -e 'chdir shift; link "../one", $_ for 1 .. 9000;
		chdir "../wide"; mkdir "d$_" and mkdir "d$_/x" for 1 .. 1500' "$TREE/many"
	take
	still_lists "$S"
	turn
	rm "$TREE/many/4096" "$TREE/many/4097" "$TREE/many/9"
	rmdir "$TREE/wide/d64/x"
	take
	still_lists "$S" "$(names | head -n1)"
	[ "$(field "$S" rows_added rows_closed)" = '2 6' ]
	run_ok ss-catalog check
}

@test "a replaced deep file of the same size and time is found by its inode alone" {
	requires btime
	take
	turn
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
	lacks "$output" '^[^#]'
	run_ok ss-verify --all
}

@test "rows that no location covers are not reused: their inodes may be anybody's" {
	local old
	rm "$TREE/dir/one-again"
	take
	old=$S
	rm "$ROOT/.sync/.secondshot/alpha"
	run_ok ss-catalog reconcile
	[ "$(field "$old" status)" = gone ]
	# The very same tree, but nothing lay anywhere for a while: all of it is read anew.
	run_ok ss-catalog add alpha
	contains "$output" '^#end 4$'
	S=$(newest)
	[ "$(field "$S" unhashed changed removed rows_added)" = '4 0 0 4' ]
	ss-catalog pending "$S" | ss-hash | ss-catalog store
	run_ok ss-catalog check
	run_ok ss-verify alpha@.sync
	no_orphans
	# On another file system no inode means what it meant, also those of several names.
	ln "$TREE/one" "$TREE/dir/one-again"
	sql "UPDATE series SET fs = $(bytes "$(sql 'SELECT fs FROM series')0")"
	run_ok ss-catalog add alpha
	contains "$output" '^#end 4$'
	ss-catalog pending alpha@.sync | ss-hash | ss-catalog store
	run_ok ss-catalog check
	run_ok ss-verify alpha@.sync
}

@test "nor are they for a file of several names; its old digest is what it is expected to have" {
	take
	turn
	# What the newest saveset does not hold and an older one does, which lies there, is known.
	rm "$TREE/nothing"
	take
	ln "$ROOT/hourly.0/alpha/nothing" "$TREE/"
	run_ok ss-catalog add alpha
	contains "$output" '^#end 0$'
	# Nothing lies anywhere for a while; meanwhile one of two names and two files rot.
	rm "$ROOT"/{.sync,hourly.0}/.secondshot/alpha
	run_ok ss-catalog reconcile
	rot "$TREE/one"
	rot "$TREE/dir/sub/three"
	ss-catalog add alpha >"$BATS_TEST_TMPDIR/stream" 2>/dev/null
	contains "$(<"$BATS_TEST_TMPDIR/stream")" '#end 4$'
	S=$(newest)
	[ "$(field "$S" unhashed finished)" = '5 null' ]
	ss-hash <"$BATS_TEST_TMPDIR/stream" | { run_code 1 ss-catalog store; contains "$stderr" '2 files are corrupt'; }
	[[ $(field "$S" unhashed finished) == '0 2'* ]]
	run_code 1 ss-verify "$S"
	[ "$(grep -c corrupt <<<"$output")" = 3 ]
	rm -r "$ROOT/hourly.0"
	run_ok ss-catalog check
	no_orphans
}

# stopped_add CALL NAME: ss-catalog add as far as this system call for that name; then its
# process, ADD, has been stopped.  moved_on: it goes on, to its exit CODE.
stopped_add() {
	rm -f "$BATS_TEST_TMPDIR/trace"
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 command strace -D -qq -o "$BATS_TEST_TMPDIR/trace" -P "$2" -e trace="$1" \
		-e inject="$1:signal=STOP:when=1" ss-catalog add alpha >"$BATS_TEST_TMPDIR/stream" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	ADD=$!
	until_true grep -qs 'stopped by SIGSTOP' "$BATS_TEST_TMPDIR/trace"
}

moved_on() {
	CODE=0
	kill -CONT "$ADD"
	wait "$ADD" || CODE=$?
}

# bats test_tags=more
@test "what moves or is replaced while it is walked: the saveset is partial, and says so" {
	requires strace
	mkdir "$TREE/later"
	# A file that the walk has met moves to where it comes next: once is right, twice is not.
	stopped_add statx later
	mv "$TREE/dir/two" "$TREE/later/two"
	moved_on
	[ "$CODE" = 3 ]
	S=$(newest)
	[ "$(field "$S" status reason)" = 'partial the tree changed while it was walked' ]
	contains "$(<"$BATS_TEST_TMPDIR/err")" '1 files were moved or written to while it was walked'
	ss-hash <"$BATS_TEST_TMPDIR/stream" | run_code 3 ss-catalog store
	run_ok ss-catalog check
	run_code 1 ss-verify "$S"
	contains "$output" 'missing.*dir/two'
	# A directory is another one by now, and a name is gone.
	stopped_add statx later
	mv "$TREE/later" "$SRC/later"
	mkdir "$TREE/later"
	rm "$TREE/nothing"
	moved_on
	[ "$CODE" = 3 ]
	S=$(newest)
	[ "$(field "$S" status reason)" = 'partial parts of the tree could not be read' ]
	contains "$(<"$BATS_TEST_TMPDIR/err")" 'later: was replaced while it was being walked'
	contains "$(<"$BATS_TEST_TMPDIR/err")" 'nothing: No such file'
	run_ok ss-catalog check
	take
	[ "$(field "$S" status)" = complete ]
	run_ok ss-verify "$S"
}

@test "a file of several names is hashed once and counted once, and asked for until it has a digest" {
	echo linked >"$TREE/link-1"
	for i in 2 3 4; do ln "$TREE/link-1" "$TREE/link-$i"; done
	echo sole >"$TREE/sole-1"
	run_ok ss-catalog add alpha
	[ "$(grep -c '	link-[1-4]$' <<<"$output")" = 1 ]
	# Another name of a known inode that has no digest yet is asked for.
	turn
	mv "$TREE/sole-1" "$TREE/sole-2"
	ss-catalog add alpha >"$BATS_TEST_TMPDIR/stream"
	[ "$(grep -c '	sole-[12]$' "$BATS_TEST_TMPDIR/stream")" = 1 ]
	ss-hash <"$BATS_TEST_TMPDIR/stream" | ss-catalog store
	S=$(newest)
	[ "$(field "$S" unhashed)" = 0 ]
	listing "$TREE" >"$KEPT/$S"
	ss-catalog files "$S" --format sha256sum >"$BATS_TEST_TMPDIR/sums"
	[ "$(grep -cE '(link-[1-4]|sole-2)$' "$BATS_TEST_TMPDIR/sums")" = 5 ]
	(cd "$TREE" && sha256sum -c --quiet "$BATS_TEST_TMPDIR/sums")
	# A further name in a later saveset needs no reading any more.
	turn
	ln "$TREE/link-1" "$TREE/dir/link-5"
	run_ok ss-catalog add alpha
	contains "$output" '^#end 0$'
	still_lists "$S"
	run_ok ss-catalog check
	run_ok ss-verify --all
}

# name_too DIR FILE...: each gets a further name there, with "-too".
name_too() {
	perl -e '$d = shift; for (@ARGV) { m{([^/]*)$}; link $_, "$d/$1-too" or die "$_: $!" }' "$@"
}

# bats test_tags=more
@test "names of files, near and far apart, more than one look-up brings" {
	local shared
	ss-catalog add alpha >/dev/null
	shared=$(sql 'SELECT count(*) FROM inodes WHERE shared = 1')
	turn
	mkdir "$TREE/a" "$TREE/m" "$TREE/z"
	for i in {1..150}; do echo "$i" >"$TREE/a/$i"; done
	cp -l "$TREE"/a/{1..150} "$TREE/z"
	name_too "$TREE/a" "$TREE"/a/{1..150}
	perl -e 'chdir shift; link "../one", $_ for 1 .. 4500' "$TREE/m"
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

# bats test_tags=more
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

@test "what is changed through a hard link marks the older savesets that have the file, no others" {
	local first second
	take
	first=$S
	turn
	fresh "$TREE/dir/two" 'a file of the second'
	fresh "$TREE/one" 'another of it'
	take
	second=$S
	turn
	chmod 0600 "$TREE/dir/two"
	run_ok ss-catalog add alpha
	contains "$output" '^#end 0$'
	S=$(newest)
	[ "$(field "$second" relabelled overwritten)" = 'true false' ]
	[ "$(field "$first" relabelled overwritten)" = 'false false' ]
	[ "$(field "$S" relabelled)" = false ]
	run_ok ss-catalog check
	run_ok ss-verify "$first"
	run_code 1 ss-verify "$second"
	contains "$output" 'changed.*dir/two.*mode'
	run_ok ss-verify alpha@.sync
	# Of several files the one that has been there longest counts.
	turn
	echo more >>"$TREE/dir/two"
	echo more >>"$TREE/nothing"
	echo more >>"$TREE/one"
	run_ok ss-catalog add alpha
	[ "$(grep -v '^#' <<<"$output" | cut -f14 | xargs)" = 'dir/two nothing one' ]
	[ "$(field "$first" relabelled overwritten)" = 'false true' ]
	[ "$(field "$second" relabelled overwritten)" = 'true true' ]
	[ "$(field "$S" relabelled overwritten)" = 'false true' ]
	[ "$(field "$(newest)" relabelled overwritten)" = 'false false' ]
	ss-catalog pending alpha@.sync | ss-hash | ss-catalog store
	run_ok ss-catalog check
	run_ok ss-verify alpha@.sync
	run_code 1 ss-verify "$S"
	contains "$output" 'changed.*dir/two'
	lacks "$output" corrupt
}

@test "an attempt is recorded, and is no backup; a partial saveset is no complete one" {
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
	turn
	take alpha --status=partial --reason='rsync 23' --vanished=3
	[ "$(field "$S" status vanished)" = 'partial 3' ]
	[ "$(ss-catalog files alpha@latest --json | jq -r .saveset | sort -u)" = "$(names | head -n1)" ]
	contains "$(<"$ROOT/.sync/.secondshot/alpha")" '^status partial$'
	run_ok ss-catalog check
}

@test "a second saveset in the same location makes the first gone, unless it has another" {
	local first
	take
	first=$S
	fresh "$TREE/one" 1
	take
	[ "$(field "$first" status location) $(field "$S" status location)" = 'gone null complete .sync' ]
	run_ok ss-prune
	still_lists "$S"
	no_orphans
	# cp -al, as rsnapshot does without link_dest: it lies in two places, and stays in one of them.
	first=$S
	cp -al "$ROOT/.sync" "$ROOT/hourly.0"
	run_ok ss-catalog reconcile
	[ "$(field "$first" location)" = hourly.0,.sync ]
	fresh "$TREE/one" 2
	take
	[ "$(field "$first" status location) $(field "$S" status location)" = 'complete hourly.0 complete .sync' ]
	still_lists "$first" "$S"
	run_ok ss-catalog check
	run_ok ss-verify --all
	no_orphans
}

@test "a tree that lost all its files is not taken, unless --accept" {
	take
	turn
	rm -rf "${TREE:?}"/*
	run_code 1 ss-catalog add alpha
	contains "$stderr" 'no files'
	[ "$(names | wc -l)" = 1 ]
	contains "$(<"$ROOT/.sync/.secondshot/alpha")" '^status running$'
	run_ok ss-catalog check
	take alpha --accept
	still_lists "$S"
	[ "$(field "$S" files)" = 0 ]
}

@test "hosts do not disturb each other; a name may hold what selectors use" {
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
	cp -a "$ROOT/.sync/beta" "$ROOT/.sync/root@alpha"
	take root@alpha
	run_ok ss-verify "$S"
	run_ok ss-verify root@alpha@.sync
	run_ok ss-verify root@alpha@latest
	run_code 2 ss-catalog add ../alpha
	run_code 2 ss-catalog add .secondshot
	run_code 2 ss-catalog add ''
}
