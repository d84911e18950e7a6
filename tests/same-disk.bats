#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The same disk twice: a bit copy that takes turns with it, an older image of it.  What the
# catalog knows of newer savesets is not there, and not gone.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export SECONDSHOT_NOW=1800000000
}

# begin: the snapshot root is a link to a disk; disk a is in.
begin() {
	conf
	mv "$ROOT" a
	insert a
	ss-catalog init
}

insert() {
	rm -f "$ROOT"
	ln -s "$1" "$ROOT"
}

# image NAME: a copy of the disk that is in.
image() {
	cp -a "$(readlink "$ROOT")/." "$1"
}

# night: a run, with something new.
night() {
	SECONDSHOT_NOW=$((SECONDSHOT_NOW + 86400))
	echo "$SECONDSHOT_NOW" >"$SRC/alpha/night"
	touch -d "@$SECONDSHOT_NOW" "$SRC/alpha/night"
	run_ok ss-run -q
	[ "$stderr" = "" ]
}

# saved: a saveset of alpha, without rsnapshot: one more stamp.
saved() {
	SECONDSHOT_NOW=$((SECONDSHOT_NOW + 86400))
	mkdir "$ROOT/.sync"
	cp -a "$SRC/alpha" "$ROOT/.sync/"
	pipeline alpha 2>/dev/null
	rm -rf "$ROOT/hourly.1"
	[[ ! -e $ROOT/hourly.0 ]] || mv "$ROOT/hourly.0" "$ROOT/hourly.1"
	mv "$ROOT/.sync" "$ROOT/hourly.0"
	# Another catalog's trees may lie there.
	ss-catalog reconcile -q 2>/dev/null || [ $? = 3 ]
}

# all: everything on the disk that is in, but for who had the lock.
everything() {
	find "$ROOT/" -path '*/.secondshot/lock' -prune -o -printf '%P %y %i %s %m %T@ %C@\n' | sort
}

# refused COMMAND...: it is, with both facts, and nothing changes on disk or in the catalog.
refused() {
	everything >before
	catalog_sum >sum
	run_code 2 "$@"
	contains "$stderr" 'volume offline: .*(older state|another copy)'
	contains "$stderr" 'last run on this disk is (number [0-9]+, of 20|none on record)'
	contains "$stderr" 'catalog knows is number [0-9]+, of 20'
	contains "$stderr" "reconcile --accept"
	[ "$(grep -c 'volume offline' <<<"$stderr")" = 1 ]
	everything | diff before -
	[ "$(catalog_sum)" = "$(<sum)" ]
}

numbers() {
	sed -n 's/^\([0-9]*\) .*/\1/p' "$ROOT/.secondshot/generation" | xargs
}

@test "every tool refuses a copy that took turns, and changes nothing" {
	begin
	night
	image b
	night
	newest=$(ss-catalog savesets --json alpha | jq -r 'select(.location == "hourly.0").name')
	insert b
	refused ss-run
	refused ss-run --rotate=hourly
	refused ss-run --dry-run
	refused ss-catalog reconcile
	refused ss-catalog add alpha --location=hourly.0
	refused ss-catalog pending "$newest"
	refused ss-catalog check
	refused ss-prune
	refused ss-prune --dry-run
	refused ss-prune "$(ss-catalog savesets --json alpha | jq -r 'select(.location == "hourly.1").name')"
	refused ss-verify "$newest"
	run_code 1 ss-run --check
	contains "$output" 'volume.*older state.*reconcile --accept'
	# What another run left undone stays so, too.
	mkdir -p b/.secondshot/held/hourly.1/beta
	refused ss-catalog reconcile
	refused ss-prune
	rm -r b/.secondshot/held
	insert a
	night
	run_ok ss-catalog check
	[ "$(ss-catalog savesets --json alpha | jq -r '.status' | sort | uniq -c | xargs)" = "3 complete" ]
}

# bats test_tags=more
@test "accepted, it is the one that counts; the other is told then, and so on" {
	begin
	saved
	image b
	saved
	insert b
	refused ss-catalog reconcile
	run_ok ss-catalog reconcile --accept
	contains "$stderr" 'taken as it is'
	contains "$stderr" 'is gone from disk'
	[ "$(numbers)" = "3 1" ]
	saved
	insert a
	refused ss-prune
	run_ok ss-catalog reconcile --accept
	contains "$stderr" 'is back'
	insert b
	refused ss-catalog reconcile
	# What ss-prune deletes on the one lies on the other.
	run_ok ss-catalog reconcile --accept
	saved
	cp -a b c
	run_ok ss-prune "$(ss-catalog savesets --json alpha | jq -r 'select(.location == "hourly.1").name')"
	insert c
	refused ss-catalog reconcile
	# An option that would be passed over is refused.
	run_code 2 ss-catalog check --accept
	contains "$stderr" 'accept goes with add and reconcile'
}

# bats test_tags=more
@test "copies that went on by themselves, for other catalogs, are told apart" {
	begin
	saved
	image b
	saved
	# A second catalog, of another backup host, has the copy.
	insert b
	sed "s|^db-url.*|db-url = sqlite:///$PWD/other.db|; s/keeper/second/" "$SECONDSHOT_CONF" >other.conf
	chmod 600 other.conf
	run_ok ss-catalog --config=other.conf init
	SECONDSHOT_CONF=$PWD/other.conf saved
	SECONDSHOT_CONF=$PWD/other.conf saved
	refused ss-catalog reconcile
	contains "$stderr" 'went on by itself.* number 3, .*number 2,'
	# So long that the copy has forgotten what both had.
	cp b/.secondshot/generation kept
	sed -i '/^[12] /d' b/.secondshot/generation
	sed -i 's/^3 /103 /' b/.secondshot/generation
	refused ss-catalog reconcile
	contains "$stderr" 'number 103, .*number 2,'
	cp kept b/.secondshot/generation
	# One disk and two catalogs: that is none of it.
	insert a
	run_code 3 ss-catalog --config=other.conf reconcile --accept
	SECONDSHOT_CONF=$PWD/other.conf saved
	saved
	SECONDSHOT_CONF=$PWD/other.conf saved
	saved
	ss-catalog reconcile -q 2>/dev/null || [ $? = 3 ]
}

# bats test_tags=more
@test "mere absence is no evidence: a failed night, a tree deleted by hand, an older catalog, a new one, what ss-prune removed" {
	begin
	saved
	catalog_save old
	saved
	saved
	rm -rf "$ROOT/hourly.0"
	run_ok ss-catalog reconcile
	run_ok ss-prune
	run_ok ss-prune
	# The catalog as it was two savesets ago.
	catalog_restore old
	run_ok ss-catalog reconcile
	[ "$(sql 'SELECT max(n) FROM generations')" = "$(numbers | cut -d' ' -f1)" ]
	saved
	# So many runs without this catalog that the disk has forgotten the last one with it.
	sed -i '2,$ { /^end/! { s/^[0-9]*/1&/; s/^\([0-9]* \)......../\1deadbeef/ } }' "$ROOT/.secondshot/generation"
	run_ok ss-catalog reconcile
	# And a new one.
	catalog_drop
	ss-catalog init
	run_code 3 ss-catalog reconcile
	[ "$(sql 'SELECT count(*) FROM generations')" = "$(numbers | wc -w)" ]
	saved
	run_ok ss-prune
}

# bats test_tags=more
@test "a disk of an older version enters quietly; a record that is lost or damaged costs nothing where the newest saveset lies there" {
	begin
	saved
	rm a/.secondshot/generation
	sql 'DELETE FROM generations'
	image old
	saved
	[ "$(numbers)" = 1 ]
	for damage in 'rm' 'cp /dev/null' 'cp /bin/true'; do
		$damage a/.secondshot/generation
		run_ok ss-catalog reconcile
		saved
		[ "$(stat -c %F a/.secondshot/generation)" = "regular file" ]
	done
	# A link is nothing that we made.
	ln -sf /etc/passwd a/.secondshot/generation
	run_code 2 ss-catalog reconcile
	contains "$stderr" 'generation is refused: it is neither a file nor a directory \(remove it\)'
	rm a/.secondshot/generation
	run_ok ss-catalog reconcile
	# One from before there were stamps.
	insert old
	refused ss-catalog reconcile
	contains "$stderr" 'none on record'
}

# bats test_tags=more
@test "killed between the steps, a run is no copy; and a copy is none the less one" {
	local n
	begin
	saved
	for n in 1 2 3 4 5 6 7 8; do
		image "before-$n"
		mkdir "$ROOT/.sync"
		cp -a "$SRC/alpha" "$ROOT/.sync/"
		strace -f -qq -o /dev/null -e trace=renameat,fsync,"$CATALOG_CALLS" -e inject=renameat,fsync,"$CATALOG_CALLS":signal=KILL:when=$((2 * n - 1)) \
			ss-catalog add alpha >/dev/null 2>&1 || :
		rm -rf "$ROOT/.sync"
		run_ok ss-catalog reconcile
	done
	saved
	insert before-1
	refused ss-catalog reconcile
	# Accepting may be killed as well: then it was accepted, or was not.
	for n in 1 2 3 4 5 6; do
		strace -f -qq -o /dev/null -e trace=renameat,fsync,"$CATALOG_CALLS" -e inject=renameat,fsync,"$CATALOG_CALLS":signal=KILL:when="$n" \
			ss-catalog reconcile --accept >/dev/null 2>&1 || :
		ss-catalog reconcile -q || refused ss-catalog reconcile
	done
	run_ok ss-catalog reconcile --accept
	insert a
	refused ss-catalog reconcile
}

# bats test_tags=more
@test "a stamp that cannot be written costs itself" {
	begin
	night
	rm a/.secondshot/generation
	mkdir a/.secondshot/generation
	run_code 3 ss-run -q
	contains "$stderr" 'generation: cannot write'
	[ "$(ss-catalog savesets --json alpha | wc -l)" = 2 ]
	rmdir a/.secondshot/generation
	night
}

# bats test_tags=more
@test "a run that the catalog does not know of gives a stamp as well" {
	requires_mariadb "a server that is away"
	local socket url
	begin
	night
	image b
	url=$(sed -n 's/^db-url = //p' "$SECONDSHOT_CONF")
	sed -i 's|^db-url = .*|db-url = mysql://nobody@localhost/nothing?unix_socket=/nonexistent|' "$SECONDSHOT_CONF"
	SECONDSHOT_NOW=$((SECONDSHOT_NOW + 86400))
	run_code 3 ss-run -q
	[ "$(numbers)" = "2 1" ]
	sed -i "s|^db-url = .*|db-url = $url|" "$SECONDSHOT_CONF"
	insert b
	night
	# Both have a second run.
	insert a
	refused ss-run
	contains "$stderr" 'went on by itself'
}

# bats test_tags=more
@test "a number that somebody made up leaves none above it: they begin anew, and a copy is told as ever" {
	local n
	for n in 4611686018427387903 4611686018427387902; do
		afresh
		rm -rf a b
		begin
		night
		sed -i "1a $n 0123456789abcdef0123456789abcdef 1800000000" "$ROOT/.secondshot/generation"
		night
		night
		image b
		night
		insert b
		refused ss-run
		insert a
		night
	done
}
