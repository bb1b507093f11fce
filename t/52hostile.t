# What a provider may do wrong on purpose: nothing of it yields a key, the last
# good keys stay, other routes do not feel it, and memory stays bounded.

use JwtMapTest;

use IO::Compress::Gzip qw(gzip);
use JwtMapProvider;
use JwtMapServer;
use Time::HiRes qw(sleep time);

my $good = jwks('rsa');
gzip(\$good => \my $gzipped);

# In the clear: what an answer says, TLS does not change, and 30 handshakes at
# once are too much for a busy machine.
my $provider = JwtMapProvider->start('hostile');
my $other = JwtMapProvider->start('good', tls => 1);
my $url = $other->url('/good');

# name => what the provider answers
my %bad = (
    slow      => [delay => 6, body => $good],
    hang      => [hang => 1],
    drip      => [chunk => 1, body => $good],
    endless   => [endless => 'body'],
    head      => [endless => 'head'],
    huge      => [body => $good . ' ' x (2 << 20)],
    gzip      => [body => $gzipped, headers => ['Content-Encoding: gzip']],
    gzipraw   => [body => $gzipped],
    deflate   => [body => $good, headers => ['Content-Encoding: deflate']],
    redirect  => [status => 302, body => $good,
                  headers => ['Location: ' . $other->url('/followed')]],
    moved     => [status => 308,
                  headers => ['Location: ' . $other->url('/followed')]],
    error     => [status => 500, body => $good],
    created   => [status => 201, body => $good],
    partial   => [status => 206, body => $good],
    nothing   => [status => 204],
    html      => [body => '<html></html>'],
    empty     => [body => ''],
    nokeys    => [body => '{"keys":[]}'],
    symmetric => [body => jwks({ kty => 'oct', kid => 'rsa',
                                 k => b64url(secret()) })],
    private   => [body => jwks({ %{ jwk('rsa') }, d => 'AQAB' })],
    many      => [body => jwks(map { jwk('rsa', kid => "k$_") } 1 .. 101)],
    twice     => [body => $good =~ s/^\{/{"keys":[],/r],
    trailing  => [body => "${good}x"],
    nul       => [body => "$good\0"],
    deep      => [body => '[' x 100000],
    short     => [raw => "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n$good"],
    old       => [raw => $good],
    noise     => [raw => "\x00\xff\x16\x03" x 100],
    bogus     => [raw => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                      . "ffffffffffffffff\r\n$good"],
);
$other->serve('/good', body => $good);
$provider->serve("/$_", @{ $bad{$_} }) for keys %bad;

# name => certificate, or protocol
my %tls = (expired => ['expired'], future => ['future'],
           foreign => ['foreign'], name => ['name'], tls11 => ['good', 'TLSv1_1']);
my %with;
for my $name (keys %tls) {
    my ($certificate, $protocol) = @{ $tls{$name} };
    $with{$name} = JwtMapProvider->start($name, tls => 1);
    # All of them have the one authority but for this.
    $with{$name}->certificate($certificate);
    $with{$name}->protocol($protocol) if $protocol;
    $with{$name}->serve('/jwks', body => $good);
}
my $plain = JwtMapProvider->start('plain');
$plain->serve('/jwks', body => $good);

sub authorizer {
    my ($jwks_uri, $ca) = @_;
    return { type => 'jwt', issuer => 'https://issuer.example',
             audience => 'api://gateway', jwks_uri => $jwks_uri,
             tls_ca_file => $ca, min_refresh => 1, cache_duration => 1 };
}

my %authorizers = (
    good => authorizer($url, $other->ca),
    plain => { %{ authorizer($plain->url('/jwks'), $other->ca) } },
    notls => authorizer('https://127.0.0.1:' . $plain->port . '/jwks',
                        $other->ca),
    system => authorizer("$url?system", $other->ca),
    (map { $_ => authorizer($provider->url("/$_"), $other->ca) } keys %bad),
    (map { $_ => authorizer($with{$_}->url('/jwks'), $with{$_}->ca) } keys %tls),
);
delete $authorizers{plain}{tls_ca_file};
delete $authorizers{system}{tls_ca_file};
my $file = stage('t/conf/hostile.json');
spew($file, json({
    authorizers => \%authorizers,
    paths => [
        { method => 'GET', path => '/free', auth => JSON::PP::false(),
          response => 1 },
        map { { method => 'GET', path => "/$_", auth => $_, response => 1 } }
            sort keys %authorizers,
    ],
}));

my @bearer = ('Authorization: Bearer ' . token(exp => time + 3600));
my @refused = sort grep { !/^(?:good|plain)$/ } keys %authorizers;

# Proxies and other words of the environment are nothing to it.
local @ENV{qw(https_proxy http_proxy ALL_PROXY)} = ('http://127.0.0.1:1') x 3;
local $ENV{HOME} = stage('t/logs/hostile-home');
mkdir $ENV{HOME};
spew("$ENV{HOME}/.netrc", "machine 127.0.0.1 login a password hush-hush-netrc\n");

my $server = JwtMapServer->start('hostile', "JwtMapConfig $file");

# The first fetch of all may take a busy machine longer than its 2 s.
sub serves {
    my ($httpd, $target, $test) = @_;
    ok(wait_for(60, sub { get($httpd->port, $target, @bearer)->{status} == 200 }),
        $test);
}

serves($server, '/good', 'a good provider serves');
serves($server, '/plain', 'so does one in the clear on loopback');
is(scalar(grep { $_->{head} =~ /^(?:Authorization|Cookie|Accept-Encoding):/mi }
    $provider->requests, $other->requests), 0, 'requests hold nothing of ~/.netrc');

# --- latency and memory of the rest ---------------------------------------------

sub rss {
    my $sum = 0;
    for my $pid (split ' ', slurp("/proc/$server->{pid}/task/$server->{pid}/children")) {
        $sum += slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m ? $1 : 0;
    }
    return $sum;
}

# The same routes in an httpd whose only provider is a good one: what this
# machine takes at this time.
my $calm_file = stage('t/conf/calm.json');
spew($calm_file, json({
    authorizers => { good => $authorizers{good} },
    paths => [
        { method => 'GET', path => '/free', auth => JSON::PP::false(),
          response => 1 },
        { method => 'GET', path => '/good', auth => 'good', response => 1 },
    ],
}));
my $calm = JwtMapServer->start('calm', "JwtMapConfig $calm_file");
serves($calm, '/good', 'so does the one to compare with');

# Median time of requests to both, in turn, in ms, and how many took a second
# or were not answered 200.
sub latency {
    my ($seconds, $target) = @_;
    my $end = time + $seconds;
    my (@took, @slow);
    while (time < $end) {
        for my $i (0, 1) {
            my $begin = time;
            my $res = get(($calm, $server)[$i]->port, $target, @bearer);
            my $ms = 1000 * (time - $begin);
            push @{ $took[$i] }, $ms;
            $slow[$i]++ if $ms > 1000 || $res->{status} != 200;
        }
        sleep 0.01;
    }
    return map { my @ms = sort { $a <=> $b } @{ $took[$_] };
                 ($ms[@ms / 2], $slow[$_] || 0) } 0, 1;
}

my $memory = rss();
my $before = () = $provider->requests;
for my $target ('/free', '/good') {
    my ($control, $calm_slow, $median, $slow) = latency(4, $target);
    cmp_ok($median, '<', 5 + 3 * $control, sprintf 'while all of it goes on, '
        . '%s takes %.1f ms, without it %.1f', $target, $median, $control);
    cmp_ok($slow, '<=', $calm_slow, 'and never a second');
}
ok(wait_for(30, sub { $provider->requests > $before + 10 }),
    'the bad ones were asked in the meantime');
ok($calm->stop, 'the server to compare with stops');
my $grown = (rss() - $memory) / 1024;
cmp_ok($grown, '<', $ENV{ASAN_LIB} ? 400 : 60,
    sprintf 'the children grew by %.0f MiB', $grown);
# --- what the log says ---------------------------------------------------------

# name => what the log says of it
my %why = (
    (map { $_ => qr/timed? ?out/i } qw(slow hang drip)),
    (map { $_ => qr/no JSON object/ }
        qw(gzipraw html empty twice trailing nul deep)),
    (map { $_ => qr/no usable key/ } qw(nokeys symmetric private)),
    (map { $_ => qr/is compressed/ } qw(gzip deflate)),
    (map { $_ => qr/HTTP\/0\.9/ } qw(old noise)),
    endless => qr/longer than 1 MiB/, head => qr/header fields .* too long/,
    huge => qr/file size/, short => qr/bytes remaining/,
    bogus => qr/chunked/, many => qr/more than 100 keys/,
    redirect => qr/status 302/, moved => qr/status 308/,
    error => qr/status 500/, created => qr/status 201/,
    partial => qr/status 206/, nothing => qr/status 204/,
    notls => qr/SSL|timed out/i, tls11 => qr/protocol/, expired => qr/expired/,
    future => qr/not yet valid/, name => qr/does not match|no alternative/,
    (map { $_ => qr/issuer certificate/ } qw(foreign system)),
);
for my $name (@refused) {
    ok(wait_for(30, sub {
        $server->error_log =~ /authorizer $name: no keys from \S+: .*$why{$name}/
    }), "$name: the log says why");

    is_error(get($server->port, "/$name", @bearer), 503, 'keys_unavailable',
        "$name: no keys");
}
is(scalar(grep { $_->{path} !~ m{^/good} } $other->requests), 0,
    'no redirect is followed');
ok($server->stop, 'the server stops');

# --- the last good keys ---------------------------------------------------------

my $one = JwtMapProvider->start('turns', tls => 1);
$one->serve('/jwks', body => $good);
my $turns = stage('t/conf/turns.json');
spew($turns, json({
    authorizer => authorizer($one->url('/jwks'), $one->ca),
    paths => [{ method => 'GET', path => '/one', auth => JSON::PP::true(),
                response => 1 }],
}));
$server = JwtMapServer->start('turns', "JwtMapConfig $turns");
serves($server, '/one', 'a provider that is good');
my $asked = () = $one->requests;
for my $name (qw(nokeys symmetric many html error redirect gzip endless)) {
    $one->serve('/jwks', @{ $bad{$name} });
    is_status(get($server->port, '/one', @bearer), 200,
        "that turns bad ($name): the last good keys stay");
}
ok(wait_for(60, sub { $one->requests > $asked + 1 }), 'it was asked');
is_status(get($server->port, '/one', @bearer), 200, 'they still do');
$one->certificate('foreign');
$one->serve('/jwks', body => jwks('ec256'));
ok(wait_for(60, sub { $server->error_log =~ /no keys from .*issuer certificate/ }),
    'somebody else takes its place');
is_status(get($server->port, '/one', @bearer), 200,
    'keys of somebody with a foreign certificate do not replace them');
ok($server->stop, 'the server stops');

done_testing();
