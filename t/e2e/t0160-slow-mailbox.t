#!/usr/bin/env python3
"""L10, cyrus#5032: if the disk of a mailbox blocks, the recipients before it get their replies.
After several slow deliveries in a row, mail for it is answered with 451 4.4.5 immediately, and
other recipients are not affected."""
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
    """Returns whether some delivery has been committing for longer than recipients.slow-after."""
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
            is_(client.reply().code, 250, f"the_recipient_before_the_slow_one_gets_its_reply_at_once_L10_{turn}")
            until(lambda: slow(daemon), "the other is slow")
            ok(silent(client), f"the_slow_recipient_has_no_reply_yet_L5_{turn}")
            disk.let_go()
            is_(client.reply().code, 250, f"the_slow_mailbox_gets_the_message_in_the_end_{turn}")
            client.command("QUIT")
    line = daemon.wait_for("mailbox slow, its mail is deferred")
    ok("mailbox=good.test/kim" in line and "seconds=3600" in line,
       "after_two_slow_deliveries_the_log_says_that_the_mailbox_is_deferred")
    again = deliver(daemon.unix, "", USERS, MESSAGE)
    is_((again.rcpt[KIM].code, again.rcpt[KIM].enhanced), (451, "4.4.5"),
        "a_deferred_mailbox_gets_451_4_4_5_immediately")
    is_(again.final[PAT].code, 250, "other_recipients_are_not_affected_L6")
    ok(status(daemon)["totals"]["slow"] >= 1, "the_deferral_is_counted")

    # A delivery that hangs counts as slow before it ends.
    daemon.write({"recipients.slow-pause": "1s", "recipients.slow-limit": "1"})
    is_(daemon.stop(), 0, "the_server_exits_with_0")
    daemon.start()
    disk.hold("good.test/kim/new")
    with begin(daemon, [KIM]) as client:
        until(lambda: slow(daemon), "one hangs")
        is_(deliver(daemon.unix, "", [KIM], MESSAGE).rcpt[KIM].enhanced, "4.4.5",
            "while_a_delivery_hangs_the_next_one_is_deferred")
        disk.let_go()
        is_(client.reply().code, 250, "the_delayed_message_is_delivered_when_the_disk_continues")
    until(lambda: deliver(daemon.unix, "", [KIM], MESSAGE).rcpt[KIM].code == 250,
          "the pause is over")
    is_(deliver(daemon.unix, "", [KIM], MESSAGE).final[KIM].code, 250,
        "after_the_pause_one_quick_delivery_ends_the_refusals")

# With one sync for all: a new mailbox is synced separately, after that sync.
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
            is_(client.reply().code, 250, "a_slow_new_mailbox_does_not_delay_the_reply_before_it_L10")
            ok(silent(client), "the_slow_new_mailbox_has_no_reply_yet_L5")
            disk.let_go()
            is_(client.reply().code, 250, "the_slow_new_mailbox_gets_the_message_when_the_disk_works_again")
            client.command("QUIT")
        is_(daemon.stop(), 0, "the_server_exits_with_0_after_a_slow_new_mailbox")
        mounts.unmount(daemon.spool)
else:
    skip("no mounts here")
done()
