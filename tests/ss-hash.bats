#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# ss-hash over plain names: what it prints, what it refuses to read.

# shellcheck disable=SC2154
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	printf 'abc' >a
	printf 'def' >b
}

ABC=ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad

@test "names as arguments, in lines, ended by NUL, from a file" {
	local ab ba
	ab=$(sha256sum a b)
	ba=$(sha256sum b a)
	run_ok ss-hash a b
	[[ $output == "$ab" ]]
	run_ok ss-hash < <(printf 'a\nb\n')
	[[ $output == "$ab" ]]
	run_ok ss-hash < <(printf 'b\na')
	[[ $output == "$ba" ]]
	run_ok ss-hash -0 < <(printf 'a\0b\0')
	[[ $output == "$ab" ]]
	printf 'b\0a' >list
	run_ok ss-hash --files0-from=list
	[[ $output == "$ba" ]]
	run_ok ss-hash --files0-from - <list
	[[ $output == "$ba" ]]
	# An empty list is an answer with -0, and no input at all without.
	run_ok ss-hash -0 </dev/null
	[[ -z $output ]]
	run_code 2 ss-hash </dev/null
	contains "$stderr" 'no input'
	# A file called - is not standard input.
	printf 'abc' >-
	run_ok ss-hash -- -
	[[ $output == "$ABC  ./-" ]]
}

# bats test_tags=more
@test "sha256sum -c accepts every name; paths beyond PATH_MAX" {
	hostile_tree tree --long
	find tree -type f -not -path 'tree/long/*' -print0 >list
	ss-hash -0 --format sha256sum <list >sums
	run_ok sha256sum -c --quiet --strict sums
	[[ -z $output && -z $stderr ]]
	[[ $(wc -l <sums) == "$(tr -dc '\0' <list | wc -c)" ]]
	xargs -0 sha256sum -- <list | cmp - sums

	find tree -type f -print0 | ss-hash -0 --format=json >out
	[[ $(wc -l <out) == "$(find tree -type f -printf '\n' | wc -l)" ]]
	run awk 'length($0) > 5000 && /"state":"ok"/ { n++ } END { print n + 0 }' out
	((output > 0))
	lacks "$(cat out)" '"state":"(missing|unreadable|changed)"'
	# sha256sum itself reaches those only from where they are.
	{ sed 's/^\\//' sums; find tree/long -type f -execdir sha256sum {} \;; } | cut -c1-64 | sort >want
	grep -o '"digest":"[0-9a-f]*"' out | cut -c11-74 | sort | cmp - want
}

@test "the order of output is that of input, over many batches" {
	local i
	mkdir many
	seq 300 | split -l1 - many/
	# Each is named so often that there are two batches.
	for ((i = 0; i < 17; i++)); do printf '%s\n' many/*; done | shuf >list
	[[ $(wc -l <list) -gt 4096 ]]
	ss-hash <list >sums
	cut -c67- sums | cmp - list
	sort -u sums | cmp - <(sha256sum many/* | sort)
}

@test "every algorithm" {
	local type
	for type in md5 sha1 sha256 sha512; do
		run_ok ss-hash --hashtype=$type a
		[[ $output == "$(${type}sum a)" ]]
	done
	run_ok ss-hash --hashtype=blake2b512 a
	[[ $output == "$(b2sum a)" ]]
	run_ok ss-hash --hashtype=sha512-256 a
	[[ $output == "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23  a" ]]
	run_code 2 ss-hash --hashtype=crc32 a
	contains "$stderr" 'crc32'
}

@test "nothing but regular files is read, and the others are done" {
	mkdir dir
	mkfifo fifo
	ln -s a link
	run_code 3 ss-hash a dir fifo link none b
	[[ $output == "$(sha256sum a b)" ]]
	for name in dir fifo link; do contains "$stderr" "^ss-hash: $name: it is not a regular file"; done
	contains "$stderr" '^ss-hash: none: it is not there'
}

@test "a file that may not be read" {
	requires root setpriv
	chmod 0600 a
	chmod 0755 .
	chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" 2>/dev/null || true
	cp "$(type -p ss-hash)" ./ss-hash
	setpriv --reuid=65534 --regid=65534 --clear-groups test -r b || skip "nobody cannot get here"
	run_code 3 setpriv --reuid=65534 --regid=65534 --clear-groups ./ss-hash a b
	[[ $output == "$(sha256sum b)" ]]
	contains "$stderr" 'a: Permission denied'
}

@test "names in messages and on a terminal are escaped" {
	printf 'abc' >$'x\e[31m\n'
	run_code 3 ss-hash $'no\e[31m\n'
	contains "$stderr" 'no\\x1b\[31m\\n: it is not there'
	requires script
	script -qec "ss-hash x*" /dev/null </dev/null >out
	tr -d '\r' <out >plain
	[[ $(<plain) == "$ABC  x\\x1b[31m\\n" ]]
}

@test "JSON and the stream have each name; JSON its bytes where they are no text" {
	printf 'abc' >$'caf\xe9'
	run_code 3 ss-hash --json a $'caf\xe9' none
	contains "${lines[0]}" '"type":"digest".*"path":"a".*"state":"ok".*"algorithm":"sha256".*"digest":"'$ABC'"'
	contains "${lines[1]}" '"path":"caf\\\\xe9".*"path_b64":"Y2Fm6Q=="'
	contains "${lines[2]}" '"path":"none".*"state":"missing"'
	lacks "${lines[2]}" 'digest":'
	run_ok ss-hash --format=stream a
	[[ ${lines[0]} == '#secondshot-stream 1' && ${lines[1]} == '#hash sha256' && ${lines[3]} == '#end 1' ]]
	contains "${lines[2]}" "^ok	f	0644	$UID	.*	sha256	$ABC	a\$"
}

@test "usage errors name what is wrong and exit with 2" {
	run_code 2 ss-hash --bogus
	contains "$stderr" '^ss-hash: --bogus: '
	run_code 2 ss-hash --threads=x a
	contains "$stderr" '^ss-hash: --threads'
	run_code 2 ss-hash --threads=-1 a
	contains "$stderr" 'threads'
	run_code 2 ss-hash --format=xml a
	contains "$stderr" 'xml'
	run_code 2 ss-hash --json --format=stream a
	run_code 2 ss-hash --read=tape a
	contains "$stderr" 'tape'
	run_code 2 ss-hash --files0-from=list a
	run_code 2 ss-hash --files0-from=none
	contains "$stderr" 'none: No such file'
	run_code 2 ss-hash --config=none a
	contains "$stderr" 'none: No such file'
	run_code 2 env DBTYPE=oracle ss-hash a
	contains "$stderr" 'sqlite'
	run_code 2 ss-hash < <(printf 'a\0b\0')
	contains "$stderr" '-0'
}

@test "help and version go to stdout" {
	run_ok ss-hash --help
	((${#lines[@]} <= 24))
	contains "${lines[0]}" '^Usage: ss-hash'
	[[ -z $stderr ]]
	run_ok ss-hash --version
	contains "$output" '^ss-hash \(secondshot\) [0-9]'
}

@test "a full disk is an error; a reader that leaves ends it by SIGPIPE" {
	[[ -e /dev/full ]] || skip "needs /dev/full"
	run_code 2 bash -c 'ss-hash a b >/dev/full'
	contains "$stderr" 'standard output'
	run_code 2 bash -c 'ss-hash --help >/dev/full'
	# More than a pipe holds.
	yes a | head -n20000 >list
	run_code 141 bash -c 'ss-hash <list | head -n1; exit ${PIPESTATUS[0]}'
	[ "$stderr" = '' ]
	run_code 2 bash -c 'ss-hash a >&-'
}

# medium_is MEDIUM FILE [OPTION...]: what ss-hash says that it read, and its digest is right.
medium_is() {
	run_ok "${@:3}" ss-hash --read=media --json "$2"
	contains "$output" "\"digest\":\"$(sha256sum <"$2" | cut -c1-64)\".*\"medium\":\"$1\""
}

@test "past the cache the digests are the same" {
	head -c 3000000 /dev/urandom >big
	: >empty
	run_ok ss-hash --read=media a b big empty
	[[ $output == "$(sha256sum a b big empty)" ]]
	run_ok ss-hash --json big
	contains "$output" '"medium":"unknown"'
}

@test "what is from the medium was read past the cache, and is not left in it" {
	requires strace fincore
	[[ $(stat -fc %T .) != tmpfs ]] || skip "needs files on a disk"
	head -c 3000000 /dev/urandom >big
	sync big
	dd if=big iflag=direct bs=1M of=/dev/null status=none || skip "needs O_DIRECT"
	cat big >/dev/null
	(($(fincore -nbo PAGES big) > 0)) || skip "needs to see the cache"
	medium_is media big strace -f -qq -o trace -P big -e trace=fadvise64,fcntl,pread64
	# As cat and sha256sum have left it there, so the next run must drop it first.
	run_ok ss-hash --read=media --json big
	contains "$output" '"medium":"media"'
	(($(fincore -nbo PAGES big) == 0))
	# Dropped, then O_DIRECT, then read; and each read says so by its alignment.
	[[ $(grep -oE 'POSIX_FADV_DONTNEED|F_SETFL.*O_DIRECT|pread64\(' trace | uniq | tr '\n' ' ') == \
		'POSIX_FADV_DONTNEED F_SETFL'*'O_DIRECT pread64( ' ]]
	# Where it is refused: nothing of it is left in the cache before it is read.
	medium_is media big strace -f -qq -o trace -P big -e trace=fadvise64,fcntl,fdatasync,pread64 \
		-e inject=pread64:error=EINVAL:when=1
	[[ $(grep -oE 'POSIX_FADV_DONTNEED|F_SETFL.*O_DIRECT|F_SETFL|fdatasync|pread64\(' trace | uniq | tr '\n' ' ') == \
		'POSIX_FADV_DONTNEED F_SETFL'*'O_DIRECT pread64( F_SETFL fdatasync POSIX_FADV_DONTNEED pread64( ' ]]
}

@test "memory does not say that it is a medium" {
	[[ $(stat -fc %T /dev/shm) == tmpfs && -w /dev/shm ]] || skip "needs tmpfs on /dev/shm"
	file=$(mktemp /dev/shm/ss-hash.XXXXXX)
	printf 'abc' >"$file"
	run ss-hash --read=media --json "$file"
	rm "$file"
	[[ $status == 0 ]]
	contains "$output" '"medium":"cache"'
}

# bats test_tags=more
@test "sparse and large files take no memory" {
	requires prlimit
	! grep -q __asan_init "$(type -p ss-hash)" || skip "the sanitizer takes its own"
	# Larger than what the process may have.
	truncate -s 300M sparse
	printf 'x' >>sparse
	printf 'y' | dd of=sparse bs=1 seek=5000 conv=notrunc status=none
	run_ok prlimit --as=150000000 ss-hash --threads=2 --hashtype=sha1 sparse
	[[ $output == "42dc00d94ce06af06129b6928b7800e7aefce11d  sparse" ]]
}

@test "a file that is written to once while it is read is changed, not hashed" {
	requires strace
	# It stops when it has read, and before it looks at the file again.
	strace -f -qq -o trace -P a -e trace=pread64,preadv2 -e inject=pread64,preadv2:signal=STOP:when=1 \
		bash -c 'echo $$ >pid; exec ss-hash a b' >out 2>err 3>&- &
	until_true grep -qs 'stopped by SIGSTOP' trace
	printf 'x' >>a
	kill -CONT "$(<pid)"
	run_code 3 wait $!
	[[ $(<out) == "$(sha256sum b)" ]]
	contains "$(<err)" 'a: it changed while it was read'
}
