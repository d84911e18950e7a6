#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The two digests of a saveset, and what ss-catalog check makes of them.

# shellcheck disable=SC2034,SC2154
load helpers
load catalog

setup() {
	stage
}

# digests_hold: both digests of $S are what another program computes from the tree.
digests_hold() {
	local metadata full
	{ read -r metadata; read -r full; } < <(digests)
	[ "$metadata" = "$("$TESTS/metadata.pl" "$TREE")" ]
	find "$TREE" -type f -print0 | xargs -0 sha256sum -z >"$BATS_TEST_TMPDIR/sums"
	[ "$full" = "$("$TESTS/metadata.pl" "$TREE" "$BATS_TEST_TMPDIR/sums")" ]
}

# digests: of $S, a line each.
digests() {
	ss-catalog savesets --json | jq -r --arg n "$S" 'select(.name == $n) | .metadata_digest, .full_digest'
}

@test "both digests are what another program computes, whoever the tree is of and wherever it lies" {
	local digest
	mkfifo "$TREE/fifo"
	ln -s $'a\nlink\\' "$TREE/dir/"$'odd\t\xe2\x80\xae\xff'
	: >"$TREE/dir-"
	take
	digests_hold
	digest=$(digests)
	cp -a "$TREE" "$ROOT/.sync/beta"
	take beta
	[ "$(digests)" = "$digest" ]
	# The file system's own numbers do not count.
	cp -a "$TREE" "$ROOT/.sync/copy"
	rm -r "$TREE"
	mv "$ROOT/.sync/copy" "$TREE"
	take
	[ "$(digests)" = "$digest" ]
	[ "$(field "$S" rows_added)" -gt 3 ]
}

# bats test_tags=more
@test "both digests of names and things nobody would like to meet" {
	hostile_tree "$TREE/hostile"
	rm -r "$TREE/hostile/times"
	take
	digests_hold
}

# Rows are read some thousands at once, and the next ones asked for meanwhile.
# bats test_tags=more
@test "both digests of a tree of many reads, in and out of the order in which it was catalogued" {
	# Most are further names of a file: rows that cost the file system little.
	perl -e 'chdir $ARGV[0]; mkdir $_ for "huge", "m", "z";
		sub file { open my $f, ">", $_[0] or die }
		for my $i (1 .. 100) { file("huge/$i"); link "huge/$i", "huge/$i-$_" or die for 1 .. 81 }
		for my $d (1 .. 150) { mkdir "m/$d"; file("m/$d/1"); file("m/$d/2");
			link "m/$d/2", "m/$d/$_" or die for 3 .. 40 } file("z/end")' "$TREE"
	take
	digests_hold
	# Directories that come late have high numbers, wherever they lie; what is linked has it all read again.
	turn
	for i in {1..149..7}; do
		mkdir "$TREE/m/$i/new" && echo "$i" >"$TREE/m/$i/new/file"
		ln "$TREE/m/$i/new/file" "$TREE/m/$i/new/too"
		rm -r "$TREE/m/$((i + 1))"
	done
	take
	digests_hold
	run_ok ss-catalog check
}

# metadata: sets $digest to that of the tree in .sync; the marker has it before the contents are read.
metadata() {
	run_ok ss-catalog add alpha
	digest=$(<"$ROOT/.sync/.secondshot/alpha")
	[[ $digest =~ $'\nmetadata '([0-9a-f]{64})$'\n' ]]
	digest=${BASH_REMATCH[1]}
}

@test "each attribute counts, and putting it back brings the digest back" {
	local digest first seen dir
	requires root
	differs() {
		metadata
		[[ $seen != *"$digest"* ]] || { echo "same digest after: $1"; return 1; }
		seen+=$digest$'\n'
	}
	metadata
	first=$digest
	seen=$digest$'\n'
	dir=$(stat -c %y "$TREE/dir")
	chmod 0641 "$TREE/dir/two"; differs mode
	chmod 0640 "$TREE/dir/two"; metadata; [ "$digest" = "$first" ]
	chmod 0641 "$TREE/dir/two"
	chown 7:0 "$TREE/dir/two"; differs uid
	chown 0:7 "$TREE/dir/two"; differs gid
	touch -d '2001-01-01 00:00:00.000000001' "$TREE/dir/two"; differs mtime
	echo longer text >"$TREE/dir/two"; touch -d '2001-01-01 00:00:00.000000001' "$TREE/dir/two"; differs size
	ln -sfn dir "$TREE/link"; touch -h -d 2001-01-01 "$TREE/link"; differs target
	chmod 0700 "$TREE"; differs 'mode of the top'
	chmod 0755 "$TREE"
	rm "$TREE/dir/one-again"; cp -p "$TREE/one" "$TREE/dir/one-again"; touch -d "$dir" "$TREE/dir"; differs 'hard link'
	mv "$TREE/dir/one-again" "$TREE/dir/one-more"; touch -d "$dir" "$TREE/dir"; differs name
	rm "$TREE/nothing"; mkfifo "$TREE/nothing"; differs type
	touch -d 2001-01-01 "$TREE/empty"; differs 'mtime of a directory'
	rm "$TREE/nothing"; mkdir "$TREE/nothing"; differs 'another type'
}

@test "check names what differs: rows, counts, digests, markers" {
	take
	run_ok ss-catalog check
	catalog_save good
	local change
	: >"$BATS_TEST_TMPDIR/json"
	for change in "UPDATE paths SET mode = mode + 1 WHERE name = $(bytes two)" \
		"UPDATE paths SET name = $(bytes tvo) WHERE name = $(bytes two)" \
		"UPDATE inodes SET digest = $(zeros 32) WHERE size = 6" \
		"UPDATE inodes SET size = 7 WHERE size = 6" \
		"UPDATE inodes SET mtime_ns = mtime_ns + 1 WHERE size = 6" \
		"UPDATE inodes SET blocks = blocks + 1 WHERE size = 6" \
		"DELETE FROM paths WHERE name = $(bytes nothing)" \
		"UPDATE savesets SET files = files + 1" \
		"UPDATE savesets SET bytes = bytes + 1" \
		"UPDATE savesets SET metadata = 'x'" \
		"UPDATE savesets SET digest = 'x'" \
		"UPDATE savesets SET status = 2" \
		"UPDATE savesets SET uid = '00000000000000000000000000000000'"; do
		catalog_restore good
		sql "$change"
		run_code 1 ss-catalog check
		[[ $'\n'$output == *$'\n'"differs	$S	"* ]]
		run_code 1 ss-catalog check --json
		printf '[%s]' "${output//$'\n'/,}" >>"$BATS_TEST_TMPDIR/json"
	done
	# An array for each of them.
	[ "$(jq -s --arg n "$S" 'map(select(any(.type == "finding" and .class == "differs" and .saveset == $n))) | length' \
		"$BATS_TEST_TMPDIR/json")" = 13 ]
	catalog_restore good
	sed -i 's/^files .*/files 99/' "$ROOT/.sync/.secondshot/alpha"
	run_code 1 ss-catalog check
	contains "$output" 'files in its marker'
	lacks "$stderr" reconcile
	rm "$ROOT/.sync/.secondshot/alpha"
	run_code 1 ss-catalog check "$S"
	contains "$output" 'marker: missing'
	# Nothing would be mended by that: it is nowhere.
	lacks "$stderr" reconcile
}

@test "a row without its inode, or with half a digest, is told, not shown" {
	take
	catalog_save good
	sql 'DELETE FROM inodes WHERE size = 6'
	run_code 2 ss-catalog check
	contains "$stderr" damaged
	run_code 2 ss-catalog files "$S"
	catalog_restore good
	sql "UPDATE inodes SET digest = $(zeros 31) WHERE size = 6"
	run_code 2 ss-catalog check
	run_code 2 ss-verify "$S"
}

# What of the catalog can be proved: of a saveset's record that which its marker or its
# rows can bear witness of.
shown() (
	set -o pipefail
	ss-catalog savesets --json | jq -c 'del(.finished, .vanished, .relabelled, .overwritten,
		.rows_added, .rows_closed, .changed, .removed, .hashtype, .reason)' &&
		ss-catalog hosts --json | jq -r .name &&
		ss-catalog volumes --json | jq -r '.name, .id, .path' &&
		for name in "${all[@]}"; do ss-catalog files "$name" --json || return; done
)

# found_or_harmless WHAT: it is found, or $before is still what is shown.
found_or_harmless() {
	local after
	run timeout 20 ss-catalog check
	((status != 1 && status != 2)) || return 0
	((status == 0)) || { echo "$1: exit $status"; return 1; }
	# An error message is no wrong answer.
	after=$(shown 2>/dev/null) || return 0
	[[ $before == "$after" ]] ||
		{ echo "$1: not found"; diff <(echo "$before") <(echo "$after"); return 1; }
}

# Two savesets that have most of their rows in common.
two_savesets() {
	take
	turn
	fresh "$TREE/dir/two" 22
	take
	mapfile -t all < <(names)
}

# bats test_tags=more
@test "a value changed in any table is found, or changes nothing that is shown" {
	local changes=12 before seed=${SEED:-$RANDOM} columns at table column type old new
	echo "SEED=$seed"
	RANDOM=$seed
	two_savesets
	before=$(shown)
	# Nothing else knows what a volume is called, and by whom.
	mapfile -t columns < <(catalog_columns | grep -vE '^volumes\|(name|backup_host)\|')
	[[ -z ${SS_LONG:-} ]] || changes=${#columns[@]}
	catalog_save good
	while ((changes-- > 0)); do
		at=$((RANDOM % ${#columns[@]}))
		[[ -z ${SS_LONG:-} ]] || at=$changes
		IFS='|' read -r table column type <<<"${columns[at]}"
		if [[ $type == *int* ]]; then
			old=$(sql "SELECT $column FROM $table WHERE $column IS NOT NULL LIMIT 1")
			new=$((old + 1))
		else
			old=$(sql "SELECT hex($column) FROM $table WHERE $column <> x'' LIMIT 1")
			printf -v new "x'%02x%s'" $((0x0${old:0:2} ^ 1)) "${old:2}"
			old=${old:+x\'$old\'}
		fi
		# Where a key forbids it, it did not happen.
		[[ -n $old ]] && sql_unchecked "UPDATE $table SET $column = $new WHERE $column = $old" || continue
		found_or_harmless "$table.$column: $old"
		catalog_restore good
	done
}

# bats test_tags=more
@test "a bit flipped in the catalog's file is found, or changes nothing that is shown" {
	requires_sqlite "about its file"
	local flips=${SS_FLIPS:-12} used at byte before seed=${SEED:-$RANDOM}
	[[ -z ${SS_LONG:-} ]] || flips=400
	echo "SEED=$seed"
	RANDOM=$seed
	two_savesets
	before=$(shown)
	# Where there is nothing but zeros there is mostly nothing at all.
	mapfile -t used < <(od -An -v -tu1 -w1 "$CATALOG" | awk '$1 { print NR - 1 }')
	catalog_save good
	while ((flips-- > 0)); do
		catalog_restore good
		at=${used[(RANDOM * 32768 + RANDOM) % ${#used[@]}]}
		byte=$(od -An -tu1 -j "$at" -N1 "$CATALOG")
		# shellcheck disable=SC2059
		printf "\\x$(printf %02x $((byte ^ (1 << RANDOM % 8))))" |
			dd of="$CATALOG" bs=1 seek="$at" conv=notrunc status=none
		found_or_harmless "byte $at, was $byte"
	done
}
