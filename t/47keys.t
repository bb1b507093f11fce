# Keys that a table may not have: weak, private, of a wrong kind, in a
# wrong form. `jwtmapctl check` says so and `httpd -t` does, with the place; the
# good neighbour of each is let through.

use JwtMapTest;
use JwtMapVerify;

sub made {
    my ($name, @how) = @_;
    JwtMapKeys::run('genpkey', @how, '-out', key_file("$name.pem"));
    JwtMapKeys::run('pkey', '-in', key_file("$name.pem"), '-pubout', '-out',
                    key_file("$name.pub.pem"));
    return slurp(key_file("$name.pub.pem"));
}

sub rsa_of {
    my ($bits, $e) = @_;
    return made("rsa$bits", '-algorithm', 'RSA', '-pkeyopt',
                "rsa_keygen_bits:$bits",
                $e ? ('-pkeyopt', "rsa_keygen_pubexp:$e") : ());
}

# The public key of RSA members as big-endian octets, as PEM.
sub rsa_pem {
    my (@numbers) = @_;
    my $body = join '', map { tlv("\x02", /^[\x80-\xff]/ ? "\0$_" : $_) } @numbers;
    my $oid = pack 'H*', '300d06092a864886f70d0101010500';
    my $der = tlv("\x30", $oid . tlv("\x03", "\0" . tlv("\x30", $body)));
    return "-----BEGIN PUBLIC KEY-----\n" . MIME::Base64::encode_base64($der)
        . "-----END PUBLIC KEY-----\n";
}

sub tlv {
    my ($tag, $value) = @_;
    my $n = length $value;
    return $tag . ($n < 128 ? chr $n : $n < 256 ? "\x81" . chr $n
                   : "\x82" . pack 'n', $n) . $value;
}

my $rsa = slurp(key_file('rsa.pub.pem'));
my $ec = slurp(key_file('ec256.pub.pem'));
my $modulus = MIME::Base64::decode_base64url(jwk('rsa')->{n});
my $even = $modulus;
substr($even, -1) &= "\xfe";
JwtMapKeys::run('pkey', '-pubin', '-in', key_file('rsa.pub.pem'), '-pubout',
                '-outform', 'DER', '-out', key_file('rsa.der'));
JwtMapKeys::run('ec', '-in', key_file('ec256.pem'), '-param_enc', 'explicit',
                '-pubout', '-out', key_file('ec256.explicit.pem'));
spew(key_file('short.secret'), 'hush-hush-' . 'x' x 21);
spew(key_file('newline.secret'), 'hush-hush-' . 'x' x 21 . "\n");
spew(key_file('two-newlines.secret'), 'hush-hush-' . 'x' x 21 . "\n\n");
spew(key_file('two.pem'), $rsa . $ec);
spew(key_file('both.pem'), $rsa . slurp(key_file('rsa.pem')));
spew(key_file('no.json'), '{"keys":[');
spew(key_file('twice.json'), '{"keys":[],"keys":[]}');
sub fat { return 'hush-hush-' . 'x' x ($_[0] - 10) }
sub oct_jwk { return { kty => 'oct', k => b64url(fat($_[0])) } }

my $jwks = sub { return { jwks => { keys => [@_] } } };
my $public = sub { return { public_key => $_[0] } };
my $file = sub { return { public_key_file => $_[0] } };
my %private = (%{ jwk('rsa') }, d => 'AQAB');
my $ok = qr/: ok, /;

my @cases = (
    # secrets
    ['a secret of 32 octets', { secret => fat(32) }, $ok],
    ['one of 31', { secret => fat(31) }, qr/too short \(31 octets\)/],
    ['an empty secret', { secret => '' }, qr/too short \(0 octets\)/],
    (map { my ($alg, $n) = @$_;
        (["a secret of $n octets for $alg",
          { secret => fat($n), algorithms => [$alg] }, $ok],
         ['one octet less for ' . $alg,
          { secret => fat($n - 1), algorithms => [$alg] },
          $n == 32 ? qr/too short/ : qr/no key here serves $alg/]) }
     ['HS256', 32], ['HS384', 48], ['HS512', 64]),
    ['a secret file of 31 octets', { secret_file => 'short.secret' },
     qr/too short \(31/],
    ['its newline does not count', { secret_file => 'newline.secret' },
     qr/too short \(31/],
    ['but a second one does', { secret_file => 'two-newlines.secret' }, $ok],
    ['a secret file that is not there', { secret_file => 'none' },
     qr/cannot read "none"/],
    ['a public key as secret', { secret => $rsa }, qr/PEM block, which is no/],
    ['a key file as secret', { secret_file => 'rsa.pub.pem' },
     qr/PEM block, which is no/],
    ['a certificate as secret', { secret => "-----BEGIN CERTIFICATE-----\n"
                                      . 'A' x 64 }, qr/PEM block, which is no/],
    ['a secret that is a number', { secret => 12345678 }, qr/must be a string/],
    # public keys
    ['RSA of 2048 bits', $public->($rsa), $ok],
    ['RSA of 1024 bits', $public->(rsa_of(1024)), qr/too weak/],
    ['RSA of 2040 bits', $public->(rsa_of(2040)), qr/too weak/],
    ['RSA of 8200 bits', $public->(rsa_pem("\x80" . "\1" x 1024, "\1\0\1")),
     qr/too large/],
    ['RSA with e = 3', $public->(rsa_pem($modulus, "\3")), $ok],
    ['RSA with e = 1', $public->(rsa_pem($modulus, "\1")), qr/exponent must/],
    ['RSA with e = 2', $public->(rsa_pem($modulus, "\2")), qr/exponent must/],
    ['RSA with e = 65536', $public->(rsa_pem($modulus, "\1\0\0")),
     qr/exponent must/],
    ['RSA with e of 65 bits', $public->(rsa_pem($modulus, "\1" . "\1" x 8)),
     qr/exponent must/],
    ['RSA with an even modulus', $public->(rsa_pem($even, "\1\0\1")),
     qr/modulus is even/],
    ['P-256', $public->($ec), $ok],
    ['secp256k1', $public->(made('k1', qw(-algorithm EC -pkeyopt
        ec_paramgen_curve:secp256k1))), qr/unknown curve/],
    ['P-224', $public->(made('p224', qw(-algorithm EC -pkeyopt
        ec_paramgen_curve:P-224))), qr/unknown curve/],
    ['explicit parameters', $file->('ec256.explicit.pem'), qr/spells out/],
    ['Ed448', $public->(made('ed448', qw(-algorithm ED448))),
     qr/type of the key is unknown/],
    ['X25519', $public->(made('x25519', qw(-algorithm X25519))),
     qr/type of the key is unknown/],
    ['a private key', $file->('rsa.pem'), qr/private key.*only the issuer/],
    ['a private key in the table', $public->(slurp(key_file('ec256.pem'))),
     qr/private key.*only the issuer/],
    ['a private key behind the public one', $file->('both.pem'),
     qr/private key/],
    ['two blocks', $file->('two.pem'), qr/more than one PEM block/],
    ['DER', $file->('rsa.der'), qr/DER, not PEM/],
    ['no PEM', $public->('AAAA'), qr/no PEM text/],
    ['a JWK where PEM belongs', $public->(json(jwk('rsa'))), qr/no PEM text/],
    ['a damaged block', $public->($rsa =~ s/\n.{20}/\n/r),
     qr/PEM block/],
    ['a secret as public key', $file->('hs.secret'), qr/no PEM text/],
    # key sets
    ['a set of one key', $jwks->(jwk('rsa')), $ok],
    ['no key', $jwks->(), qr/no usable key/],
    ['a set that is no object', { jwks => [] }, qr/must be an object/],
    ['no set', { jwks => {} }, qr/neither a JWK Set/],
    ['keys that are no array', { jwks => { keys => {} } }, qr/must be an array/],
    ['keys of an unknown kty alone', $jwks->({ kty => 'AKP' }),
     qr/no usable key/],
    ['an unknown kty beside a key', $jwks->(jwk('rsa'), { kty => 'AKP' }), $ok],
    ['encryption keys alone', $jwks->(jwk('rsa', use => 'enc')),
     qr/no usable key/],
    ['a private JWK', $jwks->({ %private }), qr/private JWK/],
    ['a private JWK beside a public one', $jwks->(jwk('ec256'), { %private }),
     qr/private JWK/],
    ['a private JWK alone, bare', { jwks => { %private } }, qr/private JWK/],
    ['a secret beside a public key', $jwks->(jwk('rsa'), oct_jwk(32)),
     qr/mixes symmetric/],
    ['two secrets', $jwks->(oct_jwk(32), oct_jwk(64)), $ok],
    ['a weak secret alone', $jwks->(oct_jwk(31)), qr/no usable key/],
    ['a weak secret beside a good one', $jwks->(oct_jwk(31), oct_jwk(32)),
     qr/warning: .*too short.*ignored/],
    ['a weak RSA key beside a good one', $jwks->(jwk('rsa'), jwk('rsa',
        n => b64url("\xff" x 128))), qr/warning: .*too weak.*ignored/],
    ['a weak RSA key, bare', { jwks => jwk('rsa', n => b64url("\xff" x 128)) },
     qr/\d: \S+jwks: the RSA key is too weak/],
    ['an entry that is no object', $jwks->(jwk('rsa'), 'x'),
     qr/warning: .*ignored/],
    ['an entry without kty', $jwks->(jwk('rsa'), {}), qr/warning: .*ignored/],
    ['a point that is on no curve', $jwks->(jwk('rsa'), jwk('ec256',
        x => b64url("\1" x 32))), qr/warning: .*no point/],
    ['a short coordinate', $jwks->(jwk('rsa'), jwk('ec256',
        x => b64url("\1" x 31))), qr/warning: .*32 octets/],
    ['a padded number', $jwks->(jwk('rsa'), jwk('rsa2', e => 'AQAB====')),
     qr/warning: .*base64url/],
    ['an alg of another family', $jwks->(jwk('rsa'), jwk('ec256',
        alg => 'RS256')), qr/warning: .*does not fit/],
    ['an alg of another curve', $jwks->(jwk('rsa'), jwk('ec384',
        alg => 'ES256')), qr/warning: .*does not fit/],
    ['an unknown alg', $jwks->(jwk('rsa'), jwk('ec256', alg => 'none')),
     qr/warning: .*no signature algorithm/],
    ['a file that is no JSON', { jwks_file => 'no.json' }, qr/no\.json:1:\d+/],
    ['a file with a name twice', { jwks_file => 'twice.json' },
     qr/twice\.json:1:\d+.*twice/],
    ['a PEM file as key set', { jwks_file => 'rsa.pub.pem' }, qr/rsa\.pub\.pem:1/],
    ['a key set as PEM file', $file->('jwks.json'), qr/no PEM text/],
    # one source, one family
    ['no key at all', {}, qr/has no key/],
    ['two sources', { secret => fat(32), public_key => $rsa },
     qr/one source of keys/],
    ['RS256 of a secret', { secret => fat(64), algorithms => ['RS256'] },
     qr/no key here serves RS256/],
    ['HS256 of a public key', { public_key => $rsa, algorithms => ['HS256'] },
     qr/no key here serves HS256/],
    ['ES384 of P-256', { public_key => $ec, algorithms => ['ES384'] },
     qr/no key here serves ES384/],
    ['none', { public_key => $rsa, algorithms => ['none'] },
     qr/without a signature is never accepted/],
    ['rs256', { public_key => $rsa, algorithms => ['rs256'] },
     qr/no signature algorithm.*"RS256"/],
    ['algorithm and algorithms', { public_key => $rsa, algorithm => 'RS256',
                                   algorithms => ['RS256'] }, qr/keep one/],
    ['Ed25519 by its other name', { public_key_file => 'ed25519.pub.pem',
                                    algorithm => 'Ed25519' }, $ok],
);

my (%refused, $n);
for my $case (@cases) {
    my ($what, $authorizer, $like) = @$case;
    my ($status, $said) = check_table({ paths => [], authorizer => {
        type => 'jwt', issuer => 'i', audience => 'a', %$authorizer } });
    my $fails = $like != $ok && "$like" !~ /warning/;
    ok($said =~ $like && $status == ($fails ? 1 : 0), "check: $what")
        || diag("exit status $status: $said");
    unlike($said, qr/hush-hush|$private{n}/, "check: $what: shows no key");
    $refused{ sprintf 'a%03d', ++$n } = [$what, $authorizer, $like] if $fails;
}

# All of them in one table: httpd -t says every one, each with its place.
my %all = map { ($_ => { type => 'jwt', issuer => 'i', audience => 'a',
                         %{ $refused{$_}[1] } }) } keys %refused;
spew(key_file('all.json'), json({ authorizers => \%all, paths => [] }));
my ($status, $said) = httpd_t('JwtMapConfig conf/keys/all.json');
isnt($status, 0, 'httpd -t refuses a table of wrong keys');
for my $name (sort keys %refused) {
    my ($what, undef, $like) = @{ $refused{$name} };
    my ($line) = grep { m{^\S+/keys/all\.json:1:\d+: /authorizers/$name\b} }
        split /\n/, $said;
    like($line, $like, "httpd -t: $what");
}
unlike($said, qr/hush-hush/, 'httpd -t shows no secret');

done_testing();
