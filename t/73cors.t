# `cors`: preflights are answered before auth, and the table alone says
# which origin may read an answer, whatever the upstream says.

use JwtMapTest;
use JwtMapH2;
use JwtMapServer;

my @paths = (
    { method => ['GET', 'POST'], path => '/PREFIX/user', auth => \1 },
    { method => 'DELETE', path => '/PREFIX/user', auth => \1 },
    { method => 'ANY', path => '/PREFIX/any', auth => 'optional' },
    { method => 'GET', path => '/PREFIX/own', auth => \0 },
    { method => 'OPTIONS', path => '/PREFIX/own', auth => \0 },
    { method => 'GET', path => '/PREFIX/static', auth => \1,
      response => { a => 1 } },
    { method => ['GET', 'TRACE'], path => '/PREFIX/low/{id}', auth => \1,
      mapping => { headers => { 'x-user-id' => '$request.jwt.sub' } } },
    { method => 'POST', path => '/PREFIX/low/{.+}', auth => \0 },
);

# A table for the paths below /name.
sub table_of {
    my ($name, $cors, %more) = @_;
    return JwtMapServer->table("cors-$name", cors => $cors, %more, paths => [
        map { { %$_, path => $_->{path} =~ s/PREFIX/$name/r } } @paths]);
}

my %table = (
    any   => table_of('any', { allow_origins => ['*'], max_age => 600,
                               allow_headers => ['authorization', 'x-a'],
                               expose_headers => ['x-b', 'x-c'] }),
    some  => table_of('some', { allow_origins => [
        'https://app.example', 'https://*.app.example',
        'http://localhost:*'], allow_credentials => \1,
        allow_methods => ['GET', 'PATCH'], allow_headers => ['*'] },
        unmatched => 'pass'),
    none  => JwtMapServer->table('cors-none', paths => [
        map { { %$_, path => $_->{path} =~ s/PREFIX/none/r } } @paths]),
);
my $server = JwtMapServer->start('cors', join "\n", 'Protocols h2c http/1.1',
    (map { ("<Location /$_>", "JwtMapConfig $table{$_}", '</Location>') }
         sort keys %table),
    "ProxyPass / $ENV{UPSTREAM_URL}/", '');
ok($server->listens, 'the server starts') or diag($server->console);

my @bearer = ('Authorization: Bearer ' . token(sub => 'alice'));

sub ask {
    my ($method, $target, @headers) = @_;
    return request($server->port, method => $method, target => $target,
                   headers => \@headers);
}

# A preflight of an origin for a method; nothing may reach the upstream.
sub preflight {
    my ($target, $origin, $method, @headers) = @_;
    my $mark = upstream_mark();
    my $res = ask('OPTIONS', $target, "Origin: $origin",
                  "Access-Control-Request-Method: $method", @headers);
    nothing_upstream($mark, "$target, $origin: a preflight stays here");
    return $res;
}

# Every Access-Control-* field of an answer, sorted: "allow-origin=*".
sub cors_of {
    my ($res) = @_;
    return join ' ', sort map {
        $_->[0] =~ /^access-control-(.*)/i ? lc($1) . "=$_->[1]" : ()
    } @{ $res->{headers} };
}

sub is_cors {
    my ($res, $status, $want, $test) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_status($res, $status, $test);
    is(cors_of($res), $want, "$test: fields") || diag($res->{head});
    my @vary = map { split /, */ } fields($res, 'Vary');
    is(scalar(grep { lc $_ eq 'origin' } @vary), 1, "$test: Vary: Origin once");
}

# --- preflights ------------------------------------------------------------------------

my $app = 'https://app.example';
is_cors(preflight('/any/user', $app, 'POST', 'Access-Control-Request-Headers: '
    . 'authorization'), 204, 'allow-headers=authorization, x-a '
    . 'allow-methods=GET, HEAD, POST, DELETE allow-origin=* max-age=600',
    'any origin: the methods of the path');
is_cors(preflight('/any/any', $app, 'PATCH'), 204,
    'allow-headers=authorization, x-a allow-methods=GET, HEAD, POST, PATCH '
    . 'allow-origin=* max-age=600', 'ANY: simple methods and the one asked for');
is_cors(preflight('/any/static', $app, 'GET'), 204,
    'allow-headers=authorization, x-a allow-methods=GET, HEAD allow-origin=* '
    . 'max-age=600', 'a static answer: a preflight too');
is_cors(preflight('/any/low/1', $app, 'POST'), 204,
    'allow-headers=authorization, x-a allow-methods=GET, HEAD allow-origin=* '
    . 'max-age=600', 'no method that only a less protected path has');
is_cors(preflight('/any/user', 'null', 'GET'), 204,
    'allow-headers=authorization, x-a allow-methods=GET, HEAD, POST, DELETE '
    . 'allow-origin=* max-age=600', 'any origin is also none');

for my $origin ($app, 'https://a.app.example', 'http://localhost:8080') {
    is_cors(preflight('/some/user', $origin, 'GET',
        'Access-Control-Request-Headers: x-one, X-Two'), 204,
        "allow-credentials=true allow-headers=x-one, X-Two "
        . "allow-methods=GET, PATCH allow-origin=$origin",
        "$origin is allowed with credentials");
}
for my $origin ('https://app.example.evil', 'http://app.example',
    'https://evil/.app.example', 'https://a:1.app.example', 'null', '*',
    'https://app.example, https://evil', 'https://APP.example',
    'https://evil-app.example', '') {
    is_cors(preflight('/some/user', $origin, 'GET'), 204, '',
        "'$origin' is not allowed");
}
my $res = preflight('/some/user', $app, 'GET',
    'Access-Control-Request-Headers: a: b');
unlike(cors_of($res), qr/allow-headers/, 'what is no list is not echoed');

my $h2 = JwtMapH2->new($server->port)->request(method => 'OPTIONS',
    target => '/any/user', headers => ["origin: $app",
    'access-control-request-method: GET']);
is($h2->{status}, 204, 'a preflight over HTTP/2');

# --- what is no preflight --------------------------------------------------------------

$res = ask('OPTIONS', '/any/user', "Origin: $app");
is_error($res, 405, 'method_not_allowed',
    'OPTIONS that asks for no method is a request like any other');
like(field($res, 'Allow') || '', qr/\bOPTIONS\b/, 'though OPTIONS is allowed');
for my $method ('POST', 'TRACE') {
    $res = ask($method, '/any/low/1', @bearer);
    is_error($res, 405, 'method_not_allowed',
        "$method is less protected or shows what is mapped");
    is(join(' ', sort split /, */, field($res, 'Allow')),
        'GET HEAD OPTIONS TRACE',
        "$method: Allow has what answers (httpd adds its TRACE)");
}
is_status(ask('GET', '/any/user', "Origin: $app",
    'Access-Control-Request-Method: GET'), 401, 'nor is GET one');
is_status(preflight('/none/user', $app, 'GET'), 405,
    'without cors in the table there are none');
is_status(preflight('/any/other', $app, 'GET'), 404,
    'a path without a route has none');
my $mark = upstream_mark();
is_status(ask('OPTIONS', '/any/own', "Origin: $app",
    'Access-Control-Request-Method: GET'), 200,
    'a path with an OPTIONS route of its own');
is(scalar upstream_since($mark), 1, 'answers itself');
my @own = ("Access-Control-Request-Method: GET",
    'X-Reply-Access-Control-Allow-Origin: https://evil',
    'X-Reply-Access-Control-Allow-Headers: x-own',
    'X-Reply-access-control-allow-methods: GET, PUT',
    'X-Reply-Access-Control-Max-Age: 7',
    'X-Reply-Access-Control-Anything: x');
is_cors(ask('OPTIONS', '/some/own', "Origin: $app", @own), 200,
    'allow-credentials=true allow-headers=x-own allow-methods=GET, PUT '
    . "allow-origin=$app max-age=7", 'it says methods, headers and age');
is_cors(ask('OPTIONS', '/some/own', 'Origin: https://evil', @own), 200, '',
    'but nothing to an origin that is not allowed');
is_cors(ask('OPTIONS', '/some/own', "Origin: $app", 'Origin: https://evil',
    @own), 200, '', 'nor to two origins');
is_cors(ask('OPTIONS', '/some/own', "Origin: $app", @own[1 .. $#own]), 200,
    "allow-credentials=true allow-origin=$app",
    'nor in an answer that is none to a preflight');

# --- answers -----------------------------------------------------------------------------

my @upstream = ('X-Reply-Access-Control-Allow-Origin: https://evil',
    'X-Reply-Access-Control-Allow-Credentials: true',
    'X-Reply-Access-Control-Anything: x', 'X-Reply-Vary: Accept, Origin');
is_cors(ask('GET', '/any/user', "Origin: $app", @bearer, @upstream), 200,
    'allow-origin=* expose-headers=x-b, x-c', 'an answer');
is_cors(ask('GET', '/some/user', "Origin: $app", @bearer, @upstream), 200,
    "allow-credentials=true allow-origin=$app", 'an answer with credentials');
is_cors(ask('GET', '/some/user', 'Origin: https://evil', @bearer, @upstream),
    200, '', 'an answer to an origin that is not allowed');
is_cors(ask('GET', '/some/user', @bearer, @upstream), 200, '',
    'an answer to no origin');
is_cors(ask('GET', '/some/user', "Origin: $app"), 401,
    "allow-credentials=true allow-origin=$app", 'a refusal can be read');
is_cors(ask('PUT', '/some/user', "Origin: $app", @bearer), 405,
    "allow-credentials=true allow-origin=$app", 'a wrong method, too');
is_cors(ask('GET', '/any/none', "Origin: $app", @bearer), 404,
    'allow-origin=* expose-headers=x-b, x-c', 'and a path without a route');
is_cors(ask('GET', '/some/passed', "Origin: $app", @upstream), 200,
    "allow-credentials=true allow-origin=$app", 'a path that is passed on');
is_cors(ask('GET', '/any/static', "Origin: $app", @bearer), 200,
    'allow-origin=* expose-headers=x-b, x-c', 'a static answer');
$res = ask('GET', '/none/user', "Origin: $app", @bearer, @upstream);
is(cors_of($res), 'allow-credentials=true allow-origin=https://evil anything=x',
    'without cors in the table the upstream speaks for itself');

done_testing();
