#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# bats file_tags=slow
# An account with few rights and a password that only a file knows; names as bytes.

# shellcheck disable=SC2034,SC2154
load helpers
load catalog
load server

setup_file() {
	# Settings under which names that differ become one, and what does not fit is cut.
	server_of_file "${CARELESS[@]}" --sql-mode= --collation-server=utf8mb4_general_ci \
		--character-set-server=utf8mb4 --lower-case-table-names=1
	[[ -n ${UNMET:-} ]] || admin "$BATS_FILE_TMPDIR/srv" <<-'SQL'
		CREATE USER daily@localhost IDENTIFIED BY 'geheim-3141';
		CREATE USER signed@localhost IDENTIFIED BY 'geheim-3141';
	SQL
}

teardown_file() {
	server_end "$BATS_FILE_TMPDIR/srv"
}

# An empty database; catalog_at "$DAILY" is an account without a right.
setup() {
	on_server db-timeout=5
	DAILY=$(server_url "$SERVER" "$NAME" daily)
	SECRET=$BATS_TEST_TMPDIR/secret
	printf 'geheim-3141\n' >"$SECRET"
	chmod 0600 "$SECRET"
}

# as_daily: from here on by that account and its password.
as_daily() {
	catalog_at "$DAILY"
	echo "db-password-file = $SECRET" >>"$SECONDSHOT_CONF"
}

@test "SELECT, INSERT, UPDATE and DELETE are enough for every day" {
	ss-catalog init 2>/dev/null
	admin "$SERVER" -e "GRANT SELECT, INSERT, UPDATE, DELETE ON $NAME.* TO daily@localhost"
	as_daily
	take
	fresh "$TREE/one" 11
	take
	turn
	fresh "$TREE/dir/two" 22
	take
	run_ok ss-verify --all
	run_ok ss-catalog reconcile
	run_ok ss-prune
	run_ok ss-catalog check
	mapfile -t all < <(names)
	still_lists "${all[@]}"
	run_ok ss-catalog hosts
	run_ok ss-catalog volumes
	run_ok ss-run --quiet
	run_ok ss-catalog init
	run_ok ss-catalog check
	[ "$(admin "$SERVER" "$NAME" -e 'SELECT count(*) FROM commits')" = 0 ]
}

@test "an account that may only read looks up and checks, and no more" {
	ss-catalog init 2>/dev/null
	take
	admin "$SERVER" -e "GRANT SELECT ON $NAME.* TO daily@localhost"
	as_daily
	local call
	for call in hosts volumes savesets runs "files $S" "pending $S" check; do
		# shellcheck disable=SC2086
		run_ok ss-catalog $call
	done
	for call in "ss-verify $S" 'ss-catalog add alpha' 'ss-catalog reconcile' ss-prune; do
		# shellcheck disable=SC2086
		run_code 2 $call
		contains "$stderr" "GRANT .* ON .$NAME.\.\* TO 'daily'@'localhost'"
	done
	catalog_at "$(server_url "$SERVER" "$NAME")"
	sed -i '/^db-password-file/d' "$SECONDSHOT_CONF"
	still_lists "$S"
	run_ok ss-catalog check
}

@test "init without rights prints the GRANT line, which is the one that helps" {
	local line
	admin "$SERVER" -e "GRANT SELECT, INSERT, UPDATE, DELETE ON $NAME.* TO daily@localhost"
	as_daily
	run_code 2 ss-catalog init
	line=$(sed -n 's/.*\(GRANT .*@.localhost.\).*/\1/p' <<<"$stderr")
	contains "$line" "^GRANT SELECT, .*CREATE.* ON .$NAME.\.\* TO 'daily'@'localhost'\$"
	admin "$SERVER" -e "$line"
	run_ok ss-catalog init
	take
	run_ok ss-catalog check
}

@test "a url that is none, a table of another program: told as such" {
	local url
	for url in "mysql:/daily@localhost/$NAME" sqlite:/tmp/catalog.db mysql:daily; do
		catalog_at "$url"
		run_code 2 ss-catalog init
		contains "$stderr" 'neither a path nor a url'
	done
	catalog_at "$(server_url "$SERVER" "$NAME")"
	admin "$SERVER" "$NAME" -e 'CREATE TABLE meta (id INT)'
	run_code 2 ss-catalog init
	contains "$stderr" 'a table meta already, of another program'
	[ "$(admin "$SERVER" "$NAME" -e 'SHOW TABLES')" = meta ]
	run_code 2 ss-catalog hosts
	contains "$stderr" 'there is no catalog'
}

@test "no database, no right to it, no such account: the line that helps" {
	as_daily
	run_code 2 ss-catalog init
	contains "$stderr" "GRANT .* ON .$NAME.\.\* TO 'daily'@'localhost'"
	catalog_at "$(server_url "$SERVER" nowhere)"
	sed -i '/^db-password-file/d' "$SECONDSHOT_CONF"
	run_code 2 ss-catalog init
	contains "$stderr" 'CREATE DATABASE .nowhere'
	catalog_at "$(server_url "$SERVER" "$NAME" nobody-here)"
	run_code 2 ss-catalog init
	contains "$stderr" "CREATE USER 'nobody-here'@'localhost'"
}

@test "a right that is missing: the line for the account as the server knows it" {
	ss-catalog init 2>/dev/null
	admin "$SERVER" -e "CREATE USER 'far$NAME'@'%'; GRANT SELECT ON $NAME.* TO 'far$NAME'@'%'"
	catalog_at "$(server_url "$SERVER" "$NAME" "far$NAME")"
	run_code 2 ss-catalog add alpha
	contains "$stderr" "GRANT SELECT, .* TO 'far$NAME'@'%'"
	lacks "$stderr" 'CREATE (USER|DATABASE)'
}

@test "who may not write, or not enter, has a backup all the same, and a failure" {
	requires rsync rsnapshot
	ss-catalog init 2>/dev/null
	admin "$SERVER" -e "GRANT SELECT, INSERT, UPDATE, DELETE ON $NAME.* TO daily@localhost"
	as_daily
	rm -r "$ROOT/.sync"
	run_ok ss-run
	night() {
		echo "$1" >"$SRC/alpha/one"
		run_code 2 ss-run
		contains "$stderr" 'the catalog (cannot be used|was never made)'
		[ "$(<"$ROOT/hourly.0/alpha/one")" = "$1" ]
	}
	admin "$SERVER" -e "REVOKE UPDATE ON $NAME.* FROM daily@localhost"
	night second
	run_code 1 ss-run --check
	contains "$output" 'UPDATE'
	printf 'falsch-2718\n' >"$SECRET"
	night 'third one'
	admin "$SERVER" -e "GRANT UPDATE ON $NAME.* TO daily@localhost"
	printf 'geheim-3141\n' >"$SECRET"
	run_ok ss-run
	[ "$(names | wc -l)" = 4 ]
	admin "$SERVER" -e 'SET GLOBAL read_only = 1'
	night 'the fifth, of another length'
	admin "$SERVER" -e 'SET GLOBAL read_only = 0'
	admin "$SERVER" "$NAME" -e 'RENAME TABLE meta TO elsewhere'
	night 'the sixth one'
	admin "$SERVER" "$NAME" -e 'RENAME TABLE elsewhere TO meta'
	run_ok ss-run
	# All that lies there is known.
	[ "$(ss-catalog savesets --json | jq -s 'map(select((.location // "") | startswith("hourly"))) | length')" = 3 ]
	run_ok ss-verify --all
	run_ok ss-catalog check
}

@test "a process with a password leaves no core" {
	ss-catalog init 2>/dev/null
	admin "$SERVER" -e "GRANT SELECT, INSERT, UPDATE, DELETE ON $NAME.* TO daily@localhost"
	local pid
	cd "$BATS_TEST_TMPDIR"
	mkfifo stream
	connected() {
		[ "$(admin "$SERVER" -e "SELECT count(*) FROM information_schema.processlist
			WHERE db = '$NAME' AND user = '$1'")" != 0 ]
	}
	# dumps USER
	dumps() {
		(ulimit -c unlimited && exec ss-catalog store <stream) >/dev/null 2>&1 3>&- 4>&- &
		pid=$!
		exec 8>stream
		until_true connected "$1" || return 2
		kill -SEGV "$pid"
		wait "$pid" || :
		exec 8>&-
		compgen -G 'core*' >/dev/null
	}
	dumps "$SERVER_USER" || skip "no cores here"
	rm -f core*
	as_daily
	run_code 1 dumps daily
}

@test "a wrong password: 2, and no password in what is said" {
	admin "$SERVER" -e "GRANT ALL ON $NAME.* TO daily@localhost"
	as_daily
	printf 'falsch-2718\n' >"$SECRET"
	run_code 2 ss-catalog init
	contains "$stderr" 'Access denied'
	lacks "$stderr" 'falsch'
	: >"$SECRET"
	run_code 2 ss-catalog init
	contains "$stderr" 'no password'
	printf 'geheim-3141' >"$SECRET"
	run_ok ss-catalog init
}

@test "a password that others can read is refused, wherever it stands" {
	local mode
	admin "$SERVER" -e "GRANT ALL ON $NAME.* TO daily@localhost"
	as_daily
	for mode in 0644 0640 0604 0660; do
		chmod $mode "$SECRET"
		run_code 2 ss-catalog init
		contains "$stderr" 'refused'
	done
	chmod 0400 "$SECRET"
	run_ok ss-catalog init
	mkfifo -m 0600 "$SECRET.fifo"
	sed -i "s|^db-password-file.*|db-password-file = $SECRET.fifo|" "$SECONDSHOT_CONF"
	run_code 2 ss-catalog savesets
	sed -i '/^db-password-file/d' "$SECONDSHOT_CONF"
	run_code 2 env DBPASS=geheim-3141 ss-catalog savesets
	contains "$stderr" 'DBPASS is not used'
	lacks "$stderr" geheim
	run_code 2 ss-catalog savesets --db-url="${DAILY/daily@/daily:geheim-3141@}"
	contains "$stderr" 'password does not belong'
	lacks "$stderr" geheim
	if [[ $EUID == 0 ]]; then
		chown 65534 "$SECRET"
		echo "db-password-file = $SECRET" >>"$SECONDSHOT_CONF"
		run_code 2 ss-catalog savesets
	fi
}

@test "no process of the pipeline shows the password" {
	local work own=geheim-$$-$RANDOM$RANDOM
	admin "$SERVER" <<<"CREATE USER own@localhost IDENTIFIED BY '$own'; GRANT ALL ON $NAME.* TO own@localhost"
	printf '%s\n' "$own" >"$SECRET"
	DAILY=$(server_url "$SERVER" "$NAME" own)
	as_daily
	ss-catalog init 2>/dev/null
	(cd "$TREE" && seq 3000 | xargs touch)
	(ss-catalog add alpha | ss-hash | ss-catalog store && ss-verify alpha@.sync) >/dev/null 2>&1 3>&- 4>&- &
	work=$!
	# What everybody can see of everybody's processes; how often it was one with the password.
	# shellcheck disable=SC2016
	run_ok perl -e '
		my ($pid, $conf, $file) = @ARGV;
		sub slurp { open my $f, "<", shift or return ""; local $/; return <$f> // "" }
		my ($seen, $secret) = (0, slurp($file) =~ /(\S+)/);
		while (slurp("/proc/$pid/stat") =~ /\) [^Z]/) {
			for my $dir (glob "/proc/[0-9]*") {
				my ($line, $env) = (slurp("$dir/cmdline"), slurp("$dir/environ"));
				die "$dir shows it\n" if index("$line\0$env", $secret) >= 0;
				$seen++ if $line =~ /^ss-(catalog|verify)\0/ && index($env, $conf) >= 0;
			}
			select undef, undef, undef, 0.03;
		}
		print "$seen\n"' "$work" "$SECONDSHOT_CONF" "$SECRET"
	wait "$work"
	[ "$output" -gt 2 ]
}

@test "an account of the plugin ed25519" {
	admin "$SERVER" -e "INSTALL SONAME 'auth_ed25519'" || skip "the server has no ed25519"
	admin "$SERVER" <<-SQL
		ALTER USER signed@localhost IDENTIFIED VIA ed25519 USING PASSWORD('geheim-3141');
		GRANT ALL ON $NAME.* TO signed@localhost;
	SQL
	DAILY=$(server_url "$SERVER" "$NAME" signed)
	as_daily
	run_ok ss-catalog init
}

@test "names are bytes: quotes, 0xFF, 255 bytes, spaces at the end, case, Unicode forms stay apart" {
	local name n
	ss-catalog init 2>/dev/null
	as_daily
	admin "$SERVER" -e "GRANT SELECT, INSERT, UPDATE, DELETE ON $NAME.* TO daily@localhost"
	local all=("'" '"' '\' "\\'" '%' '_' '`' "x'); DROP TABLE paths; --" $'\xff' $'\xff\xfe' $'a\x01'
		a 'a ' 'a  ' $'a\t' $'a\n' A Ab aB AB $'\xc3\xa9' $'e\xcc\x81' $'\xc3\x89' e E ss $'\xc3\x9f'
		$'\xe2\x84\xab' $'\xc3\x85' $'A\xcc\x8a' "$(printf 'y%.0s' {1..255})" "$(printf 'y%.0s' {1..254}) "
		"$(printf '\xf0\x9f\x98\x80%.0s' {1..63})abc" '?' '$ID' ' ' $'\x7f')
	mkdir "$TREE/names" "$TREE/NAMES" "$TREE/names "
	for name in "${all[@]}"; do
		printf '%s' "$name" >"$TREE/names/$name"
		ln -s "$name" "$TREE/NAMES/$name"
		mkdir "$TREE/names /$name"
	done
	n=$(find "$TREE" -printf . | wc -c)
	take
	still_lists "$S"
	[ "$(field "$S" rows_added)" = "$n" ]
	run_ok ss-verify "$S"
	turn
	fresh "$TREE/names/A" changed
	fresh "$TREE/names/a " changed
	rm "$TREE/names/"$'\xc3\xa9'
	take
	# names itself, A, "a " and the one that went: nothing else changed.
	[ "$(field "$S" rows_closed)" = 4 ]
	mapfile -t all < <(names)
	still_lists "${all[@]}"
	run_ok ss-verify --all
	run_ok ss-catalog check
}

@test "what a server sets for every session is not what ours has" {
	local names setting
	names='sql_safe_updates sql_select_limit max_join_size sql_big_selects max_statement_time completion_type
		max_sort_length tx_read_only autocommit idle_transaction_timeout sql_auto_is_null sort_buffer_size
		tmp_disk_table_size max_session_mem_used init_connect'
	admin "$SERVER" -e "SET GLOBAL sql_safe_updates = 1, GLOBAL sql_select_limit = 3, GLOBAL max_join_size = 10,
		GLOBAL sql_big_selects = 0, GLOBAL max_statement_time = 0.0001, GLOBAL completion_type = 2,
		GLOBAL max_sort_length = 64, GLOBAL tx_read_only = 1, GLOBAL autocommit = 0,
		GLOBAL idle_transaction_timeout = 1, GLOBAL sql_auto_is_null = 1,
		GLOBAL sort_buffer_size = 1024, GLOBAL tmp_disk_table_size = 16384, GLOBAL max_session_mem_used = 65536,
		GLOBAL init_connect = 'SET character_set_results = utf16'"
	run_ok ss-catalog init
	for setting in 1 2 3 4 5; do
		fresh "$TREE/one" "$setting"
		take
		turn
	done
	rot "$ROOT/hourly.4/alpha/one"
	run_code 1 ss-verify --all
	contains "$stderr" '5 of 5 savesets verified, 1 findings'
	run_ok ss-catalog check
	[ "$(names | wc -l)" = 5 ]
	run_ok ss-prune "$(names | head -n1)"
	run_ok ss-run --quiet
	run_ok ss-verify --all
	for setting in $names; do admin "$SERVER" -e "SET GLOBAL $setting = DEFAULT"; done
}
