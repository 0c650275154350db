"""A Dovecot on the mailboxes of a handoffd, which accepts every login."""
from daemon import Daemon
from handoffd import account

CONF = """
log_path = /dev/stderr
ssl = no
first_valid_uid = 1
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={spool}/%Ld/%Ln
}}
namespace inbox {{
  inbox = yes
}}
mail_location = maildir:{spool}/%Ld/%Ln{encoding}
"""

IMAP = """
protocols = imap
listen = 127.0.0.1
disable_plaintext_auth = no
service imap-login {
  inet_listener imap {
    port = PORT
  }
  inet_listener imaps {
    port = 0
  }
}
"""

SIEVE = """
protocols = sieve
listen = 127.0.0.1
disable_plaintext_auth = no
service managesieve-login {
  inet_listener sieve {
    port = PORT
  }
}
plugin {
  sieve = file:~/sieve;active=~/.dovecot.sieve
}
"""


def start_dovecot(daemon, more, encoding=""):
    """more: further configuration lines. encoding: that of folder names, such as ":UTF-8"."""
    user, group = account()
    with open("/etc/dovecot/dovecot.conf", "w", encoding="ascii") as file:
        file.write(CONF.format(spool=daemon.spool, user=user, group=group, encoding=encoding) + more)
    return Daemon(daemon.scratch, ["dovecot", "-F"], ready="starting up")
