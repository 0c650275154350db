#!/usr/bin/env python3
"""L10, cyrus#5032: with a mailbox on a disk that stands still, the recipients before it have their
replies; and when it has been slow several times in a row it is answered 451 4.4.5 at once, while
the others go on."""
import os
import select
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import mounts
from control import status, until
from handoffd import Handoffd
from lmtp import Lmtp, deliver, stuffed
from scratch import Scratch
from slow_disk import SlowDisk
from tap import done, is_, ok, skip

PAT, KIM = USERS = [f"{name}@good.test" for name in ("pat", "kim")]
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"


def begin(daemon, recipients):
    client = Lmtp(daemon.unix)
    client.session("LHLO client.test", "MAIL FROM:<>", *(f"RCPT TO:<{each}>" for each in recipients),
                   "DATA")
    client.send(stuffed(MESSAGE))
    return client


def silent(client):
    return not select.select([client.socket], [], [], 0)[0]


def slow(daemon):
    """Whether some delivery has been committing for longer than recipients.slow-after."""
    return [each for each in status(daemon)["workers"]
            if each["state"] == "commit" and each["since"] > 1.1]


private = mounts.private()
scratch = Scratch()
disk = SlowDisk(scratch)
with Handoffd({"recipients.slow-after": "1s", "recipients.slow-limit": "2",
               "recipients.slow-pause": "1h", "spool.sync": "plain"}, scratch=scratch,
              environment=disk.environment) as daemon:
    for user in USERS:
        daemon.mailbox(user)
    for turn in (1, 2):
        disk.hold("good.test/kim/new")
        with begin(daemon, USERS) as client:
            is_(client.reply().code, 250, f"the_reply_before_the_slow_mailboxs_leaves_at_once_L10_{turn}")
            until(lambda: slow(daemon), "the other is slow")
            ok(silent(client), f"nothing_is_said_yet_of_the_slow_one_L5_{turn}")
            disk.let_go()
            is_(client.reply().code, 250, f"and_it_is_delivered_in_the_end_{turn}")
            client.command("QUIT")
    line = daemon.wait_for("mailbox slow, put off")
    ok("mailbox=good.test/kim" in line and "seconds=3600" in line,
       "twice_in_a_row_and_it_is_put_off_and_the_log_says_so")
    again = deliver(daemon.unix, "", USERS, MESSAGE)
    is_((again.rcpt[KIM].code, again.rcpt[KIM].enhanced), (451, "4.4.5"),
        "then_it_is_answered_451_4_4_5_at_once")
    is_(again.final[PAT].code, 250, "and_the_rest_is_unharmed_L6")
    ok(status(daemon)["totals"]["slow"] >= 1, "and_it_is_counted")

    # One that hangs is known to be slow before it has ended.
    daemon.write({"recipients.slow-pause": "1s", "recipients.slow-limit": "1"})
    is_(daemon.stop(), 0, "it_ends_well")
    daemon.start()
    disk.hold("good.test/kim/new")
    with begin(daemon, [KIM]) as client:
        until(lambda: slow(daemon), "one hangs")
        is_(deliver(daemon.unix, "", [KIM], MESSAGE).rcpt[KIM].enhanced, "4.4.5",
            "while_it_hangs_the_next_is_put_off")
        disk.let_go()
        is_(client.reply().code, 250, "it_is_delivered_when_the_disk_goes_on")
    until(lambda: deliver(daemon.unix, "", [KIM], MESSAGE).rcpt[KIM].code == 250,
          "the pause is over")
    is_(deliver(daemon.unix, "", [KIM], MESSAGE).final[KIM].code, 250,
        "and_one_quick_delivery_opens_it_again")

# Where one sync is for all: a mailbox that is new is synced by itself, and not before that.
if private and shutil.which("mkfs.ext4"):
    scratch = Scratch()
    disk = SlowDisk(scratch)
    daemon = Handoffd({"spool.delivered-to": "never"}, scratch=scratch, start=False,
                      environment=disk.environment)
    mounts.image(daemon.spool, scratch.file("image"), 16, ["mkfs.ext4", "-q"])
    os.chown(daemon.spool, *daemon.owner)
    daemon.start()
    with daemon:
        for user in USERS:
            daemon.mailbox(user)
        disk.hold("good.test/kim")
        with begin(daemon, USERS) as client:
            is_(client.reply().code, 250, "the_reply_before_that_of_a_new_slow_mailbox_is_not_held_up_L10")
            ok(silent(client), "nothing_is_said_yet_of_that_one_L5")
            disk.let_go()
            is_(client.reply().code, 250, "and_it_is_delivered_when_it_can_be")
            client.command("QUIT")
        is_(daemon.stop(), 0, "it_ends_well_too")
        mounts.unmount(daemon.spool)
else:
    skip("no mounts here")
done()
