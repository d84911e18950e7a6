# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034
#
# common.bash - what the benchmarks share: a real tree, a configuration, clocks, limits.
#
# BENCH_TREE: a directory to take in place of copies of parts of /usr;
# BENCH_DIR: where to work (1-3 GB, removed at the end); BENCH_ROUNDS (5).

set -eu
set -o pipefail
export LC_ALL=C

bin=$(cd "${SS_BIN:-${BASH_SOURCE[0]%/*}/../../build}" && pwd)
PATH=$bin:$PATH
rounds=${BENCH_ROUNDS:-5}
dir=$(mktemp -d "${BENCH_DIR:-/var/tmp}/secondshot-bench.XXXXXX")
trap 'rm -rf "$dir"' EXIT
tree=$dir/root/.sync/alpha
failed=0
export SECONDSHOT_CONF=$dir/secondshot.conf

# copy_part DIR PART: of /usr.
copy_part() {
	mkdir -p "$1/$2"
	cp -a "/usr/$2/." "$1/$2"
}

# make_tree N: parts of /usr until there are N files; then the same again.
make_tree() {
	local part n=0 copy
	mkdir -p "$tree"
	if [[ -n ${BENCH_TREE:-} ]]; then
		cp -a "$BENCH_TREE/." "$tree"
		return
	fi
	for copy in 1 2 3 4; do
		for part in include share/doc share/man share/perl lib/python3 share/locale share lib; do
			[[ -d /usr/$part && ! -e $tree/$copy/$part ]] || continue
			copy_part "$tree/$copy" "$part"
			n=$(find "$tree" -type f -printf x | wc -c)
			[[ $n -lt $1 ]] || return 0
		done
	done
	echo "bench: only $n files in /usr; set BENCH_TREE" >&2
	exit 2
}

# write_config [URL]
write_config() {
	printf 'db-url = %s\nrsnapshot-conf = %s/rsnapshot.conf\nstate-dir = %s\n' \
		"${1:-sqlite:///$dir/catalog.db}" "$dir" "$dir" >"$SECONDSHOT_CONF"
	printf '%s\t%s\n' config_version 1.2 snapshot_root "$dir/root/" sync_first 1 link_dest 1 \
		retain $'hourly\t3' cmd_rsync /usr/bin/rsync backup "/usr/"$'\talpha/' >"$dir/rsnapshot.conf"
}

# pipeline [HOST]
pipeline() {
	ss-catalog --quiet add "${1:-alpha}" | ss-hash --quiet | ss-catalog --quiet store
}

second_add() {
	ss-catalog --quiet add alpha >/dev/null
}

# plain_sums DIR: what one would do without us.
plain_sums() {
	(cd "$1" && find . -type f -print0 | xargs -0 -P"$(nproc)" -n500 sha256sum >/dev/null)
}

# timed FILE COMMAND...: append the microseconds it took.
timed() {
	local file=$1 start
	shift
	start=${EPOCHREALTIME/./}
	"$@"
	echo $((${EPOCHREALTIME/./} - start)) >>"$file"
}

median() {
	sort -n "$1" | sed -n "$(((rounds + 1) / 2))p"
}

# limit WHAT VALUE MAX
limit() {
	local verdict
	verdict=$(awk -v value="$2" -v max="$3" 'BEGIN { print value <= max ? "pass" : "FAIL" }')
	printf '%-44s %10s  limit %-8s %s\n' "$1" "$2" "$3" "$verdict"
	[[ $verdict == pass ]] || failed=1
}

ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'
}

# show "LETTER WHAT": the median and all of file LETTER.
show() {
	printf '%-44s %10s ms  (%s)\n' "$1" "$(ratio "$(median "$dir/${1%% *}")" 1000)" \
		"$(sort -n "$dir/${1%% *}" | awk '{ printf "%s%.0f", sep, $1 / 1000; sep = " " }')"
}

# memory FILE: what rss noted of each process.
memory() {
	local tool verb kib
	while read -r tool verb kib; do
		limit "memory of $tool ${verb#-*}, MiB" "$(ratio "$kib" 1024)" 64
	done <"$1"
}
