# AuthType Bearer, Require jwtmap-claim and jwtmap-scope: authorization in
# Apache's own terms, on the one verification.

use JwtMapTest;
use JwtMapServer;

my $table = JwtMapServer->table('authz', unmatched => 'pass',
    cors => { allow_origins => ['https://app.example'] },
    authorizers => { second => { type => 'jwt', secret_file => 'keys/hs.secret',
        issuer => 'https://second.example', audience => 'api://gateway',
        user_claim => 'email', from_cookies => ['session'] } },
    paths => [
        (map { { method => 'ANY', path => "/$_/{.+}", auth => 'default',
                 mapping => { headers => {
                     'x-user-id' => '$request.jwt.sub' } } } }
             qw(valid role roles n flag scope user all any ip deny basic loose
                nested forbidden)),
        { method => 'ANY', path => '/email/{.+}', auth => 'second' },
        { method => 'ANY', path => '/optional/{.+}', auth => 'optional' },
        { method => 'ANY', path => '/public/{.+}', auth => \0 },
        { method => 'ANY', path => '/report/{.+}', auth => 'default' },
    ]);

sub location {
    my ($name, @lines) = @_;
    return ("<Location /$name/>", 'AuthType Bearer', 'AuthName "the realm"',
            @lines, '</Location>');
}

spew(stage('t/conf/authz.users'), "bob:{SHA}Ys23Ag/5IOWqZCw9QGaVDdHwH00=\n");
my $server = JwtMapServer->start('authz', join "\n", "JwtMapConfig $table",
    location('valid', 'Require valid-user'),
    location('role', 'Require jwtmap-claim role admin'),
    location('roles', 'Require jwtmap-claim role editor "chief editor"'),
    location('n', 'Require jwtmap-claim n 7'),
    location('flag', 'Require jwtmap-claim flag true'),
    location('nested', 'Require jwtmap-claim realm.role admin'),
    location('scope', 'Require jwtmap-scope write'),
    location('user', 'Require user alice'),
    location('all', '<RequireAll>', 'Require jwtmap-claim role admin',
             'Require jwtmap-scope write', '</RequireAll>'),
    location('any', '<RequireAny>', 'Require jwtmap-claim role admin',
             'Require jwtmap-scope write', '</RequireAny>'),
    location('ip', '<RequireAny>', 'Require ip 127.0.0.1',
             'Require jwtmap-claim role admin', '</RequireAny>'),
    location('deny', '<RequireAll>', 'Require not ip 127.0.0.1',
             'Require jwtmap-claim role admin', '</RequireAll>'),
    location('loose', 'Require all granted'),
    location('forbidden', 'AuthzSendForbiddenOnFailure On',
             'Require jwtmap-claim role admin'),
    location('email', 'Require valid-user'),
    location('optional', 'Require valid-user'),
    location('public', 'Require valid-user'),
    location('passed', 'Require valid-user'),
    location('report', 'JwtMapEngine ReportOnly',
             'Require jwtmap-claim role admin'),
    '<Location /off/>', 'JwtMapEngine Off', 'AuthType Bearer',
    'Require valid-user', '</Location>',
    '<Location /basic/>', 'AuthType Basic', 'AuthName "basic"',
    'AuthBasicProvider file', 'AuthUserFile conf/authz.users',
    'Require jwtmap-claim role admin', '</Location>',
    'LogFormat "%u %>s %U" user', 'CustomLog logs/authz/access_log user',
    "ProxyPass / $ENV{UPSTREAM_URL}/", '');
ok($server->listens, 'the server starts') or diag($server->console,
                                                   $server->error_log);

sub bearer { return 'Authorization: Bearer ' . token(@_) }

sub ask { return get($server->port, @_) }

sub granted {
    my ($target, $test, @headers) = @_;
    my $mark = upstream_mark();
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_status(ask($target, @headers), 200, $test);
    is(scalar upstream_since($mark), 1, "$test: reaches the upstream");
}

# challenge: a pattern for WWW-Authenticate, undef: there is none.
sub denied {
    my ($target, $status, $code, $challenge, $test, @headers) = @_;
    my $mark = upstream_mark();
    my $res = ask($target, @headers);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_error($res, $status, $code, $test);
    nothing_upstream($mark, "$test: reaches no upstream");
    my @fields = fields($res, 'WWW-Authenticate');
    is(scalar @fields, defined $challenge ? 1 : 0, "$test: challenges");
    like($fields[0], $challenge, "$test: the challenge") if defined $challenge;
}

# --- 401: no token, or none that can be used ----------------------------------------------

my $realm = qr/^Bearer realm="the realm"$/;
my $invalid = qr/^Bearer realm="the realm", error="invalid_token"/;
for my $path (qw(valid role scope any all forbidden optional public passed)) {
    denied("/$path/x", 401, 'missing_token', $realm, "/$path without a token");
}
for my $path (qw(valid role any forbidden optional)) {
    denied("/$path/x", 401, 'token_expired', $invalid,
           "/$path with an expired token", bearer(exp => time - 60,
                                                  role => 'admin'));
}
denied('/valid/x', 400, 'invalid_request', qr/error="invalid_request"/,
       'two credentials', bearer(), bearer());
denied('/valid/x', 401, 'invalid_token', $invalid,
       'a token without the user claim', bearer(sub => undef));
denied('/role/x', 401, 'invalid_token', $invalid,
       'also where another claim is required', bearer(sub => undef,
                                                      role => 'admin'));
denied('/optional/x', 401, 'invalid_token', $invalid,
       'a user claim that cannot be a user', bearer(sub => "a\nb"));
denied('/public/x', 401, 'missing_token', $realm,
       'a public route verifies nothing', bearer());
denied('/passed/x', 401, 'missing_token', $realm,
       'nor does a path without a route', bearer());

my $second = sub {
    return 'Cookie: session=' . token(-alg => 'HS256',
        iss => 'https://second.example', sub => undef, @_);
};
granted('/email/x', 'the user claim of the authorizer',
        $second->(email => 'a@b.example'));
denied('/email/x', 401, 'invalid_token', $invalid,
       'which this token does not have', $second->());

# --- 403: a good token, the wrong claim -----------------------------------------------------

my $insufficient = qr/error="insufficient_scope"/;
granted('/valid/x', 'any user', bearer());
granted('/role/x', 'the claim', bearer(role => 'admin'));
granted('/role/x', 'the claim is in a list', bearer(role => ['a', 'admin']));
granted('/roles/x', 'one of two values', bearer(role => 'chief editor'));
granted('/nested/x', 'a claim in an object', bearer(realm => { role => 'admin' }));
granted('/n/x', 'a number', bearer(n => 7));
granted('/n/x', 'or its text', bearer(n => '7'));
granted('/flag/x', 'a boolean', bearer(flag => \1));
granted('/scope/x', 'a scope', bearer(scope => 'read write'));
granted('/scope/x', 'a scope in scp', bearer(scp => ['write']));
granted('/user/x', 'a user by name', bearer());
granted('/all/x', 'both of two', bearer(role => 'admin', scope => 'write'));
granted('/any/x', 'the first of two', bearer(role => 'admin'));
granted('/any/x', 'the second of two', bearer(scope => 'write'));

my @wrong = (
    ['/role/x', 'no such claim'], ['/role/x', 'another value', role => 'user'],
    ['/role/x', 'a part of it', role => 'administrator'],
    ['/role/x', 'another case', role => 'Admin'],
    ['/roles/x', 'a word of a value', role => 'chief'],
    ['/nested/x', 'a flat claim', role => 'admin'],
    ['/n/x', 'another number', n => 70], ['/flag/x', 'false', flag => \0],
    ['/user/x', 'another user', sub => 'bob'],
    ['/all/x', 'the first alone', role => 'admin', -scope => 1],
    ['/any/x', 'neither', role => 'user', -scope => 1],
    ['/forbidden/x', 'where httpd says 403 itself', role => 'user'],
);
for my $case (@wrong) {
    my ($target, $what, %claims) = @$case;
    my $scope = delete $claims{-scope};
    denied($target, 403, $scope ? 'insufficient_scope' : 'forbidden',
           $scope ? $insufficient : undef, "$target, $what: 403",
           bearer(%claims));
}
denied('/scope/x', 403, 'insufficient_scope', $insufficient,
       'a missing scope', bearer(scope => 'read writes'));
for my $what ('require (a requirement on a claim is not met: role), route ANY /role',
              'require (a requirement on a claim is not met: realm.role)',
              'scope (a requirement on the scope is not met: scope)',
              'require (a requirement on a claim is not met), route ANY /user') {
    like($server->error_log, qr/refused: \Q$what\E/, "the log: $what");
}

# --- beside others ----------------------------------------------------------------------------

granted('/ip/x', 'an address that is granted, and a good token', bearer());
denied('/ip/x', 401, 'missing_token', qr/^Bearer realm=/,
       'what an address is granted does not open a route');
denied('/loose/x', 401, 'missing_token', qr/^Bearer realm=/,
       'nor does Require all granted');
granted('/loose/x', 'which a token does', bearer());

my @basic = ('Authorization: Basic Ym9iOmJvYg==');
my $mark = upstream_mark();
for my $headers ([@basic], [bearer(role => 'admin')], []) {
    is_status(ask('/basic/x', @$headers), 401,
              'a claim is required with AuthType Bearer only');
}
is_status(ask('/deny/x', bearer(role => 'admin')), 403,
          'an address that is denied stays denied, with a good token');
is_status(ask('/off/x', bearer()), 500,
          'AuthType Bearer where the engine is off lets nobody in');
nothing_upstream($mark, 'none of these reaches the upstream');

# Require lines are httpd's: ReportOnly does not open what they close.
denied('/report/x', 401, 'missing_token', $realm, 'ReportOnly, no token');
denied('/report/x', 403, 'forbidden', undef, 'ReportOnly, another claim',
       bearer(role => 'user'));
granted('/report/x', 'ReportOnly, the claim', bearer(role => 'admin'));

# A preflight carries no credentials.
$mark = upstream_mark();
my $res = request($server->port, method => 'OPTIONS', target => '/role/x',
    headers => ['Origin: https://app.example',
                'Access-Control-Request-Method: GET']);
is_status($res, 204, 'a preflight is answered before Require');
is(field($res, 'Access-Control-Allow-Origin'), 'https://app.example',
   'with the fields of the table');
nothing_upstream($mark, 'and reaches no upstream');
is_status(request($server->port, method => 'OPTIONS', target => '/role/x'), 401,
          'another OPTIONS is not');

# --- the log, and the start ---------------------------------------------------------------------

ask('/role/logged', bearer(role => 'admin'));
ok(wait_for(5, sub { slurp(stage('t/logs/authz/access_log'))
    =~ m{^alice 200 /role/logged$}m }), 'the access log shows the user');

for my $line ('jwtmap-claim', 'jwtmap-claim role', 'jwtmap-scope',
              'jwtmap-claim a..b x', "jwtmap-claim ['a x") {
    my ($status, $output) = httpd_t("<Location />\nAuthType Bearer\n"
        . "Require $line\n</Location>");
    isnt($status, 0, "Require $line is an error")
        or diag($output);
}

done_testing();
