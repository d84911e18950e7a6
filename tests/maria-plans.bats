#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# bats file_tags=slow
# What the server believes of a table's size is some seconds old: of a first catalogue
# it may think that all tables are empty.  No statement may then read a table again for
# each row of another.  Nor may we ask it row by row.

# shellcheck disable=SC2034,SC2154
load helpers
load catalog
load server

setup_file() {
	server_of_file "${CARELESS[@]}" --innodb-stats-auto-recalc=0
}

teardown_file() {
	server_end "$BATS_FILE_TMPDIR/srv"
}

# 2,000 files in 40 directories; one of them has two names.
setup() {
	local d f
	on_server
	rm -r "$TREE"
	mkdir -p "$TREE"/{1..40}
	for d in {1..40}; do
		for f in {1..50}; do
			echo "$d $f" >"$TREE/$d/$f"
		done
	done
	ln "$TREE/1/1" "$TREE/1/too"
	ss-catalog init 2>/dev/null
}

# renew FILE...: fresh for each of many.
renew() {
	perl -e 'for my $f (@ARGV) {
		open my $to, ">", "$f.fresh" or die "$f: $!";
		print $to "new " . ($f =~ s{.*/}{}r) . "\n";
		close $to && rename "$f.fresh", $f or die "$f: $!" }' "$@"
}

# rows_read: by whatever way, since the server was started.
rows_read() {
	admin "$SERVER" -e "SHOW GLOBAL STATUS LIKE 'Handler_read_%'" | awk '{ n += $2 } END { print n }'
}

# costs AT-MOST COUNTER COMMAND...: what COUNTER prints grows by no more meanwhile.
costs() {
	local most=$1 counter=$2 before
	shift 2
	before=$($counter)
	run_ok "$@"
	cost=$(($($counter) - before))
	echo "$*: $counter: $cost"
	[ "$cost" -le "$most" ]
}

# knowing_nothing COMMAND...: a server that takes every table for one of one row has it
# done with at most twenty rows read for each of the catalog's 2,100.
knowing_nothing() {
	admin "$SERVER" -e "UPDATE mysql.innodb_table_stats SET n_rows = 1, clustered_index_size = 1,
			sum_of_other_index_sizes = 1 WHERE database_name = '$NAME';
		UPDATE mysql.innodb_index_stats SET stat_value = 1 WHERE database_name = '$NAME'"
	# It reads that when it starts.
	server_shutdown "$SERVER"
	server_start "$SERVER"
	[ "$(ask "SELECT max(table_rows) FROM information_schema.tables WHERE table_schema = '$NAME'")" -le 1 ]
	costs 42000 rows_read "$@"
}

first_half() {
	ss-catalog add alpha | ss-hash >"$BATS_TEST_TMPDIR/stream"
}

second_half() {
	ss-catalog store <"$BATS_TEST_TMPDIR/stream"
}

@test "a server with old statistics reads no table again and again: a first catalogue" {
	knowing_nothing first_half
	knowing_nothing second_half
	knowing_nothing second_half
	knowing_nothing ss-verify --all
	knowing_nothing ss-catalog check
	knowing_nothing ss-catalog files alpha@.sync
	knowing_nothing ss-catalog copy "$(server_url "$SERVER" "$NAME")" "sqlite:///$BATS_TEST_TMPDIR/copy.db"
}

@test "a server with old statistics reads no table again and again: links, change, rotation, prune" {
	take
	local first=$S
	turn
	renew "$TREE"/{1..20}/*
	ln "$TREE/30/1" "$TREE/30/too"
	rm -r "$TREE/40"
	mkdir "$TREE/50"
	for f in {1..300}; do echo "$f" >"$TREE/50/$f"; done
	perl -e 'link "$ARGV[0]/$_", "$ARGV[0]/too-$_" or die "$_: $!" for 1 .. 300' "$TREE/50"
	knowing_nothing first_half
	knowing_nothing second_half
	mv "$ROOT/hourly.0" "$ROOT/hourly.1"
	mv "$ROOT/.sync" "$ROOT/hourly.0"
	knowing_nothing ss-catalog reconcile
	knowing_nothing ss-verify --all
	knowing_nothing ss-prune "$first"
	knowing_nothing ss-catalog check
}

# statements: executed, prepared or not, so far.
statements() {
	admin "$SERVER" -e "SHOW GLOBAL STATUS LIKE 'Questions'" | cut -f2
}

# in_bulk COMMAND...: takes at most one statement for each five of the 2,000 files.
in_bulk() {
	costs 400 statements "$@"
}

@test "files are not asked for one by one: several names each, replaced, verified, pruned" {
	cp -al "$TREE" "$BATS_TEST_TMPDIR/other"
	in_bulk first_half
	in_bulk second_half
	in_bulk ss-verify --all
	local first
	first=$(newest)
	turn
	renew "$TREE"/*/*
	in_bulk first_half
	in_bulk second_half
	# As if that had been killed before its end.
	ask "DELETE l FROM locations l JOIN savesets s ON s.id = l.saveset WHERE s.seq = 2;
		UPDATE savesets SET seq = NULL, status = 0 WHERE seq = 2; UPDATE series SET last_seq = 1"
	in_bulk first_half
	in_bulk second_half
	mv "$ROOT/hourly.0" "$ROOT/hourly.1"
	mv "$ROOT/.sync" "$ROOT/hourly.0"
	in_bulk ss-catalog reconcile
	in_bulk ss-prune "$first"
	in_bulk ss-catalog check
}
