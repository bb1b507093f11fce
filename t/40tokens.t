# Which key verifies which token. Every algorithm with every kind of
# static key, each beside its neighbours; the choice of the key; signatures;
# what a header may say. By the command line, which calls what the module does;
# 42authorizers.t is the same through httpd. Tokens are signed by openssl.

use JwtMapTest;
use JwtMapVerify;

use MIME::Base64 qw(decode_base64url encode_base64);

my @algs = qw(HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512
              ES256 ES384 ES512 EdDSA);
my %key_of = (HS => 'hs', RS => 'rsa', PS => 'rsa', ES256 => 'ec256',
              ES384 => 'ec384', ES512 => 'ec521', EdDSA => 'ed25519');

sub signed {
    my ($alg, %more) = @_;
    return token(iat => $NOW, exp => $NOW + 300, -alg => $alg,
                 -key => $key_of{$alg} || $key_of{ substr $alg, 0, 2 },
                 %more, -header => { kid => undef, %{ $more{-header} || {} } });
}

# --- the kinds of static key --------------------------------------------------

my $dir = key_file('.');
my $oct = { kty => 'oct', k => b64url(secret()) };

JwtMapKeys::run('rsa', '-pubin', '-in', key_file('rsa.pub.pem'),
                '-RSAPublicKey_out', '-out', key_file('rsa.pkcs1.pem'));
JwtMapKeys::run('genpkey', '-algorithm', 'RSA-PSS', '-pkeyopt',
                'rsa_keygen_bits:2048', '-out', key_file('pss.pem'));
JwtMapKeys::run('pkey', '-in', key_file('pss.pem'), '-pubout', '-out',
                key_file('pss.pub.pem'));
JwtMapKeys::run('genpkey', '-algorithm', 'RSA-PSS', '-pkeyopt',
                'rsa_keygen_bits:2048', '-pkeyopt', 'rsa_pss_keygen_md:sha384',
                '-pkeyopt', 'rsa_pss_keygen_mgf1_md:sha384', '-pkeyopt',
                'rsa_pss_keygen_saltlen:48', '-out', key_file('pss384.pem'));
JwtMapKeys::run('pkey', '-in', key_file('pss384.pem'), '-pubout', '-out',
                key_file('pss384.pub.pem'));
JwtMapKeys::run('ec', '-in', key_file('ec256.pem'), '-conv_form', 'compressed',
                '-pubout', '-out', key_file('ec256.short.pem'));

# Public key, certificate, JWKS as object, string and file, and one bare JWK.
sub kinds_of {
    my ($key) = @_;
    my $jwk = jwk($key, alg => undef, kid => undef, use => undef);
    my $cert = key_file("$key.cert.pem");
    JwtMapKeys::run('req', '-new', '-x509', '-key', key_file("$key.pem"),
                    '-subj', '/CN=issuer', '-out', $cert);
    spew("$dir/$key.jwks", json({ keys => [$jwk] }));
    spew("$dir/$key.jwk", json($jwk));
    return ("$key.pub.pem" => { public_key_file => "$key.pub.pem" },
            "$key.inline" => { public_key => slurp(key_file("$key.pub.pem")) },
            "$key.cert.pem" => { public_key_file => "$key.cert.pem" },
            "$key.jwks" => { jwks => { keys => [$jwk] } },
            "$key.jwks.text" => { jwks => json({ keys => [$jwk] }) },
            "$key.jwks.file" => { jwks_file => "$key.jwks" },
            "$key.jwk" => { jwks => $jwk },
            "$key.jwk.file" => { jwks_file => "$key.jwk" });
}

my %by_family = (
    hs => [{ 'hs.inline' => { secret => secret() },
             'hs.file' => { secret_file => 'hs.secret' },
             'hs.jwks' => { jwks => { keys => [$oct] } },
             'hs.jwks.text' => { jwks => json({ keys => [$oct] }) },
             'hs.jwk' => { jwks => $oct } }, qr/^HS/],
    rsa => [{ kinds_of('rsa'),
              'rsa.pkcs1' => { public_key_file => 'rsa.pkcs1.pem' } },
            qr/^[RP]S/],
    ec256 => [{ kinds_of('ec256'),
                'ec256.short' => { public_key_file => 'ec256.short.pem' } },
              qr/^ES256/],
    ec384 => [{ kinds_of('ec384') }, qr/^ES384/],
    ec521 => [{ kinds_of('ec521') }, qr/^ES512/],
    ed25519 => [{ kinds_of('ed25519') }, qr/^EdDSA/],
);

# The algorithms member narrows the first kind of each family to one.
sub only {
    my ($alg) = @_;
    my $key = $key_of{$alg} || $key_of{ substr $alg, 0, 2 };
    return { algorithms => [$alg], $key eq 'hs' ? (secret => secret())
                                   : (public_key_file => "$key.pub.pem") };
}

my %token = map { $_ => signed($_) } @algs;
for my $family (sort keys %by_family) {
    my ($kinds, $fits) = @{ $by_family{$family} };
    authorizers($family, %$kinds);
    for my $kind (sort keys %$kinds) {
        for my $alg (@algs) {
            verdict_is($kind, $token{$alg},
                       $alg =~ $fits ? 'ok' : 'algorithm',
                       "$kind and $alg: " . ($alg =~ $fits ? 'holds'
                                                           : 'no such pair'));
        }
    }
}
authorizers('only', map { ("only.$_" => only($_)) } @algs);
for my $only (@algs) {
    verdict_is("only.$only", $token{$_}, $_ eq $only ? 'ok' : 'algorithm',
               "algorithms [$only] and $_") for @algs;
}

# --- the same key, another signature ------------------------------------------

my %wrong_key = (HS => [-secret => 'x' x 64], RS => [-key => 'rsa2'],
                 PS => [-key => 'rsa2']);
for my $alg (@algs) {
    my $other = $wrong_key{ substr $alg, 0, 2 } or next;
    verdict_is("only.$alg", signed($alg, @$other), 'signature',
               "$alg by another key does not hold");
}
# Each algorithm under the name of each other of its family.
for my $alg (@algs) {
    for my $named (grep { $_ ne $alg } @algs) {
        my $token = signed($alg, -header => { alg => $named });
        isnt(verdict("only.$named", $token), 'ok',
             "$alg signed, $named named: does not hold for $named");
    }
}

# --- signatures, octet by octet -----------------------------------------------

sub with_signature {
    my ($alg, $signature) = @_;
    my ($input) = $token{$alg} =~ /^(.*)\./;
    return "$input." . b64url($signature);
}

for my $alg (@algs) {
    my ($text) = $token{$alg} =~ /([^.]+)$/;
    my $good = decode_base64url($text);
    my $size = length $good;
    my %mutation = map {
        my $copy = $good;
        substr($copy, $_, 1) ^= "\x01";
        ("octet $_ changed" => $copy);
    } 0, 1, int($size / 3), int($size / 2) - 1, int($size / 2), $size - 2,
      $size - 1;
    %mutation = (%mutation,
        'one octet short' => substr($good, 0, -1),
        'one octet long' => "$good\0",
        'a zero octet before it' => "\0$good",
        'cut in half' => substr($good, 0, $size / 2),
        'all zero' => "\0" x $size, 'all ones' => "\xff" x $size,
        'the two halves exchanged' =>
            substr($good, $size / 2) . substr($good, 0, $size / 2));
    verdict_is("only.$alg", with_signature($alg, $mutation{$_}), 'signature',
               "$alg, $_") for sort keys %mutation;
}

# CVE-2022-21449 and its kin: r and s of 0, of the group order, as DER.
my %order = (
    ES256 => 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
    ES384 => 'f' x 48 . 'c7634d81f4372ddf581a0db248b0a77aecec196accc52973',
    ES512 => '01' . 'f' x 64 . 'fa51868783bf2f966b7fcc0148f709a5d03bb5c9b889'
        . '9c47aebb6fb71e91386409',
);
for my $alg (sort keys %order) {
    my $n = pack 'H*', $order{$alg};
    my $zero = "\0" x length $n;
    my $one = substr($zero, 1) . "\1";
    my ($r, $s) = unpack 'a' . length($n) . ' a*',
        decode_base64url($token{$alg} =~ s/.*\.//r);
    my %psychic = ('r = s = 0' => $zero . $zero, 'r = 0' => $zero . $s,
                   's = 0' => $r . $zero, 'r = s = n' => $n . $n,
                   'r = n' => $n . $s, 's = n' => $r . $n,
                   'r = n, s = 0' => $n . $zero, 'r = 0, s = 1' => $zero . $one,
                   'r = s = 1' => $one . $one);
    $psychic{'DER'} = JwtMapKeys::sign_openssl(
        $token{$alg} =~ s/\.[^.]*$//r, 'dgst', '-sha' . { ES256 => 256,
        ES384 => 384, ES512 => 512 }->{$alg}, '-sign',
        key_file($key_of{$alg} . '.pem'));
    verdict_is("only.$alg", with_signature($alg, $psychic{$_}), 'signature',
               "$alg, $_") for sort keys %psychic;
}
{
    # Ed25519: S and S + L are one number modulo the order, RFC 8032 5.1.7.
    my $good = decode_base64url($token{EdDSA} =~ s/.*\.//r);
    my @l = unpack 'C*', reverse pack 'H*', '10000000000000000000000000000000'
        . '14def9dea2f79cd65812631a5cf5d3ed';
    my @s = unpack 'C*', substr $good, 32;
    my $carry = 0;
    for my $i (0 .. 31) {
        $carry += $s[$i] + $l[$i];
        $s[$i] = $carry & 255;
        $carry >>= 8;
    }
    verdict_is('only.EdDSA', with_signature('EdDSA', substr($good, 0, 32)
        . pack 'C*', @s), 'signature', 'EdDSA, S + L does not hold for S');
}
# PSS with another salt than the hash is long, RFC 7518 3.5.
for my $salt (0, 20, 31, 33, 222) {
    my ($input) = $token{PS256} =~ /^(.*)\./;
    my $signature = JwtMapKeys::sign_openssl($input, qw(dgst -sha256 -sigopt
        rsa_padding_mode:pss -sigopt), "rsa_pss_saltlen:$salt", '-sign',
        key_file('rsa.pem'));
    verdict_is('only.PS256', with_signature('PS256', $signature), 'signature',
               "PS256 with a salt of $salt octets");
}

# --- what passes for a key: confusion -----------------------------------------

# A public key in any of its spellings is no secret.
authorizers('confusion', map { ("$_.pub.pem" =>
            { public_key_file => "$_.pub.pem" }) } qw(rsa ec256 ed25519));
for my $key (qw(rsa ec256 ed25519)) {
    my $pem = slurp(key_file("$key.pub.pem"));
    (my $line = $pem) =~ s/\n\z//;
    my %secret = (PEM => $pem, 'PEM without its last newline' => $line,
                  'the JWK' => json(jwk($key)));
    for my $what (sort keys %secret) {
        for my $alg (qw(HS256 HS384 HS512)) {
            verdict_is("$key.pub.pem", signed($alg, -secret => $secret{$what}),
                       'algorithm', "$key: $what is no secret for $alg");
        }
    }
}
my %id = ('pss' => qr/^PS/, 'pss384' => qr/^PS384/);
authorizers('pss', map { ($_ => { public_key_file => "$_.pub.pem" }) } keys %id);
for my $key (sort keys %id) {
    for my $alg (grep { /^[RP]S/ } @algs) {
        # openssl will not sign PKCS#1 v1.5 with such a key; the name is enough.
        my $token = $alg =~ $id{$key}
            ? jws(json({ alg => $alg }), json({ iss => 'https://issuer.example',
                  aud => 'api://gateway', exp => $NOW + 9 }), $alg, $key)
            : $token{$alg};
        verdict_is($key, $token, $alg =~ $id{$key} ? 'ok' : 'algorithm',
                   "an id-RSASSA-PSS key ($key) and $alg");
    }
}

done_testing();
