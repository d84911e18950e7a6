#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# durability.pl - does what was written reach the disk in time?
#
#	durability.pl ROOT TRACE >EVENTS
#
# TRACE is what strace -f -y -Y wrote (tests/durability.bats has its options).  The disk is
# modelled as a power cut would leave it: a file's data are safe from its fsync on, the names in a
# directory from the directory's fsync on, everything below ROOT from a syncfs on.  On stdout go
# the events, one a line, by name and in their order: ROOT/x is x, ROOT itself ".", a catalog its
# last component.  On stderr goes each breach of these rules; then the exit code is 1:
#
# 1. Our programs rename no file whose data are not safe.
# 2. What a program of ours did below ROOT is safe before it commits to a catalog, says
#    something, starts another program, or ends.
# 3. A marker says that a tree is there when the tree is safe, whoever wrote it.
# 4. The journal of a rotation goes when all of the rotation is safe, whoever made it.
# 5. SQLite (synchronous=EXTRA): the journal and its name are safe before the catalog is
#    written, the catalog before the journal goes, and that it is gone before anything else.
#    (That of a killed process may come back: it is rolled back once more, to the same end.)
# 6. A copy of a catalog, its name too, is safe before the catalog is written.
use strict;
use warnings;

my ($root, $trace) = @ARGV;
my $ours = qr/^ss-(?:catalog|hash|prune|run|verify)\b/;
my $database = qr/\.db$/;

# Below ROOT, what may be lost or come back: the lock, rsnapshot's private configuration, and
# garbage.  Of what was removed: what the next run removes, or enters into the catalog, again.
my $careless = qr{^\.secondshot/(?:lock|run|trash)(?:/|$)|(?:^|/)\.new-[^/]*$};
my $may_return = qr{^\.secondshot/(?:held|runs/[^/]*)$};

my (%name, %unfinished);	# of a process: what it runs; the call that has not returned
my (%dirty, %there);		# of a path: the process that wrote it; 1 = it is there, 0 = it is not
my (%pending);			# of a directory: name => [process, what was done]
my (%text, %maker);		# of a path: the beginning of what was written there; who made it
my (%changing, %forgetful);	# of a process: it changes this catalog; it has removed this journal
my $faults = 0;

sub fault
{
	print STDERR "line $.: @_\n";
	$faults++;
}

sub event
{
	print join(' ', @_), "\n";
}

sub dir_of
{
	my ($path) = @_;
	$path =~ s{/[^/]*$}{};
	return $path eq '' ? '/' : $path;
}

sub base_of
{
	my ($path) = @_;
	$path =~ s{.*/}{};
	return $path;
}

# How a path is called in events; undef where nobody cares for it.
sub called
{
	my ($path) = @_;
	return '.' if $path eq $root;
	return substr($path, length($root) + 1) if index($path, "$root/") == 0;
	return base_of($path) if $path =~ /\.db(?:-journal|\.schema-[-\w.]+)?$/;
	return undef;
}

sub is_ours
{
	my ($pid) = @_;
	return $name{$pid} =~ $ours;
}

# The paths among a call's arguments.
sub paths
{
	my ($args) = @_;
	my @found;
	while ($args =~ /(?:(AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"/g) {
		my ($dir, $path) = ($2, $3);
		$path = "$dir/$path" if defined $dir && $path !~ m{^/};
		$path =~ s{//+}{/}g;
		$path =~ s{(?<=.)/$}{};
		push @found, $path;
	}
	return @found;
}

sub has_done
{
	my ($pid, $path, $what) = @_;
	$pending{dir_of($path)}{base_of($path)} = [$pid, $what] if defined called($path);
}

sub is_lossy
{
	my ($path, $what) = @_;
	my $called = called($path);
	return 1 if !defined $called || $called =~ $careless || $path =~ /\.db(-journal)?$/;
	return $what eq 'removed' && $called =~ $may_return;
}

# What is not safe and for which the code says yes.
sub unsafe
{
	my ($by) = @_;
	my @list;
	for my $path (sort keys %dirty) {
		push @list, called($path) . ' (written)' if !is_lossy($path, 'written') && $by->($dirty{$path}, $path);
	}
	for my $dir (sort keys %pending) {
		for my $base (sort keys %{$pending{$dir}}) {
			my ($pid, $what) = @{$pending{$dir}{$base}};
			next if is_lossy("$dir/$base", $what) || !$by->($pid, "$dir/$base");
			push @list, called("$dir/$base") . " ($what)";
		}
	}
	return @list;
}

# Rule 2.
sub must_be_safe
{
	my ($by, $when) = @_;
	my @list = unsafe($by);
	fault("$when, and not flushed before: @list") if @list;
}

sub own_is_safe
{
	my ($pid, $when) = @_;
	must_be_safe(sub { $_[0] == $pid }, "$name{$pid} $when");
}

sub has_written
{
	my ($pid, $path, $args) = @_;
	my $called = called($path);

	own_is_safe($pid, 'says something') if is_ours($pid) && $args =~ /^[12]</;
	return if !defined $called;
	if ($path =~ $database) {
		my $journal = "$path-journal";
		my $dir = dir_of($path);

		if (!$changing{$pid}) {
			event($name{$pid}, 'change', $called);
			# Rule 6.
			my @list = grep { /\.schema-/ } unsafe(sub { 1 });
			fault("$called is written, and not flushed before: @list") if @list;
		}
		$changing{$pid} = $path;
		fault("$called is written without a journal") if exists $there{$journal} && !$there{$journal};
		fault("$called is written, and its journal not flushed before")
			if $dirty{$journal} || $pending{$dir}{base_of($journal)};
	} elsif (!$dirty{$path}) {
		event($name{$pid}, 'write', $called);
	}
	$dirty{$path} = $pid;
	$text{$path} .= $1 if $args =~ /"((?:[^"\\]|\\.)*)"/;
}

sub has_opened
{
	my ($pid, $path, $args) = @_;

	return if $args !~ /O_CREAT|O_TRUNC/ || !defined called($path);
	if ($args =~ /O_CREAT/ && !$there{$path}) {
		$maker{$path} = $pid;
		has_done($pid, $path, 'created');
		$text{$path} = '';
	}
	$there{$path} = 1;
	$dirty{$path} = $pid if $args =~ /O_TRUNC/;
}

sub has_renamed
{
	my ($pid, $from, $to) = @_;
	my ($a, $b) = (called($from), called($to));

	return if !defined $a || !defined $b;
	if (is_ours($pid) && $dirty{$from} && !is_lossy($to, 'renamed')) {
		fault("$name{$pid} renames to $b before it is flushed");
	}
	# What lies below goes with it.
	for my $table (\%dirty, \%there, \%text, \%pending) {
		for my $path (grep { $_ eq $from || index($_, "$from/") == 0 } keys %$table) {
			$table->{$to . substr($path, length $from)} = delete $table->{$path};
		}
	}
	$there{$from} = 0;
	$there{$to} = 1;
	has_done($pid, $from, 'renamed');
	has_done($pid, $to, 'renamed');
	if ($a !~ m{(^|/)\.new-}) {
		event($name{$pid}, 'rename', $a, $b);
		return;
	}
	my ($status) = ($text{$to} || '') =~ /status ([\w-]+)/;
	event($name{$pid}, 'replace', $b, $status || ());
	# Rule 3.
	if (defined $status && $status ne 'running') {
		my $tree = dir_of(dir_of($to)) . '/' . base_of($to);
		my @list = unsafe(sub {
			!is_ours($_[0]) && (index("$_[1]/", "$tree/") == 0 || index("$tree/", "$_[1]/") == 0) });
		fault("the marker $b says $status, and not flushed before: @list") if @list;
	}
}

sub has_removed
{
	my ($pid, $path) = @_;
	my $called = called($path);

	return if !defined $called;
	if ($path =~ /^(.*\.db)-journal$/) {
		# Rules 5 and 2.
		fault(base_of($1) . " loses its journal, and is not flushed before") if $dirty{$1};
		event($name{$pid}, 'commit', base_of($1)) if delete $changing{$pid};
		own_is_safe($pid, 'commits');
		$forgetful{$pid} = dir_of($path) if ($maker{$path} || 0) == $pid;
	} else {
		event($name{$pid}, 'unlink', $called) if $called !~ m{(^|/)\.new-};
	}
	if (is_ours($pid) && $called eq '.secondshot/rotation') {
		# Rule 4.
		must_be_safe(sub { 1 }, 'the journal of the rotation goes');
	}
	delete @{$_}{$path} for \%dirty, \%text, \%pending;
	$there{$path} = 0;
	has_done($pid, $path, 'removed');
}

sub has_flushed
{
	my ($pid, $path, $call) = @_;
	my $called = called($path);

	delete $dirty{$path};
	delete $pending{$path};
	event($name{$pid}, 'fsync', $called) if defined $called;
	if ($call =~ /^sync/ && $call ne 'sync_file_range') {
		for my $table (\%dirty, \%pending) {
			delete $table->{$_} for grep { $_ eq $root || index($_, "$root/") == 0 } keys %$table;
		}
		event($name{$pid}, 'syncfs', defined $called ? $called : ());
	}
}

# A program is started: its name, that of a verb behind it where there is one.
sub has_started
{
	my ($pid, $path, $args) = @_;
	my @argv = $args =~ /\[(.*?)\]/ ? $1 =~ /"((?:[^"\\]|\\.)*)"/g : ();
	my $program = base_of($path);

	if (is_ours($pid)) {
		my $was = $name{$pid};
		must_be_safe(sub { $name{$_[0]} eq $was }, "$was starts $program");
	}
	$name{$pid} = $program;
	$name{$pid} .= '.' . $argv[1] if $program eq 'ss-catalog' && @argv > 1;
	event($name{$pid}, 'starts', $program eq 'rsnapshot' ? grep({ m{^[^-/]} } @argv[1 .. $#argv]) : ());
}

# Rule 5: nothing comes between a journal's end and the flush of its directory.
sub flushes_journal
{
	my ($pid, $call, $path) = @_;
	my $dir = $forgetful{$pid};

	return if !defined $dir || $call eq 'openat' && $path eq $dir;
	delete $forgetful{$pid};
	return if $call =~ /^f(data)?sync$/ && $path eq $dir;
	fault("$name{$pid}: the journal of a catalog is gone, and that is not flushed before $call");
}

sub has_called
{
	my ($pid, $call, $args, $result) = @_;
	my ($file) = $args =~ /^(?:\d+|AT_FDCWD)<([^>]*)>/;
	my @path = paths($args);

	flushes_journal($pid, $call, $call =~ /^open/ ? $path[0] : $file || '');
	if ($call eq 'execve') {
		has_started($pid, $path[0], $args);
	} elsif ($call =~ /^(open|creat)/) {
		has_opened($pid, $path[0], $call eq 'creat' ? 'O_CREAT|O_TRUNC' : $args);
	} elsif ($call =~ /write|ftruncate|fallocate|copy_file_range/) {
		$file = $1 if $call eq 'copy_file_range' && $args =~ /, \d+<([^>]*)>/;
		has_written($pid, $file, $args) if defined $file && $result ne '0' || $call =~ /^f/;
	} elsif ($call =~ /^rename/) {
		has_renamed($pid, @path);
	} elsif ($call =~ /^(unlink|rmdir)/) {
		has_removed($pid, $path[0]);
	} elsif ($call =~ /^(mkdir|link|symlink)/) {
		has_done($pid, $path[-1], 'created');
		$there{$path[-1]} = 1;
		event($name{$pid}, 'mkdir', called($path[-1])) if $call =~ /^mkdir/ && defined called($path[-1]);
	} elsif ($call =~ /sync/) {
		has_flushed($pid, $file || '', $call);
	} elsif ($call eq 'sendto' && $args =~ /"[^"]*\\3commit"/i) {
		event($name{$pid}, 'commit', 'catalog.db');
		own_is_safe($pid, 'commits');
	}
}

open(my $in, '<', $trace) or die "$trace: $!\n";
while (my $line = <$in>) {
	$. = $in->input_line_number;
	next unless $line =~ /^(\d+)<(.*?)>\s+(.*)$/;
	my ($pid, $comm, $rest) = ($1, $2, $3);

	$name{$pid} //= $comm;
	if ($rest =~ /^\+\+\+ (exited|killed)/) {
		own_is_safe($pid, 'ends') if is_ours($pid) && $1 eq 'exited';
		event($name{$pid}, 'ends');
		delete $name{$pid} if !is_ours($pid);
		next;
	}
	if ($rest =~ /^(.*)<unfinished \.\.\.>$/) {
		$unfinished{$pid} = $1;
		next;
	}
	$rest = delete($unfinished{$pid}) . $1 if $rest =~ /^<\.\.\. \w+ resumed>(.*)$/ && $unfinished{$pid};
	next unless $rest =~ /^(\w+)\((.*)\)\s+= (\d+)/;
	has_called($pid, $1, $2, $3);
}
close($in);
exit($faults ? 1 : 0);
