#!/usr/bin/env python3
"""recipients.lookup = socketmap: Cyrus' smmapd knows which mailboxes exist in Cyrus."""
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from control import until
from handoffd import Handoffd
from lmtp import connect, deliver
from lookups import defers_while_server_is_down, rcpt
from scratch import Scratch
from tap import done, is_

BIN = "/usr/lib/cyrus/bin"
IMAPD = """
configdirectory: {folder}/config
partition-default: {folder}/mail
defaultpartition: default
proc_path: /run/cyrus/proc
mboxname_lockpath: /run/cyrus/lock
lmtpsocket: {folder}/lmtp
admins: cyrus
virtdomains: userid
defaultdomain: example.org
autocreate_quota: 0
autocreate_post: yes
autocreate_users: anyone
"""
SERVICES = """
START {{
  recover cmd="{bin}/ctl_cyrusdb -r"
}}
SERVICES {{
  lmtpunix cmd="{bin}/lmtpd" listen="{folder}/lmtp" prefork=0
  smmap cmd="{bin}/smmapd" listen="{folder}/smmap" prefork=1
}}
EVENTS {{
}}
"""


class Cyrus:
    """All processes with this name are the test's, because it has its own process namespace."""

    def __init__(self, folder):
        self.folder, self.process = folder, None
        for each in (f"{folder}/config", f"{folder}/mail", "/run/cyrus/proc", "/run/cyrus/lock"):
            os.makedirs(each)
        pathlib.Path("/etc/imapd.conf").write_text(IMAPD.format(folder=folder), encoding="ascii")
        pathlib.Path("/etc/cyrus.conf").write_text(SERVICES.format(folder=folder, bin=BIN),
                                                   encoding="ascii")
        subprocess.run(["chown", "-R", "cyrus:cyrus", folder, "/run/cyrus"], check=True)

    def start(self):
        # The user of handoffd must be able to reach the sockets.
        self.process = subprocess.Popen([f"{BIN}/master"], umask=0, start_new_session=True)
        for name in ("lmtp", "smmap"):
            until(lambda where=name: self._listens(where), f"Cyrus listens at {name}")

    def _listens(self, name):
        try:
            connect(f"unix:{self.folder}/{name}").close()
        except OSError:
            return False
        return True

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for entry in os.scandir("/proc"):
            if entry.name.isdigit() and pathlib.Path(entry, "comm").read_text() == "smmapd\n":
                os.kill(int(entry.name), signal.SIGKILL)


peer.enter("cyrus")
scratch = Scratch()
folder = os.path.join(scratch.path, "cyrus")
os.mkdir(folder, 0o755)
cyrus = Cyrus(folder)
cyrus.start()
try:
    is_(deliver(f"unix:{folder}/lmtp", "", ["pat@example.org"], b"Subject: x\r\n\r\nx\r\n")
        .final["pat@example.org"].code, 250, "cyrus_creates_a_mailbox")
    with Handoffd({"recipients.lookup": f"socketmap:unix:{folder}/smmap:mailboxes",
                   "recipients.cache-ttl": "0s", "recipients.lookup-timeout": "2s"}) as daemon:
        is_(rcpt(daemon, "pat@example.org", "kim@example.org"), [250, 550],
            "exactly_the_addresses_with_a_mailbox_in_cyrus_are_recipients")
        defers_while_server_is_down(daemon, "pat@example.org", "kim@example.org", cyrus, "smmapd")
finally:
    cyrus.kill()
done()
