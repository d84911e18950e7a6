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

# each_saveset [HOST]: the JSON lines of savesets, as LINES; without jq, which is dearer than
# all else that a test does.  Fails if ss-catalog does.
each_saveset() {
	local text
	text=$(ss-catalog savesets --json "$@") || return
	mapfile -t LINES <<<"$text"
}

# value LINE KEY: VALUE is what the JSON object has there; a string without its quotes.
value() {
	if [[ $1 == *\\* ]]; then
		VALUE=$(jq -r --arg k "$2" '.[$k]' <<<"$1")
	elif [[ $1 =~ \"$2\":(\"([^\"]*)\"|[^,}]*) ]]; then
		VALUE=${BASH_REMATCH[2]:-${BASH_REMATCH[1]#\"\"}}
	else
		VALUE=null
	fi
}

# names [HOST]: every published saveset that is not gone, oldest first, host by host.
names() {
	local line host='' seq
	local -a LINES at=()
	each_saveset "$@" || return
	for line in "${LINES[@]}"; do
		value "$line" sequence
		seq=$VALUE
		[[ $seq == [1-9]* && $line != *'"status":"gone"'* ]] || continue
		value "$line" host
		if [[ $VALUE != "$host" ]]; then
			((${#at[@]} == 0)) || printf '%s\n' "${at[@]}"
			at=()
			host=$VALUE
		fi
		value "$line" name
		at[seq]=${at[seq]:+${at[seq]}$'\n'}$VALUE
	done
	((${#at[@]} == 0)) || printf '%s\n' "${at[@]}"
}

# newest [HOST]
newest() {
	local all
	all=$(names "${1:-alpha}") || return
	[[ -z $all ]] || printf '%s\n' "${all##*$'\n'}"
}

# field SAVESET KEY...: of its JSON object, in a line.
field() {
	local line key name=$1 text=''
	local -a LINES
	shift
	each_saveset || return
	for line in "${LINES[@]}"; do
		[[ $line == *"\"name\":\"$name\""* ]] || continue
		for key; do
			value "$line" "$key"
			text+=" $VALUE"
		done
		printf '%s\n' "${text# }"
	done
}

# listing DIR: what find says lies in a tree, in the catalog's order.
listing() {
	find "$1" \( -path "$1" -printf '.\0' -o -printf '%P\0' \) | sort -z
}

# take [HOST [OPTION...]]: catalogue .sync/HOST, keep its listing; sets S to the saveset.
take() {
	local host=${1:-alpha}
	[[ $# == 0 ]] || shift
	# With known rot in the tree it ends with 1, and the saveset is there all the same.
	pipeline "$host" "$@" 2>>"$BATS_TEST_TMPDIR/take.err" || grep -q 'known to be corrupt' "$BATS_TEST_TMPDIR/take.err" || {
		cat "$BATS_TEST_TMPDIR/take.err"
		return 1
	}
	# Its second line names it.
	{ read -r _ && read -r _ S; } <"$ROOT/.sync/.secondshot/$host"
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
	local -a trees=()
	for ((i = 20; i >= 0; i--)); do
		[[ ! -e $ROOT/hourly.$i ]] || mv "$ROOT/hourly.$i" "$ROOT/hourly.$((i + 1))"
	done
	mv "$ROOT/.sync" "$ROOT/hourly.0"
	mkdir "$ROOT/.sync"
	for host in $HOSTS; do
		trees+=("$ROOT/hourly.0/$host")
	done
	cp -al "${trees[@]}" "$ROOT/.sync/"
	ss-catalog reconcile 2>>"$BATS_TEST_TMPDIR/take.err"
}

# fresh FILE TEXT: put a new file in the place of another, as rsync does.
fresh() {
	printf '%s\n' "$2" >"$1.fresh"
	mv -f "$1.fresh" "$1"
}

# no_orphans: every inode, directory and row of the catalog has what it hangs on.
no_orphans() {
	[ "$(sql "SELECT
		(SELECT count(*) FROM inodes i WHERE NOT EXISTS (SELECT 1 FROM paths p
			WHERE p.series = i.series AND p.ino = i.ino AND p.since = i.since)),
		(SELECT count(*) FROM dirs d WHERE NOT EXISTS (SELECT 1 FROM paths p
			WHERE p.series = d.series AND p.dir = d.parent AND p.name = d.name AND p.sub = d.id)),
		(SELECT count(*) FROM paths p WHERE p.type = 102 AND NOT EXISTS (SELECT 1 FROM inodes i
			WHERE p.series = i.series AND p.ino = i.ino AND p.since = i.since)),
		(SELECT count(*) FROM paths p WHERE p.dir > 1 AND NOT EXISTS (SELECT 1 FROM dirs d
			WHERE p.series = d.series AND p.dir = d.id)),
		(SELECT count(*) FROM paths p WHERE p.dir > 1 AND NOT EXISTS (SELECT 1 FROM paths q
			WHERE q.series = p.series AND q.sub = p.dir)),
		(SELECT count(*) FROM paths p JOIN paths q ON q.series = p.series AND q.dir = p.dir
			AND q.name = p.name AND q.first > p.first
			AND (p.last IS NULL OR p.last >= q.first)),
		(SELECT count(*) FROM paths p WHERE NOT EXISTS (SELECT 1 FROM savesets s
			WHERE s.series = p.series AND s.seq >= p.first
			AND (p.last IS NULL OR s.seq <= p.last)))")" = '0|0|0|0|0|0|0' ]
}

# sum_of FILE...: to see that a file stayed as it was, byte by byte.
sum_of() {
	sha256sum "$@"
}
