# JwtMapReload: key files that change while httpd runs are taken over by all
# children, broken ones are not, and what only root may read goes on.

use JwtMapTest;
use JwtMapServer;

my $dir = stage('t/conf/reload');
mkdir $dir;

sub pem { return slurp(JwtMapKeys::key_file("$_[0].pub.pem")) }

# As an editor does it: another file takes the name.
sub replace {
    my ($name, $text) = @_;
    spew("$dir/$name.new", $text);
    rename "$dir/$name.new", "$dir/$name" or die "rename: $!\n";
}

spew("$dir/issuer.pem", pem('rsa'));
spew("$dir/jwks.json", json({ keys => [jwk('ec256')] }));
spew("$dir/secret", JwtMapKeys::secret());
chmod 0600, "$dir/secret";
mkdir "$dir/v$_" for 1, 2;
spew("$dir/v1/key.pem", pem('ec384'));
spew("$dir/v2/key.pem", pem('ed25519'));
symlink 'v1', "$dir/data";
symlink 'data/key.pem', "$dir/linked.pem";
spew("$dir/table.json", json({
    authorizers => { map { ($_->[0] => { type => 'jwt', audience => 'a',
                                         $_->[1] => $_->[2] }) }
        ['pem', 'public_key_file', 'issuer.pem'],
        ['jwks', 'jwks_file', 'jwks.json'],
        ['secret', 'secret_file', 'secret'],
        ['linked', 'public_key_file', 'linked.pem'] },
    paths => [map { { method => 'GET', path => "/$_", auth => $_,
                      response => { name => $_ } } }
              qw(pem jwks secret linked)],
}));

my $server = JwtMapServer->start('reload', <<'CONF');
    <IfModule mpm_event_module>
        ServerLimit 2
        StartServers 2
        MinSpareThreads 50
        ThreadsPerChild 25
        MaxConnectionsPerChild 30
    </IfModule>
    <IfModule mpm_prefork_module>
        StartServers 3
        MaxConnectionsPerChild 30
    </IfModule>
    JwtMapReload 1
    JwtMapConfig conf/reload/table.json
CONF
ok($server->runs, 'httpd starts with files that change');

sub ask {
    my ($path, @claims) = @_;
    return get($server->port, "/$path",
               'Authorization: Bearer ' . token(aud => 'a', @claims));
}

# Every child, also those that are forked later with the table of the start:
# each lives for 30 connections.
sub all_are {
    my ($status, $path, @claims) = @_;
    for (1 .. 40) {
        return 0 if ask($path, @claims)->{status} != $status;
    }
    return 1;
}

sub become {
    my ($status, $path, @claims) = @_;
    return wait_for(8, sub { all_are($status, $path, @claims) });
}

sub says {
    my ($pattern, $count) = @_;
    my $got = () = $server->error_log =~ /$pattern/g;
    return is($got, $count, "the log says $count times: $pattern");
}

is_status(ask('pem'), 200, 'the key of the start is good');
is_status(ask('pem', -key => 'rsa2'), 401, 'the next one is not, yet');

replace('issuer.pem', pem('rsa2'));
ok(become(200, 'pem', -key => 'rsa2'), 'a key file that was replaced is used');
ok(become(401, 'pem'), 'and the former key is good no more');
says(qr/authorizer pem: public_key_file \S+ was read again and is in use/, 1);

replace('issuer.pem', "-----BEGIN PUBLIC KEY-----\nbroken\n");
ok(wait_for(5, sub { $server->error_log =~ /pem: public_key_file \S+ is not taken over/ }),
    'a broken key file is refused');
sleep 2;
ok(all_are(200, 'pem', -key => 'rsa2'), 'the last good one goes on');
says(qr/public_key_file \S+ is not taken over/, 1);

unlink "$dir/issuer.pem";
ok(wait_for(5, sub { $server->error_log =~ /cannot read "issuer\.pem"/ }),
    'one that is gone is said to be');
ok(all_are(200, 'pem', -key => 'rsa2'), 'and the last good one goes on');
replace('issuer.pem', pem('rsa'));
ok(become(200, 'pem'), 'when it is back it is used');
ok(become(401, 'pem', -key => 'rsa2'), 'and nothing else');

my @ec = (-alg => 'ES256');
my @ed = (-alg => 'EdDSA');
is_status(ask('jwks', @ec), 200, 'the key set of the start is good');
spew("$dir/jwks.json", json({ keys => [jwk('ec256'), jwk('ed25519')] }));
ok(become(200, 'jwks', @ed), 'a key that was added in place is used');
ok(all_are(200, 'jwks', @ec), 'beside the one that was there');
spew("$dir/jwks.json", json({ keys => [jwk('ed25519')] }));
ok(become(401, 'jwks', @ec), 'a key that was removed is used no more');
spew("$dir/jwks.json", '{"keys": [');
ok(wait_for(5, sub { $server->error_log =~ /jwks\.json:1:/ }),
    'a broken set is refused with its line');
ok(all_are(200, 'jwks', @ed), 'and the last good one goes on');

my @hs = (-alg => 'HS256');
is_status(ask('secret', @hs), 200, 'the secret of the start is good');
replace('secret', JwtMapKeys::secret() . '-2');
chmod 0600, "$dir/secret";
ok(become(401, 'secret', @hs), 'a new secret ends the former one');
ok(all_are(200, 'secret', @hs, -secret => JwtMapKeys::secret() . '-2'),
    'and is used');
replace('secret', 'short');
ok(wait_for(5, sub { $server->error_log =~ /secret: secret_file .*too short/ }),
    'a secret that is too short is refused');

is_status(ask('linked', -alg => 'ES384'), 200, 'a linked file is read');
symlink 'v2', "$dir/data.new";
rename "$dir/data.new", "$dir/data" or die "rename: $!\n";
ok(become(200, 'linked', @ed), 'a link that was swapped is followed');
ok(become(401, 'linked', -alg => 'ES384'), 'to the new file alone');

replace('secret', JwtMapKeys::secret());
chmod 0600, "$dir/secret";
ok(become(200, 'secret', @hs), 'a good secret is used again');

chmod 0000, "$dir/secret";
ok(wait_for(5, sub { $server->error_log =~ /secret: secret_file \S+ cannot be read by the children/ }),
    'a file that the children may not read is said to be one');
sleep 2;
ok(all_are(200, 'secret', @hs), 'what was read goes on');
says(qr/cannot be read by the children/, 1);
chmod 0600, "$dir/secret";

unlike($server->error_log, qr/hush-hush|BEGIN PUBLIC/, 'no log line shows a key');
ok($server->stop, 'httpd stops');

# Off: a restart is what changes keys.
replace('issuer.pem', pem('rsa'));
replace('jwks.json', json({ keys => [jwk('ec256')] }));
$server = JwtMapServer->start('reload-off', <<'CONF');
    JwtMapReload Off
    JwtMapConfig conf/reload/table.json
CONF
is_status(ask('pem'), 200, 'with JwtMapReload Off the start reads the keys');
replace('issuer.pem', pem('rsa2'));
sleep 3;
ok(all_are(200, 'pem'), 'a change is not looked for');
ok($server->graceful, 'until a graceful restart');
ok(become(200, 'pem', -key => 'rsa2'), 'which reads them again');
ok($server->stop, 'httpd stops');

for my $bad (['JwtMapReload 0', qr/takes Off or a number from 1 to 86400, not "0"/],
    ['JwtMapReload 5s', qr/not "5s"/], ['JwtMapReload -1', qr/not "-1"/],
    ['JwtMapCache 0', qr/takes Off or a number from 1 to \d+, not "0"/],
    ['JwtMapCache 4k', qr/not "4k"/],
    ['JwtMapCache 99999999999999999999', qr/not "9{20}"/],
    ["<VirtualHost *:1>\nJwtMapReload 5\n</VirtualHost>", qr/JwtMapReload/]) {
    my ($status, $output) = httpd_t($bad->[0]);
    ok($status != 0 && $output =~ $bad->[1], "$bad->[0] is an error");
}

done_testing();
