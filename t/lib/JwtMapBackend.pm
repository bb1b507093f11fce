package JwtMapBackend;

# JwtMapBackend: origin servers beside t/upstream, started by the test that
# needs them and gone with it. All of them write logs/upstream.log.
#
#   my %port = start_node();        t/upstream-node: http https h2 h2c
#   my $socket = start_php();       php-fpm; its script is t/apps/echo.php
#   my $socket = start_uwsgi();     uwsgi with t/apps/echo.psgi

use strict;
use warnings;

use Exporter 'import';
use POSIX ();

use JwtMapTest qw(slurp spew stage wait_for);

our @EXPORT = qw(start_node start_php start_uwsgi rss_of children_of);

my @started;
my $owner = $$;

sub start_node {
    my $ports = stage("t/logs/node$$.ports");
    unlink $ports;
    spawn('node', 'node', stage('t/upstream-node'),
          '--log', stage('t/logs/upstream.log'), '--ports', $ports,
          '--key', stage('t/conf/keys/ec256.pem'),
          '--cert', stage('t/conf/keys/localhost.pem'), '--parent', $$);
    wait_for(20, sub { -f $ports }) or die "node does not start\n";
    return split ' ', slurp($ports);
}

sub start_php {
    my ($fpm) = reverse sort glob '/usr/sbin/php-fpm*';
    my $socket = stage('t/logs/php.sock');
    my $conf = stage('t/logs/php-fpm.conf');
    spew($conf, join "\n", '[global]', 'daemonize = no',
        'error_log = ' . stage('t/logs/php-fpm.log'), '[www]',
        "listen = $socket", 'pm = static', 'pm.max_children = 2',
        'security.limit_extensions = .php', '');
    spawn('php-fpm', $fpm || 'php-fpm', '-y', $conf, '-n');
    return ready($socket);
}

sub start_uwsgi {
    my $socket = stage('t/logs/uwsgi.sock');
    spawn('uwsgi', 'uwsgi', '--plugin', 'psgi', '--psgi',
          stage('t/apps/echo.psgi'), '--uwsgi-socket', $socket,
          '--die-on-term', '--disable-logging', '--need-app');
    return ready($socket);
}

sub ready {
    my ($socket) = @_;
    wait_for(20, sub { -S $socket }) or die "no $socket\n";
    return $socket;
}

# Output goes to logs/NAME.log.
sub spawn {
    my ($name, @command) = @_;
    my $pid = fork;
    defined $pid or die "fork: $!\n";
    if (!$pid) {
        POSIX::setpgid(0, 0);
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', stage("t/logs/$name.log");
        open STDERR, '>&', \*STDOUT;
        { exec @command }
        warn "$command[0]: $!\n";
        POSIX::_exit(127);
    }
    push @started, $pid;
    return $pid;
}

# Resident octets of a process, and the processes that it started.
sub rss_of {
    my ($pid) = @_;
    return slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+) kB/m ? $1 * 1024 : 0;
}

sub children_of {
    my ($pid) = @_;
    return split ' ', slurp("/proc/$pid/task/$pid/children");
}

END {
    local $?;
    if ($$ == $owner) {
        kill 'TERM', -$_ for @started;
        waitpid $_, 0 for @started;
    }
}

1;
