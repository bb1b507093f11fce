# Where a directive may stand, what `httpd -t` says of mistakes, where
# $env and $secret come from, and life with and without mod_proxy.

use JwtMapTest;
use JwtMapServer;

my $places = 'set it in the server, a <VirtualHost> or a <Location>';

# A file of t/conf; its name for JwtMapConfig.
sub table {
    my ($name, $table) = @_;
    spew(stage("t/conf/try-$name.json"), json($table));
    return "conf/try-$name.json";
}

sub accepts {
    my ($test, $text) = @_;
    my ($status, $said) = httpd_t($text);
    ok($status == 0 && $said =~ /Syntax OK/, "$test: Syntax OK") || diag($said);
    return $said;
}

sub refuses {
    my ($test, $like, $text) = @_;
    my ($status, $said) = httpd_t($text);
    ok($status != 0 && $said =~ $like, "$test: an error") || diag($said);
    unlike($said, qr/hush-hush/, "$test: which shows no secret");
    return $said;
}

my $public = { method => 'GET', path => '/a', auth => JSON::PP::false };
my $min = table('min', { paths => [$public] });

# --- contexts -----------------------------------------------------------------

my @directives = ("JwtMapConfig $min", 'JwtMapEngine Off',
                  'JwtMapEngine ReportOnly');
for my $directive (@directives) {
    my ($name) = split / /, $directive;
    for my $good ('', 'VirtualHost *:1', 'Location /x', 'LocationMatch ^/x',
                  'IfModule mod_jwtmap.c', 'IfDefine !NOTHING') {
        my ($section) = split / /, $good;
        accepts("$directive in " . ($good || 'the server'), $good
                ? "<$good>\n$directive\n</$section>" : $directive);
    }
    for my $bad ('Directory /x', 'DirectoryMatch ^/x', 'Files x',
                 'FilesMatch x', 'If "true"', 'Proxy *', 'ProxyMatch x') {
        my ($section) = split / /, $bad;
        my $inner = "<$bad>\n$directive\n</$section>";
        refuses("$directive in <$section>",
                qr/$name is not allowed in <$section>: \Q$places\E/, $inner);
        refuses("$directive in <$section> in a host", qr/$name is not allowed/,
                "<VirtualHost *:1>\n$inner\n</VirtualHost>");
    }
    for my $bad ('Limit GET', 'LimitExcept GET', 'If "true"') {
        my ($section) = split / /, $bad;
        refuses("$directive in <$section> in a <Location>", qr/not allowed/,
                "<Location /x>\n<$bad>\n$directive\n</$section>\n</Location>");
    }
}
for my $bad ('VirtualHost *:1', 'Location /x', 'Directory /x', 'Files x',
             'If "true"', 'Proxy *') {
    my ($section) = split / /, $bad;
    refuses("JwtMapSecretsDir in <$section>", qr/JwtMapSecretsDir (?:not allowed|cannot)/,
            "<$bad>\nJwtMapSecretsDir conf/secrets\n</$section>");
}
refuses('a table twice', qr/stands twice/, "JwtMapConfig $min\nJwtMapConfig $min");
refuses('no such table', qr/conf\/nothing\.json: cannot be read: No such/,
        'JwtMapConfig conf/nothing.json');
refuses('a directory as table', qr/cannot be read: Is a directory/,
        'JwtMapConfig conf');
refuses('two tables', qr/takes one argument/, "JwtMapConfig $min $min");
refuses('an unknown engine', qr/On, Off or ReportOnly, not "Maybe"/,
        'JwtMapEngine Maybe');
accepts('an engine in another case', 'JwtMapEngine reportonly');

# --- all mistakes at once, one a line -----------------------------------------

my @paths = map { { method => 'GETT', path => "p$_" } } 0 .. 59;
my $many = table('many', { authorizer => { type => 'jwtt' }, foo => 1,
                           paths => \@paths });
my $said = refuses('a table with 122 mistakes', qr/Syntax error on line/,
                   "JwtMapConfig $many");
my @lines = split /\n/, $said;
for my $pointer ('/foo', '/authorizer/type',
                 map { ("/paths/$_/method", "/paths/$_/path") } 0 .. 59) {
    my @found = grep { m{^\S*/try-many\.json:1:\d+: \Q$pointer\E: \S} } @lines;
    is(scalar(@found), 1, "its line names $pointer");
}
is(scalar(grep { /\\n/ } @lines), 0, 'no line holds another one');
spew(stage('t/conf/try-text.json'), "{\n  \"paths\": [\n    NaN ]\n}\n");
refuses('what is no JSON', qr{try-text\.json:3:5: /paths/0: NaN is not JSON},
        'JwtMapConfig conf/try-text.json');
my $warned = table('warned', { authorizer => { type => 'jwt', issuer => 'i',
    secret_file => 'keys/hs.secret' }, paths => [$public] });
for my $host ('', '<VirtualHost *:1>') {
    $said = accepts('a table without an audience'
                    . ($host ? ' of a virtual host' : ''),
                    "$host\nJwtMapConfig $warned\n" . ($host ? '</VirtualHost>'
                                                             : ''));
    my $count = () = $said =~ m{/authorizer: warning: no audience is checked}g;
    is($count, 1, 'is warned of, once');
}

# --- $env and $secret ---------------------------------------------------------

my $secret = table('secret', { authorizer => { type => 'jwt', issuer => 'i',
    audience => 'a', secret => '$secret.hs' }, paths => [$public] });
my $dir = 'JwtMapSecretsDir conf/secrets';
accepts('JwtMapSecretsDir before the table', "$dir\nJwtMapConfig $secret");
accepts('behind it', "JwtMapConfig $secret\n$dir");
accepts('behind the host that needs it',
        "<VirtualHost *:1>\nJwtMapConfig $secret\n</VirtualHost>\n$dir");
accepts('behind it, in <IfModule>',
        "JwtMapConfig $secret\n<IfModule mod_jwtmap.c>\n$dir\n</IfModule>");
accepts('behind it, with a defined name', "JwtMapConfig $secret\n"
        . "Define WHERE secrets\nJwtMapSecretsDir \"conf/\${WHERE}\"");
refuses('no JwtMapSecretsDir', qr{/authorizer/secret: \$secret\.hs has no dir},
        "JwtMapConfig $secret");
refuses('one without the secret', qr/\$secret\.hs cannot be read: No such/,
        "JwtMapConfig $secret\nJwtMapSecretsDir conf/keys");
refuses('one that is not there', qr/is not a directory that can be read/,
        'JwtMapSecretsDir conf/nothing');
refuses('one that is a file', qr/is not a directory that can be read/,
        "JwtMapSecretsDir $min");

my $env = table('env', { servers => [{ alias => 'u', url => '$env.TRY_URL' }],
    paths => [{ %$public, integration => { type => 'http', server => 'u' } }] });
refuses('$env that is unset', qr{/servers/0/url: \$env\.TRY_URL is not set},
        "JwtMapConfig $env");
accepts('$env by Define', "Define TRY_URL http://127.0.0.1:9\nJwtMapConfig $env");
refuses('Define without a value', qr/TRY_URL is not set/,
        "Define TRY_URL\nJwtMapConfig $env");
{
    local $ENV{TRY_URL} = 'http://127.0.0.1:9';
    accepts('$env by the environment', "JwtMapConfig $env");
    refuses('Define goes before the environment', qr/no.*url|url.*no|http/i,
            "Define TRY_URL nonsense\nJwtMapConfig $env");
    local $ENV{TRY_URL} = '$secret.hs';
    refuses('what it stands for is never read again', qr{/servers/0/url},
            "$dir\nJwtMapConfig $env");
}

# --- mod_proxy and mod_ssl ----------------------------------------------------

sub server_table {
    my ($name, $url) = @_;
    return table($name, { servers => [{ alias => 'u', url => $url }], paths => [
        { %$public, integration => { type => 'http_proxy', server => 'u' } }] });
}
my $http = server_table('http', 'http://127.0.0.1:9');
for my $scheme (qw(https h2 wss)) {
    my $table = server_table($scheme, "$scheme://127.0.0.1:9");
    refuses("$scheme without SSLProxyEngine", qr/needs `SSLProxyEngine On`/,
            "JwtMapConfig $table");
    refuses("$scheme, SSLProxyEngine Off", qr/needs `SSLProxyEngine On`/,
            "SSLProxyEngine Off\nJwtMapConfig $table");
    refuses("$scheme, On for another host", qr/needs `SSLProxyEngine On`/,
            "<VirtualHost *:1>\nJwtMapConfig $table\n</VirtualHost>\n"
            . "<VirtualHost *:2>\nSSLProxyEngine On\n</VirtualHost>");
    refuses("$scheme, Off for its host", qr/needs `SSLProxyEngine On`/,
            "SSLProxyEngine On\n<VirtualHost *:1>\nJwtMapConfig $table\n"
            . "SSLProxyEngine Off\n</VirtualHost>");
    accepts("$scheme, On by the server", "SSLProxyEngine On\n<VirtualHost *:1>"
            . "\nJwtMapConfig $table\n</VirtualHost>");
    accepts("$scheme, On for its URL", "JwtMapConfig $table\n<Proxy "
            . "$scheme://127.0.0.1:9>\nSSLProxyEngine On\n</Proxy>");
    accepts("$scheme, SSLProxyEngine On", "JwtMapConfig $table\nSSLProxyEngine On");
    accepts("$scheme, On for its host", "<VirtualHost *:1>\nJwtMapConfig $table\n"
            . "SSLProxyEngine On\n</VirtualHost>");
}

# The order of a2enmod, which the suite's list has, is jwtmap before proxy.
my @modules = split /\n/, slurp(stage('t/conf/modules.conf'));
my %line = map { /^LoadModule (\w+)_module/ ? ($1 => $_) : () } @modules;
my @base = @line{ grep { /^(?:mpm_\w+|authz_core|unixd|mime|cgid?|alias)$/ }
                  sort keys %line };

sub with_modules {
    my (@names) = @_;
    spew(stage('t/conf/modules-all.conf'), join "\n", @modules, '');
    spew(stage('t/conf/modules.conf'), join "\n", @base, @line{@names}, '');
}
sub all_modules {
    my $all = stage('t/conf/modules-all.conf');
    rename $all, stage('t/conf/modules.conf') if -f $all;
}
END { all_modules() }

my @orders = (
    ['no mod_proxy', qr/`servers` need mod_proxy: .*a2enmod/, 'jwtmap'],
    ['no mod_proxy_http', qr/needs mod_proxy_http/, 'jwtmap', 'proxy'],
    ['jwtmap first', undef, qw(jwtmap proxy proxy_http)],
    ['jwtmap last', undef, qw(proxy proxy_http jwtmap)],
);
for my $case (@orders) {
    my ($what, $like, @names) = @$case;
    with_modules(@names);
    $like ? refuses("$what, a table with servers", $like, "JwtMapConfig $http")
          : accepts("$what, a table with servers", "JwtMapConfig $http");
    accepts("$what, a table without", "JwtMapConfig $min");
}

# Without mod_proxy a table is for what httpd serves itself.
with_modules('jwtmap');
my $cgi = table('cgi', { authorizer => { type => 'jwt',
    issuer => 'https://issuer.example', audience => 'api://gateway',
    secret => '$secret.hs' }, paths => [{ method => 'GET', path => '/cgi/{.+}',
    auth => JSON::PP::true, mapping => {
        headers => { 'x-sub' => '$request.jwt.sub' },
        query => { sub => '$request.jwt.sub' } } }] });
mkdir stage('t/cgi-try');
spew(stage('t/cgi-try/env'), "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'"
     . "\necho \"\$HTTP_X_SUB|\$QUERY_STRING|\$REMOTE_USER|\$HTTP_AUTHORIZATION\"\n");
chmod 0755, stage('t/cgi-try/env');
my $server = JwtMapServer->start('noproxy', <<"CONF");
    JwtMapConfig $cgi
    JwtMapSecretsDir conf/secrets
    ScriptAlias /cgi/ "${\ stage('t/cgi-try') }/"
CONF
ok($server->listens, 'httpd starts without mod_proxy') || diag($server->console);
my $res = get($server->port, '/cgi/env?a=1&sub=root', 'X-Sub: root', 'X_Sub: root',
              'Authorization: Bearer ' . token(-alg => 'HS256'));
is($res->{body}, "alice|a=1&sub=alice|alice|\n", 'a CGI program gets the claims');
is_error(get($server->port, '/cgi/env', 'X-Sub: root'), 401, 'missing_token',
         'and nothing without a token');
$server->stop;
all_modules();

# --- who answers 404 ------------------------------------------------------------

my $pass = table('pass', { paths => [$public], unmatched => 'pass' });
my %hosts = (
    deny     => "JwtMapConfig $min",
    location => "<Location /x>\nJwtMapConfig $min\n</Location>\n"
                . "<Location /y>\nJwtMapConfig $min\n</Location>",
    opened   => "JwtMapConfig $pass\n<Location /x>\nJwtMapConfig $min\n</Location>",
    pass     => "JwtMapConfig $pass",
    off      => "JwtMapConfig $min\nJwtMapEngine Off",
    report   => "JwtMapConfig $min\nJwtMapEngine ReportOnly",
);
$server = JwtMapServer->start('denies', join "\n", map {
    "<VirtualHost 127.0.0.1:*>\nServerName $_.example\n$hosts{$_}\n</VirtualHost>"
} sort keys %hosts);
ok(wait_for(20, sub { $server->error_log =~ /resuming normal operations/ }),
   'httpd starts with many hosts') || diag($server->console);
my @denying = sort $server->error_log
    =~ /jwtmap:notice.*\/conf\/try-min\.json, host (\w+)\.example: .*404/g;
is("@denying", 'deny location opened', 'one notice for each host that denies');
$server->stop;

# --- .htaccess ----------------------------------------------------------------

for my $directive (@directives, $dir) {
    my $docs = stage('t/docs-try');
    mkdir $docs;
    spew("$docs/x.txt", 'served');
    spew("$docs/.htaccess", "$directive\n");
    my ($name) = split / /, $directive;
    $server = JwtMapServer->start('htaccess', <<"CONF");
        DocumentRoot "$docs"
        <Directory "$docs">
            AllowOverride All
        </Directory>
CONF
    $res = get($server->port, '/x.txt');
    is_status($res, 500, "$directive in .htaccess is an error");
    like($server->error_log, qr/$name (?:is )?not allowed/,
         "$directive in .htaccess: the log says so");
    $server->stop;
}

done_testing();
