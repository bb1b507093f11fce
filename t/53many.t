# Hundreds of providers at once, most of which hang: they do not take the turn
# of the others.

use JwtMapTest;

use JwtMapProvider;
use JwtMapServer;

my $provider = JwtMapProvider->start('many');
$provider->serve('/hang', hang => 1);
$provider->serve('/good', body => jwks('rsa'));

# Those that hang stand before the others, whatever the order is made of.
my @hang = map { sprintf 'a%03d', $_ } 1 .. 150;
my @good = map { sprintf 'z%03d', $_ } 1 .. 20;
my %url = ((map { $_ => "/hang?$_" } @hang), (map { $_ => "/good?$_" } @good));

my $file = stage('t/conf/many.json');
spew($file, json({
    authorizers => { map { $_ => { type => 'jwt', audience => 'api://gateway',
        issuer => "https://$_", jwks_uri => $provider->url($url{$_}),
        min_refresh => 1, cache_duration => 2 } } @hang, @good },
    paths => [{ method => 'GET', path => '/all', auth => [@hang, @good],
                response => 1 }],
}));
my $server = JwtMapServer->start('many', "JwtMapConfig $file");

my %bearer = map { $_ => 'Authorization: Bearer ' . token(iss => "https://$_") }
    @good;
for my $name (@good) {
    ok(wait_for(30, sub {
        get($server->port, '/all', $bearer{$name})->{status} == 200 }),
        "$name: its keys are fetched");
}

# In the order in which they came.
my (%asked, $twice);
for my $request ($provider->requests) {
    last if keys(%asked) == @hang + @good;
    $twice ||= $request->{path} if $asked{ $request->{path} }++
        && $request->{path} =~ /hang/ && grep { !$asked{$url{$_}} } @good;
}
is($twice, undef, 'nobody who hangs is asked again before all others were');

# And later, when all of the bad ones are known to be bad.
my $mark = () = $provider->requests;
ok(wait_for(60, sub {
    my %count;
    $count{ $_->{path} }++ for splice @{ [$provider->requests] }, $mark;
    !grep { ($count{$url{$_}} || 0) < 3 } @good;
}), 'the good ones are fetched again and again');
is(scalar(grep { get($server->port, '/all', $bearer{$_})->{status} != 200 } @good),
    0, 'and their tokens are good');
ok($server->stop, 'the server stops');

done_testing();
