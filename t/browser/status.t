# The status page in a browser: t/browser/status.mjs does the looking, this
# gives it something to look at. Run by scripts/test --browser.

use JwtMapTest;
use JwtMapProvider;
use JwtMapServer;

my $modules = $ENV{JWTMAP_NODE_MODULES}
    or die "JWTMAP_NODE_MODULES is not set: see scripts/test --browser\n";

# One set that is fetched, one that cannot be any more, a file that was broken.
my $provider = JwtMapProvider->start('browser');
$provider->serve('/certs', body => jwks('rsa', 'ec256'));
$provider->serve('/partners', body => jwks('ec384'));
spew(stage('t/conf/revoked-today'), "jti:4711\n");

my @more = map { qq({ "method": "GET", "path": "/v1/reports/$_" }) } 1 .. 40;
mkdir stage('t/conf/sites');
spew(stage('t/conf/sites/api.json'), sprintf <<'JSON', join ",\n    ", @more);
{
  "authorizer": { "type": "jwt", "issuer": "https://issuer.example", "audience": "api://gateway",
                  "algorithms": ["RS256", "ES256"], "jwks_uri": "$env.CERTS",
                  "revoked_file": "../revoked-today" },
  "authorizers": {
    "partners": { "type": "jwt", "issuer": "https://partners.example", "audience": "api://gateway",
                  "jwks_uri": "$env.PARTNERS", "min_refresh": 1, "cache_duration": 2 },
    "batch": { "type": "jwt", "issuer": "https://batch.example", "audience": "api://gateway", "secret": "$secret.hs" }
  },
  "servers": [ { "alias": "api", "url": "$env.UPSTREAM_URL" } ],
  "paths": [
    { "method": "GET", "path": "/open", "auth": false, "response": { "status": "up" } },
    { "method": ["GET", "POST"], "path": "/v1/orders/{.+}", "integration": { "type": "http_proxy", "server": "api" },
      "mapping": { "headers": { "x-user-id": "$request.jwt.sub" } } },
    { "method": "GET", "path": "/v1/customers/{id}", "require": { "scope": "customers:read" }, "response": {} },
    { "method": "GET", "path": "/v1/catalogue/{.+}", "auth": "optional", "response": [] },
    { "method": "POST", "path": "/partners/{partner}/invoices", "auth": "partners", "response": {} },
    { "method": "ANY", "path": "/next/{.+}", "response": {} },
    { "method": "POST", "path": "/batch/{.+}", "auth": "batch", "response": {} },
    %s
  ]
}
JSON

$ENV{CERTS} = $provider->url('/certs');
$ENV{PARTNERS} = $provider->url('/partners');
my $server = JwtMapServer->start('browser', <<'CONF');
    JwtMapReload 1
    JwtMapSecretsDir conf/secrets
    JwtMapConfig conf/sites/api.json
    <Location "/jwtmap-status">
        SetHandler jwtmap-status
        JwtMapEngine Off
    </Location>
    <Location "/next">
        JwtMapEngine ReportOnly
    </Location>
CONF
my $port = $server->port;

# times, target, token
my $good = token(scope => 'orders customers:read');
my $old = token(exp => time - 60);
my @load = (
    [140, '/v1/orders/17', $good],
    [90, '/open'],
    [60, '/v1/catalogue/shoes'],
    [40, '/v1/customers/4711', $good],
    [14, '/next/orders', $good],
    [9, '/next/orders', $old],
    [4, '/next/orders'],
    [11, '/v1/orders/17', $old],
    [7, '/v1/orders/17'],
    [5, '/v1/customers/4711', token()],
    [3, '/v1/orders/17', token(aud => 'api://other')],
    [2, '/v1/orders/17', token(-key => 'rsa2', -header => { kid => 'rsa' })],
    [2, '/wp-login.php'],
    [1, '/v1/orders/%255c'],
);
for my $load (@load) {
    my ($times, $target, $token) = @$load;
    get($port, $target, $token ? "Authorization: Bearer $token" : ())
        for 1 .. $times;
}

$provider->serve('/partners', status => 503);
spew(stage('t/conf/revoked-today'), "jti:4711\nuser:mallory\n");
ok(wait_for(15, sub {
    get($port, '/jwtmap-status?format=json')->{body} =~ /"failed":\d.*"failed":\d/s;
}), 'a set and a file have failed');

my @pictures = $ENV{JWTMAP_PICTURES} ? $ENV{JWTMAP_PICTURES} : ();
open my $out, '-|', 'timeout', 120, 'node', stage('t/browser/status.mjs'),
    "http://127.0.0.1:$port/jwtmap-status", @pictures or die "node: $!\n";
my $lines = 0;
while (<$out>) {
    if (/^(not )?ok \d+ - (.*)/) {
        ok(!$1, $2);
        $lines++;
    }
    else {
        diag($_) if /^#/;
    }
}
close $out;
is($?, 0, 'the browser came to the end');
cmp_ok($lines, '>', 25, 'and looked at everything');
$server->stop;

done_testing();
