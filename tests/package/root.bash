# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034
#
# root.bash - a bare Debian to try the package in.
#
#	. "${0%/*}/root.bash"
#	root_enter "$@"
#	root_make [RELEASE]
#	inside 'apt-get install -y ./secondshot_*.deb'
#
# What is made lies in $DIR, and goes, with every process started in it, when the script
# ends.  The base systems are kept as tar files below build/, for the next time.

set -eu
export LC_ALL=C
umask 022

SELF=${0##*/}
SOURCE=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
ROOTS=$SOURCE/${BUILD:-build}/roots

# What cannot be tried here is no failure: say why not.
skip() {
	printf '%s: skipped: %s\n' "$SELF" "$1"
	exit 0
}

die() {
	printf '%s: %s\n' "$SELF" "$1" >&2
	exit 1
}

say() {
	printf '%s: %s\n' "$SELF" "$1"
}

# root_enter ARGUMENT...: the script once more, with mounts and processes of its own.
root_enter() {
	[[ $EUID == 0 ]] || skip "needs root"
	type -P debootstrap unshare >/dev/null || skip "needs debootstrap"
	[[ -z ${ROOT_ENTERED:-} ]] || return 0
	unshare --mount-proc --pid --fork true 2>/dev/null || skip "needs a mount and a process namespace"
	ROOT_ENTERED=1 exec unshare --mount-proc --propagation=private --pid --fork --kill-child -- "$0" "$@"
}

# archives RELEASE: the archives apt here knows, for that release, as lines of a sources.list.
archives() {
	local here
	# shellcheck disable=SC1091
	here=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# shellcheck disable=SC2016
	apt-get indextargets --format 'deb $(REPO_URI) $(CODENAME) $(COMPONENT) $(CREATED_BY)' |
		awk -v here="$here" -v want="$1" '$3 ~ "^" here && $4 == "main" && $5 == "Packages" &&
			!seen[$0]++ { sub(here, want, $3); print $1, $2, $3, $4 }'
}

# mirror RELEASE: the first of them.
mirror() {
	archives "$1" | awk -v want="$1" '$3 == want && !n++ { print $2 }'
}

# What a chroot needs to reach them: apt's settings (a proxy, say), certificates, names.
borrow() {
	local path
	for path in /etc/apt/apt.conf /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
		[[ -e $path ]] || continue
		mkdir -p "$1${path%/*}"
		cp -L "$path" "$1$path"
	done
	for path in /etc/apt/apt.conf.d/*; do
		! grep -qi proxy "$path" || cp "$path" "$1/etc/apt/apt.conf.d/"
	done
	archives "$2" >"$1/etc/apt/sources.list"
	# No daemon is to be started by being installed.
	printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
	chmod 0755 "$1/usr/sbin/policy-rc.d"
}

# root_tar RELEASE: sets TAR to a base system; made when there is none yet.
root_tar() {
	local dir
	TAR=$ROOTS/$1.tar.gz
	[[ ! -e $TAR ]] || return 0
	[[ -n $(mirror "$1") ]] || skip "apt here knows no mirror of $1"
	mkdir -p "$ROOTS"
	dir=$(mktemp -d "$ROOTS/new.XXXXXX")
	chmod 0755 "$dir"
	debootstrap --variant=minbase "$1" "$dir" "$(mirror "$1")" >"$ROOTS/$1.log" 2>&1 || {
		rm -rf --one-file-system "$dir"
		tail -n3 "$ROOTS/$1.log"
		skip "$1 cannot be fetched: see $ROOTS/$1.log"
	}
	borrow "$dir" "$1"
	tar -C "$dir" -c --numeric-owner . | gzip -1 >"$TAR.new" && mv "$TAR.new" "$TAR"
	rm -rf --one-file-system "$dir"
}

root_end() {
	umount -R -l "$DIR/dev" "$DIR/proc" 2>/dev/null || :
	if mountpoint -q "$DIR/proc" || mountpoint -q "$DIR/dev"; then
		say "$DIR still has mounts; not removed"
	elif [[ -z ${KEEP:-} ]]; then
		rm -rf --one-file-system "$DIR"
	fi
}

# root_make [RELEASE]: a new root in $DIR, with the source in /root/secondshot.
root_make() {
	root_tar "${1:-bookworm}"
	DIR=$(mktemp -d "${ROOT_BASE:-/var/tmp}/secondshot-root.XXXXXX")
	trap root_end EXIT
	tar -C "$DIR" -xf "$TAR"
	mount -t proc proc "$DIR/proc" || skip "proc cannot be mounted here"
	mount --rbind /dev "$DIR/dev"
	mkdir "$DIR/root/secondshot"
	source_to "$DIR/root/secondshot"
}

# source_to DIR: what is here, without products.
source_to() {
	tar -C "$SOURCE" -c --exclude=./build --exclude='./build-*' --exclude=./.git . | tar -x -C "$1"
}

# inside COMMAND: by root's shell, in /root/secondshot.
inside() {
	chroot "$DIR" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
		DEBIAN_FRONTEND=noninteractive bash -c "cd /root/secondshot && $1" </dev/null
}

# quietly WHAT COMMAND: inside; its output only if it fails.
quietly() {
	say "$1"
	inside "$2" >"$DIR/root/log" 2>&1 || {
		tail -n30 "$DIR/root/log" >&2
		die "failed: $1"
	}
}

# build_package: inside, without tests; it is then /root/secondshot_*.deb.  DEB=FILE in the
# environment saves the time: a package built in that release before.
build_package() {
	if [[ -n ${DEB:-} ]]; then
		cp "$DEB" "$DIR/root/"
		quietly "taking $DEB" "apt-get update"
		return
	fi
	quietly "building the package" "apt-get update &&
		apt-get build-dep -y -P nocheck --no-install-recommends ./ &&
		DEB_BUILD_PROFILES=nocheck DEB_BUILD_OPTIONS=nocheck dpkg-buildpackage -us -uc -b"
}
