#!/usr/bin/env python3
"""A user moves to another host by the steps of doc/scaling.md: a message that the old host delivered,
and whose reply was lost, is recognised when it is sent to the new host."""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from control import ctl, until
from handoffd import Handoffd
from lmtp import Lmtp, deliver, stuffed
from tap import done, is_

PAT = "pat@example.org"
TEXT = b"Subject: moved\r\nMessage-ID: <m@example.org>\r\n\r\nbody\r\n"


def copy(old, new, path):
    """Copies a directory of the spool with its files, as `rsync -a` does."""
    source, target = (os.path.join(each.spool, path) for each in (old, new))
    shutil.copytree(source, target, dirs_exist_ok=True)
    for folder, _, names in os.walk(target):
        for each in (folder, *(os.path.join(folder, name) for name in names)):
            status = os.stat(each.replace(target, source, 1))
            os.chown(each, status.st_uid, status.st_gid)


def send_again(host):
    return deliver(host.unix, "a@example.net", [PAT], TEXT).final[PAT].code


for with_records in (True, False):
    what = "with the records" if with_records else "without the records"
    with Handoffd() as old, Handoffd() as new:
        old.mailbox(PAT)
        new.mailbox("lee@example.org")
        is_(deliver(new.unix, "a@example.net", [PAT], TEXT).rcpt[PAT].code, 550, f"{what}: the_user_is_elsewhere")
        client = Lmtp(old.unix)
        client.session("LHLO client.test", "MAIL FROM:<a@example.net>", f"RCPT TO:<{PAT}>", "DATA")
        client.send(stuffed(TEXT))
        old.wait_for(r"delivered .*<m@example.org>")
        client.close()
        until(lambda: os.listdir(os.path.join(old.spool, ".handoff", "unread")), "the record is there")
        copy(old, new, "example.org/pat")
        if with_records:
            copy(old, new, ".handoff/unread")
            is_(ctl(new, "reload").returncode, 0, f"{what}: the_new_host_reloads")
        is_(send_again(new), 250, f"{what}: the_message_is_sent_again")
        is_(len(new.messages(PAT)), 1 if with_records else 2,
            f"{what}: it_is_there_{'once' if with_records else 'twice'}")
done()
