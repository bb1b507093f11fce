# Last: stops the server and reads its log. No crash, no sanitizer report, and
# nothing of a token or a secret, at trace8 of the module.

use JwtMapTest;

# Reports or signs of one, in any log.
my $crash = qr{
    AH00051 | AH00052 | AH00046            # a child died, or had to be killed
  | \b(?:Address|Leak|Thread|UndefinedBehavior)Sanitizer | \bruntime\ error:
  | segmentation\ fault | assertion\ .*failed
  | stack\ smashing | double\ free | corrupted | free\(\):
}xi;

# "eyJ" is the base64url of `{"`; the rest is in every secret of the tests.
my $leak = qr{ eyJ[A-Za-z0-9_-] | \Q${\ JwtMapKeys::SECRET_MARK}\E
  | -----BEGIN }x;

# mod_http2 crashes by itself where a single process ends with a connection
# open: KeepAliveTimeout is 5 s.
sleep 6 if $ENV{JWTMAP_MEMCHECK};

my $pid_file = stage('t/logs/httpd.pid');
my $pid = -f $pid_file ? slurp($pid_file) + 0 : 0;
ok($pid && kill(0, $pid), 'the server is still there at the end');
kill 'TERM', $pid if $pid;
ok(wait_for(30, sub { !kill 0, $pid }), 'the server stops when it is told to');

my @reports = glob stage('t/logs/sanitizer*');
is("@reports", '', 'the sanitizers reported nothing');
diag(slurp($_)) for @reports;

# Each process says at its end that memcheck found nothing, or that it did. One
# that became another program (a CGI script, say) has said nothing till then.
if ($ENV{JWTMAP_MEMCHECK}) {
    my $good = qr/ERROR SUMMARY: 0 errors [^\n]*\n\z/;
    my $silent = qr/\A(?:(?:Memcheck,|Copyright|Using|Command:|Parent PID:|Warning: invalid file descriptor -1) [^\n]*\n|\n)*\z/;
    my %said = map { $_ => slurp($_) =~ s/^==\d+== ?//gmr }
        glob stage('t/logs/memcheck.*');
    my @bad = grep { $said{$_} !~ $good && $said{$_} !~ $silent } sort keys %said;
    is("@bad", '', 'memcheck found no error and no leak');
    diag($said{$_}) for @bad;
    like($said{stage("t/logs/memcheck.$pid")}, $good, 'and has looked at the server');
}

# The shared server's, and those of the servers that tests start themselves.
for my $file (glob stage('t/logs/{,*/}{error_log,*.log}')) {
    next if $file =~ m{/(?:upstream|prove)\.log$};
    my $log = $file =~ s{.*/t/logs/}{}r;
    my @lines = split /\n/, slurp($file);
    is_clean($log, 'no crash', grep { /$crash/ } @lines);
    is_clean($log, 'nothing of a token, key or secret', grep { /$leak/ } @lines);
}

sub is_clean {
    my ($log, $what, @lines) = @_;
    ok(!@lines, "$log shows $what") or diag(join "\n", splice @lines, 0, 20);
}

done_testing();
