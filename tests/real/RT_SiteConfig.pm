# Request Tracker for one test run: everything below @FOLDER@, nothing under /etc or /var.
$RT::VarPath = '@FOLDER@/var';
$RT::MasonDataDir = '@FOLDER@/mason';
$RT::MasonSessionDir = '@FOLDER@/session';
$RT::LocalPath = '@FOLDER@/local';

Set($rtname, 'cyclorama.example');
Set($Organization, 'cyclorama.example');
Set($Timezone, 'UTC');
Set($CorrespondAddress, 'help@cyclorama.example');
Set($CommentAddress, 'help-internal@cyclorama.example');

Set($WebDomain, '127.0.0.1');
Set($WebPort, @PORT@);
Set($WebPath, '');
Set($WebSecureCookies, 0);

Set($DatabaseType, 'SQLite');
Set($DatabaseName, '@FOLDER@/rt.sqlite');

Set($LogToSyslog, undef);
Set($LogToSTDERR, 'warning');
Set($MailCommand, 'testfile');
1;
