#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-catalog reconcile: the disk is the truth for where savesets lie.

# shellcheck disable=SC2034,SC2154
load helpers
load catalog

setup() {
	stage
}

unchanged() {
	[ "$(catalog_sum)" = "$1" ]
}

@test "locations renamed by hand; what is no location, and what a killed process left" {
	take
	local first=$S before
	cp -al "$ROOT/.sync" "$ROOT/_delete.4711"
	cp -al "$ROOT/.sync" "$ROOT/lost+found"
	ln -s .sync "$ROOT/hourly.7"
	: >"$ROOT/hourly.8"
	: >"$ROOT/.sync/.secondshot/.new-1f.alpha"
	run_ok ss-catalog reconcile
	[ "$(field "$S" location)" = .sync ]
	[ ! -e "$ROOT/.sync/.secondshot/.new-1f.alpha" ]
	run_ok ss-verify --all
	rm "$ROOT/hourly.7" "$ROOT/hourly.8"
	mv "$ROOT/.sync" "$ROOT/hourly.0"
	run_code 1 ss-catalog check
	contains "$output" 'marker: missing, should be .sync'
	contains "$stderr" "1 of them only lie elsewhere.* 'ss-catalog reconcile'"
	run_ok ss-catalog reconcile
	[ "$(field "$first" location)" = hourly.0 ]
	mv "$ROOT/hourly.0" "$ROOT/daysago.17"
	run_ok ss-catalog reconcile
	[ "$(field "$first" location)" = daysago.17 ]
	run_ok ss-verify alpha@daysago.17
	before=$(catalog_sum)
	run_ok ss-catalog reconcile
	lacks "$stderr" 'brought up to date'
	unchanged "$before"
	# A catalog that does not know the saveset of a marker learns nothing from it.
	catalog_drop
	run_ok ss-catalog init
	run_code 3 ss-catalog reconcile
	contains "$stderr" 'claims: 1, one of them daysago.17/alpha'
	[ -z "$(names)" ]
}

@test "cp -al: one saveset in several places, a numbered one wins over .sync" {
	take
	cp -al "$ROOT/.sync" "$ROOT/hourly.0"
	cp -al "$ROOT/.sync" "$ROOT/hourly.1"
	run_ok ss-catalog reconcile
	[ "$(field "$S" location)" = hourly.0,hourly.1,.sync ]
	run_ok ss-verify alpha@hourly.1
	run_ok ss-catalog check
	# One of the copies is edited: only there it is something else.
	rm "$ROOT/hourly.0/alpha/one"
	run_ok ss-catalog reconcile
	[ "$(field "$S" location)" = hourly.1,.sync ]
}

@test "link_dest 0: one marker over two trees; a second sync under an old one is not believed" {
	take
	local first=$S
	cp -al "$ROOT/.sync" "$ROOT/hourly.0"
	fresh "$TREE/dir/two" 'second sync'
	run_ok ss-catalog reconcile
	[ "$(field "$first" location)" = hourly.0 ]
	take
	mv "$ROOT/hourly.0" "$ROOT/hourly.1"
	cp -al "$ROOT/.sync" "$ROOT/hourly.0"
	run_ok ss-catalog reconcile
	[ "$(field "$first" location)" = hourly.1 ]
	[ "$(field "$S" location)" = hourly.0,.sync ]
	run_ok ss-verify --all
	run_ok ss-catalog check
	# What a sync has written to is another tree, wherever it lay and wherever it lies by now.
	another() {
		run_ok ss-catalog reconcile
		contains "$stderr" 'is something else by now'
		[ "$(field "$S" status location)" = 'gone null' ]
	}
	[ "$(field "$S" location)" = hourly.0,.sync ]
	fresh "$TREE/one" other
	rm -r "$ROOT/hourly.0"
	mv "$ROOT/.sync" "$ROOT/hourly.0"
	another
	mv "$ROOT/hourly.0" "$ROOT/.sync"
	take
	fresh "$TREE/one" 'and another'
	another
	take
	mv "$ROOT/.sync" "$ROOT/hourly.0"
	run_ok ss-catalog reconcile
	[ "$(field "$S" location)" = hourly.0 ]
	mv "$ROOT/hourly.0" "$ROOT/.sync"
	fresh "$TREE/one" 'once more'
	another
	take
	run_ok ss-catalog check
	run_ok ss-verify alpha
}

@test "a marker over another tree is not believed, nor one of a host for another" {
	HOSTS='alpha beta'
	conf
	take
	cp -a "$SRC/beta" "$ROOT/.sync/"
	mv "$ROOT/.sync/.secondshot/alpha" "$ROOT/.sync/.secondshot/beta"
	run_ok ss-catalog reconcile
	[ "$(field "$S" status location)" = 'gone null' ]
	# Not even where the trees are alike.
	rm -r "$ROOT/.sync/beta"
	cp -al "$ROOT/.sync/alpha" "$ROOT/.sync/beta"
	run_ok ss-catalog reconcile
	[ "$(field "$S" status location)" = 'gone null' ]
	mv "$ROOT/.sync/.secondshot/beta" "$ROOT/.sync/.secondshot/alpha"
	run_ok ss-catalog reconcile
	[ "$(field "$S" status location)" = 'complete .sync' ]
	run_ok ss-verify --all
}

@test "torn, foreign and strange markers are told, and mended where the tree shows whose they are" {
	local dir=$ROOT/.sync/.secondshot marker
	take
	marker=$(<"$dir/alpha")
	strange() {
		run_code 1 ss-catalog reconcile
		contains "$stderr" "marker of alpha"
		contains "$stderr" "written anew"
		[ "$(field "$S" status)" = complete ]
		[ "$(<"$dir/alpha")" = "$marker" ]
		run_ok ss-catalog reconcile
	}
	# What else is no marker, see tests/unit/test_marker.c.
	printf '%s' "${marker%end*}" >"$dir/alpha"; strange
	head -c 1000000 /dev/zero >"$dir/alpha"; strange
	rm "$dir/alpha"; mkfifo "$dir/alpha"; strange
	rm "$dir/alpha"; printf '%s\n' "$marker" >"$BATS_TEST_TMPDIR/else"; ln -s "$BATS_TEST_TMPDIR/else" "$dir/alpha"; strange
	# One that lies is told by check.
	printf '%s\n' "$marker" | sed "s/^metadata .*/metadata $(printf '%064d' 0)/" >"$dir/alpha.new"
	mv "$dir/alpha.new" "$dir/alpha"
	run_code 1 ss-catalog check
	[ "$(wc -l <<<"$output")" = 2 ]
	contains "$output" "metadata digest in its marker: 0{64}, should be $(field "$S" metadata_digest)"
	contains "$output" 'marker: does not fit its seal'
	run_ok ss-catalog reconcile
	[ "$(<"$dir/alpha")" = "$marker" ]
	# Over another tree it is nobody's, and the saveset is not there any more.
	echo broken >"$dir/alpha"
	fresh "$TREE/one" 'another file'
	run_code 1 ss-catalog reconcile
	contains "$stderr" 'cannot be told'
	[ "$(field "$S" status)" = gone ]
	take
	# In a numbered location the saveset stays where it was, whatever became of it.
	turn
	echo broken >"$ROOT/hourly.0/.secondshot/alpha"
	chmod 0600 "$ROOT/hourly.0/alpha/nothing"
	run_code 1 ss-catalog reconcile
	[ "$(field "$S" status location)" = 'complete hourly.0' ]
	run_code 1 ss-prune
	[ "$(field "$S" status)" = complete ]
	chmod 0644 "$ROOT/hourly.0/alpha/nothing"
	run_code 1 ss-catalog reconcile
	run_ok ss-catalog reconcile
	dir=$ROOT/hourly.0/.secondshot
	# Keys of a later version do no harm.
	sed -i 's/^end/colour green\nend/' "$dir/alpha"
	run_ok ss-catalog reconcile
	[ "$(field "$S" status)" = complete ]
}

# bats test_tags=more
@test "whatever is no marker is mended where the tree shows whose it was" {
	local dir=$ROOT/.sync/.secondshot marker
	take
	marker=$(<"$dir/alpha")
	strange() {
		run_code 1 ss-catalog reconcile
		contains "$stderr" "marker of alpha"
		contains "$stderr" "written anew"
		[ "$(field "$S" status)" = complete ]
		[ "$(<"$dir/alpha")" = "$marker" ]
		run_ok ss-catalog reconcile
	}
	: >"$dir/alpha"; strange
	printf 'something else\n' >"$dir/alpha"; strange
	printf '%s\n' "${marker/marker 1/marker 2}" >"$dir/alpha"; strange
	printf 'secondshot-marker 1\n\0%s\n' "$marker" >"$dir/alpha"; strange
	sed -i 's/^id .*/id short/' "$dir/alpha"; strange
	sed -i 's/^files .*/files many/' "$dir/alpha"; strange
	sed -i "s/^saveset .*/saveset $(printf '%0400d' 0)/" "$dir/alpha"; strange
}

# bats test_tags=more
@test "what cannot be read is not gone: exit 2, the catalog as it was" {
	local before call sum tool
	take
	turn
	take
	before=$(catalog_sum)
	# A whole location, in which nobody can look; markers alone: bad-marker.bats.
	for tool in 'ss-catalog reconcile' ss-prune; do
		# shellcheck disable=SC2086
		run strace -f -qq -o "$BATS_TEST_TMPDIR/log" -P "$ROOT/hourly.0" -P hourly.0 \
			-e trace=openat -e inject=openat:error=EIO $tool
		contains "$(cat "$BATS_TEST_TMPDIR/log")" INJECTED
		[ "$status" = 2 ]
		unchanged "$before"
	done
	# The volume's id: neither absent, nor to be made anew.
	sum=$(sum_of "$ROOT/.secondshot/volume")
	for call in openat read; do
		run_code 2 strace -f -qq -o "$BATS_TEST_TMPDIR/log" -P "$ROOT/.secondshot/volume" -P volume \
			-e trace="$call" -e inject="$call":error=EIO ss-catalog init
		contains "$(<"$BATS_TEST_TMPDIR/log")" INJECTED
		contains "$stderr" 'volume offline: .*/volume: Input/output error'
		[ "$(sum_of "$ROOT/.secondshot/volume")" = "$sum" ]
		unchanged "$before"
	done
	# The tree itself, where it has to be walked to be believed.
	mv "$ROOT/hourly.0" "$ROOT/hourly.1"
	mv "$ROOT/.sync" "$ROOT/hourly.0"
	before=$(names)
	run strace -f -qq -o "$BATS_TEST_TMPDIR/log" -P "$ROOT/hourly.0/alpha/dir" \
		-e trace=getdents64 -e inject=getdents64:error=EIO ss-catalog reconcile
	contains "$(cat "$BATS_TEST_TMPDIR/log")" INJECTED
	contains "$output" 'was not found, and what lies on the disk cannot all be read'
	[ "$status" = 1 ]
	[ "$(names)" = "$before" ]
	run_ok ss-catalog reconcile
	[ "$(field "$S" location)" = hourly.0 ]
}

# unpublish: as if the second saveset's add had been killed right before it was published.
unpublish() {
	sql "DELETE FROM locations WHERE saveset = (SELECT id FROM savesets WHERE seq = 2)"
	sql "UPDATE savesets SET seq = NULL, status = 0, digest = NULL WHERE seq = 2"
	sql "UPDATE series SET last_seq = 1"
}

@test "what was whole and could not be published any more is catalogued where it lies, if it is what it was" {
	take
	turn
	take
	unpublish
	fresh "$TREE/dir/two" 22
	run_ok ss-catalog reconcile
	lacks "$stderr" 'catalogued in'
	[ "$(names | wc -l)" = 1 ]
	run_ok ss-catalog check
	take
	run_ok ss-verify alpha@.sync
	mapfile -t all < <(names)
	unpublish
	run_ok ss-catalog savesets
	lacks "$output" "${all[1]}"
	mv "$ROOT/hourly.0" "$ROOT/hourly.1"
	mv "$ROOT/.sync" "$ROOT/hourly.0"
	run_ok ss-catalog reconcile
	contains "$stderr" 'catalogued in hourly.0'
	[ "$(names | xargs)" = "${all[*]}" ]
	[ "$(field "$(newest)" location)" = hourly.0 ]
	still_lists "${all[@]}"
	ss-catalog pending "$(newest)" | ss-hash | ss-catalog store
	run_ok ss-catalog check
	run_ok ss-verify --all
}
