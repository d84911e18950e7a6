# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Sources.pm - what lies on the hosts, and what becomes of it from night to night.
#
# All by rand(), so that a seed makes the same history again.  Each file that is written
# has a second of its own: rsync does not see an edit of the same size within one.  And
# nothing is of these minutes: where a copy is made in the second that the time of its
# original lies in, rsync leaves it at that.

package Sources;

use strict;
use warnings;

my $stamp = 1_500_000_000;

# new(dir => DIR, kept => DIR, attributes => BOOL, tree => PROGRAM): the source of one
# host.  Without attributes modes and owners of files that are there stay as they are:
# with link_dest 0 rsync would change them in the older generations as well.
sub new {
	my ($class, %self) = @_;
	my $self = bless { %self, generation => 0 }, $class;
	mkdir $_ for $self->{dir}, $self->{kept};
	if ($self->{tree}) {
		system($self->{tree}, "$self->{dir}/hostile") == 0 or die "$self->{tree}: failed\n";
	}
	for my $d (1 .. 6) {
		mkdir "$self->{dir}/d$d";
		$self->write_file("d$d/f$_") for 1 .. 8;
	}
	return $self;
}

sub pick { return $_[int rand @_] }

# stamp(PATH): it was written in the next second.
sub stamp {
	my ($self, $path) = @_;
	$stamp++;
	utime $stamp, $stamp, "$self->{dir}/$path" or die "$path: $!\n";
}

sub write_file {
	my ($self, $path, $size) = @_;
	my $line = sprintf "%s of %d, %d\n", $path, $stamp, rand 1e9;
	open(my $out, '>:raw', "$self->{dir}/$path") or die "$path: $!\n";
	print $out $line x (1 + ($size // rand 4000) / length $line);
	close $out or die "$path: $!\n";
	$self->stamp($path);
}

sub list {
	my ($self, $type) = @_;
	open(my $find, '-|', 'find', $self->{dir}, '-mindepth', '1', '-name', 'hostile', '-prune', '-o',
		'-type', $type, '-printf', '%P\0') or die "find: $!\n";
	local $/ = "\0";
	chomp(my @paths = <$find>);
	return sort @paths;
}

# A name from a stranger: any bytes but / and NUL.
sub hostile_name {
	my $name = join '', map { chr(1 + int rand 255) } 1 .. 1 + rand 20;
	$name =~ tr{/}{_};
	return $name eq '.' || $name eq '..' ? '...' : $name;
}

# past(): whatever was made by the machine's clock was made a while ago.
sub past {
	my ($self) = @_;
	my ($from, $to) = map { '@' . (time + $_) } -3600, 3600;
	$stamp++;
	system('find', $self->{dir}, '-depth', '-newermt', $from, '!', '-newermt', $to,
		'-exec', 'touch', '-h', '-d', "\@$stamp", '{}', '+') == 0 or die "touch: failed\n";
}

# One random change to one file.
sub change_file {
	my ($self, $path) = @_;
	my ($dir, $file) = ($self->{dir}, "$self->{dir}/$path");
	my $beside = $path =~ m{(.*/)} ? $1 : '';
	my $what = int rand($self->{attributes} ? 11 : 9);
	if ($what < 2) {
		open(my $out, '>>:raw', $file) or die "$path: $!\n";
		print $out "more\n";
		close $out;
		$self->stamp($path);
	} elsif ($what == 2) { $self->write_file($path) }
	elsif ($what == 3) { unlink $file }
	elsif ($what == 4) { rename $file, "$dir/$beside" . hostile_name() }
	elsif ($what == 5) { link $file, "$dir/$beside" . hostile_name() }
	elsif ($what == 6) { unlink $file; symlink "target-$stamp", $file }
	elsif ($what == 7) { unlink $file; mkdir $file; $self->write_file("$path/in") }
	elsif ($what == 8) { unlink $file; $self->write_file($path) }
	elsif ($what == 9) { chmod pick(0600, 0640, 0755, 04755, 0), $file }
	else { chown int rand 100, int rand 100, $file }
}

# next_generation(): change something, and keep a copy of how it is now.  Its number.
sub next_generation {
	my ($self) = @_;
	my $n = ++$self->{generation};
	for (1 .. 8) {
		my @files = grep { $_ ne 'generation' && !/^big/ } $self->list('f');
		$self->change_file(pick(@files)) if @files;
	}
	my @dirs = $self->list('d');
	if (@dirs > 16) {
		my $away = pick(@dirs);
		system('rm', '-rf', '--', "$self->{dir}/$away") == 0 or die "rm: failed\n";
	}
	my $new = pick('', map { "$_/" } grep { -d "$self->{dir}/$_" } @dirs) . 'new' . $n;
	mkdir "$self->{dir}/$new" or die "$new: $!\n";
	my @left = $self->list('f');
	$self->write_file("$new/" . hostile_name()) for 1 .. (@left < 40 ? 12 : 3);
	rename "$self->{dir}/$_", "$self->{dir}/$_.moved" for grep { rand() < 0.05 } @dirs;
	$self->write_file('generation', 0);
	open(my $out, '>', "$self->{dir}/generation") or die "generation: $!\n";
	print $out "$n\n";
	close $out;
	$self->stamp('generation');
	$self->past;
	return $n;
}

# keep(): a copy of the newest generation, for rsync to compare with.
sub keep {
	my ($self) = @_;
	my ($kept, $n) = @$self{qw(kept generation)};
	my @link = -d "$kept/" . ($n - 1) ? '--link-dest=../' . ($n - 1) : ();
	system('rsync', '-aHS', '--numeric-ids', @link, "$self->{dir}/", "$kept/$n/") == 0
		or die "cannot keep a copy of $self->{dir}\n";
}

# big(SIZE): a file that takes its time; no size: it goes.
sub big {
	my ($self, $size) = @_;
	if ($size) { $self->write_file('big', $size) }
	else { unlink "$self->{dir}/big" }
}

1;
