#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# bats file_tags=slow
# rrsync: real transfers.  Each is made three times, without any restriction, through the
# stock rrsync, and through ours: the results are equal.  Those that a real sshd, and the
# shells behind it, could change go through one (by_ssh), the others as if (see beside).
# shellcheck disable=SC2154

load helpers
load rrsync/lib


setup_file() {
	unmet sshd_needs && return 0
	sshd_start
	export TREE=$BATS_FILE_TMPDIR/tree
	rich_tree "$TREE"
}

teardown_file() {
	sshd_stop
}

setup() {
	met
	head -1 "$STOCK" | grep -q python || skip "needs the stock rrsync"
	type -P python3 >/dev/null || skip "needs python3, for the stock rrsync"
	cd "$BATS_TEST_TMPDIR" || return
	SSHD_SSH=$SSH DOOR=beside
	# The test before may have made something there and removed it.
	touch -d '2021-03-04 05:06:07.123456789 UTC' "$TREE"
}

# by_ssh: from now on.
by_ssh() {
	SSH=$SSHD_SSH DOOR=gate
}

# copy ARGUMENT...: rsync over ssh; what it says and returns is kept beside the result.
copy() {
	local code=0
	rsync -e "$SSH" "$@" >>"$W/out" 2>>"$W/err" || code=$?
	printf 'exit %s\n' "$code" >>"$W/out"
}

# through WHO MODE SCENARIO [ARGUMENT...]: run it without restriction, with the stock
# rrsync or with ours.  It finds its own directory in W, the remote name of the
# directory that rrsync is given in R, and what will be compared in RESULT: for -ro
# that directory is TREE and the result what is fetched to it, for / the same with
# -ro /, else it is itself the result, and new.
through() {
	local who=$1 mode=$2 dir=$TREE
	shift 2
	W=$BATS_TEST_TMPDIR/$who R=source:
	RESULT=$W/result
	mkdir -p "$RESULT"
	touch -d @1 "$RESULT"
	case $mode in
	-ro) ;;
	/) mode=-ro dir=/ ;;
	*) dir=$RESULT ;;
	esac
	case $who in
	none) "$DOOR"; R=source:$dir ;;
	stock) "$DOOR" "$STOCK" ${mode:+"$mode"} "$dir" ;;
	ours) "$DOOR" "$RRSYNC" ${mode:+"$mode"} "$dir" ;;
	esac
	"$@"
	listing "$RESULT" >"$W/listing"
}

# twice MODE SCENARIO [ARGUMENT...]: without restriction and with ours, and compare.
twice() {
	through none "$@"
	through ours "$@"
	agree ours
}

# thrice MODE SCENARIO [ARGUMENT...]: with the stock one as well.
thrice() {
	through none "$@"
	through stock "$@"
	through ours "$@"
	agree stock
	agree ours
}

agree() {
	diff <(said none) <(said "$1") || { cat "$1/err"; return 1; }
	same_listing none/listing "$1/listing"
}

# said DIR: what rsync said; the order of names is the file system's.
said() {
	sort "$1/out" | grep -v '^created .*director'
}

# inode FILE
inode() {
	stat -c %i "$1"
}

# linked FILE FILE: one and the same?
linked() {
	[[ $(inode "$1") == "$(inode "$2")" ]] || { echo "two files: $1, $2"; return 1; }
}

pull() {
	copy -aii --numeric-ids "$R/" "$RESULT/"
}

@test "pull: a tree" {
	by_ssh
	thrice -ro pull
	cmp "$TREE/random" ours/result/random
}

pull_all() {
	copy -aHAXii --numeric-ids "$R/" "$RESULT/"
}

@test "pull: -aHAX keeps hard links, ACLs, extended attributes, owners" {
	by_ssh
	thrice -ro pull_all
	grep -q '^exit 0$' ours/out
	same "$TREE" ours/result
	linked ours/result/many/1 ours/result/odd/hard
}

pull_special() {
	copy -aHAXii --numeric-ids "$R/special/" "$RESULT/"
}

@test "pull: devices, sockets and capabilities" {
	requires mknod setcap
	local special=$TREE/special
	mkdir "$special"
	mknod "$special/null" c 1 3
	mknod "$special/disk" b 7 0
	perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => shift, Listen => 1) or die' "$special/socket"
	cp /bin/true "$special/program"
	setcap cap_net_raw+ep "$special/program"
	find "$special" -exec touch -h -d @1000000000 {} +
	thrice -ro pull_special
	rm -r "$special"
	[ -c ours/result/null ]
}

@test "pull: -X leaves the attributes behind that only CAP_SYS_ADMIN can read" {
	local odd=$TREE/odd/program
	setfattr -n trusted.mine -v x "$odd"
	setfattr -n user.mine -v x "$odd"
	"$DOOR" "$RRSYNC" -ro "$TREE"
	W=$PWD
	copy -aX source:/odd/program result
	setfattr -x trusted.mine "$odd"
	setfattr -x user.mine "$odd"
	contains "$(<out)" '^exit 0$'
	[ "$(getfattr --absolute-names -m '^(user|trusted)' "$PWD/result" | grep mine)" == user.mine ]
}

pull_ids() {
	copy -aUii --iconv=utf-8,latin1 --usermap=0:77 --groupmap='*:88' --chmod=F600 "$R/many/" "$RESULT/1/"
	copy -aNUii --fake-super -M--fake-super "$R/odd/" "$RESULT/2/"
	find "$RESULT" -maxdepth 1 -exec touch -d @1 {} +
}

@test "pull: owners by name and by map, other character sets, --fake-super" {
	by_ssh
	thrice -ro pull_ids
}

pull_deleting() {
	copy -a "$R/" "$RESULT/"
	mkdir -p "$RESULT/extra/deep"
	: >"$RESULT/extra/deep/file"
	: >"$RESULT/dir/more"
	rm -r "$RESULT/many"
	copy -aii --delete --exclude=/odd "$R/" "$RESULT/"
	[ -e "$RESULT/odd/hard" ]
	copy -aii --delete --delete-excluded --exclude=/odd "$R/" "$RESULT/"
}

@test "pull: --delete, --delete-excluded" {
	thrice -ro pull_deleting
	[ ! -e ours/result/extra ]
	[ ! -e ours/result/odd ]
}

pull_generations() {
	copy -aH "$R/" "$RESULT/1/"
	copy -aHii --delete --link-dest="$RESULT/1" "$R/" "$RESULT/2/"
	copy -aHii --delete --link-dest=../2 "$R/" "$RESULT/3/"
}

@test "pull: --link-dest links what has not changed" {
	thrice -ro pull_generations
	linked ours/result/1/random ours/result/3/random
}

pull_relative() {
	copy -aRii "$R/./dir/sub" "$R/dir/./sub" "$R/many/./" "$R/./odd/" "$R/././many/7" "$RESULT/"
}

@test "pull: -R and /./" {
	thrice -ro pull_relative
	[ -e ours/result/dir/sub/three ]
	[ -e ours/result/sub/three ]
}

@test "pull: -R without /./ sends the name below DIR" {
	"$DOOR" "$RRSYNC" -ro "$TREE"
	W=$PWD
	copy -aR source:/dir/sub source:many/7 result/
	contains "$(<out)" '^exit 0$'
	"$DOOR" "$STOCK" -ro "$TREE"
	copy -aR source:/dir/sub source:many/7 stock/
	same stock result
}

pull_listed() {
	printf 'one\ndir/two\nmany/\nodd/hard\nnot-there\n' >"$W/list"
	copy -aii --files-from="$W/list" "$R/" "$RESULT/"
	tr '\n' '\0' <"$W/list" | copy -aHii -0 --files-from=- "$R/" "$RESULT/zero/"
	copy -raii --files-from=- "$R/" "$RESULT/again/" <"$W/list"
	touch -d @1 "$RESULT/zero" "$RESULT/again"
}

@test "pull: --files-from=-, with -0 and -r" {
	thrice -ro pull_listed
	[ -e ours/result/odd/hard ]
	[ -e ours/result/again/many/7 ]
}

pull_remote_list() {
	[[ $R == source: ]] && from=: || from=:$TREE
	copy -aii --files-from="$from/lists/it" "$R/" "$RESULT/"
}

@test "pull: --files-from a list that lies there" {
	mkdir -p "$TREE/lists"
	printf 'one\ndir/two\n' >"$TREE/lists/it"
	thrice -ro pull_remote_list
	rm -r "$TREE/lists"
	[ -e ours/result/dir/two ]
}

pull_sparse() {
	copy -aS "$R/hole" "$RESULT/"
}

@test "pull: -S keeps the holes" {
	thrice -ro pull_sparse
	cmp "$TREE/hole" ours/result/hole
	(($(stat -c %b ours/result/hole) < 64))
}

pull_some() {
	copy -aii "$R/one" "$R/dir" "$R/many/*1" "$R/odd/." "$R/link" "$RESULT/"
	copy -dtii "$R/many/" "$RESULT/flat/"
	copy --list-only "$R/many/"
}

@test "pull: several names, wildcards, a link, a list" {
	thrice -ro pull_some
	[ -e ours/result/11 ]
	[ -L ours/result/link ]
}

pull_bytes() {
	local name names=()
	for name in "$TREE"/bytes/*; do names+=("$R/bytes/${name##*/}"); done
	copy -aii "${names[@]}" "$RESULT/"
}

@test "pull: each byte that a name can have, by name" {
	by_ssh
	local i name
	mkdir "$TREE/bytes"
	# Not / and not the white space that rsync does not escape: both rrsyncs split there.
	for i in {1..9} {13..27} {32..46} {48..255}; do
		printf -v name '\\x%02x.' "$i"
		printf -v name %b "$name"
		printf '%s\n' "$i" >"$TREE/bytes/x$name"
	done
	find "$TREE/bytes" -exec touch -d @1000000000 {} +
	thrice -ro pull_bytes
	rm -r "$TREE/bytes"
	(($(find ours/result -type f -printf x | wc -c) == 247))
}

pull_options() {
	copy -azii --checksum --partial --timeout=50 --bwlimit=90000 --exclude='*7' \
		--max-size=1m --info=stats0 -x "$R/many/" "$RESULT/1/"
	copy -aii --modify-window=1 --no-whole-file --size-only --block-size=900 "$R/" "$RESULT/2/"
	copy -an --stats "$R/" "$RESULT/3/" 
	sed -i '/^File list/d; /bytes\|speedup/d' "$W/out"
}

@test "pull: compression, checksums and other options" {
	thrice -ro pull_options
}

push() {
	copy -aHAXii --no-D --numeric-ids "$TREE/" "$R/"
}

@test "push: -aHAX" {
	by_ssh
	thrice -no-lock push
	contains "$(<ours/out)" '^exit 0$'
	linked ours/result/many/1 ours/result/odd/hard
}

@test "push: -aHAX where nothing may be read" {
	thrice -wo push
	contains "$(<ours/out)" '^exit 0$'
}

push_ids() {
	copy -aUii --iconv=utf-8,latin1 --usermap=0:77 --groupmap='*:88' --chmod=F600 "$TREE/many/" "$R/1/"
	copy -aAXii --no-D -M--fake-super "$TREE/odd/" "$R/2/"
	copy -aii --no-D --inplace --append --preallocate "$TREE/random" "$R/1/"
	copy -rii --remove-source-files --existing --delay-updates "$W/own/" "$R/1/"
	find "$RESULT" -maxdepth 2 \( -type d -o -name random \) -exec touch -d @1 {} +
	[ -e "$W/own/new" ]
	[ ! -e "$W/own/random" ]
}

push_own() {
	mkdir "$W/own"
	printf 'x' | tee "$W/own/random" >"$W/own/new"
	push_ids
}

@test "push: owners by map, --fake-super, --inplace, --delay-updates" {
	thrice -no-lock push_own
}

push_changes() {
	copy -a --no-D "$TREE/" "$R/"
	cp -a "$TREE" "$W/changed"
	rm -r "$W/changed/many" "$W/changed/odd"
	printf 'more\n' >>"$W/changed/one"
	printf 'x' | dd of="$W/changed/random" bs=1 seek=777 conv=notrunc status=none
	touch -d @1000000000 "$W/changed/one" "$W/changed/random" "$W/changed" "$W/changed/dir"
	copy -aiiH --no-D --delete --no-whole-file "$W/changed/" "$R/"
}

@test "push: changes and --delete" {
	thrice -no-lock push_changes
	[ ! -e ours/result/many ]
}

# Paths of options are below DIR, for rsync without restriction below its root.
below() {
	[[ $R == source: ]] && printf '%s' "$1" || printf '%s%s' "$RESULT" "$1"
}

push_generations() {
	copy -a --no-D "$TREE/" "$R/1/"
	copy -aii --no-D --link-dest="$(below /1)" "$TREE/" "$R/2/"
	copy -aii --no-D --copy-dest="$(below /1)" "$TREE/" "$R/3/"
	copy -aii --no-D --compare-dest="$(below /1)" "$TREE/" "$R/4/"
	find "$RESULT" -maxdepth 2 -type d -exec touch -d @1000000000 {} +
}

@test "push: --link-dest, --copy-dest, --compare-dest" {
	thrice -no-lock push_generations
	linked ours/result/1/random ours/result/2/random
}

push_first_and_next() {
	copy -aH --no-D "$TREE/" "$R/prev/"
	copy -aHii --no-D --link-dest="$(below /prev)" "$TREE/" "$R/next/"
	touch -d @1000000000 "$RESULT"
}

# Not compared with the stock rrsync, which in some versions copied here.
@test "push: --link-dest=/prev, from the top of DIR, makes hard links" {
	twice "" push_first_and_next
	linked ours/result/prev/random ours/result/next/random
	# What is not there yet is no error.
	copy -aH --no-D --link-dest=/absent "$TREE/" source:/third/
	contains "$(tail -n1 ours/out)" '^exit 0$'
	cmp ours/result/prev/random ours/result/third/random
	[ "$(ls -A ours/result)" == $'next\nprev\nthird' ]
}

push_aside() {
	copy -a --no-D "$TREE/" "$R/tree/"
	cp -a "$TREE" "$W/changed"
	rm -r "$W/changed/many"
	printf 'more\n' >>"$W/changed/one"
	touch -d @1000000000 "$W/changed/one" "$W/changed" "$W/changed/dir"
	mkdir -p "$RESULT/tmp"
	copy -aii --no-D --delete --backup --backup-dir="$(below /old/monday)" \
		--temp-dir="$(below /tmp)" --partial-dir="$(below /partial)" "$W/changed/" "$R/tree/"
	rmdir "$RESULT/partial" 2>/dev/null || :
	find "$RESULT" -exec touch -hd @1000000000 {} +
}

@test "push: --backup-dir, --temp-dir and --partial-dir below DIR" {
	thrice -no-lock push_aside
	[ -e ours/result/old/monday/many/7 ]
}

push_relative() {
	copy -aRii --no-D --no-implied-dirs "$TREE/./dir/sub" "$TREE/./many/7" "$R/"
	copy -aSii --no-D "$TREE/hole" "$R/new-name"
	copy -aii --mkpath "$TREE/one" "$R/a/b/c"
	find "$RESULT" -exec touch -hd @1000000000 {} +
}

@test "push: -R, -S, --mkpath, a single file under a new name" {
	thrice -no-lock push_relative
	(($(stat -c %b ours/result/new-name) < 64))
}

push_listed() {
	copy -aii --files-from=- "$TREE/" "$R/" <<<$'one\ndir/two'
	find "$RESULT" -exec touch -hd @1000000000 {} +
}

@test "push: --files-from=-" {
	thrice -no-lock push_listed
	[ -e ours/result/dir/two ]
}

@test "push: -no-overwrite leaves what is there" {
	"$DOOR" "$RRSYNC" -no-overwrite "$BATS_TEST_TMPDIR/there"
	W=$PWD
	mkdir there
	printf mine >there/one
	copy -a --no-D "$TREE/" source:/
	contains "$(<out)" '^exit 0$'
	[ "$(<there/one)" == mine ]
	[ -e there/many/7 ]
}

@test "push: -munge makes links unusable, and a pull makes them usable again" {
	W=$PWD
	mkdir there
	"$DOOR" "$RRSYNC" -munge "$PWD/there"
	copy -a --no-D "$TREE/" source:/
	contains "$(readlink there/link)" '^/rsyncd-munged/'
	copy -a source:/ back/
	[ "$(readlink back/link)" == dir/two ]
}

from_root() {
	copy -aHAXii --numeric-ids "source:$TREE/" "$RESULT/"
}

@test "pull: -ro /" {
	by_ssh
	through none -ro from_root
	through stock / from_root
	through ours / from_root
	agree stock
	agree ours
	same "$TREE" ours/result
}

# bats test_tags=long
@test "a file of 2 GiB" {
	W=$PWD
	mkdir big pushed
	head -c 3000000 /dev/urandom >big/file
	truncate -s 2G big/file
	head -c 3000000 /dev/urandom >>big/file
	"$DOOR" "$RRSYNC" -ro "$PWD/big"
	copy -aSz source:/file pulled
	contains "$(<out)" '^exit 0$'
	same_content big/file pulled
	[[ ${SS_LONG:-0} == 1 ]] || return 0
	cmp big/file pulled
	"$DOOR" "$RRSYNC" "$PWD/pushed"
	copy -a big/ source:/
	cmp big/file pushed/file
}

# same_content FILE FILE
same_content() {
	local wanted
	wanted=$("$TESTS/rrsync/content.pl" "$1")
	[[ -n $wanted && $("$TESTS/rrsync/content.pl" "$2") == "$wanted" ]]
}

# rsnapshot_conf NAME LINK_DEST SOURCE...: a configuration with snapshot root NAME.
rsnapshot_conf() {
	local name=$1 link_dest=$2 source
	shift 2
	mkdir -p "$name"
	{
		printf 'config_version\t1.2\nsnapshot_root\t%s/\nno_create_root\t1\n' "$PWD/$name"
		printf 'sync_first\t1\nlink_dest\t%s\nretain\thourly\t3\n' "$link_dest"
		printf 'cmd_rsync\t%s\ncmd_ssh\t%s\n' "$RSYNC" "$SSH"
		printf 'lockfile\t%s/%s.pid\n' "$PWD" "$name"
		printf 'rsync_short_args\t-aHAXS\n'
		printf 'rsync_long_args\t--delete --numeric-ids --relative --delete-excluded\n'
		printf 'exclude\tmany/9\n'
		for source; do printf 'backup\troot@source:%s\thost/\n' "$source"; done
	} >"$name.conf"
}

# nights NAME: two of them, with a change between; the tree is as before afterwards.
nights() {
	rsnapshot -c "$1.conf" sync
	rsnapshot -c "$1.conf" hourly
	mv "$TREE/many/2" "$TREE/many/2.gone"
	printf 'more\n' >"$TREE/dir/new"
	touch -d @1000000000 "$TREE/dir/new" "$TREE/dir" "$TREE/many"
	rsnapshot -c "$1.conf" sync
	rsnapshot -c "$1.conf" hourly
	mv "$TREE/many/2.gone" "$TREE/many/2"
	rm "$TREE/dir/new"
	touch -d @1000000001 "$TREE/dir" "$TREE/many"
}

# rsnapshot_thrice LINK_DEST
rsnapshot_thrice() {
	local name
	for name in none stock ours; do
		rsnapshot_conf "$name" "$1" "$TREE/"
	done
	for name in stock.dir ours.dir; do
		rsnapshot_conf "$name" "$1" / /dir/sub/
	done
	touch -d @1000000001 "$TREE/dir" "$TREE/many"
	gate
	nights none
	"$DOOR" "$STOCK" -ro /
	nights stock
	"$DOOR" "$RRSYNC" -ro /
	nights ours
	"$DOOR" "$STOCK" -ro "$TREE"
	nights stock.dir
	"$DOOR" "$RRSYNC" -ro "$TREE"
	nights ours.dir
	same_generations none stock
	same_generations none ours
	same_generations stock.dir ours.dir
	linked ours/hourly.0/host"$TREE"/random ours/hourly.1/host"$TREE"/random
	linked ours.dir/hourly.0/host/random ours.dir/hourly.1/host/random
	[ -e ours.dir/hourly.0/host/dir/new ]
	[ ! -e ours.dir/hourly.0/host/many/2 ]
	[ -e ours.dir/hourly.1/host/many/2 ]
}

# same_generations NAME NAME: but for the times of what lies above the tree.
same_generations() {
	local name above
	for name; do
		find "$name" -maxdepth 2 -exec touch -d @1 {} +
		for above in "$name"/hourly.*/host "$name"/.sync/host; do
			above+=$TREE
			while [[ $above == */host/* ]]; do
				[[ ! -e $above ]] || touch -d @1 "$above"
				above=${above%/*}
			done
		done
	done
	same "$1" "$2"
}

@test "rsnapshot through -ro / and -ro DIR, link_dest 1" {
	by_ssh
	requires rsnapshot
	rsnapshot_thrice 1
}

@test "rsnapshot through -ro / and -ro DIR, link_dest 0" {
	by_ssh
	requires rsnapshot
	rsnapshot_thrice 0
}

@test "ssh HOST true says that the host is there; anything else is refused" {
	by_ssh
	"$DOOR" "$RRSYNC" -ro "$TREE"
	run_ok "$SSH" source true
	[ "$output" = "" ]
	run "$SSH" source
	[ "$status" -ne 0 ]
	run "$SSH" source cat /etc/passwd
	[ "$status" -ne 0 ]
	lacks "$output" root:
}

@test "a directory that somebody else has locked: told so, and written to afterwards" {
	W=$PWD
	mkdir there
	"$DOOR" "$RRSYNC" "$PWD/there"
	exec {lock}<there
	flock -n "$lock"
	copy -a --no-D "$TREE/" source:/
	lacks "$(<out)" '^exit 0$'
	contains "$(<err)" '[Aa]nother'
	exec {lock}<&-
	copy -a --no-D "$TREE/" source:/
	contains "$(tail -1 out)" '^exit 0$'
}

# alike DIR DIR: as rsync sees them.
alike() {
	run_ok rsync -aHAXnic --delete "$1/" "$2/"
	[ "$output" = "" ]
}

# begun DIR: has a file come there, if only a part of it?
begun() {
	[[ -n $(ls -A "$1" 2>/dev/null) ]]
}

# left DIR: is a process of a request for it still there?
left() {
	pgrep -f "rr?sync .*$1" >&2
}

@test "-strict, as root: both directions, below DIR and /, with all that rsync can carry" {
	mkdir plain there
	rsync -aHAX --no-D "$TREE/" plain/
	by_ssh
	"$DOOR" "$RRSYNC" -ro -strict "$PWD/plain"
	run_ok rsync -aHAX -e "$SSH" source:/ pulled/
	alike plain pulled
	"$DOOR" "$RRSYNC" -ro -strict /
	run_ok rsync -aHAX -e "$SSH" source:"$PWD/plain/" pulled2/
	alike plain pulled2
	"$DOOR" "$RRSYNC" -strict "$PWD/there"
	run_ok rsync -aHAXz -e "$SSH" plain/ source:/
	alike plain there
	# What was not sent is deleted, what was changed is kept aside, on the second time.
	printf 'more\n' >there/not-sent
	run_ok rsync -aHAX --delete --backup --backup-dir=/aside --exclude=/aside -e "$SSH" plain/ source:/
	[ "$(<there/aside/not-sent)" = more ]
	not left "$PWD"
}

@test "an ordinary user: -strict says what is missing, without it both directions work" {
	chmod 0755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "$BATS_TEST_TMPDIR"
	setpriv --reuid 65531 --regid 65531 --clear-groups test -x "$RRSYNC" || skip "the build is not for everybody"
	mkdir home
	source_tree home/tree
	chown -R 65531:65531 home
	by_ssh
	"$DOOR" "$RRSYNC" -ro -strict "$PWD/home"
	run rsync -a -e "$SSH" ordinary@source:/tree/ pulled/
	[ "$status" -eq 12 ]
	contains "$output" 'rrsync error: -strict, and this host lacks: .*pid namespace, mount namespace'
	[ ! -e pulled/one ]
	"$DOOR" "$RRSYNC" -ro "$PWD/home"
	run_ok rsync -aH -e "$SSH" ordinary@source:/tree/ pulled/
	alike home/tree pulled
	"$DOOR" "$RRSYNC" "$PWD/home"
	run_ok rsync -rltpH --delete -e "$SSH" pulled/ ordinary@source:/back/
	diff -r pulled home/back
	[ "$(stat -c %u home/back/one)" = 65531 ]
	not left "$PWD"
}

# broken DIR RSYNC-ARGUMENT...: a slow transfer whose ssh is killed when something has come to DIR.
broken() {
	local client
	rsync -a --bwlimit=100 -e "$SSH" "${@:2}" >/dev/null 2>&1 3>&- &
	client=$!
	until_true begun "$1"
	pkill -KILL -P "$client" ssh
	wait "$client" && return 1
	until_true not left "$PWD"
}

@test "a client that goes away in mid-transfer: nothing of rrsync and rsync stays" {
	mkdir big there
	head -c 30000000 /dev/urandom >big/file
	by_ssh
	"$DOOR" "$RRSYNC" -ro -strict "$PWD/big"
	broken pulled source:/ pulled/
	"$DOOR" "$RRSYNC" -strict "$PWD/there"
	broken there big/ source:/
}
