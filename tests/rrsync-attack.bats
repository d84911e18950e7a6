#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# bats file_tags=slow
# rrsync: what the owner of a stolen key tries.  Each attack fails, and is shown to be
# real: it works on a build without the sandbox, or on rsync alone.
#
# Beside rrsync as it is there are five builds: old and old0 run an rsync that cannot
# confine itself, peer, strict and peer0 a program that does what it is told
# (rrsync/peer.c); old0 and peer0 have no sandbox, strict is content with -strict.
# shellcheck disable=SC2154

load helpers
load rrsync/lib


setup_file() {
	unmet source_needs mountns && return 0
	helper flip peer
	older_rsync "$HELPERS/rsync"
	variant old RSYNC="$HELPERS/rsync"
	variant old0 RSYNC="$HELPERS/rsync" SANDBOX=0
	variant peer RSYNC="$HELPERS/peer"
	variant peer0 RSYNC="$HELPERS/peer" SANDBOX=0
	full_peer "$HELPERS/full"
	variant strict RSYNC="$HELPERS/full"
}

# DIR is what the key is for, OUT what it is not for.
setup() {
	met
	local i
	cd "$BATS_TEST_TMPDIR" || return
	DIR=$PWD/dir OUT=$PWD/out
	mkdir -p dir/sub out result
	printf -v i 'f%s ' {1..80}
	# shellcheck disable=SC2086
	(cd dir/sub && tee <<<inside $i >/dev/null)
	# shellcheck disable=SC2086
	(cd out && tee <<<CANARY $i secret >/dev/null)
}

# take BUILD OPTIONS RSYNC-ARGUMENT...: rsync through that build of rrsync (or $RRSYNC,
# if it is a path) with these options for DIR.
take() {
	local build=$1 options=$2
	shift 2
	[[ $build == /* ]] || build=$HELPERS/$build.build/rrsync
	# shellcheck disable=SC2086
	rsync -e "$(near "$build" $options "$DIR")" "$@" >said 2>&1
}

# bare RSYNC-ARGUMENT...: rsync with nothing between.
bare() {
	printf '#!/bin/sh\nshift 2\ncd %s && exec %s "$@"\n' "$DIR" "$HELPERS/rsync" >bare.sh
	chmod 0755 bare.sh
	rsync -e ./bare.sh "$@" >said 2>&1
}

# leaked: is there something from OUT in the result?
leaked() {
	grep -rq CANARY result said
}

# --- races and links -----------------------------------------------------

# flipping BUILD TRANSFERS COMMAND...: run it so often while sub and away change places,
# until something leaks; says how often both happened.
flipping() {
	local build=$1 times=$2 fd flipper n=0 code=1
	shift 2
	rm -f stop
	mkfifo stop
	"$HELPERS/flip" dir/sub dir/away "${SS_FLIPS:-100000}" <stop >flips 3>&- &
	flipper=$!
	exec {fd}>stop
	while ((n++ < times)) && ((code)); do
		rm -rf result
		mkdir result
		"$@" "$build" || :
		! leaked || code=0
	done
	exec {fd}>&-
	wait "$flipper"
	printf '%s: %s transfers, %s flips\n' "$build" "$((n - 1))" "$(<flips)"
	return "$code"
}

# The shapes in which a name reaches rsync, one after the other.
take_sub() {
	case $((shape++ % 4)) in
	0) take "$1" -ro --files-from=list source:/ result/ ;;
	1) take "$1" -ro -r source:/sub/ result/ ;;
	2) take "$1" -ro -rR source:/./sub/ source:sub/f1 result/ ;;
	3) take "$1" -ro -r source:/ source:sub/f2 result/ ;;
	esac
}

@test "a directory that turns into a link while it is sent" {
	local shape=0 times=12
	[[ ${SS_LONG:-0} != 1 ]] || times=400
	ln -s ../out dir/away
	printf 'sub/f%s\n' {1..80} >list
	flipping old0 60 take_sub
	not flipping old "$times" take_sub
	(($(<flips) >= 100000))
	not flipping "$RRSYNC" "$times" take_sub
	(($(<flips) >= 100000))
}

put_sub() {
	case $((shape++ % 3)) in
	0) take "$1" "" -r --delete source/ source:/sub/ ;;
	1) take "$1" "" -r --inplace source/ source:/ ;;
	2) take "$1" "" -rR source/./sub/ source:/ ;;
	esac
	check_out
}

put_bare() {
	bare -r source/ source:sub/
	check_out
}

# Something written to OUT counts as leaked.
check_out() {
	diff -rq out before || printf CANARY >result/written
}

@test "a directory that turns into a link while it is written to" {
	local shape=0 times=12
	[[ ${SS_LONG:-0} != 1 ]] || times=400
	ln -s ../out dir/away
	mkdir -p source/sub
	printf 'sent\n' | tee source/sub/f{1..40} source/f{1..40} >/dev/null
	cp -a out before
	flipping bare 60 put_bare
	rm -rf out
	cp -a before out
	not flipping old "$times" put_sub
	(($(<flips) >= 100000))
	not flipping "$RRSYNC" "$times" put_sub
	(($(<flips) >= 100000))
}

@test "-L, where somebody allowed it, does not follow a link out of DIR" {
	ln -s ../out dir/link
	ln -s ../out/secret dir/secret
	take old0 "-ro -allow copy-links" -rL source:/ result/ || :
	leaked
	rm -r result
	mkdir result
	take old "-ro -allow copy-links" -rL source:/ result/ || :
	not leaked
	[ -e result/sub/f1 ]
	take "$RRSYNC" -ro -rL source:/ result/ && return 1
	contains "$(<said)" 'option.*-L'
	not leaked
}

@test "a merge file outside of DIR is not read" {
	local name
	printf 'f1\n' | tee rules >out/rules
	ln -s ../out/rules dir/.link
	# merged RULES COMMAND...: does it obey them?
	merged() {
		local rules=$1
		shift
		rm -rf result
		mkdir result
		"$@" -r -f ":- $rules" source:. result/ || :
		[[ -e result/sub/f2 && ! -e result/sub/f1 ]]
	}
	merged "$PWD/rules" bare
	merged .link bare
	merged .link take old0 -ro
	for name in "$PWD/rules" "$OUT/rules" .link ../out/rules; do
		not merged "$name" take old -ro
		not merged "$name" take "$RRSYNC" -ro
		[ -e result/sub/f1 ]
	done
	printf 'f1\n' >dir/.rules
	merged .rules take "$RRSYNC" -ro
}

@test "a directory for backups that the transfer itself turns into a link" {
	mkdir -p source old
	printf 'new\n' >source/file
	ln -s "$OUT" source/aside
	attack() {
		rm -rf dir
		mkdir dir
		printf 'older\n' >dir/file
		"$@" -rl --backup --backup-dir=aside source/ source:. || :
	}
	attack bare
	[ -e out/file ]
	rm out/file
	attack take old ""
	[ ! -e out/file ]
	attack take "$RRSYNC" ""
	[ ! -e out/file ]
}

@test "a basis that the transfer itself turns into a link" {
	local option
	mkdir -p source
	printf 'known\n' >out/sure
	printf 'known\n' >source/sure
	touch -d @1000000000 out/sure source/sure
	ln -s "$OUT" source/basis
	attack() {
		rm -rf dir
		mkdir dir
		"$@" -rltii source/basis source/ source:. || :
	}
	attack bare --link-dest=basis
	[ dir/sure -ef out/sure ]
	for option in --link-dest --copy-dest --compare-dest; do
		attack take old "" "$option=/basis"
		[ -e dir/sure ]
		[ ! dir/sure -ef out/sure ]
		attack take "$RRSYNC" "" "$option=/basis"
		[ -e dir/sure ]
		[ ! dir/sure -ef out/sure ]
	done
}

# --- special files -------------------------------------------------------

@test "devices, FIFOs and sockets are not made" {
	requires mknod
	mkdir source
	mknod source/null c 1 3
	mkfifo source/fifo
	printf 'file\n' >source/file
	take old0 "" -a source/ source:/
	[ -c dir/null ]
	rm dir/null dir/fifo
	take old "" -a source/ source:/ || :
	[ -e dir/file ]
	[ ! -e dir/null ]
	[ ! -e dir/fifo ]
	take "$RRSYNC" "" -a source/ source:/ || :
	[ ! -e dir/null ]
	[ ! -e dir/fifo ]
}

@test "a FIFO, a device or a socket by name: nothing hangs, nothing is read" {
	local name option
	requires mknod
	mkfifo dir/fifo
	mknod dir/zero c 1 5
	perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "dir/socket", Listen => 1) or die'
	for name in fifo zero socket; do
		take "$RRSYNC" -ro -a source:/$name result/
		[ ! -f "result/$name" ]
		for option in --files-from=:/$name --files-from=:$name; do
			not take "$RRSYNC" -ro "$option" source:/ result/
		done
		for option in link-dest copy-dest backup-dir partial-dir temp-dir log-file; do
			asked "" "rsync --server -re.iLsfxCIvu --$option=/$name . /"
			[ "$status" -ne 0 ]
		done
		asked -ro "rsync --server --sender -e.iLsfxCIvu --copy-devices . /$name"
		[ "$status" -ne 0 ]
	done
}

# --- an rsync that somebody else has taken over --------------------------

# orders BUILD MODE: stdin to the peer through rrsync; its answers in "answers".
orders() {
	local command='rsync --server --sender -e.LsfxCIvu . /'
	[[ $2 == -ro ]] || command='rsync --server -e.LsfxCIvu . /'
	SSH_ORIGINAL_COMMAND=$command "$HELPERS/$1.build/rrsync" ${2:+"$2"} "$DIR" >answers
}

# all_refused, all_done: what the peer was told.
all_refused() {
	not grep ': ok$' answers
	grep -q ': E' answers
}

all_done() {
	not grep -v ': ok$' answers
	grep -q ': ok$' answers
}

# outside: orders that touch OUT or the machine.  What can be done twice comes first,
# so that each of them works where nothing prevents it.
outside() {
	cat <<-END
		stat $OUT/secret
		lstat $OUT/secret
		access $OUT/secret
		readlink $OUT/link
		path $OUT/secret
		read $OUT/secret
		read /etc/shadow
		list $OUT
		list /root
		handle $OUT/secret $DIR
		write $OUT/secret
		create $OUT/new
		truncate $OUT/f1
		chmod $OUT/secret 4777
		fchmod $OUT/secret 4777
		chown $OUT/secret 12
		lchown $OUT/link 12
		utimes $OUT/secret
		setxattr $OUT/secret user.x
		mkdir $OUT/made
		rmdir $OUT/empty
		fifo $OUT/fifo
		device $OUT/device
		symlink x $OUT/new-link
		link $OUT/secret $DIR/hard
		link $DIR/sub/f1 $OUT/hard
		rename $OUT/f2 $DIR/moved
		rename $DIR/sub/f2 $OUT/moved
		unlink $OUT/f3
	END
}

# detours VICTIM: to the same through /proc.
detours() {
	cat <<-END
		stat /proc/$1/root$OUT/secret
		read /proc/$1/root$OUT/secret
		list /proc/$1/root
		list /proc/$1/cwd
		readlink /proc/$1/cwd
		read /proc/$1/environ
		read /proc/self/root$OUT/secret
		stat /proc/self/cwd/../out/secret
		read /proc/self/fd/9
		write /proc/self/fd/9
		read /proc/sys/kernel/hostname
	END
}

machine() {
	cat <<-END
		exec /bin/sh -n
		exec /bin/true
		exec $DIR/program
		mount $DIR $DIR
		chroot $DIR
		unshare user
		unshare net
		unshare mount
		setuid 12
		ptrace $1
		inet 4
		inet 6
		connect $DIR/socket
	END
}

# The machine's doors by their numbers: kexec_load, init_module, bpf, perf_event_open,
# io_uring_setup, keyctl, add_key, userfaultfd, process_vm_readv, open_tree, fsopen,
# move_mount, mount_setattr, swapon, reboot, settimeofday, sethostname, acct, quotactl,
# open_by_handle_at, pidfd_getfd, setns, pivot_root, umount2.
doors() {
	printf 'call %s\n' 246 175 321 298 425 250 248 323 310 428 430 429 442 167 169 164 170 163 179 \
		304 438 308 155 166
}

surroundings() {
	ln -s secret out/link
	mkdir out/empty
	cp /bin/true dir/program
	perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Local => "dir/socket", Listen => 9) or die; sleep 60' 3>&- &
	listener=$!
	sleep 60 3>&- &
	victim=$!
	until_true test -S dir/socket
}

teardown() {
	[[ -z ${listener:-} ]] || kill "$listener" "$victim"
	unkept
	test_end
}

@test "the peer's attacks on what lies outside are real" {
	surroundings
	requires mknod
	orders peer0 "" < <(detours "$victim"; outside; machine "$victim")
	grep -v 'fd/9' answers >but_inherited
	mv but_inherited answers
	all_done
	[ "$(stat -c %a:%u out/secret)" == 4777:12 ] || [ "$(stat -c %a out/secret)" == 777 ]
	[ -e out/made ]
	[ -e dir/moved ]
}

@test "-ro: nothing outside is read, changed or looked at" {
	surroundings
	listing out >before
	orders peer -ro < <(outside; detours "$victim") 9<>out/secret
	all_refused
	listing out >after
	diff before after
}

@test "writing: nothing outside is read, changed or looked at" {
	surroundings
	listing out >before
	for mode in "" -wo; do
		orders peer "$mode" < <(outside; detours "$victim") 9<>out/secret
		all_refused
		listing out >after
		diff before after
	done
}

@test "no other program, no mount, no trace, no socket, no door into the kernel" {
	local mode
	surroundings
	for mode in -ro "" -wo; do
		orders peer "$mode" < <(machine "$victim")
		all_refused
		[[ $(uname -m) == x86_64 ]] || continue
		orders peer "$mode" < <(doors)
		not grep -v ': E\(PERM\|ACCES\|NOSYS\)$' answers
	done
}

# strictly MODE: orders, to the build that is content with -strict.
strictly() {
	local command='rsync --server --sender -e.LsfxCIvu . /'
	[[ $1 == -ro ]] || command='rsync --server -e.LsfxCIvu . /'
	SSH_ORIGINAL_COMMAND=$command "$HELPERS/strict.build/rrsync" ${1:+"$1"} -strict "${2:-$DIR}" >answers
}

# What was made by "shm get" and its like.
unmade() {
	ipcrm -M 0x5353 -S 0x5353 -Q 0x5353
}

@test "the peer's attacks on other processes and on what they share are real" {
	requires ipcmk taskset ionice
	kept
	kept_state >before
	orders peer0 "" < <(by_signal; by_number; by_name; by_id)
	QUEUE=''
	unmade
	all_done
	kill -0 "$VICTIM"
	not cmp -s before <(kept_state 2>/dev/null)
	grep -q 'Max msgqueue size *7 ' "/proc/$VICTIM/limits"
	orders peer0 "" < <(doors_by_name)
	not grep ': EPERM$' answers
}

@test "-strict: no other process is reached, by number, signal or group, and nothing that they share" {
	local mode
	requires ipcmk taskset ionice
	kept
	kept_state >before
	for mode in -ro "" -wo; do
		strictly "$mode" < <(by_signal; by_number; by_name; by_id; doors_by_name
			printf '%s\n' "read /proc/$VICTIM/mem" "write /proc/$VICTIM/oom_score_adj" "stat /proc/$VICTIM" \
				"stat /proc/sysvipc" "stat /proc/sys" "kill -1 28" "list /proc")
		all_refused
		# By the filter; the two that rsync needs, by the namespace.
		not grep -vE ': EPERM$|^(kill|tgkill) [0-9]+ 28: ESRCH$|^(read|write|stat|list) /proc' answers
		# What rsync itself needs is not refused.
		strictly "$mode" <<<$'limits 0\nown 12\nown 10\npid 9\nstat /proc/self/fd/0'
		all_done
	done
	kept_state >after
	diff before after
	kill -0 "$VICTIM"
}

@test "-strict /: /proc has no other process and no settings" {
	kept
	strictly -ro / <<<"stat /proc/$VICTIM"$'\n'"read /proc/sys/kernel/hostname"$'\n'"write /proc/self/oom_score_adj"
	all_refused
	strictly "" / <<<"stat /proc/$VICTIM"$'\n'"write /proc/self/oom_score_adj"
	all_refused
	strictly -ro / <<<"read /proc/self/stat"$'\n'"read /etc/passwd"
	all_done
}

@test "no descriptor that rsync is given leads out of DIR" {
	local fd
	mkdir dir/new
	for fd in {3..24}; do
		printf "stat /proc/self/fd/$fd%s/out/secret\n" /.. /../.. /../../.. /../../../..
	done >wishes
	SSH_ORIGINAL_COMMAND='rsync --server -e.LsfxCIvu --backup-dir=/new/a/b --link-dest=/gone . /sub' \
		"$HELPERS/peer.build/rrsync" "$DIR" <wishes >answers
	all_refused
	[ -d dir/new/a/b ]
	SSH_ORIGINAL_COMMAND='rsync --server -e.LsfxCIvu --backup-dir=/new/a/b . /sub' \
		"$HELPERS/peer0.build/rrsync" "$DIR" <wishes >answers
	grep -q ': ok$' answers
}

inside() {
	cat <<-END
		write $DIR/sub/f1
		create $DIR/new
		truncate $DIR/sub/f1
		chmod $DIR/sub/f1 0600
		chown $DIR/sub/f1 12
		lchown $DIR/sub/f3 12
		utimes $DIR/sub/f1
		mkdir $DIR/made
		symlink x $DIR/new-link
		link $DIR/sub/f1 $DIR/hard
		rename $DIR/sub/f2 $DIR/moved
		unlink $DIR/sub/f4
		rmdir $DIR/made
	END
}

reading() {
	cat <<-END
		read $DIR/sub/f1
		list $DIR
		list $DIR/sub
		stat $DIR/sub/f1
		lstat $DIR/sub
	END
}

@test "-ro reads all of DIR, whoever owns it, and changes nothing in it" {
	chown -R 12:34 dir
	chmod 0 dir/sub/f1
	chmod 0 dir/sub
	orders peer -ro < <(reading)
	all_done
	listing dir >before
	orders peer -ro < <(inside)
	all_refused
	listing dir >after
	diff before after
	orders peer0 -ro < <(inside)
	all_done
}

@test "writing: in DIR all is possible that rsync needs" {
	orders peer "" < <(reading; inside)
	all_done
	[ "$(stat -c %u dir/hard)" == 12 ]
}

@test "a program in DIR gains nothing by its set-user-id bit" {
	orders peer "" <<<"chmod $DIR/sub/f1 4755"
	all_done
	cp "$HELPERS/peer" dir/peer
	chmod 4755 dir/peer
	orders peer "" <<<"exec $DIR/peer"
	all_refused
}

@test "a device in DIR cannot be opened" {
	local mode
	requires mknod
	mknod dir/zero c 1 5
	for mode in -ro "" -wo; do
		orders peer "$mode" <<<"read $DIR/zero"$'\n'"write $DIR/zero"
		all_refused
	done
	orders peer0 "" <<<"read $DIR/zero"$'\n'"write $DIR/zero"
	all_done
}

@test "what the client puts into the environment does not reach rsync" {
	export LD_LIBRARY_PATH=$DIR RSYNC_RSH=x RSYNC_CHECKSUM_LIST=none RSYNC_OLD_ARGS=1 GCONV_PATH=$DIR
	printf 'getenv %s\n' LD_LIBRARY_PATH RSYNC_RSH RSYNC_CHECKSUM_LIST RSYNC_OLD_ARGS GCONV_PATH HOME \
		SSH_ORIGINAL_COMMAND >wishes
	orders peer -ro <wishes
	all_refused
	orders peer -ro <<<"getenv PATH"
	all_done
}

# --- option smuggling ----------------------------------------------------

# asked OPTIONS COMMAND: what rrsync answers to it.
asked() {
	local options=$1
	# shellcheck disable=SC2086
	status=0
	SSH_ORIGINAL_COMMAND=$2 "$RRSYNC" $options "$DIR" </dev/null >answer 2>&1 || status=$?
	output=$(<answer)
}

# refused OPTIONS COMMAND [PATTERN]
refused() {
	asked "$1" "$2"
	if ((status == 0 || status >= 124)); then
		printf 'exit %s: %s\n' "$status" "$2"
		return 1
	fi
	[[ $output == *'error: '* && $output != *CANARY* && ( -z ${3:-} || $output =~ ${3:-} ) ]] || {
		printf 'wrong answer: %s\n' "$output"
		return 1
	}
}

@test "options are not smuggled" {
	local log=$OUT/log
	local S='rsync --server --sender' R='rsync --server'
	printf '[all]\npath = /\n' >dir/rsyncd.conf
	listing out >before
	refused -ro "rsync -e /bin/sh --server --sender . /"
	refused -ro "rsync --sender --server . /"
	refused -ro "rsync --daemon --server --sender . /"
	refused -ro "$S --daemon . /" daemon
	refused -ro "$S --daemon --config=$DIR/rsyncd.conf . /"
	refused -ro "$S --config=$DIR/rsyncd.conf . /"
	refused -ro "$S -e/bin/sh . /"
	refused -ro "$S -e /bin/sh . /"
	refused -ro "$S -re.L;id . /"
	refused -ro "$S --rsh=/bin/sh . /"
	refused -ro "$S --rsync-path=/bin/sh . /"
	refused -ro "$S -se.LsfxCIvu . /"
	refused -ro "$S --secluded-args . /"
	refused -ro "$S --protect-args . /"
	refused -ro "$S --log-file=$log . /" log-file
	refused -ro "$S --log-file $log . /" log-file
	refused -ro "$S --log-file=/log . /" log-file
	refused -ro "$S --remove-source-files . /" remove-source-files
	refused -ro "$S --copy-unsafe-links . /" copy-unsafe-links
	refused -ro "$S --insecure-links . /"
	refused -ro "$S --no-confine-root . /"
	refused -ro "$S --confine-root=/ . /"
	refused -ro "$S --copy-devices . /" copy-devices
	refused -ro "$S --write-batch=$log . /"
	refused -ro "$S --read-batch=$log . /"
	refused -ro "$S --password-file=$OUT/secret . /"
	refused -ro "$S --exclude-from=$OUT/secret . /"
	refused -ro "$S --include-from=$OUT/secret . /"
	refused -ro "$S --filter=._$OUT/secret . /"
	refused -ro "$S --files-from=../out/secret . /"
	refused -ro "$S --files-from=/../out/secret . /"
	refused -ro "$S --early-input=$OUT/secret . /"
	refused -ro "$R --delete . /" read-only
	refused -ro "$R . --sender /" read-only
	refused -ro "$S . ../out/secret" '\.\.'
	refused -ro "$S . sub/../../out/secret" '\.\.'
	refused -ro "$S . /sub/.\\./.\\./out"
	refused -wo "$S . /" write-only
	refused -wo "$R --files-from=/sub/f1 . /" write-only
	refused -wo "$R --sender . /"
	refused -wo "$R --no-r --sender . /" sender
	refused "" "$R --sender . /" sender
	refused "" "$R --log-file=../out/log . /" '\.\.'
	refused "" "$R --temp-dir=../out . /" '\.\.'
	refused "" "$R --backup-dir=/../out . /" '\.\.'
	refused "" "$R --write-devices . /" write-devices
	refused "" "$R --daemon . /" daemon
	refused "-no-del" "$R --delete . /" delete
	refused "-no-overwrite" "$R -be.L . /" ' -b'
	refused "-no-overwrite" "$R --backup-dir=/x . /" backup-dir
	refused "-munge" "$R --no-munge-links . /" munge
	ln -s ../out dir/link
	refused -ro "$S . link/secret"
	refused -ro "$S . link/"
	refused -ro "$S --files-from=/link/secret . /"
	refused "" "$R . link/"
	refused "" "$R --log-file=/link/log . /"
	refused "" "$R --link-dest=/link . /"
	refused "" "$R --temp-dir=/link . /"
	refused "" "$R --backup-dir=/link/deep . /"
	refused "" "$R --partial-dir=/link . /"
	listing out >after
	diff before after
	[ ! -e "$log" ]
}

@test "a path of 2,000 levels: no crash, with little memory" {
	local deep option
	deep=$(printf 'a/%.0s' {1..2000})
	for option in "--backup-dir=/$deep" "--link-dest=/$deep" "--link-dest=/sub/$deep" ""; do
		SSH_ORIGINAL_COMMAND="rsync --server -re.LsfxCIvu $option . /$([[ $option ]] || echo "$deep")" \
			run bash -c 'ulimit -s 1024 && exec "$@"' limited "$RRSYNC" "$DIR" </dev/null
		((status == 1 || status == 12))
	done
	SSH_ORIGINAL_COMMAND="rsync --server --sender -re.LsfxCIvu . /$deep$deep$deep" \
		run bash -c 'ulimit -s 1024 && exec "$@"' limited "$RRSYNC" -ro "$DIR" </dev/null
	[ "$status" -eq 1 ]
	contains "$output" 'too long'
	rm -rf dir/a
}

@test "words that are not options stay names" {
	mkdir dir/--sender dir/-e
	printf 'x\n' >dir/--sender/file
	take "$RRSYNC" -ro -a source:--sender source:-e result/
	[ -e result/--sender/file ]
	[ -d result/-e ]
	take "$RRSYNC" -wo -a dir/sub/f1 source:--sender
	[ -e dir/--sender/f1 ]
}

@test "--only-write-batch writes no batch" {
	take "$RRSYNC" "" -a --rsync-path=rsync dir/sub/f1 source:/ || :
	asked "" "rsync --server -e.LsfxCIvu --only-write-batch=$OUT/batch . /"
	[ ! -e out/batch ]
	[ ! -e out/batch.sh ]
}

@test "what smuggling could reach is real" {
	bare -a --files-from=:"$OUT/secret" source:/ result/ || :
	leaked
	rm -r result
	mkdir result
	bare -a source:"$OUT/secret" result/
	leaked
	bare -a -M--log-file="$OUT/log" source:sub/f1 result/
	[ -e out/log ]
	ln -s ../out dir/link
	rm -r result
	mkdir result
	bare -a --copy-unsafe-links source:link result/
	leaked
}
