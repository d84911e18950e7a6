# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# stored.bash - a backed-up root with its catalog, made once a file and copied for each
# test that asks for it: a run of ss-run takes as long as ten such copies.
#
#	load helpers
#	load stored
#	HOSTS="alpha beta" given both two_runs
#
# The files of the copy are hard links to those of the original, as their inodes are in
# the catalog: a test that writes into one, or changes its attributes, makes its own root.

# given NAME COMMAND...: conf, and the state that the command leaves behind when it runs
# after conf and "ss-catalog init"; it may go on from another state.  A name stands for one
# state, in one file.
given() {
	local kept=$BATS_FILE_TMPDIR/given-$1
	shift
	[[ -e $kept/made ]] || given_make "$kept" "$@"
	mkdir -p "$BATS_TEST_TMPDIR/src"
	cp -a "$kept/src/." "$BATS_TEST_TMPDIR/src/"
	conf
	rm -rf "$ROOT"
	cp -al "$kept/root" "$ROOT"
	# What is written in place lies there: the lock.
	rm -r "$ROOT/.secondshot"
	cp -a "$kept/root/.secondshot" "$ROOT/"
	[[ ! -e $kept/marker.key ]] || cp "$kept/marker.key" "$BATS_TEST_TMPDIR/"
	if on_mariadb; then
		client mariadb "$CATALOG_DB" <"$kept/catalog.sql"
	else
		cp "$kept/catalog.db" "$CATALOG"
	fi
}

given_make() (
	set -e
	BATS_TEST_TMPDIR=$1
	shift
	mkdir -p "$BATS_TEST_TMPDIR"
	cd "$BATS_TEST_TMPDIR"
	conf
	ss-catalog init
	"$@"
	if on_mariadb; then
		client mariadb-dump --hex-blob --single-transaction "$CATALOG_DB" >catalog.sql
		catalog_forget "$BATS_TEST_TMPDIR"
	fi
	: >made
)
