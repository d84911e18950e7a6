#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# bats file_tags=slow
# Three nodes, two backup hosts, and a node that dies and comes back meanwhile.

# shellcheck disable=SC2034,SC2154
load helpers
load catalog
load server

PROVIDER=/usr/lib/galera/libgalera_smm.so
PORT=33306

setup_file() {
	local i nodes dir
	unmet requires_server && return 0
	[[ -e $PROVIDER ]] && type -P rsync wsrep_sst_rsync >/dev/null || return 0
	# rsync, by which a node gets its first state, works for a daemon of root for nobody.
	[[ $EUID != 0 ]] || SERVER_ACCOUNT=mysql
	dir=$(mktemp -d "/tmp/ss-galera.XXXXXX")
	chmod 0755 "$dir"
	echo "$dir" >"$BATS_FILE_TMPDIR/dir"
	# Each node has an address of its own on the loopback, so that ports do not meet.
	NET=127.$((RANDOM % 200 + 20)).$((RANDOM % 250 + 1))
	echo "$NET" >"$dir/net"
	nodes=$NET.1,$NET.2,$NET.3
	server_install "$dir/n1" --port=$PORT --wsrep-on=ON --wsrep-provider=$PROVIDER \
		--wsrep-cluster-name="ss$NET" --binlog-format=ROW --innodb-autoinc-lock-mode=2 \
		--innodb-flush-log-at-trx-commit=2 --wsrep-sst-method=rsync --wsrep-slave-threads=2
	for i in 3 2 1; do
		[[ $i == 1 ]] || server_copy "$dir/n1" "$dir/n$i"
		printf '%s\n' --bind-address=$NET.$i --wsrep-node-address=$NET.$i --wsrep-node-name=n$i \
			--wsrep-sst-receive-address=$NET.$i:$((4440 + i)) \
			"--wsrep-provider-options=gmcast.listen_addr=tcp://$NET.$i:4567;ist.recv_addr=$NET.$i:4568;gcache.size=16M;evs.keepalive_period=PT0.3S;evs.inactive_check_period=PT0.3S;evs.suspect_timeout=PT2S;evs.inactive_timeout=PT8S" \
			>>"$dir/n$i/options"
	done
	server_start "$dir/n1" --wsrep-cluster-address=gcomm:// || return
	for i in 2 3; do
		server_start "$dir/n$i" --wsrep-cluster-address="gcomm://$nodes" || return
		synced $i || return
	done
	admin "$dir/n1" -e "CREATE DATABASE ss; CREATE USER keeper; GRANT ALL ON ss.* TO keeper"
}

# synced N: wait until that node is part of the cluster again.
synced() {
	until_true is_synced "$1" || {
		tail -n 20 "$(<"$BATS_FILE_TMPDIR/dir")/n$1/log"
		return 1
	}
}

is_synced() {
	[[ $(admin "$(<"$BATS_FILE_TMPDIR/dir")/n$1" -e "SHOW STATUS LIKE 'wsrep_local_state_comment'" 2>/dev/null) == *Synced ]]
}

teardown_file() {
	local i dir
	[[ -e $BATS_FILE_TMPDIR/dir ]] || return 0
	dir=$(<"$BATS_FILE_TMPDIR/dir")
	for i in 1 2 3; do server_end "$dir/n$i"; done
	rm -rf "$dir"
}

setup() {
	alone
	requires rsync rsnapshot
	[[ -e $PROVIDER ]] || skip "needs the provider of galera-4"
	DIR=$(<"$BATS_FILE_TMPDIR/dir")
	NET=$(<"$DIR/net")
}

# nodes N...: the url of the catalog on these nodes, in this order.
nodes() {
	local list
	printf -v list ",$NET.%s:$PORT" "$@"
	echo "mysql://keeper@${list#,}/ss"
}

on() {
	admin "$DIR/n$1" ss -e "$2"
}

# keeper NAME N...: a backup host that prefers the first of these nodes.
keeper() {
	local name=$1 dir=$BATS_TEST_TMPDIR
	shift
	(
		BATS_TEST_TMPDIR=$dir/$name
		mkdir "$BATS_TEST_TMPDIR"
		conf db-timeout=30
		sed -i "s|^backup-host.*|backup-host = $name|" "$SECONDSHOT_CONF"
		catalog_at "$(nodes "$@")"
		echo "$name" >"$SRC/alpha/of-$name"
		(mkdir "$SRC/alpha/many" && cd "$SRC/alpha/many" && seq 400 | xargs touch)
	)
	as "$name" ss-catalog init
}

as() {
	SECONDSHOT_CONF=$BATS_TEST_TMPDIR/$1/etc/secondshot.conf "${@:2}"
}

# at NAME URL: there is its catalog.
at() {
	sed -i "s|^db-url.*|db-url = $2|" "$BATS_TEST_TMPDIR/$1/etc/secondshot.conf"
}

# keepers: two, each with a node of its own, on a new catalog.
keepers() {
	on 1 'DROP DATABASE ss; CREATE DATABASE ss'
	keeper ann 1 2 3
	keeper bob 2 3 1
}

# adds NAME: many, as fast as it can.
adds() {
	local n
	as "$1" rsnapshot -c "$BATS_TEST_TMPDIR/$1/etc/rsnapshot.conf" sync || return
	for ((n = 0; n < 60; n++)); do
		as "$1" ss-catalog add alpha >"$BATS_TEST_TMPDIR/$1.stream" || return
	done
	ss-hash <"$BATS_TEST_TMPDIR/$1.stream" | as "$1" ss-catalog store
}

# nights NAME: one after the other, by ss-run or by hand, until there is a file "enough".
nights() {
	local name=$1 n
	local src=$BATS_TEST_TMPDIR/$name/src/alpha
	for ((n = 1; n <= 60; n++)); do
		fresh "$src/dir/two" "$name $n"
		rm -rf "$src/more"
		mkdir "$src/more"
		(cd "$src/more" && seq $((100 + RANDOM % 200)) | xargs touch)
		if ((n % 2)); then
			as "$name" ss-run --quiet || { echo "$name, night $n: ss-run ended with $?"; return 1; }
		else
			as "$name" rsnapshot -c "$BATS_TEST_TMPDIR/$name/etc/rsnapshot.conf" sync &&
				as "$name" bash -c 'set -o pipefail
					ss-catalog add alpha | ss-hash | ss-catalog store' ||
				{ echo "$name, night $n: the pipeline ended with $?"; return 1; }
		fi
		echo "$n" >"$BATS_TEST_TMPDIR/$name/nights"
		[[ ! -e $BATS_TEST_TMPDIR/enough || $n -lt 4 ]] || return 0
	done
}

@test "two backup hosts on different nodes while a node is killed and rejoins, and another after it" {
	local i node who pids=() sums=()
	keepers
	for who in ann bob; do
		nights $who >"$BATS_TEST_TMPDIR/$who.out" 2>&1 3>&- 4>&- &
		pids+=($!)
	done
	# Each of them loses the node that it works with.
	for i in 1 2; do
		sleep 2
		server_kill "$DIR/n$i"
		sleep 2
		server_start "$DIR/n$i" \
			--wsrep-cluster-address="gcomm://$NET.1,$NET.2,$NET.3"
		synced $i
	done
	: >"$BATS_TEST_TMPDIR/enough"
	for i in "${pids[@]}"; do
		wait "$i" || { tail -n 30 "$BATS_TEST_TMPDIR"/*.out; false; }
	done
	echo "nights: $(cat "$BATS_TEST_TMPDIR"/*/nights | xargs)"
	for node in 1 2 3; do
		synced $node
		[ "$(on $node "SHOW STATUS LIKE 'wsrep_cluster_size'")" = "wsrep_cluster_size	3" ]
		for who in ann bob; do
			at $who "$(nodes $node)"
			run_ok as $who ss-catalog check
			run_ok as $who ss-verify --quiet --all
		done
		[ "$(on $node 'SELECT count(*) FROM savesets WHERE status = 0')" = 0 ]
		[ "$(on $node 'SELECT count(*) FROM series s WHERE last_seq <>
			(SELECT max(seq) FROM savesets v WHERE v.series = s.id)')" = 0 ]
		sums[node]=$(on $node 'SET SESSION wsrep_sync_wait = 1;
			SELECT (SELECT count(*) FROM savesets), (SELECT count(*) FROM paths),
			(SELECT count(*) FROM inodes), (SELECT count(*) FROM dirs), (SELECT count(*) FROM locations)')
	done
	echo "${sums[1]}"
	[ "${sums[1]}" = "${sums[2]}" ]
	[ "${sums[1]}" = "${sums[3]}" ]
	# In a cluster a table without a primary key cannot be kept the same.
	[ "$(on 1 "SELECT count(*) FROM information_schema.tables t WHERE table_schema = 'ss' AND NOT EXISTS
		(SELECT 1 FROM information_schema.table_constraints c WHERE c.table_schema = t.table_schema
		AND c.table_name = t.table_name AND constraint_type = 'PRIMARY KEY')")" = 0 ]
}

# Which a node learns that prepares a statement of its own just then, and loses the error.
@test "two backup hosts on different nodes give their savesets the same name at the same time" {
	local who pids=()
	keepers
	for who in ann bob; do
		adds $who >"$BATS_TEST_TMPDIR/$who.out" 2>&1 3>&- 4>&- &
		pids+=($!)
	done
	wait "${pids[0]}" || { cat "$BATS_TEST_TMPDIR/ann.out"; false; }
	wait "${pids[1]}" || { cat "$BATS_TEST_TMPDIR/bob.out"; false; }
	[ "$(on 3 'SET SESSION wsrep_sync_wait = 1; SELECT count(*), sum(seq), sum(status = 0) FROM savesets')" = \
		"120	3660	0" ]
	for who in ann bob; do
		run_ok as $who ss-catalog check
		run_ok as $who ss-verify --quiet --all
	done
}

# The answer to a COMMIT is lost, and the node that is asked what became of it is behind.
@test "a COMMIT that another node comes to know of late is done once" {
	local n proxy holder node=$DIR/n2 lost=$BATS_TEST_TMPDIR/lost
	keepers
	for n in 1 2 3; do
		echo "$n" >>"$BATS_TEST_TMPDIR/ann/src/alpha/of-ann"
		as ann rsnapshot -c "$BATS_TEST_TMPDIR/ann/etc/rsnapshot.conf" sync
		"$TESTS/proxy" "$BATS_TEST_TMPDIR/proxy" "$DIR/n1/socket,$node/socket" 'done' "$n" "$lost" 3>&- 4>&- &
		proxy=$!
		# That node applies nothing until a second after the loss.
		admin "$node" --unbuffered >"$BATS_TEST_TMPDIR/holds" 3>&- 4>&- < <(
			echo "FLUSH TABLES WITH READ LOCK; SELECT 'ready';"
			while [[ ! -e $lost && -e /proc/$proxy ]]; do sleep 0.1; done
			sleep 1
			echo "UNLOCK TABLES;"
		) &
		holder=$!
		until_true test -s "$BATS_TEST_TMPDIR/holds" -a -S "$BATS_TEST_TMPDIR/proxy"
		at ann "mysql://$SERVER_USER@localhost/ss?unix_socket=$BATS_TEST_TMPDIR/proxy"
		as ann ss-catalog add alpha >/dev/null
		[ "$(<"$lost")" = 'done' ]
		kill "$proxy"
		wait "$proxy" "$holder" || :
		rm "$lost" "$BATS_TEST_TMPDIR/holds" "$BATS_TEST_TMPDIR/proxy"
	done
	at ann "$(nodes 2 3)"
	as ann ss-catalog pending "$(as ann ss-catalog savesets --json | jq -r 'select(.location == ".sync").name')" |
		ss-hash | as ann ss-catalog store
	for n in 1 2 3; do
		[ "$(on $n 'SET SESSION wsrep_sync_wait = 1; SELECT count(*), max(seq), sum(status = 0) FROM savesets')" = "3	3	0" ]
		at ann "$(nodes $n)"
		run_ok as ann ss-catalog check
	done
}

# The nodes refuse one of more than 2 MiB, and MariaDB 10.11 then each update of many rows at once.
@test "no transaction is large: a first catalogue, one that was killed, all changed, taken back, pruned" {
	requires strace
	local n pid code
	for n in 1 2 3; do on $n 'SET GLOBAL wsrep_max_ws_size = 2097152'; done
	keepers
	ROOT=$BATS_TEST_TMPDIR/ann/root
	TREE=$ROOT/.sync/alpha
	add_ann() {
		as ann ss-catalog add alpha >/dev/null
	}
	touch_all() {
		rm -rf "$TREE"
		mkdir -p "$TREE"/{1..16}
		for n in {1..16}; do (cd "$TREE/$n" && seq 1000 | xargs touch); done
	}
	touch_all
	# Every packet takes a while, so that there is time for ours.
	SECONDSHOT_CONF=$BATS_TEST_TMPDIR/ann/etc/secondshot.conf \
		strace -f -qq -o /dev/null -e inject=sendto:delay_enter=60000 ss-catalog add alpha >/dev/null 3>&- 4>&- &
	pid=$!
	some_rows() { [ "$(on 1 'SELECT count(*) FROM paths')" -ge 8000 ]; }
	until_true some_rows
	pkill -KILL -P "$(pgrep -P "$pid" strace)"
	code=0
	wait "$pid" || code=$?
	[ "$code" = 137 ]
	n=$(on 1 'SELECT count(*) FROM paths')
	echo "killed with $n rows"
	[ "$n" -ge 8000 ]
	run_ok add_ann
	contains "$stderr" 'unfinished saveset is removed'
	mv "$ROOT/.sync" "$ROOT/hourly.0"
	run_ok as ann ss-catalog reconcile
	touch_all
	run_ok add_ann
	run_ok as ann ss-catalog check
	# The newest leaves, and the rows that it closed are open again.
	run_ok as ann ss-prune alpha@.sync
	[ "$(on 1 'SELECT count(*), sum(first = 1), sum(last IS NULL) FROM paths')" = "16017	16017	16017" ]
	run_ok as ann ss-catalog check
	touch_all
	run_ok add_ann
	mv "$ROOT/hourly.0" "$ROOT/hourly.1"
	mv "$ROOT/.sync" "$ROOT/hourly.0"
	run_ok as ann ss-catalog reconcile
	run_ok as ann ss-prune alpha@hourly.1
	[ "$(on 2 'SET SESSION wsrep_sync_wait = 1; SELECT count(*), sum(last IS NULL) FROM paths')" = "16017	16017" ]
	run_ok as ann ss-catalog check
}
