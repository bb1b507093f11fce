#!/usr/bin/perl
# completion.t: what bash offers for a jwtmapctl command that is being typed.
use strict;
use warnings;

use Test::More;

my $ctl = $ENV{JWTMAPCTL} or die "env JWTMAPCTL names no binary\n";

# What is offered for the last of these words.
sub offered {
    my (@words) = ($ctl, @_);
    open my $bash, '-|', 'bash', '-c', <<'BASH', 'bash', @words or die "bash: $!";
. conf/jwtmapctl.bash
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_jwtmapctl
printf '%s\n' "${COMPREPLY[@]}"
BASH
    chomp(my @offered = <$bash>);
    return join ' ', sort @offered;
}

is(offered('ve'), 'verify', 'a verb');
like(offered(''), qr/\bcheck\b.*\bexplain\b.*\btoken\b.*\bverify\b/, 'all verbs');
is(offered('check', '--pl'), '--placeholders', 'an option of the verb');
is(offered('check', '--tok'), '', 'not one of another verb');
for my $verb (qw(check verify token explain)) {
    my @listed = sort map { /^  .. (--[a-z-]+)/ } `$ctl $verb --help`;
    is(offered($verb, '--'), join(' ', @listed), "$verb: all that its help lists");
}
is(offered('token', '--alg', 'ES2'), 'ES256', 'an algorithm');
is(offered('check', 'conf/jwtmapctl.b'), 'conf/jwtmapctl.bash', 'a file');
is(offered('verify', '--now', '5', 'conf/jwtmapctl.b'), 'conf/jwtmapctl.bash',
    'a file behind an option and its argument');
is(offered('verify', '--signature-only', 'conf/jwtmapctl.b'),
    'conf/jwtmapctl.bash', 'a file behind an option without one');
is(offered('verify', 'table', 'conf/jwtmapctl.b'), '', 'no second table');
is(offered('explain', '-H', 'A: b', 'table', 'PO'), 'POST', 'a method');
is(offered('check', '--secrets-dir', 't/ro'), 't/routes', 'a directory');

done_testing();
