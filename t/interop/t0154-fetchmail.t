#!/usr/bin/env python3
"""fetchmail polls a mailbox, and takes away what it has fetched, while mail goes on arriving and
handoffd is killed: each message is fetched once. The one exception is the documented one
(src/spool/README, Not covered): a reader has taken away, before its retry came, a message whose reply
the kill kept back."""
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

POLLS = 10      # while mail arrives, in half of them at least
MOST_POLLS = 200
FETCHLIMIT = 20     # messages a poll; without a limit it goes on for as long as there is new mail
PAT = "pat@good.test"

FETCHMAILRC = """
poll 127.0.0.1 protocol imap service {port}
  user "{user}" password "any" sslproto "" no keep fetchall fetchlimit {limit}
  mda "cat >$(mktemp {fetched}/new/XXXXXXXX)"
"""
NO_MAIL, LIMITED = 1, 13    # fetchmail(1), EXIT CODES


class Fetchmail:
    """As the user to whom the mailbox belongs."""

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
        """Returns what it complains of."""
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
        """Until there is no more; returns what it complains of."""
        complaints = self.poll()
        while not complaints and self.code != NO_MAIL:
            complaints = self.poll()
        return complaints


class Poll(threading.Thread):
    """A poll under way, and what it complained of."""

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
    """In how many polls something arrived."""
    return sum(number > 0 for number in meanwhile)


def polled(kill):
    """Mail arrives while fetchmail polls, and kill(daemon, mail, fetchmail) is done once meanwhile;
    returns ({name: copies} of what was fetched, the same of what should be, what kill returned)."""
    complaints, meanwhile = [], []
    with Server() as daemon:
        daemon.mailbox(PAT)
        port = free_port()
        dovecot = start_dovecot(daemon, IMAP.replace("PORT", str(port)))
        fetchmail = Fetchmail(daemon, port)
        with Arrivals(daemon.unix, [PAT], pause=0.3) as mail:
            # A poll may be over before anything arrives: until in enough of them something has.
            while len(meanwhile) < POLLS or busy(meanwhile) < POLLS // 2 and len(meanwhile) < MOST_POLLS:
                mail.each_goes_on()
                if len(meanwhile) == POLLS // 2:
                    kill_found = kill(daemon, mail, fetchmail)
                before = mail.count
                complaints += fetchmail.poll()
                meanwhile.append(mail.count - before)
        complaints += fetchmail.poll_all()
        what = kill.__name__
        diag(f"{what}: {mail.count} messages, so many during a poll: {meanwhile}")
        empty(mail.faults, f"each_message_was_acknowledged_in_the_end_{what}")
        ok(busy(meanwhile) >= POLLS // 2,
           f"mail_arrived_while_fetchmail_polled_{what}")
        empty(complaints, f"fetchmail_complains_of_nothing_{what}")
        copies, damaged = account(maildir.messages(fetchmail.fetched))
        empty(damaged, f"each_message_fetched_is_whole_{what}")
        is_(daemon.messages(PAT), [], f"nothing_is_left_in_the_mailbox_{what}")
        empty((line for line in dovecot.log if "Error" in line or "Warning" in line),
              f"dovecot_complains_of_nothing_{what}")
        dovecot.stop()
        is_(daemon.staged(), [], f"nothing_stays_in_staging_{what}")
    return copies, mail.of(PAT), kill_found


def killed_between_polls(daemon, mail, _):
    """The retries come before the next poll."""
    daemon.kill()
    mail.each_goes_on()


def killed_during_a_poll(daemon, mail, fetchmail):
    """Returns what was acknowledged before."""
    before = len(maildir.files(fetchmail.fetched))
    poll = Poll(fetchmail)
    until(lambda: len(maildir.files(fetchmail.fetched)) > before, "fetchmail fetches")
    acknowledged = mail.of(PAT)
    daemon.kill()
    empty(poll.end(), "the_poll_in_which_handoffd_was_killed_ends_well")
    return acknowledged


copies, wanted, _ = polled(killed_between_polls)
is_(copies, wanted, "each_message_is_fetched_once_killed_between_polls")

copies, wanted, acknowledged = polled(killed_during_a_poll)
is_(wanted - copies, Counter(), "each_message_is_fetched_killed_during_a_poll")
again = copies - wanted
diag(f"fetched again, with its retry: {dict(again)}")
empty((name for name in again if name in acknowledged),
      "what_was_acknowledged_before_a_kill_is_fetched_once")
ok(sum(again.values()) <= CLIENTS, "and_no_more_than_was_under_way_comes_again")
done()
