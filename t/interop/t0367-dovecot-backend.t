#!/usr/bin/env python3
"""handoffd as a proxy in front of Dovecot's LMTP server: recipients are verified there, several of
them share one transaction with local recipients, and the content arrives unchanged."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import lmtp
import maildir
import parts
import peer
import tap
from dovecot import start_dovecot
from handoffd import Handoffd, free_port
from lmtp import Lmtp
from lookups import replies
from scratch import Scratch
from tap import done, is_, ok

peer.enter("dovecot")
if not os.path.exists("/usr/lib/dovecot/lmtp"):
    tap.skip_all("this Dovecot has no LMTP server")
if not parts.has("cdb"):
    tap.skip_all("this handoffd was built without tinycdb, so there is no file: lookup")

LMTP = """
protocols = lmtp
listen = 127.0.0.1
hostname = dovecot.test
postmaster_address = postmaster@good.test
recipient_delimiter = +
service lmtp {
  inet_listener lmtp {
    port = PORT
  }
}
"""
MESSAGE = (b"Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\nSubject: gr\xc3\xbc\xc3\x9fe\r\n"
           b"\r\n.\r\n..\r\n.x\r\nend\r\n")


def deliver(address, sender, recipients, message, timeout=30):
    """Returns the final replies, in the order of the recipients."""
    final = lmtp.deliver(address, sender, recipients, message, timeout).final
    return [final[each] for each in recipients]


port = free_port()
scratch = Scratch()
table = scratch.file("recipients", "".join(
    f"{user}@good.test host=127.0.0.1 port={port}\n" for user in ("pat", "lee")) +
    "kim@good.test\n")
with Handoffd({"recipients.lookup": f"file:{table}", "recipients.delimiter": "+"},
              scratch=scratch) as daemon:
    for user in ("pat", "lee"):
        daemon.mailbox(f"{user}@good.test")
    is_([r.code for r in replies(daemon, "pat@good.test", "kim@good.test")], [451, 250],
        "while Dovecot is down only its recipients are deferred")
    dovecot = start_dovecot(daemon, LMTP.replace("PORT", str(port)))
    everybody = ["pat@good.test", "kim@good.test", "lee@good.test"]
    got = deliver(daemon.unix, "s@example.net", everybody, MESSAGE)
    is_([r.code for r in got], [250, 250, 250], "recipients at Dovecot and here share a transaction")
    ok("Saved" in str(got[0]), "Dovecot's reply is passed on")
    for user in everybody:
        (stored,) = maildir.messages(daemon.mailbox_path(user))
        ok(stored.replace(b"\r\n", b"\n").endswith(MESSAGE.replace(b"\r\n", b"\n")),
           f"{user} has the message unchanged")
    large = MESSAGE + b"".join(b"%0998d\r\n" % line for line in range(20000))
    is_([r.code for r in deliver(daemon.unix, "", everybody[:1], large, timeout=120)], [250],
        "a message of 20 MB is passed on")
    ok(any(stored.replace(b"\r\n", b"\n").endswith(large.replace(b"\r\n", b"\n"))
           for stored in maildir.messages(daemon.mailbox_path("pat@good.test"))), "completely")
    with Lmtp(daemon.unix) as client:
        client.command("LHLO client.test")
        for number in range(3):
            client.session("MAIL FROM:<s@example.net>", "RCPT TO:<lee@good.test>")
            client.send(b"BDAT %d LAST\r\n" % len(MESSAGE) + MESSAGE)
            is_(client.reply().code, 250, f"message {number} of a session is delivered")
    dovecot.stop()
    is_([line for line in dovecot.log if re.search("Error|Fatal|Panic", line)], [],
        "Dovecot logs no error")
done()
