# What Request Tracker's REST interface cannot set up: who may do what, and the gateway's token.
# Queues, customers and tickets are seeded through REST 2.0 by the tests.
use strict;
use warnings;

our @Queues = (
    { Name => 'Support', Description => 'Questions of customers' },
    { Name => 'Private', Description => 'Nobody but root may look in here' },
);

our @Users = (
    {
        Name => 'gateway', Password => 'gateway-secret', EmailAddress => 'gateway@cyclorama.example',
        RealName => 'Gateway', Privileged => 1,
    },
    {
        Name => 'stranger', Password => 'stranger-secret', EmailAddress => 'stranger@cyclorama.example',
        RealName => 'Someone without rights', Privileged => 1,
    },
);

our @ACL = (
    ( map { { Right => $_, UserId => 'gateway', Queue => 'Support' } }
        qw(SeeQueue ShowTicket ShowTicketComments ReplyToTicket CommentOnTicket ModifyTicket) ),
);

our @Final = (
    sub {
        my $owner = RT::User->new( RT->SystemUser );
        $owner->Load('gateway');
        my $token = RT::AuthToken->new( RT->SystemUser );
        my ( $id, $message, $text ) = $token->Create( Owner => $owner->Id, Description => 'gateway' );
        die $message unless $id;
        open( my $file, '>', $ENV{CYCLORAMA_RT_TOKEN_FILE} ) or die "token file: $!";
        print {$file} $text;
        close $file;
    },
);
1;
