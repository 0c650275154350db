#!/usr/bin/env python3
"""A recipient that does not get a received message has a log line and is counted in the metrics,
like the other recipients."""
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
    """Waits until each recipient has a log line after `begin`; returns {recipient: (outcome,
    code)}."""
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
            f"{name}_is_refused_for_each_recipient")
        is_(outcomes(daemon, begin), {PAT: ("refused", code), KIM: ("refused", code)},
            f"{name}_has_a_log_line_for_each_recipient")

    begin = len(daemon.log)
    deliver(daemon.unix, "a@x.test", [PAT, KIM],
            (f"Delivered-To: {PAT}\r\n" * 6
             + "Message-ID: <loop@x.test>\r\n\r\nhello\r\n").encode())
    is_(outcomes(daemon, begin), {PAT: ("refused", 554), KIM: ("delivered", 250)},
        "a_loop_for_one_recipient_is_logged_and_the_other_is_delivered")
    ok(daemon.wait_for(rf"refused.*to=<{PAT}>.*message_id=<loop@x\.test>", begin),
       "the_log_line_names_the_message")

    begin = len(daemon.log)
    with Lmtp(daemon.unix) as client:
        client.command("LHLO client.test")
        is_(client.command("MAIL FROM:<a@x.test> SIZE=200000").code, 552, "a_declared_size_beyond_the_limit_is_refused")
        ok(daemon.wait_for(r"command refused.*552 5\.3\.4", begin), "the_refused_size_is_logged")
        client.session("MAIL FROM:<a@x.test>", *[f"RCPT TO:<{PAT}>"] * 100)
        is_(client.command(f"RCPT TO:<{KIM}>").code, 452, "a_recipient_beyond_the_limit_is_refused")
        ok(daemon.wait_for(r"command refused.*452 4\.5\.3", begin), "the_refused_surplus_recipient_is_logged")
done()
