#!/usr/bin/env python3
"""Courier and handoffd share maildirsize; Courier's imapd reads the messages, and lists and
subscribes the folders that +detail has created."""
import os
import select
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import courier
import maildir
import peer
from handoffd import Handoffd
from lmtp import Lmtp, stuffed
from maildirsize import MESSAGE, lines_of, summed, to
from tap import done, is_, ok

peer.enter("courier")

SIZE, MESSAGES = 10240, 20
LIMITS = f"{SIZE}S,{MESSAGES}C"
BY_COURIER = b"Subject: from Courier\n\nhello\n"


def stored(daemon, user):
    """Returns the contents of the mailbox and its folders: (octets, messages)."""
    path = daemon.mailbox_path(user)
    folders = [path] + [each.path for each in os.scandir(path) if each.name.startswith(".")]
    sizes = [os.path.getsize(name) for folder in folders for name in maildir.files(folder)]
    return sum(sizes), len(sizes)


def agree(daemon, user, when):
    """A long count by handoffd continues in a process beside the worker."""
    end = time.monotonic() + 30
    while summed(daemon, user) != stored(daemon, user) and time.monotonic() < end:
        select.select([], [], [], 0.05)
    octets, count = stored(daemon, user)
    is_(summed(daemon, user), (octets, count), f"maildirsize_equals_the_content_{when}_R4")
    with courier.imap(daemon, daemon.mailbox_path(user)) as client:
        said = courier.quota(client)
    ok(said[1] == count and said[0] in (octets // 1024, -(-octets // 1024)),
       f"courier_reports_the_same_usage_{when}_R4")


def check_quota(daemon):
    user = "pat@good.test"
    path = daemon.mailbox(user)
    courier.set_quota(daemon, path, LIMITS)
    before = lines_of(daemon, user)
    is_([to(daemon, user) for _ in range(3)], ["250 2.0.0"] * 3, "a_mailbox_accepts_mail_R4")
    is_(lines_of(daemon, user)[:len(before)], before, "handoff_appends_to_the_maildirsize_of_courier_R4")
    agree(daemon, user, "after_deliveries")
    before = lines_of(daemon, user)
    is_(courier.deliver(daemon, path, BY_COURIER), "", "courier_delivers_to_the_same_mailbox")
    is_(lines_of(daemon, user)[:len(before)], before, "courier_appends_to_the_maildirsize_of_handoff_R4")
    agree(daemon, user, "after_couriers_delivery")
    with courier.imap(daemon, path) as client:
        is_(sorted(courier.subjects(client, "INBOX")), ["from Courier"] + ["hello"] * 3,
            "courier_reads_the_messages_of_both_R6")
        client.select("INBOX")
        client.store("1:2", "+FLAGS", "(\\Deleted)")
        client.expunge()
    is_(stored(daemon, user)[1], 2, "courier_expunges_two_messages")
    agree(daemon, user, "after_an_expunge")
    to(daemon, user)
    agree(daemon, user, "after_an_expunge_and_a_delivery")
    courier.set_quota(daemon, path, LIMITS)
    agree(daemon, user, "after_a_count_by_courier")


def check_full(daemon):
    """One program fills the mailbox and the other refuses mail, and vice versa."""
    for user, fill in (("lee@good.test", to), ("kim@good.test", None)):
        path = daemon.mailbox(user)
        courier.set_quota(daemon, path, LIMITS)
        who = "we_have" if fill else "courier_has"
        for _ in range(MESSAGES):
            if fill:
                fill(daemon, user)
            else:
                courier.deliver(daemon, path, BY_COURIER)
        is_(stored(daemon, user)[1], MESSAGES, f"a_mailbox_that_{who}_filled_has_as_many_messages_as_allowed")
        is_((to(daemon, user), courier.deliver(daemon, path, BY_COURIER)),
            ("452 4.2.2", courier.OVER_QUOTA), f"handoff_and_courier_refuse_mail_to_a_mailbox_that_{who}_filled_R4")
        agree(daemon, user, f"when_{who}_filled_it")


def send(daemon, names):
    with Lmtp(daemon.unix) as client:
        client.command("LHLO client.test")
        for name in names:
            client.command("MAIL FROM:<> SMTPUTF8")
            client.command(f"RCPT TO:<sam+{name}@good.test>".encode())
            client.command("DATA")
            client.send(stuffed(MESSAGE))
            client.reply()


def check_folders(daemon):
    user = "sam@good.test"
    path = daemon.mailbox(user)
    courier.set_quota(daemon, path, LIMITS)
    with courier.imap(daemon, path) as client:
        client.create(courier.quoted("INBOX.Größe"))
        client.subscribe(courier.quoted("INBOX.Größe"))
    names = ["lists.c++", "R&D", "Entwürfe", "日本語.台北"]
    send(daemon, [*names, "Größe"])
    all_of_them = sorted(f"INBOX.{name}" for name in [*names, "Größe"])
    with courier.imap(daemon, path) as client:
        is_(courier.folders(client), all_of_them, "courier_lists_the_folders_R3")
        is_(courier.subscribed(client), all_of_them, "the_owner_is_subscribed_to_the_folders_R3")
        is_([courier.subjects(client, name) for name in all_of_them],
            [["hello"]] * len(all_of_them), "courier_reads_our_folders_and_we_find_its_folder_R3")
    # The file maildirfolder tells Courier that a directory is a folder, whose mail counts in the
    # mailbox.
    is_(courier.deliver(daemon, os.path.join(path, ".R&D"), BY_COURIER), "",
        "courier_delivers_to_a_folder_that_handoff_created")
    is_(stored(daemon, user)[1], 6, "the_message_of_courier_is_in_the_folder")
    agree(daemon, user, "after_couriers_delivery_to_a_folder")


with Handoffd({"quota.size": str(SIZE), "quota.messages": MESSAGES,
               "recipients.create-folders": "yes", "spool.folder-encoding": "utf-8"}) as daemon:
    check_quota(daemon)
    check_full(daemon)
    check_folders(daemon)
done()
