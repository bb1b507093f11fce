# Where the token comes from: headers with their prefixes, cookies; one place
# at a time, and nothing of it goes upstream unless forward_token says so.

use JwtMapTest;
use JwtMapH2;
use JwtMapServer;

my $mapping = { headers => { 'x-user-id' => '$request.jwt.sub' } };
my %standard = (issuer => 'https://issuer.example', audience => 'api://gateway',
                jwks_file => 'keys/jwks.json', type => 'jwt');
my $table = JwtMapServer->table('sources', unmatched => 'pass',
    authorizer => { from_headers => [
        { name => 'Authorization', value_prefix => 'Bearer ' },
        { name => 'Authorization', value_prefix => 'Token ' },
        { name => 'X-Token' }, { name => 'X-Auth', value_prefix => 'jwt=' }],
        from_cookies => ['session', 'other'] },
    authorizers => {
        plain => { %standard },
    },
    paths => [
        { method => 'ANY', path => '/any/{.+}', auth => \1,
          mapping => $mapping },
        { method => 'ANY', path => '/keep/{.+}', auth => \1,
          forward_token => \1, mapping => $mapping },
        { method => 'ANY', path => '/public/{.+}', auth => \0,
          mapping => $mapping },
        { method => 'ANY', path => '/optional/{.+}', auth => 'optional',
          mapping => $mapping },
        { method => 'ANY', path => '/plain/{.+}', auth => 'plain',
          mapping => $mapping },
        { method => 'ANY', path => '/cgi/{.+}', auth => \1,
          mapping => $mapping },
    ]);
my $cgi = stage('t/apps/echo.cgi');
my $server = JwtMapServer->start('sources', <<"CONF");
Protocols h2c http/1.1
JwtMapConfig $table
# How CGI programs are often given what httpd hides from them.
SetEnvIf Authorization "(.*)" HTTP_AUTHORIZATION=\$1
<Location /cgi/>
CGIPassAuth On
</Location>
ScriptAlias /cgi/ $cgi/
ProxyPass /cgi/ !
ProxyPass /any/fcgi/ fcgi://127.0.0.1:\${FCGI_PORT}/
ProxyPass / \${UPSTREAM_URL}/
CONF
ok($server->listens, 'the server starts') or diag($server->console);

my $token = token(sub => 'alice');
my $other = token(sub => 'mallory');

# The one record of a request that has to be let through.
sub through {
    my ($target, $test, @headers) = @_;
    my $mark = upstream_mark();
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_status(get($server->port, $target, @headers), 200, $test);
    return (upstream_since($mark))[0];
}

sub refused {
    my ($status, $code, $test, @headers) = @_;
    my $mark = upstream_mark();
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_error(get($server->port, '/any/x', @headers), $status, $code, $test);
    nothing_upstream($mark, "$test: reaches no upstream");
}

# --- one place ------------------------------------------------------------------------

my @good = (
    ["Authorization: Bearer $token"], ["Authorization: bearer $token"],
    ["Authorization: Token $token"], ["X-Token: $token"],
    ["x-token: $token"], ["X-Auth: jwt=$token"], ["Cookie: session=$token"],
    ["Cookie: session=\"$token\""], ["Cookie: other=$token"],
    ["Cookie: session=; other=$token"],
    ['Authorization: Basic YTpi', "X-Token: $token"],
    ['X-Auth: other', "Cookie: session=$token"],
);
for my $headers (@good) {
    my $shown = join(' + ', @$headers) =~ s/\Q$token\E/TOKEN/r;
    my $record = through('/any/x', $shown, @$headers);
    is_sent($record, 'x-user-id', 'alice', "$shown: is the user");
    unlike(json($record), qr/\Q$token\E/, "$shown: goes no further");
}
is_sent(through('/any/x', 'another scheme', 'Authorization: Basic YTpi',
                "X-Token: $token"), 'authorization', 'Basic YTpi',
        'what carried no token stays');

my @none = (
    ['Authorization: Basic YTpi'], ['X-Auth: ' . $token], ['X-Token:'],
    ["Cookie: Session=$token"], ["Cookie: sessions=$token; xsession=$token"],
    ['Cookie: session='], ["Authorization: token $token"],
    ["Cookie: a=session=$token"], ["X-Tokens: $token"],
);
for my $headers (@none) {
    my $shown = join(' + ', @$headers) =~ s/\Q$token\E/TOKEN/gr;
    refused(401, 'missing_token', "$shown: is none", @$headers);
}
refused(401, 'missing_token', 'a token in the URL is none', 'X-Other: 1');
is_error(get($server->port, "/any/x?access_token=$token"), 401,
    'missing_token', 'also under the name of RFC 6750');

my @two = (
    ["Authorization: Bearer $token", "X-Token: $token"],
    ["Authorization: Bearer $token", "Cookie: session=$token"],
    ["X-Token: $token", "Cookie: other=$token"],
    ["Cookie: session=$token; other=$token"],
    ["Cookie: session=$token; session=$token"],
    ["Cookie: session=$token", "Cookie: session=$other"],
    ["Cookie: a=1; session=$token", "Cookie: b=2; other=$other"],
    ["X-Token: $token", "x-token: $token"],
    ["Authorization: Bearer $token", "Authorization: Token $token"],
);
for my $headers (@two) {
    my $shown = join(' + ', @$headers) =~ s/\Q$token\E|\Q$other\E/TOKEN/gr;
    refused(400, 'invalid_request', "$shown: are two", @$headers);
}
refused(401, 'invalid_token', 'a cookie that is no token',
    'Cookie: session=abc');

# --- what goes upstream -----------------------------------------------------------------

my @cookies = (
    ["session=$token", undef], ["session=$token; a=1", 'a=1'],
    ["a=1; session=$token", 'a=1'], ["a=1;session=$token;b=\"2\"", 'a=1;b="2"'],
    ["a=1; session=$token; b=2,3; c", 'a=1; b=2,3; c'],
    ["session=; a=session; session=$token", 'a=session'],
);
for my $case (@cookies) {
    my ($sent, $want) = @$case;
    my $shown = $sent =~ s/\Q$token\E/TOKEN/r;
    for my $target ('/any/x', '/any/fcgi/x') {
        my $record = through($target, "$target, $shown", "Cookie: $sent");
        is_sent($record, 'x-user-id', 'alice', "$target, $shown: is the user");
        defined $want
            ? is_sent($record, 'cookie', $want, "$target, $shown: the rest goes")
            : is_absent($record, 'cookie', "$target, $shown: nothing is left");
    }
}
my $record = through('/any/x', 'two lines, the token in the second',
    'Cookie: a=1', "Cookie: session=$token; b=2");
is_sent($record, 'x-user-id', 'alice', 'two lines: is the user');
is_sent($record, 'cookie', 'a=1; b=2', 'two lines: the token goes no further');
$record = through('/any/x', 'two lines, the token in the first',
    "Cookie: session=$token", 'Cookie: a=1');
is_sent($record, 'cookie', 'a=1', 'the other line stays');

my $mark = upstream_mark();
my $res = JwtMapH2->new($server->port)->request(target => '/any/x',
    headers => ['cookie: a=1', "cookie: session=$token", 'cookie: b=2']);
is($res->{status}, 200, 'an HTTP/2 client sends each cookie by itself');
($record) = upstream_since($mark);
is_sent($record, 'cookie', 'a=1; b=2', 'the one with the token goes no further');

for my $headers (["Authorization: Bearer $token"], ["X-Token: $token"],
                 ["Cookie: a=1; session=$token"]) {
    my ($name, $value) = $headers->[0] =~ /^([^:]+): (.*)/;
    $record = through('/keep/x', "forward_token, $name", @$headers);
    is_sent($record, $name, $value, "forward_token, $name: goes upstream");
    is_sent($record, 'x-user-id', 'alice', "forward_token, $name: is the user");
    $record = through('/public/x', "public, $name", @$headers);
    is_sent($record, $name, $value, "public, $name: is not touched");
    is_absent($record, 'x-user-id', "public, $name: nobody is the user");
    $record = through('/passed/x', "passed, $name", @$headers);
    is_sent($record, $name, $value, "passed, $name: is not touched");
}
$record = through('/optional/x', 'optional, no token', 'Cookie: a=1');
is_sent($record, 'cookie', 'a=1', 'optional, no token: cookies stay');

# A source of another authorizer is a field like any other.
$record = through('/plain/x', 'another authorizer', "Authorization: Bearer $token",
                  "Cookie: session=$other", 'X-Token: 1');
is_sent($record, 'cookie', "session=$other", 'its cookie is none here');
is_sent($record, 'x-user-id', 'alice', 'the user is that of the header');

# What is made of Authorization for CGI programs is the credential too.
for my $target ('/cgi/x', '/any/fcgi/x') {
    $record = through($target, "$target, SetEnvIf Authorization",
                      "Authorization: Bearer $token");
    is_sent($record, 'x-user-id', 'alice', "$target: is the user");
    unlike(json($record), qr/\Q$token\E/, "$target: gets no token");
}

done_testing();
