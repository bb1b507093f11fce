# Under memcheck (JWTMAP_MEMCHECK) only. Nothing is lost or kept for a request:
# many of each kind, and the heap before and after. What other tests do with
# clocks and many processes, once: fetched keys, changed files, restarts; 99log
# reads what memcheck said of these.

use JwtMapTest;

use JwtMapProvider;
use JwtMapServer;

plan skip_all => 'not under memcheck: JWTMAP_MEMCHECK=1'
    unless $ENV{JWTMAP_MEMCHECK};

sub bearer { return 'Authorization: Bearer ' . token(@_) }

# --- many requests of each kind ----------------------------------------------------

# What malloc() gave shows to the octet. A pool that grows takes blocks of 8 KiB
# that another has freed before new ones: that is for a longer run to show.
my $rounds = 40;

my $good = bearer(sub => 'alice', scope => 'read', role => 'user');
my $hs = bearer(iss => 'https://one.example', -alg => 'HS256');
my @kinds = (
    # status, host, method, target, headers
    [200, 'demo', GET => '/proxy/x?actor=root&a=1', $good, 'X-User-Id: root'],
    [200, 'answers', GET => '/optional'],
    [200, 'answers', GET => '/static'],
    [200, 'authorizers', GET => '/any/x', $hs],
    [200, 'report', GET => '/plain/x', bearer(exp => time - 60)],
    [200, 'own', GET => '/base/x?actor=root', $good],
    [200, 'status', GET => '/jwtmap-status'],
    [200, 'status', GET => '/jwtmap-status?format=json'],
    [200, 'status', GET => '/jwtmap-status?format=prometheus'],
    [400, 'answers', GET => '/api/x', $good, $good],
    [401, 'answers', GET => '/api/x'],
    [401, 'answers', GET => '/api/x', 'Authorization: Bearer eyJ.e30.x'],
    [401, 'answers', GET => '/api/x', bearer(exp => time - 60)],
    [401, 'answers', GET => '/api/x', bearer(-key => 'rsa2', -header => { kid => 'rsa' })],
    [401, 'authorizers', GET => '/one/x', bearer(iss => 'https://one.example', nbf => time + 900, -alg => 'HS256')],
    [403, 'answers', GET => '/scope', $good],
    [403, 'answers', GET => '/reject', $good],
    [403, 'answers', GET => '/api/x', bearer(sub => "a\nb")],
    [404, 'demo', GET => '/elsewhere'],
    [405, 'demo', PUT => '/proxy/x', $good],
);

# The heap of the shared server, and what has changed since the last time.
sub heap {
    my $pid = slurp(stage('t/logs/httpd.pid')) + 0;
    open my $out, '-|', 'vgdb', '--vgdb-prefix=' . stage('t/logs/vgdb'),
        "--pid=$pid", qw(leak_check full reachable changed)
        or die "vgdb: $!\n";
    local $/;
    my $text = <$out>;
    close $out;
    my %change;
    for my $what ('definitely lost', 'indirectly lost', 'possibly lost',
                  'still reachable') {
        my @found = $text =~ /$what: [\d,]+ \(([+-][\d,]+)\) bytes in [\d,]+ \(([+-][\d,]+)\)/
            or next;
        $change{$what} = [map { tr/,//dr + 0 } @found];
    }
    return ($text, \%change);
}

# Less is no leak: a connection that still ended the last time is gone now. One
# that is smaller does not hide others that are kept: neither octets nor blocks
# may be more.
sub grown {
    my ($change) = @_;
    return grep { $_ > 0 } @$change;
}

sub ask_all {
    my %wrong;
    for my $round (1 .. $_[0]) {
        for my $kind (@kinds) {
            my ($wanted, $host, $method, $target, @headers) = @$kind;
            my $res = request($host, method => $method, target => $target,
                              headers => \@headers);
            $wrong{"$wanted $host $method $target: $res->{status}"}++
                if $res->{status} != $wanted;
        }
    }
    return join ', ', map { "$_ ($wrong{$_})" } sort keys %wrong;
}

# The first rounds fill caches, and the pools of threads that had none yet.
is(ask_all($rounds), '', 'each kind of request is answered as it should be');
heap();
my ($text, $change, $wrong);
my $still = 0;    # times in a row; once may be what was released meanwhile
for (1 .. 8) {
    $wrong = ask_all($rounds);
    ($text, $change) = heap();
    $still = (grep { grown($_) } values %$change) ? 0 : $still + 1;
    last if $wrong || $still == 2;
}
is($still, 2, 'the heap comes to rest');
is($wrong, '', "$rounds times");
for my $what (sort keys %$change) {
    ok(!grown($change->{$what}), "after $rounds rounds no more is $what")
        or diag($text);
}
is(keys %$change, 4, 'memcheck looked at the heap');

# --- keys and lists that change, restarts --------------------------------------------

# In the clear: a fetch has two seconds, which TLS can take here.
my $provider = JwtMapProvider->start('memcheck');
$provider->serve('/jwks', body => jwks('rsa'), headers => ['Cache-Control: max-age=1']);
spew(stage('t/conf/memcheck-jwks.json'), jwks('rsa'));
spew(stage('t/conf/memcheck-revoked'), "sub:mallory\n");

my %common = (type => 'jwt', issuer => 'https://issuer.example',
              audience => 'api://gateway');
spew(stage('t/conf/memcheck.json'), json({
    authorizers => {
        remote => { %common, jwks_uri => $provider->url('/jwks'), min_refresh => 1 },
        file => { %common, jwks_file => 'memcheck-jwks.json',
                  revoked_file => 'memcheck-revoked' },
    },
    cors => { allow_origins => ['https://app.example'] },
    paths => [map { { method => 'GET', path => "/$_", auth => $_,
                      response => { good => 1 } } } qw(remote file)],
}));
my $server = JwtMapServer->start('memcheck', "JwtMapReload 1\nJwtMapConfig conf/memcheck.json");

sub comes_to {
    my ($status, $target, @claims) = @_;
    my $bearer = bearer(@claims);
    return wait_for(20, sub { get($server->port, $target, $bearer)->{status} == $status });
}

my @elliptic = (-alg => 'ES256', sub => 'bob');
for my $round (1 .. 3) {
    ok(comes_to(200, '/remote', sub => 'alice'), "round $round: keys are fetched");
    ok(comes_to(200, '/file', sub => 'alice'), 'and read');
    is(request($server->port, method => 'OPTIONS', target => '/file',
               headers => ['Origin: https://app.example',
                           'Access-Control-Request-Method: GET'])->{status},
       204, 'a preflight is answered');
    $provider->serve('/jwks', body => '{"keys":[{"kty":"RSA"}]');
    ok(comes_to(401, '/remote', -alg => 'ES256', -header => { kid => 'none' }),
        'a broken set is not used');
    $provider->serve('/jwks', body => jwks('ec256'));
    ok(comes_to(200, '/remote', @elliptic), 'another set is');
    spew(stage('t/conf/memcheck-jwks.json'), jwks('ec256'));
    spew(stage('t/conf/memcheck-revoked'), "sub:mallory\n# $round\nsub:carol\n");
    ok(comes_to(200, '/file', @elliptic), 'a changed file is read');
    ok(comes_to(401, '/file', @elliptic, sub => 'carol'), 'a changed list, too');
    $provider->serve('/jwks', body => jwks('rsa'), headers => ['Cache-Control: max-age=1']);
    spew(stage('t/conf/memcheck-jwks.json'), jwks('rsa'));
    ok($server->graceful, 'a graceful restart ends');
}
ok($server->stop, 'the server stops');

done_testing();
