#!/usr/bin/perl
# A CGI program that answers with its environment.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use JwtMapApp;

local $/;
my $body = <STDIN>;
print "Content-Type: text/plain\r\n\r\n",
    JwtMapApp::record('cgi', \%ENV, defined $body ? $body : '');
