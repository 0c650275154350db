#!/usr/bin/env python3
"""Courier and handoffd keep one maildirsize; Courier's imapd reads what was delivered, and lists and
subscribes the folders that +detail has made."""
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
    """What lies in the mailbox and its folders: (octets, messages)."""
    path = daemon.mailbox_path(user)
    folders = [path] + [each.path for each in os.scandir(path) if each.name.startswith(".")]
    sizes = [os.path.getsize(name) for folder in folders for name in maildir.files(folder)]
    return sum(sizes), len(sizes)


def agree(daemon, user, when):
    """A count of ours goes on beside the worker where it takes long."""
    end = time.monotonic() + 30
    while summed(daemon, user) != stored(daemon, user) and time.monotonic() < end:
        select.select([], [], [], 0.05)
    octets, count = stored(daemon, user)
    is_(summed(daemon, user), (octets, count), f"maildirsize_has_what_is_there_{when}_R4")
    with courier.imap(daemon, daemon.mailbox_path(user)) as client:
        said = courier.quota(client)
    ok(said[1] == count and said[0] in (octets // 1024, -(-octets // 1024)),
       f"courier_agrees_{when}_R4")


def check_quota(daemon):
    user = "pat@good.test"
    path = daemon.mailbox(user)
    courier.set_quota(daemon, path, LIMITS)
    before = lines_of(daemon, user)
    is_([to(daemon, user) for _ in range(3)], ["250 2.0.0"] * 3, "a_mailbox_takes_mail_R4")
    is_(lines_of(daemon, user)[:len(before)], before, "couriers_file_is_gone_on_with_R4")
    agree(daemon, user, "after_deliveries")
    before = lines_of(daemon, user)
    is_(courier.deliver(daemon, path, BY_COURIER), "", "courier_delivers_beside_us")
    is_(lines_of(daemon, user)[:len(before)], before, "courier_goes_on_with_our_file_R4")
    agree(daemon, user, "after_couriers_delivery")
    with courier.imap(daemon, path) as client:
        is_(sorted(courier.subjects(client, "INBOX")), ["from Courier"] + ["hello"] * 3,
            "courier_reads_what_both_delivered_R6")
        client.select("INBOX")
        client.store("1:2", "+FLAGS", "(\\Deleted)")
        client.expunge()
    is_(stored(daemon, user)[1], 2, "courier_expunges_two")
    agree(daemon, user, "after_an_expunge")
    to(daemon, user)
    agree(daemon, user, "after_an_expunge_and_a_delivery")
    courier.set_quota(daemon, path, LIMITS)
    agree(daemon, user, "when_courier_has_counted")


def check_full(daemon):
    """Who fills the mailbox and who is refused, each way round."""
    for user, fill in (("lee@good.test", to), ("kim@good.test", None)):
        path = daemon.mailbox(user)
        courier.set_quota(daemon, path, LIMITS)
        who = "we_have" if fill else "courier_has"
        for _ in range(MESSAGES):
            if fill:
                fill(daemon, user)
            else:
                courier.deliver(daemon, path, BY_COURIER)
        is_(stored(daemon, user)[1], MESSAGES, f"a_mailbox_takes_what_it_may_when_{who}_filled_it")
        is_((to(daemon, user), courier.deliver(daemon, path, BY_COURIER)),
            ("452 4.2.2", courier.OVER_QUOTA), f"both_refuse_more_when_{who}_filled_it_R4")
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
        is_(courier.subscribed(client), all_of_them, "their_owner_is_subscribed_R3")
        is_([courier.subjects(client, name) for name in all_of_them],
            [["hello"]] * len(all_of_them), "courier_reads_them_and_its_own_was_found_R3")
    # By maildirfolder Courier knows a folder for one, whose mail counts in the mailbox around it.
    is_(courier.deliver(daemon, os.path.join(path, ".R&D"), BY_COURIER), "",
        "courier_delivers_to_a_folder_of_ours")
    is_(stored(daemon, user)[1], 6, "it_is_there")
    agree(daemon, user, "after_couriers_delivery_to_a_folder")


with Handoffd({"quota.size": str(SIZE), "quota.messages": MESSAGES,
               "recipients.create-folders": "yes", "spool.folder-encoding": "utf-8"}) as daemon:
    check_quota(daemon)
    check_full(daemon)
    check_folders(daemon)
done()
