# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2034
#
# common.sh - what the container's programs share; they read it from their own directory.

STATE=/run/secondshot-container
ENV_FILE=/etc/secondshot-env

# say TEXT: on one line, without signs that would do something to a terminal.
say() {
	printf 'container: %s\n' "$(printf '%s' "$1" | LC_ALL=C tr -c ' -~' '?')"
}

# refuse TEXT: say it on standard error, and end.
refuse() {
	say "$1" >&2
	exit 2
}

# others PATH: does it belong to somebody else than root, or can others write it?
others() {
	[ -n "$(find -L "$1" -maxdepth 0 \( ! -uid 0 -o -perm /022 \))" ]
}

# setting KEY FILE: its value in a configuration of ours, or nothing.
setting() {
	sed -n "s/^$1[[:blank:]]*[=:][[:blank:]]*//p" "$2"
}

# own_env: HOSTS and VOLUME as ENV_FILE sets them, or empty.  The original had it run by bash.
own_env() {
	HOSTS='' VOLUME=''
	[ -x "$ENV_FILE" ] || return 0
	! others "$ENV_FILE" || refuse "$ENV_FILE: root would run what is in it, and others than root can write it; \
chown root:root and chmod go-w it"
	bash -n "$ENV_FILE" 2>/dev/null || refuse "$ENV_FILE: bash does not understand it; correct it (bash -n \
$ENV_FILE shows where)"
	values=$(bash -c 'HOSTS="" VOLUME=""
		. "$1" >&2
		for value in "${HOSTS-}" "${VOLUME-}"; do printf "%s" "$value" | tr "\n\t" "  "; echo; done' bash "$ENV_FILE")
	HOSTS=$(printf '%s\n' "$values" | sed -n 1p)
	VOLUME=$(printf '%s\n' "$values" | sed -n 2p)
	set -f
	for word in $HOSTS; do
		case $word in
		--host=?*) ;;
		*) refuse "$ENV_FILE: HOSTS=$HOSTS: it must be --host=NAME, with blanks between several" ;;
		esac
	done
	for word in $VOLUME; do
		case $word in
		--volume=?*) ;;
		*) refuse "$ENV_FILE: VOLUME=$VOLUME: it must be --volume=NAME" ;;
		esac
	done
	# shellcheck disable=SC2086
	set -- $VOLUME
	set +f
	[ $# -le 1 ] || refuse "$ENV_FILE: VOLUME=$VOLUME: there is one volume, so name one"
	VOLUME=${1-}
}

# run_lives PID: is the process that has this number a run, which noted it in $STATE/jobs?
run_lives() {
	comm=''
	read -r comm 2>/dev/null <"/proc/$1/comm" || :
	case $comm in
	ss-run | cron-secondshot) ;;
	*) return 1 ;;
	esac
}
