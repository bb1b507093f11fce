#!/usr/bin/perl
# jwtmapctl.t: the command line as a program: exit status, standard output,
# standard error, and the files it creates. env JWTMAPCTL names the binary.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use JSON::PP qw(decode_json);
use MIME::Base64 qw(decode_base64url);
use Test::More;

my $ctl = $ENV{JWTMAPCTL} or die "env JWTMAPCTL names no binary\n";
$ctl = abs_path($ctl);
my $dir = tempdir(CLEANUP => 1);
chdir $dir or die;
umask 022;

# Runs jwtmapctl; a leading hash reference says what is its standard input.
# Returns exit status, standard output, standard error.
sub ctl {
    my $in = ref $_[0] ? shift->{in} : '';
    put('.in', $in);
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDIN, '<', '.in' or die;
        open STDOUT, '>', '.out' or die;
        open STDERR, '>', '.err' or die;
        exec $ctl, @_ or die;
    }
    waitpid $pid, 0;
    return ($? & 127 ? "signal $?" : $? >> 8, get('.out'), get('.err'));
}

sub put {
    my ($file, $text) = @_;
    open my $fh, '>:raw', $file or die "$file: $!";
    print $fh $text;
    close $fh or die;
    return;
}

sub get {
    my ($file) = @_;
    open my $fh, '<:raw', $file or die "$file: $!";
    local $/;
    return scalar(<$fh>) // '';
}

sub mode { return sprintf '%04o', (stat $_[0])[2] & 07777 }

# A token, without its newline.
sub token {
    my ($rv, $out, $err) = ctl('token', @_);
    die "token: $err" if $rv;
    chomp $out;
    return $out;
}

sub part { return decode_base64url((split /\./, $_[0])[$_[1]]) }

# Exit status 2, nothing on standard output, and a message like this.
sub refused_usage {
    my ($name, $like, @args) = @_;
    my ($rv, $out, $err) = ctl(@args);
    is($rv, 2, "$name: exit status 2");
    is($out, '', "$name: nothing on standard output");
    like($err, $like, "$name: says so");
    return;
}

# --- the program ------------------------------------------------------------
{
    my ($rv, $out, $err) = ctl('--version');
    is($rv, 0, '--version exits 0');
    like($out, qr/^jwtmapctl \d+\.\d+\.\d+\n\z/, '--version prints it');
    ($rv, $out) = ctl('--help');
    is($rv, 0, '--help exits 0');
    for my $verb (qw(check verify token explain)) {
        like($out, qr/^  $verb /m, "--help lists $verb");
        my ($vrv, $vout) = ctl($verb, '--help');
        is($vrv, 0, "$verb --help exits 0");
        like($vout, qr/^usage: jwtmapctl $verb/, "$verb --help is usage");
    }
    refused_usage('no verb', qr/^usage: jwtmapctl VERB/);
    refused_usage('an unknown verb', qr/"chekc" \(did you mean "check"\?\)/,
        'chekc');
    refused_usage('an unknown option',
        qr/check: unknown option --placeholder \(did you mean "--placehol/,
        'check', '--placeholder', 'x');
    refused_usage('an option with a secret in it',
        qr/unknown option --secrt \(did/, 'token', '--secrt=hunter2');
    (undef, undef, $err) = ctl('token', '--secrt=hunter2');
    unlike($err, qr/hunter2/, 'what stands behind = is not echoed');
    (undef, undef, $err) = ctl('token', '-shunter2');
    like($err, qr/unknown option -s\n/, 'of letters, only the first is shown');
    refused_usage('an option without its argument',
        qr/option --alg needs an argument/, 'token', '--alg');
    refused_usage('a flag with an argument',
        qr/option --force takes no argument/, 'token', '--force=1');
    refused_usage('an option twice', qr/--sub stands twice/, 'token',
        '--sub', 'a', '--sub', 'b');
    (undef, undef, $err) = ctl("\e[31m\x9b");
    unlike($err, qr/[\e\x9b]/, 'a verb cannot drive the terminal');
    like($err, qr/\\x1b\[31m\\x9b/, 'its controls are escaped');
}

# --- token: keys --------------------------------------------------------------
my @algs = qw(HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512 ES256
    ES384 ES512 EdDSA Ed25519);
for my $alg (@algs) {
    my $secret = $alg =~ /^HS/;
    my ($rv, $out, $err) = ctl('token', '--new-key', "$alg.key", '--alg',
        $alg, '--kid', "k-$alg", '--jwks-out', "$alg.jwks",
        $secret ? () : ('--public-out', "$alg.pub"));
    is($rv, 0, "$alg: a key is created");
    is($out . $err, '', "$alg: and nothing printed");
    is(mode("$alg.key"), '0600', "$alg: only the owner reads the key");
    is(mode("$alg.jwks"), $secret ? '0600' : '0644',
        "$alg: the mode of the set follows what it holds");
    my $jwk = decode_json(get("$alg.jwks"))->{keys}[0];
    is_deeply([@$jwk{qw(alg kid use)}], [$alg, "k-$alg", 'sig'],
        "$alg: the set has alg, kid and use");
    ok(!exists $jwk->{d}, "$alg: the set holds no private member");
    next if $secret;
    like(get("$alg.pub"), qr/^-----BEGIN PUBLIC KEY-----\n/,
        "$alg: the public key is PEM");
    is(mode("$alg.pub"), '0644', "$alg: which all may read");
    like(get("$alg.key"), qr/^-----BEGIN PRIVATE KEY-----\n/,
        "$alg: the private key is PKCS#8");
}
for my $bits (256, 384, 512) {
    like(get("HS$bits.key"), qr/^[\w-]+\n\z/, "HS$bits: a secret is text");
    cmp_ok(length get("HS$bits.key"), '>', $bits / 8,
        "HS$bits: and long enough");
}
{
    my $before = get('ES256.key');
    refused_usage('a key that is there', qr/ES256\.key is there already/,
        'token', '--new-key', 'ES256.key', '--alg', 'ES256');
    is(get('ES256.key'), $before, 'a key is not overwritten');
    refused_usage('a set that is there', qr/ES256\.jwks is there already/,
        'token', '--new-key', 'new.key', '--alg', 'ES256', '--jwks-out',
        'ES256.jwks');
    ok(!-e 'new.key', 'then no key is left behind, either');
    put('open.key', 'x');
    chmod 0644, 'open.key';
    my ($rv) = ctl('token', '--new-key', 'open.key', '--alg', 'ES256',
        '--force');
    is($rv, 0, '--force replaces a file');
    is(mode('open.key'), '0600', 'and does not take over its mode');
    put('target', 'keep');
    symlink 'target', 'link';
    refused_usage('a link', qr/link is there already/, 'token', '--new-key',
        'link', '--alg', 'ES256');
    ($rv) = ctl('token', '--new-key', 'link', '--alg', 'ES256', '--force');
    is($rv, 0, '--force replaces a link');
    is(get('target'), 'keep', 'and not what it points to');
    mkdir 'folder';
    refused_usage('a folder', qr/no file that can be replaced/, 'token',
        '--new-key', 'folder', '--alg', 'ES256', '--force');
    put('same', 'keep');
    for my $force ([], ['--force']) {
        my $file = @$force ? 'same' : 'other';
        refused_usage("two outputs in one file @$force",
            qr/$file cannot be created/, 'token', '--new-key', $file,
            '--alg', 'ES256', '--jwks-out', "./$file", @$force);
    }
    ok(!-e 'other', 'then there is no file');
    is(get('same'), 'keep', 'and under --force the old one');
    refused_usage('a folder that is not there',
        qr{nowhere/b cannot be created: No such file}, 'token', '--new-key',
        'same', '--alg', 'ES256', '--jwks-out', 'nowhere/b', '--force');
    is(get('same'), 'keep', 'then --force replaces nothing');
    refused_usage('a file for a folder',
        qr{target/b cannot be created: Not a directory}, 'token',
        '--new-key', 'b', '--alg', 'ES256', '--jwks-out', 'target/b');
    ok(!-e 'b', 'then no key is left behind');
    is_deeply([glob '*.[0-9]*'], [], 'and nothing else');
}
{
    my ($rv) = ctl('token', '--new-key', 'small', '--alg', 'RS256', '--bits',
        '1024');
    is($rv, 0, 'a weak RSA key is made, for tests');
    cmp_ok(length get('small'), '<', length get('RS256.key'),
        'and it is smaller');
    refused_usage('--bits for EC', qr/--bits is for a new RSA key/, 'token',
        '--new-key', 'b', '--alg', 'ES256', '--bits', '2048');
    refused_usage('--bits for a key that is there', qr/--bits is for a new/,
        'token', '--key', 'RS256.key', '--alg', 'RS256', '--bits', '2048');
    refused_usage("--bits $_", qr/--bits takes a number/, 'token',
        '--new-key', 'b', '--alg', 'RS256', '--bits', $_)
        for '511', '16385', '2048x', '', '-2048', '99999999999999999999';
    refused_usage('no --alg', qr/--new-key needs --alg/, 'token',
        '--new-key', 'b');
    refused_usage("--alg $_->[0]", $_->[1], 'token', '--new-key', 'b',
        '--alg', $_->[0])
        for ['none', qr/--alg is unknown\n/], ['', qr/--alg is unknown\n/],
        ['hs256', qr/--alg is unknown \(did you mean "HS256"\?\)/],
        ['RS256 ', qr/--alg is unknown/];
    ok(!-e 'b', 'none of them created a file');
    refused_usage('no key', qr/exactly one of --key,/, 'token', '--sub', 'a');
    refused_usage('two keys', qr/exactly one of --key,/, 'token', '--key',
        'ES256.key', '--secret', 'x');
    refused_usage('a public key of a secret', qr/it is a secret/, 'token',
        '--new-key', 'b', '--alg', 'HS256', '--public-out', 'b.pub');
    refused_usage('a key for another algorithm', qr/the key is not for ES384/,
        'token', '--key', 'ES256.key', '--alg', 'ES384', '--jwks-out', 'b');
    refused_usage('a public key to sign with', qr/ES256\.pub: /, 'token',
        '--key', 'ES256.pub');
    refused_usage('a key file that is not there', qr/nowhere: /, 'token',
        '--key', 'nowhere');
    refused_usage('an empty secret', qr/the secret is empty/, 'token',
        '--secret', '');
    refused_usage('a kid that is not UTF-8', qr/--kid is not UTF-8/, 'token',
        '--secret', 'x', '--kid', "\xff");
    my ($prv, undef, $perr) = ctl('token', '--key', 'HS256.key');
    is($prv, 2, 'a secret is no private key');
    chomp(my $secret = get('HS256.key'));
    unlike($perr, qr/\Q$secret/, 'and is not echoed');
}

# --- token: header and claims -------------------------------------------------
my @hs = ('--secret', 'correct horse battery staple, twice');
{
    my $now = time;
    my $token = token(@hs);
    is(part($token, 0), '{"alg":"HS256","typ":"JWT"}', 'the usual header');
    my $claims = decode_json(part($token, 1));
    is_deeply([keys %$claims], ['exp'], 'exp is the only claim by itself');
    cmp_ok(abs($claims->{exp} - $now - 3600), '<', 30, 'it is in an hour');

    is(part(token(@hs, qw(--no-exp --sub a --iss b --aud c --nbf 1 --iat 2)),
            1), '{"sub":"a","iss":"b","aud":"c","nbf":1,"iat":2}',
        'the registered claims');
    is(part(token(@hs, qw(--no-exp --aud c --aud d)), 1),
        '{"aud":["c","d"]}', 'several audiences are an array');
    is(part(token(@hs, '--claims', '{"a":1,"exp":5,"b":2}', '--no-exp'), 1),
        '{"a":1,"b":2}', '--no-exp takes exp out of --claims');
    is(part(token(@hs, '--claims', '{"exp":5}'), 1), '{"exp":5}',
        'an exp of --claims stays');
    is(part(token(@hs, '--claims', '{"sub":"x","exp":1}', '--sub', 'y'), 1),
        '{"sub":"y","exp":1}', 'an option replaces a claim in its place');
    is(part(token(@hs, '--no-exp', '--claim', 'n=a=b"\\', '--claim-json',
                'm=[1, 2.50,{"k":null}]', '--claim-json',
                'm2=12345678901234567890'), 1),
        '{"n":"a=b\\"\\\\","m":[1,2.50,{"k":null}],"m2":12345678901234567890}',
        '--claim is text, --claim-json keeps its digits');
    $claims = decode_json(part(token(@hs, '--exp', '-60', '--nbf', '+60'), 1));
    cmp_ok(abs($claims->{exp} - $now + 60), '<', 30, '-60 is a minute ago');
    cmp_ok(abs($claims->{nbf} - $now - 60), '<', 30, '+60 is in a minute');
    is(part(token(@hs, '--exp', '0'), 1), '{"exp":0}', '0 is in 1970');
    is(part(token(@hs, qw(--kid k --typ at+jwt --header),
                '{"alg":"none","crit":["x"]}'), 0),
        '{"alg":"none","typ":"at+jwt","kid":"k","crit":["x"]}',
        '--header adds to the header and replaces in it');
    is(part(token(@hs, '--header-raw', '{ "alg" : '), 0), '{ "alg" : ',
        '--header-raw is signed as it is');
    put('raw', "\0not JSON\xff\n");
    is(part(token(@hs, '--payload-raw', 'raw'), 1), "\0not JSON\xff\n",
        '--payload-raw is signed as it is');
    my ($rv, $out) = ctl({ in => "in\n" }, 'token', @hs, '--payload-raw', '-');
    is(part($out, 1), "in\n", '--payload-raw - reads standard input');
    ($rv, $out) = ctl('token', @hs, '--json', '--exp', '1');
    is(decode_json($out)->{token}, token(@hs, '--exp', '1'),
        '--json prints the same token as JSON');
    ($rv, $out) = ctl('token', '--new-key', 'both.key', '--alg', 'EdDSA',
        '--sub', 'a');
    like($out, qr/^[\w-]+\.[\w-]+\.[\w-]+\n\z/,
        'a key and a token in one call');
    put('secret', "line\n\n");
    is(token('--secret-file', 'secret', '--exp', '1'),
        token('--secret', "line\n", '--exp', '1'),
        'a secret file loses one newline');
    is(token('--key', 'both.key', '--exp', '1'),
        token('--key', 'both.key', '--exp', '1', '--alg', 'EdDSA'),
        'without --alg it is the usual one');
}
refused_usage("token @{$_->[1]}", $_->[0], 'token', @hs, @{ $_->[1] }) for
    [qr/--exp takes seconds/, ['--exp', '1x']],
    [qr/--exp takes seconds/, ['--exp', '']],
    [qr/--exp takes seconds/, ['--exp', '+']],
    [qr/--exp takes seconds/, ['--exp', '+-5']],
    [qr/--exp takes seconds/, ['--exp', ' 5']],
    [qr/--exp takes seconds/, ['--exp', '+9223372036854775807']],
    [qr/--exp takes seconds/, ['--exp', '9223372036854775808']],
    [qr/--exp and --no-exp cannot/, ['--exp', '5', '--no-exp']],
    [qr/--payload-raw and --sub cannot/,
        ['--payload-raw', 'raw', '--sub', 'a']],
    [qr/--payload-raw and --claims cannot/,
        ['--payload-raw', 'raw', '--claims', '{}']],
    [qr/--header-raw and --typ cannot/, ['--header-raw', '{}', '--typ', 'a']],
    [qr/--claims is not strict JSON/, ['--claims', '{"a":1,"a":2}']],
    [qr/--claims is not a JSON object/, ['--claims', '[]']],
    [qr/--header is not strict JSON/, ['--header', '{}x']],
    [qr/--claim takes NAME=TEXT/, ['--claim', 'name']],
    [qr/--claim takes NAME=TEXT/, ['--claim', '=text']],
    [qr/--claim-json takes NAME=JSON/, ['--claim-json', 'name']],
    [qr/--claim-json is not strict JSON/, ['--claim-json', 'n=NaN']],
    [qr/not UTF-8/, ['--sub', "\xff"]],
    [qr/not UTF-8/, ['--aud', "\xff"]],
    [qr/raw\.not: /, ['--payload-raw', 'raw.not']],
    [qr/there is no operand/, ['operand']];

# --- check --------------------------------------------------------------------
my $table = <<'JSON';
{ "servers": [ { "alias": "up", "url": "http://127.0.0.1:9000/base" } ],
  "variables": { "region": "eu" },
  "authorizer": { "type": "jwt", "issuer": "https://issuer.example",
                  "audience": "api", "jwks_file": "ES256.jwks" },
  "paths": [
    { "method": "GET", "path": "/proxy/{.+}", "auth": true,
      "integration": { "type": "http_proxy", "server": "up" },
      "mapping": {
        "headers": { "x-user-id": "$request.jwt.sub",
                     "x-region": "$config.region" },
        "query": { "actor": "$request.jwt.sub" },
        "response_headers": { "x-seen": "$request.jwt.sub" } } },
    { "method": "POST", "path": "/proxy/x", "auth": true },
    { "method": "GET", "path": "/public", "auth": false } ] }
JSON
put('good.json', $table);
my $bad = $table =~ s{"GET", "path": "/public"}{"GTE", "pth": "/public"}r;
put('bad.json', $bad);
put('env.json', $table =~ s/"eu"/"\$env.JM_T_REGION"/r);
put('secret.json', $table =~ s/"eu"/"\$secret.region"/r);
my $two = $table =~ s/"auth": true/"auth": ["one", "two"]/gr;
$two =~ s/"authorizer": (\{.*?\}),/"authorizers": { "one": $1, "two": $1 },/s;
$two =~ s/(.*)issuer\.example/$1other.example/s;
put('two.json', $two);
delete $ENV{JM_T_REGION};
{
    my ($rv, $out, $err) = ctl('check', 'good.json');
    is($rv, 0, 'a good table: exit status 0');
    is($out, "good.json: ok, 3 routes, 0 warnings\n", 'and its numbers');
    is($err, '', 'and nothing on standard error');
    ($rv, $out, $err) = ctl('check', 'bad.json');
    is($rv, 1, 'a bad table: exit status 1');
    is($out, '', 'and nothing on standard output');
    my @lines = split /\n/, $err;
    cmp_ok(@lines, '>=', 2, 'all its errors are said');
    is((grep { !m{^bad\.json:\d+:\d+: /} } @lines), 0,
        'each line says where: file, line, column, pointer');
    ($rv, $out) = ctl('check', 'good.json', 'bad.json');
    is($rv, 1, 'one bad table of two: exit status 1');
    like($out, qr/^good\.json: ok/, 'and the good one is said to be good');
    ($rv, $out, $err) = ctl('check', '--json', 'bad.json', 'good.json');
    is($rv, 1, 'the same as JSON: exit status 1');
    my $list = decode_json($out);
    is(@$list, @lines, 'one entry for each line');
    is_deeply([sort keys %{ $list->[0] }],
        [qw(col file line message pointer severity)], 'its members');
    is($err, '', 'and standard error is empty');
    ($rv, $out) = ctl('check', '--json', 'good.json');
    is_deeply(decode_json($out), [], 'a good table is an empty array');
    ($rv, $out, $err) = ctl('check', 'nowhere.json');
    is($rv, 2, 'a table that is not there: exit status 2');
    like($err, qr/^nowhere\.json: /, 'and it is named');
    ($rv) = ctl('check', 'bad.json', 'nowhere.json');
    is($rv, 2, 'unreadable counts more than bad');
    ($rv) = ctl('check', 'folder');
    is($rv, 2, 'a folder cannot be read');
    refused_usage('check without a file', qr/no FILE to check/, 'check');
    put("esc.json", qq({"paths":[],"\e[31m\xc2\x9b":1}));
    ($rv, undef, $err) = ctl('check', 'esc.json');
    unlike($err, qr/[\e]|\xc2\x9b/, 'a table cannot drive the terminal');
    put("bad\e.json", '{');
    ($rv, $out, $err) = ctl('check', "bad\e.json");
    unlike($err, qr/\e/, 'nor can the name of a file');
}
{
    my ($rv) = ctl('check', 'env.json');
    is($rv, 1, 'an unset $env is an error');
    ($rv) = ctl('check', '-D', 'JM_T_REGION=x', 'env.json');
    is($rv, 0, '-D sets it');
    ($rv) = ctl('check', '-DJM_T_REGION=x', 'env.json');
    is($rv, 0, '-D and its argument may be one word');
    ($rv) = ctl('check', '-D', 'JM_T_REGIO=x', '-D', 'JM_T_REGION2=x',
        'env.json');
    is($rv, 1, '-D of a shorter and of a longer name does not');
    ($rv) = ctl('check', '--placeholders', 'env.json');
    is($rv, 0, '--placeholders makes it a warning');
    local $ENV{JM_T_REGION} = 'of-env';
    ($rv) = ctl('check', 'env.json');
    is($rv, 0, 'the environment sets it');
    my @args = ('explain', 'env.json', 'GET', '/proxy/a', '--claims', '{}');
    my (undef, $out) = ctl(@args);
    like($out, qr/\+ x-region: of-env\n/, 'and its value is used');
    (undef, $out) = ctl(@args, '-D', 'JM_T_REGION=a', '-D', 'JM_T_REGION=b=c');
    like($out, qr/\+ x-region: b=c\n/,
        'the last -D counts, and more than the environment');
    refused_usage("-D $_", qr/-D takes NAME=VALUE/, 'check', '-D', $_,
        'env.json') for 'NAME', '=VALUE', '';
    mkdir 'secrets';
    put('secrets/region', "of-file\n");
    ($rv) = ctl('check', 'secret.json');
    is($rv, 1, '$secret without --secrets-dir is an error');
    ($rv) = ctl('check', '--secrets-dir', 'secrets', 'secret.json');
    is($rv, 0, '--secrets-dir has it');
}

# --- verify -------------------------------------------------------------------
my @key = qw(--key ES256.key --kid k-ES256);
my @ok = (@key, qw(--iss https://issuer.example --aud api --sub alice));
sub verify { return ctl('verify', 'good.json', '--token', @_) }
{
    my $token = token(@ok);
    my ($rv, $out, $err) = verify($token);
    is($rv, 0, 'a good token: exit status 0');
    is($out, "ok: authorizer default, alg ES256, kid k-ES256\n",
        'authorizer, alg and kid are said');
    is($err, '', 'and nothing on standard error');
    ($rv, $out) = verify($token, '--json');
    my $got = decode_json($out);
    ok($got->{ok}, 'as JSON, too');
    is($got->{claims}{sub}, 'alice', 'with the claims');
    is($got->{header}{alg}, 'ES256', 'and the header');
    ($rv) = ctl({ in => "$token\n" }, 'verify', 'good.json', '--token', '-');
    is($rv, 0, '--token - reads standard input, with a newline');
    ($rv) = ctl({ in => $token }, 'verify', 'good.json', '--token', '-');
    is($rv, 0, 'and without one');
    ($rv) = ctl({ in => "$token\n\n" }, 'verify', 'good.json', '--token', '-');
    is($rv, 1, 'but only one newline is dropped');
    ($rv) = ctl({ in => "$token\0" }, 'verify', 'good.json', '--token', '-');
    is($rv, 1, 'and a NUL is not the end of it');

    my $exp = decode_json(part($token, 1))->{exp};
    ($rv) = verify($token, '--now', $exp);
    is($rv, 0, 'at exp it holds, with the leeway');
    ($rv, $out, $err) = verify($token, '--now', $exp + 10);
    is($rv, 1, 'ten seconds later it does not');
    is($out, '', 'then nothing is on standard output');
    like($err, qr/^refused: expired: the token has expired/, 'and why not');
    ($rv, $out, $err) = verify($token, '--now', $exp + 10, '--json');
    is($rv, 1, 'as JSON: exit status 1');
    $got = decode_json($out);
    ok(!$got->{ok}, 'and not ok');
    is($got->{verdict}, 'expired', 'with the verdict');
    ok(!exists $got->{claims}, 'and without the claims');
    is($err, '', 'and nothing on standard error');
    ($rv) = verify($token, '--now', '9223372036854775807');
    is($rv, 1, 'nor at the end of time');
    ($rv) = verify($token, '--now', $exp + 10, '--signature-only');
    is($rv, 0, '--signature-only does not look at exp');
    refused_usage("--now $_", qr/--now takes seconds/, 'verify', 'good.json',
        '--token', $token, '--now', $_) for '1x', '', '-1', '1e3',
        '9223372036854775808';
}
for (
    ['another audience', 'audience', [@ok[0 .. 5], '--aud', 'other']],
    ['another issuer', 'issuer', [@key, '--iss', 'https://evil.example',
            '--aud', 'api']],
    ['another type', 'typ', [@ok, '--typ', 'logout+jwt']],
    ['no exp', 'claim', [@ok, '--no-exp']],
    ['a future nbf', 'not_yet', [@ok, '--nbf', '+60']],
    ['a cnf', 'bound', [@ok, '--claim-json', 'cnf={"jkt":"x"}']],
    ['an unknown kid', 'key', ['--key', 'ES256.key', '--kid', 'other']],
    ['a crit', 'header', [@ok, '--header', '{"crit":["exp"]}']],
    ['alg none', 'algorithm', [@ok, '--header', '{"alg":"none"}']],
    ['a payload that is no JSON', 'malformed', [@key, '--payload-raw', 'raw']],
    ['the public key as a secret', 'algorithm', ['--secret-file', 'ES256.pub',
            '--kid', 'k-ES256']],
    ['a key of the same kid', 'signature', ['--key', 'open.key', '--kid',
            'k-ES256']],
) {
    my ($name, $verdict, $args) = @$_;
    my ($rv, $out, $err) = verify(token(@$args));
    is($rv, 1, "$name: refused");
    like($err, qr/^refused: $verdict: /, "$name: $verdict");
    is($out, '', "$name: nothing on standard output");
}
{
    my ($rv, $out) = verify(token(@ok[0 .. 5], '--aud', 'other'),
        '--signature-only');
    is($rv, 0, 'the signature of a token for another audience holds');
    ($rv) = verify(token('--key', 'open.key', '--kid', 'k-ES256'),
        '--signature-only');
    is($rv, 1, 'that of another key does not');
    ($rv) = verify('');
    is($rv, 1, 'an empty token is refused');
    ($rv) = verify('a' x 20000);
    is($rv, 1, 'and one that is too long');
    my $evil = "\e]0;\x{c2}\x{9b}\xe2\x80\xae";
    (undef, undef, my $err) = ctl('verify', 'good.json', '--token',
        token(qw(--key ES256.key --kid), $evil));
    unlike($err, qr/\e/, 'a kid cannot drive the terminal when refused');
    ($rv, $out) = verify(token(@ok, '--claim', "n=$evil"), '--json');
    is($rv, 0, 'a token with controls in a claim holds');
    unlike($out, qr/\e|\xc2\x9b|\xe2\x80\xae/, 'its controls are escaped');
    is(decode_json($out)->{claims}{n}, "\e]0;\x{9b}\x{202e}",
        'and are the same value');
    refused_usage('verify without a token', qr/--token is needed/, 'verify',
        'good.json');
    refused_usage('verify without a table', qr/exactly one FILE/, 'verify',
        '--token', 'x');
    (undef, undef, $err) = ctl('verify', 'good.json', 'eyJleHRyYQ',
        '--token', 'x');
    unlike($err, qr/eyJ/, 'an operand too many is not echoed');
    ($rv, undef, $err) = ctl('verify', 'bad.json', '--token', 'x');
    is($rv, 1, 'a bad table: exit status 1');
    like($err, qr/^bad\.json:\d+:/, 'and what is wrong with it');
    ($rv) = ctl('verify', 'nowhere.json', '--token', 'x');
    is($rv, 2, 'a table that is not there: exit status 2');
    put('none.json', '{"paths":[]}');
    refused_usage('no authorizer', qr/the table has no authorizer/, 'verify',
        'none.json', '--token', 'x');
}
{
    my $one = token(@ok);
    my $two = token(@key, qw(--iss https://other.example --aud api));
    my ($rv, $out) = ctl('verify', 'two.json', '--token', $one);
    like($out, qr/^ok: authorizer one,/, 'iss selects the authorizer');
    ($rv, $out) = ctl('verify', 'two.json', '--token', $two);
    like($out, qr/^ok: authorizer two,/, 'and the other one');
    ($rv, $out) = ctl('verify', 'two.json', '--token', $two, '--authorizer',
        'two');
    is($rv, 0, '--authorizer names it');
    ($rv, $out) = ctl('verify', 'two.json', '--token', $two, '--authorizer',
        'one');
    is($rv, 1, 'and only that one is asked');
    refused_usage('an authorizer that is not there',
        qr/names none of the table's \(did you mean "two"\?\)/, 'verify',
        'two.json', '--token', $two, '--authorizer', 'tow');
    put('remote.json', $table =~ s/"jwks_file": "ES256\.jwks"/"jwks_uri": "https:\/\/h\/k"/r);
    ($rv, undef, my $err) = ctl('verify', 'remote.json', '--token', $one);
    is($rv, 1, 'keys that httpd fetches: exit status 1');
    like($err, qr/^refused: keys_unavailable: .*fetches none.*"jwks_file"$/,
        'and what to do at the desk');
}
for my $alg (@algs) {
    my $secret = $alg =~ /^HS/;
    my $from = $secret ? "\"secret_file\": \"$alg.key\""
                       : "\"public_key_file\": \"$alg.pub\"";
    for my $keys ($from, "\"jwks_file\": \"$alg.jwks\"") {
        put('alg.json', $table =~ s/"jwks_file": "ES256\.jwks"/$keys/r);
        my ($rv, $out, $err) = ctl('verify', 'alg.json', '--token', token(
                $secret ? '--secret-file' : '--key', "$alg.key", '--alg',
                $alg, '--kid', "k-$alg", @ok[4 .. 9]));
        is($rv, 0, "$alg: what token makes, verify takes ($keys)")
            or diag $err;
    }
}

# --- explain ------------------------------------------------------------------
{
    my $token = token(@ok);
    my ($rv, $out, $err) = ctl('explain', 'good.json', 'GET',
        '/proxy/a?x=1&actor=evil', '-H', 'X_User_Id: evil', '-H',
        'Accept: text/html', '--token', $token);
    is($rv, 0, 'a request that passes: exit status 0');
    is($err, '', 'and nothing on standard error');
    like($out, qr/^route: GET \/proxy\/\{\.\+\}$/m, 'its route');
    like($out, qr/^verdict: ok: /m, 'its verdict');
    like($out, qr/^  \+ x-user-id: alice$/m, 'the mapped header is set');
    like($out, qr/^  - X_User_Id$/m, 'the forged one is taken out');
    like($out, qr/^    Accept: text\/html$/m, 'another one passes');
    like($out, qr/^upstream query: x=1&actor=alice$/m, 'the query');
    like($out, qr/^response header: \+ x-seen: alice$/m,
        'and the header for the client');
    unlike($out, qr/evil/, 'nothing forged arrives');
    unlike($out, qr/\Q$token/, 'the token is not shown');
    ($rv, $out) = ctl('explain', '--json', 'good.json', 'GET', '/proxy/x',
        '--claims', '{"sub":"bob"}');
    my $got = decode_json($out);
    is($got->{route}, 'GET /proxy/{.+}', 'as JSON, with claims: the route');
    is_deeply([map { $_->{why} } @{ $got->{candidates} }],
        ['not for this method', 'answers'], 'and why');
    is_deeply([map { "$_->{name}: $_->{value}" } @{ $got->{headers} }],
        ['x-user-id: bob', 'x-region: eu'], 'the headers, and no other');
    is($got->{query}, 'actor=bob', 'and the query');

    ($rv, $out) = ctl('explain', 'good.json', 'GET', '/proxy/a');
    is($rv, 1, 'no token: exit status 1');
    like($out, qr/^action: refuse, status 401$/m, 'and the status');
    ($rv, $out) = ctl('explain', 'good.json', 'GET', '/proxy/a', '--token',
        $token, '-H', 'Authorization: Bearer x');
    like($out, qr/^verdict: credentials:/m, 'two credentials are refused');
    ($rv, $out) = ctl('explain', 'good.json', 'GET', '/proxy/a', '--claims',
        '{}', '-H', 'Authorization: Bearer x');
    like($out, qr/^verdict: credentials:/m, 'also beside --claims');
    ($rv, $out) = ctl('explain', 'good.json', 'PUT', '/proxy/x');
    like($out, qr/^action: refuse, status 405\nallow: .*POST/m,
        'a wrong method, and those that are right');
    ($rv, $out) = ctl('explain', 'good.json', 'GET', '/nowhere');
    like($out, qr/^route: none\n.*^action: refuse, status 404\n/ms,
        'no route');
    ($rv, $out) = ctl('explain', 'good.json', 'GET', '/proxy/%2e%2e/public');
    like($out, qr/^route: GET \/public$/m, 'the path is normalised first');
    ($rv, $out) = ctl('explain', 'good.json', 'GET', "/proxy/$_", '--claims',
        '{"sub":"a"}'),
        like($out, qr/^action: refuse, status 400$/m, "/proxy/$_ is refused")
        for 'a%2Fb', 'a%5cb', 'a%252fb', 'a%00b';
    ($rv, $out) = ctl('explain', 'good.json', 'GET', '/proxy/a', '--claims',
        '{"sub":"a\\nX-Evil: 1"}');
    like($out, qr/^verdict: unmappable: /m, 'a line break is not mapped');
    ($rv, $out) = ctl('explain', 'good.json', 'GET', '/public', '-H',
        'Authorization: Bearer hunter2', '-H', 'Cookie: hunter2', '-H',
        'X-Region: evil');
    is($rv, 0, 'a public route passes');
    like($out, qr/^  - X-Region$/m, 'reserved names go there, too');
    like($out, qr/^    Authorization: \(not shown\)$/m, 'credentials stay');
    unlike($out, qr/hunter2/, 'and are not shown');
    put('field.json', $table =~ s/"audience"/"from_headers": [
        { "name": "X-Token", "value_prefix": "" } ], "audience"/r);
    ($rv, $out) = ctl('explain', 'field.json', 'GET', '/public', '-H',
        'X-Token: hunter2');
    like($out, qr/^    X-Token: \(not shown\)$/m,
        'nor in a field of the table\'s');
    ($rv, $out) = ctl('explain', 'field.json', 'GET', '/proxy/a', '--token',
        $token);
    like($out, qr/^  - X-Token$/m, '--token goes where the route looks');
    is($rv, 0, 'and is found there');
}
refused_usage("explain @{$_->[1]}", $_->[0], 'explain', @{ $_->[1] }) for
    [qr/FILE METHOD TARGET are needed/, ['good.json', 'GET']],
    [qr/METHOD is not the name/, ['good.json', 'G T', '/']],
    [qr/METHOD is not the name/, ['good.json', '', '/']],
    [qr/TARGET is/, ['good.json', 'GET', 'proxy']],
    [qr/TARGET is/, ['good.json', 'GET', '']],
    [qr/TARGET is/, ['good.json', 'GET', '/a#b']],
    [qr/without two hex digits/, ['good.json', 'GET', '/a%zz']],
    [qr/-H takes/, ['good.json', 'GET', '/', '-H', 'name']],
    [qr/-H takes one field/, ['good.json', 'GET', '/', '-H', "a: b\nc: d"]],
    [qr/name of a -H/, ['good.json', 'GET', '/', '-H', 'a b: c']],
    [qr/--token and --claims/, ['good.json', 'GET', '/', '--token', 'x',
        '--claims', '{}']],
    [qr/--claims is not/, ['good.json', 'GET', '/', '--claims', '1']];

# --- output -------------------------------------------------------------------
SKIP: {
    skip 'no /dev/full', 1 if !-c '/dev/full';
    is(system("\Q$ctl\E --version >/dev/full 2>/dev/null") >> 8, 2,
        'an output that cannot be written is no success');
}

done_testing();
