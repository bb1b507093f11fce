# Key sets that are fetched: the first fetch, rotation, discovery, and how
# often a provider is asked.

use JwtMapTest;

use IO::Select;
use JwtMapProvider;
use JwtMapServer;
use Time::HiRes qw(sleep time);

my $provider = JwtMapProvider->start('remote', tls => 1);
my $issuer = $provider->url('/');

# Several children on each MPM; -DFOREGROUND starts them at once.
my $children = $ENV{JWTMAP_MPM} eq 'prefork'
    ? "StartServers 12\nMinSpareServers 4\nMaxRequestWorkers 60"
    : "ServerLimit 4\nStartServers 4\nThreadsPerChild 64\nMaxRequestWorkers 256"
      . "\nMinSpareThreads 256\nMaxSpareThreads 256";

sub authorizer {
    my (%member) = @_;
    return { type => 'jwt', issuer => 'https://issuer.example',
             audience => 'api://gateway', tls_ca_file => $provider->ca,
             min_refresh => 6, %member };
}

sub table {
    my ($name, %authorizers) = @_;
    my $file = stage("t/conf/$name.json");
    spew($file, json({
        authorizers => \%authorizers,
        paths => [
            { method => 'GET', path => '/free', auth => JSON::PP::false(),
              response => { free => 1 } },
            map { { method => 'GET', path => "/$_", auth => $_,
                    response => { good => 1 } } } sort keys %authorizers,
        ],
    }));
    return $file;
}

sub server {
    my ($name, %authorizers) = @_;
    my $file = table($name, %authorizers);
    return JwtMapServer->start($name, "$children\nJwtMapConfig $file");
}

sub bearer { return 'Authorization: Bearer ' . token(@_) }

# The statuses of many requests at once.
sub burst {
    my ($server, $target, @tokens) = @_;
    my @open = map {
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
            PeerPort => $server->port) or die "connect: $!\n";
        my $lines = join "\r\n", "GET $target HTTP/1.1", 'Host: test',
            'Connection: close', "Authorization: Bearer $_", '', '';
        syswrite $socket, $lines;
        $socket;
    } @tokens;
    return map { my $text = ''; 1 while sysread $_, $text, 4096, length $text;
                 $text =~ /^HTTP\S+ (\d+)/ ? $1 : 0 } @open;
}

sub count {
    my (@statuses) = @_;
    my %count;
    $count{$_}++ for @statuses;
    return join ' ', map { "$_:$count{$_}" } sort keys %count;
}

# --- cold start -----------------------------------------------------------------

$provider->serve('/jwks', body => jwks('rsa', 'ec256'), delay => 1);
my $server = server('remote', jwks => authorizer(
    jwks_uri => $provider->url('/jwks?tenant=hush-hush-query')));
my @mine = map { token(sub => "user$_") } 1 .. 4;
my @statuses = burst($server, '/jwks', map { $mine[$_ % 4] } 1 .. 200);
is(count(@statuses), '200:200',
    '200 requests at once at a cold start are all answered rightly');
is(scalar $provider->requests, 1, 'with one fetch');
my ($request) = $provider->requests;
is($request->{path}, '/jwks?tenant=hush-hush-query', 'of the URL as it is');
my %field = map { /^([^:]+): (.*)/ ? (lc $1, $2) : () }
    split /\r\n/, $request->{head};
is_deeply([sort keys %field], [qw(accept host user-agent)],
    'whose head has nothing of a client in it')
    or diag($request->{head});
is_error(get($server->port, '/jwks'), 401, 'missing_token',
    'no token is still 401');
is_error(get($server->port, '/jwks', bearer(-key => 'rsa2',
    -header => { kid => 'rsa' })), 401, 'invalid_token',
    'a token of another key under a known kid is refused');
is_status(get($server->port, '/jwks', bearer(-alg => 'ES256')), 200,
    'every key of the set serves');

# --- unknown kids ---------------------------------------------------------------

$provider->serve('/jwks', body => jwks('rsa', 'ec256'));
sleep 6.2;
my $before = () = $provider->requests;
my @unknown = map { token(-header => { kid => "unknown$_" }) } 1 .. 60;
my ($took, $control) = beside($server->port, '/free', sub {
    @statuses = burst($server, '/jwks', @unknown) });
is(count(@statuses), '401:60', '60 tokens of unknown kids are refused');
cmp_ok($took, '<', 4 + 5 * $control, 'and soon');
my @asked = $provider->requests;
# More than one are right only where the machine took longer than min_refresh.
ok(@asked > $before && @asked <= $before + 1 + int($took / 6),
    'they cause one fetch, over all children')
    or diag(@asked - $before, " fetches in $took s");
my $last = $asked[-1]{time};
do {
    is(count(burst($server, '/jwks', @unknown)), '401:60',
        'more of them inside min_refresh');
} while time < $last + 5;
my $next = ($provider->requests)[scalar @asked];
ok(!$next || $next->{time} > $last + 5, 'cause none');

sleep 6.2;
my $after = () = $provider->requests;
sub unsigned {
    my ($alg, $signature) = @_;
    return join '.', map { b64url($_) } qq({"alg":"$alg","kid":"new"}), '{}',
        $signature;
}

my $good = token();
my ($head, $body, $signature) = split /\./, $good;
my @never = (
    ['a signature that is no base64url',
     join '.', jws('{"alg":"RS256","kid":"new"}', '{}', 'RS256', 'rsa')
         =~ /^([^.]*)\.([^.]*)/, 'x+y'],
    ['four parts', "$good.x"], ['no header', ".$body.$signature"],
    ['a symmetric algorithm',
     token(-alg => 'HS256', -header => { kid => 'new' })],
    ['an unknown algorithm',
     jws('{"alg":"XX256","kid":"new"}', '{}', 'RS256', 'rsa')],
    ['a crit header',
     jws('{"alg":"RS256","kid":"new","crit":["b64"]}', '{}', 'RS256', 'rsa')],
    ['a kid that is no string',
     jws('{"alg":"RS256","kid":7}', '{}', 'RS256', 'rsa')],
    ['a payload that is no JSON',
     jws('{"alg":"RS256","kid":"new"}', 'xx', 'RS256', 'rsa')],
    ['a payload that is no object',
     jws('{"alg":"RS256","kid":"new"}', '[]', 'RS256', 'rsa')],
    ['a name twice in the payload',
     jws('{"alg":"RS256","kid":"new"}', '{"a":1,"a":1}', 'RS256', 'rsa')],
    ['no signature', unsigned('RS256', '')],
    ['a signature that is too short for RSA', unsigned('RS256', 'x' x 255)],
    ['one that is too long for RSA', unsigned('RS256', 'x' x 1025)],
    ['one that is too long for the curve', unsigned('ES256', 'x' x 65)],
);
for my $case (@never) {
    my ($what, $token) = @$case;
    is_error(get($server->port, '/jwks', "Authorization: Bearer $token"),
        401, 'invalid_token', "$what: refused");
}
sleep 0.5;
is(scalar $provider->requests, $after, 'none of them causes a fetch');

# --- rotation -------------------------------------------------------------------

$provider->serve('/jwks', body => jwks('ec256', jwk('rsa2')));
is_status(get($server->port, '/jwks', bearer(-key => 'rsa2')), 200,
    'a new key is fetched for the first token of it');
is(scalar $provider->requests, $after + 1, 'with one fetch');
($took, $control) = beside($server->port, '/free', sub {
    wait_for(30, sub { count(burst($server, '/jwks', ($good) x 16)) eq '401:16' }) });
cmp_ok($took, '<', 3 + 5 * $control,
    'a removed key dies with that fetch, in every child');
is(count(burst($server, '/jwks', (token(-key => 'rsa2')) x 16)), '200:16',
    'and the new one serves in every child');

# --- a child is killed ----------------------------------------------------------

$provider->serve('/jwks', body => jwks('rsa'), delay => 1);
sleep 6.2;
my $asking = connect_to($server->port);
syswrite $asking, join "\r\n", 'GET /jwks HTTP/1.1', 'Host: test', bearer(), '',
    '';
ok(wait_for(20, sub { $provider->requests > $after + 1 }), 'a fetch begins');
my $killed = $server->kill_fetcher($provider->port);
ok($killed, 'the child that fetches is killed while it does');
$provider->serve('/jwks', body => jwks('rsa'));
# httpd may need 10 s to see that the lock of the one that fetched is free.
ok(wait_for(40, sub { get($server->port, '/jwks', bearer())->{status} == 200 }),
    'another takes over');
ok($server->stop, 'the server stops');

# A new generation need not wait for that lock.
$provider->serve('/jwks', body => jwks('rsa'), delay => 1);
$after = () = $provider->requests;
$server = server('broken', jwks => authorizer(
    jwks_uri => $provider->url('/jwks'), min_refresh => 12));
ok(wait_for(20, sub { $provider->requests > $after }), 'a first fetch begins');
ok($server->kill_fetcher($provider->port), 'its child is killed');
$provider->serve('/jwks', body => jwks('rsa'));
ok($server->graceful, 'a graceful restart');
ok(wait_for(40, sub {
    get($server->port, '/jwks', bearer())->{status} == 200 }),
    'the new generation takes over');
my @broken = ($provider->requests)[$after, $after + 1];
# Less what the first may have been seen late on a busy machine.
cmp_ok($broken[1]{time} - $broken[0]{time}, '>', 11,
    'but asks no sooner than min_refresh after the fetch that was broken off');
ok($server->stop, 'the server stops');

# --- a restart ------------------------------------------------------------------

$provider->serve('/jwks', body => jwks('rsa'));
$after = () = $provider->requests;
$server = server('remote', jwks => authorizer(
    jwks_uri => $provider->url('/jwks?tenant=hush-hush-query')));
is_status(get($server->port, '/jwks', bearer()), 200,
    'a restart starts with the keys from before');
sleep 1;
is(scalar $provider->requests, $after, 'and asks nobody');
ok($server->graceful, 'a graceful restart');
is_status(get($server->port, '/jwks', bearer()), 200, 'changes nothing');
is(scalar $provider->requests, $after, 'and asks nobody either');
my ($snapshot) = glob $server->dir . '/state/*.jwks';
is(((stat $snapshot)[2] & 07777), 0600, 'the snapshot is for its owner only');
is(((stat $server->dir . '/state')[2] & 07777), 0700, 'and so is its directory');
ok($server->stop, 'the server stops');
unlike($server->error_log, qr/hush-hush-query/,
    'the query of a URL is not in the log');

# --- who waits --------------------------------------------------------------------

SKIP: {
    skip 'a child of prefork has one request at a time', 2
        if $ENV{JWTMAP_MPM} eq 'prefork';
    $provider->serve('/jwks', body => jwks('rsa'));
    my $one = JwtMapServer->start('waiters', "ServerLimit 1\nStartServers 1\n"
        . "ThreadsPerChild 64\nMaxRequestWorkers 64\nMinSpareThreads 1\n"
        . 'JwtMapConfig ' . table('waiters', jwks => authorizer(
            jwks_uri => $provider->url('/jwks'), min_refresh => 1)));
    is_status(get($one->port, '/jwks', bearer()), 200, 'one child has keys');
    sleep 1.2;
    $provider->serve('/jwks', body => jwks('rsa', 'rsa2'), delay => 1.5);
    is(count(burst($one, '/jwks', (token(-key => 'rsa2')) x 40)), '200:8 401:32',
        'eight of a child wait for a new key, the rest are refused at once');
    $one->stop;
}

# --- discovery ------------------------------------------------------------------

sub document { return json({ issuer => $issuer,
                             jwks_uri => $provider->url('/keys?x=1'), @_ }) }

$provider->serve('/.well-known/openid-configuration', body => document());
$provider->serve('/keys', body => jwks('ed25519'),
    headers => ['Content-Type: application/jwk-set+json']);
my %oidc = (type => 'oidc', issuer => $issuer, min_refresh => 1);
$server = server('discovery', oidc => authorizer(%oidc));
is_status(get($server->port, '/oidc', bearer(-alg => 'EdDSA', iss => $issuer)),
    200, 'keys are found through the issuer');
is_error(get($server->port, '/oidc', bearer(-alg => 'EdDSA')), 401,
    'invalid_token', 'a token of another issuer is refused');
$provider->serve('/keys', body => jwks('rsa'));
sleep 1.2;
is_status(get($server->port, '/oidc', bearer(iss => $issuer)), 200,
    'and change as the others do');
ok($server->stop, 'the server stops');

for my $case (
    ['of another issuer', document(issuer => "${issuer}x")],
    ['whose issuer lacks the final slash', document(issuer => $issuer =~ s{/$}{}r)],
    ['without jwks_uri', json({ issuer => $issuer })],
    ['with a jwks_uri over plain http',
     document(jwks_uri => 'http://keys.example/')],
    ['that is no JSON', '<html>'],
) {
    my ($what, $text) = @$case;
    $provider->serve('/.well-known/openid-configuration', body => $text);
    system 'rm', '-rf', $server->dir . '/state';
    $server = server('discovery', oidc => authorizer(%oidc));
    is_error(get($server->port, '/oidc', bearer(iss => $issuer)), 503,
        'keys_unavailable', "a document $what is not used");
    $server->stop;
}

done_testing();
