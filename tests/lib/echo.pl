#!/usr/bin/perl
# Answer every connection and every datagram on a port, with "from ADDRESS": echo.pl PORT [TEXT]
use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use Socket qw(SOCK_STREAM SOCK_DGRAM getnameinfo NI_NUMERICHOST NI_NUMERICSERV);

sub opened
{
	my ($type, @more) = @_;
	return IO::Socket::IP->new(LocalHost => '::', LocalPort => $ARGV[0], Type => $type,
		V6Only => 0, @more) || die "port $ARGV[0]: $@";
}

sub answer
{
	my (undef, $address) = getnameinfo($_[0], NI_NUMERICHOST | NI_NUMERICSERV);
	return (defined $ARGV[1] ? $ARGV[1] : "from $address") . "\n";
}

my $tcp = opened(SOCK_STREAM, Listen => 64, ReuseAddr => 1);
my $udp = opened(SOCK_DGRAM);
my $both = IO::Select->new($tcp, $udp);
$SIG{PIPE} = 'IGNORE';
while (1) {
	for my $socket ($both->can_read) {
		if ($socket == $udp) {
			my $from = recv($udp, my $data, 2048, 0);
			send($udp, answer($from), 0, $from) if $from;
		} elsif (my $from = accept(my $peer, $tcp)) {
			syswrite($peer, answer($from));
			close($peer);
		}
	}
}
