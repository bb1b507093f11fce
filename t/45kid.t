# How `kid` chooses the key of a set, and keys that are for one issuer.
# By the command line, like 40tokens.t.

use JwtMapTest;
use JwtMapVerify;

my %claims = (iss => 'https://issuer.example', aud => 'api://gateway',
              sub => 'alice', exp => $NOW + 300);
my $payload = json(\%claims);

# --- kid ----------------------------------------------------------------------

my $long = 'k' x 4000;
my $nul = "a\0b";
my @set = (
    jwk('rsa', kid => 'one'), jwk('ec256', kid => 'one', alg => undef),
    jwk('rsa2', kid => 'one', alg => 'RS512'),
    jwk('ec384', kid => ''), jwk('ec521', kid => $long),
    jwk('ed25519', kid => $nul),
    jwk('rsa', kid => 'enc', use => 'enc', alg => 'RSA-OAEP'),
    jwk('rsa', kid => 'twice', alg => undef),
    jwk('rsa2', kid => 'twice', alg => undef),
    jwk('rsa', kid => 'ops', alg => 'PS256', key_ops => ['verify']),
    jwk('rsa', kid => 'ops', alg => 'PS384', key_ops => ['sign']),
);
authorizers('kid', set => { jwks => { keys => \@set } },
            bare => { jwks => jwk('rsa', kid => 'one') },
            nameless => { jwks => { keys => [jwk('rsa', kid => undef)] } },
            nameless_bare => { jwks => jwk('rsa', kid => undef) },
            pem => { public_key_file => 'rsa.pub.pem' },
            secret => { secret => secret() });
my @kids = (
    # authorizer, kid (undef: absent), alg, key, verdict, sentence
    ['set', 'one', 'RS256', 'rsa', 'ok', 'kid, kty and alg choose'],
    ['set', 'one', 'RS512', 'rsa2', 'ok', 'the other alg of that kid'],
    ['set', 'one', 'RS256', 'rsa2', 'signature', 'the key of the other alg'],
    ['set', 'one', 'RS384', 'rsa', 'key', 'an alg that no entry has'],
    ['set', 'one', 'ES256', 'ec256', 'ok', 'the other kty of that kid'],
    ['set', 'One', 'RS256', 'rsa', 'key', 'a kid is case-sensitive'],
    ['set', 'one ', 'RS256', 'rsa', 'key', 'a kid with a blank is another'],
    ['set', 'on', 'RS256', 'rsa', 'key', 'nor is a prefix enough'],
    ['set', 'ones', 'RS256', 'rsa', 'key', 'nor a longer one'],
    ['set', 'nobody', 'RS256', 'rsa', 'key', 'an unknown kid: no fall-back'],
    ['set', "one' OR '1'='1", 'RS256', 'rsa', 'key', 'an injection'],
    ['set', '../../keys/one', 'RS256', 'rsa', 'key', 'a path'],
    ['set', '%s%n', 'RS256', 'rsa', 'key', 'a format'],
    ['set', '', 'ES384', 'ec384', 'ok', 'the empty kid is one'],
    ['set', '', 'RS256', 'rsa', 'key', 'the empty kid is not none'],
    ['set', $long, 'ES512', 'ec521', 'ok', 'a kid of 4000 octets'],
    ['set', substr($long, 1), 'ES512', 'ec521', 'key', 'one of 3999'],
    ['set', $nul, 'EdDSA', 'ed25519', 'ok', 'a kid with NUL in it'],
    ['set', 'a', 'EdDSA', 'ed25519', 'key', 'what stands before the NUL'],
    ['set', "a\0c", 'EdDSA', 'ed25519', 'key', 'the same before the NUL'],
    ['set', 'enc', 'RS256', 'rsa', 'key', 'a key for encryption'],
    ['set', 'twice', 'RS256', 'rsa', 'key', 'two entries fit'],
    ['set', 'ops', 'PS256', 'rsa', 'ok', 'key_ops has verify'],
    ['set', 'ops', 'PS384', 'rsa', 'key', 'key_ops lacks verify'],
    ['set', undef, 'ES256', 'ec256', 'ok', 'no kid, one key fits'],
    ['set', undef, 'RS256', 'rsa', 'key', 'no kid, several keys fit'],
    ['bare', 'one', 'RS256', 'rsa', 'ok', 'a bare JWK with its kid'],
    ['bare', 'two', 'RS256', 'rsa', 'key', 'with another kid'],
    ['bare', undef, 'RS256', 'rsa', 'ok', 'without a kid'],
    ['nameless', undef, 'RS256', 'rsa', 'ok', 'a set without kid: no kid'],
    ['nameless', 'one', 'RS256', 'rsa', 'key', 'any kid is unknown there'],
    ['nameless', '', 'RS256', 'rsa', 'key', 'the empty one, too'],
    ['pem', 'any', 'RS256', 'rsa', 'ok', 'a PEM has no kid: ignored'],
    ['secret', 'any', 'HS256', 'hs', 'ok', 'nor has a secret'],
);
for my $case (@kids) {
    my ($name, $kid, $alg, $key, $want, $sentence) = @$case;
    my $text = json({ alg => $alg, defined $kid ? (kid => $kid) : () });
    verdict_is($name, jws($text, $payload, $alg, $key), $want,
               "kid in $name: $sentence: $want");
}

# --- a JWK that is for one issuer ---------------------------------------------

my $tenants = 'https://login.example/{tenantid}/v2';
authorizers('issuers', map({ ($_->[0] => { issuer => undef, jwks => {
    keys => [jwk('rsa', kid => 'k', issuer => $_->[1])] } }) }
    ['one', 'https://issuer.example'], ['tenants', $tenants]),
    both => { jwks => { keys => [jwk('rsa', kid => 'k', issuer => 'other')] } });
my @issuers = (
    ['one', {}, 'ok', 'the issuer of the key'],
    ['one', { iss => 'https://issuer.example/' }, 'issuer', 'another issuer'],
    ['one', { iss => undef }, 'issuer', 'no issuer'],
    ['tenants', { iss => 'https://login.example/t1/v2', tid => 't1' }, 'ok',
     'the tenant of the tid claim'],
    ['tenants', { iss => 'https://login.example/t2/v2', tid => 't1' }, 'issuer',
     'another tenant'],
    ['tenants', { iss => 'https://login.example/t1/v2' }, 'issuer', 'no tid'],
    ['tenants', { iss => 'https://login.example//v2', tid => '' }, 'issuer',
     'an empty tid'],
    ['tenants', { iss => $tenants, tid => '{tenantid}' }, 'ok',
     'a tid that looks like the placeholder is text'],
    ['tenants', { iss => $tenants, tid => 't1' }, 'issuer',
     'the placeholder itself is no issuer'],
    ['tenants', { iss => 'https://login.example/1/v2', tid => 1 }, 'issuer',
     'a tid that is a number'],
    ['both', {}, 'issuer', "the authorizer's issuer, but not the key's"],
);
for my $case (@issuers) {
    my ($name, $change, $want, $sentence) = @$case;
    my %changed = (%claims, %$change);
    delete @changed{ grep { !defined $changed{$_} } keys %changed };
    verdict_is($name, jws('{"alg":"RS256","kid":"k"}', json(\%changed),
                          'RS256', 'rsa'), $want, "JWK with issuer: $sentence: $want");
}

done_testing();
