#!/usr/bin/env python3
"""Messages and folders in a mailbox that a group reads get that group and its rights; any other
mailbox remains accessible only to its user."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
from handoffd import Handoffd
from lmtp import deliver
from owners import Owners
from tap import done, is_, skip_all

PAT, LEE, KIM = "pat@good.test", "lee@good.test", "kim@good.test"
READERS = 60123  # a group that the server's user does not belong to
MESSAGE = b"Subject: x\r\n\r\nx\r\n"

if os.geteuid() != 0:
    skip_all("only root can give a mailbox to a group")


def let_in(path, mode, group, owner):
    """Lets the group into the mailbox at `path` and its directories."""
    for place in (path, *(os.path.join(path, name) for name in ("new", "cur", "tmp"))):
        if os.path.isdir(place):
            os.chown(place, owner, group)
            os.chmod(place, mode)


def rights(path):
    status = os.stat(path)
    return oct(status.st_mode & 0o7777), status.st_gid


def message_rights(path):
    """Returns the mode and group of the only message, and its number of links."""
    (file,) = maildir.files(path)
    return (*rights(file), os.stat(file).st_nlink)


for form in ("plain", "auto"):
    with Handoffd({"recipients.create-folders": "yes", "spool.sync": form}) as daemon:
        user, group = daemon.owner
        pat, lee, kim = (daemon.mailbox(each) for each in (PAT, LEE, KIM))
        let_in(pat, 0o2770, READERS, user)
        let_in(kim, 0o0755, READERS, user)
        codes = deliver(daemon.unix, "", [PAT, LEE, KIM, "pat+lists@good.test"], MESSAGE).final
        is_({reply.code for reply in codes.values()}, {250}, f"{form}: the messages are delivered")
        is_(message_rights(pat), ("0o660", READERS, 1), f"{form}: the group of the mailbox can read the message")
        is_(message_rights(lee)[:2], ("0o600", group), f"{form}: the group cannot read messages in other mailboxes")
        is_(message_rights(kim)[:2], ("0o600", group),
            f"{form}: no group can read a message if it has only the rights of all others")
        folder = os.path.join(pat, ".lists")
        for place in (folder, *(os.path.join(folder, name) for name in ("new", "cur", "tmp"))):
            is_(rights(place), ("0o2770", READERS), f"{form}: a new folder belongs to the group: {place[len(pat):]}")
        is_(rights(os.path.join(folder, "maildirfolder")), ("0o660", READERS), f"{form}: files of a new folder belong to the group")
        is_(message_rights(folder), ("0o660", READERS, 1), f"{form}: messages in a new folder belong to the group")

# Without set-group-id: a group that the user does not belong to gets no rights, but any other group
# does.
with Handoffd() as daemon:
    user, group = daemon.owner
    pat, lee = daemon.mailbox(PAT), daemon.mailbox(LEE)
    let_in(pat, 0o750, READERS, user)
    let_in(lee, 0o750, group, user)
    deliver(daemon.unix, "", [PAT, LEE], MESSAGE)
    is_(message_rights(pat)[:2], ("0o600", group), "no group but that of the mailbox gets rights")
    is_(message_rights(lee), ("0o640", group, 1), "the group of the server's user can read its mailbox")
    empty = os.path.join(daemon.spool, "good.test", "kim")
    os.mkdir(empty)
    os.chown(empty, user, READERS)
    os.chmod(empty, 0o2750)
    deliver(daemon.unix, "", [KIM], MESSAGE)
    is_([rights(os.path.join(empty, name)) for name in ("new", "cur", "tmp")],
        [("0o2750", READERS)] * 3, "new directories have the mode and group of the mailbox")
    is_(message_rights(empty), ("0o640", READERS, 1), "a message in new directories belongs to the group")

# A mailbox of another user.
owners = Owners()
pat, kim = owners.add("pat", 61001), owners.add("kim", 61002)
pat.make("Maildir")
os.chown(pat.maildir, pat.uid, READERS)
os.chmod(pat.maildir, 0o2770)
with owners.handoffd({"recipients.create-folders": "yes"}) as daemon:
    deliver(daemon.unix, "", [pat.address, kim.address, "pat+lists@example.org"], MESSAGE)
    is_(message_rights(pat.maildir), ("0o660", READERS, 1), "the group can read a message in the mailbox of another user")
    is_(rights(os.path.join(pat.maildir, "new")), ("0o2770", READERS), "new belongs to the group in the mailbox of another user")
    is_(rights(os.path.join(pat.maildir, ".lists", "cur")), ("0o2770", READERS), "a folder belongs to the group in the mailbox of another user")
    is_(message_rights(kim.maildir)[:2], ("0o600", kim.uid), "without a group only the user can read the message")

done()
