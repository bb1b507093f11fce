# What comes back: no mapped parameter in a redirect, locations as the client
# knows them, our response headers in the place of the upstream's, nothing for
# a shared cache, for each way in which httpd gets an answer.

use JwtMapTest;
use JwtMapBackend;
use JwtMapServer;

my %node = start_node();
my $cgi = stage('t/apps/echo.cgi');
my $docs = stage('t/htdocs');
mkdir $docs;
mkdir "$docs/files";
mkdir "$docs/files/dir";
spew("$docs/files/dir/index.html", "index\n");
spew("$docs/files/page.html", "page\n");

my %pass = (
    http  => $ENV{UPSTREAM_URL},
    h2c   => "h2c://127.0.0.1:$node{h2c}",
    ajp   => "ajp://127.0.0.1:$ENV{AJP_PORT}",
    fcgi  => "fcgi://127.0.0.1:$ENV{FCGI_PORT}",
    scgi  => "scgi://127.0.0.1:$ENV{SCGI_PORT}",
    uwsgi => "uwsgi://127.0.0.1:$ENV{UWSGI_PORT}",
    node  => "http://127.0.0.1:$node{http}",
);
# Own routes: their server, and what it calls itself in a Location.
my $port = $ENV{UPSTREAM_PORT};
my %own = (
    http  => ["$ENV{UPSTREAM_URL}/base", "$ENV{UPSTREAM_URL}/base"],
    root  => ["$ENV{UPSTREAM_URL}/", $ENV{UPSTREAM_URL}],
    https => ["https://127.0.0.1:$node{https}/base",
              "https://127.0.0.1:$node{https}/base"],
    h2    => ["h2://127.0.0.1:$node{h2}/base",
              "https://127.0.0.1:$node{h2}/base"],
    h2c   => ["h2c://127.0.0.1:$node{h2c}", "http://127.0.0.1:$node{h2c}"],
    ws    => ["ws://127.0.0.1:$node{http}/base",
              "http://127.0.0.1:$node{http}/base"],
    unix  => ["unix:$ENV{UPSTREAM_SOCKET}|http://localhost/base",
              'http://localhost/base'],
    bal   => ['balancer://one/base', "$ENV{UPSTREAM_URL}/member/base"],
);

my $mapping = {
    query => { actor => '$request.jwt.sub', 'a b' => '$request.jwt.odd' },
    response_headers => { 'X-User' => '$request.jwt.sub',
                          'X-Gone' => '$request.jwt.nothing',
                          'Content-Type' => 'text/x-mapped' },
};
my $table = JwtMapServer->table('response', unmatched => 'pass',
    servers => [map { { alias => $_, url => $own{$_}[0] } } sort keys %own],
    authorizer => { from_headers => [{ name => 'Authorization',
                                       value_prefix => 'Bearer ' },
                                     { name => 'X-Token' }],
                    from_cookies => ['session'] },
    paths => [
        { method => 'GET', path => '/pass/{name}/{.+}', auth => \1,
          mapping => $mapping },
        { method => 'GET', path => '/files/{.+}', auth => \1,
          mapping => $mapping },
        { method => 'GET', path => '/static', auth => \1,
          mapping => $mapping, response => { a => 1 } },
        { method => 'GET', path => '/public/{.+}', auth => \0 },
        { method => 'GET', path => '/optional/{.+}', auth => 'optional',
          mapping => { query => { actor => '$request.jwt.sub' } } },
        { method => 'GET', path => '/shared/{.+}', auth => \1,
          mapping => { response_headers => {
              'Cache-Control' => 'public, max-age=9' } } },
        { method => 'GET', path => '/ssi/part', auth => \1 },
        { method => 'GET', path => '/ssi/page.shtml', auth => \0 },
        (map { { method => 'GET', path => "/own/$_/{.+}", auth => \1,
                 integration => { type => 'http_proxy', server => $_ } } }
             sort keys %own),
        { method => 'GET', path => '/whole/{name}', auth => \1,
          integration => { type => 'http_proxy', server => 'http' } },
    ]);

mkdir "$docs/ssi";
spew("$docs/ssi/page.shtml", "<!--#include virtual=\"/ssi/part\" -->\n");

my $server = JwtMapServer->start('response', join "\n",
    "JwtMapConfig $table", "DocumentRoot $docs", 'SSLProxyEngine On',
    'SSLProxyVerify none', 'SSLProxyCheckPeerName off',
    '<Proxy balancer://one>', "BalancerMember $ENV{UPSTREAM_URL}/member",
    '</Proxy>', 'ProxyPass /files/ !', 'ProxyPass /ssi/page.shtml !',
    (map { "ProxyPass /pass/$_/ $pass{$_}/" } sort keys %pass),
    "ScriptAlias /pass/cgi/ $cgi/", '<Location /pass/handler/>',
    "SetHandler proxy:http://127.0.0.1:$node{http}", '</Location>',
    "<Location /ssi/>\nOptions +Includes\nAddOutputFilter INCLUDES .shtml",
    '</Location>',
    (map { "ProxyPass /$_/ $ENV{UPSTREAM_URL}/" }
         qw(ssi public optional shared)), '');
ok($server->listens, 'the server starts') or diag($server->console,
                                                   $server->error_log);
my $here = 'http://127.0.0.1:' . $server->port;

my $sub = 'al+ce;a&b %/?';    # every octet that may be encoded or not
my $token = token(sub => $sub, odd => "\x{e9}");
my @bearer = ("Authorization: Bearer $token");

sub answer_to {
    my ($target, @headers) = @_;
    return get($server->port, $target, 'Host: 127.0.0.1:' . $server->port,
               @headers);
}

# The one value of a field.
sub is_field {
    my ($res, $name, $want, $test) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is(join(' | ', fields($res, $name)), $want, $test)
        || diag($res->{head});
}

# --- reflected parameters -------------------------------------------------------------

# What an upstream may make of ours.
my @ours = (
    'actor=al%2Bce%3Ba%26b%20%25%2F%3F',    # as we sent it
    'actor=al%2bce%3ba%26b+%25%2f%3f',      # form encoding, small digits
    'actor=%61l%2Bce;a%26b%20%/?',          # what may stay raw, is raw
    '%61ctor=al+ce;a%26b%20%25/?',
    'a%20b=%C3%A9', 'a+b=%c3%a9', '%61%20%62=%C3%A9',
);
# What it is not.
my @theirs = ('q=%31+%20;x', 'actor=bob', 'actor', 'actors=al%2Bce', 'a=b=é&',
              'xactor=al%2Bce%3Ba%26b%20%25%2F%3F', 'q=actor=al');
my @names = (sort keys %pass);

for my $name (@names) {
    for my $ours (@ours) {
        my $in = "/x?$theirs[0]&$ours&$theirs[1]#f?$ours";
        my $out = "/x?$theirs[0]&$theirs[1]#f?$ours";
        my $res = answer_to("/pass/$name/x", @bearer, 'X-Reply-Status: 302',
            "X-Reply-Location: http://other.example$in",
            "X-Reply-Content-Location: $in", "X-Reply-Refresh: 5; URL='$in'",
            "X-Reply-Link: <$in>; rel=next, <$out>; rel=\"x\"");
        is_status($res, 302, "$name, $ours: answered");
        is_field($res, 'Location', "http://other.example$out",
            "$name, $ours: gone from Location");
        is_field($res, 'Content-Location', $out,
            "$name, $ours: gone from Content-Location");
        is_field($res, 'Refresh', "5; URL='$out'",
            "$name, $ours: gone from Refresh");
        is_field($res, 'Link', "<$out>; rel=next, <$out>; rel=\"x\"",
            "$name, $ours: gone from Link");
    }
    my $query = join '&', @theirs;
    my $res = answer_to("/pass/$name/x?q=1", @bearer, 'X-Reply-Status: 201',
        "X-Reply-Location: /x?$query", "X-Reply-Link: <?$query>; rel=next");
    is_field($res, 'Location', "/x?$query",
        "$name: other parameters stay, byte for byte");
    is_field($res, 'Link', "<?$query>; rel=next", "$name: in Link too");
}

# An interim answer goes past all filters of httpd.
for my $early ('/pass/node/x', '/pass/handler/x', '/pass/h2c/x',
    '/own/https/x') {
    my $socket = connect_to($server->port);
    print $socket join "\r\n", "GET $early HTTP/1.1", 'Host: a', @bearer,
        "X-Reply-Early: </x?$ours[0]>; rel=preload", 'X-Reply-Body: x',
        'Connection: close', '', '';
    my $all = do { local $/; <$socket> };
    unlike($all, qr/actor=/, "$early: an early hint does not reflect it")
        if $early =~ /pass/;
    like($all, qr{HTTP/1.1 200 }, "$early: the answer comes");
}

# --- Location of own routes --------------------------------------------------------------

for my $name (sort keys %own) {
    my $self = $own{$name}[1];
    my $beside = $self =~ s{/base$}{/basement}r;
    my %map = ("$self/y?z=%31#f" => "$here/own/$name/y?z=%31#f",
               "$self/" => "$here/own/$name/", '/base/y' => '/base/y',
               'http://other.example/base' => 'http://other.example/base');
    $map{$beside} = $beside if $beside ne $self;
    for my $location (sort keys %map) {
        my $res = answer_to("/own/$name/x", @bearer, 'X-Reply-Status: 302',
                            "X-Reply-Location: $location");
        is_status($res, 302, "own $name: $location: answered");
        is_field($res, 'Location', $map{$location},
                 "own $name: $location comes back as the client knows it");
    }
}
my $res = answer_to('/whole/x', @bearer, 'X-Reply-Status: 302',
                    "X-Reply-Location: $own{http}[1]/whole/y");
is_field($res, 'Location', "$here/whole/y",
    'a path that is appended whole comes back whole');

# --- response headers ------------------------------------------------------------------------

for my $name (@names, 'cgi') {
    $res = answer_to("/pass/$name/x", @bearer, 'X-Reply-X-User-1: root',
                     'X-Reply-X-User-2: toor', 'X-Reply-X-Gone: 1',
                     'X-Reply-X-Other: 1', 'X-Reply-Content-Type: text/html');
    is_status($res, 200, "$name: answered");
    is_field($res, 'X-User', $sub, "$name: ours, once, whatever it says");
    is_field($res, 'X-Gone', '', "$name: a missing one is removed");
    is_field($res, 'Content-Type', 'text/x-mapped', "$name: the type, too");
    is_field($res, 'X-Other', $name eq 'cgi' ? '' : 1, "$name: others stay");
}
for my $case (['/files/none', 404], ['/files/dir', 301],
              ['/files/page.html', 200], ['/static', 200]) {
    my ($target, $status) = @$case;
    $res = answer_to($target, @bearer);
    is_status($res, $status, "$target: httpd answers itself");
    is_field($res, 'X-User', $sub, "$target: with our field");
    is_field($res, 'Cache-Control', 'private', "$target: for this user");
    unlike($res->{head} . $res->{body}, qr/actor/,
        "$target: shows no mapped parameter");
}
is_field(answer_to('/files/dir?q=%31', @bearer), 'Location',
    "$here/files/dir/?q=%31", 'a slash redirect keeps the query of the client');
$res = answer_to('/files/page.html');
is_error($res, 401, 'missing_token', 'a refusal');
is_field($res, 'X-User', '', 'has no field of a claim');
is_field($res, 'Cache-Control', 'no-store', 'and is stored nowhere');

# --- caches -------------------------------------------------------------------------------------

my @shared = ('X-Reply-Cache-Control: public, max-age=9, s-maxage=8',
              'X-Reply-Vary: Accept', 'X-Reply-CDN-Cache-Control: max-age=7',
              'X-Reply-Surrogate-Control: max-age=7');
my $vary = qr/^Accept, ?Authorization, ?X-Token, ?Cookie$/i;
for my $name (@names) {
    for my $by ($bearer[0], "X-Token: $token", "Cookie: session=$token") {
        my ($in) = $by =~ /^([\w-]+)/;
        $res = answer_to("/pass/$name/x", $by, @shared);
        is_field($res, 'Cache-Control', 'max-age=9, private',
            "$name, $in: private, and not public");
        like(join(' | ', fields($res, 'Vary')), $vary,
            "$name, $in: varies with each place of a token, in one field");
        is_field($res, $_, '', "$name, $in: no $_")
            for 'CDN-Cache-Control', 'Surrogate-Control';
    }
}
for my $who (['a user', @bearer], ['nobody']) {
    my ($what, @headers) = @$who;
    $res = answer_to('/optional/x', @headers, @shared);
    is_status($res, 200, "optional, $what");
    is_field($res, 'Cache-Control', 'max-age=9, private',
        "optional, $what: private");
    like(field($res, 'Vary'), $vary, "optional, $what: varies");
}
$res = answer_to('/public/x', @bearer, @shared);
is_field($res, 'Cache-Control', 'public, max-age=9, s-maxage=8',
    'a public answer stays public');
is_field($res, 'Vary', 'Accept', 'and varies as the upstream says');
is_field($res, 'CDN-Cache-Control', 'max-age=7', 'also to a CDN');
$res = answer_to('/shared/x', @bearer);
is_field($res, 'Cache-Control', 'max-age=9, private',
    'no mapping makes an answer of one user public');
$res = answer_to('/ssi/page.shtml', @bearer);
is_status($res, 200, 'a public page that includes a part of a user');
is_field($res, 'Cache-Control', 'private', 'is private');

done_testing();
