# What the module answers itself: status, body, challenge, connection,
# log line and notes; and nothing of token or request in any of them.

use JwtMapTest;

my $good = token(sub => 'alice', scope => 'read write', role => 'admin');
my $none = token(sub => 'alice', scope => 'read');
my $old = token(sub => 'alice', exp => time - 60);
my $mark;

sub bearer { return "Authorization: Bearer $_[0]" }

# --- rows of the table ------------------------------------------------------------

my $realm = 'Bearer realm="127.0.0.1"';
my $description = qr/, error_description="[^"]*"/;
my $invalid = qr/^\Q$realm\E, error="invalid_token"$description$/;
my $request = qr/^\Q$realm\E, error="invalid_request"$description$/;
my @rows = (
    # what, method, target, headers, status, code, challenge
    ['no credentials', 'GET', '/api/x', [], 401, 'missing_token', $realm],
    ['another scheme', 'GET', '/api/x', ['Authorization: Basic YTpi'], 401, 'missing_token', $realm],
    ['an empty field', 'GET', '/api/x', ['Authorization:'], 401, 'missing_token', $realm],
    ['a blank field', 'GET', '/api/x', ['Authorization:   '], 401, 'missing_token', $realm],
    ['a longer scheme', 'GET', '/api/x', ["Authorization: Bearer$good"], 401, 'missing_token', $realm],
    ['a token only', 'GET', '/api/x', ["Authorization: $good"], 401, 'missing_token', $realm],
    ['a token in the query', 'GET', "/api/x?access_token=$good", [], 401, 'missing_token', $realm],
    ['no JWS', 'GET', '/api/x', [bearer('abc')], 401, 'invalid_token', $invalid],
    ['five parts', 'GET', '/api/x', [bearer('a.b.c.d.e')], 401, 'invalid_token', $invalid],
    ['another key', 'GET', '/api/x', [bearer(token(-key => 'rsa2', -header => { kid => 'rsa' }))],
     401, 'invalid_token', $invalid],
    ['an expired token', 'GET', '/api/x', [bearer($old)], 401, 'token_expired', $invalid],
    ['a scheme alone', 'GET', '/api/x', ['Authorization: Bearer'], 400, 'invalid_request', $request],
    ['a scheme and blanks', 'GET', '/api/x', ['Authorization: bearer   '], 400, 'invalid_request', $request],
    ['a tab', 'GET', '/api/x', ["Authorization: Bearer\t$good"], 400, 'invalid_request', $request],
    ['a blank and a tab', 'GET', '/api/x', ["Authorization: Bearer \t$good"], 400, 'invalid_request', $request],
    ['something behind the token', 'GET', '/api/x', [bearer("$good x")], 400, 'invalid_request', $request],
    ['a comma', 'GET', '/api/x', [bearer("$good,")], 400, 'invalid_request', $request],
    ['a quoted token', 'GET', '/api/x', [bearer("\"$good\"")], 400, 'invalid_request', $request],
    ['a parameter', 'GET', '/api/x', [bearer("token=$good")], 400, 'invalid_request', $request],
    ['two fields', 'GET', '/api/x', [bearer($good), bearer($good)], 400, 'invalid_request', $request],
    ['two tokens', 'GET', '/api/x', [bearer("$good, Bearer $good")], 400, 'invalid_request', $request],
    ['Basic and Bearer', 'GET', '/api/x', ['Authorization: Basic YTpi', bearer($good)], 400, 'invalid_request', $request],
    ['Bearer and Basic', 'GET', '/api/x', [bearer($good), 'Authorization: Basic YTpi'], 400, 'invalid_request', $request],
    ['a scope that is missing', 'GET', '/scope', [bearer($none)], 403, 'insufficient_scope',
     qr/^\Q$realm\E, error="insufficient_scope"$description$/],
    ['a claim that is missing', 'GET', '/claim', [bearer($none)], 403, 'forbidden', undef],
    ['no token where a scope is required', 'GET', '/optscope', [], 401, 'missing_token', $realm],
    ['a bad token where none is needed', 'GET', '/optional', [bearer($old)], 401, 'token_expired', $invalid],
    ['a value that is missing', 'GET', '/reject', [bearer($good)], 403, 'unmappable_value', undef],
    ['a value with a control', 'GET', '/api/x', [bearer(token(sub => "a\nb"))], 403, 'unmappable_value', undef],
    ['no route', 'GET', '/nowhere/at/all', [], 405, 'method_not_allowed', undef, 'PUT'],
    ['no method', 'OPTIONS', '/api/y', [], 405, 'method_not_allowed', undef, 'GET,HEAD,POST,DELETE'],
    ['a method in lower case', 'get', '/api/y', [bearer($good)], 405, 'method_not_allowed', undef, 'GET,HEAD,POST,DELETE'],
    ['a method of a longer path', 'LOCK', '/api/x', [], 405, 'method_not_allowed', undef, 'PATCH,GET,HEAD,POST,DELETE'],
    ['less protection', 'PUT', '/api/x', [bearer($good)], 405, 'method_not_allowed', undef, 'PATCH,GET,HEAD,POST,DELETE'],
    ['an ambiguous path', 'GET', '/api;/x', [bearer($good)], 400, 'bad_path', undef],
    ['an integration of others', 'GET', '/service', [bearer($good)], 501, 'not_implemented', undef],
    ['... without a token', 'GET', '/service', [], 401, 'missing_token', $realm],
    ['... that is public', 'GET', '/service/open', [], 501, 'not_implemented', undef],
    ['a static answer without a token', 'GET', '/static/secure', [], 401, 'missing_token', $realm],
    ['a name for the realm', 'GET', '/named', [], 401, 'missing_token', 'Bearer realm="the \"realm\""'],
);
my %names = ('a scope that is missing' => 'scope', 'a claim that is missing' => 'role',
             'a value that is missing' => 'x-user', 'a value with a control' => 'x-user');
for my $row (@rows) {
    my ($what, $method, $target, $headers, $status, $code, $wanted, $allow) = @$row;
    $mark = upstream_mark();
    my $log = error_log_mark();
    my @headers = ('Host: evil.example', 'X-Evil: evil', @$headers);
    my $res = request('answers', method => $method, target => "$target", headers => \@headers);
    is_error($res, $status, $code, "$what: $status $code");
    is_deeply([sort keys %{ body_json($res) || {} }], [qw(code error)], '... in two members');
    is(field($res, 'Content-Type'), 'application/json', '... of JSON');
    my $challenge = field($res, 'WWW-Authenticate');
    ref $wanted ? like($challenge, $wanted, '... with its challenge')
                : is($challenge, $wanted, '... with its challenge');
    is(join(',', sort split /, */, field($res, 'Allow') // ''),
        join(',', sort split /,/, $allow // ''), '... and the methods there are')
        if $status == 405;
    unlike("$res->{head}$res->{body}", qr/evil|alice|eyJ|api|secure/, '... shows nothing of token or request');
    nothing_upstream($mark, '... and reaches no upstream');
    my @lines = error_log_since($log) =~ /(refused: .*)/g;
    is(scalar @lines, 1, '... with one line in the log') or diag("@lines");
    like($lines[0], qr/: \Q$names{$what}\E\),/, '... that names what it is about') if $names{$what};
    unlike("@lines", qr/eyJ|alice/, '... without the token');
    next if $method =~ /[a-z]/;
    my $head = request('answers', method => 'HEAD', target => $target, headers => \@headers);
    next if $method ne 'GET';
    is_status($head, $status, '... HEAD is the same');
    is(field($head, 'Cache-Control'), 'no-store', '... and not stored');
}
my @texts = map { request('answers', target => '/api/x', headers => [bearer($_)])->{body} }
    'abc', token(iss => 'x'), token(aud => 'x'), token(-alg => 'PS256'), token(nbf => time + 99),
    token(-key => 'rsa2', -header => { kid => 'rsa' }), token(-header => { kid => 'no' });
is(scalar(keys %{{ map { $_ => 1 } @texts }}), 1, 'one text for all causes');
my $res = get('answershost', '/api/x', 'Host: evil.example');
is(field($res, 'WWW-Authenticate'), 'Bearer realm="gateway.example"', 'the realm is the server\'s name, never the client\'s');

# --- Bearer, as RFC 6750 writes it -----------------------------------------------------------

for my $case (['one blank', "Bearer $good"], ['two blanks', "Bearer  $good"],
              ['a scheme in lower case', "bearer $good"], ['in any case', "bEARER $good"],
              ['blanks around', "  Bearer $good  "]) {
    $mark = upstream_mark();
    $res = get('answers', '/api/x', "Authorization: $case->[1]");
    is_status($res, 200, "$case->[0] is accepted");
    my ($record) = upstream_since($mark);
    is_sent($record, 'x-user', 'alice', '... and mapped');
}

# --- connections --------------------------------------------------------------------------------

# Head of a request to be sent by hand.
sub head { return join("\r\n", "$_[0] HTTP/1.1", 'Host: x', @_[1 .. $#_], '', '') }

for my $case (['a body that is promised', 'Content-Length: 1048576'],
              ['... with Expect', 'Content-Length: 1048576', 'Expect: 100-continue'],
              ['a chunked body', 'Transfer-Encoding: chunked']) {
    my ($what, @headers) = @$case;
    my $start = time;
    my $socket = connect_to('answers');
    print $socket head('POST /api/x', @headers);
    $res = read_response($socket, timeout => 10, method => 'POST');
    is_error($res, 401, 'missing_token', "$what: 401");
    unlike($res->{head}, qr/ 100 /, '... without a 100');
    is(read_response($socket, timeout => 3)->{ended}, 1, '... and the connection closes');
    cmp_ok(time - $start, '<=', 3, '... at once');
}
for my $case (['GET'], ['POST', 'Content-Length: 0'], ['HEAD']) {
    my ($method, @headers) = @$case;
    my $socket = connect_to('answers');
    print $socket head("$method /api/x", @headers);
    is_status(read_response($socket, method => $method), 401, "$method without a body is refused");
    print $socket head('GET /api/x', bearer($good));
    is_status(read_response($socket), 200, '... and the connection goes on');
}
my $socket = connect_to('answers');
$mark = upstream_mark();
print $socket head('GET /api/1'), head('GET /api/2', bearer($good)), head('GET /api/3', bearer($old)),
    head('GET /static'), head('GET /api/4', bearer($none));
is(join(' ', map { read_response($socket)->{status} } 1 .. 5), '401 200 401 200 200', 'pipelined requests are answered in turn');
is(scalar(@{[upstream_since($mark)]}), 2, '... and two arrive');

# --- static answers ---------------------------------------------------------------------------------

for my $case (['/static', '{"a":[1,"é",null]}'], ['/static?actor=x', '{"a":[1,"é",null]}'], ['/static/text', '"text"'],
              ['/static/secure', '{"secure":true}', bearer($good)]) {
    my ($target, $body, @headers) = @$case;
    $res = get('answers', $target, @headers);
    is_status($res, 200, "$target is answered");
    is($res->{body}, $body, '... with its JSON');
    is(field($res, 'Content-Type'), 'application/json', '... and its type');
    my $head = request('answers', method => 'HEAD', target => $target, headers => \@headers);
    is_status($head, 200, '... also to HEAD');
    is(field($head, 'Content-Length'), length $body, '... with its length') if $target !~ /secure/;
}
like(field($res, 'Cache-Control') // '', qr/private/, 'one for a token is private');
$res = request('answers', method => 'POST', target => '/static/secure', headers => [bearer($good)], body => 'x' x 9999);
is_status($res, 200, 'a body is taken in first');
$res = get('answers', '/static/', bearer($good));
is_error($res, 405, 'method_not_allowed', 'a path beside it has none');

# --- the log line -------------------------------------------------------------------------------------

for my $case (['plain', 'plain'], ["a\nb", 'a\\\\?\\\\x0ab'], ["a\e[2Jb", 'a\\\\?\\\\x1b\[2Jb'], ['a"b', 'a\\\\?\\\\x22b'],
              ["a\\b", 'a\\\\?\\\\x5cb'], ['k' x 500, 'k{32,128}\.\.\.'], ["\x{e9}", '\\\\?\\\\xc3\\\\?\\\\xa9']) {
    my ($kid, $shown) = @$case;
    my $log = error_log_mark();
    get('answers', '/api/x', bearer(token(-header => { kid => $kid })));
    my @lines = split /\n/, error_log_since($log);
    is(scalar(grep { /jwtmap/ } @lines), 1, 'a kid stays in its line') or diag(join "\n", @lines);
    like($lines[0], qr/refused: key \(.*\), route GET \/api\/\{\.\+\}, authorizer default, kid $shown$/, '... escaped and capped');
}

# --- notes --------------------------------------------------------------------------------------------------

# The notes of one request, as the access log shows them.
my $count = 0;
sub logged {
    my ($target, @claims) = @_;
    my $file = stage('t/logs/answers_log');
    my %note;
    my $line = '';
    $count++;
    get('answers', $target, "X-Mark: $count", @claims ? bearer(token(@claims)) : ());
    wait_for(5, sub { ($line) = slurp($file) =~ /^$count\|(.*)/m });
    @note{qw(status user sub verdict route authorizer n b o p Case long last ctl list)} = split /\|/, $line, -1;
    return \%note;
}

my $note = logged('/api/x', sub => 'alice', n => 1.50, b => JSON::PP::true(), o => { p => 'q' }, list => ['a', 1]);
is_deeply($note, { status => 200, user => 'alice', sub => 'alice', verdict => 'ok', route => 'GET /api/{.+}', authorizer => 'default',
    n => '1.5', b => 'true', o => '-', p => 'q', list => '[\"a\",1]', map { $_ => '-' } qw(Case long last ctl) },
    'scalar claims and mapped paths are notes');
$note = logged('/api/x');
is("@$note{qw(status user sub verdict)}", '401 - - none', 'without a token there are none');
$note = logged('/api/x', exp => time - 60, sub => 'alice');
is("@$note{qw(status user sub verdict)}", '401 - - expired', 'nor of one that is refused');
$note = logged('/optional');
is("@$note{qw(status user sub verdict)}", '200 - - none', 'nor on an optional route');
$note = logged('/scope', sub => 'alice');
is("@$note{qw(status user sub verdict)}", '403 alice alice scope', 'a token without the scope is verified all the same');
$note = logged('/claim', -payload => json({ aud => 'api://gateway', iss => 'https://issuer.example', exp => time + 60, role => 'admin',
    Case => 'upper', case => 'lower', sub => 'bob', long => 'x' x 2000, ctl => "a\r\n\e", list => [1] }));
is("@$note{qw(status sub Case list)}", '200 bob - -', 'claims that differ in case only are not exported');
is($note->{long}, 'x' x 1024, 'a note has 1 KiB at most');
like($note->{ctl}, qr/^a\\+x0d\\+x0a\\+x1b$/, 'control characters are escaped');
$note = logged('/claim', -payload => json({ aud => 'api://gateway', iss => 'https://issuer.example', exp => time + 60, role => 'admin',
    long => "\n" x 2000 }));
is($note->{long}, '\\\\x0a' x 256, '... also of a value of controls');
$note = logged('/api/x', sub => 'alice', o => { p => 'lower', P => 'upper' });
is("@$note{qw(status sub p)}", '200 alice -', 'nor are such members of a claim');
$note = logged('/user', iss => 'https://empty.example', aud => 'a', o => { p => 'carol' }, sub => 'alice');
is("@$note{qw(status user sub authorizer)}", '200 carol alice empty', 'the user is the claim that the authorizer names');
$note = logged('/user', iss => 'https://empty.example', aud => 'a', o => { p => "ca\nrol" });
is("@$note{qw(status user)}", '200 -', '... where it can be one');
my @many = map { (sprintf('z%03d', $_) => [1], sprintf('a%03d', $_) => 1) } 1 .. 40;
$note = logged('/api/x', sub => 'alice', last => 'y', @many);
is($note->{last}, 'y', '64 scalar claims are exported, whatever else there is');
@many = map { sprintf('a%03d', $_) => 1 } 1 .. 80;
$note = logged('/api/x', sub => 'alice', last => 'y', @many);
is("@$note{qw(last sub)}", '- alice', '... and no more, but for those that are mapped');

done_testing();
