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

@test "records get their digests, the rest stays" {
	todo >in
	ss-hash <in >out
	sums out >got
	(cd "$TREE" && sha256sum -c --quiet) <got
	[[ $(wc -l <got) == 5 ]]
	[[ $(grep '^#' in) == "$(grep '^#' out)" ]]
	[[ $(tail -n1 out) == '#end 5' ]]
	[[ $(states out | cut -d' ' -f1 | uniq) == ok ]]
	awk -F '\t' -v OFS='\t' '/^#/ { print; next } { $1 = $11 = $12 = $13 = "-"; print }' out | cmp - in
}

@test "the NUL form in, the NUL form out" {
	todo | tr '\n' '\0' | ss-hash | tr '\0' '\n' >out
	todo | ss-hash | cmp - out
	todo | ss-hash -0 | tr '\0' '\n' | cmp - out
	[[ $(todo | ss-hash --format=sha256sum) == "$(sums out)" ]]
}

@test "hashtype: the command line's, else the stream's" {
	run_ok ss-hash --hashtype=md5 < <(todo)
	contains "$output" '^#hash md5$'
	contains "$output" "	md5	$(md5sum <"$TREE/one" | cut -c1-32)	one\$"
	run_ok ss-hash < <(todo | sed 's/^#hash .*/#hash sha1/')
	contains "$output" "	sha1	$(sha1sum <"$TREE/one" | cut -c1-40)	one\$"
	run_code 2 ss-hash < <(todo | sed 's/^#hash .*/#hash crc/')
	contains "$stderr" 'crc'
}

@test "what is ok already passes unread" {
	todo | ss-hash >out
	rm "$TREE/one"
	run_ok ss-hash <out
	[[ $output == "$(cat out)" ]]
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
	while ! grep -q '^ok' out; do sleep 0.05; done
	mv "$LOC" away
	sed '/^#[^e]/d' in | sed 1d >&9
	exec 9>&-
	wait "$pid"
	[[ $(states out | cut -d' ' -f1 | uniq) == ok ]]
}

@test "results are not held back for an input that waits" {
	mkfifo pipe
	ss-hash <pipe >out &
	pid=$!
	exec 9>pipe
	todo | grep -v '^#end' >&9
	for ((i = 0; i < 100; i++)); do
		[[ $(grep -c '^ok' out) == 5 ]] && break
		sleep 0.05
	done
	[[ $(grep -c '^ok' out) == 5 ]]
	printf '#end 5\n' >&9
	exec 9>&-
	wait "$pid"
	[[ $(tail -n1 out) == '#end 5' ]]
}

@test "each file is compared with its record" {
	todo >in
	rm "$TREE/one"
	cp -p "$TREE/dir/two" new && mv new "$TREE/dir/two"
	printf 'more' >>"$TREE/dir/sub/three"
	rm "$TREE/dir/one-again" && mkfifo "$TREE/dir/one-again"
	run_code 3 timeout 10 ss-hash <in
	[[ $(states <<<"$output" | sort) == "$(printf '%s\n' 'changed dir/sub/three' 'missing one' \
		'moved dir/one-again' 'moved dir/two' 'ok nothing')" ]]
	contains "$stderr" 'dir/two: something else has its place'
}

@test "no link is followed out of the tree" {
	mkdir outside
	cp -p "$TREE/dir/two" outside/two
	todo | awk -F '\t' -v OFS='\t' '/^#/ { print; next } { $8 = $9 = 0; print }' >in
	mv "$TREE/dir" gone
	ln -s ../../outside "$TREE/dir"
	run_code 3 ss-hash <in
	[[ $(states <<<"$output" | grep '^ok') == "$(printf 'ok nothing\nok one')" ]]
}

@test "a mount in the tree is not entered, whatever the kernel can do" {
	requires root mountns strace
	cp -p "$TREE/dir/two" two
	todo | awk -F '\t' -v OFS='\t' '/^#/ { print; next } { $8 = $9 = 0; print }' >in
	# What is mounted there looks as what was stored.
	run_ok unshare -m bash -euc '
		mount -t tmpfs -o size=1m,mode=755 none "$1/dir"
		cp -p two "$1/dir/two"
		ss-hash <in >new || [ $? = 3 ]
		ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o /dev/null -e trace=openat2 -e inject=openat2:error=ENOSYS \
			ss-hash <in >old || [ $? = 3 ]
	' - "$TREE"
	[[ $(states <new | grep '^ok') == "$(printf 'ok nothing\nok one')" ]]
	[[ $(states <old | grep '^ok') == "$(printf 'ok nothing\nok one')" ]]
}

@test "paths that lead out of the root are refused" {
	printf 'secret' >secret
	{
		printf '#secondshot-stream 1\n#root %s\n#marker %s\n#hash md5\n' "$TREE" "$ID"
		for name in ../../secret "$BATS_TEST_TMPDIR/secret" dir/../../../secret; do
			printf -- '-\tf\t0644\t0\t0\t6\t%s\t0\t0\t0\t-\t-\t-\t%s\n' \
				"$(stat -c %.9Y secret)" "$name"
		done
		printf '#end 3\n'
	} >in
	run_code 3 ss-hash <in
	[[ $(states <<<"$output" | cut -d' ' -f1 | uniq) == moved ]]
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
	for ((i = 0; i < 2100; i++)); do printf '%d' "$i" >"$TREE/a$i"; done
	perl -e 'chdir shift; link "a$_", "b$_" or die for 0 .. 2099' "$TREE"
	sleep 2.1
	todo >in
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o trace -e trace=pread64 ss-hash --threads=1 <in >out
	[[ $(grep -c '^ok' out) == 4205 ]]
	reads=$(grep -c '^[0-9]* *pread64(' trace)
	# A table of fixed size may forget some; without it there would be twice as many.
	((reads >= 2103 && reads < 2103 + 300))
}

# bats test_tags=more
@test "links made and removed while a file is read do not make it changed" {
	head -c 64M /dev/urandom >"$TREE/big"
	todo >in
	while :; do ln "$TREE/big" link && rm link; done 3>&- &
	churn=$!
	run_ok ss-hash <in
	kill "$churn"
	wait "$churn" || :
	[[ $(grep -c '^ok' <<<"$output") == $(grep -vc '^#' in) ]]
}

@test "it keeps no power but to read" {
	requires root
	mkfifo pipe
	ss-hash <pipe >out &
	pid=$!
	exec 9>pipe
	todo | grep -v '^#end' >&9
	while ! grep -q '^ok' out; do sleep 0.05; done
	for task in /proc/"$pid"/task/*; do
		contains "$(<"$task/status")" '^CapEff:	0*4$'
		contains "$(<"$task/status")" '^CapPrm:	0*4$'
		contains "$(<"$task/status")" '^CapBnd:	0*$'
		contains "$(<"$task/status")" '^NoNewPrivs:	1$'
	done
	exec 9>&-
	wait "$pid" || [[ $? == 3 ]]
}

# bats test_tags=more
@test "one thread and many give the same" {
	for ((i = 0; i < 1500; i++)); do printf '%d' "$i" >"$TREE/$i"; done
	todo >in
	ss-hash --threads=1 <in >one
	ss-hash --threads=7 <in | cmp - one
	ss-hash --read=media <in | sums | cmp - <(sums one)
}
