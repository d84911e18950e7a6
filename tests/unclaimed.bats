#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Trees on disk that no saveset of the catalog claims: whoever was asked for all counts them.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers
load catalog

# two_hosts: two generations of alpha and beta, all catalogued, and an empty .sync.
two_hosts() {
	HOSTS="alpha beta" stage
	HOSTS="alpha beta"
	cp -a "$SRC/beta" "$ROOT/.sync/"
	take
	take beta
	turn
	take
	take beta
	turn
	rm -r "$ROOT/.sync"
}

# begun_anew: the catalog is lost, and there is no copy.
begun_anew() {
	catalog_drop
	ss-catalog init 2>/dev/null
}

# one_line N EXAMPLE: the message has this number and tree, and comes once.
one_line() {
	contains "$stderr" "warning: $ROOT: trees that no saveset of the catalog claims: $1, one of them $2"
	[ "$(grep -c 'claims:' <<<"$stderr")" = 1 ]
	lacks "$stderr" 'does not know the saveset'
}

no_line() {
	lacks "$stderr" 'claims|not catalogued yet'
}

@test "a catalog that was lost and begun anew: counted, one line, exit 3; a copy put back ends it" {
	two_hosts
	catalog_save whole
	begun_anew
	run_code 3 ss-catalog check --json
	one_line 4 hourly.0/alpha
	[ "$output" = '{"type":"unclaimed","volume":"backup","trees":4,"without_marker":0,"waiting":0,"example":"hourly.0/alpha"}' ]
	run_code 3 ss-verify --all
	one_line 4 'hourly.0/alpha; not verified'
	contains "$stderr" 'TREES WITHOUT A SAVESET in secondshot\(7\)'
	run_code 3 ss-catalog reconcile
	one_line 4 hourly.0/alpha
	catalog_restore whole
	run_ok ss-catalog reconcile
	no_line
	run_ok ss-verify --all
	no_line
	begun_anew
	run_code 3 ss-run --json
	one_line 4 hourly.1/alpha
	contains "$output" '"unclaimed":4,'
	run_ok ss-catalog runs
	contains "$output" ' 3 +2/2'
	# Of the new savesets nothing is wrong.
	run_code 3 ss-verify --all
	contains "$stderr" '2 of 2 savesets verified, 0 findings'
	run_code 3 ss-catalog reconcile --log-level=debug
	contains "$stderr" 'hourly.2/beta: the catalog does not know the saveset of this marker'
}

@test "half of it is catalogued again, the oldest first; what is left is named" {
	two_hosts
	begun_anew
	local at
	for at in hourly.1 hourly.0; do
		pipeline alpha --location="$at" 2>/dev/null
	done
	run_code 3 ss-verify --all
	one_line 2 hourly.0/beta
	contains "$stderr" '2 of 2 savesets verified, 0 findings'
	run_code 3 ss-catalog check
	one_line 2 hourly.0/beta
	# Beta may be another catalog's, on the same disk: that is no finding of each night.
	run_ok ss-catalog reconcile
	no_line
	for at in hourly.1 hourly.0; do
		pipeline beta --location="$at" 2>/dev/null
	done
	run_ok ss-verify --all
	no_line
	run_ok ss-catalog check
	no_line
}

@test "trees without a marker, as rsnapshot alone leaves them; what is none" {
	two_hosts
	# Being worked on, or nothing at all.
	mkdir -p "$ROOT/.sync" "$ROOT/hourly.1/empty" "$ROOT/lost+found/alpha/dir"
	cp -a "$SRC/alpha" "$ROOT/.sync/"
	cp -a "$ROOT/hourly.0/.secondshot" "$ROOT/.sync/"
	sed -i "s/^id .*/id $(printf '%032d' 8)/" "$ROOT/.sync/.secondshot/alpha"
	: >"$ROOT/hourly.1/file"
	ln -s alpha "$ROOT/hourly.1/link"
	local command
	for command in 'ss-verify --all' 'ss-catalog check' 'ss-catalog reconcile'; do
		# shellcheck disable=SC2086
		run_ok $command
		no_line
	done
	cp -a "$SRC/alpha" "$ROOT/hourly.1/gamma"
	mkdir -p "$ROOT/daysago.0"
	cp -a "$SRC/alpha" "$ROOT/daysago.0/"
	run_code 3 ss-verify --all --json
	one_line 2 daysago.0/alpha
	contains "$output" '"trees":2,"without_marker":2,"waiting":0,"example":"daysago.0/alpha"'
	run_code 3 ss-catalog check
	one_line 2 daysago.0/alpha
	# They may be there for years: no news of each night.
	run_ok ss-catalog reconcile
	no_line
	run_ok ss-catalog check "$S"
	# In the middle of a rotation they may be half copied.
	: >"$ROOT/.secondshot/rotation"
	run_ok ss-verify --all
	no_line
}

@test "what a run took while the catalog was away, and copies: reconcile is what to do" {
	two_hosts
	# Waiting, as without a server.
	sed -i -e 's/^status .*/status waiting/' -e "s/^id .*/id $(printf '%032d' 7)/" "$ROOT/hourly.0/.secondshot/alpha"
	sql "DELETE FROM locations WHERE saveset = (SELECT id FROM savesets WHERE name = $(bytes "$(newest)"))"
	sql "UPDATE savesets SET status = 5 WHERE name = $(bytes "$(newest)")"
	# One more copy is no tree without a saveset.
	cp -al "$ROOT/hourly.1" "$ROOT/daysago.3"
	run_code 3 ss-verify --all
	contains "$stderr" "trees that are not catalogued yet: 1, one of them hourly.0/alpha; not verified; run 'ss-catalog reconcile'"
	lacks "$stderr" claims
	run_ok ss-catalog reconcile
	ss-catalog pending alpha@hourly.0 | ss-hash | ss-catalog store
	run_ok ss-verify --all
	no_line
	# One that is gone, and is back.
	mv "$ROOT/hourly.0" "$BATS_TEST_TMPDIR/aside"
	run_ok ss-catalog reconcile
	mv "$BATS_TEST_TMPDIR/aside" "$ROOT/hourly.0"
	run_code 3 ss-verify --all
	one_line 2 hourly.0/alpha
	run_ok ss-catalog reconcile
	run_ok ss-verify --all
	no_line
}

@test "two backup hosts with one catalog; a volume that is away, one that was named" {
	two_hosts
	mkdir "$ROOT.2"
	sed "s|$ROOT/|$ROOT.2/|" "$RSNAPSHOT_CONF" >"$BATS_TEST_TMPDIR/etc/second"
	run_ok ss-catalog init --volume=second --rsnapshot-conf="$BATS_TEST_TMPDIR/etc/second"
	mkdir -p "$ROOT.2/hourly.0"
	cp -a "$SRC/alpha" "$ROOT.2/hourly.0/"
	# A volume of which the catalog has no saveset is looked at, too.
	run_code 3 ss-verify --all
	contains "$stderr" "$ROOT.2: trees that no saveset of the catalog claims: 1, one of them hourly.0/alpha"
	run_code 3 ss-catalog check --volume=second
	run_ok ss-catalog check --volume=backup
	run_ok ss-verify --all --volume=backup
	contains "$stderr" '4 of 4 savesets'
	run_code 2 ss-verify --all --volume=backpu
	contains "$stderr" 'backpu: no such volume in the catalog'
	run_code 2 ss-catalog check --volume=backpu
	contains "$stderr" 'backpu: no such volume in the catalog'
	mv "$ROOT.2" "$ROOT.3"
	run_ok ss-verify --all
	no_line
	# The disk that another machine had, with its savesets in the same catalog.
	sed -i 's/^backup-host.*/backup-host = another/' "$SECONDSHOT_CONF"
	run_ok ss-catalog init --volume=its
	run_ok ss-catalog check
	no_line
	run_code 2 ss-verify --all
	contains "$stderr" 'nothing to verify of backup host another'
}

@test "what an older copy of the catalog does not know is catalogued, and is complete if its tree is still the same" {
	local same other
	export SECONDSHOT_NOW=1800000000
	stage
	take && turn
	catalog_save old
	fresh "$TREE/one" second
	SECONDSHOT_NOW=1800003600
	take && same=$S && turn
	fresh "$TREE/one" third
	SECONDSHOT_NOW=1800007200
	take && other=$S && turn
	rm -r "$ROOT/.sync"
	chmod 600 "$ROOT/hourly.0/alpha/one"
	catalog_restore old
	run_ok ss-catalog reconcile
	contains "$stderr" "$same: was not in this catalog, an older copy; catalogued in hourly.1"
	contains "$stderr" "warning: $other: its tree is not as it was when its marker was written"
	no_line
	[ "$(field "$same" status location unhashed)" = 'complete hourly.1 1' ]
	[ "$(field "$other" status)" = unattested ]
	ss-catalog pending "$same" | ss-hash | ss-catalog store
	run_ok ss-verify "$same"
	run_ok ss-catalog check
}
