# The claim policy: times, issuer, audience, typ, cnf, lifetime, and the
# types of claims. By the command line, with a clock of its own.

use JwtMapTest;
use JwtMapVerify;

my $secret = { secret => secret() };
authorizers('claims', any => { %$secret, issuer => undef, audience => undef },
    plain => { %$secret }, strict => { %$secret, leeway => 0 },
    lax => { %$secret, leeway => 3600 },
    forever => { %$secret, require_expiration => JSON::PP::false },
    short => { %$secret, max_lifetime => 600 },
    short_forever => { %$secret, max_lifetime => 600,
                       require_expiration => JSON::PP::false },
    several => { %$secret, issuer => ['https://issuer.example', 'joe'],
                 audience => ['api://gateway', 'b'] },
    logout => { %$secret, typ => 'logout+jwt' },
    media => { %$secret, typ => 'application/Logout+JWT' },
    slash => { %$secret, typ => 'application/a/b' },
    bound => { %$secret, bound_tokens => 'ignore' },
    unbound => { %$secret, bound_tokens => 'refuse' });

# A token with claims as JSON texts; undef leaves one out.
sub with {
    my (%change) = @_;
    my $header = delete $change{-header} || '{"alg":"HS256"}';
    my %texts = (iss => '"https://issuer.example"', aud => '"api://gateway"',
                 exp => $NOW + 300, %change);
    my $payload = join ',', map { "\"$_\":$texts{$_}" }
        grep { defined $texts{$_} } sort keys %texts;
    return jws($header, "{$payload}", 'HS256', 'hs');
}

sub cases {
    my (@cases) = @_;
    for my $case (@cases) {
        my ($authorizer, $change, $want, $now) = @$case;
        my $what = join ', ', map {
            my $text = defined $change->{$_} ? $change->{$_} : 'absent';
            $text = substr($text, 0, 60) . '...' if length $text > 60;
            "$_ $text" } sort keys %$change;
        my $at = defined $now ? " at $now" : '';
        verdict_is($authorizer, with(%$change), $want,
                   "$authorizer: $what$at: $want",
                   '--now', defined $now ? $now : $NOW);
    }
}

# --- times --------------------------------------------------------------------

cases(
    # exp: refused when now >= exp + leeway (10 s where none is said)
    ['plain', { exp => 1000 }, 'ok', 1009], ['plain', { exp => 1000 },
                                             'expired', 1010],
    ['strict', { exp => 1000 }, 'ok', 999],
    ['strict', { exp => 1000 }, 'expired', 1000],
    ['lax', { exp => 1000 }, 'ok', 4599], ['lax', { exp => 1000 },
                                           'expired', 4600],
    ['strict', { exp => '1000.5' }, 'ok', 1000],
    ['strict', { exp => '1000.5' }, 'expired', 1001],
    ['strict', { exp => '1e3' }, 'ok', 999],
    ['strict', { exp => '1E+3' }, 'expired', 1000],
    ['strict', { exp => '1000.0' }, 'expired', 1000],
    ['strict', { exp => '10000e-1' }, 'ok', 999],
    ['strict', { exp => 0 }, 'expired', 0], ['strict', { exp => 1 }, 'ok', 0],
    ['strict', { exp => '-0' }, 'expired'], ['plain', { exp => -1 }, 'expired'],
    ['plain', { exp => '-1.5' }, 'expired'], ['plain', { exp => 0 }, 'ok', 9],
    ['plain', { exp => '9223372036854775807' }, 'ok'],
    ['lax', { exp => '9223372036854775807' }, 'ok', '9223372036854775807'],
    ['plain', { exp => '9223372036854775808' }, 'claim'],
    ['plain', { exp => '18446744073709551616' }, 'claim'],
    ['plain', { exp => '18446744073709551915' }, 'claim'],
    ['plain', { exp => '9e18' }, 'ok'], ['plain', { exp => '1e19' }, 'claim'],
    ['plain', { exp => '1e400' }, 'claim'],
    ['plain', { exp => '1e99999999999999999999' }, 'claim'],
    ['plain', { exp => '-1e400' }, 'claim'],
    ['plain', { exp => '1' . '0' x 400 }, 'claim'],
    ['plain', { exp => '1e-400' }, 'ok', 10], ['strict', { exp => '1e-400' },
                                               'expired', 1],
    (map { ['plain', { exp => $_ }, 'claim'] } '"1700000300"', 'true', 'false',
     'null', '[1700000300]', '{"value":1700000300}', '""'),
    (map { ['plain', { exp => $_ }, 'malformed'] } 'NaN', 'Infinity', '1.',
     '.5', '+1', '0x7fffffff', '01700000300', '1_700_000_300', '1e', '--1'),
    ['plain', { exp => undef }, 'claim'], ['forever', { exp => undef }, 'ok'],
    ['forever', { exp => 1000 }, 'expired', 1010],
    ['forever', { exp => '"1"' }, 'claim'], ['forever', { exp => 'null' },
                                             'claim'],
    # nbf and iat: refused when they are later than now + leeway
    (map { my $claim = $_; (
        ['plain', { $claim => $NOW + 10 }, 'ok'],
        ['plain', { $claim => $NOW + 11 }, 'not_yet'],
        ['strict', { $claim => $NOW }, 'ok'],
        ['strict', { $claim => $NOW + 1 }, 'not_yet'],
        ['strict', { $claim => "$NOW.5" }, 'not_yet'],
        ['strict', { $claim => "$NOW.5" }, 'ok', $NOW + 1],
        ['plain', { $claim => 0 }, 'ok'], ['plain', { $claim => -1 }, 'ok'],
        ['plain', { $claim => '9223372036854775807' }, 'not_yet'],
        ['plain', { $claim => '9223372036854775808' }, 'claim'],
        ['plain', { $claim => '-9223372036854775807' }, 'ok'],
        (map { ['plain', { $claim => $_ }, 'claim'] } '"1"', 'true', 'null',
         '[]', '{}', '1e400')) } qw(nbf iat)),
    # lifetime: exp - iat at most; needs both
    ['short', { iat => $NOW, exp => $NOW + 600 }, 'ok'],
    ['short', { iat => $NOW, exp => $NOW + 601 }, 'lifetime'],
    ['short', { iat => undef }, 'claim'],
    ['short', { iat => $NOW, exp => undef }, 'claim'],
    ['short', { iat => '-9223372036854775807', exp => '9223372036854775807' },
     'lifetime'],
    ['short', { iat => $NOW - 900, exp => $NOW - 300 }, 'expired'],
    ['short_forever', { iat => $NOW, exp => undef }, 'claim'],
);

# --- issuer and audience ------------------------------------------------------

cases(
    (map { ['plain', { iss => $_->[0] }, $_->[1]] }
     [undef, 'issuer'], ['"https://issuer.example"', 'ok'],
     ['"https://issuer.example/"', 'issuer'],
     ['"https://ISSUER.example"', 'issuer'],
     ['" https://issuer.example"', 'issuer'],
     ['"https://issuer.exampl"', 'issuer'],
     ['"https://issuer.example\u0000"', 'issuer'],
     ['"https://issuer.example\u0000x"', 'issuer'], ['""', 'issuer'],
     ['"https:\/\/issuer.example"', 'ok'],
     ['["https://issuer.example"]', 'claim'], ['null', 'claim'], ['1', 'claim'],
     ['{"https://issuer.example":1}', 'claim'], ['true', 'claim']),
    ['several', { iss => '"joe"' }, 'ok'],
    ['several', { iss => '"joe,https://issuer.example"' }, 'issuer'],
    ['any', { iss => undef }, 'ok'], ['any', { iss => '7' }, 'claim'],
    (map { ['plain', { aud => $_->[0] }, $_->[1]] }
     [undef, 'audience'], ['"api://gateway"', 'ok'],
     ['["api://gateway"]', 'ok'], ['["x","api://gateway"]', 'ok'],
     ['["x","y"]', 'audience'], ['[]', 'audience'], ['""', 'audience'],
     ['"api://Gateway"', 'audience'], ['"api://gateway "', 'audience'],
     ['"x api://gateway"', 'audience'], ['"api://gateway\u0000"', 'audience'],
     ['"api"', 'audience'], ['"api://gateway/v1"', 'audience'],
     ['["api://gateway",1]', 'claim'], ['["api://gateway",null]', 'claim'],
     ['[["api://gateway"]]', 'claim'], ['{"api://gateway":1}', 'claim'],
     ['null', 'claim'], ['1', 'claim'], ['true', 'claim']),
    ['several', { aud => '"b"' }, 'ok'], ['several', { aud => '["b"]' }, 'ok'],
    ['several', { aud => '["a","c"]' }, 'audience'],
    ['any', { aud => undef }, 'ok'], ['any', { aud => '"x"' }, 'ok'],
    ['any', { aud => '1' }, 'claim'],
    # the other strings
    (map { my $claim = $_; (['plain', { $claim => '"a"' }, 'ok'],
        ['plain', { $claim => '""' }, 'ok'],
        map { ['plain', { $claim => $_ }, 'claim'] } '1', 'null', 'true',
            '["a"]', '{}') } qw(sub jti)),
);

# --- typ and cnf --------------------------------------------------------------

sub typ {
    my ($text) = @_;
    return (-header => '{"alg":"HS256"' . (defined $text ? ",\"typ\":$text"
                                                         : '') . '}');
}

cases(
    (map { ['plain', { typ($_->[0]) }, $_->[1]] }
     [undef, 'ok'], (map { ["\"$_\"", 'ok'] } qw(JWT jwt Jwt at+jwt AT+JWT
         application/at+jwt application/AT+JWT APPLICATION/jwt)),
     (map { ["\"$_\"", 'typ'] } qw(JOSE jose JWS at at-jwt at+jwtx xat+jwt
         id+jwt dpop+jwt logout+jwt secevent+jwt text/jwt application/
         application/application/jwt application/x/jwt), '', ' JWT', 'JWT ',
         'JWT\u0000', 'application/at+jwt; charset=utf-8', 'application/ jwt'),
     ['["JWT"]', 'header'], ['null', 'header'], ['1', 'header']),
    (map { my $name = $_; (
        [$name, { typ('"logout+jwt"') }, 'ok'],
        [$name, { typ('"Application/LOGOUT+jwt"') }, 'ok'],
        [$name, { typ('"JWT"') }, 'typ'], [$name, { typ('"at+jwt"') }, 'typ'],
        [$name, { typ(undef) }, 'typ']) } qw(logout media)),
    ['slash', { typ('"application/a/b"') }, 'ok'],
    ['slash', { typ('"a/b"') }, 'typ'],
    (map { my $cnf = $_; (['plain', { cnf => $cnf }, 'bound'],
                          ['unbound', { cnf => $cnf }, 'bound'],
                          ['bound', { cnf => $cnf }, 'ok']) }
     '{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}',
     '{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}', '{}',
     'null', '""', 'false'),
    ['plain', { CNF => '{}' }, 'ok'], ['plain', { a => '{"cnf":1}' }, 'ok'],
);

# --- the text of the payload --------------------------------------------------

my $claims = '"iss":"https://issuer.example","aud":"api://gateway","exp":'
    . ($NOW + 300);
my $deep = sub { '[' x $_[0] . ']' x $_[0] };
my @payloads = (
    ['nothing else', "{$claims}", 'ok'],
    ['blanks', " \t\r\n{ $claims }\n", 'ok'],
    ['arrays nested 31 deep', "{$claims,\"x\":" . $deep->(31) . '}', 'ok'],
    ['arrays nested 32 deep', "{$claims,\"x\":" . $deep->(32) . '}',
     'malformed'],
    ['brackets without end', "{$claims,\"x\":" . '[' x 5000, 'malformed'],
    ['names that differ in case', "{$claims,\"Exp\":1}", 'ok'],
    ['a big integer', "{$claims,\"n\":" . '9' x 400 . '}', 'ok'],
    ['exp twice', "{$claims,\"exp\":9999999999}", 'malformed'],
    ['exp twice, once escaped', "{$claims,\"e\\u0078p\":9999999999}",
     'malformed'],
    ['a name twice deep down', "{$claims,\"a\":[{\"b\":1,\"b\":1}]}",
     'malformed'],
    ['the empty name twice', "{$claims,\"\":1,\"\":2}", 'malformed'],
    ['NUL in a name', "{$claims,\"exp\\u0000\":1}", 'malformed'],
    ['NUL in a value', "{$claims,\"a\":\"\\u0000\"}", 'ok'],
    ['an array', "[{$claims}]", 'malformed'], ['a string', '"a"', 'malformed'],
    ['a number', '1', 'malformed'], ['null', 'null', 'malformed'],
    ['nothing', '', 'malformed'], ['half an object', "{$claims", 'malformed'],
    ['two objects', "{$claims}{}", 'malformed'],
    ['NUL behind', "{$claims}\0", 'malformed'],
    ['NUL and more behind', "{$claims}\0{}", 'malformed'],
    ['a comment', "{$claims}//", 'malformed'],
    ['a comma too many', "{$claims,}", 'malformed'],
    ['NaN', "{$claims,\"a\":NaN}", 'malformed'],
    ['single quotes', "{$claims,'a':1}", 'malformed'],
    ['a byte order mark', "\xef\xbb\xbf{$claims}", 'malformed'],
    ['a raw newline', "{$claims,\"a\":\"\n\"}", 'malformed'],
    ['invalid UTF-8', "{$claims,\"a\":\"\xff\"}", 'malformed'],
    ['overlong UTF-8', "{$claims,\"a\":\"\xc1\x81\"}", 'malformed'],
    ['above U+10FFFF', "{$claims,\"a\":\"\xf4\x90\x80\x80\"}", 'malformed'],
    ['an encoded surrogate', "{$claims,\"a\":\"\xed\xa0\x80\"}", 'malformed'],
    ['half a surrogate pair', "{$claims,\"a\":\"\\ud800\"}", 'malformed'],
    ['an unknown escape', "{$claims,\"a\":\"\\x41\"}", 'malformed'],
    ['TRUE', "{$claims,\"a\":TRUE}", 'malformed'],
);
for my $case (@payloads) {
    my ($what, $text, $want) = @$case;
    verdict_is('plain', jws('{"alg":"HS256"}', $text, 'HS256', 'hs'), $want,
               "payload, $what: $want");
}

# --- the order: nothing of a payload is looked at before the signature holds --

for my $change ({ exp => 1 }, { iss => '"x"' }, { aud => '"x"' },
                { cnf => '{}' }, { exp => 'x' }) {
    my $token = with(%$change) =~ s/\.[^.]*$/'.' . 'A' x 43/er;
    my ($name) = %$change;
    verdict_is('plain', $token, 'signature',
               "a bad $name under a bad signature is a bad signature");
}

done_testing();
