# Through httpd: which authorizer is for a token, where the token
# is looked for, what of it goes upstream, `require`, and who the user is. What
# is refused is refused with the answer that is due.

use JwtMapTest;

# A token of an issuer, HS256 unless it is two's.
sub of {
    my ($issuer, %more) = @_;
    my @alg = $issuer eq 'two' ? (-alg => 'RS256', -header => { kid => undef })
                               : (-alg => 'HS256');
    return token(iss => "https://$issuer.example", @alg, %more);
}

sub bearer { return 'Authorization: Bearer ' . of(@_) }

sub through {
    my ($target, @headers) = @_;
    my $mark = upstream_mark();
    my $res = get('authorizers', $target, @headers);
    my @records = upstream_since($mark);
    return ($records[0], $res);
}

sub passes {
    my ($test, $target, @headers) = @_;
    my ($record, $res) = through($target, 'x-sub: spoofed', @headers);
    is_status($res, 200, "$test: let through");
    is_sent($record, 'x-sub', 'alice', "$test: with its claim");
    return $record;
}

sub fails {
    my ($test, $status, $code, $target, @headers) = @_;
    my ($record, $res) = through($target, 'x-sub: spoofed', @headers);
    is_error($res, $status, $code, "$test: $status $code");
    ok(!$record, "$test: nothing arrives");
    return $res;
}

# --- by name, and by issuer ---------------------------------------------------

passes('one by name', '/one/x', bearer('one'));
passes('its other issuer', '/one/x', bearer('uno'));
passes('two by name', '/two/x', bearer('two'));
fails("two's token for one", 401, 'invalid_token', '/one/x', bearer('two'));
fails("one's token for two", 401, 'invalid_token', '/two/x', bearer('one'));
passes("any of three, $_", '/any/x', bearer($_)) for qw(one uno two both);
fails('any of three, a fourth', 401, 'invalid_token', '/any/x', bearer('field'));
fails('any of three, none', 401, 'invalid_token', '/any/x',
      'Authorization: Bearer ' . token(iss => undef, -alg => 'HS256'));
for my $iss ('["https://one.example"]', 'null', '1', '"https://one.example/"',
             '"https://ONE.example"') {
    my $payload = "{\"iss\":$iss,\"aud\":\"api://gateway\",\"sub\":\"alice\","
        . '"exp":' . (time + 300) . '}';
    my $token = jws('{"alg":"HS256"}', $payload, 'HS256', 'hs');
    fails("any of three, iss $iss", 401, 'invalid_token', '/any/x',
          "Authorization: Bearer $token");
}
# The unverified iss only selects: the choice binds key, algorithm, issuer.
fails("one's issuer, signed by two's key", 401, 'invalid_token', '/any/x',
      bearer('one', -alg => 'RS256', -header => { kid => undef }));
fails("two's issuer, signed with one's secret", 401, 'invalid_token', '/any/x',
      'Authorization: Bearer ' . token(iss => 'https://two.example',
                                       -alg => 'HS256'));
fails("two's issuer, its public key as secret", 401, 'invalid_token', '/any/x',
      'Authorization: Bearer ' . token(iss => 'https://two.example',
          -alg => 'HS256', -secret => slurp(key_file('rsa.pub.pem'))));
fails('iss twice', 401, 'invalid_token', '/any/x', 'Authorization: Bearer '
      . jws('{"alg":"HS256"}', '{"iss":"https://two.example","iss":'
            . '"https://one.example","aud":"api://gateway","exp":9999999999}',
            'HS256', 'hs'));

# --- sources ------------------------------------------------------------------

passes('a field of its own', '/field/x', 'X-Token: ' . of('field'));
passes('a field with a prefix', '/field/x', 'X-Prefixed: JWT ' . of('field'));
fails('the prefix missing', 401, 'missing_token', '/field/x',
      'X-Prefixed: ' . of('field'));
fails('the prefix in another case', 401, 'missing_token', '/field/x',
      'X-Prefixed: jwt ' . of('field'));
fails('the prefix alone', 401, 'missing_token', '/field/x', 'X-Prefixed: JWT ');
fails('Authorization where it is no source', 401, 'missing_token', '/field/x',
      bearer('field'));
fails('both fields', 400, 'invalid_request', '/field/x',
      'X-Token: ' . of('field'), 'X-Prefixed: JWT ' . of('field'));
fails('the field twice', 400, 'invalid_request', '/field/x',
      map { 'X-Token: ' . of('field') } 1, 2);
fails('two tokens in the field', 400, 'invalid_request', '/field/x',
      'X-Token: ' . of('field') . ' ' . of('field'));
passes('a cookie', '/cookie/x', 'Cookie: session=' . of('cookie'));
passes('a quoted cookie', '/cookie/x', 'Cookie: session="' . of('cookie') . '"');
passes('the other cookie', '/cookie/x', 'Cookie: a=b; __Host-id='
       . of('cookie') . '; c=d');
fails('both cookies', 400, 'invalid_request', '/cookie/x', 'Cookie: session='
      . of('cookie') . '; __Host-id=' . of('cookie'));
fails('the cookie twice', 400, 'invalid_request', '/cookie/x',
      'Cookie: session=' . of('cookie') . '; session=' . of('cookie'));
fails('a cookie of another case', 401, 'missing_token', '/cookie/x',
      'Cookie: Session=' . of('cookie'));
fails('an empty cookie', 401, 'missing_token', '/cookie/x', 'Cookie: session=');
fails('a cookie that is no token', 401, 'invalid_token', '/cookie/x',
      'Cookie: session=abc');
passes('header or cookie, header', '/both/x', bearer('both'));
passes('header or cookie, cookie', '/both/x', 'Cookie: session=' . of('both'));
fails('header and cookie', 400, 'invalid_request', '/both/x', bearer('both'),
      'Cookie: session=' . of('both'));
passes("any of three, both's cookie", '/any/x', 'Cookie: session='
       . of('both'));
fails("any of three, one's token in both's cookie", 401, 'invalid_token',
      '/any/x', 'Cookie: session=' . of('one'));
for my $name (qw(access_token token jwt authorization)) {
    fails("never the URL: $name", 401, 'missing_token',
          "/one/x?$name=" . of('one'));
}
for my $case (['no field', 'missing_token'], ['Basic', 'missing_token',
        'Basic YTpi'], ['an empty field', 'missing_token', ''],
    ['Bearer alone', 'invalid_request', 'Bearer'],
    ['Bearer and blanks', 'invalid_request', 'Bearer   '],
    ['two tokens', 'invalid_request', 'Bearer a b'],
    ['a list', 'invalid_request', 'Bearer a, Bearer b'],
    ['a parameter', 'invalid_request', 'Bearer realm="x"'],
    ['another octet', 'invalid_request', "Bearer a\xff"],
    ['no token of ours', 'invalid_token', 'Bearer abc'],
    ['a name that begins so', 'missing_token', 'Bearerx abc']) {
    my ($what, $code, @value) = @$case;
    my $status = $code eq 'invalid_request' ? 400 : 401;
    my $res = fails($what, $status, $code, '/one/x',
                    map { "Authorization: $_" } @value);
    like(field($res, 'WWW-Authenticate') // '',
         qr/^Bearer realm="the \\"inner\\" realm"/, "$what: has the challenge");
    unlike(field($res, 'WWW-Authenticate') // '', qr/error=/,
           "$what: without an error") if $code eq 'missing_token';
}
passes("$_ is the scheme", '/one/x', "Authorization: $_ " . of('one'))
    for 'bearer', 'BEARER', 'Bearer  ';

# --- what goes upstream -------------------------------------------------------

my $record = passes('Authorization', '/one/x', bearer('one'), 'Cookie: a=b');
is_absent($record, 'authorization', 'a verified token stays here');
is_sent($record, 'cookie', 'a=b', 'cookies do not');
($record) = through('/keep/one', bearer('one'));
is(scalar(seen($record, 'authorization')), 1, 'forward_token keeps it');
$record = passes('a field', '/field/x', 'X-Token: ' . of('field'),
                 'Authorization: Basic YTpi');
is_absent($record, 'x-token', 'its field stays here');
is_sent($record, 'authorization', 'Basic YTpi',
        'an Authorization that is no source goes on');
for my $case (['session=T', undef], ['a=b; session=T', 'a=b'],
    ['session=T; a=b', 'a=b'], ['a=b; session=T; c="d e"', 'a=b; c="d e"'],
    ['a=b;session=T;c=d', 'a=b;c=d'], ['xsession=1; session=T', 'xsession=1'],
    ['session=; session=T; a=b', 'a=b']) {
    my ($sent, $left) = @$case;
    (my $cookie = $sent) =~ s/T/of('cookie')/e;
    $record = passes("Cookie: $sent", '/cookie/x', "Cookie: $cookie");
    defined $left ? is_sent($record, 'cookie', $left, "of $sent stays $left")
                  : is_absent($record, 'cookie', "of $sent stays nothing");
}
my $cookie = 'a=b; session=' . of('cookie');
($record) = through('/keep/cookie', "Cookie: $cookie");
is_sent($record, 'cookie', $cookie, 'forward_token keeps the cookie');
($record) = through('/public', bearer('one'), "Cookie: $cookie");
is(scalar(seen($record, 'authorization')), 1, 'a public route touches nothing');
is_sent($record, 'cookie', $cookie, 'nor the cookie');

# --- require ------------------------------------------------------------------

my @required = (
    ['role', { role => 'admin' }, 200], ['role', { role => 'root' }, 200],
    ['role', { role => 'Admin' }, 403], ['role', {}, 403],
    ['role', { role => undef }, 403], ['role', { role => ['x', 'root'] }, 200],
    ['role', { role => [] }, 403], ['role', { role => 'admin root' }, 403],
    ['role', { role => { admin => 1 } }, 403],
    ['role', { role => [['admin']] }, 403],
    ['scope', { scope => 'read' }, 200], ['scope', { scope => 'a read b' }, 200],
    ['scope', { scope => 'reader' }, 403], ['scope', { scope => 'a,read' }, 403],
    ['scope', { scope => '' }, 403], ['scope', { scope => ['x', 'read'] }, 200],
    ['scope', { scope => ['x read'] }, 403], ['scope', { scope => "a\tread" },
                                               403],
    ['scope', { scp => 'read' }, 403], ['scp', { scp => 'write x' }, 200],
    ['scp', { scp => ['read'] }, 200], ['scp', { scp => 'x' }, 403],
    ['number', { n => 100 }, 200], ['number', { n => \'100.0' }, 200],
    ['number', { n => \'1e2' }, 200], ['number', { n => \'"100"' }, 403],
    ['number', { n => 101 }, 403], ['number', { n => [\'7', 100] }, 200],
    ['text', { n => \'"100"' }, 200], ['text', { n => 100 }, 403],
    ['bool', { b => \'true' }, 200], ['bool', { b => \'false' }, 403],
    ['bool', { b => 'true' }, 403], ['bool', { b => 1 }, 403],
    ['nested', { a => { b => { c => 'x' } } }, 200],
    ['nested', { 'a.b.c' => 'x' }, 200], ['nested', { a => { b => 'x' } }, 403],
    ['nested', { 'a.b' => { c => 'x' } }, 403],
    (map { ([$_, { 'https://ns/role' => 'x' }, 200],
            [$_, { 'https://ns/role' => 'y' }, 403]) } 'url', 'plain-url'),
    ['two', { role => 'admin', n => 2 }, 200], ['two', { role => 'admin' }, 403],
    ['two', { n => 2 }, 403], ['two', { role => 'x', n => 2 }, 403],
);
# A reference to a text is that text as JSON.
sub text_of {
    my ($value) = @_;
    return $$value if ref $value eq 'SCALAR';
    return '[' . join(',', map { text_of($_) } @$value) . ']'
        if ref $value eq 'ARRAY';
    return '{' . join(',', map { json_string($_) . ':' . text_of($value->{$_}) }
                      sort keys %$value) . '}' if ref $value eq 'HASH';
    return !defined $value ? 'null' : $value =~ /^[0-9]+$/ ? $value
        : json_string($value);
}

sub json_string { return JSON::PP->new->allow_nonref->utf8->encode("$_[0]") }

for my $case (@required) {
    my ($path, $claims, $status) = @$case;
    my $text = text_of({ %$claims, iss => 'https://one.example', exp => time
        + 300, aud => 'api://gateway', sub => 'alice' });
    my $name = "require $path: " . text_of($claims);
    my ($got, $res) = through("/require/$path", 'Authorization: Bearer '
        . jws('{"alg":"HS256"}', $text, 'HS256', 'hs'));
    $status == 200 ? is_status($res, 200, "$name holds")
        : is_error($res, 403, $path =~ /^sc/ ? 'insufficient_scope'
                   : 'forbidden', "$name does not hold");
    is(!!$got, $status == 200, "$name: and so it is upstream");
    is(scalar(() = (field($res, 'WWW-Authenticate') // '') =~
              /error="insufficient_scope"/g), $path =~ /^sc/ ? 1 : 0,
       "$name: the challenge is for a scope") if $status == 403;
}

# --- two tables, one server ---------------------------------------------------

for my $case (['/one/x', 'api://other', 200, 'x-other', 'its own table'],
    ['/one/x', 'api://gateway', 401, undef, 'and no other'],
    ['/named/x', 'api://gateway', 404, undef, 'the table of the <Location>'],
    ['/maybe', 'api://other', 200, 'x-other', 'optional'],
    ['/maybe', 'api://gateway', 401, undef, 'optional, a bad token'],
    ['/optional', 'api://other', 403, undef, 'optional, require not met'],
    ['/off/x', 'api://gateway', 200, undef, 'Off takes a path out of scope']) {
    my ($target, $aud, $status, $name, $what) = @$case;
    my $mark = upstream_mark();
    my $res = get('authorizers2', $target, 'x-other: spoofed',
                  bearer('one', aud => $aud));
    is_status($res, $status, "$target, $what: $status");
    my ($got) = upstream_since($mark);
    is_sent($got, $name, 'alice', "$target, $what: with its claim") if $name;
    is_sent($got, 'x-other', 'spoofed', 'Off strips nothing')
        if $target =~ /off/;
}
is_error(get('authorizers2', '/optional'), 401, 'missing_token',
         'require on an optional route without a token is 401');
is_status(get('authorizers2', '/maybe'), 200, 'optional without a token');

# --- the user of the log ------------------------------------------------------

for my $case (
    ['one', { email => 'a@b.example' }, 'a@b.example'], ['one', {}, '-'],
    ['one', { email => 7 }, '-'], ['one', { email => ['a'] }, '-'],
    ['one', { email => '' }, '-'], ['one', { email => "a\nb" }, '-'],
    ['one', { email => ' a' }, '-'], ['one', { email => 'x' x 4097 }, '-'],
    ['two', { 'https://ns/user' => 'u1' }, 'u1'], ['two', { sub => 'x' }, '-'],
    ['field', {}, 'alice']) {
    my ($issuer, $claims, $user) = @$case;
    my $mark = access_log_mark();
    get('authorizers', "/$issuer/x", $issuer eq 'field'
        ? 'X-Token: ' . of($issuer, %$claims) : bearer($issuer, %$claims));
    my $shown = substr json($claims), 0, 40;
    like(access_log_since($mark, "/$issuer/x"), qr/ user=\Q$user\E sub/,
         "user_claim of $issuer, $shown: user $user");
}

# --- limits on the wire -------------------------------------------------------

sub of_size {
    my ($size) = @_;
    for my $fill ($size * 3 / 4 - 400 .. $size * 3 / 4) {
        my $token = of('one', fill => 'x' x $fill);
        return $token if length $token == $size;
    }
    die "no token of $size octets\n";
}
passes('a token of 16384 octets', '/one/x', 'Authorization: Bearer '
       . of_size(16384));
fails('a token of 16385 octets', 401, 'invalid_token', '/one/x',
      'Authorization: Bearer ' . of_size(16385));

done_testing();
