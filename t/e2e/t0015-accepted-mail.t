#!/usr/bin/env python3
"""The queue manager has accepted the message, so it is not refused because of its sender, the form
of its recipients or its history."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import Handoffd, program
from lmtp import Lmtp, deliver
from tap import done, empty, is_, ok

PAT = "pat@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
HEX = "0123456789abcdef" * 4

# A sender, and its Return-Path: (None: refused with 501 5.1.7).
SENDERS = [
    ("a..b@example.net", '"a..b"@example.net'),
    ("a.@example.net", '"a."@example.net'),
    (".a@example.net", '".a"@example.net'),
    ("a b@example.net", '"a b"@example.net'),
    ("a@b@example.net", '"a@b"@example.net'),
    ("a@host-.example", "a@host-.example"),
    ("a@x..example", "a@x..example"),
    ("a@[192.0.2.256]", "a@[192.0.2.256]"),
    ("x" * 300 + "@example.net", "x" * 300 + "@example.net"),
    ("p\u00e4t@example.net", "p\u00e4t@example.net"),
    ("MAILER-DAEMON", "MAILER-DAEMON"),
    ("x" * 2000 + "@example.net", ""),
    ("a@<b", ""),
    ("a\tb@example.net", None),
    ("a\x01b@example.net", None),
]


def handoffctl(daemon, *arguments):
    return subprocess.run([program("HANDOFFCTL"), "-c", daemon.path, "deliver", *arguments],
                          input=MESSAGE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)


def last_header(daemon, address):
    return daemon.messages(address)[-1].decode().split("\n\n")[0].splitlines()


with Handoffd({"log.format": "json"}) as daemon:
    daemon.mailbox(PAT)
    for given, expected in SENDERS:
        before = len(daemon.messages(PAT))
        with Lmtp(daemon.unix) as client:
            client.session("LHLO client.test")
            client.send(f"MAIL FROM:<{given}> BODY=8BITMIME\r\n".encode())
            reply = client.reply()
            shown = ascii(given[:40])
            if expected is None:
                is_((reply.code, reply.enhanced), (501, "5.1.7"), f"{shown}_is_refused_S3")
                continue
            is_(reply.code, 250, f"{shown}_is_accepted_S3")
            client.session(f"RCPT TO:<{PAT}>", "DATA")
            client.send(MESSAGE + b".\r\n")
            is_(client.reply().code, 250, f"a_message_with_an_accepted_sender_is_delivered_S3")
        is_(len(daemon.messages(PAT)), before + 1, "once")
        is_(last_header(daemon, PAT)[0], f"Return-Path: <{expected}>", f"the_return_path_is_the_accepted_sender_S9")

    # handoffctl takes the same senders.
    for given, expected in SENDERS:
        result = handoffctl(daemon, "--from", given, PAT)
        if expected is None:
            is_(result.returncode, 64, f"handoffctl_refuses_{ascii(given[:40])}")
        else:
            is_(result.returncode, 0, f"handoffctl_accepts_{ascii(given[:40])}")
            is_(last_header(daemon, PAT)[0], f"Return-Path: <{expected}>", "the_return_path_is_the_sender_given_to_handoffctl")

    # A log line and a reply name the address that was refused.
    since = len(daemon.log)
    with Lmtp(daemon.unix) as client:
        client.session("LHLO client.test")
        is_(str(client.command("MAIL FROM:kim@good.test")),
            "501 5.1.7 bad sender address: kim@good.test", "a_refusal_names_the_sender_S3")
        client.command("MAIL FROM:<>")
        is_(str(client.command("RCPT TO:<k im@good.test>")),
            "501 5.1.3 bad recipient address: <k im@good.test>",
            "a_refusal_names_the_recipient_S3")
        reply = client.command("VRFY k im@good.test")
        is_(str(reply), "501 5.1.3 bad recipient address: k im@good.test",
            "a_reply_to_vrfy_shows_its_own_argument_S6")
        client.send(b"VRFY <\xc2\x85@good.test>\r\n")
        is_(client.reply().code, 553, "vrfy_beyond_ascii_needs_smtputf8_X7")
    for field in ('"from":"kim@good.test"', '"to":"<k im@good.test>"', '"to":"k"',
                  '"to":"<\\u0085@good.test>"'):
        ok(field in daemon.wait_for("command refused.*" + re.escape(field), since),
           f"the_log_names_the_address_{field}")

    # --- Recipients.
    for user in ("pat.", "a..b", ".pat"):
        daemon.mailbox(f"{user}@good.test") if not user.startswith(".") else None
    sub = deliver(daemon.unix, "", [f"pat+confirm+{HEX}@good.test", "pat.@good.test",
                                    "a..b@good.test"], MESSAGE)
    is_([each.code for each in sub.final.values()], [250, 250, 250],
        "addresses_with_long_details_or_stray_dots_are_looked_up_R1")
    is_([len(daemon.messages(f"{user}@good.test")) for user in ("pat.", "a..b")], [1, 1],
        "addresses_with_stray_dots_have_mailboxes_of_their_own")
    with Lmtp(daemon.unix) as client:
        client.session("LHLO client.test", "MAIL FROM:<>")
        for local in ("x" * 65, "x" * 255, "x" * 256, "x" * 1000, "..", ".", ".pat", ".handoff",
                      '"../pat"', '"a/b"', "..a"):
            reply = client.command(f"RCPT TO:<{local}@good.test>")
            is_((reply.code, reply.enhanced), (550, "5.1.1"),
                f"a_local_part_that_cannot_be_a_mailbox_is_unknown_R1_R2:_{local[:12]}")
        is_(client.command("RCPT TO:<" + "x" * 300 + "@good.test>").code, 550, "a_local_part_of_300_octets_is_unknown")
    empty([line for line in daemon.log if '"level":"error"' in line], "unknown_local_parts_are_not_logged_as_errors")

    # --- A message that was resent to its own mailbox.
    once = daemon.messages(PAT)[-1].replace(b"\n", b"\r\n")
    for number in range(2):
        again = deliver(daemon.unix, "pat@good.test", [PAT], b"Resent-To: pat\r\n" + once)
        is_(again.final[PAT].code, 250, f"a_resent_message_is_delivered_S10_{number}")
        once = daemon.messages(PAT)[-1].replace(b"\n", b"\r\n")
    codes = []
    for _ in range(10):
        once = daemon.messages(PAT)[-1].replace(b"\n", b"\r\n")
        codes.append(deliver(daemon.unix, "", [PAT], once).final[PAT].code)
        if codes[-1] != 250:
            break
    is_(codes[-1], 554, "a_message_that_loops_is_refused_in_the_end_S10")

    # --- Content without a header.
    subprocess.run([program("HANDOFFCTL"), "-c", daemon.path, "deliver", PAT], input=b"hello\n",
                   stderr=subprocess.DEVNULL, check=True)
    header, _, body = daemon.messages(PAT)[-1].partition(b"\n\n")
    is_(body, b"hello\n", "a_blank_line_precedes_content_without_a_header_S9")
    ok(header.startswith(b"Return-Path: "), "the_trace_header_precedes_content_without_a_header_S9")

with Handoffd({"protocol.max-delivered-to": 0, "spool.delivered-to": "never"}) as daemon:
    daemon.mailbox(PAT)
    looping = b"Delivered-To: pat@good.test\r\n" * 50 + MESSAGE
    is_(deliver(daemon.unix, "", [PAT], looping).final[PAT].code, 250,
        "the_limit_on_delivered_to_lines_can_be_disabled_S10")

with Handoffd({"protocol.lenient-addresses": "yes"}) as daemon:
    daemon.mailbox(PAT)
    with Lmtp(daemon.unix) as client:
        replies = client.session("LHLO client.test", "MAIL FROM: \t a@b SIZE=10", f"RCPT TO:{PAT}",
                                 f"RCPT TO:   <{PAT}>", "DATA")
        is_([each.code for each in replies[1:]], [250, 250, 250, 354],
            "addresses_without_brackets_or_after_blanks_can_be_allowed_S3")
        client.send(MESSAGE + b".\r\n")
        is_([each.code for each in client.replies(2)], [250, 250], "mail_to_addresses_without_brackets_is_delivered")

done()
