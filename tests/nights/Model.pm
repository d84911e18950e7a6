# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Model.pm - which generation of which host must be where, by arithmetic alone.
#
# A world is what may be so: {slot}{HOST}{"hourly.0"} is the number of a generation,
# {last}{INTERVAL} the time of the last promotion into it, {missed}{INTERVAL}{HOST} is there
# if it left a tree of that host's in the slot below, {waiting}{HOST} a generation that is
# whole and not rotated yet.  Of a run that was interrupted several worlds may
# have come about; what is found on the disk tells which.

package Model;

use strict;
use warnings;
use POSIX qw(mktime);
use Storable qw(dclone);

# new([NAME, SLOTS, UNIT], ...): the lowest interval first, whose unit is '' (each run).
sub new {
	my ($class, @levels) = @_;
	return bless { levels => \@levels }, $class;
}

sub empty { return { slot => {}, last => {}, missed => {}, waiting => {} } }

# later(TIME, UNIT): the beginning of the day that is a unit behind that of TIME.
sub later {
	my ($time, $unit) = @_;
	my (undef, undef, undef, $day, $month, $year) = localtime $time;
	if ($unit eq 'day') { $day++ }
	elsif ($unit eq 'week') { $day += 7 }
	elsif ($unit eq 'month') { $month++ }
	else { die "unit $unit\n" }
	return mktime(0, 0, 0, $day, $month, $year, 0, 0, -1);
}

# due(LAST, UNIT, NOW)
sub due {
	my ($last, $unit, $now) = @_;
	return !defined $last || $now >= later($last, $unit);
}

# One step up within an interval: the last slot is forgotten, the first one is free.
sub shift_up {
	my ($slots, $name, $count) = @_;
	delete $slots->{"$name." . ($count - 1)};
	for (my $i = $count - 2; $i >= 0; $i--) {
		my $gen = delete $slots->{"$name.$i"};
		$slots->{"$name." . ($i + 1)} = $gen if defined $gen;
	}
}

# promote(WORLD, NOW, HOSTS [, MOST]): the larger intervals first, each takes over what is
# in the last slot of the one below, of those hosts that have something there; one that is
# not due, of those that missed the last time.  The names of those that did, of which there
# are not more than MOST.
sub promote {
	my ($self, $world, $now, $hosts, $most) = @_;
	my @levels = @{$self->{levels}};
	my @done;
	for my $i (reverse 1 .. $#levels) {
		last if defined $most && @done == $most;
		my ($name, $count, $unit) = @{$levels[$i]};
		my $feeder = "$levels[$i - 1][0]." . ($levels[$i - 1][1] - 1);
		my %fed = map { $_ => 1 } grep { defined $world->{slot}{$_}{$feeder} } keys %{$world->{slot}};
		my $due = due($world->{last}{$name}, $unit, $now);
		my $missed = $world->{missed}{$name} //= {};
		my @moving = grep { $fed{$_} && ($due || $missed->{$_}) } @$hosts;
		next unless @moving;
		for my $host (@moving) {
			my $slots = $world->{slot}{$host};
			shift_up($slots, $name, $count);
			$slots->{"$name.0"} = delete $slots->{$feeder};
		}
		($world->{last}{$name}, %$missed) = ($now, %fed) if $due;
		delete @$missed{@moving};
		push @done, $name;
	}
	return @done;
}

# rotate(WORLD, NOW): those that wait take part, the others stay where they are.
sub rotate {
	my ($self, $world, $now) = @_;
	my @hosts = sort keys %{$world->{waiting}};
	return unless @hosts;
	$self->promote($world, $now, \@hosts);
	for my $host (@hosts) {
		my $slots = $world->{slot}{$host} //= {};
		shift_up($slots, @{$self->{levels}[0]}[0, 1]);
		$slots->{"$self->{levels}[0][0].0"} = delete $world->{waiting}{$host};
	}
}

# make_way(WORLD, NOW): what waits is rotated before anything else is done.
sub make_way {
	my ($self, $world, $now) = @_;
	my $next = dclone($world);
	$self->rotate($next, $now);
	return $next;
}

# run(WORLD, NOW, {HOST => GENERATION}): what a whole run makes of it, for the hosts that answer.
sub run {
	my ($self, $world, $now, $new) = @_;
	my $next = $self->make_way($world, $now);
	$next->{waiting} = { %$new };
	$self->rotate($next, $now);
	return $next;
}

# cut(WORLD, NOW, NEW): what may have come about when it is interrupted anywhere; the
# next run puts a rotation that is half done right, one way or the other.
sub cut {
	my ($self, $world, $now, $new) = @_;
	my @hosts = sort keys %$new;
	my @worlds = (dclone($world), $self->run($world, $now, $new));
	my $before = $self->make_way($world, $now);
	for my $some (0 .. 2 ** @hosts - 1) {
		my $next = dclone($before);
		$next->{waiting}{$hosts[$_]} = $new->{$hosts[$_]} for grep { $some & 1 << $_ } 0 .. $#hosts;
		push @worlds, $next;
	}
	# The larger intervals are done, or some of them, and the lowest is not.
	$before = dclone($before);
	$before->{waiting} = { %$new };
	for my $from ($before, $world) {
		for my $most (1 .. $#{$self->{levels}}) {
			my $next = dclone($from);
			push @worlds, $next
				if $self->promote($next, $now, [keys %{$next->{waiting}}], $most) == $most;
		}
	}
	return @worlds;
}

# places(WORLD): "HOST LOCATION GENERATION" of each that must be there, as one text.
sub places {
	my ($world) = @_;
	my @lines;
	for my $host (sort keys %{$world->{slot}}) {
		my $slots = $world->{slot}{$host};
		push @lines, map { "$host $_ $slots->{$_}" } sort keys %$slots;
	}
	return join "\n", @lines;
}

# text(WORLD): all of it.
sub text {
	my ($world) = @_;
	my @lines = places($world);
	for my $what (qw(last waiting)) {
		push @lines, map { "$what $_ $world->{$what}{$_}" } sort keys %{$world->{$what}};
	}
	for my $interval (sort keys %{$world->{missed}}) {
		push @lines, map { "missed $interval $_" } sort keys %{$world->{missed}{$interval}};
	}
	return join "\n", @lines;
}

1;
