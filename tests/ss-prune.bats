#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-prune: what leaves, and that nothing else does.

# shellcheck disable=SC2034,SC2154
load helpers
load catalog

setup() {
	stage
}

# generations N: as many savesets, each with something changed, added and removed.
generations() {
	local i
	for ((i = 1; i <= $1; i++)); do
		fresh "$TREE/dir/two" "two in $i"
		echo "$i" >"$TREE/of-$i"
		rm -f "$TREE/of-$((i - 2))"
		mkdir -p "$TREE/tree-$((i / 2))/deep/er"
		echo "$i" >"$TREE/tree-$((i / 2))/deep/er/$i"
		((i % 3)) || rm -rf "$TREE/tree-$((i / 2 - 1))"
		take
		turn
	done
}

@test "savesets that are named or are gone from disk leave in any order, the rows of others stay" {
	local seed=${SEED:-$RANDOM} n=5 all name location named
	[[ -z ${SS_LONG:-} ]] || n=9
	echo "SEED=$seed"
	RANDOM=$seed
	generations "$n"
	named=$((RANDOM % 2))
	mapfile -t all < <(names)
	while ((${#all[@]})); do
		still_lists "${all[@]}"
		run_ok ss-catalog check
		run_ok ss-verify --all
		no_orphans
		named=$((!named))
		# The newest one cannot be named.
		((${#all[@]} > 1)) || named=0
		name=${all[RANDOM % (${#all[@]} - named)]}
		location=$(field "$name" location)
		if ((named)); then
			run_ok ss-prune "$name"
			[ ! -e "$ROOT/$location/alpha" ]
			[ ! -e "$ROOT/$location/.secondshot/alpha" ]
			[ -z "$(ls -A "$ROOT/.secondshot/trash")" ]
		else
			rm -rf "${ROOT:?}/$location"
			run_ok ss-prune
		fi
		# Nor is it there as one that is gone.
		run_ok ss-catalog savesets --json
		lacks "$output" "\"$name\""
		mapfile -t all < <(names)
	done
	[ "$(sql 'SELECT (SELECT count(*) FROM paths) + (SELECT count(*) FROM inodes) + (SELECT count(*) FROM dirs)')" = 0 ]
	# And the series goes on.
	take
	still_lists "$S"
	[ "$(field "$S" sequence)" = $((n + 1)) ]
	run_ok ss-catalog check
	run_ok ss-verify --all
}

# theirs: another backup host has a saveset of alpha, complete and newer than any of ours; not_theirs.
theirs() {
	sql "INSERT INTO volumes (uid, name, backup_host, root, fs, created)
			SELECT 'theirs', name, 'other', root, fs, created FROM volumes;
		INSERT INTO series (host, volume, last_seq, next_dir)
			SELECT s.host, (SELECT max(id) FROM volumes), 9, 2 FROM series s;
		INSERT INTO savesets (series, seq, name, uid, status, created, hash)
			SELECT max(id), 9, 'theirs', 'theirs', 1, 4000000000, 'sha256' FROM series"
}

not_theirs() {
	sql "DELETE FROM savesets WHERE name = 'theirs'"
}

# on_disk: whatever lies there, to see that nothing was changed.
on_disk() {
	find "$ROOT" ! -path '*/.secondshot/lock' -printf '%p %i %s %T@\n' | sort
}

@test "--dry-run says it and changes nothing; a host's newest complete saveset stays" {
	local before disk old gone new
	generations 3
	{ read -r old; read -r gone; read -r new; } < <(names)
	mkdir -p "$ROOT/.secondshot/trash/left/behind"
	disk=$(on_disk)
	before=$(catalog_sum)
	run_ok ss-prune --dry-run "$old"
	contains "$output" "^delete	$old	$ROOT/hourly.2/alpha\$"
	[ "$(catalog_sum)" = "$before" ]
	[ "$(on_disk)" = "$disk" ]
	rm -r "$ROOT/hourly.1"
	run_ok ss-prune --dry-run
	[ "$(catalog_sum)" = "$before" ]
	contains "$output$stderr" "$gone"
	[ -e "$ROOT/.secondshot/trash/left/behind" ]

	take alpha --status=partial
	theirs
	run_code 2 ss-prune "$new"
	contains "$stderr" 'newest complete'
	not_theirs
	run_code 2 ss-prune --dry-run "$new"
	run_code 2 ss-prune alpha
	# Nothing of what was named goes, if not all of it may.
	run_code 2 ss-prune "$old" "$new"
	[ "$(names)" = "$old"$'\n'"$new"$'\n'"$S" ]
	# What a killed run left in the trash goes with the next.
	[ -z "$(ls -A "$ROOT/.secondshot/trash")" ]
	run_ok ss-prune "$old" "$old"
	[ "$(names)" = "$new"$'\n'"$S" ]
	run_ok ss-prune "$S"
	run_ok ss-verify --all
	[ "$(names)" = "$new" ]
	mkdir -p "$ROOT/.secondshot/trash/left/behind"
	run_ok ss-prune
	[ -z "$(ls -A "$ROOT/.secondshot/trash")" ]
}

@test "one that waits in .sync may be given up, if it is meant and an older one is there" {
	take
	run_code 2 ss-prune alpha@.sync
	turn
	local first=$S
	fresh "$TREE/one" "encrypted"
	take
	run_code 2 ss-prune alpha
	run_code 2 ss-prune alpha@latest
	# Together they are all there is.
	run_code 2 ss-prune "$first" "$S"
	run_code 2 ss-prune "$S" "$first"
	run_ok ss-prune alpha@.sync
	[ ! -e "$TREE" ]
	[ ! -e "$ROOT/.sync/.secondshot/alpha" ]
	[ "$(names)" = "$first" ]
	no_orphans
	still_lists "$first"
	cp -al "$ROOT/hourly.0/alpha" "$ROOT/.sync/"
	take
	[ "$(field "$S" rows_added) $(field "$S" changed)" = '0 0' ]
	# By its name, too; the one that is left is not rotated, and stays.
	run_ok ss-prune "$S"
	rm -r "$ROOT/hourly.0"
	ss-prune
	mkdir -p "$TREE"
	echo x >"$TREE/x"
	# An older one that is not complete is no other.
	take alpha --status=partial
	turn
	take
	run_code 2 ss-prune alpha@.sync
	[ -e "$TREE/x" ]
}

@test "a saveset in several places leaves all of them, and no link in its trees leads out" {
	local canary=$BATS_TEST_TMPDIR/canary old
	cp -a "$TREE" "$canary"
	ln -s "$canary" "$TREE/absolute"
	ln -s ../../../canary "$TREE/relative"
	ln -s "$canary/one" "$TREE/dir/file"
	ln "$canary/dir/two" "$TREE/dir/hard"
	ln -s .. "$TREE/dir/up"
	mkfifo "$TREE/dir/fifo"
	listing "$canary" >"$BATS_TEST_TMPDIR/want"
	take
	old=$S
	cp -al "$ROOT/.sync" "$ROOT/hourly.0"
	cp -al "$ROOT/.sync" "$ROOT/hourly.1"
	run_ok ss-catalog reconcile
	[ "$(field "$S" location)" = hourly.0,hourly.1,.sync ]
	fresh "$TREE/one" other
	take
	[ "$(field "$old" location)" = hourly.0,hourly.1 ]
	run_ok ss-prune "$old"
	[ ! -e "$ROOT/hourly.0/alpha" ]
	[ ! -e "$ROOT/hourly.1/alpha" ]
	listing "$canary" | cmp - "$BATS_TEST_TMPDIR/want"
	[ "$(<"$canary/dir/two")" = two ]
	still_lists "$S"
	run_ok ss-verify --all
}

# bats test_tags=more
@test "every name and kind of thing is deleted, and 3000 levels" {
	# Directories that their owner may not enter are among them.
	requires root
	hostile_tree "$TREE/hostile" --long
	perl -e 'chdir shift or die; for (1 .. 3000) { mkdir "d" or die; chdir "d" or die }' "$TREE"
	chmod 0 "$TREE/hostile/names" "$TREE/hostile/bytes"
	take
	mv "$ROOT/.sync" "$ROOT/hourly.0"
	mkdir -p "$ROOT/.sync/alpha"
	echo small >"$ROOT/.sync/alpha/small"
	run_ok ss-catalog reconcile
	local old=$S
	take
	run_ok bash -c 'ulimit -s 256; exec prlimit --nofile=24 ss-prune "$1"' - "$old"
	[ -z "$(ls -A "$ROOT/.secondshot/trash")" ]
	[ ! -e "$ROOT/hourly.0/alpha" ]
	no_orphans
	run_ok ss-catalog check
}

# bats test_tags=more
@test "killed at any moment, the next run brings it to its end" {
	local step=7 n=1 old all left
	[[ -z ${SS_LONG:-} ]] || step=1
	generations 3
	mapfile -t all < <(names)
	old=${all[1]}
	cp -a "$ROOT" "$ROOT.kept"
	catalog_save kept
	while :; do
		rm -rf "$ROOT"
		cp -a "$ROOT.kept" "$ROOT"
		catalog_restore kept
		run strace -f -qq -o /dev/null \
			-e inject="$CATALOG_CALLS",fsync,renameat,renameat2,unlinkat:signal=KILL:when="$n" \
			ss-prune "$old"
		((status != 0)) || break
		run_ok ss-prune
		# Either it is whole, or it is not there.
		left=$(names)
		if [[ $'\n'$left$'\n' == *$'\n'"$old"$'\n'* ]]; then
			run_ok ss-prune "$old"
			left=$(names)
		fi
		[ "$left" = "${all[0]}"$'\n'"${all[2]}" ]
		[ -z "$(ls -A "$ROOT/.secondshot/trash" 2>/dev/null)" ]
		still_lists "${all[0]}" "${all[2]}"
		run_ok ss-catalog check
		no_orphans
		n=$((n + step))
	done
	[ "$n" -gt 20 ]
}

# bats test_tags=more
@test "killed between two of its steps, nothing that is left looks like damage" {
	requires_sqlite "where a journal that goes tells the end of a step"
	requires strace
	local n killed=0
	take
	turn
	# A file in each directory, by twenty names.
	perl -e 'chdir "$ARGV[0]"; mkdir "m"; for my $d (1 .. 300) {
		mkdir "m/$d"; open my $f, ">", "m/$d/1" or die; link "m/$d/1", "m/$d/$_" or die for 2 .. 20 }' "$TREE"
	take
	rm -rf "$ROOT/.sync"
	run_ok ss-catalog reconcile
	catalog_save gone
	for n in 1 2 3 4 5 6 7; do
		catalog_restore gone
		strace -f -qq -o /dev/null -e trace=unlink \
			-e inject=unlink:signal=KILL:when=$n ss-prune 2>/dev/null || killed=$((killed + 1))
		run_ok ss-catalog check
		run_ok ss-prune
		[ "$(sql 'SELECT count(*) FROM savesets')" = 1 ]
		no_orphans
	done
	[ "$killed" -ge 4 ]
}

@test "an attempt is forgotten when two complete savesets came after it" {
	run_ok ss-catalog add alpha --status=failed
	export SECONDSHOT_NOW=$(($(date +%s) + 100))
	pipeline alpha
	turn
	SECONDSHOT_NOW=$((SECONDSHOT_NOW + 100))
	run_ok ss-catalog add alpha --status=stale
	theirs
	run_ok ss-prune
	not_theirs
	[ "$(ss-catalog savesets --json | jq -r .status | xargs)" = 'failed complete stale' ]
	SECONDSHOT_NOW=$((SECONDSHOT_NOW + 100))
	pipeline alpha
	run_ok ss-prune
	[ "$(ss-catalog savesets --json | jq -r .status | xargs)" = 'complete stale complete' ]
}

# What the newest saveset closed has to be open again when it leaves.
@test "the newest saveset is pruned as if it had never come" {
	local first
	take
	first=$S
	turn
	chmod 700 "$TREE"
	rm "$TREE/one"
	fresh "$TREE/dir/two" 'other words'
	mkdir "$TREE/new" && echo n >"$TREE/new/file"
	take alpha --status=partial
	turn
	run_ok ss-prune "$S"
	no_orphans
	still_lists "$first"
	rm "$TREE/dir/sub/three"
	take
	no_orphans
	still_lists "$first" "$S"
	run_ok ss-verify --all
	run_ok ss-catalog check
}
