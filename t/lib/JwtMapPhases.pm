package JwtMapPhases;

# JwtMapPhases: what the tests of the virtual hosts in phases.conf.in share:
# the files that they serve, and requests that try to pose.

use strict;
use warnings;

use Digest::SHA qw(sha1_base64);
use Exporter 'import';

use JwtMapTest;

our @EXPORT = qw(through routes @spoof);
our @spoof = ('X-User: root', 'x_user: root', 'X-Route: root', 'X.Method: root');

my $docs = stage('t/htdocs/phases');

# Files of the virtual hosts; a .cgi is executable.
sub file {
    my ($path, $text) = @_;
    my $dir = '';
    for my $part (split m{/}, "$docs/$path" =~ s{/[^/]*$}{}r) {
        $dir .= "$part/";
        mkdir $dir;
    }
    spew("$docs/$path", $text);
    chmod 0755, "$docs/$path" if $path =~ /\.cgi$/;
}

my $env = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nenv\n";
file($_, $env) for qw(env.cgi cgi/env.cgi sec/env.cgi di/cgi/index.cgi
    disec/index.cgi fb/front.cgi fbnamed/front.cgi);
file('cgi/local.cgi',
    "#!/bin/sh\nprintf 'Location: /%s\\n\\n' \"\${PATH_INFO#/}\"\n");
file("$_/page.shtml", join "\n", map { qq(<!--#include virtual="$_" -->) }
    '/api/in?q=1', '/open/in?actor=ssi', '/unnamed/in', '/own/in')
    for qw(ssi ssisec);
file('disec/scoped/index.html', 'index');
file('err.html', 'the error page of the administrator');
file('rw/pub/x', '');
file('rw/sec/x', '');
file("di/$_/index.html", "index of $_") for qw(plain sec own);
file('di/proxied/x', '');
file("act/x.$_", '') for qw(wrap wrapapi);
file('sec/x.wrap', '');
file('sec/x.wrapapi', '');
file('cgi/x.wrapapi', '');
file('fb/x', '');
file('fbnamed/x', '');
file('mv/page.html', 'the page');
file('mv/open.html', 'the open page');
file('list/secret.html', 'secret');
file('list/other.html', 'other');
spew(stage('t/conf/phases.htpasswd'), 'bob:{SHA}' . sha1_base64('bob') . "=\n");

# One request that tries to pose; (answer, records of the upstream).
sub through {
    my ($host, $method, $target, @headers) = @_;
    my $mark = upstream_mark();
    my $res = request($host, method => $method, target => $target,
        headers => [@spoof, @headers]);
    my @records = upstream_since($mark);
    my $sent = join "\n", map { @{ $_->{head} } } @records;
    $sent =~ s/\beyJ[\w.-]+/TOKEN/g;    # any four letters may stand in one
    unlike($sent, qr/root/, "$method $target: nothing that was posed arrives");
    return ($res, @records);
}

# Path of a record => [its route, its user]
sub routes {
    return { map { my $r = $_;
        (target_of($r) => join ' ', map { (seen($r, $_))[0] // '-' }
            qw(x-route x-user x-method)) } @_ };
}

1;
