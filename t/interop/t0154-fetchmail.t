#!/usr/bin/env python3
"""fetchmail polls a mailbox and removes the fetched messages while mail arrives and handoffd is
killed: each message is fetched once. The only exception is documented (src/spool/README, Not
covered): the kill suppresses a reply, and a mail client removes the message before it is sent
again."""
import os
import subprocess
import sys
import threading
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import peer
from arrivals import CLIENTS, Arrivals, account
from dovecot import IMAP, start_dovecot
from handoffd import free_port
from mta import until
from scenarios import Server
from tap import diag, done, empty, is_, ok

peer.enter("dovecot", [peer.folder("fetchmail")])

POLLS = 10      # at least; mail arrives during half of them
MOST_POLLS = 200
FETCHLIMIT = 20     # messages in one poll; without a limit a poll lasts as long as new mail arrives
PAT = "pat@good.test"

FETCHMAILRC = """
poll 127.0.0.1 protocol imap service {port}
  user "{user}" password "any" sslproto "" no keep fetchall fetchlimit {limit}
  mda "cat >$(mktemp {fetched}/new/XXXXXXXX)"
"""
NO_MAIL, LIMITED = 1, 13    # fetchmail(1), EXIT CODES


class Fetchmail:
    """Runs fetchmail as the owner of the mailbox."""

    def __init__(self, daemon, port):
        self.owner = daemon.owner
        self.code = None    # the exit code of the last poll
        self.folder = os.path.join(daemon.scratch.path, "fetchmail")
        self.fetched = maildir.create(os.path.join(self.folder, "fetched"), self.owner)
        self.configuration = daemon.scratch.file(
            "fetchmailrc", FETCHMAILRC.format(port=port, user=PAT, fetched=self.fetched, limit=FETCHLIMIT))
        os.chmod(self.configuration, 0o600)
        os.chown(self.configuration, *self.owner)

    def poll(self):
        """Returns its error messages."""
        run = subprocess.run(
            [os.path.join(peer.folder("fetchmail"), "usr/bin/fetchmail"), "--silent", "--fetchmailrc",
             self.configuration], env={**peer.environment("fetchmail"), "HOME": self.folder},
            user=self.owner[0], group=self.owner[1], extra_groups=[], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        self.code = run.returncode
        said = [line for line in run.stdout.decode("utf-8", "replace").splitlines()
                if f"fetchlimit {FETCHLIMIT} reached" not in line and "MAXFETCH" not in line]
        return said or ([f"exit code {self.code}"] if self.code not in (0, NO_MAIL, LIMITED) else [])

    def poll_all(self):
        """Polls until there is no more mail; returns the error messages."""
        complaints = self.poll()
        while not complaints and self.code != NO_MAIL:
            complaints = self.poll()
        return complaints


class Poll(threading.Thread):
    """Runs fetchmail in a thread; end() returns its error messages."""

    def __init__(self, fetchmail):
        super().__init__(daemon=True)
        self.fetchmail = fetchmail
        self.complaints = ["it did not end"]
        self.start()

    def run(self):
        self.complaints = self.fetchmail.poll()

    def end(self):
        self.join(90)
        return self.complaints


def busy(meanwhile):
    """Returns the number of polls during which mail arrived."""
    return sum(number > 0 for number in meanwhile)


def polled(kill):
    """Lets mail arrive while fetchmail polls, and calls kill(daemon, mail, fetchmail) once; returns
    ({name: copies} of the fetched messages, the same of the expected ones, the result of kill)."""
    complaints, meanwhile = [], []
    with Server() as daemon:
        daemon.mailbox(PAT)
        port = free_port()
        dovecot = start_dovecot(daemon, IMAP.replace("PORT", str(port)))
        fetchmail = Fetchmail(daemon, port)
        with Arrivals(daemon.unix, [PAT], pause=0.3) as mail:
            # A poll may end before mail arrives, so poll until mail has arrived during enough of
            # them.
            while len(meanwhile) < POLLS or busy(meanwhile) < POLLS // 2 and len(meanwhile) < MOST_POLLS:
                mail.each_goes_on()
                if len(meanwhile) == POLLS // 2:
                    kill_found = kill(daemon, mail, fetchmail)
                before = mail.count
                complaints += fetchmail.poll()
                meanwhile.append(mail.count - before)
        complaints += fetchmail.poll_all()
        what = kill.__name__
        diag(f"{what}: {mail.count} messages, of which during each poll: {meanwhile}")
        empty(mail.faults, f"every_message_was_acknowledged_in_the_end_{what}")
        ok(busy(meanwhile) >= POLLS // 2,
           f"mail_arrived_while_fetchmail_polled_{what}")
        empty(complaints, f"fetchmail_prints_no_error_{what}")
        copies, damaged = account(maildir.messages(fetchmail.fetched))
        empty(damaged, f"each_fetched_message_is_complete_{what}")
        is_(daemon.messages(PAT), [], f"nothing_is_left_in_the_mailbox_{what}")
        empty((line for line in dovecot.log if "Error" in line or "Warning" in line),
              f"dovecot_logs_no_error_{what}")
        dovecot.stop()
        is_(daemon.staged(), [], f"nothing_stays_in_staging_{what}")
    return copies, mail.of(PAT), kill_found


def killed_between_polls(daemon, mail, _):
    """The messages are sent again before the next poll."""
    daemon.kill()
    mail.each_goes_on()


def killed_during_a_poll(daemon, mail, fetchmail):
    """Returns the messages that were acknowledged before."""
    before = len(maildir.files(fetchmail.fetched))
    poll = Poll(fetchmail)
    until(lambda: len(maildir.files(fetchmail.fetched)) > before, "fetchmail fetches")
    acknowledged = mail.of(PAT)
    daemon.kill()
    empty(poll.end(), "a_poll_during_which_handoffd_is_killed_succeeds")
    return acknowledged


copies, wanted, _ = polled(killed_between_polls)
is_(copies, wanted, "after_a_kill_between_polls_each_message_is_fetched_once")

copies, wanted, acknowledged = polled(killed_during_a_poll)
is_(wanted - copies, Counter(), "after_a_kill_during_a_poll_each_message_is_fetched")
again = copies - wanted
diag(f"fetched again, with its retry: {dict(again)}")
empty((name for name in again if name in acknowledged),
      "messages_acknowledged_before_a_kill_are_fetched_once")
ok(sum(again.values()) <= CLIENTS, "only_messages_in_progress_at_a_kill_are_fetched_twice")
done()
