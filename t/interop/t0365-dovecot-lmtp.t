#!/usr/bin/env python3
"""Comparison with Dovecot's LMTP server: handoff accepts every form of address that Dovecot
accepts, and messages in a mailbox that a group reads have the same mode and group. V=1 prints the
answers."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import peer
import tap
from dovecot import start_dovecot
from handoffd import Handoffd
from lmtp import Lmtp
from tap import diag, done, is_, ok

peer.enter("dovecot")
if not os.path.exists("/usr/lib/dovecot/lmtp"):
    tap.skip_all("this Dovecot has no LMTP server")

LMTP = """
protocols = lmtp
hostname = dovecot.test
postmaster_address = postmaster@good.test
recipient_delimiter = +
lmtp_save_to_detail_mailbox = yes
lda_mailbox_autocreate = yes
service lmtp {
  unix_listener SOCKET {
    mode = 0666
  }
}
"""
PAT = "pat@good.test"
READERS = 60123
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n.\r\n"
SENDERS = ["", "a@example.net", "a..b@example.net", "a.@example.net", ".a@example.net",
           "a b@example.net", '"a b"@example.net', "a@b@example.net", "a@host-.example",
           "a@-host.example", "a@x..example", "a@example.net.", "a@[192.0.2.256]", "a@[192.0.2.1]",
           "MAILER-DAEMON", "x" * 300 + "@example.net", "p\u00e4t@example.net",
           "a@b\u00fccher.example", "a@ex_ample.net", "a!b@example.net", "@one.example:a@b.example"]
RECIPIENTS = [PAT, "Pat@Good.Test", "pat+lists@good.test", "pat+Lists@good.test",
              "pat+&A5EDkQ-@good.test", "pat+confirm+" + "0123456789" * 6 + "@good.test",
              "pat.@good.test", "pa..t@good.test", "p\u00e4t@good.test",
              "pat@d-.test", "pat@-d.test", '"pat"@good.test', "@one.example:pat@good.test",
              "nobody-" + "x" * 64 + "@good.test", "<pat@good.test"]


def shown(text):
    return text if len(text) < 40 else text[:30] + "..." + text[-12:]


def answers(socket, sender, recipient):
    """Returns the last reply of a transaction, without its text."""
    with Lmtp(f"unix:{socket}") as client:
        client.session("LHLO client.test")
        for line in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA"):
            reply = client.command(line.encode())
            if reply.code >= 400:
                break
        else:
            client.send(MESSAGE)
            reply = client.reply()
        return f"{reply.code} {reply.enhanced}".strip()


def rights(path):
    status = os.stat(path)
    return oct(status.st_mode & 0o7777), status.st_gid


with Handoffd({"recipients.lookup": "mailbox", "recipients.delimiter": "+"}) as daemon:
    for address in (PAT, "pat.@good.test", "p\u00e4t@good.test", "pat@d-.test", "pat@-d.test",
                    "pa..t@good.test"):
        daemon.mailbox(address)
    socket = f"{daemon.scratch.path}/dovecot.sock"
    dovecot = start_dovecot(daemon, LMTP.replace("SOCKET", socket))
    ours = daemon.unix.partition(":")[2]
    for what, pairs in (("sender", [(each, PAT) for each in SENDERS]),
                        ("recipient", [("a@example.net", each) for each in RECIPIENTS])):
        for sender, recipient in pairs:
            form = ascii(shown(sender if what == "sender" else recipient))
            theirs, answer = answers(socket, sender, recipient), answers(ours, sender, recipient)
            if os.environ.get("V"):
                diag(f"{what} {form}: handoff {answer}, Dovecot {theirs}")
            if theirs.startswith("2"):
                ok(answer.startswith("2"), f"{what} {form} is accepted ({answer})")

    # The same mailbox for both. Unlike Dovecot, handoff gives no rights to users outside the group.
    for number, (mode, group) in enumerate(((0o700, None), (0o2770, READERS), (0o2750, READERS),
                                            (0o750, None))):
        found = []
        for name, at in (("h", ours), ("d", socket)):
            address = f"{name}{number}@good.test"
            box = daemon.mailbox(address)
            for place in (box, *(os.path.join(box, each) for each in ("new", "cur", "tmp"))):
                if group:
                    os.chown(place, daemon.owner[0], group)
                os.chmod(place, mode)
            is_(answers(at, "", address)[:3], "250", f"{oct(mode)}: delivered")
            (message,) = maildir.files(box)
            found.append(rights(message))
        is_(found[0], found[1], f"a message in a mailbox of mode {oct(mode)} has Dovecot's mode and group")
    dovecot.stop()
done()
