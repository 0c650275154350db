#!/usr/bin/env python3
"""The effect of the extensions on disk, in the log and in Received:, with a real daemon: X5 to X9,
X12, and XFORWARD and XCLIENT from trusted peers."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import parts
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
        ok("CHUNKING" in offered and "BINARYMIME" in offered, "X5_X6_chunking_and_binarymime_are_offered")
        ok("RRVS" not in offered, "X12_rrvs_is_not_offered_if_no_lookup_returns_owners")
        ok("DSN" not in offered, "X8_dsn_is_not_offered_without_a_command")
        client.command("MAIL FROM:<>")
        is_(client.command(f"RCPT TO:<{PAT}> RRVS=2014-04-03T23:01:00Z").code, 555,
            "X12_without_an_offer_rrvs_is_an_unknown_parameter")
        client.command("RSET")

        # Every octet value, in chunks that split CRLF and dots.
        client.session("MAIL FROM:<> BODY=BINARYMIME", f"RCPT TO:<{PAT}>", f"RCPT TO:<{PAT}>")
        is_(client.command("DATA").code, 503, "X6_data_after_body_binarymime_gets_503")
        for at in range(0, len(BINARY), 50):
            chunk = BINARY[at:at + 50]
            client.send(b"BDAT %d\r\n" % len(chunk) + chunk)
            assert client.reply().code == 250
        client.send(b"BDAT 0 LAST\r\n")
        is_(codes(client.replies(2)), [250, 250], "X5_L7_bdat_last_has_a_reply_for_each_rcpt")
        [path] = maildir.files(daemon.mailbox_path(PAT))
        with open(path, "rb") as file:
            stored = file.read()
        ok(stored.endswith(b"\n" + BINARY), "X6_binary_content_is_stored_exactly")
        is_(stored.count(BINARY), 1, "X6_binary_content_is_stored_once")

        # The octets of the chunk look like commands.
        client.send(b"BDAT 12 LAST\r\nRSET\r\nQUIT\r\nNOOP\r\n")
        is_(codes(client.replies(2)), [503, 250], "X5_the_octets_of_a_refused_chunk_are_discarded")

        if "SMTPUTF8" in offered:
            client.session("MAIL FROM:<> SMTPUTF8",
                           *(f"RCPT TO:<{each}>" for each in (
                               "jörg@bücher.example", "jo\u0308rg@xn--bcher-kva.example",
                               "JÖRG@BÜCHER.example")), "DATA")
            client.send(stuffed(b"Subject: one\r\n\r\n"))
            is_(codes(client.replies(3)), [250] * 3, "X7_L4_three_spellings_of_an_address_get_three_replies")
            [message] = daemon.messages("jörg@xn--bcher-kva.example")
            ok(b" with UTF8LMTP id " in message, "X7_three_spellings_of_an_address_get_one_copy")
            client.command("MAIL FROM:<jörg@example.org>")
            is_(client.command("RCPT TO:<jörg@bücher.example>").code, 250,
                "X7_without_smtputf8_a_recipient_beyond_ascii_is_looked_up")
            client.command("RSET")
        is_("SMTPUTF8" in offered, parts.has("idn"), "X7_smtputf8_is_offered_if_it_is_built_in")

        before = len(daemon.log)
        client.session("XFORWARD NAME=mx.example.net ADDR=192.0.2.77 HELO=there IDENT=QUEUE77",
                       "MAIL FROM:<>", f"RCPT TO:<{PAT}> ORCPT=rfc822;old+2Bname@example.org", "DATA")
        client.send(stuffed(b"Subject: forwarded\r\n\r\n"))
        is_(client.reply().code, 250, "S9_a_forwarded_message_is_delivered")
        [message] = [each for each in daemon.messages(PAT) if b"forwarded" in each]
        ok(b"Received: from there (mx.example.net [192.0.2.77])\n" in message,
           "S9_received_has_the_client_that_xforward_named")
        ok(b"X-Original-To: old+name@example.org\n" in message, "X8_orcpt_becomes_x_original_to")
        line = daemon.wait_for("delivered ", before)
        ok("queue_id=QUEUE77" in line and "192.0.2.77" in line, "S9_the_log_has_the_client_that_xforward_named")

    with Lmtp(daemon.tcp) as client:
        offered = " ".join(client.command("LHLO me").lines)
        ok("XFORWARD" not in offered and "XCLIENT" not in offered, "L11_xforward_and_xclient_are_not_offered_to_untrusted_peers")
        is_(codes([client.command("XFORWARD NAME=x"), client.command("XCLIENT NAME=x")]),
            [550, 550], "L11_xforward_and_xclient_of_untrusted_peers_get_550")
        client.command("MAIL FROM:<>")
        is_(client.command(f"RCPT TO:<{PAT}> ORCPT=rfc822;a@example.org").code, 555,
            "X8_orcpt_of_untrusted_peers_gets_555")


# A client whose address is in `trusted`, and one whose is not.
for network, trusts in (("127.0.0.0/8", True), ("192.0.2.0/24", False)):
    who = "trusted_peers" if trusts else "a_stranger"
    with Handoffd({"trusted": network, "recipients.lookup": "any"}, tcp=True) as daemon, \
            Lmtp(daemon.tcp) as client:
        is_(any(line.startswith("XCLIENT ") for line in client.command("LHLO me").lines), trusts,
            f"S9_xclient_is_offered_as_it_should_be_to_{who}")
        is_(client.command("XCLIENT ADDR=192.0.2.9 HELO=far.example").code,
            220 if trusts else 550, f"S9_xclient_is_answered_as_it_should_be_for_{who}")
        client.session("LHLO me", "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
        client.send(stuffed(b"Subject: x\r\n\r\n"))
        is_(client.reply().code, 250, f"S9_a_message_of_{who}_is_delivered")
        is_("orig_client=[192.0.2.9]" in daemon.wait_for(r"delivered "), trusts,
            f"S9_the_log_has_the_right_client_for_{who}")
        is_(b"from far.example ([192.0.2.9])" in daemon.messages(PAT)[0], trusts,
            f"S9_Received_has_the_right_client_for_{who}")
done()
