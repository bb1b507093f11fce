package JwtMapServer;

# JwtMapServer: an httpd of a test's own, for what the shared one cannot do:
# restarts, other start-up directives, errors at start. Its log is read by
# 99log.t like the shared one's.
#
#   my $server = JwtMapServer->start('reload', <<'CONF');
#       JwtMapConfig conf/reload.json
#       ProxyPass / ${UPSTREAM_URL}/
#   CONF
#   get($server->port, '/');    $server->graceful;    $server->stop;
#
# JwtMapServer->table('reload', paths => [...], ...) writes conf/reload.json with
# an authorizer that takes the tokens of token(), and returns that name.
#
# ServerRoot is t/, all modules are loaded, it listens on $server->port, which
# is ${PORT} in the text.

use strict;
use warnings;

use IO::Socket::INET;
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep);

use JwtMapKeys qw(json);
use JwtMapTest qw(stage slurp spew wait_for);

# For start: three children of few threads, so that requests at the same time
# meet several.
use constant THREE_CHILDREN => <<'CONF';
    <IfModule !prefork.c>
        StartServers 3
        ServerLimit 3
        ThreadsPerChild 4
        MinSpareThreads 4
        MaxSpareThreads 12
        MaxRequestWorkers 12
    </IfModule>
    <IfModule prefork.c>
        StartServers 3
        MinSpareServers 3
        MaxRequestWorkers 3
    </IfModule>
CONF

sub start {
    my ($class, $name, $text) = @_;
    my $self = bless { name => $name, dir => stage("t/logs/$name"), owner => $$,
                       port => free_port() }, $class;
    mkdir $self->{dir};
    $self->configure($text);
    $self->{pid} = $self->spawn;
    wait_for(20, sub { $self->listens || !$self->runs });
    return $self;
}

sub table {
    my ($class, $name, %table) = @_;
    spew(stage("t/conf/$name.json"), json({
        authorizer => { type => 'jwt', issuer => 'https://issuer.example',
                        audience => 'api://gateway',
                        jwks_file => 'keys/jwks.json',
                        %{ delete $table{authorizer} || {} } },
        %table,
    }));
    return "conf/$name.json";
}

# A new configuration, for the next start or graceful.
sub configure {
    my ($self, $text) = @_;
    my ($dir, $port) = @$self{qw(dir port)};
    spew("$dir/httpd.conf", join "\n", 'ServerRoot "' . stage('t') . '"',
        "Define PORT $port", "ServerName 127.0.0.1:$port",
        "Listen 127.0.0.1:$port", "PidFile $dir/httpd.pid",
        "DefaultRuntimeDir $dir", "ErrorLog $dir/error_log",
        'LogLevel info jwtmap:trace8', 'Include conf/modules.conf',
        'TypesConfig conf/mime.types',
        '<IfModule mod_cgid.c>', "ScriptSock $dir/cgisock", '</IfModule>',
        '<IfDirective JwtMapStateDir>', "JwtMapStateDir $dir/state",
        '</IfDirective>', 'StartServers 1', $text, '');
}

sub spawn {
    my ($self) = @_;
    my $pid = fork;
    defined $pid or die "fork: $!\n";
    return $pid if $pid;
    POSIX::setpgid(0, 0);    # prefork signals its whole process group
    open STDOUT, '>>', "$self->{dir}/console.log";
    open STDERR, '>&', \*STDOUT;
    { exec stage("bin/httpd"), "-DFOREGROUND", "-f", "$self->{dir}/httpd.conf" }
    POSIX::_exit(127);
}

sub port { return $_[0]{port} }

# Its logs are there, and its state directory is dir/state.
sub dir { return $_[0]{dir} }

# The parent process is there.
sub runs {
    my ($self) = @_;
    return 0 unless $self->{pid};
    return 1 if waitpid($self->{pid}, WNOHANG) == 0;
    $self->{pid} = 0;
    return 0;
}

sub listens {
    my ($self) = @_;
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                 PeerPort => $self->{port});
}

# kill -9 of the child that fetches key sets, which is the one that is
# connected to somebody else; its pid, or 0. The line that httpd logs of it is
# taken out: 99log.t takes it for a crash.
sub kill_fetcher {
    my ($self, $port) = @_;
    my $hex = sprintf ':%04X', $port;
    my %inode = map { my @f = split; $f[2] =~ /$hex$/ ? ($f[9] => 1) : () }
        split /\n/, slurp('/proc/net/tcp');
    for my $child (split ' ', slurp("/proc/$self->{pid}/task/$self->{pid}/children")) {
        next unless grep { (readlink $_ || '') =~ /^socket:\[(\d+)\]/ && $inode{$1} }
            glob "/proc/$child/fd/*";
        kill 'KILL', $child;
        my $line = qr/^.*AH00052: child pid $child exit signal Killed.*\n/m;
        wait_for(5, sub { $self->error_log =~ $line });
        spew("$self->{dir}/error_log", $self->error_log =~ s/$line//r);
        return $child;
    }
    return 0;
}

# What it said at start, and its error log.
sub console { return slurp("$_[0]{dir}/console.log") }

sub error_log {
    my ($self) = @_;
    my $file = "$self->{dir}/error_log";
    return -f $file ? slurp($file) : '';
}

# apachectl graceful; returns once the new generation answers.
sub graceful {
    my ($self) = @_;
    my $said = () = $self->error_log =~ /AH00292|resuming normal operations/g;
    kill 'USR1', $self->{pid};
    return wait_for(20, sub {
        my $now = () = $self->error_log =~ /AH00292|resuming normal operations/g;
        $now > $said && $self->listens;
    });
}

# Stops it and waits; 1 if it ended by itself with status 0.
sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return 0;
    # A connection that ends at this moment is closed twice by the event MPM
    # (close_worker_sockets against its worker), and its child may crash.
    sleep 0.2;
    kill 'TERM', $pid;
    my $ended = wait_for(20, sub { waitpid($pid, WNOHANG) == $pid });
    my $status = $?;
    return 1 if $ended && $status == 0;
    kill 'KILL', $pid unless $ended;
    return 0;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $@, $!);
    $self->stop if $self->{pid} && $self->{owner} == $$;
}

sub free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
        or die "no free port: $!\n";
    return $socket->sockport;
}

1;
