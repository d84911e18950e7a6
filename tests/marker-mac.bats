#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Who had a disk can write anything on it: which markers are believed, and what for.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers
load catalog

setup() {
	stage
	KEY=$BATS_TEST_TMPDIR/marker.key
}

# marker LOCATION: its path.
marker() {
	echo "$ROOT/$1/.secondshot/alpha"
}

# unseal [LOCATION...]: markers as they were before there were seals; all of them by default.
unseal() {
	local at
	[[ $# -gt 0 ]] || set -- .sync hourly.0 hourly.1 hourly.2
	for at; do
		[[ ! -e $(marker "$at") ]] || replace "$at" '/^key /d; /^mac /d'
	done
}

# replace LOCATION SED-COMMAND: as whoever has the disk does it; the marker may be hard-linked.
replace() {
	sed "$2" "$(marker "$1")" >"$BATS_TEST_TMPDIR/forged"
	rm "$(marker "$1")"
	cp "$BATS_TEST_TMPDIR/forged" "$(marker "$1")"
}

sealed() {
	local at
	for at; do
		grep -q "^key $(key_id)$" "$(marker "$at")" || { echo "$at is not sealed"; cat "$(marker "$at")"; return 1; }
	done
	run_ok ss-catalog check
}

# key_id: the name of this machine's key.
key_id() {
	ss-run --check --json 2>/dev/null | jq -r 'select(.check == "key").text' | sed -n 's/.*, key \([0-9a-f]*\).*/\1/p'
}

# three: savesets A, B and C in hourly.2, hourly.1 and hourly.0; nothing waits.
three() {
	take && A=$S && turn
	fresh "$TREE/one" second && take && B=$S && turn
	fresh "$TREE/one" third and longer && take && C=$S && turn
	rm -r "$ROOT/.sync"
	ss-catalog reconcile -q
}

# forge LOCATION STATUS: a marker with an id that nobody gave.
forge() {
	mkdir -p "$ROOT/$1/.secondshot"
	printf '%s\n' 'secondshot-marker 1' 'saveset alpha-made-up' "id $(printf %032d 7)" \
		"volume $(sed -n 's/^id //p' "$ROOT/.secondshot/volume")" \
		"status $2" 'created 4000000000' 'entries 1' 'files 1' 'bytes 1' end >"$(marker "$1")"
}

@test "what the catalog did not begin is of unknown origin, and never the newest complete one" {
	take && turn
	mkdir -p "$ROOT/daysago.7/alpha"
	echo evil >"$ROOT/daysago.7/alpha/evil"
	forge daysago.7 waiting
	run_ok ss-catalog reconcile
	contains "$stderr" 'nothing tells that a run of ours made what lies in daysago.7'
	[ "$(ss-catalog savesets --json | jq -r '"\(.status) \(.location)"' | xargs)" = 'complete hourly.0 unattested daysago.7' ]
	run_ok ss-catalog files alpha@latest
	lacks "$output" evil
	# Once: from now on it says so itself, under our seal.
	grep -q '^status unattested$' "$(marker daysago.7)"
	run_ok ss-catalog reconcile
	[ "$stderr" = "" ]
	run_ok ss-catalog check
	# It is hashed and verified as any other, and may be deleted, which the complete one may not.
	run_ok bash -o pipefail -c 'ss-catalog pending alpha@daysago.7 | ss-hash | ss-catalog store'
	run_ok ss-verify --all
	run_code 2 ss-prune "$S"
	run_ok ss-prune alpha@daysago.7
	# What says "complete" without a seal is not catalogued at all.
	mkdir -p "$ROOT/daysago.7/alpha"
	forge daysago.7 complete
	run_ok ss-catalog reconcile --log-level=debug
	contains "$stderr" 'daysago.7/alpha: the catalog does not know the saveset of this marker, which has no seal'
	[ "$(names)" = "$S" ]
}

# bats test_tags=more
@test "the first run after an upgrade, or after the key was lost, makes a key and seals what the catalog proves" {
	local id
	three
	id=$(key_id)
	[ "$(stat -c %a "$KEY")" = 600 ]
	sealed hourly.0 hourly.1 hourly.2
	# As before there were keys.
	unseal
	rm "$KEY"
	run_code 1 ss-catalog check
	contains "$output" 'marker: has no seal'
	run_ok ss-prune --dry-run
	[ ! -e "$KEY" ]
	run_ok ss-catalog reconcile
	contains "$stderr" 'a new key'
	contains "$stderr" '3 markers sealed'
	sealed hourly.0 hourly.1 hourly.2
	[ "$(key_id)" != "$id" ]
	run_ok ss-catalog reconcile
	[ "$stderr" = "" ]
	# Lost: the seals are there, and nobody knows the key.
	id=$(key_id)
	rm "$KEY"
	run_code 1 ss-catalog check
	contains "$output" "a seal of the key $id, which is not here"
	run_ok ss-catalog reconcile
	contains "$stderr" '3 markers sealed'
	sealed hourly.0 hourly.1 hourly.2
	# Another backup host's key that is accepted seals nothing here, but is believed.
	mkdir -m 700 "$BATS_TEST_TMPDIR/marker-keys"
	id=$(key_id)
	mv "$KEY" "$BATS_TEST_TMPDIR/marker-keys/old"
	run_ok ss-catalog reconcile
	[ "$stderr" = "" ]
	run_ok ss-catalog check
	grep -q "^key $id$" "$(marker hourly.0)"
}

@test "a marker without a seal permits no deletion, and its saveset counts for no other's" {
	three
	unseal hourly.0
	# The catalog cannot prove it: somebody was at the tree.
	echo more >"$ROOT/hourly.0/alpha/more"
	run_code 1 ss-catalog reconcile
	contains "$stderr" "$C: its marker in hourly.0 has no seal, and its tree is not the one that the catalog knows"
	[ "$(names)" = "$A"$'\n'"$B"$'\n'"$C" ]
	# Neither it...
	run_code 2 ss-prune "$C"
	[ -e "$ROOT/hourly.0/alpha/one" ]
	# ... nor the newest one that is surely there.
	run_code 2 ss-prune "$B"
	contains "$stderr" "$B: is the newest complete saveset"
	[ -e "$ROOT/hourly.1/alpha/one" ]
	run_code 1 ss-prune "$A"
	# An older one is refused for itself.
	unseal hourly.1
	echo more >"$ROOT/hourly.1/alpha/more"
	fresh "$ROOT/hourly.0/alpha/one" x
	rm "$ROOT/hourly.0/alpha/more"
	cp -a "$SRC/alpha" "$BATS_TEST_TMPDIR/again"
	mkdir -p "$ROOT/.sync" && cp -a "$SRC/alpha" "$ROOT/.sync/" && take
	run_code 2 ss-prune "$B"
	contains "$stderr" "hourly.1/alpha stays: the marker of $B there has no seal"
	[ -e "$ROOT/hourly.1/alpha/one" ]
	# As it was: it is sealed.
	rm "$ROOT/hourly.1/alpha/more"
	run_code 1 ss-catalog reconcile
	grep -q '^mac ' "$(marker hourly.1)"
	run_code 1 ss-prune "$B"
	[ ! -e "$ROOT/hourly.1/alpha" ]
}

# bats test_tags=more
@test "a sealed marker that is put elsewhere, or says something else, is told by its tree" {
	local other=$BATS_TEST_TMPDIR/other
	three
	# That of the oldest over the newest one's, twice: copied, moved.
	cp "$(marker hourly.2)" "$other"
	cp "$other" "$(marker hourly.0)"
	run_code 1 ss-catalog reconcile
	contains "$stderr" "$C: its marker in hourly.0 was another's"
	sealed hourly.0 hourly.1 hourly.2
	[ "$(field "$C" location)" = hourly.0 ]
	mv "$(marker hourly.2)" "$(marker hourly.0)"
	run_code 1 ss-catalog reconcile
	[ "$(field "$C" location)" = hourly.0 ]
	[ "$(names)" = "$B"$'\n'"$C" ]
	cp "$other" "$(marker hourly.2)"
	run_ok ss-catalog reconcile
	sealed hourly.0 hourly.1 hourly.2
	# Another status, another volume: the catalog knows what it was.
	replace hourly.0 's/^status complete/status partial/'
	run_ok ss-catalog reconcile
	contains "$stderr" '1 markers sealed'
	sealed hourly.0
	[ "$(field "$C" status)" = complete ]
	rm "$(marker hourly.0)"
	forge hourly.0 waiting
	run_code 1 ss-catalog reconcile
	contains "$stderr" "$C: its marker in hourly.0 was another's"
	sealed hourly.0
	[ "$(names)" = "$A"$'\n'"$B"$'\n'"$C" ]
	# A whole volume that carries another's id, and its markers.
	cp "$ROOT/.secondshot/volume" "$other"
	echo "UPDATE volumes SET uid = $(bytes "$(printf %032d 5)")" >"$BATS_TEST_TMPDIR/sql"
	sql "$(<"$BATS_TEST_TMPDIR/sql")"
	printf 'secondshot-volume 1\nid %032d\n' 5 >"$ROOT/.secondshot/volume"
	run_code 1 ss-catalog check
	contains "$output" 'was sealed for another volume'
}

# bats test_tags=more
@test "a saveset that was gone comes back without a seal as unattested" {
	three
	mv "$ROOT/hourly.1" "$BATS_TEST_TMPDIR/away"
	run_ok ss-catalog reconcile
	mv "$BATS_TEST_TMPDIR/away" "$ROOT/hourly.1"
	unseal hourly.1
	run_ok ss-catalog reconcile
	contains "$stderr" "$B: is back, in hourly.1"
	[ "$(field "$B" status location)" = 'unattested hourly.1' ]
	run_ok ss-catalog check
}

# bats test_tags=more
@test "store puts no seal under what somebody else wrote" {
	local id
	ss-catalog add alpha >"$BATS_TEST_TMPDIR/stream" 2>/dev/null
	replace .sync 's/^status complete/status partial/'
	run_code 3 bash -o pipefail -c 'ss-hash <"$1" | ss-catalog store' - "$BATS_TEST_TMPDIR/stream"
	contains "$stderr" 'its marker in .sync does not fit its seal, and is left as it is'
	grep -q '^status partial$' "$(marker .sync)"
	run_ok ss-catalog reconcile
	run_ok bash -o pipefail -c 'ss-catalog pending alpha@.sync | ss-hash | ss-catalog store'
	run_ok ss-catalog check
	# Files that a later sync changed through hard links do not keep a saveset from its seal.
	turn
	chmod 0600 "$TREE/one"
	take && turn
	[ "$(ss-catalog savesets --json | jq -s 'map(.relabelled) | any')" = true ]
	unseal
	run_ok ss-catalog reconcile
	run_ok ss-catalog check
}

@test "what lies in .sync without a seal is neither rotated nor synced over before it is accepted" {
	run_ok ss-run
	mkdir -p "$ROOT/.sync"
	cp -a "$ROOT/hourly.0/alpha" "$ROOT/.sync/"
	echo evil >"$ROOT/.sync/alpha/evil"
	for status in complete waiting; do
		forge .sync "$status"
		run_code 1 ss-run
		contains "$stderr" 'held back in .sync.*nothing tells that a run of ours made it'
		[ -e "$ROOT/.sync/alpha/evil" ]
		[ ! -e "$ROOT/hourly.1" ]
		[ ! -e "$ROOT/hourly.0/alpha/evil" ]
	done
	# By now it is catalogued as unattested.
	[ "$(ss-catalog savesets --json | jq -r 'select(.location == ".sync").status')" = unattested ]
	run_code 1 ss-run
	[ -e "$ROOT/.sync/alpha/evil" ]
	run_ok ss-run --accept=alpha
	[ -e "$ROOT/hourly.1/alpha/evil" ]
	[ ! -e "$ROOT/hourly.0/alpha/evil" ]
}

# nowhere: the catalog's server does not answer.
nowhere() {
	sed -i 's|^db-url.*|db-url = mysql://nobody@127.0.0.1:1/nothing\ndb-timeout = 1|' "$SECONDSHOT_CONF"
}

# bats test_tags=more
@test "without the catalog only a seal tells: no rotation, no sync over, no guard passed" {
	printf 'max-shrink = 20%%\n' >>"$SECONDSHOT_CONF"
	run_ok ss-run
	nowhere
	# Ours, sealed: it goes on as ever.
	run_code 3 ss-run
	[ -e "$ROOT/hourly.1" ]
	[ ! -e "$ROOT/hourly.2" ]
	# The markers of older savesets have no seal: nobody knows what there was.
	unseal
	run_code 1 ss-run
	contains "$stderr" 'held back.*the marker of the saveset before it has no seal'
	[ ! -e "$ROOT/hourly.2" ]
	rm -r "$ROOT/.sync"/* "$ROOT/.sync/.secondshot"
	sed -i /^max-shrink/d "$SECONDSHOT_CONF"
	# A marker that says there is a copy elsewhere does not free .sync.
	run_code 3 ss-run --no-rotate
	cp "$(marker .sync)" "$BATS_TEST_TMPDIR/sync"
	cp "$BATS_TEST_TMPDIR/sync" "$(marker hourly.1)"
	unseal hourly.1
	echo here >"$ROOT/.sync/alpha/waits"
	run_code 2 ss-run --no-rotate
	contains "$stderr" 'waits in .sync and is not synced over'
	unseal .sync
	run_code 1 ss-run
	contains "$stderr" 'its marker has no seal'
	[ -e "$ROOT/.sync/alpha/waits" ]
	[ ! -e "$ROOT/hourly.2" ]
	# What a larger interval takes has to be ours, too.
	unseal hourly.0
	rm -r "$ROOT/.sync"/* "$ROOT/.sync/.secondshot"
	run_code 2 ss-run --rotate=daysago
	contains "$stderr" 'alpha: stays as it is: its marker in hourly.0 has no seal'
	contains "$stderr" 'daysago: not rotated'
}

# bats test_tags=more
@test "a key that others may know or have made is refused, and backups go on" {
	take && turn
	chmod 0644 "$KEY"
	run_code 1 ss-run --check
	contains "$output" 'key +mend.*others than its owner can read the key'
	chmod 0600 "$KEY"
	echo no key >"$KEY"
	run_code 1 ss-run
	contains "$stderr" 'marker.key: is no key, or a damaged one'
	[ "$(<"$KEY")" = 'no key' ]
	[ -e "$ROOT/hourly.1/alpha" ]
	rm "$KEY"
	run_ok ss-run --check
	contains "$output" 'key +ok.*there is none; the next run makes it'
	[ ! -e "$KEY" ]
	run_ok ss-run
	sealed hourly.0 hourly.1 hourly.2
	run_ok ss-run --check
	contains "$output" 'key +ok .*key [0-9a-f]{16}$'
}
