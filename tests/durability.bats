#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a power cut may take: nothing that a marker, a catalog or a message tells of.  A killed
# process cannot show that a flush is missing, so these tests look at the order of writes,
# flushes and renames; durability.pl has the rules that hold for all of them.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers
load catalog

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	requires strace perl
}

CALLS=execve,open,openat,creat,write,pwrite64,writev,pwritev,ftruncate,fallocate,copy_file_range
CALLS+=,rename,renameat,renameat2,unlink,unlinkat,rmdir,link,linkat,symlink,symlinkat,mkdir,mkdirat
CALLS+=,fsync,fdatasync,sync,syncfs,sync_file_range
! on_mariadb || CALLS+=,sendto

# traced N COMMAND...: run it; it exits with N, and breaks no rule.  Sets EVENTS to what it did.
traced() {
	local code=$1
	shift
	run_code "$code" strace -f -y -Y -q --seccomp-bpf -s 512 -o trace -e "trace=$CALLS" "$@"
	perl "$TESTS/durability.pl" "$ROOT" trace >events 2>breaches || {
		cat breaches
		return 1
	}
	mapfile -t EVENTS <events
}

# order EVENT...: each (ERE) comes somewhere behind the one before it.
order() {
	local i=0 want
	for want; do
		until [[ ${EVENTS[i]:-} =~ ^$want$ ]]; do
			if ((++i > ${#EVENTS[@]})); then
				printf 'not there, or not in this order: %s\n' "$want"
				grep -v 'starts$\|ends$\|-journal$' events
				return 1
			fi
		done
		((++i))
	done
}

# replaced PROGRAM FILE [STATUS]: the arguments of order for a small file that is replaced.
replaced() {
	local dir=${2%/*} file=${2##*/}
	REPLACED=("$1 write $dir/\.new-.*$file" "$1 fsync $dir/\.new-.*$file" "$1 replace $dir/$file${3:+ $3}" "$1 fsync $dir")
}

@test "a saveset: each marker is safe before the catalog tells of it" {
	conf
	mkdir "$ROOT/.sync"
	traced 0 sh -c 'cp -a "$1/alpha" "$2/.sync/"; ss-catalog init; ss-catalog add alpha | ss-hash | ss-catalog store' - "$SRC" "$ROOT"
	replaced ss-catalog.init .secondshot/volume
	order 'ss-catalog.init mkdir .secondshot' 'ss-catalog.init fsync \.' "${REPLACED[@]}" 'ss-catalog.init ends'
	order 'ss-catalog.add mkdir .sync/.secondshot' 'ss-catalog.add fsync .sync' 'ss-catalog.add replace .sync/.secondshot/alpha running'
	replaced ss-catalog.add .sync/.secondshot/alpha complete
	order "${REPLACED[@]}" 'ss-catalog.add commit catalog.db' 'ss-catalog.add ends'
	replaced ss-catalog.store .sync/.secondshot/alpha complete
	order "${REPLACED[@]}" 'ss-catalog.store commit catalog.db' 'ss-catalog.store ends'
}

@test "pruned: the marker goes, then the tree, then the catalog forgets" {
	local first
	stage
	take
	first=$S
	turn
	echo more >"$TREE/more"
	take
	traced 0 ss-verify alpha
	order 'ss-verify commit catalog.db'
	traced 0 ss-prune "$first"
	# First the disk gets its stamp, then the catalog.
	replaced ss-prune .secondshot/generation
	order "${REPLACED[@]}" 'ss-prune commit catalog.db' \
		'ss-prune unlink hourly.0/.secondshot/alpha' 'ss-prune fsync hourly.0/.secondshot' \
		'ss-prune rename hourly.0/alpha .secondshot/trash/.*' 'ss-prune fsync hourly.0' \
		'ss-prune commit catalog.db' 'ss-prune ends'
	# No other transaction before, but those of MariaDB that only read.
	on_mariadb || [ "$(sed '/^ss-prune fsync hourly.0$/q' events | grep -c '^ss-prune commit')" = 1 ]
}

@test "a night: what is overwritten is no saveset, what is copied is safe, a rotation can be undone" {
	conf
	ss-catalog init
	mkdir "$ROOT/.sync"
	cp -a "$SRC/alpha" "$ROOT/.sync/"
	pipeline alpha --status=partial
	traced 0 ss-run
	order 'ss-run unlink .sync/.secondshot/alpha' 'ss-run fsync .sync/.secondshot' \
		'ss-run rename .sync/alpha .secondshot/trash/.*' 'ss-run fsync .sync' \
		'rsnapshot starts sync alpha/' 'rsync write .*' 'ss-run syncfs \.' \
		'ss-catalog.add replace .sync/.secondshot/alpha complete'
	replaced ss-run .secondshot/rotation
	order "${REPLACED[@]}" 'rsnapshot starts hourly' 'rsnapshot rename .sync hourly.0' \
		'ss-run replace .secondshot/promoted' 'ss-run fsync .secondshot' 'ss-run fsync \.' \
		'ss-run unlink .secondshot/rotation' 'ss-run fsync .secondshot' \
		'ss-catalog.reconcile commit catalog.db' 'ss-run commit catalog.db' 'ss-run ends'
}

@test "a copy of the catalog is safe before it has its name, and before the catalog changes" {
	requires_sqlite "copies files"
	stage
	take
	traced 0 ss-catalog copy "$CATALOG" "$BATS_TEST_TMPDIR/other.db"
	order 'ss-catalog.copy commit other.db' 'ss-catalog.copy commit other.db' 'ss-catalog.copy ends'
	rm "$CATALOG"
	sqlite3 "$CATALOG" <"$TESTS/schemas/v1.sql"
	chmod 600 "$CATALOG"
	traced 0 ss-catalog hosts
	order 'ss-catalog.hosts write catalog.db.schema-1.new-.*' 'ss-catalog.hosts fsync catalog.db.schema-1.new-.*' \
		'ss-catalog.hosts rename catalog.db.schema-1.new-.* catalog.db.schema-1' 'ss-catalog.hosts change catalog.db' 'ss-catalog.hosts commit catalog.db'
}

# fails_12 HOST: from now on its rsync fails.
fails_12() {
	wrap_rsync <<-END
		#!/bin/bash
		[[ \${*: -1} != */.sync/$1/* ]] || exit 12
		exec /usr/bin/rsync "\$@"
	END
}

# bats test_tags=more
@test "trees that a rotation leaves where they are, and the records of who missed it" {
	HOSTS="alpha beta gamma" RETAIN="hourly:2 daysago:2" conf max-change=40%
	ss-catalog init
	ss-run --quiet
	# The second night says how much a night takes.
	traced 0 ss-run
	replaced ss-run .secondshot/space
	order "${REPLACED[@]}"
	fails_12 beta
	find "$SRC/gamma" -type f -exec sed -i 's/o/x/' {} +
	find "$SRC/gamma" -type f -exec touch -d '2021-01-01 UTC' {} +
	# A day later, when daysago is due: beta is away, gamma is looked at first.
	SECONDSHOT_NOW=$(($(date +%s) + 90000)) traced 2 ss-run
	order 'rsnapshot starts sync beta/' 'ss-run rename .sync/beta .secondshot/trash/.*' 'ss-run fsync .sync'
	replaced ss-run .secondshot/guarded
	order "${REPLACED[@]}"
	order 'ss-run replace .secondshot/rotation' 'ss-run fsync .secondshot' \
		'ss-run mkdir .secondshot/held' 'ss-run fsync .secondshot' \
		'ss-run mkdir .secondshot/held/hourly.1' 'ss-run fsync .secondshot/held' \
		'ss-run rename hourly.1/beta .secondshot/held/hourly.1/beta' \
		'ss-run fsync .secondshot/held/hourly.1/.secondshot' 'ss-run fsync .secondshot/held/hourly.1' \
		'ss-run fsync hourly.1/.secondshot' 'ss-run fsync hourly.1' \
		'rsnapshot starts daysago' 'rsnapshot rename hourly.1 daysago.0' \
		'ss-run replace .secondshot/missed' 'ss-run fsync .secondshot' 'ss-run fsync \.' \
		'ss-run unlink .secondshot/rotation' 'ss-run fsync .secondshot' \
		'ss-run rename .secondshot/held/hourly.1 hourly.1' 'ss-run fsync \.' 'ss-run unlink .secondshot/held'
	order 'rsnapshot starts hourly' 'ss-run rename .secondshot/held/hourly.0/beta hourly.0/beta' \
		'ss-run fsync hourly.0' 'ss-run unlink .secondshot/held/hourly.0' 'ss-run unlink .secondshot/held' \
		'ss-catalog.reconcile commit catalog.db'
}

# bats test_tags=more
@test "with link_dest 0 the copy is safe before the journal goes, and no marker waits in .sync" {
	LINK_DEST=0 conf
	ss-catalog init
	ss-run --quiet
	echo more >"$SRC/alpha/more"
	traced 0 ss-run
	order 'rsnapshot starts hourly' 'cp mkdir hourly.0/alpha' 'ss-run syncfs \.' 'ss-run unlink .secondshot/rotation' \
		'ss-run fsync .secondshot' 'ss-run unlink .sync/.secondshot/alpha' 'ss-run fsync .sync/.secondshot' \
		'ss-catalog.reconcile commit catalog.db'
}

# bats test_tags=more
@test "a rotation that was killed: put back, that is safe, and then the journal goes" {
	local dir own born
	HOSTS="alpha beta"
	stage
	cp -a "$SRC/beta" "$ROOT/.sync/"
	for dir in 1 2; do
		take alpha
		take beta
		turn
	done
	own=$ROOT/.secondshot
	{
		printf 'secondshot-rotation 1\ninterval hourly .sync rename\n'
		for dir in .sync hourly.0 hourly.1; do
			born=$(stat -c %.9W "$ROOT/$dir")
			echo "at $dir $(stat -c %i "$ROOT/$dir") $((10#${born/./}))"
		done
		echo end
	} >"$own/rotation"
	mkdir -p "$own/held/hourly.1/.secondshot" "$own/held/hourly.0"
	mv "$ROOT/hourly.1/beta" "$own/held/hourly.1/"
	mv "$ROOT/hourly.1/.secondshot/beta" "$own/held/hourly.1/.secondshot/"
	mv "$ROOT/hourly.1" "$ROOT/hourly.2"
	mv "$ROOT/hourly.0" "$ROOT/hourly.1"
	traced 0 ss-catalog reconcile
	contains "$stderr" 'has been undone'
	order 'ss-catalog.reconcile rename hourly.1 hourly.0' 'ss-catalog.reconcile rename hourly.2 hourly.1' \
		'ss-catalog.reconcile fsync \.' 'ss-catalog.reconcile unlink .secondshot/rotation' 'ss-catalog.reconcile fsync .secondshot' \
		'ss-catalog.reconcile rename .secondshot/held/hourly.1/.secondshot/beta hourly.1/.secondshot/beta' \
		'ss-catalog.reconcile rename .secondshot/held/hourly.1/beta hourly.1/beta' \
		'ss-catalog.reconcile fsync hourly.1/.secondshot' 'ss-catalog.reconcile fsync hourly.1' \
		'ss-catalog.reconcile unlink .secondshot/held/hourly.1' 'ss-catalog.reconcile unlink .secondshot/held'
}

# bats test_tags=more
@test "an add that was killed before it published: its tree waits, and then the catalog forgets it" {
	stage
	take
	turn
	# File, directory: the stamp.  Location, file, directory; file: the marker says that the tree is there.
	strace -f -qq -o /dev/null -e inject=fsync:signal=KILL:when=7 ss-catalog add alpha >/dev/null 2>&1 || :
	grep -qx 'status complete' "$ROOT/.sync/.secondshot/alpha"
	traced 0 ss-catalog reconcile
	replaced ss-catalog.reconcile .sync/.secondshot/alpha waiting
	order "${REPLACED[@]}" 'ss-catalog.reconcile commit catalog.db' \
		'ss-catalog.reconcile replace .sync/.secondshot/alpha complete' 'ss-catalog.reconcile fsync .sync/.secondshot' \
		'ss-catalog.reconcile commit catalog.db'
}

# bats test_tags=more
@test "while the catalog's server is away: the marker that waits, and the record of the run" {
	requires_mariadb "a file is never away"
	local id
	conf
	ln -s "$SS_TEST_SOCKET" server
	sed -i "s|unix_socket=.*|unix_socket=$PWD/server|" "$SECONDSHOT_CONF"
	ss-catalog init
	rm server
	traced 3 ss-run
	replaced ss-run .sync/.secondshot/alpha waiting
	order 'ss-run mkdir .secondshot/runs' 'ss-run fsync .secondshot' 'ss-run replace .secondshot/runs/.*' 'ss-run fsync .secondshot/runs'
	order 'rsync write .*' 'ss-run syncfs \.' 'ss-run mkdir .sync/.secondshot' 'ss-run fsync .sync' "${REPLACED[@]}" \
		'rsnapshot starts hourly' 'ss-run replace .secondshot/runs/.*' 'ss-run fsync .secondshot/runs' 'ss-run ends'
	id=$(ls "$ROOT/.secondshot/runs")
	ln -s "$SS_TEST_SOCKET" server
	traced 0 ss-run
	order 'ss-run commit catalog.db' "ss-run unlink .secondshot/runs/$id"
}
