# The form of a token (parts, base64url, limits) and its JOSE header.
# By the command line, like 40tokens.t.

use JwtMapTest;
use JwtMapVerify;

my %claims = (iss => 'https://issuer.example', aud => 'api://gateway',
              sub => 'alice', exp => $NOW + 300);
my $payload = json(\%claims);

# A token of header and payload texts; HS256 unless told.
sub of {
    my ($header, $text, $alg, $key) = @_;
    return jws($header, defined $text ? $text : $payload, $alg || 'HS256',
               $key || 'hs');
}

sub header {
    my (%more) = @_;
    return json({ alg => 'HS256', %more });
}

authorizers('header', hs => { secret => secret() },
            rsa => { public_key_file => 'rsa.pub.pem' });

# --- parts and base64url ------------------------------------------------------

my $good = of(header(kid => 'x'));
my ($head, $body, $sig) = split /\./, $good;
verdict_is('hs', $good, 'ok', 'three parts hold');
verdict_is('hs', "$good\n", 'ok', 'the newline of a file is not of the token');

my @malformed = (
    ['no part', ''], ['one part', $head], ['two parts', "$head.$body"],
    ['two parts and a dot', "$head.$body."], ['a dot before', ".$good"],
    ['four parts', "$good.$sig"], ['a dot behind', "$good."],
    ['five parts', "$good.$sig.$sig"], ['five empty parts', '....'],
    ['three empty parts', '..'], ['an empty header', ".$body.$sig"],
    ['an empty payload', of(header(), '')], ['two dots', "$head..$body.$sig"],
    ['a blank before', " $good"], ['a blank behind', "$good "],
    ['a tab behind', "$good\t"], ['two newlines behind', "$good\n\n"],
    ['CR LF behind', "$good\r\n"], ['NUL behind', "$good\0"],
    ['NUL and more behind', "$good\0.$sig"],
    ['Bearer before', "Bearer $good"], ['quotes around', "\"$good\""],
    ['a JSON serialisation', json({ payload => $body, protected => $head,
                                    signature => $sig })],
    ['octets above 127', "\xc3\xa9$good"],
    (map { my $i = $_;
        my @part = ($head, $body, $sig);
        my $name = ('header', 'payload', 'signature')[$i];
        map { [$_->[0] . " in the $name", do { my @p = @part;
               $p[$i] = $_->[1]->($p[$i]); join '.', @p }] }
        ['padding', sub { "$_[0]=" }],
        ['double padding', sub { "$_[0]==" }],
        ['a newline', sub { substr($_[0], 0, 8) . "\n" . substr($_[0], 8) }],
        ['a blank', sub { substr($_[0], 0, 8) . ' ' . substr($_[0], 8) }],
        ['a tab', sub { substr($_[0], 0, 8) . "\t" . substr($_[0], 8) }],
        ['a plus', sub { '+' . substr($_[0], 1) }],
        ['a slash', sub { '/' . substr($_[0], 1) }],
        ['a percent escape', sub { '%41' . substr($_[0], 3) }],
        ['a NUL', sub { "\0" . substr($_[0], 1) }],
        ['one digit too many', sub { $_[0] . 'A' x ((5 - length($_[0]) % 4)
                                                    % 4 || 4) }]
    } 0 .. 2),
);
for my $case (@malformed) {
    my ($what, $token) = @$case;
    verdict_is('hs', $token, 'malformed', "$what: malformed")
}

# Bits that no octet needs: who ignores them reads the same octets. Header and
# payload are signed as they are, so that only strictness refuses them.
my $digits = join '', 'A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_';

# (how many bits, then the part with each of them set)
sub tails {
    my ($part) = @_;
    my $unused = { 2 => 4, 3 => 2 }->{ length($part) % 4 } or return;
    my $at = index $digits, substr $part, -1;
    return map { substr($part, 0, -1) . substr($digits, $at + $_, 1) }
        map { 2 ** $_ } 0 .. $unused - 1;
}

sub sealed {
    my ($input) = @_;
    return "$input." . b64url(JwtMapKeys::sign($input, 'HS256', 'hs'));
}

for my $blanks (0 .. 2) {
    my $part = b64url($payload . ' ' x $blanks);
    verdict_is('hs', sealed("$head.$part"), 'ok', "a payload of $part holds");
    verdict_is('hs', sealed("$head.$_"), 'malformed',
               "tail bits in a signed payload: $_") for tails($part);
    verdict_is('hs', sealed("$head.$part="), 'malformed',
               'signed padding behind the payload');
    $part = b64url(header() . ' ' x $blanks);
    verdict_is('hs', sealed("$part.$body"), 'ok', "a header of $part holds");
    verdict_is('hs', sealed("$_.$body"), 'malformed',
               "tail bits in a signed header: $_") for tails($part);
}
verdict_is('hs', "$head.$body.$_", 'malformed', 'tail bits in a signature')
    for tails($sig);

# Any octets may be signed, but not in any encoding.
my @only = ('--now', $NOW, '--signature-only');
verdict_is('hs', of(header(), $_->[1]), 'ok',
           "--signature-only: $_->[0] holds", @only)
    for ['text', "It's a dangerous business, Frodo"], ['nothing', ''],
        ['an expired token', '{"exp":1}'], ['another issuer', '{"iss":"x"}'];
verdict_is('hs', sealed("$head.$_->[1]"), 'malformed',
           "--signature-only: $_->[0] in a signed payload", @only)
    for ['padding', "$body="], ['a plus', "$body+"], ['a slash', "//$body"],
        ['a blank', "$body "], ['one digit too many', 'AAAAA'],
        ['tail bits', 'AB'];
verdict_is('hs', sealed(b64url('{"alg":"HS256","crit":[]}') . ".$body"),
           'header', '--signature-only: crit is refused all the same', @only);

# --- limits, at the octet -----------------------------------------------------

sub of_size {
    my ($size) = @_;
    for my $fill ($size * 3 / 4 - 400 .. $size * 3 / 4) {
        my $token = of(header(), json({ %claims, fill => 'x' x $fill }));
        return $token if length $token == $size;
    }
    die "no token of $size octets\n";
}
verdict_is('hs', of_size(16384), 'ok', 'a token of 16384 octets holds');
verdict_is('hs', of_size(16385), 'malformed', 'one of 16385 does not');
verdict_is('hs', 'x' x 200_000, 'malformed', 'nor do 200,000 octets');
for my $size (4095 .. 4098) {
    my $text = header(pad => 'x' x ($size - length header(pad => '')));
    length $text == $size or die;
    verdict_is('hs', of($text), $size <= 4096 ? 'ok' : 'malformed',
               "a header of $size octets");
}

# --- the header ---------------------------------------------------------------

my $deep = sub { '[' x $_[0] . ']' x $_[0] };
my @headers = (
    ['the algorithm alone', '{"alg":"HS256"}', 'ok'],
    ['blanks and CR LF between', "{ \"alg\" :\r\n\t\"HS256\" }\n", 'ok'],
    ['an escaped letter', '{"\u0061lg":"\u0048S256"}', 'ok'],
    ['unknown members', '{"alg":"HS256","x":[1,{"y":null}],"x5t":"a"}', 'ok'],
    ['arrays nested 31 deep', '{"alg":"HS256","x":' . $deep->(31) . '}', 'ok'],
    ['arrays nested 32 deep', '{"alg":"HS256","x":' . $deep->(32) . '}',
     'malformed'],
    (map { ["alg $_", "{\"alg\":\"$_\"}", 'algorithm'] } 'none', 'None', 'NONE',
     'nOnE', 'hs256', 'HS256 ', ' HS256', 'HS256\u0000', '', 'HS', 'HS1',
     'HS224', 'HS2560', 'HS257', 'SHA256', 'dir', 'A128KW', 'ES256K', 'Ed448',
     'RSA-OAEP', 'RS1', 'HS256,none', '\uff28S256'),
    (map { ["alg $_", "{\"alg\":$_}", 'header'] } 'null', 'true', '0', '256',
     '["HS256"]', '{"HS256":1}'),
    ['no alg', '{}', 'algorithm'], ['ALG', '{"ALG":"HS256"}', 'algorithm'],
    ['alg twice', '{"alg":"HS256","alg":"HS256"}', 'malformed'],
    ['alg twice, once escaped', '{"alg":"HS256","\u0061lg":"none"}',
     'malformed'],
    (map { ["crit $_", "{\"alg\":\"HS256\",\"crit\":$_}", 'header'] } '[]',
     '["exp"]', '["b64"]', '["alg"]', 'null', '"exp"', '{}'),
    (map { ["b64 $_", "{\"alg\":\"HS256\",\"b64\":$_}", 'header'] } 'true',
     'false', 'null'),
    ['b64 with crit', '{"alg":"HS256","b64":false,"crit":["b64"]}', 'header'],
    ['zip', '{"alg":"HS256","zip":"DEF"}', 'header'],
    ['enc', '{"alg":"HS256","enc":"A128GCM"}', 'header'],
    (map { ["$_ that is no string", "{\"alg\":\"HS256\",\"$_\":1}", 'header'] }
     qw(kid typ cty)),
    ['kid null', '{"alg":"HS256","kid":null}', 'header'],
    ['an array', '["HS256"]', 'malformed'], ['a string', '"HS256"', 'malformed'],
    ['null', 'null', 'malformed'], ['nothing', ' ', 'malformed'],
    ['octets behind', '{"alg":"HS256"}x', 'malformed'],
    ['a second object', '{"alg":"HS256"}{}', 'malformed'],
    ['NUL behind', "{\"alg\":\"HS256\"}\0", 'malformed'],
    ['NUL and more behind', "{\"alg\":\"HS256\"}\0{}", 'malformed'],
    ['a byte order mark', "\xef\xbb\xbf{\"alg\":\"HS256\"}", 'malformed'],
    ['UTF-16', join("\0", '', split //, '{"alg":"HS256"}'), 'malformed'],
    ['single quotes', "{'alg':'HS256'}", 'malformed'],
    ['a comment', '{"alg":"HS256"/**/}', 'malformed'],
    ['a comma behind', '{"alg":"HS256",}', 'malformed'],
    ['a raw control character', "{\"alg\":\"HS256\",\"kid\":\"\1\"}",
     'malformed'],
    ['NUL in a name', '{"alg":"HS256","a\u0000":1}', 'malformed'],
    ['invalid UTF-8', "{\"alg\":\"HS256\",\"kid\":\"\xff\"}", 'malformed'],
    ['overlong UTF-8', "{\"alg\":\"HS256\",\"kid\":\"\xc0\xae\"}", 'malformed'],
    ['an encoded surrogate', "{\"alg\":\"HS256\",\"kid\":\"\xed\xa0\x80\"}",
     'malformed'],
    ['half a surrogate pair', '{"alg":"HS256","kid":"\ud800"}', 'malformed'],
    ['the wrong half first', '{"alg":"HS256","kid":"\udc00\ud800"}',
     'malformed'],
    ['a whole surrogate pair', '{"alg":"HS256","kid":"\ud83d\ude00"}', 'ok'],
);
for my $case (@headers) {
    my ($what, $text, $want) = @$case;
    verdict_is('hs', of($text), $want, "header, $what: $want");
}
for my $alg ('none', 'None', 'NONE') {
    my $token = b64url("{\"alg\":\"$alg\"}") . ".$body.";
    verdict_is('hs', $token, 'malformed', "alg $alg without a signature");
    verdict_is('hs', "${token}AA", 'algorithm', "alg $alg with a signature");
}

# Key material of the token is never used: the key it carries signed it.
my $mine = jwk('rsa2', kid => undef);
my ($x5c) = slurp(key_file('rsa2.pub.pem')) =~ /-----\n(.*)\n-----/s;
$x5c =~ s/\n//g;
for my $member ({ jwk => $mine }, { jku => 'http://127.0.0.1:1/jwks' },
                { x5u => 'http://127.0.0.1:1/cert' }, { x5c => [$x5c] }) {
    my ($name) = keys %$member;
    my $text = json({ alg => 'RS256', %$member });
    verdict_is('rsa', of($text, $payload, 'RS256', 'rsa2'), 'signature',
               "$name in the header does not bring its own key");
    verdict_is('rsa', of($text, $payload, 'RS256', 'rsa'), 'ok',
               "$name in the header does no harm to a good token");
}

done_testing();
