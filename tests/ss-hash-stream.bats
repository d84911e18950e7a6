#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# ss-hash as the middle of the pipeline: records in, the same records out.

# shellcheck disable=SC2154
load helpers

ID=0123456789abcdef0123456789abcdef

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	LOC=$BATS_TEST_TMPDIR/loc
	TREE=$LOC/alpha
	source_tree "$TREE"
	marker "$ID"
}

# marker ID: what lies beside the tree.
marker() {
	mkdir -p "$LOC/.secondshot"
	printf '%s\n' 'secondshot-marker 1' 'saveset alpha-backup-20260101-000000Z' "id $1" "volume $ID" \
		'status complete' 'created 1767225600' 'entries 1' 'files 1' 'bytes 1' end \
		>"$LOC/.secondshot/alpha"
}

# todo: the tree's files as records to be hashed.
todo() {
	(cd "$TREE" && find . -type f -printf '%P\0' | sort -z | ss-hash --files0-from=- --format=stream) |
		awk -F '\t' -v OFS='\t' -v root="$TREE" -v id="$ID" '
			NR == 1 { print; print "#saveset a"; print "#root " root; print "#marker " id; next }
			/^#/ { print; next }
			{ $1 = $11 = $12 = $13 = "-"; print }'
}

# sums STREAM: its digests as sha256sum prints them.
sums() {
	awk -F '\t' '/^#/ { next } { print $13 "  " $14 }' "$@"
}

# states STREAM: "STATE PATH" of each record.
states() {
	awk -F '\t' '/^#/ { next } { print $1, $14 }' "$@"
}

@test "records get their digests, the rest stays; the NUL form in, the NUL form out" {
	todo >in
	ss-hash <in >out
	sums out >got
	(cd "$TREE" && sha256sum -c --quiet) <got
	[[ $(wc -l <got) == 5 ]]
	[[ $(grep '^#' in) == "$(grep '^#' out)" ]]
	[[ $(tail -n1 out) == '#end 5' ]]
	[[ $(states out | cut -d' ' -f1 | uniq) == ok ]]
	awk -F '\t' -v OFS='\t' '/^#/ { print; next } { $1 = $11 = $12 = $13 = "-"; print }' out | cmp - in
	tr '\n' '\0' <in | ss-hash | tr '\0' '\n' | cmp - out
	ss-hash -0 <in | tr '\0' '\n' | cmp - out
	[[ $(ss-hash --format=sha256sum <in) == "$(<got)" ]]
	# What is ok already passes unread.
	rm "$TREE/one"
	run_ok ss-hash <out
	[[ $output == "$(<out)" ]]
}

@test "hashtype: the command line's, else the stream's" {
	todo >in
	run_ok ss-hash --hashtype=md5 <in
	contains "$output" '^#hash md5$'
	contains "$output" "	md5	$(md5sum <"$TREE/one" | cut -c1-32)	one\$"
	run_ok ss-hash < <(sed 's/^#hash .*/#hash sha1/' in)
	contains "$output" "	sha1	$(sha1sum <"$TREE/one" | cut -c1-40)	one\$"
	run_code 2 ss-hash < <(sed 's/^#hash .*/#hash crc/' in)
	contains "$stderr" 'crc'
}

@test "another saveset's tree: moved, and never a digest" {
	todo >in
	marker ffffffffffffffffffffffffffffffff
	run_code 3 ss-hash <in
	[[ $(states <<<"$output" | cut -d' ' -f1 | uniq -c | tr -s ' ') == ' 5 moved' ]]
	[[ $(sums <<<"$output" | cut -c1-2 | uniq) == '- ' ]]
	contains "$output" '^#end 5$'
	contains "$stderr" 'alpha-backup-20260101'
	rm "$LOC/.secondshot/alpha"
	run_code 3 ss-hash <in
	[[ $(states <<<"$output" | cut -d' ' -f1 | uniq) == moved ]]
}

@test "no tree: missing" {
	todo >in
	mv "$LOC" away
	run_code 3 ss-hash <in
	[[ $(states <<<"$output" | cut -d' ' -f1 | uniq) == missing ]]
	mkdir "$LOC"
	ln -s ../away/alpha "$LOC/alpha"
	run_code 3 ss-hash <in
	[[ $(states <<<"$output" | cut -d' ' -f1 | uniq) == missing ]]
}

@test "a tree renamed meanwhile is read on where it is" {
	todo >in
	mkfifo pipe
	ss-hash <pipe >out &
	pid=$!
	exec 9>pipe
	grep '^#[^e]' in >&9
	sed -n '/^-/{p;q}' in >&9
	until_true grep -q '^ok' out
	mv "$LOC" away
	sed '/^#[^e]/d' in | sed 1d >&9
	exec 9>&-
	wait "$pid"
	[[ $(states out | cut -d' ' -f1 | uniq) == ok ]]
}

@test "results are not held back for an input that waits; it keeps no power but to read" {
	local task
	mkfifo pipe
	ss-hash <pipe >out &
	pid=$!
	exec 9>pipe
	todo | grep -v '^#end' >&9
	all_five() { [[ $(grep -c '^ok' out) == 5 ]]; }
	until_true all_five
	if [[ $EUID == 0 ]]; then
		for task in /proc/"$pid"/task/*; do
			contains "$(<"$task/status")" '^CapEff:	0*4$'
			contains "$(<"$task/status")" '^CapPrm:	0*4$'
			contains "$(<"$task/status")" '^CapBnd:	0*$'
			contains "$(<"$task/status")" '^NoNewPrivs:	1$'
		done
	fi
	printf '#end 5\n' >&9
	exec 9>&-
	wait "$pid"
	[[ $(tail -n1 out) == '#end 5' ]]
	((EUID == 0)) || skip "its powers are seen as root alone"
}

@test "each file is compared with its record" {
	todo >in
	rm "$TREE/one"
	cp -p "$TREE/dir/two" new && mv new "$TREE/dir/two"
	printf 'more' >>"$TREE/dir/sub/three"
	rm "$TREE/dir/one-again" && mkfifo "$TREE/dir/one-again"
	run_code 3 ss-hash <in
	[[ $(states <<<"$output" | sort) == "$(printf '%s\n' 'changed dir/sub/three' 'missing one' \
		'moved dir/one-again' 'moved dir/two' 'ok nothing')" ]]
	contains "$stderr" 'dir/two: something else has its place'
}

# each_kernel COMMAND...: with openat2, and as before Linux 5.6, or where a container knows none.
each_kernel() {
	"$@"
	[[ $(type -P strace) ]] || return 0
	"$@" strace -f -qq -o trace -e trace=openat2 -e inject=openat2:error=ENOSYS
	contains "$(<trace)" 'ENOSYS.*INJECTED'
	lacks "$(<trace)" 'openat2.* = [0-9]'
}

only_ok() {
	local want=$1
	shift
	run_code 3 "$@" ss-hash <in
	[[ $(states <<<"$output" | grep '^ok') == "$want" ]]
}

@test "no link is followed out of the tree, nor path out of the root" {
	mkdir outside
	cp -p "$TREE/dir/two" outside/two
	todo | awk -F '\t' -v OFS='\t' '/^#/ { print; next } { $8 = $9 = 0; print }' >in
	mv "$TREE/dir" gone
	ln -s ../../outside "$TREE/dir"
	each_kernel only_ok $'ok nothing\nok one'

	rm "$TREE/dir"
	mkdir "$TREE/dir"
	printf 'secret' >secret
	{
		printf '#secondshot-stream 1\n#root %s\n#marker %s\n#hash md5\n' "$TREE" "$ID"
		(
			cd "$TREE"
			stat --printf '-\tf\t0644\t0\t0\t%s\t%.9Y\t0\t0\t0\t-\t-\t-\t%n\n' \
				../../secret "$BATS_TEST_TMPDIR/secret" dir/../../../secret ../alpha/one
		)
		printf '#end 4\n'
	} >in
	all_moved() {
		run_code 3 "$@" ss-hash <in
		[[ $(states <<<"$output" | cut -d' ' -f1 | uniq -c | tr -s ' ') == ' 4 moved' ]]
	}
	each_kernel all_moved
}

@test "a mount within the tree is not entered" {
	requires root mountns
	# As like what it hides as it can be, but for the identity, which is not known.
	todo | awk -F '\t' -v OFS='\t' '/^#/ { print; next } { $8 = $9 = 0; print }' >in
	in_mount() {
		ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 run_code 3 unshare -m bash -c 'cp -a "$1/dir" copy && mount -t tmpfs none "$1/dir" &&
			cp -a copy/. "$1/dir" && rm -r copy && "${@:2}" ss-hash' bash "$TREE" "$@" <in
		[[ $(states <<<"$output") == "$(printf '%s\n' 'moved dir/one-again' 'moved dir/sub/three' \
			'moved dir/two' 'ok nothing' 'ok one')" ]]
	}
	each_kernel in_mount
}

@test "a cut stream is used as far as it goes: exit 3, no end" {
	todo >in
	run_code 3 ss-hash < <(grep -v '^#end' in)
	[[ $(grep -c '^ok' <<<"$output") == 5 ]]
	lacks "$output" '^#end'
	run_code 3 ss-hash < <(head -c -30 in)
	[[ $(grep -c '^ok' <<<"$output") == 4 ]]
	lacks "$output" '^#end'
}

@test "an empty, foreign or broken stream: exit 2, line and reason" {
	todo >in
	run_code 2 ss-hash </dev/null
	run_code 2 ss-hash < <(sed '1s/1$/2/' in)
	contains "$stderr" 'line 1: a version'
	run_code 2 ss-hash < <(sed '/^#root/d' in)
	contains "$stderr" 'root'
	run_code 2 ss-hash < <(sed '8s/\t[^\t]*$//' in)
	contains "$stderr" 'line 8: a record with too few fields'
	[[ $(grep -c '^ok' <<<"$output") == 2 ]]
	lacks "$output" '^#end'
	run_code 2 ss-hash < <(sed 's/^#end .*/#end 4/' in)
	contains "$stderr" 'end'
	[[ $(grep -c '^ok' <<<"$output") == 5 ]]
}

# bats test_tags=more
@test "each inode is read once, also when its names are far apart" {
	requires strace
	seq 60 | split -l1 - "$TREE/a"
	perl -e 'chdir shift; /^a../ and link $_, "b$_" || die for glob "a*"' "$TREE"
	# A file whose links have just changed may change again unseen.
	sleep 2.1
	# Between the two names of each come more records than a batch has.
	todo >all
	awk -v nothing="$(grep '	nothing$' all)" '/\tba/ && !n++ { for (i = 0; i < 4200; i++) print nothing }
		/^#end/ { $2 += 4200 } { print }' all >in
	strace -f -qq -o trace -e trace=pread64,preadv2 ss-hash --threads=1 <in >out
	[[ $(tail -n1 out) == '#end 4325' ]]
	[[ $(grep -c '^ok' out) == 4325 ]]
	# Of each of the 64 with content one read had bytes to tell; without the table there are twice as many.
	[[ $(grep -c ', 0.* = [1-9][0-9]*$' trace) == "$(stat -c '%i' "$TREE"/{a??,one,dir/two,dir/sub/three} | sort -u | wc -l)" ]]
}

# bats test_tags=more
@test "links made and removed while a file is read do not make it changed" {
	head -c 32M /dev/zero >"$TREE/big"
	todo >in
	while :; do ln "$TREE/big" link && rm link; done 3>&- &
	churn=$!
	run_ok ss-hash <in
	kill "$churn"
	wait "$churn" || :
	[[ $(grep -c '^ok' <<<"$output") == $(grep -vc '^#' in) ]]
}

@test "one thread and many give the same" {
	seq 300 | split -l1 - "$TREE/"
	todo >in
	ss-hash --threads=1 <in >one
	ss-hash --threads=7 <in | cmp - one
	ss-hash --read=media <in | sums | cmp - <(sums one)
	[[ $(grep -c '^ok' one) == 305 ]]
}
