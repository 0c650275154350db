#!/usr/bin/env python3
"""Dovecot and handoffd share maildirsize, and Dovecot lists the folders that +detail has
created."""
import os
import random
import re
import select
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import peer
import shim
from control import status
from dovecot import start_dovecot
from handoffd import Handoffd
from lmtp import Lmtp, deliver, stuffed
from maildirsize import MESSAGE, summed, to
from scratch import Scratch
from tap import diag, done, empty, is_, ok

peer.enter("dovecot")

QUOTA = """
protocols =
mail_plugins = quota
plugin {
  quota = maildir:User quota
  quota_rule = *:storage=10K:messages=20
}
"""


def doveadm(*arguments, content=None, fine=True):
    ran = subprocess.run(["doveadm", *arguments], input=content, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, check=False)
    if fine and ran.returncode != 0:
        diag(f"doveadm {arguments}: {ran.stdout!r}")
    return ran.stdout.decode()


def stored(daemon, user):
    """Returns the contents of the mailbox: (octets, messages)."""
    sizes = [os.path.getsize(name) for name in maildir.files(daemon.mailbox_path(user))]
    return sum(sizes), len(sizes)


def by_dovecot(user):
    """Returns Dovecot's quota usage: (KiB, messages)."""
    rows = [line.split("\t") for line in doveadm("-f", "tab", "quota", "get", "-u",
                                                 user).splitlines()[1:]]
    value = {row[1]: int(row[2]) for row in rows}
    return value["STORAGE"], value["MESSAGE"]


def wait_until(true):
    """A long count continues in a process beside the worker."""
    end = time.monotonic() + 30
    while not true() and time.monotonic() < end:
        select.select([], [], [], 0.05)


def have_counted(daemon, user):
    """Repeats RCPT until the mailbox has a maildirsize."""
    def asked():
        with Lmtp(daemon.unix) as client:
            client.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{user}>")
        return os.path.exists(os.path.join(daemon.mailbox_path(user), "maildirsize"))
    wait_until(asked)


def agree(daemon, user, when):
    wait_until(lambda: summed(daemon, user) == stored(daemon, user))
    octets, count = stored(daemon, user)
    is_(summed(daemon, user), (octets, count), f"maildirsize_equals_the_content_{when}_R4")
    is_(by_dovecot(user), (-(-octets // 1024), count), f"dovecot_reports_the_same_usage_{when}_R4")


def check_quota(daemon):
    user = "pat@good.test"
    path = daemon.mailbox(user)
    have_counted(daemon, user)
    is_([to(daemon, user) for _ in range(3)], ["250 2.0.0"] * 3, "a_mailbox_accepts_mail_R4")
    agree(daemon, user, "after_deliveries")
    doveadm("expunge", "-u", user, "mailbox", "INBOX", "1")
    is_(stored(daemon, user)[1], 2, "dovecot_expunges_one")
    agree(daemon, user, "after_an_expunge")
    to(daemon, user)
    agree(daemon, user, "after_an_expunge_and_a_delivery")
    doveadm("save", "-u", user, content=MESSAGE)
    agree(daemon, user, "after_a_message_that_dovecot_saved")

    # The state after a crash between the link and the line in maildirsize: an uncounted message.
    lost = os.path.join(path, "new", "1.crash,S=3000")
    with open(lost, "wb") as file:
        file.write(b"x" * 2999 + b"\n")
    os.chown(lost, *daemon.owner)
    large = b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n" * 2 + (b"y" * 70 + b"\r\n") * 30
    replies = [to(daemon, user, large) for _ in range(5)]
    ok("452 4.2.2" in replies and replies[0] == "250 2.0.0", "a_full_mailbox_gets_452_R4")
    agree(daemon, user, "when_a_mailbox_is_full_after_a_crash")
    doveadm("quota", "recalc", "-u", user)
    agree(daemon, user, "after_a_count_by_dovecot")


def check_crash():
    """Kills a worker between its link and its line in maildirsize."""
    user = "max@good.test"
    scratch = Scratch()
    fifo = os.path.join(scratch.path, "fifo")
    os.mkfifo(fifo)
    os.chmod(fifo, 0o666)
    shimmed = shim.preload("t/e2e/fsync_shim.c", scratch, SHIM_HOLD="/max/new", SHIM_FIFO=fifo)
    with Handoffd({"quota.size": "10K", "quota.messages": 20, "spool.sync": "plain"},
                  scratch=scratch, environment=shimmed) as daemon:
        dovecot = start_dovecot(daemon, QUOTA)
        new = os.path.join(daemon.mailbox(user), "new")
        have_counted(daemon, user)
        with Lmtp(daemon.unix) as client:
            client.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{user}>", "DATA")
            client.send(stuffed(MESSAGE))
            wait_until(lambda: os.listdir(new))
            worker, = (each["pid"] for each in status(daemon)["workers"]
                       if each["state"] == "commit")
            os.kill(worker, signal.SIGKILL)
            daemon.wait_for("worker died")
        is_((stored(daemon, user)[1], summed(daemon, user)[1]), (1, 0),
            "a_crash_leaves_an_uncounted_message")
        goes_on = os.open(fifo, os.O_RDWR)
        os.write(goes_on, b"x" * 1000)
        is_(to(daemon, user), "250 2.0.0", "the_retry_of_an_uncounted_message_gets_250")
        have_counted(daemon, user)
        is_(stored(daemon, user)[1], 1, "the_retry_of_an_uncounted_message_is_not_stored_again_L12")
        agree(daemon, user, "after_a_crash_and_the_retry")
        os.close(goes_on)
        dovecot.stop()


def check_announced_size(daemon):
    user = "lee@good.test"
    have = os.path.join(daemon.mailbox(user), "new", "1.x,S=9000")
    with open(have, "wb") as file:
        file.write(b"x" * 9000)
    os.chown(have, *daemon.owner)
    have_counted(daemon, user)
    with Lmtp(daemon.unix) as client:
        replies = client.session("LHLO client.test", "MAIL FROM:<> SIZE=2000", f"RCPT TO:<{user}>",
                                 f"VRFY <{user}>", "RSET", "MAIL FROM:<>", f"RCPT TO:<{user}>")
        is_([f"{reply.code} {reply.enhanced}" for reply in (replies[2], replies[3], replies[6])],
            ["452 4.2.2", "250 2.1.5", "250 2.1.5"],
            "a_declared_size_is_refused_at_rcpt_only_if_it_does_not_fit_R4")


def check_both_at_once(daemon):
    user = "kim@good.test"
    daemon.mailbox(user)
    have_counted(daemon, user)
    for _ in range(2):
        to(daemon, user)
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(to(daemon, user))) for _ in range(6)]
    threads += [threading.Thread(target=doveadm, args=("save", "-u", user),
                                 kwargs={"content": MESSAGE}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    is_(replies, ["250 2.0.0"] * 6, "deliveries_at_the_same_time_as_dovecots_are_counted_R4")
    is_(stored(daemon, user)[1], 12, "all_messages_delivered_by_handoff_and_dovecot_are_present_R4")
    agree(daemon, user, "after_both_delivered_at_once")


def check_folders(daemon, encoding):
    user = "sam@good.test"
    path = daemon.mailbox(user)
    names = ["lists.c++", "R&D", "Entwürfe", "日本語.台北"]
    with Lmtp(daemon.unix) as client:
        client.command("LHLO client.test")
        for name in names:
            client.command("MAIL FROM:<> SMTPUTF8")
            client.command(f"RCPT TO:<sam+{name}@good.test>".encode())
            client.command("DATA")
            client.send(stuffed(b"Subject: in a folder\r\n\r\nhello\r\n"))
            client.reply()
    listed = doveadm("mailbox", "list", "-u", user).splitlines()
    empty((name for name in names if name not in listed),
          f"dovecot_lists_the_folders_in_{encoding}_R3")
    subscribed = doveadm("mailbox", "list", "-s", "-u", user).splitlines()
    is_(sorted(subscribed), sorted(names), f"the_owner_is_subscribed_to_the_folders_in_{encoding}_R3")
    subjects = [doveadm("-f", "tab", "fetch", "-u", user, "hdr.subject", "mailbox", name, "ALL")
                .splitlines()[1:] for name in names]
    is_(subjects, [["in a folder"]] * len(names), f"dovecot_reads_messages_in_the_folders_in_{encoding}_R3")
    # Vice versa: handoffd finds a folder that Dovecot created, and extends Dovecot's list of
    # subscriptions.
    doveadm("mailbox", "create", "-s", "-u", user, "Größe")
    deliver(daemon.unix, "", ["sam+later@good.test"], MESSAGE)
    with Lmtp(daemon.unix) as client:
        client.session("LHLO client.test", "MAIL FROM:<> SMTPUTF8")
        client.command("RCPT TO:<sam+Größe@good.test>".encode())
        client.command("DATA")
        client.send(stuffed(MESSAGE))
        client.reply()
    found = doveadm("-f", "tab", "fetch", "-u", user, "hdr.subject", "mailbox", "Größe", "ALL")
    is_(found.splitlines()[1:], ["hello"], f"a_folder_that_dovecot_created_is_found_in_{encoding}_R3")
    subscribed = doveadm("mailbox", "list", "-s", "-u", user).splitlines()
    is_(sorted(subscribed), sorted(names + ["Größe", "later"]),
        f"handoff_and_dovecot_share_the_list_of_subscriptions_in_{encoding}_R3")

    chance = random.Random(3)
    before = sorted(os.listdir(daemon.spool)), sorted(os.listdir(os.path.dirname(path)))
    codes = set()
    for _ in range(60):
        detail = "".join(chance.choice("./~&%*ab\\ \"INBOX@") for _ in range(chance.randint(1, 9)))
        quoted = detail.replace("\\", "\\\\").replace('"', '\\"')
        codes.add(to(daemon, f'"sam+{quoted}"@good.test'))
    is_(codes, {"250 2.0.0"}, f"a_message_with_any_detail_is_delivered_in_{encoding}_R2_R3")
    is_((sorted(os.listdir(daemon.spool)), sorted(os.listdir(os.path.dirname(path)))), before,
        f"a_detail_cannot_leave_the_mailbox_in_{encoding}_R2_R3")
    known = re.compile(r"tmp|new|cur|subscriptions|maildir.*|dovecot.*|\.[^./][^/]*")
    empty((name for name in os.listdir(path) if not known.fullmatch(name)),
          f"a_detail_can_only_name_a_folder_in_{encoding}_R2_R3")


with Handoffd({"quota.size": "10K", "quota.messages": 20}) as daemon:
    dovecot = start_dovecot(daemon, QUOTA)
    check_quota(daemon)
    check_announced_size(daemon)
    check_both_at_once(daemon)
    dovecot.stop()
check_crash()
with Handoffd({"quota.size": "1K", "quota.over": "bounce"}) as daemon:
    daemon.mailbox("pat@good.test")
    have_counted(daemon, "pat@good.test")
    replies = [to(daemon, "pat@good.test", MESSAGE + b"x" * 70 + b"\r\n") for _ in range(9)]
    ok("552 5.2.2" in replies, "a_full_mailbox_gets_552_if_so_configured_R4")
for encoding, location in ("utf-7", ""), ("utf-8", ":UTF-8"):
    with Handoffd({"recipients.create-folders": "yes", "spool.folder-encoding": encoding}) as daemon:
        dovecot = start_dovecot(daemon, QUOTA, location)
        check_folders(daemon, encoding)
        empty((line for line in dovecot.log if re.search(r"Error|Warning|Fatal|Panic", line)),
              f"dovecot_logs_no_error_in_{encoding}")
        dovecot.stop()

done()
