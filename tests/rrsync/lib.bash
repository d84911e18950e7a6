# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# lib.bash - for the tests of rrsync: a source host behind a real sshd, transfers
# through a gate, other builds of rrsync, and helpers in C.
#
# RRSYNC is the rrsync under test (from $SS_RRSYNC, the build, or the system), STOCK
# the one of the rsync package.

if [[ -z ${SS_RRSYNC:-} && ${SS_INSTALLED:-0} == 1 ]]; then
	RRSYNC=/usr/lib/secondshot/rrsync
else
	RRSYNC=${SS_RRSYNC:-$SS_BIN/rrsync}
fi
STOCK=/usr/bin/rrsync
RSYNC=$(type -p rsync)

# helper NAME: compile tests/rrsync/NAME.c into the file's directory; HELPERS is where.
helper() {
	local name
	HELPERS=$BATS_FILE_TMPDIR
	export HELPERS
	for name; do
		${CC:-cc} -std=c11 -D_GNU_SOURCE -O1 -Wall -Wextra -o "$HELPERS/$name" \
			"$TESTS/rrsync/$name.c"
	done
}

# variant NAME [RSYNC=PROGRAM] [SANDBOX=0]: another build of rrsync as $HELPERS/NAME.build/rrsync.
# What these two do not change is compiled once.
variant() {
	local name=$1 rsync=$RSYNC sandbox=1 source object objects=() common=$HELPERS/rrsync-objects
	local dir=$HELPERS/$1.build setting
	for setting in "${@:2}"; do
		case $setting in
		RSYNC=*) rsync=${setting#*=} ;;
		SANDBOX=*) sandbox=${setting#*=} ;;
		*) return 2 ;;
		esac
	done
	mkdir -p "$common" "$dir"
	for source in "$TESTS"/../rrsync/*.c; do
		object=${source##*/}
		object=$common/${object%.c}.o
		if grep -qwE 'RSYNC|SANDBOX' "$source"; then object=$dir/${object##*/}; fi
		objects+=("$object")
		[[ -e $object ]] || "${CC:-cc}" -std=c11 -D_GNU_SOURCE -O0 -fPIE -I"$TESTS/../rrsync" \
			-DRSYNC="\"$rsync\"" -DSANDBOX="$sandbox" -c -o "$object" "$source" || return
	done
	"${CC:-cc}" -pie -o "$dir/rrsync" "${objects[@]}"
}

# older_rsync FILE: an rsync without options to confine itself.  It is the installed
# one with their names spoilt, so that it refuses them as an rsync 3.2.7 does.
older_rsync() {
	perl -pe 's/confine-root/c0nfine-r00t/g; s/drop-D\b/dr0p-d/g; s/\b3\.[3-9]\.\d\b/3.2.7/g' \
		"$RSYNC" >"$1"
	chmod 0755 "$1"
	"$1" --version | grep -q 'version 3\.2\.7'
	not "$1" --confine-root=/ --version >/dev/null 2>&1
}

# full_peer FILE: $HELPERS/peer with the names of the options to confine itself, so that
# nothing is missing for -strict.
full_peer() {
	cp "$HELPERS/peer" "$1"
	printf 'confine-root\0drop-D\0' >>"$1"
}

# kept: processes and objects for a peer to reach for: VICTIM, a process, with a page of
# its memory at PAGE; SEGMENT, SEMAPHORE, QUEUE, System V's.  unkept: they end.
kept() {
	sleep 300 3>&- &
	VICTIM=$!
	until_true grep -qz sleep "/proc/$VICTIM/cmdline"
	PAGE=$(grep -m1 rw-p "/proc/$VICTIM/maps")
	PAGE=${PAGE%%-*}
	SEGMENT=$(ipcmk -M 4096) SEMAPHORE=$(ipcmk -S 1) QUEUE=$(ipcmk -Q)
	SEGMENT=${SEGMENT##* } SEMAPHORE=${SEMAPHORE##* } QUEUE=${QUEUE##* }
}

unkept() {
	[[ -z ${VICTIM:-} ]] || kill "$VICTIM"
	[[ -z ${QUEUE:-} ]] || ipcrm -m "$SEGMENT" -s "$SEMAPHORE" -q "$QUEUE"
	VICTIM='' QUEUE=''
}

# kept_state: what a peer could have changed in them.
kept_state() {
	cat "/proc/$VICTIM/limits"
	ps -o ni=,cls=,pri= -p "$VICTIM"
	taskset -p "$VICTIM"
	ionice -p "$VICTIM"
	ipcs -m -i "$SEGMENT" | grep -v time
	ipcs -q -i "$QUEUE" | grep -v time
	ipcs -s -i "$SEMAPHORE" | grep -v time
}

# by_signal, by_number, by_id, by_name: a peer's orders, a line each, against what is kept
# and what processes share by a name.
by_signal() {
	printf "%s $VICTIM 28\n" kill tgkill
}

by_number() {
	printf "%s $VICTIM 28\n" tkill sigqueue tgsigqueue
	printf "%s $VICTIM\n" pidfd owner prlimit limits kcmp priority ioprio scheduler schedparam \
		schedattr affinity robust ptrace
	printf "%s\n" "owner $VICTIM ex" "vmread $VICTIM $PAGE" "vmwrite $VICTIM $PAGE"
}

by_id() {
	printf '%s\n' "shm at $SEGMENT" "sem op $SEMAPHORE" "sem timed $SEMAPHORE" "msg send $QUEUE" \
		"msg receive $QUEUE" "shm remove $SEGMENT" "sem remove $SEMAPHORE" "msg delete $QUEUE"
}

by_name() {
	printf '%s\n' 'killpg 0' 'shm get' 'sem get' 'msg get' "mq open ss-$VICTIM" "mq unlink ss-$VICTIM" \
		'key add' 'key request' 'key ctl'
}

# doors_by_name: calls that have nothing to work on without the others.
doors_by_name() {
	printf 'door %s\n' move_pages migrate_pages process_madvise process_mrelease pidfd_getfd \
		mq_timedsend mq_timedreceive mq_notify mq_getsetattr shmdt
}

# not COMMAND...: fail if it succeeds; what "!" does not do in a test.
not() {
	if "$@"; then
		printf 'succeeded: %s\n' "$*"
		return 1
	fi
}

# started PID PATTERN LOG: says that it is ready, or is gone.
started() {
	grep -q "$2" "$3" 2>/dev/null || ! kill -0 "$1" 2>/dev/null
}

# --- a source host -------------------------------------------------------

# source_needs [WHAT...]: to build rrsync in another way; see unmet.
source_needs() {
	requires root make "${CC:-cc}" rsync perl "$@"
	[[ -d $TESTS/../rrsync ]] || skip "needs the source of rrsync"
}

# sshd_needs: what the next one does; see unmet.
sshd_needs() {
	requires root rsync setfacl setfattr unshare nsenter ip ssh /usr/sbin/sshd
	unshare -n -m -p --fork true 2>/dev/null || skip "needs network, mount and process namespaces"
}

# sshd_start: an sshd in a network of its own, where 192.0.2.1 is the backup host and
# 192.0.2.2 the source host "source", with the users root and ordinary.  SSH is the backup
# host's ssh, NEAR runs a command in that network, gate says what its key may do.
sshd_start() {
	HOST=$BATS_FILE_TMPDIR/host
	mkdir -p "$HOST"
	ssh-keygen -q -t ed25519 -N '' -f "$HOST/hostkey"
	ssh-keygen -q -t ed25519 -N '' -f "$HOST/key"
	: >"$HOST/authorized_keys"
	printf '192.0.2.2 %s\n' "$(<"$HOST/hostkey.pub")" >"$HOST/known_hosts"
	cat >"$HOST/sshd_config" <<-END
		ListenAddress 192.0.2.2
		KexAlgorithms curve25519-sha256
		Ciphers aes128-gcm@openssh.com,chacha20-poly1305@openssh.com
		HostKey $HOST/hostkey
		AuthorizedKeysFile $HOST/authorized_keys
		PidFile none
		PermitRootLogin prohibit-password
		PasswordAuthentication no
		KbdInteractiveAuthentication no
		UsePAM no
		StrictModes no
		UseDNS no
		MaxStartups 50
	END
	cat >"$HOST/ssh_config" <<-END
		Host source
			HostName 192.0.2.2
			BindAddress 192.0.2.1
			User root
			IdentityFile $HOST/key
			IdentitiesOnly yes
			UserKnownHostsFile $HOST/known_hosts
			BatchMode yes
			ConnectTimeout 10
			LogLevel ERROR
	END
	# There root is not locked, and has none of the shell's files that this root may have.
	sed "s|^root:.*|root:x:0:0:root:$HOST:/bin/sh|" /etc/passwd >"$HOST/passwd"
	printf 'ordinary:x:65531:65531::/:/bin/sh\n' >>"$HOST/passwd"
	printf '%s:19000:0:99999:7:::\n' 'root:*' 'ordinary:*' 'sshd:!' >"$HOST/shadow"
	# shellcheck disable=SC2016
	unshare -n -m -p --fork --kill-child --mount-proc --propagation private bash -c '
		ip link set lo up && ip addr add 192.0.2.1/24 dev lo && ip addr add 192.0.2.2/24 dev lo
		# Acknowledged at once, a login takes half the time.
		for me in 192.0.2.1 192.0.2.2; do
			ip route replace local "$me" dev lo table local quickack 1
		done
		if [ ! -d /run/sshd ]; then mount -t tmpfs -o mode=755 none /run && mkdir -m 755 /run/sshd; fi
		mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/shadow" /etc/shadow || exit
		exec /usr/sbin/sshd -D -f "$1/sshd_config" -E "$1/sshd.log"' sshd "$HOST" \
		</dev/null >"$HOST/start.log" 2>&1 3>&- &
	SSHD=$!
	disown
	NEAR="nsenter --net=/proc/$SSHD/ns/net"
	printf '#!/bin/sh\nexec %s ssh -F %s/ssh_config "$@"\n' "$NEAR" "$HOST" >"$HOST/ssh"
	chmod 0755 "$HOST/ssh"
	SSH=$HOST/ssh
	export HOST SSHD NEAR SSH
	until_true started "$SSHD" 'Server listening' "$HOST/sshd.log"
	kill -0 "$SSHD" || { cat "$HOST"/*.log; return 1; }
}

sshd_stop() {
	# With the first process of its namespace all that it started ends.
	[[ -z ${SSHD:-} ]] || kill -KILL "$SSHD"
}

# gate [COMMAND...]: the command that the key is good for; without, it may do anything.
gate() {
	local command=''
	if (($#)); then
		printf -v command '%q ' "$@"
		command="restrict,command=\"${command//\"/\\\"}\" "
	fi
	printf '%s%s\n' "$command" "$(<"$HOST/key.pub")" >"$HOST/authorized_keys"
}

# beside COMMAND...: as gate, but without an sshd: SSH is rrsync, or any command, at once.
beside() {
	local shell=$BATS_FILE_TMPDIR/any-command
	if (($# == 0)); then
		printf '#!/bin/sh\ncd %q && eval "exec $SSH_ORIGINAL_COMMAND"\n' "$BATS_FILE_TMPDIR" >"$shell"
		chmod 0755 "$shell"
		set -- "$shell"
	fi
	SSH=$(near "$@")
}

# near COMMAND...: in place of rsync's ssh: rrsync as sshd would start it, at once.
#	rsync -e "$(near /path/rrsync -ro DIR)" source:/ …
near() {
	printf '%s/rrsync/near' "$TESTS"
	printf ' %s' "$@"
}

# --- the system's log ----------------------------------------------------

# syslog_start: a /dev/log in a mount namespace of its own; what is sent to it is in
# $SYSLOG.  NS before a command runs it there.
syslog_start() {
	local dev=$BATS_FILE_TMPDIR/dev
	SYSLOG=$BATS_FILE_TMPDIR/syslog
	mkdir "$dev"
	: >"$SYSLOG"
	# shellcheck disable=SC2016
	unshare -m --propagation private bash -c '
		mount -t tmpfs -o mode=755 none "$1" || exit
		for node in null zero full random urandom; do
			: >"$1/$node" && mount --bind "/dev/$node" "$1/$node" || exit
		done
		ln -s /proc/self/fd "$1/fd"
		mount --move "$1" /dev && exec perl -MIO::Socket::UNIX -e '\''
			my $in = IO::Socket::UNIX->new(Local => "/dev/log", Type => SOCK_DGRAM) or die;
			chmod 0666, "/dev/log";
			open my $out, ">>", shift or die;
			$out->autoflush(1);
			print $out "ready\n";
			while (defined $in->recv(my $line, 65536)) { $line =~ s/\0$//; print $out "$line\n" }
		'\'' "$2"' log "$dev" "$SYSLOG" </dev/null >"$SYSLOG.err" 2>&1 3>&- &
	LOGGER=$!
	disown
	NS="nsenter --mount=/proc/$LOGGER/ns/mnt"
	export SYSLOG LOGGER NS
	until_true started "$LOGGER" ready "$SYSLOG"
	kill -0 "$LOGGER" || { cat "$SYSLOG.err"; return 1; }
}

syslog_stop() {
	[[ -z ${LOGGER:-} ]] || kill "$LOGGER"
}

# logged PATTERN: wait until the log has the pattern (ERE).
logged() {
	until_true grep -qaE -- "$1" "$SYSLOG"
}

# --- trees ---------------------------------------------------------------

# rich_tree DIR: what rsync -aHAXS can carry.
rich_tree() {
	local i
	source_tree "$1"
	mkdir -p "$1/many" "$1/odd"
	for i in {1..12}; do printf 'file %s\n' "$i" >"$1/many/$i"; done
	ln "$1/many/1" "$1/odd/hard"
	ln -s /nowhere "$1/odd/dangling"
	: >"$1/odd/$(printf 'sp ace\t"'\''\\*?[a]$(x);\xff\n.')"
	: >"$1/odd/-rf"
	head -c 300000 /dev/urandom >"$1/random"
	truncate -s 4M "$1/hole"
	printf end >>"$1/hole"
	cp /bin/true "$1/odd/program"
	chown 12:34 "$1/odd/program"
	chmod 6755 "$1/odd/program"
	chmod 0700 "$1/odd"
	chown -h 56:78 "$1/odd/dangling"
	mkfifo "$1/odd/fifo"
	setfattr -n user.colour -v green "$1/one"
	setfattr -n user.empty "$1/dir"
	setfacl -m u:1234:r--,g:99:rwx "$1/dir/two"
	setfacl -d -m u:4321:rwx "$1/dir/sub"
	# Not in this second: rsync does not look at the rest of a time.
	find "$1" -exec touch -h -d '2021-03-04 05:06:07.123456789 UTC' {} +
	touch -d '1999-12-31 23:59:59.987654321 UTC' "$1/dir" "$1/many/7"
}

# listing DIR: all of a tree that a copy is to have, in a form that diff shows well.
listing() {
	"$TESTS/rrsync/listing.pl" "$1"
}

# same DIR DIR: fails, and shows where, unless the two trees are the same.
same() {
	local new=$BATS_TEST_TMPDIR/.listing
	listing "$1" >"$new.1" && listing "$2" >"$new.2" || return
	same_listing "$new.1" "$new.2"
}

same_listing() {
	[[ -s $1 ]] && cmp -s "$1" "$2" && return 0
	diff "$1" "$2" | head -n 20
	return 1
}
