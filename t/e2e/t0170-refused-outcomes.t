#!/usr/bin/env python3
"""Whoever gets nothing of a message that was received has a line in the log and a place in the
metrics, as those who get it have."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import Handoffd
from lmtp import Lmtp, deliver
from tap import done, is_, ok

PAT, KIM = "pat@good.test", "kim@good.test"
LINE = "0123456789" * 7 + "\r\n"


def outcomes(daemon, begin):
    """Returns {recipient: (outcome, code)} of the log behind `begin`, once each has its line."""
    found = {}
    for each in (PAT, KIM):
        pattern = rf"\b(delivered|refused|deferred)\b.*\bto=<{each}>.*\bcode=(\d+)"
        match = re.search(pattern, daemon.wait_for(pattern, begin))
        found[each] = (match[1], int(match[2]))
    return found


MESSAGES = {
    "too_many_hops": ("Received: x\r\n" * 101 + "\r\n", 554),
    "too_large": ("A: b\r\n\r\n" + LINE * 300, 552),
    "a_bare_newline": ("A: b\r\n\r\nfoo\nbar\r\n", 550),
}
with Handoffd({"protocol.bare-newlines": "reject", "session.max-message-size": "20000",
               "session.max-recipients": "100"}) as daemon:
    for address in (PAT, KIM):
        daemon.mailbox(address)
    for name, (message, code) in MESSAGES.items():
        begin = len(daemon.log)
        final = deliver(daemon.unix, "a@x.test", [PAT, KIM], message.encode()).final
        is_({each: reply.code for each, reply in final.items()}, {PAT: code, KIM: code},
            f"{name}_is_refused_for_each")
        is_(outcomes(daemon, begin), {PAT: ("refused", code), KIM: ("refused", code)},
            f"{name}_has_a_line_for_each")

    begin = len(daemon.log)
    deliver(daemon.unix, "a@x.test", [PAT, KIM],
            f"Delivered-To: {PAT}\r\nMessage-ID: <loop@x.test>\r\n\r\nhello\r\n".encode())
    is_(outcomes(daemon, begin), {PAT: ("refused", 554), KIM: ("delivered", 250)},
        "a_loop_of_one_has_a_line_beside_the_other_s_delivery")
    ok(daemon.wait_for(rf"refused.*to=<{PAT}>.*message_id=<loop@x\.test>", begin),
       "and_says_which_message_it_was")

    begin = len(daemon.log)
    with Lmtp(daemon.unix) as client:
        client.command("LHLO client.test")
        is_(client.command("MAIL FROM:<a@x.test> SIZE=200000").code, 552, "a_size_is_refused")
        ok(daemon.wait_for(r"command refused.*552 5\.3\.4", begin), "and_logged")
        client.session("MAIL FROM:<a@x.test>", *[f"RCPT TO:<{PAT}>"] * 100)
        is_(client.command(f"RCPT TO:<{KIM}>").code, 452, "a_recipient_too_many_is_refused")
        ok(daemon.wait_for(r"command refused.*452 4\.5\.3", begin), "and_logged_too")
done()
