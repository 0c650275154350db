#!/usr/bin/env python3
"""recipients.lookup = dovecot: the users of Dovecot, queried through its auth socket, are the
recipients; Dovecot is also killed."""
import grp
import os
import pwd
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import peer
from daemon import Daemon
from handoffd import Handoffd, account
from lmtp import deliver
from lookups import defers_while_server_is_down, rcpt, wait_for
from scratch import Scratch
from tap import done, is_

peer.enter("dovecot")

CONF = """
protocols =
log_path = /dev/stderr
ssl = no
first_valid_uid = 1
base_dir = {place}/run
auth_username_format = %Lu
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = passwd-file
  args = {place}/users
}}
service auth {{
  unix_listener auth-userdb {{
    mode = 0666
  }}
}}
"""

scratch = Scratch()
place = os.path.join(scratch.path, "dovecot")
os.makedirs(f"{place}/run")
user, group = account()
uid, gid = pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid
scratch.file("dovecot/users", f"pat@example.org::{uid}:{gid}::{place}/home/pat::"
             "userdb_mail=maildir:~/Mail userdb_quota_rule=*:storage=10M\n"
             f"kim@example.org::{uid}:{gid}::{place}/home/kim::\n"
             f"mbox@example.org::{uid}:{gid}::{place}/home/m::userdb_mail=mbox:~/mail\n")
for home in ("pat/Mail", "kim/Maildir"):
    maildir.create(f"{place}/home/{home}", (uid, gid))
os.chmod(place, 0o755)
conf = scratch.file("dovecot/dovecot.conf", CONF.format(place=place))
dovecot = Daemon(scratch, ["dovecot", "-F", "-c", conf], start=False, ready="starting up")


def start():
    # Nothing left by a killed Dovecot prevents a restart.
    shutil.rmtree(f"{place}/run", ignore_errors=True)
    os.mkdir(f"{place}/run")
    dovecot.start()


start()
with Handoffd({"recipients.lookup": f"dovecot:{place}/run/auth-userdb", "recipients.cache-ttl": "0s",
               "spool.layout": "%h/Maildir", "recipients.lookup-timeout": "5s"}) as daemon:
    is_(wait_for(daemon, "pat@example.org", 250), 250, "a_user_of_dovecot_is_a_recipient")
    is_(rcpt(daemon, "PAT@example.org", "kim@example.org", "who@example.org", "pat@example.net"),
        [250, 250, 550, 550], "users_that_dovecot_does_not_know_are_unknown")
    done_ = deliver(daemon.unix, "", ["pat@example.org", "kim@example.org"], b"Subject: x\r\n\r\nx\r\n")
    is_([reply.code for reply in done_.final.values()], [250, 250], "mail_is_delivered")
    is_([len(os.listdir(f"{place}/home/{box}/new")) for box in ("pat/Mail", "kim/Maildir")], [1, 1],
        "mail_is_stored_where_dovecot_or_the_layout_says")
    is_(rcpt(daemon, "mbox@example.org", "pat@example.org"), [451, 250],
        "a_mailbox_that_is_not_a_maildir_defers_only_that_recipient_R1")
    defers_while_server_is_down(daemon, "pat@example.org", "who@example.org", dovecot, "dovecot", start)
dovecot.stop()
done()
