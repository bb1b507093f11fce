# JwtMapCache: a token that is in the cache is treated as one that is not: the
# same requests against two servers, with and without, several times.

use JwtMapTest;
use JwtMapServer;

my $dir = stage('t/conf/cache');
mkdir $dir;

sub table {
    my ($name, $audience, $mapping) = @_;
    spew("$dir/$name.json", json({
        servers => [{ alias => 'up', url => '$env.UPSTREAM_URL' }],
        authorizers => {
            main => { type => 'jwt', audience => $audience, leeway => 0,
                      issuer => 'https://one', jwks_file => 'jwks.json' },
            more => { type => 'jwt', audience => $audience, issuer => 'https://two',
                      jwks_file => 'jwks.json', user_claim => 'email' },
        },
        paths => [
            { method => 'GET', path => "/$name/one/{.+}", auth => 'main',
              mapping => $mapping, integration => { type => 'http', server => 'up' } },
            { method => 'GET', path => "/$name/any/{.+}", auth => ['main', 'more'],
              mapping => $mapping, integration => { type => 'http', server => 'up' } },
            { method => 'GET', path => "/$name/role/{.+}", auth => 'main',
              require => { role => 'admin' }, mapping => $mapping,
              integration => { type => 'http', server => 'up' } },
        ],
    }));
}

spew("$dir/jwks.json", json({ keys => [jwk('rsa'), jwk('ec256')] }));
table('a', ['a', 'b'], { headers => { 'x-user' => '$request.jwt.sub',
    'x-all' => { from => '$request.jwt.deep', format => 'json' },
    'x-kid' => '$request.jwt_header.kid' }, query => { who => '$request.jwt.sub' } });
table('b', 'b', { headers => { 'x-user' => '$request.jwt.email' } });

my $conf = <<'CONF';
    JwtMapReload 1
    JwtMapConfig conf/cache/a.json
    <Location /b>
        JwtMapConfig conf/cache/b.json
    </Location>
    RewriteEngine On
    RewriteCond %{LA-U:REMOTE_USER} (.+)
    RewriteRule ^/a/one/lookahead - [E=AHEAD:%1]
CONF

my %server = (
    on => JwtMapServer->start('cache-on', $conf),
    off => JwtMapServer->start('cache-off', "JwtMapCache Off\n$conf"),
    small => JwtMapServer->start('cache-small', "JwtMapCache 2\n$conf"),
);
ok($server{$_}->runs, "httpd starts with the cache $_") for sort keys %server;

my @base = (iss => 'https://one', aud => 'b', email => 'a@b');
my %token = (
    good => token(@base, sub => 'alice', role => 'user',
                  deep => { list => [1, 2.50, undef, { x => "\x{e9}" }], t => JSON::PP::true }),
    admin => token(@base, sub => 'root', role => 'admin'),
    two => token(@base, sub => 'bob', iss => 'https://two'),
    elliptic => token(@base, sub => 'eve', -alg => 'ES256'),
    other => token(@base, sub => 'mallory', aud => 'c'),
    late => token(@base, sub => 'late', exp => time - 1),
    early => token(@base, sub => 'early', nbf => time + 3600),
    forged => token(@base, sub => 'alice', -key => 'rsa2', -header => { kid => 'rsa' }),
    broken => 'eyJ.e30.x',
);
$token{half} = substr $token{good}, 0, -4;
$token{changed} = $token{good} =~ s/(.)$/$1 eq 'A' ? 'Q' : 'A'/re;

# What became of it: status, and what the upstream saw of it.
sub through {
    my ($name, $target, @tokens) = @_;
    my $mark = upstream_mark();
    my $res = get($server{$name}->port, $target,
                  map { "Authorization: Bearer $token{$_}" } @tokens);
    my ($record) = upstream_since($mark);
    return join ' | ', $res->{status}, (body_json($res) || {})->{code} || '',
        $record ? (target_of($record), map { "$_: " . join ',', spellings($record, $_) }
                   qw(x-user x-all x-kid authorization)) : 'nothing';
}

for my $round (1 .. 3) {
    for my $path (qw(/a/one/x /a/any/x /a/role/x /b/one/x /b/any/x)) {
        my @differ;
        for my $who (sort keys %token) {
            my $plain = through('off', $path, $who);
            push @differ, map { "$who: $_ " . through($_, $path, $who) . " not $plain" }
                grep { through($_, $path, $who) ne $plain } qw(on small);
        }
        ok(!@differ, "round $round, $path: the cache changes nothing") or diag(@differ);
    }
}
like(through('on', '/a/one/x', 'good'), qr{^200 .*who=alice.*x-user: alice},
    'a token that was seen before maps its claims');
like(through('on', '/b/one/x', 'good'), qr{^200 .*x-user: a\@b}i,
    'on another table it maps what that one says');
like(through('on', '/a/role/x', 'good'), qr{^403 }, 'what it may not do it still may not');
like(through('on', '/a/role/x', 'admin'), qr{^200 .*x-user: root}, 'and who may, may');

# A lookahead is a subrequest that is verified, and gone, before the request.
for my $who (('good', 'admin', 'elliptic') x 4) {
    my %sub = (good => 'alice', admin => 'root', elliptic => 'eve');
    like(through('on', '/a/one/lookahead', $who), qr{^200 .*x-user: $sub{$who}\b},
        "after a lookahead the claims are those of $who");
}

# It ends with its time, and with its key.
$token{short} = token(@base, sub => 'short', exp => time + 3);
like(through('on', '/a/one/x', 'short'), qr{^200 }, 'a token of three seconds is good');
like(through('on', '/a/one/x', 'short'), qr{^(200|401) }, 'from the cache, too');
ok(wait_for(6, sub { through('on', '/a/one/x', 'short') =~ /^401 \| token_expired/ }),
    'and then it has expired');
spew("$dir/jwks.json", json({ keys => [jwk('ec256')] }));
for my $name (sort keys %server) {
    ok(wait_for(6, sub { through($name, '/a/one/x', 'good') =~ /^401 /
                      && through($name, '/b/any/x', 'two') =~ /^401 / }),
        "without its key a token is refused, cache $name");
    like(through($name, '/a/one/x', 'elliptic'), qr{^200 }, "that of another key is not, cache $name");
}

ok($server{$_}->stop, "the server with the cache $_ stops") for sort keys %server;

done_testing();
