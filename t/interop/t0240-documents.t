#!/usr/bin/env python3
"""What README and doc/ tell an administrator to type works, where the software they speak of is.

With an argument, inside a peer's root: follows that peer's documents."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import documents
import peer
from scratch import Scratch
from tap import diag, done, is_, ok

DOCUMENTS = {
    "postfix": ["postfix.md", "operations.md", "troubleshooting.md",
                "migrating-from-procmail-or-mail.local.md", "migrating-from-dovecot-lmtp.md"],
    "exim4": ["exim.md"],
    "sendmail": ["sendmail.md"],
    "opensmtpd": ["opensmtpd.md"],
}
PAT = "pat@example.org"


def start_postfix():
    from postfix import Postfix
    return Postfix(Scratch(), "")


def start_exim():
    from exim import Exim
    os.symlink("/usr/sbin/exim4", "/usr/local/sbin/exim4")
    os.symlink("/usr/sbin/exim4", "/usr/local/sbin/exim")
    return Exim("example.org", "tcp.test")


def start_sendmail():
    from sendmail import SENDMAIL, prepare
    prepare()
    os.environ["PATH"] = f"{os.path.dirname(SENDMAIL)}:{os.environ['PATH']}"


def start_opensmtpd():
    from opensmtpd import Opensmtpd
    return Opensmtpd(Scratch())


START = {"postfix": start_postfix, "exim4": start_exim, "sendmail": start_sendmail,
         "opensmtpd": start_opensmtpd}

if len(sys.argv) == 1:
    # As one list for prove, what each root says in its turn.
    for name in START:
        peer.require(name)
    told = {each for names in DOCUMENTS.values() for each in names}
    told.add("performance.md")  # which the benchmark writes, and which has nothing to type
    is_(sorted(told), sorted(os.listdir(os.path.join(documents.TOP, "doc"))),
        "each_document_is_followed")
    for name in START:
        run = subprocess.run([sys.executable, __file__, name], stdout=subprocess.PIPE, text=True,
                             check=False, timeout=600)
        lines = run.stdout.splitlines()
        for line in lines:
            if line.startswith(("ok ", "not ok ")):
                ok(line.startswith("ok "), line.partition(" - ")[2])
        ok(run.returncode == 0 and lines[-1].startswith("1.."), f"{name}_got_to_its_end")
    done()

name = sys.argv[1]
peer.enter(name)
syslog = documents.install()
documents.follow("README.md")
started = START[name]()
for each in DOCUMENTS[name]:
    if each == "migrating-from-dovecot-lmtp.md":
        # Begins anew, with mailboxes that are another's.
        subprocess.run(["handoffctl", "stop"], check=True)
    before = len(documents.maildir.files(f"{documents.SPOOL}/example.org/pat"))
    documents.follow(f"doc/{each}")
    if each in ("postfix.md", "exim.md", "sendmail.md"):
        documents.arrives(PAT, before)
if len(sys.argv) > 2:
    diag("\n".join(syslog.lines))
done()
