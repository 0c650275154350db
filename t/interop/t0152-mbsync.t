#!/usr/bin/env python3
"""mbsync mirrors mailboxes through Dovecot's IMAP and from the Maildir while mail arrives and
handoffd is killed and restarted: both sides have each message once and complete."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import peer
from arrivals import Arrivals, account
from dovecot import IMAP, start_dovecot
from handoffd import free_port
from scenarios import Server
from tap import diag, done, empty, is_, ok

peer.enter("dovecot", [peer.folder("isync")])

RUNS = 12       # runs of mbsync while mail arrives
BY_IMAP, BY_MAILDIR = ["pat@good.test", "sam@good.test"], ["kim@good.test"]

CHANNEL = """
MaildirStore {name}-mirror
Path {mirror}/{name}/
Inbox {mirror}/{name}/INBOX

Channel {name}
Far :{name}:
Near :{name}-mirror:
Create Near
SyncState *

"""
IMAP_STORE = """
IMAPStore {name}
Host 127.0.0.1
Port {port}
User {user}
Pass any
SSLType None
AuthMechs LOGIN
"""
MAILDIR_STORE = """
MaildirStore {name}
Path {mirror}/{name}/
Inbox {mailbox}
"""


class Mirror:
    """Runs mbsync on the mailboxes as their owner."""

    def __init__(self, daemon, port):
        self.daemon = daemon
        self.path = os.path.join(daemon.scratch.path, "mirror")
        os.mkdir(self.path)
        os.chown(self.path, *daemon.owner)
        text = ""
        for user in BY_IMAP + BY_MAILDIR:
            name = user.partition("@")[0]
            folder = os.path.join(self.path, name)
            os.mkdir(folder)
            os.chown(folder, *daemon.owner)
            store = IMAP_STORE if user in BY_IMAP else MAILDIR_STORE
            text += (store + CHANNEL).format(name=name, user=user, port=port, mirror=self.path,
                                             mailbox=daemon.mailbox_path(user))
        self.configuration = daemon.scratch.file("mbsyncrc", text)

    def sync(self):
        """Returns the error messages of mbsync."""
        uid, gid = self.daemon.owner
        run = subprocess.run(
            [os.path.join(peer.folder("isync"), "usr/bin/mbsync"), "-q", "-c", self.configuration,
             "-a"], env={**peer.environment("isync"), "HOME": self.path}, user=uid, group=gid,
            extra_groups=[], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=60, check=False)
        said = [line for line in run.stdout.decode("utf-8", "replace").splitlines()
                if "Password is being sent in the clear" not in line]  # which is intended here
        return said or ([f"exit code {run.returncode}"] if run.returncode != 0 else [])

    def messages(self, user):
        return maildir.messages(os.path.join(self.path, user.partition("@")[0], "INBOX"))


with Server() as daemon:
    users = BY_IMAP + BY_MAILDIR
    for user in users:
        daemon.mailbox(user)
    port = free_port()
    dovecot = start_dovecot(daemon, IMAP.replace("PORT", str(port)))
    mirror = Mirror(daemon, port)
    complaints, meanwhile = [], []
    # mbsync reads a Maildir only after a second without new files, so the Maildir gets less mail
    # than the mailbox behind IMAP: otherwise mbsync would never read it.
    with Arrivals(daemon.unix, BY_MAILDIR, pause=4) as slow, Arrivals(daemon.unix, BY_IMAP) as mail:
        for run in range(RUNS):
            mail.each_goes_on()
            if run == RUNS // 2:
                daemon.kill()
            before = mail.count, slow.count
            complaints += mirror.sync()
            meanwhile.append((mail.count - before[0], slow.count - before[1]))
    complaints += mirror.sync()
    diag(f"{mail.count} and {slow.count} messages, of which during each run of mbsync: {meanwhile}")
    empty(mail.faults + slow.faults, "every_message_was_acknowledged_in_the_end")
    for way, numbers in zip(("by_imap", "to_the_maildir"), zip(*meanwhile)):
        ok(sum(number > 0 for number in numbers) >= RUNS // 3, f"mail_arrived_{way}_while_mbsync_ran")
    empty(complaints, "mbsync_prints_no_error")
    for user in users:
        name = user.partition("@")[0]
        for side, octets in (("mailbox", daemon.messages(user)), ("mirror", mirror.messages(user))):
            copies, damaged = account(octets)
            empty(damaged, f"each_message_in_the_{side}_of_{name}_is_complete")
            is_(copies, mail.of(user) + slow.of(user), f"the_{side}_of_{name}_has_each_message_once")
    empty((line for line in dovecot.log if "Error" in line or "Warning" in line),
          "dovecot_logs_no_error")
    dovecot.stop()
    is_(daemon.staged(), [], "nothing_stays_in_staging")
    is_(daemon.stop(), 0, "the_server_exits_with_0")

done()
