# What Perl's Mail::DKIM finds of the signatures of mails: perl verify_dkim.pl NAME RECORD FILE…
# NAME is where the key's record stands in DNS, which is not asked.
use strict;
use warnings;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;
use Net::DNS;

my ( $name, $record, @files ) = @ARGV;
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        my ( $asked, $type ) = @_;
        return if lc $asked ne $name;
        my @parts = $record =~ /(.{1,255})/g;
        return Net::DNS::RR->new( name => $asked, type => $type, txtdata => \@parts );
    };
}
for my $file (@files) {
    open my $mail, '<:raw', $file or die "$file: $!";
    my $verifier = Mail::DKIM::Verifier->new;
    $verifier->load($mail);
    print $verifier->result, "\n";
}
