package JwtMapKeys;

# JwtMapKeys: keys and tokens of the tests. Signs with Digest::SHA and the
# openssl command, never with our own code: what the module accepts is then
# somebody else's token.

use strict;
use warnings;

use Digest::SHA ();
use Exporter 'import';
use File::Temp ();
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);

our @EXPORT = qw(token jws sign jwk b64url key_file secret json);

# In every secret of the tests: 99log.t looks for it in the error log.
use constant SECRET_MARK => 'hush-hush-';

# What openssl genpkey wants, and the members of a JWK.
my %kind = (
    rsa     => { new => [qw(RSA -pkeyopt rsa_keygen_bits:2048)], alg => 'RS256' },
    rsa2    => { new => [qw(RSA -pkeyopt rsa_keygen_bits:2048)], alg => 'RS256' },
    ec256   => { new => [qw(EC -pkeyopt ec_paramgen_curve:P-256)],
                 alg => 'ES256', crv => 'P-256', octets => 32 },
    ec384   => { new => [qw(EC -pkeyopt ec_paramgen_curve:P-384)],
                 alg => 'ES384', crv => 'P-384', octets => 48 },
    ec521   => { new => [qw(EC -pkeyopt ec_paramgen_curve:P-521)],
                 alg => 'ES512', crv => 'P-521', octets => 66 },
    ed25519 => { new => [qw(ED25519)],
                 alg => 'EdDSA', crv => 'Ed25519', octets => 32 },
);
my %default_key = (HS => 'hs', RS => 'rsa', PS => 'rsa', ES256 => 'ec256',
                   ES384 => 'ec384', ES512 => 'ec521', EdDSA => 'ed25519');
# Seconds; a test may take minutes under memcheck.
my $lifetime = $ENV{JWTMAP_MEMCHECK} ? 3600 : 300;
my $codec = JSON::PP->new->utf8->canonical;

# Writes DIR/NAME.pem, DIR/NAME.pub.pem, DIR/hs.secret, and DIR/jwks.json:
# every public key but rsa2, with its name as kid; and DIR/../secrets/hs, which
# is $secret.hs in a table; and DIR/localhost.pem, a certificate for 127.0.0.1
# with the key ec256. Called once, by t/check.
sub make {
    my ($dir) = @_;
    mkdir $dir or die "$dir: $!\n";
    for my $name (sort keys %kind) {
        run('genpkey', '-algorithm', @{ $kind{$name}{new} },
            '-out', "$dir/$name.pem");
        run('pkey', '-in', "$dir/$name.pem", '-pubout',
            '-out', "$dir/$name.pub.pem");
    }
    run('req', '-x509', '-new', '-key', "$dir/ec256.pem", '-subj',
        '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', 7,
        '-out', "$dir/localhost.pem");
    write_file("$dir/hs.secret", secret());
    mkdir "$dir/../secrets";
    write_file("$dir/../secrets/hs", secret() . "\n");
    my @keys = map { jwk($_, dir => $dir) } grep { $_ ne 'rsa2' } sort keys %kind;
    write_file("$dir/jwks.json", $codec->encode({ keys => \@keys }));
}

sub key_file {
    my ($name) = @_;
    return "$ENV{JWTMAP_STAGE}/t/conf/keys/$name";
}

# The HMAC secret: 74 octets, enough for HS512.
sub secret {
    return SECRET_MARK . 'x' x 64;
}

sub json {
    my ($value) = @_;
    return ref $value ? $codec->encode($value) : $value;
}

sub b64url {
    my ($octets) = @_;
    return encode_base64url($octets);
}

# The public JWK of a key: jwk('ec256'), jwk('rsa', kid => 'other', use => 'sig').
sub jwk {
    my ($name, %member) = @_;
    my $kind = $kind{$name} or die "no key $name\n";
    my $dir = delete $member{dir} || key_file('.');
    my $spki = run('pkey', '-pubin', '-in', "$dir/$name.pub.pem",
                   '-pubout', '-outform', 'DER');
    my %jwk = (kid => $name, alg => $kind->{alg}, use => 'sig');
    if (!$kind->{crv}) {
        my $text = run('rsa', '-pubin', '-in', "$dir/$name.pub.pem",
                       '-noout', '-modulus');
        my ($hex) = $text =~ /^Modulus=([0-9A-F]+)/;
        @jwk{qw(kty n e)} = ('RSA', b64url(pack 'H*', $hex), 'AQAB');
    }
    elsif ($name eq 'ed25519') {
        @jwk{qw(kty crv x)} = ('OKP', 'Ed25519', b64url(substr $spki, -32));
    }
    else {
        my $n = $kind->{octets};
        @jwk{qw(kty crv x y)} = ('EC', $kind->{crv},
            b64url(substr $spki, -2 * $n, $n), b64url(substr $spki, -$n));
    }
    %jwk = (%jwk, %member);
    delete @jwk{ grep { !defined $jwk{$_} } keys %jwk };
    return \%jwk;
}

# A token that the demo's authorizer accepts, but for what the caller changes:
#   token(sub => 'alice')                   RS256, claims of the caller added
#   token(sub => 'alice', exp => undef)     without exp
#   token(-alg => 'HS256', -header => { kid => undef }, -key => 'ec384',
#         -secret => 'other', -payload => '{"raw":1}')
sub token {
    my (%claims) = @_;
    my %opt = map { $_ => delete $claims{"-$_"} }
        map { /^-(.*)/ ? $1 : () } keys %claims;
    my $alg = $opt{alg} || 'RS256';
    my $key = $opt{key} || $default_key{$alg} || $default_key{ substr $alg, 0, 2 };
    my %header = (alg => $alg, typ => 'JWT', ($key eq 'hs' ? () : (kid => $key)),
                  %{ $opt{header} || {} });
    my %payload = (iss => 'https://issuer.example', aud => 'api://gateway',
                   sub => 'alice', iat => time, exp => time + $lifetime, %claims);
    for my $part (\%header, \%payload) {
        delete @$part{ grep { !defined $part->{$_} } keys %$part };
    }
    my $payload = defined $opt{payload} ? $opt{payload} : json(\%payload);
    return jws(json(\%header), $payload, $alg, $key, $opt{secret});
}

# The compact JWS of two texts as they are, signed with alg and key whatever
# the texts say.
sub jws {
    my ($header, $payload, $alg, $key, $secret) = @_;
    my $input = b64url($header) . '.' . b64url($payload);
    return $input . '.' . b64url(sign($input, $alg, $key, $secret));
}

# The signature octets.
sub sign {
    my ($input, $alg, $key, $secret) = @_;
    my ($family, $bits) = $alg =~ /^(HS|RS|PS|ES)(256|384|512)$/;
    return sign_openssl($input, 'pkeyutl', '-sign', '-rawin', '-inkey',
                        key_file("$key.pem")) if !$family;
    if ($family eq 'HS') {
        no strict 'refs';
        return &{"Digest::SHA::hmac_sha$bits"}(
            $input, defined $secret ? $secret : secret());
    }
    my @pss = $family eq 'PS' ? (qw(-sigopt rsa_padding_mode:pss
                                    -sigopt rsa_pss_saltlen:-1)) : ();
    my $octets = sign_openssl($input, 'dgst', "-sha$bits", @pss, '-sign',
                              key_file("$key.pem"));
    return $family eq 'ES' ? raw_of_der($octets, $kind{$key}{octets}) : $octets;
}

sub sign_openssl {
    my ($input, $command, @args) = @_;
    my $file = File::Temp->new;
    print $file $input;
    close $file;
    return run($command, @args, $command eq 'pkeyutl' ? '-in' : (), "$file");
}

# SEQUENCE { INTEGER r, INTEGER s } -> r and s of n octets each, RFC 7518 3.4
sub raw_of_der {
    my ($der, $n) = @_;
    $der =~ s/\A\x30(?:[\x00-\x7f]|\x81.)//s or die "not a SEQUENCE\n";
    my $raw = '';
    for (1 .. 2) {
        my ($len) = $der =~ /\A\x02(.)/s or die "not an INTEGER\n";
        my $int = substr $der, 2, ord $len;
        $der = substr $der, 2 + ord $len;
        $int =~ s/\A\0+//;
        $raw .= ("\0" x ($n - length $int)) . $int;
    }
    return $raw;
}

# Standard output of the openssl command; dies where it fails.
sub run {
    my (@command) = @_;
    open my $quiet, '>&', \*STDERR or die;
    open STDERR, '>', '/dev/null' or die;
    my $pid = open my $out, '-|', 'openssl', @command;
    open STDERR, '>&', $quiet or die;
    defined $pid or die "openssl: $!\n";
    binmode $out;
    local $/;
    my $octets = <$out>;
    close $out or die "openssl @command failed\n";
    return defined $octets ? $octets : '';
}

sub write_file {
    my ($file, $octets) = @_;
    open my $out, '>:raw', $file or die "$file: $!\n";
    print $out $octets;
    close $out or die "$file: $!\n";
}

1;
