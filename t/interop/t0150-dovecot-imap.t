#!/usr/bin/env python3
"""Dovecot returns exactly the octets that handoffd delivered, uses the sizes in the file names, and
logs no errors about the mailboxes."""
import imaplib
import os
import random
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import peer
from dovecot import IMAP, start_dovecot
from handoffd import Handoffd, free_port
from lmtp import Lmtp, stuffed
from tap import done, empty, is_

peer.enter("dovecot")

OCTETS = bytes(octet for octet in range(1, 256) if octet not in b"\r\n")


def content(chance, number):
    """Returns a message with a header and a body with CRLF lines."""
    header = b"X-Number: %d\r\nFrom: <sender@client.test>\r\nSubject: " % number
    header += [b"plain", "ungekürzt".encode(), b"folded\r\n  and more", b"", b"\xff\xfe raw"][
        number % 5] + b"\r\n"
    bodies = [
        b"Hello.\r\n",
        b"",
        b".\r\n..\r\n.x\r\n.\r\n",
        "Grüße, 日本語\r\n".encode() * 20,
        OCTETS + b"\r\n" + OCTETS[::-1] + b"\r\n",
        b"a bare\rcarriage return\r\n",
        b"x" * chance.randint(999, 50000) + b"\r\n",
        b"\r\n" * chance.randint(1, 50),
        b"From here\r\n>From there\r\n",
        bytes(chance.choices(OCTETS, k=chance.randint(1, 20000))) + b"\r\n",
        b"".join(b"%d\r\n" % chance.getrandbits(200) for _ in range(chance.randint(1, 3000))),
    ]
    if number == 11:
        return header + b"\r\n" + b"".join(b"%014x\r\n" % line for line in range(65536))
    return header + b"\r\n" + bodies[number % len(bodies)]


def deliver_all(daemon, transactions):
    """Delivers (recipients, message) pairs in one session; all must be accepted."""
    with Lmtp(daemon.unix, timeout=30) as client:
        client.command("LHLO client.test")
        for recipients, message in transactions:
            replies = client.session("MAIL FROM:<sender@client.test>",
                                     *(f"RCPT TO:<{each}>" for each in recipients), "DATA")
            client.send(stuffed(message))
            replies += client.replies(len(recipients))
            bad = [str(reply) for reply in replies if reply.code not in (250, 354)]
            assert not bad, bad


def login(port, user):
    client = imaplib.IMAP4("127.0.0.1", port)
    client.login(user, "any")
    client.select("INBOX")
    return client


def fetch(client):
    """Returns {UID: (RFC822.SIZE, BODY[])}."""
    found = {}
    _, answers = client.uid("FETCH", "1:*", "(RFC822.SIZE BODY.PEEK[])")
    for answer in answers:
        if isinstance(answer, tuple):
            size = int(re.search(rb"RFC822\.SIZE (\d+)", answer[0])[1])
            found[int(re.search(rb"UID (\d+)", answer[0])[1])] = (size, answer[1])
    return found


def number_of(octets):
    return int(re.search(rb"^X-Number: (\d+)", octets, re.M)[1])


def check_mailbox(daemon, port, newline, user, messages):
    """Tests that Dovecot shows `messages` ({number: content}) in the mailbox of `user`."""
    path = daemon.mailbox_path(user)
    what = f'{user.partition("@")[0]}_with_{newline}'
    files = maildir.files(path)
    stored = {number_of(octets): octets for octets in maildir.messages(path)}
    is_((len(files), len(stored)), (len(messages), len(messages)), f"{what}_has_each_message_once")
    empty((name for name in files if maildir.size_in_name(name) != os.path.getsize(name)),
          f"the_file_names_of_{what}_contain_the_sizes")

    client = login(port, user)
    fetched = {number_of(octets): (size, octets) for size, octets in fetch(client).values()}
    client.logout()
    is_(set(fetched), set(messages), f"dovecot_sees_each_message_of_{what}")
    empty((number for number, (_, octets) in fetched.items()
           if not octets.endswith(b"\r\n" + messages[number])),
          f"dovecot_returns_from_{what}_what_was_delivered")
    on_wire = {number: octets.replace(b"\n", b"\r\n") if newline == "lf" else octets
               for number, octets in stored.items()}
    empty((number for number, (_, octets) in fetched.items() if octets != on_wire[number]),
          f"dovecot_returns_from_{what}_what_is_in_the_files")
    empty((number for number, (size, octets) in fetched.items() if size != len(octets)),
          f"dovecot_knows_the_sizes_in_{what}")

    is_(os.listdir(os.path.join(path, "new")), [], f"dovecot_has_moved_all_messages_of_{what}_from_new")
    is_(sorted(os.path.basename(name) for name in files),
        sorted(name.partition(":")[0] for name in os.listdir(os.path.join(path, "cur"))),
        f"the_messages_of_{what}_keep_their_names_in_cur")

    sizes = subprocess.run(
        ["doveadm", "-f", "tab", "fetch", "-u", user, "size.physical hdr.x-number", "ALL"],
        stdout=subprocess.PIPE, check=True).stdout.splitlines()[1:]
    is_({int(number): int(size) for size, number in (line.split(b"\t") for line in sizes)},
        {number: len(octets) for number, octets in stored.items()},
        f"doveadm_reports_the_sizes_of_the_files_in_{what}")


def check_dovecot_goes_on(daemon, port):
    """Messages arrive while Dovecot has the mailbox open, and flags affect one mailbox only."""
    users = ["busy1@good.test", "busy2@good.test"]
    for user in users:
        daemon.mailbox(user)
    first, second = (login(port, user) for user in users)
    deliver_all(daemon, [(users, content(random.Random(number), number)) for number in (1, 2)])
    for client in (first, second):
        client.noop()
    is_((len(fetch(first)), len(fetch(second))), (2, 2),
        "dovecot_shows_messages_that_arrive_in_an_open_mailbox")
    first.uid("STORE", "1", "+FLAGS", r"(\Seen \Deleted)")
    first.expunge()
    is_((len(fetch(first)), len(fetch(second))), (1, 2),
        "an_expunge_does_not_affect_the_mailbox_of_another_recipient")
    deliver_all(daemon, [(users[:1], content(random.Random(3), 3))])
    first.noop()
    is_(sorted(number_of(octets) for _, octets in fetch(first).values()), [2, 3],
        "dovecot_shows_a_message_that_arrives_after_an_expunge")
    for client in (first, second):
        client.logout()


for newline in ("lf", "crlf"):
    port = free_port()
    chance = random.Random(2033)
    messages = {number: content(chance, number) for number in range(120)}
    users = ["first@good.test", "second@good.test", "third@good.test"]
    with Handoffd({"spool.newline": newline, "protocol.bare-newlines": "keep"}) as daemon:
        for user in users:
            daemon.mailbox(user)
        # Messages to one, two and three users, to test files with several links.
        wanted = {user: {} for user in users}
        transactions = []
        for number, message in messages.items():
            recipients = users[:number % 3 + 1]
            transactions.append((recipients, message))
            for user in recipients:
                wanted[user][number] = message
        deliver_all(daemon, transactions)
        dovecot = start_dovecot(daemon, IMAP.replace("PORT", str(port)))
        for user in users:
            check_mailbox(daemon, port, newline, user, wanted[user])
        if newline == "lf":
            check_dovecot_goes_on(daemon, port)
        empty((line for line in dovecot.log if re.search(r"Error|Warning|Fatal|Panic", line)),
              f"dovecot_logs_no_error_with_{newline}")
        dovecot.stop()
        is_(daemon.staged(), [], f"nothing_stays_in_staging_with_{newline}")
        is_(daemon.stop(), 0, f"the_server_exits_with_0_with_{newline}")

done()
