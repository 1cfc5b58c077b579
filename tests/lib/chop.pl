#!/usr/bin/perl
# A line that chops, or is listened to:   chop.pl LISTEN-PORT CONNECT-PORT one|lumps|log [FILE]
# forwards connections at 127.0.0.1; the first 4000 bytes of each direction one by one, each in a
# packet of its own, or (lumps) gathered for 150 ms, so that what was sent apart comes together.
# log: as it comes; what came from CONNECT-PORT is added to FILE.in, what went there to FILE.out.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY);

my ($listen, $connect, $mode, $file) = @ARGV;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $listen, Listen => 16,
	ReuseAddr => 1) or die "listen: $!";
$SIG{CHLD} = 'IGNORE';
$SIG{PIPE} = 'IGNORE';
while (my $client = $server->accept) {
	next if fork;
	my $peer = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $connect) or exit 1;
	setsockopt($_, IPPROTO_TCP, TCP_NODELAY, 1) for $client, $peer;
	my %other = ($client => $peer, $peer => $client);
	my %log;
	if ($mode eq 'log') {
		open($log{$peer}, ">>:raw", "$file.in") or die "$file.in: $!";
		open($log{$client}, ">>:raw", "$file.out") or die "$file.out: $!";
	}
	my %seen = ($client => 0, $peer => 0);
	my $select = IO::Select->new($client, $peer);
	while (1) {
		for my $from ($select->can_read) {
			select(undef, undef, undef, 0.15) if $mode eq 'lumps' && $seen{$from} < 4000;
			my $n = sysread($from, my $data, 65536) or exit 0;
			syswrite($log{$from}, $data) if $log{$from};
			my $to = $other{$from};
			my $at = 0;
			while ($at < $n) {
				my $len = $mode eq 'one' && $seen{$from} < 4000 ? 1 : $n - $at;
				my $done = syswrite($to, $data, $len, $at) or exit 0;
				$at += $done;
				$seen{$from} += $done;
			}
		}
	}
}
