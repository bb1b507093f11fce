# What becomes of a value on its way to the upstream, end to
# end. The client sends every mapped name itself, with each request.

use JwtMapTest;

my @spoof = map { "$_: spoofed" } 'X-V', 'x_v', 'x.v', 'X-Omit', 'x-empty',
    'x-default', 'x-part', 'x-literal', 'x-dots', 'x-deep', 'x-url', 'x-hidden',
    'x-nowhere', 'x-hides', 'x_query';
my $spoof = 'v=spoofed&%76=spoofed&v[]=spoofed&empty=spoofed&omit=spoofed';

# A token whose claims are this JSON text and what the authorizer wants.
sub with {
    my ($text, $header) = @_;
    $text = length $text ? ",$text" : '';
    my $payload = '{"iss":"https://issuer.example","aud":"api://gateway",'
        . '"exp":' . (time + 300) . ',"sub":"alice"' . $text . '}';
    return jws($header || '{"alg":"HS256","typ":"JWT"}', $payload, 'HS256', 'hs');
}

# (what the upstream got, the answer) of a request with such a token.
sub through {
    my ($target, $claims, @headers) = @_;
    my $mark = upstream_mark();
    my $mine = $target =~ /\?/ ? '&' : '?';
    my $res = get('mapping', "$target$mine$spoof", @spoof, @headers,
                  defined $claims ? 'Authorization: Bearer ' . with($claims)
                                  : ());
    my @records = upstream_since($mark);
    return (@records > 1 ? undef : $records[0], $res);
}

# The value of a parameter as the upstream reads it, or undef.
sub parameter {
    my ($record, $name) = @_;
    my @found = map { /^\Q$name\E=(.*)/s ? $1 : () } split /&/,
        query_of($record) // '';
    return @found == 1 ? $found[0] : @found ? "@found" : undef;
}

sub encoded {
    my ($text) = @_;
    $text =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge;
    return $text;
}

sub shown {
    my ($text) = @_;
    $text =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
    return length $text > 60 ? substr($text, 0, 60) . '...' : $text;
}

# The claim v as JSON becomes this text in the header and, encoded, in the
# query; undef: neither arrives; 403: refused.
sub value_is {
    my ($path, $json, $want, $what) = @_;
    my $name = "$path, v " . shown(defined $json ? $json : 'absent');
    $name .= " ($what)" if $what;
    my ($record, $res) = through($path, defined $json ? "\"v\":$json" : '');
    if (defined $want && !ref $want && $want eq '403') {
        is_error($res, 403, 'unmappable_value', "$name is 403");
        return ok(!$record, "$name: nothing arrives");
    }
    is_status($res, 200, "$name is let through");
    if (!defined $want) {
        is_absent($record, 'x-v', "$name: no header");
        return is(parameter($record, 'v'), undef, "$name: no parameter");
    }
    $want = $$want if ref $want;
    is_sent($record, 'x-v', $want, "$name: header " . shown($want))
        if $path ne '/query';
    return is(parameter($record, 'v'), encoded($want),
              "$name: parameter " . shown($want));
}

# --- the text of a value ------------------------------------------------------

my @scalars = (
    ['"alice"', 'alice'], ['""', ''], ['true', 'true'], ['false', 'false'],
    ['null', undef], [undef, undef], ['0', '0'], ['-0', '-0'], ['1', '1'],
    ['1.0', '1.0'], ['1.50', '1.50'], ['1e5', '1e5'], ['1E+05', '1E+05'],
    ['-12', '-12'], ['1e400', '1e400'], ['0.1', '0.1'],
    ['9223372036854775807', '9223372036854775807'],
    ['9223372036854775808', '9223372036854775808'],
    ['18446744073709551616', '18446744073709551616'],
    ['100000000000000000000000000000', '1' . '0' x 29],
    ['0.1000000000000000055511151231257827',
     '0.1000000000000000055511151231257827'],
    ['"true"', 'true'], ['"null"', 'null'], ['"a b"', 'a b'],
    ['"a,b;c=d&e?f#g/h+i%41"', 'a,b;c=d&e?f#g/h+i%41'],
    ['"\u0061\/\"\\\\"', 'a/"\\'], ["\"\xc3\xa9\"", "\xc3\xa9"],
    ['"\u00e9\ud83d\ude00"', "\xc3\xa9\xf0\x9f\x98\x80"],
    # text that looks like an expression, a format, a header
    (map { ["\"$_\"", $_] } '$request.jwt.iss', '${request.jwt.iss}', '$$',
     '$config.plain', '$secret.hs', '$env.UPSTREAM_URL', '%s%n', '<%= 1 %>',
     'x: y', 'a\u0026b' =~ s/\\u0026/&/r, '../../etc'),
);
value_is('/text', @$_) for @scalars,
    ['[]', '[]'], ['{}', '{}'], ['[1,"a",null,true]', '[1,"a",null,true]'],
    ["{ \"a\" :\t[ 1 , { \"b\":\"c d\" } ],\n\"z\":1.0}",
     '{"a":[1,{"b":"c d"}],"z":1.0}'],
    ['["a\/b","\u00e9"]', "[\"a/b\",\"\xc3\xa9\"]"],
    ['["\n\u0001\""]', '["\n\u0001\""]'], ['[18446744073709551616]',
                                           '[18446744073709551616]'],
    ['["\u007f"]', '403'];
value_is('/json', @$_) for ['"alice"', '"alice"'], ['""', '""'],
    ['"a\nb\u0000"', '"a\nb\u0000"'], ['" a "', '" a "'], ['1.0', '1.0'],
    ['null', undef], ['true', 'true'], ['["a"]', '["a"]'], ['"\/"', '"/"'],
    ["\"\xc3\xa9\"", "\"\xc3\xa9\""], ['"\u007f"', '403'];
for my $list (['/csv', ','], ['/space', ' ']) {
    my ($path, $separator) = @$list;
    value_is($path, @$_) for ['["a","b"]', "a${separator}b"], ['["a"]', 'a'],
        ['[]', ''], ['["a",1,true,1.0]', join $separator, 'a', 1, 'true', '1.0'],
        ['"alice"', 'alice'], ["\"a${separator}b\"", "a${separator}b"],
        ['7', '7'], ['false', 'false'], ['null', undef],
        ["[\"a${separator}b\"]", '403'], ["[\"a\",\"$separator\"]", '403'],
        ['["a",null]', '403'], ['["a",["b"]]', '403'], ['[{"a":1}]', '403'],
        ['{"a":1}', '403'], ['["a\n"]', '403'];
}
value_is('/csv', '["a b","c"]', 'a b,c');
value_is('/space', '["a,b","c"]', 'a,b c');
value_is('/csv', '["",""]', ',');
value_is('/csv', '[" a"]', '403', 'a blank first in a header');
value_is('/percent', @$_) for ['"alice"', 'alice'], ['"a b"', 'a%20b'],
    ['"100%"', '100%25'], ['"\r\nX-Evil: 1"', '%0D%0AX-Evil:%201'],
    ['"\u0000"', '%00'], ['"\u007f"', '%7F'], ["\"\xc3\xa9\"", '%C3%A9'],
    ['" "', '%20'], ['"a+b/c=d&e"', 'a+b/c=d&e'], ['["a",1]', '["a",1]'],
    ['{"a":"\n"}', '{"a":"\n"}'], ['null', undef];

# --- what cannot be handed on -------------------------------------------------

for my $code (0 .. 8, 9, 10, 11, 13, 27, 31, 127) {
    for my $where ('"%sa"', '"a%sb"', '"a%s"') {
        my $json = sprintf $where, sprintf '\u%04x', $code;
        my ($record, $res) = through('/text', "\"v\":$json");
        is_error($res, 403, 'unmappable_value', "v $json is 403");
        ok(!$record, "v $json: nothing arrives");
    }
}
for my $split ('\r\nX-Evil: 1', '\nX-Evil: 1', '\rX-Evil: 1',
               '\r\n\r\nGET /admin HTTP/1.1\r\nHost: x\r\n\r\n') {
    for my $path (qw(/text /query /csv /space)) {
        my ($record, $res) = through($path, "\"v\":\"a$split\"");
        is_error($res, 403, 'unmappable_value', "$path: a$split splits nothing");
        ok(!$record, "$path: a$split: nothing arrives");
    }
}
for my $blank ('" a"', '"a "', '" "', '"  a  "') {
    value_is('/text', $blank, '403');
    value_is('/query', $blank, $blank =~ s/"//gr);
}
value_is('/query', $_, '403') for '"\t"', '"a\u0000b"', '"\u007f"';

# --- size ---------------------------------------------------------------------

value_is('/text', '"' . 'x' x 4096 . '"', 'x' x 4096, '4096 octets');
value_is('/text', '"' . 'x' x 4097 . '"', '403', '4097 octets');
value_is('/text', '[' . '1' x 4095 . ']', '403', '4097 octets of JSON');
for my $case (['/max', '"123456"', 200], ['/max', '"1234567"', 403],
    ['/max', '"&&&&&&"', 200, 'looked at before the encoding'],
    ['/max', "\"\xc3\xa9\xc3\xa9\xc3\xa9\"", 200],
    ['/max', "\"\xc3\xa9\xc3\xa9\xc3\xa9x\"", 403], ['/max', '"12345 "', 200],
    ['/max/around', '"1234"', 200], ['/max/around', '"12345"', 403],
    ['/max/percent', '"%%"', 200, 'looked at after format'],
    ['/max/percent', '"%%x"', 403]) {
    my ($path, $json, $status, $why) = @$case;
    my (undef, $res) = through($path, "\"v\":$json");
    is_status($res, $status, "$path, v $json is $status"
              . ($why ? ": $why" : ''));
}

# --- missing ------------------------------------------------------------------

for my $claims ('', '"v":null') {
    my $name = $claims || 'v absent';
    my ($record, $res) = through('/missing?x=1', $claims);
    is_absent($record, 'x-omit', "$name: omit leaves the header out");
    is_sent($record, 'x-empty', '', "$name: empty sends it empty");
    is_sent($record, 'x-default', '$request.jwt.sub ${x} $$',
            "$name: a default is a literal");
    is_absent($record, 'x-part', "$name: a missing part misses the whole");
    is_sent($record, 'x-literal', 'a$b', "$name: a literal arrives");
    is(query_of($record), 'x=1&empty=&default=', "$name: the same in the query");
    for my $path ('/reject', '/reject/query', '/reject/response') {
        (undef, $res) = through($path, $claims);
        is_error($res, 403, 'unmappable_value', "$path, $name is 403");
    }
}
my ($record, $res) = through('/missing?x=1', '"v":""');
is_sent($record, $_, '', "an empty string is a value: $_")
    for qw(x-omit x-empty x-default);
is_sent($record, 'x-part', 'ab', 'an empty part is none that is missing');
is(query_of($record), 'x=1&omit=&empty=&default=', 'so it is in the query');
for my $path ('/reject', '/reject/query', '/reject/response') {
    (undef, $res) = through($path, '"v":""');
    is_status($res, 200, "$path, an empty v is a value");
}
done_testing();
