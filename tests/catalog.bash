# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# catalog.bash - for tests that make savesets without rsnapshot: trees edited in
# place in .sync, generations rotated by hand, and what each held kept aside.
#
#	load helpers
#	load catalog
#	setup() { stage; }

# stage [KEY=VALUE...]: conf, an initialised catalog and alpha's tree in .sync.
stage() {
	conf "$@"
	KEPT=$BATS_TEST_TMPDIR/kept
	TREE=$ROOT/.sync/alpha
	mkdir -p "$KEPT" "$ROOT/.sync"
	cp -a "$SRC/alpha" "$ROOT/.sync/"
	ss-catalog init 2>/dev/null
}

PUBLISHED='map(select(.sequence > 0 and .status != "gone")) | sort_by(.host, .sequence)'

# names [HOST]: every published saveset that is not gone, oldest first.
names() {
	ss-catalog savesets --json "$@" | jq -rs "$PUBLISHED | .[].name"
}

# newest [HOST]
newest() {
	ss-catalog savesets --json "${1:-alpha}" | jq -rs "$PUBLISHED | last.name // empty"
}

# field SAVESET KEY: of its JSON object.
field() {
	ss-catalog savesets --json | jq -r --arg n "$1" --arg k "$2" 'select(.name == $n)[$k]'
}

# listing DIR: what find says lies in a tree, in the catalog's order.
listing() {
	find "$1" \( -path "$1" -printf '.\0' -o -printf '%P\0' \) | sort -z
}

# take [HOST [OPTION...]]: catalogue .sync/HOST, keep its listing; sets S to the saveset.
take() {
	local host=${1:-alpha}
	[[ $# == 0 ]] || shift
	pipeline "$host" "$@" 2>>"$BATS_TEST_TMPDIR/take.err" || {
		cat "$BATS_TEST_TMPDIR/take.err"
		return 1
	}
	S=$(newest "$host")
	listing "$ROOT/.sync/$host" >"$KEPT/$S"
}

# still_lists SAVESET...: each holds what was kept aside when it was taken.
still_lists() {
	local name
	for name; do
		ss-catalog files "$name" -0 | cmp - "$KEPT/$name" || {
			echo "listing of $name differs"
			return 1
		}
	done
}

# turn: rotate .sync into hourly.0 and make a new .sync of hard links to it, without
# the markers, as rsnapshot and rsync do with link_dest 1.
turn() {
	local i host
	for ((i = 20; i >= 0; i--)); do
		[[ ! -e $ROOT/hourly.$i ]] || mv "$ROOT/hourly.$i" "$ROOT/hourly.$((i + 1))"
	done
	mv "$ROOT/.sync" "$ROOT/hourly.0"
	mkdir "$ROOT/.sync"
	for host in $HOSTS; do
		cp -al "$ROOT/hourly.0/$host" "$ROOT/.sync/"
	done
	ss-catalog reconcile 2>>"$BATS_TEST_TMPDIR/take.err"
}

# fresh FILE TEXT: put a new file in the place of another, as rsync does.
fresh() {
	printf '%s\n' "$2" >"$1.fresh"
	mv -f "$1.fresh" "$1"
}

# no_orphans: every inode, directory and row of the catalog has what it hangs on.
no_orphans() {
	[ "$(sql "SELECT count(*) FROM inodes i WHERE NOT EXISTS (SELECT 1 FROM paths p
		WHERE p.series = i.series AND p.ino = i.ino AND p.since = i.since)")" = 0 ]
	[ "$(sql "SELECT count(*) FROM dirs d WHERE NOT EXISTS (SELECT 1 FROM paths p
		WHERE p.series = d.series AND p.dir = d.parent AND p.name = d.name AND p.sub = d.id)")" = 0 ]
	[ "$(sql "SELECT count(*) FROM paths p WHERE p.type = 102 AND NOT EXISTS (SELECT 1 FROM inodes i
		WHERE p.series = i.series AND p.ino = i.ino AND p.since = i.since)")" = 0 ]
	[ "$(sql "SELECT count(*) FROM paths p WHERE p.dir > 1 AND NOT EXISTS (SELECT 1 FROM dirs d
		WHERE p.series = d.series AND p.dir = d.id)")" = 0 ]
	[ "$(sql "SELECT count(*) FROM paths p WHERE p.dir > 1 AND NOT EXISTS (SELECT 1 FROM paths q
		WHERE q.series = p.series AND q.sub = p.dir)")" = 0 ]
	[ "$(sql "SELECT count(*) FROM paths p JOIN paths q ON q.series = p.series AND q.dir = p.dir
		AND q.name = p.name AND q.first > p.first
		AND (p.last IS NULL OR p.last >= q.first)")" = 0 ]
	[ "$(sql "SELECT count(*) FROM paths p WHERE NOT EXISTS (SELECT 1 FROM savesets s
		WHERE s.series = p.series AND s.seq >= p.first AND (p.last IS NULL OR s.seq <= p.last))")" = 0 ]
}

# sum_of FILE...: to see that a file stayed as it was, byte by byte.
sum_of() {
	sha256sum "$@"
}
