#!/usr/bin/env python3
"""Python's smtplib.LMTP delivers messages through both kinds of socket."""
import os
import smtplib
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
from handoffd import Handoffd
from tap import done, is_, ok

USERS = [f"user{number}@good.test" for number in range(5)]
UNKNOWN = "nobody-here@good.test"

BODIES = {
    "plain": b"Hello.\r\n",
    "empty": b"",
    "dots": b".\r\n..\r\n...\r\n.leading\r\nin.the.middle\r\nlast\r\n.\r\n",
    "8_bit": "Grüße aus Köln, 日本語\r\n".encode() + bytes(range(0x80, 0x100)) + b"\r\n",
    "a_line_of_998_octets": b"x" * 998 + b"\r\n",
    "a_line_of_100000_octets": b"y" * 100000 + b"\r\n",
    "controls_and_tabs": bytes(octet for octet in range(1, 32) if octet not in b"\r\n") + b"\r\n",
    "half_a_megabyte": b"".join(b"%06d 0123456789abcdef\r\n" % line for line in range(20000)),
}


def client_for(address):
    kind, _, where = address.partition(":")
    if kind == "unix":
        return smtplib.LMTP(where)
    host, _, port = where.rpartition(":")
    return smtplib.LMTP(host, int(port))


def send(client, recipients, message):
    """Sends; returns {refused recipient: code} and the final replies' codes. smtplib reads one
    reply after the data, as for SMTP; RFC 2033 4.2 sends one for each accepted recipient."""
    refused = client.sendmail("sender@client.test", recipients, message,
                              mail_options=["BODY=8BITMIME"])
    more = len(recipients) - len(refused) - 1
    return ({who: reply[0] for who, reply in refused.items()},
            [250] + [client.getreply()[0] for _ in range(more)])


def found(daemon, user, first):
    """Returns the messages of a mailbox that have the line `first`, from that line on."""
    texts = (maildir.without_trace(octets, first) for octets in daemon.messages(user))
    return [text for text in texts if text is not None]


def check(daemon, kind, address, newline):
    for title, body in BODIES.items():
        first = f"X-Test: {kind} {title}".encode()
        message = first + b"\r\nFrom: <sender@client.test>\r\n\r\n" + body
        with client_for(address) as client:
            refused, final = send(client, USERS + [UNKNOWN], message)
        sentence = f"{title}_over_{kind}"
        is_(refused, {UNKNOWN: 550}, f"{sentence}_is_refused_only_for_the_unknown_recipient")
        is_(final, [250] * len(USERS), f"{sentence}_is_accepted_for_each_other_recipient")
        want = message.replace(b"\r\n", newline)
        is_([found(daemon, user, first) == [want] for user in USERS], [True] * len(USERS),
            f"{sentence}_is_stored_once_and_unchanged_in_each_mailbox")

    with client_for(address) as client:
        code, _ = client.ehlo("client.test")
        is_(code, 250, f"lhlo_over_{kind}_gets_250")
        for extension in ("pipelining", "8bitmime", "size", "enhancedstatuscodes"):
            ok(client.has_extn(extension), f"{extension}_is_announced_over_{kind}")
        try:
            client.sendmail("", [UNKNOWN], b"Subject: none\r\n\r\n")
            refused = None
        except smtplib.SMTPRecipientsRefused as refusal:
            refused = list(refusal.recipients)
        is_(refused, [UNKNOWN], f"a_message_to_unknown_recipients_only_is_refused_over_{kind}")

        first = f"X-Test: {kind} again".encode()
        for _ in range(3):
            client.sendmail("", USERS[:1], first + b"\r\n\r\n")
        is_(len(found(daemon, USERS[0], first)), 3,
            f"three_transactions_in_one_session_over_{kind}_deliver_three_messages")
        is_(client.noop()[0], 250, f"the_session_over_{kind}_continues_afterwards")


for newline_name, newline in (("lf", b"\n"), ("crlf", b"\r\n")):
    with Handoffd({"spool.newline": newline_name}, tcp=True) as daemon:
        for user in USERS:
            daemon.mailbox(user)
        check(daemon, f"unix_with_{newline_name}", daemon.unix, newline)
        check(daemon, f"tcp_with_{newline_name}", daemon.tcp, newline)
        is_([maildir.leftovers(daemon.mailbox_path(user)) for user in USERS], [[]] * len(USERS),
            f"nothing_stays_in_tmp_with_{newline_name}")
        is_(daemon.staged(), [], f"nothing_stays_in_staging_with_{newline_name}")
        is_(daemon.stop(), 0, f"the_server_exits_with_0_with_{newline_name}")

done()
