# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Judge.pm - what lies on the disk and stands in the catalog, seen with find and sqlite3.

package Judge;

use strict;
use warnings;
use Trees;

# Of the savesets' statuses.
my @STATUS = qw(running complete partial failed stale gone);

# new(root => DIR, catalog => FILE, hosts => [NAME...])
sub new {
	my ($class, %self) = @_;
	return bless { %self, saveset => {} }, $class;
}

sub names_in {
	my ($dir) = @_;
	opendir(my $d, $dir) or return ();
	return sort grep { $_ ne '.' && $_ ne '..' } readdir $d;
}

# places(): "HOST LOCATION GENERATION" of each tree, as Model::places has them, and
# what does not belong where it is, as a list.
sub places {
	my ($self) = @_;
	my ($root, @found, @wrong) = ($self->{root});
	for my $location (names_in($root)) {
		next if $location eq '.sync';
		if ($location eq '.secondshot') { push @wrong, left_over("$root/$location"); next }
		if ($location !~ /^[a-z]+\.\d+$/) { push @wrong, "$location is no location"; next }
		my @inside = grep { $_ ne '.secondshot' } names_in("$root/$location");
		push @wrong, "$location is empty" unless @inside;
		for my $host (@inside) {
			my $gen = '?';
			if (open(my $in, '<', "$root/$location/$host/generation")) { chomp($gen = <$in> // '?') }
			push @found, "$host $location $gen";
		}
		my @markers = names_in("$root/$location/.secondshot");
		push @wrong, "$location has the trees of (@inside) and the markers of (@markers)"
			if "@markers" ne "@inside";
	}
	return (join("\n", sort @found), @wrong);
}

# What a run that is over leaves in ROOT/.secondshot.
sub left_over {
	my ($own) = @_;
	my @wrong;
	for my $name (names_in($own)) {
		push @wrong, ".secondshot/$name is left over" if $name =~ /^(rotation|\.new-.*)$/;
	}
	for my $dir (qw(trash held run)) {
		push @wrong, ".secondshot/$dir/$_ is left over" for names_in("$own/$dir");
	}
	return @wrong;
}

# contents(PLACES, KEPT): where a tree is not what its host once held; KEPT is of
# {HOST}{GENERATION} the manifest.
sub contents {
	my ($self, $places, $kept) = @_;
	my (%sums, @wrong);
	for (split /\n/, $places) {
		my ($host, $location, $gen) = split / /;
		my $wanted = $kept->{$host}{$gen};
		if (!$wanted) { push @wrong, "$location/$host: generation $gen never was"; next }
		my @differ = Trees::differ($wanted, Trees::manifest("$self->{root}/$location/$host", \%sums));
		push @wrong, map { "$location/$host is not generation $gen: $_" } @differ[0 .. ($#differ < 4 ? $#differ : 4)];
	}
	return @wrong;
}

# rsync(PLACES, DIR): the same once more, by rsync's own eyes, with DIR/HOST/GENERATION.
sub rsync {
	my ($self, $places, $kept) = @_;
	my @wrong;
	for (split /\n/, $places) {
		my ($host, $location, $gen) = split / /;
		open(my $out, '-|', 'rsync', '-aHSnci', '--numeric-ids', '--delete', "$kept/$host/$gen/",
			"$self->{root}/$location/$host/") or die "rsync: $!\n";
		my @lines = <$out>;
		push @wrong, "$location/$host is not generation $gen, says rsync: " . Trees::named($lines[0] // 'failed')
			if !close($out) || @lines;
	}
	return @wrong;
}

# ask(SQL): rows as lists.
sub ask {
	my ($self, $sql) = @_;
	open(my $out, '-|', 'sqlite3', '-readonly', '-separator', "\x1f", '-newline', "\x1e",
		"file:$self->{catalog}?mode=ro", $sql) or die "sqlite3: $!\n";
	local $/ = "\x1e";
	chomp(my @rows = <$out>);
	close $out or die "sqlite3: failed\n";
	return map { [split /\x1f/, $_, -1] } @rows;
}

# catalog(PLACES, NOW, NEW, AWAY): where the catalog does not say what lies on the disk.
# NEW is of {HOST} the generation that this run at NOW took, AWAY the hosts that it
# could not take; undef for both if nobody knows.
sub catalog {
	my ($self, $places, $now, $new, $away) = @_;
	my (%at, %by_id, @wrong, %attempts);
	for ($self->ask('SELECT h.name, s.id, s.status, coalesce(s.seq, 0), s.created, s.unhashed, s.name,'
		. ' (SELECT group_concat(location, " ") FROM locations l WHERE l.saveset = s.id)'
		. ' FROM savesets s JOIN series r ON r.id = s.series JOIN hosts h ON h.id = r.host')) {
		my %s;
		@s{qw(host id status seq created unhashed name locations)} = @$_;
		$s{status} = $STATUS[$s{status}];
		$by_id{$s{id}} = \%s;
		$at{"$s{host} $_"} = \%s for split ' ', $s{locations};
		push @{$attempts{$s{host}}}, \%s if $s{created} == $now;
		push @wrong, "$s{name} is $s{status}, not hashed: $s{unhashed}, at '$s{locations}'"
			if $s{status} eq 'running' || ($s{status} eq 'gone' && $s{locations} ne '')
			|| ($s{status} eq 'complete' && ($s{locations} eq '' || $s{unhashed} || !$s{seq}));
	}
	push @wrong, $self->known($places, \%at);
	for my $host (grep { !$new->{$_} } @{$away // []}) {
		my @status = map { $_->{status} } @{$attempts{$host} // []};
		push @wrong, "$host was away, and the catalog says (@status)" unless grep { /^(failed|stale)$/ } @status;
	}
	for my $host (sort keys %{$new // {}}) {
		my $s = $self->{saveset}{$host}{$new->{$host}};
		push @wrong, "the newest saveset of $host is of " . ($s ? $by_id{$s}{created} : 'no time') . ", not $now"
			unless $s && $by_id{$s}{created} == $now;
	}
	return @wrong;
}

# run(NOW, RESULT): is the newest record of a run that of the one at NOW?
sub run {
	my ($self, $now, $result) = @_;
	my ($last) = $self->ask('SELECT started, ended, result FROM runs ORDER BY id DESC LIMIT 1');
	my $is = join ' ', @{$last // ['missing']};
	return $is eq "$now $now $result" ? () : "the record of the run is $is, not $now $now $result";
}

# known(PLACES, AT): each tree has a complete saveset, the same one for ever, nothing else has.
sub known {
	my ($self, $places, $at) = @_;
	my (@wrong, %there);
	for (split /\n/, $places) {
		my ($host, $location, $gen) = split / /;
		my $s = $at->{"$host $location"};
		$there{"$host $location"} = 1;
		if (!$s || $s->{status} ne 'complete') {
			push @wrong, "$location/$host is in the catalog as " . ($s ? $s->{status} : 'nothing');
			next;
		}
		my $id = $self->{saveset}{$host}{$gen} //= $s->{id};
		push @wrong, "$location/$host is generation $gen, and no more the saveset that it was" if $id != $s->{id};
	}
	for my $host (keys %{$self->{saveset}}) {
		my %generation;
		my $of = $self->{saveset}{$host};
		for (keys %$of) {
			push @wrong, "generations $_ and $generation{$of->{$_}} of $host are one saveset"
				if exists $generation{$of->{$_}};
			$generation{$of->{$_}} = $_;
		}
	}
	push @wrong, map { "the catalog has $at->{$_}{status} $_, where nothing is" } grep { !$there{$_} } sort keys %$at;
	return @wrong;
}

# rows(HOST, GENERATION, MANIFEST): where the saveset's rows are not what was there.
sub rows {
	my ($self, $host, $gen, $wanted) = @_;
	my $id = $self->{saveset}{$host}{$gen} or return "$host, generation $gen: no saveset";
	my %found;
	for ($self->ask("WITH RECURSIVE s AS (SELECT series, seq FROM savesets WHERE id = $id),"
		. ' here AS (SELECT p.* FROM paths p JOIN s ON p.series = s.series AND p.first <= s.seq'
		. ' AND (p.last IS NULL OR p.last >= s.seq)),'
		. ' tree(path, dir) AS (SELECT "", 1 UNION ALL SELECT tree.path || hex(h.name) || "2F", h.sub'
		. ' FROM tree JOIN here h ON h.dir = tree.dir WHERE h.sub IS NOT NULL)'
		. ' SELECT tree.path || hex(p.name), char(p.type), printf("%o", p.mode), p.uid || ":" || p.gid,'
		. ' coalesce(p.mtime, i.mtime), coalesce(p.mtime_ns, i.mtime_ns), i.size, lower(hex(i.digest)),'
		. ' hex(p.data) FROM tree JOIN here p ON p.dir = tree.dir'
		. ' LEFT JOIN inodes i ON i.series = p.series AND i.ino = p.ino AND i.since = p.since')) {
		my ($path, $type, $mode, $owner, $mtime, $ns, $size, $digest, $data) = @$_;
		$found{pack 'H*', $path} = { type => $type, mode => $mode, owner => $owner,
			mtime => sprintf('%s.%09d0', $mtime, $ns),
			what => $type eq 'f' ? "$size $digest" : pack('H*', $data), group => '' };
	}
	# Links are known by their inodes there.
	my %plain = map { ($_ => { %{$wanted->{$_}}, group => '' }) } grep { $_ ne '' } keys %$wanted;
	my @differ = Trees::differ(\%plain, \%found);
	return map { "the catalog's $host, generation $gen: $_" } @differ[0 .. ($#differ < 4 ? $#differ : 4)];
}

1;
