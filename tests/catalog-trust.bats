#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What lies around a catalog, and what a server answers, is believed only as far as it can be checked.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers
load catalog

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	stage
}

@test "a catalog in a directory that others can write is refused, and so is one behind a link into it" {
	requires_sqlite 'a file and what lies beside it'
	local dir=$BATS_TEST_TMPDIR/open
	mkdir -m 777 "$dir"
	cp "$CATALOG" "$dir/catalog.db"
	run_code 2 ss-catalog --db-url="$dir/catalog.db" savesets
	contains "$stderr" "is refused for the directory $dir: others than its owner may write it"
	run_code 2 ss-catalog --db-url="$dir/new.db" init
	ln -s "$dir/catalog.db" "$BATS_TEST_TMPDIR/link.db"
	run_code 2 ss-verify --db-url="$BATS_TEST_TMPDIR/link.db" --all
	contains "$stderr" "$dir"
	# Sticky, as /tmp is: what lies right in it is refused, what lies in a directory of ours is not.
	chmod 1777 "$dir"
	run_code 2 ss-catalog --db-url="$dir/catalog.db" savesets
	mkdir "$dir/ours"
	mv "$dir/catalog.db" "$dir/ours/"
	if [[ $EUID == 0 ]]; then run_ok ss-catalog --db-url="$dir/ours/catalog.db" savesets; fi
	chmod 755 "$dir"
	run_ok ss-catalog --db-url="$dir/ours/catalog.db" savesets
}

# torn [FIRST]: what a power cut in a transaction leaves beside the catalog: a journal, in which
# the first page is kept if the transaction has written to it.
torn() {
	FIRST=${1-PRAGMA user_version = 1;} perl -e 'open my $d, "|-", "sqlite3", shift or die; $d->autoflush(1);
		print $d "PRAGMA cache_size = 1;\nBEGIN IMMEDIATE;\n$ENV{FIRST}\nUPDATE inodes SET shared = 1 - shared;\nUPDATE paths SET mode = mode + 1;\n.shell kill -KILL \$PPID\n";
		close $d' "$CATALOG" 2>/dev/null || :
	[ -s "$CATALOG-journal" ]
}

@test "a copy is not spoilt by the journal of the catalog in whose place it is put" {
	requires_sqlite 'a file and what lies beside it'
	local how tool
	(cd "$TREE" && seq 400 | xargs touch)
	take
	cp "$CATALOG" copy.db
	fresh "$TREE/one" changed
	rm "$TREE"/1*
	take
	cp "$CATALOG" newer.db
	for how in 'install -m 600 copy.db' 'cp copy.db'; do
		cp newer.db "$CATALOG"
		torn
		$how "$CATALOG"
		for tool in 'ss-catalog savesets' 'ss-catalog init' 'ss-catalog add alpha' 'ss-verify --all' 'ss-prune'; do
			run_code 2 $tool
			contains "$stderr" "$CATALOG-journal belongs to another file.*Remove $CATALOG-journal"
		done
		cmp copy.db "$CATALOG"
		rm "$CATALOG-journal"
		run_ok ss-catalog savesets
		catalog_sound
	done
	# The journal has no first page: then the copy is known by its age.
	cp newer.db "$CATALOG"
	torn ''
	install -m 600 copy.db "$CATALOG"
	run_code 2 ss-catalog savesets
	contains "$stderr" "Remove $CATALOG-journal"
	cmp copy.db "$CATALOG"
	rm "$CATALOG-journal"
	# The catalog behind a link: the journal lies beside the file itself.
	mkdir ssd
	cp newer.db "$CATALOG"
	torn
	mv "$CATALOG-journal" ssd/c.db-journal
	ln -sf "$PWD/ssd/c.db" "$CATALOG"
	install -m 600 copy.db ssd/c.db
	run_code 2 ss-catalog savesets
	contains "$stderr" "Remove $PWD/ssd/c.db-journal"
	cmp copy.db ssd/c.db
	rm -r ssd "$CATALOG"
	# Where it is the right one, it is rolled back as ever, also if the two were copied in the other order.
	cp newer.db "$CATALOG"
	torn
	cp "$CATALOG" moved.db
	rm "$CATALOG"
	cp moved.db "$CATALOG"
	run_ok ss-catalog check
	[ ! -e "$CATALOG-journal" ]
	cp newer.db "$CATALOG"
	torn
	run_ok ss-catalog check
	[ ! -e "$CATALOG-journal" ]
	# A catalog of ours never has a -wal.
	echo x >"$CATALOG-wal"
	run_code 2 ss-catalog savesets
	contains "$stderr" "Remove $CATALOG-wal"
	# Nor is a new catalog made beside what another one left.
	rm "$CATALOG-wal"
	cp newer.db "$CATALOG"
	torn
	rm "$CATALOG"
	run_code 2 ss-catalog init
	contains "$stderr" "$CATALOG-journal"
}

@test "what may hold a password is not shown" {
	local url
	for url in mysql:/keeper:geheim@db.example/c mysql//keeper:geheim@db/c keeper:geheim@db.example/c \
		mysql://keeper:geheim@db/c sqlite://keeper:geheim@db/c odd://keeper:geheim@db/c \
		mysql:keeper:geheim@db mysql://keeper:geheim@; do
		sed -i "s,^db-url.*,db-url = $url," "$SECONDSHOT_CONF"
		run_code 2 ss-catalog --log-level=debug init
		lacks "$output$stderr$(<"$LOG")" geheim
		contains "$stderr" .
		run_code 2 ss-catalog --db-url="$url" savesets
		lacks "$output$stderr$(<"$LOG")" geheim
	done
	# Where a verb is expected.
	run_code 2 ss-catalog mysql://keeper:geheim@db/c
	lacks "$output$stderr$(<"$LOG")" geheim
	contains "$stderr" 'no such verb'
	run_code 2 ss-catalog --db-urll=mysql://keeper:geheim@db/c savesets
	lacks "$output$stderr" geheim
	contains "$stderr" '--db-urll'
}
