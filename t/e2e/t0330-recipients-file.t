#!/usr/bin/env python3
"""The lookups file: and passwd, the setting of domains, and the order of several lookups."""
import errno
import os
import pwd
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import parts
from control import ctl, status, until
from handoffd import Handoffd, account
from lmtp import deliver
from lookups import rcpt, replies, wait_for
from scratch import Scratch
from tap import done, is_, ok

MESSAGE = b"Subject: x\r\n\r\nx\r\n"
me = pwd.getpwnam(account()[0]) if account() else pwd.getpwuid(os.geteuid())



def being_read(fifo):
    """Returns a descriptor for writing to a fifo, or None if it has no reader."""
    try:
        return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return None


with Handoffd({"recipients.lookup": "passwd", "recipients.domains": "example.org",
               "recipients.domain-alias": "example.com -> example.org"}) as daemon:
    is_(rcpt(daemon, f"{me.pw_name}@example.org", "no-such-user@example.org", "root@example.org",
             "0@example.org", f"{me.pw_name}@example.com"), [250, 550, 550, 550, 250],
        "a_system_account_is_a_recipient_and_root_is_not")
    refused = replies(daemon, f"{me.pw_name}@example.net", "postmaster")
    is_((refused[0].code, refused[0].enhanced), (550, "5.7.1"), "another_domain_is_not_served")
    is_(refused[1].code, 550, "postmaster_without_a_domain_is_looked_up_whatever_the_domains")

if not parts.has("cdb"):
    done()

scratch = Scratch()
table = scratch.file("recipients", "pat@example.org mailbox=people/p\n"
                     "info@example.com -> PAT@example.org\n"
                     "@lists.example mailbox=lists/all folder=in\n"
                     f"{me.pw_name} -> pat@example.org\n")
os.chmod(table, 0o600)  # readable only by the master if that is root
with Handoffd({"recipients.lookup": [f"file:{table}", "passwd"],
               "recipients.default-domain": "example.org"}, scratch=scratch) as daemon:
    is_(rcpt(daemon, "pat@example.org", "Pat+x@EXAMPLE.org", "info@example.com", "who@lists.example",
             "kim@example.org", me.pw_name, f"{me.pw_name}@passwd.example"),
        [250, 250, 250, 250, 550, 250, 250], "the_first_lookup_that_knows_a_recipient_decides")
    for folder in ("lists/all", "lists/all/.in"):
        maildir.create(os.path.join(daemon.spool, folder), daemon.owner)
    deliver(daemon.unix, "", ["info@example.com", "who@lists.example",
                                "who+x@lists.example"], MESSAGE)
    is_([len(os.listdir(os.path.join(daemon.spool, box, "new")))
         for box in ("people/p", "lists/all/.in")], [1, 1],
        "mail_goes_to_the_mailbox_and_folder_of_the_line")
    scratch.file("recipients", "kim@example.org\n")
    ctl(daemon, "reload")
    is_((wait_for(daemon, "kim@example.org", 250), rcpt(daemon, "pat@example.org")), (250, 550),
        "a_reload_applies_the_changed_file")
    scratch.file("recipients", "pat@example.org\nkim@example.org colour=red\n")
    ctl(daemon, "reload")
    daemon.wait_for(r"recipients:2: no such field: colour=red")
    is_(rcpt(daemon, "kim@example.org", "pat@example.org"), [250, 550],
        "an_invalid_file_changes_nothing_and_its_line_is_named")

    # A file on a slow disk (a fifo). A second read would wait for a writer forever.
    os.unlink(table)
    os.mkfifo(table, 0o600)
    with ThreadPoolExecutor() as beside:
        reload = beside.submit(ctl, daemon, "reload")
        with open(until(lambda: being_read(table), "the file is read"), "w", encoding="ascii") as file:
            ok(len(status(daemon)["workers"]) > 0, "the_master_answers_while_a_file_is_read")
            is_(rcpt(daemon, "kim@example.org"), 250, "the_previous_table_stays_in_force")
            file.write("pat@example.org mailbox=people/p\n")
        is_((reload.result().returncode, rcpt(daemon, "pat@example.org", "kim@example.org")),
            (0, [250, 550]), "a_slow_reload_succeeds_and_applies_the_new_file")
done()
