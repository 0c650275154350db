#!/usr/bin/env python3
"""What the extensions come to on disk, in the log and in Received:, through a real daemon: X5 to X9,
X12, and XFORWARD and XCLIENT from peers that are trusted."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
from certificates import parts
from handoffd import Handoffd
from lmtp import Lmtp, stuffed
from tap import done, is_, ok

PAT = "pat@example.org"
BINARY = bytes(range(256)) + b"\n.\n\r.\r\r\n.\r\n\n\r" + bytes(range(255, -1, -1))


def codes(replies):
    return [reply.code for reply in replies]


with Handoffd({"workers.max-transactions": 50, "session.max-recipients": 100, "trusted": "unix",
               "recipients.lookup": "any"}, tcp=True) as daemon:
    with Lmtp(daemon.unix) as client:
        offered = client.command("LHLO me").lines
        ok("LIMITS RCPTMAX=100 MAILMAX=50" in offered, "X9_limits_are_as_configured")
        ok("CHUNKING" in offered and "BINARYMIME" in offered, "X5_X6_both_are_offered")
        ok("RRVS" not in offered, "X12_rrvs_is_not_offered_where_no_lookup_knows_owners")
        ok("DSN" not in offered, "X8_dsn_is_not_offered_without_a_command")
        client.command("MAIL FROM:<>")
        is_(client.command(f"RCPT TO:<{PAT}> RRVS=2014-04-03T23:01:00Z").code, 555,
            "X12_rrvs_is_then_an_unknown_parameter")
        client.command("RSET")

        # Every octet, in chunks that cut CRLF and dots apart.
        client.session("MAIL FROM:<> BODY=BINARYMIME", f"RCPT TO:<{PAT}>", f"RCPT TO:<{PAT}>")
        is_(client.command("DATA").code, 503, "X6_data_is_no_way_for_binary_content")
        for at in range(0, len(BINARY), 50):
            chunk = BINARY[at:at + 50]
            client.send(b"BDAT %d\r\n" % len(chunk) + chunk)
            assert client.reply().code == 250
        client.send(b"BDAT 0 LAST\r\n")
        is_(codes(client.replies(2)), [250, 250], "X5_L7_last_has_a_reply_for_each_rcpt")
        [path] = maildir.files(daemon.mailbox_path(PAT))
        with open(path, "rb") as file:
            stored = file.read()
        ok(stored.endswith(b"\n" + BINARY), "X6_binary_content_is_stored_exactly")
        is_(stored.count(BINARY), 1, "X6_once")

        # Its octets would be commands.
        client.send(b"BDAT 12 LAST\r\nRSET\r\nQUIT\r\nNOOP\r\n")
        is_(codes(client.replies(2)), [503, 250], "X5_a_refused_chunk_is_swallowed")

        if "SMTPUTF8" in offered:
            client.session("MAIL FROM:<> SMTPUTF8",
                           *(f"RCPT TO:<{each}>" for each in (
                               "jörg@bücher.example", "jo\u0308rg@xn--bcher-kva.example",
                               "JÖRG@BÜCHER.example")), "DATA")
            client.send(stuffed(b"Subject: one\r\n\r\n"))
            is_(codes(client.replies(3)), [250] * 3, "X7_L4_three_spellings_have_three_replies")
            [message] = daemon.messages("jörg@xn--bcher-kva.example")
            ok(b" with UTF8LMTP id " in message, "X7_they_meet_in_one_mailbox_with_one_copy")
            is_(client.command("MAIL FROM:<jörg@example.org>").code, 553,
                "X7_without_the_parameter_it_is_553")
        is_("SMTPUTF8" in offered, "idn" in parts(), "X7_smtputf8_is_offered_where_it_is_built_in")

        before = len(daemon.log)
        client.session("XFORWARD NAME=mx.example.net ADDR=192.0.2.77 HELO=there IDENT=QUEUE77",
                       "MAIL FROM:<>", f"RCPT TO:<{PAT}> ORCPT=rfc822;old+2Bname@example.org", "DATA")
        client.send(stuffed(b"Subject: forwarded\r\n\r\n"))
        is_(client.reply().code, 250, "S9_a_forwarded_message_is_delivered")
        [message] = [each for each in daemon.messages(PAT) if b"forwarded" in each]
        ok(b"Received: from there (mx.example.net [192.0.2.77])\n" in message,
           "S9_received_has_the_client_that_xforward_named")
        ok(b"X-Original-To: old+name@example.org\n" in message, "X8_orcpt_is_x_original_to")
        line = daemon.wait_for("delivered ", before)
        ok("queue_id=QUEUE77" in line and "192.0.2.77" in line, "S9_the_log_has_it_too")

    with Lmtp(daemon.tcp) as client:
        offered = " ".join(client.command("LHLO me").lines)
        ok("XFORWARD" not in offered and "XCLIENT" not in offered, "L11_others_are_not_told")
        is_(codes([client.command("XFORWARD NAME=x"), client.command("XCLIENT NAME=x")]),
            [550, 550], "L11_and_are_refused")
        client.command("MAIL FROM:<>")
        is_(client.command(f"RCPT TO:<{PAT}> ORCPT=rfc822;a@example.org").code, 555,
            "X8_nor_is_their_orcpt_taken")


# Whom `trusted` names by address, and whom it does not.
for network, trusts in (("127.0.0.0/8", True), ("192.0.2.0/24", False)):
    who = "who_is_trusted" if trusts else "a_stranger"
    with Handoffd({"trusted": network, "recipients.lookup": "any"}, tcp=True) as daemon, \
            Lmtp(daemon.tcp) as client:
        is_(any(line.startswith("XCLIENT ") for line in client.command("LHLO me").lines), trusts,
            f"S9_{who}_is_offered_as_much")
        is_(client.command("XCLIENT ADDR=192.0.2.9 HELO=far.example").code,
            220 if trusts else 550, f"S9_{who}_names_its_client_or_not")
        client.session("LHLO me", "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
        client.send(stuffed(b"Subject: x\r\n\r\n"))
        is_(client.reply().code, 250, f"S9_{who}_delivers")
        is_("orig_client=[192.0.2.9]" in daemon.wait_for(r"delivered "), trusts,
            f"S9_the_log_has_the_client_of_{who}_or_not")
        is_(b"from far.example ([192.0.2.9])" in daemon.messages(PAT)[0], trusts,
            f"S9_Received_too_of_{who}")
done()
