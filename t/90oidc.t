# A real OpenID provider: discovery, JWT access tokens, keys that rotate, and
# a day on which it is gone. Runs in scripts/test --e2e only.

use JwtMapTest;

use IPC::Open2 qw(open2);
use JSON::PP ();
use JwtMapServer;

plan skip_all => 'scripts/test --e2e runs it' unless $ENV{JWTMAP_E2E};

my $pid = open2(my $answers, my $commands, 'node', stage('t/e2e/provider.mjs'));
END { kill 'KILL', $pid if $pid }
chomp(my $issuer = <$answers>);
like($issuer, qr{^http://127\.0\.0\.1:\d+$}, 'the provider is up');

sub command {
    my ($line) = @_;
    syswrite $commands, "$line\n";
    return scalar <$answers>;
}

sub issued {
    my ($scope) = @_;
    my $text = curl('-u', 'robot:hush-hush-robot', '-d',
        "grant_type=client_credentials&scope=$scope", "$issuer/token");
    return JSON::PP->new->decode($text)->{access_token};
}

my $file = stage('t/conf/oidc.json');
spew($file, json({
    servers => [{ alias => 'upstream', url => $ENV{UPSTREAM_URL} }],
    authorizer => { type => 'oidc', issuer => $issuer, audience => 'urn:api',
                    min_refresh => 1, cache_duration => 3 },
    paths => [{
        method => 'GET', path => '/api/{.+}', auth => JSON::PP::true(),
        require => { scope => 'read' },
        integration => { type => 'http_proxy', server => 'upstream' },
        mapping => { headers => { 'x-client' => '$request.jwt.client_id' } },
    }],
}));
my $server = JwtMapServer->start('oidc', "JwtMapConfig $file");

sub ask {
    my ($token) = @_;
    return get($server->port, '/api/x', 'X-Client: root',
        "Authorization: Bearer $token");
}

my $mark = upstream_mark();
my $token = issued('read');
is_status(ask($token), 200, 'a token of the provider is accepted');
my ($record) = upstream_since($mark);
is_sent($record, 'x-client', 'robot', 'its claim arrives');
is_absent($record, 'authorization', 'and it does not');
is_error(ask(issued('write')), 403, 'insufficient_scope',
    'one without the scope is refused');
my ($head, $payload, $signature) = split /\./, $token;
is_error(ask("$head.$payload." . reverse $signature), 401, 'invalid_token',
    'one that was changed is refused');

for my $alg (qw(ES256 EdDSA PS256 RS256)) {
    my $former = issued('read');
    command("rotate $alg");
    my $latter = issued('read');
    ok(wait_for(3, sub { ask($latter)->{status} == 200 }),
        "a token of a new key ($alg) is accepted");
    is_status(ask($former), 200, 'and one of the former key');
    command('drop');
    ok(wait_for(8, sub { ask($former)->{status} == 401 }),
        'until that key is gone');
    is_status(ask($latter), 200, 'the new one goes on');
}

$token = issued('read');
is_status(ask($token), 200, 'a token is accepted');
kill 'KILL', $pid;
waitpid $pid, 0;
$pid = 0;
is_status(ask($token), 200, 'while the provider is gone');
ok($server->stop, 'the server stops');
$server = JwtMapServer->start('oidc', "JwtMapConfig $file");
is_status(ask($token), 200, 'and after a restart');
ok($server->stop, 'the server stops');

done_testing();
